/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NSS look-ups, and the guarded add.
 */
#include "membership.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_NSS_BUFFER (64u << 20) /* a group of a million members */
#define MAX_GROUPS 65536           /* the kernel's NGROUPS_MAX */
#define MAX_INTERRUPTED 100        /* a host's timer may go on for ever */
#define MANY_GROUPS 64             /* a directory's answers take their time */

typedef int lookup(const void *key, void *entry, char *buffer, size_t size,
                   bool *ret_found);

/*
 * Call `look` with a buffer that grows until the entry fits.  0 and the buffer
 * (the caller frees it), or -ENOENT or another negative errno.
 */
static int
look_up(lookup *look, const void *key, void *entry, char **ret_buffer)
{
    int interrupted = 0;

    for (size_t size = 2048; size <= MAX_NSS_BUFFER; size *= 4) {
        char *buffer = malloc(size);
        bool found = false;
        int error;

        if (!buffer)
            return -ENOMEM;
        error = look(key, entry, buffer, size, &found);
        if (error == 0 && found) {
            *ret_buffer = buffer;
            return 0;
        }
        free(buffer);
        if (error == EINTR && ++interrupted < MAX_INTERRUPTED)
            size /= 4;
        else if (error != ERANGE)
            return error == 0 || error == ESRCH ? -ENOENT : -error;
    }
    return -ERANGE;
}

static int
look_user(const void *key, void *entry, char *buffer, size_t size,
          bool *ret_found)
{
    struct passwd *found = NULL;
    int error = getpwnam_r(key, entry, buffer, size, &found);

    *ret_found = found != NULL;
    return error;
}

static int
look_group_name(const void *key, void *entry, char *buffer, size_t size,
                bool *ret_found)
{
    struct group *found = NULL;
    int error = getgrnam_r(key, entry, buffer, size, &found);

    *ret_found = found != NULL;
    return error;
}

static int
look_group_gid(const void *key, void *entry, char *buffer, size_t size,
               bool *ret_found)
{
    const gid_t *gid = key;
    struct group *found = NULL;
    int error = getgrgid_r(*gid, entry, buffer, size, &found);

    *ret_found = found != NULL;
    return error;
}

bool
membership_knows_user(const char *name)
{
    CLEANUP_FREE char *buffer = NULL;
    struct passwd passwd;

    return look_up(look_user, name, &passwd, &buffer) != -ENOENT;
}

bool
membership_knows_group(const char *name)
{
    CLEANUP_FREE char *buffer = NULL;
    struct group group;

    return look_up(look_group_name, name, &group, &buffer) != -ENOENT;
}

int
membership_gid_name(gid_t gid, char *ret_name, size_t size)
{
    CLEANUP_FREE char *buffer = NULL;
    struct group group;
    int result = look_up(look_group_gid, &gid, &group, &buffer);

    if (result < 0)
        return result;
    if (strlen(group.gr_name) >= size)
        return -ENAMETOOLONG;
    strcpy(ret_name, group.gr_name);
    return 0;
}

/*
 * The names of the subject's own groups are few, as a rule; a policy may name
 * many groups that he is not in, and each would be asked for.
 */
static void
load_names(const struct subject *subject, struct group_names *names)
{
    names->is_loaded = true;
    names->count = 0;
    names->name = calloc(subject->ngroups, sizeof(*names->name));
    names->error = names->name ? 0 : ENOMEM;
    for (size_t i = 0; names->error == 0 && i < subject->ngroups; i++) {
        char name[256];
        char *copy = NULL;
        int r = membership_gid_name(subject->groups[i], name, sizeof(name));

        if (r == 0 && !(copy = strdup(name)))
            r = -ENOMEM;
        if (copy)
            names->name[names->count++] = copy;
        else if (r == -ENOENT)
            names->has_nameless = true;
        else if (r != -ENAMETOOLONG) /* no policy has such */
            names->error = -r;
    }
}

/*
 * What is the number of the group that is asked for?  Who is to be left out is
 * so by its list as well, of which a service may have none (NULL).
 */
static bool
has_group_named(const struct subject *subject, const char *name,
                bool leaves_out)
{
    CLEANUP_FREE char *buffer = NULL;
    struct group group;
    char **member;
    int r = look_up(look_group_name, name, &group, &buffer);

    if (r < 0 && r != -ENOENT)
        subject->own_names->error = -r;
    if (r < 0 || (!leaves_out && !subject->own_names->has_nameless &&
                  strcmp(group.gr_name, name) != 0))
        return false;
    for (member = group.gr_mem; leaves_out && member && *member; member++)
        if (strcmp(*member, subject->user) == 0)
            return true;
    return membership_holds(subject, group.gr_gid);
}

/*
 * By name if he has many groups, or one has no name; and if it leaves him out:
 * getgrouplist() is silent about a service that did not answer.
 */
static bool
is_in_group(const struct subject *subject, const char *name, bool leaves_out)
{
    struct group_names *names = subject->own_names;
    bool is_many = subject->ngroups > MANY_GROUPS;

    if (!is_many && !names->is_loaded)
        load_names(subject, names);
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->name[i], name) == 0)
            return true;
    }
    return (is_many || names->has_nameless || leaves_out) &&
           has_group_named(subject, name, leaves_out);
}

int
membership_reload_groups(struct person *person, struct err *err)
{
    struct subject *subject = &person->subject;
    int size = 64;

    for (;;) {
        int count = size;
        gid_t *groups =
            reallocarray(person->groups, (size_t)size, sizeof(*groups));

        if (!groups)
            return err_sys(err, ENOMEM, "groups of %s", subject->user);
        person->groups = groups;
        subject->groups = groups;
        subject->ngroups = 0;
        errno = 0;
        if (getgrouplist(subject->user, subject->gid, groups, &count) >= 0) {
            subject->ngroups = (size_t)count;
            return 0;
        }
        if (errno && count <= size) /* musl: it could not be found out */
            return err_sys(err, errno, "groups of %s", subject->user);
        if (size >= MAX_GROUPS)
            return err_set(err, E2BIG, "%s is in more than %d groups",
                           subject->user, MAX_GROUPS);
        size = count > size ? count : size * 2;
    }
}

/* The name is whatever somebody typed: it must not forge a line of the log. */
static int
refuse_user(const char *user, int result, struct err *err)
{
    char word[256] = "";
    struct text text = TEXT_INIT(word);

    text_add_word(&text, user);
    if (result == -ENOENT)
        return err_set(err, ENOENT, "user %s is not known to NSS", word);
    return err_sys(err, -result, "user %s", word);
}

int
membership_load(const char *user, const char *service, struct person *ret,
                struct err *err)
{
    struct person person = {.buffer = NULL};
    struct passwd passwd;
    int result = look_up(look_user, user, &passwd, &person.buffer);

    if (result < 0)
        return refuse_user(user, result, err);
    if (gethostname(person.host, sizeof(person.host)) < 0)
        person.host[0] = '\0';
    person.host[sizeof(person.host) - 1] = '\0';
    person.subject = (struct subject){
        .user = passwd.pw_name,
        .uid = passwd.pw_uid,
        .gid = passwd.pw_gid,
        .home = passwd.pw_dir ? passwd.pw_dir : "",
        .service = service,
        .in_group = is_in_group,
    };
    result = membership_reload_groups(&person, err);
    if (result < 0) {
        membership_free(&person);
        return result;
    }
    *ret = person;
    ret->subject.host = ret->host;
    ret->subject.own_names = &ret->names;
    return 0;
}

void
membership_free(struct person *person)
{
    for (size_t i = 0; i < person->names.count; i++)
        free(person->names.name[i]);
    free(person->names.name);
    free(person->buffer);
    free(person->groups);
    *person = (struct person){.buffer = NULL};
}

static int
look_uid(const void *key, void *entry, char *buffer, size_t size,
         bool *ret_found)
{
    const uid_t *uid = key;
    struct passwd *found = NULL;
    int error = getpwuid_r(*uid, entry, buffer, size, &found);

    *ret_found = found != NULL;
    return error;
}

/* Is nobody but `name` in the group `gid`, which has his name? */
static bool
is_own_group(const char *name, gid_t gid)
{
    CLEANUP_FREE char *buffer = NULL;
    struct group group;

    if (look_up(look_group_gid, &gid, &group, &buffer) < 0 ||
        strcmp(group.gr_name, name) != 0)
        return false;
    for (char **member = group.gr_mem; member && *member; member++) {
        if (strcmp(*member, name) != 0)
            return false;
    }
    return true;
}

struct owner
membership_owner(uid_t uid, gid_t gid)
{
    struct owner owner = {.own_gid = (gid_t)-1};
    CLEANUP_FREE char *buffer = NULL;
    struct passwd passwd;
    struct person person = {.buffer = NULL};
    int r = look_up(look_uid, &uid, &passwd, &buffer);

    owner.is_known = r == 0;
    if (r < 0) {
        owner.error = r == -ENOENT ? 0 : -r;
        return owner;
    }
    if (is_own_group(passwd.pw_name, passwd.pw_gid))
        owner.own_gid = passwd.pw_gid;
    person.subject.user = passwd.pw_name;
    person.subject.gid = passwd.pw_gid;
    r = membership_reload_groups(&person, NULL);
    owner.is_member = r == 0 && membership_holds(&person.subject, gid);
    owner.error = -r;
    free(person.groups);
    return owner;
}

int
membership_group(const struct policy_section *section, gid_t *ret_gid,
                 struct err *err)
{
    const struct policy_value *value = &section->value[KEY_GROUP];
    CLEANUP_FREE char *buffer = NULL;
    struct group group = {.gr_name = NULL};
    gid_t gid = (gid_t)value->number;
    int result;

    if (value->number >= 0)
        result = look_up(look_group_gid, &gid, &group, &buffer);
    else
        result = look_up(look_group_name, value->text, &group, &buffer);
    if (result < 0 && result != -ENOENT)
        return err_sys(err, -result, "group \"%s\"", value->text);
    if (result < 0 && value->number < 0)
        return err_set(err, ENOENT,
                       "there is no group \"%s\": make it with `hfcache "
                       "setup` or groupadd, or see to your directory",
                       value->text);
    if (result == 0)
        gid = group.gr_gid;
    else
        group.gr_name = NULL; /* what a failed look-up left behind */
    if (policy_group_is_reserved(group.gr_name, gid))
        return err_set(err, EPERM,
                       "group \"%s\" (gid %u) carries rights of its own: give "
                       "a group made for the cache",
                       value->text, gid);
    *ret_gid = gid;
    return 0;
}

static bool
contains(const gid_t *groups, size_t count, gid_t gid)
{
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == gid)
            return true;
    }
    return false;
}

bool
membership_holds(const struct subject *subject, gid_t gid)
{
    return subject->gid == gid ||
           contains(subject->groups, subject->ngroups, gid);
}

bool
membership_single_thread(void)
{
    struct stat task;

    /* Each thread is a folder there; with "." and ".." that is three links. */
    return stat("/proc/self/task", &task) == 0 && task.st_nlink == 3;
}

/* The process's own groups with room for one more; the caller frees. */
static int
read_own_groups(gid_t **ret_groups, size_t *ret_count)
{
    int count = getgroups(0, NULL);
    CLEANUP_FREE gid_t *groups =
        count < 0 ? NULL : calloc((size_t)count + 1, sizeof(*groups));

    if (!groups)
        return -errno;
    if (count > 0) /* 0 would ask for the number alone */
        count = getgroups(count, groups);
    if (count < 0)
        return -errno;
    *ret_groups = groups;
    groups = NULL;
    *ret_count = (size_t)count;
    return 0;
}

/*
 * Has this process become the subject's, group by group?  gid 0 proves
 * nothing: the host itself is root's.
 */
static bool
has_become(const struct subject *subject, gid_t gid, const gid_t *own,
           size_t count)
{
    bool proven = false;

    for (size_t i = 0; i < subject->ngroups; i++) {
        gid_t group = subject->groups[i];

        if (group == gid)
            continue;
        if (!contains(own, count, group) && group != getegid())
            return false;
        proven = proven || group != 0;
    }
    return proven;
}

/* Is there no group in the process that the subject has not? */
static bool
has_nothing_else(const struct subject *subject, gid_t gid, const gid_t *own,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (own[i] != gid && !membership_holds(subject, own[i]))
            return false;
    }
    return getegid() == gid || membership_holds(subject, getegid());
}

static enum guard
guard_as_user(const struct subject *subject, bool present)
{
    return geteuid() == subject->uid && present ? GUARD_PRESENT : GUARD_CLOSED;
}

enum guard
membership_guarded_add(const struct subject *subject, gid_t gid, bool may_add,
                       struct err *err)
{
    CLEANUP_FREE gid_t *own = NULL;
    size_t count = 0;
    bool present;
    int result = read_own_groups(&own, &count);

    if (!own) {
        err_sys(err, -result, "groups of this process");
        return GUARD_FAILED;
    }
    present = contains(own, count, gid) || getegid() == gid;
    if (geteuid() != 0)
        return guard_as_user(subject, present);
    if (!has_become(subject, gid, own, count))
        return GUARD_CLOSED;
    if (present)
        return GUARD_PRESENT;
    if (!may_add || (!membership_single_thread() &&
                     !has_nothing_else(subject, gid, own, count)))
        return GUARD_CLOSED;
    own[count] = gid;
    if (setgroups(count + 1, own) < 0) {
        err_sys(err, errno, "setgroups");
        return GUARD_FAILED;
    }
    return GUARD_ADDED;
}

bool
membership_path_holds_home(const char *path, char *ret_user, size_t size)
{
    size_t length = strlen(path);
    struct passwd *passwd;
    bool found = false;

    setpwent();
    while (!found && (passwd = getpwent())) {
        const char *home = passwd->pw_dir ? passwd->pw_dir : "";

        found = util_has_prefix(home, path) &&
                (home[length] == '/' || !home[length]);
        if (found)
            snprintf(ret_user, size, "%s", passwd->pw_name);
    }
    endpwent();
    return found;
}
