/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of the memberships that we gave: see members.h.
 */
#include "members.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "safefs.h"

#define MAX_LIST_BYTES (64u << 20) /* a million lines */
#define MAX_LINE 512
#define FIELDS 6
#define BEGUN "begun-" /* and the user's name */

const char *const members_words[] = {
    [MEMBERS_USERMOD] = "usermod",
    [MEMBERS_USERDB] = "userdb",
    [MEMBERS_REVOKED] = "revoked",
};

static int
format_line(const struct members_entry *entry, char *ret, size_t size)
{
    int length = snprintf(ret, size, "%" PRId64 " %s %s %s %u %u\n",
                          entry->when, entry->user, entry->group,
                          members_words[entry->how], entry->uid, entry->gid);

    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : length;
}

int
members_append(const char *dir, const struct members_entry *entry)
{
    CLEANUP_CLOSE int dir_fd = safefs_open_state_folder(dir, 0755, 0, NULL);
    char line[MAX_LINE];
    int length = format_line(entry, line, sizeof(line));

    if (length < 0 || dir_fd < 0)
        return length < 0 ? length : dir_fd;
    return safefs_append_line(dir_fd, MEMBERS_FILE, line);
}

/* Parse one line in place; false: it is none of ours. */
static bool
parse_line(char *line, struct members_entry *ret)
{
    uint64_t when, uid, gid;
    char *field[FIELDS];
    size_t how = 0;

    for (size_t i = 0; i < FIELDS; i++)
        if (!(field[i] = strsep(&line, " ")))
            return false;
    while (how < ARRAY_LEN(members_words) &&
           strcmp(field[3], members_words[how]) != 0)
        how++;
    if (line || how == ARRAY_LEN(members_words) ||
        util_parse_number(field[0], INT64_MAX, &when) < 0 ||
        util_parse_number(field[4], UINT32_MAX, &uid) < 0 ||
        util_parse_number(field[5], UINT32_MAX, &gid) < 0)
        return false;
    *ret = (struct members_entry){(int64_t)when, field[1], field[2],
                                  (enum members_how)how, (uid_t)uid,
                                  (gid_t)gid};
    return true;
}

/* A drop-in is of a name, whichever uid that has had. */
static bool
is_of_same(const struct members_entry *earlier,
           const struct members_entry *entry)
{
    return strcmp(earlier->group, entry->group) == 0 &&
           (earlier->uid == entry->uid || earlier->how == MEMBERS_USERDB);
}

/* Let this line take the place of the earlier ones that it is about. */
static int
take_entry(struct members *members, const struct members_entry *entry)
{
    struct members_entry *grown;
    size_t kept = 0;

    for (size_t i = 0; i < members->count; i++)
        if (!is_of_same(&members->entry[i], entry))
            members->entry[kept++] = members->entry[i];
    members->count = kept;
    if (entry->how == MEMBERS_REVOKED)
        return 0;
    grown = reallocarray(members->entry, members->count + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    members->entry = grown;
    grown[members->count++] = *entry;
    return 0;
}

/* Read the file `name``suffix`; without one *ret_buffer stays NULL. */
static int
read_lines(const char *dir, const char *name, const char *suffix,
           uid_t trusted_uid, char **ret_buffer, struct err *err)
{
    CLEANUP_FREE char *path = util_format("%s/%s%s", dir, name, suffix);
    size_t length;
    int r = path ? safefs_read_state(path, trusted_uid, MAX_LIST_BYTES,
                                     ret_buffer, &length, err)
                 : err_sys(err, ENOMEM, "%s", dir);

    return r == -ENOENT ? 0 : r;
}

/* Take what is of `user` in these lines, which are cut up. */
static int
take_lines(char *lines, const char *user, struct members *members)
{
    struct members_entry entry;
    char *line;
    int r = 0;

    while (r == 0 && (line = strsep(&lines, "\n")) && lines)
        if (parse_line(line, &entry) && strcmp(entry.user, user) == 0)
            r = take_entry(members, &entry);
    return r;
}

/*
 * What was begun counts behind the list, but is read before it: in between it
 * may go from there into the list.
 */
int
members_load(const char *dir, uid_t trusted_uid, const char *user,
             struct members *ret, struct err *err)
{
    int r;

    *ret = (struct members){.entry = NULL};
    r = read_lines(dir, BEGUN, user, trusted_uid, &ret->begun, err);
    if (r == 0)
        r = read_lines(dir, MEMBERS_FILE, "", trusted_uid, &ret->listed, err);
    if (r == 0 && (take_lines(ret->listed, user, ret) < 0 ||
                   take_lines(ret->begun, user, ret) < 0))
        r = err_sys(err, ENOMEM, "%s", dir);
    if (r < 0)
        members_free(ret);
    return r;
}

void
members_free(struct members *members)
{
    free(members->entry);
    free(members->listed);
    free(members->begun);
    *members = (struct members){.entry = NULL};
}

const struct members_entry *
members_find(const struct members *members, uid_t uid, gid_t gid)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct members_entry *entry = &members->entry[i];

        if (entry->gid == gid &&
            (entry->uid == uid || entry->how == MEMBERS_USERDB))
            return entry;
    }
    return NULL;
}

/* --- what a login is about to give --------------------------------------- */

/* What was begun for `user`: one membership or none. */
static int
load_begun(const char *dir, const char *user, struct members *ret)
{
    int r;

    *ret = (struct members){.entry = NULL};
    r = read_lines(dir, BEGUN, user, 0, &ret->begun, NULL);
    return r < 0 ? r : take_lines(ret->begun, user, ret);
}

int
members_begin(const char *dir, const struct members_entry *entry)
{
    CLEANUP_FREE char *name = util_format(BEGUN "%s", entry->user);
    CLEANUP_CLOSE int dir_fd = safefs_open_state_folder(dir, 0755, 0, NULL);
    struct members earlier;
    char line[MAX_LINE];
    int length = format_line(entry, line, sizeof(line));
    int r = load_begun(dir, entry->user, &earlier);
    bool is_again = members_find(&earlier, entry->uid, entry->gid);

    if (r == 0 && earlier.count && !is_again)
        r = members_append(dir, earlier.entry);
    members_free(&earlier);
    if (r == 0 && (!name || dir_fd < 0 || length < 0))
        r = !name ? -ENOMEM : dir_fd < 0 ? dir_fd : length;
    if (r == 0)
        r = safefs_replace_file(dir_fd, name, 0600, true, line, (size_t)length);
    return r < 0 ? r : is_again;
}

void
members_drop(const char *dir, const char *user)
{
    CLEANUP_FREE char *name = util_format(BEGUN "%s", user);
    CLEANUP_CLOSE int dir_fd = safefs_open_state_folder(dir, 0, 0, NULL);

    if (name && dir_fd >= 0)
        (void)safefs_remove_file(dir_fd, name);
}

int
members_settle(const char *dir, const char *user)
{
    struct members begun;
    int r = load_begun(dir, user, &begun);

    if (r == 0 && begun.count)
        r = members_append(dir, begun.entry);
    members_free(&begun);
    if (r == 0)
        members_drop(dir, user);
    return r;
}

bool
members_name_is_safe(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_";
    size_t length = strlen(name);
    const char *domain = strchr(name, '\\');
    size_t plain;

    if (length == 0 || length > MEMBERS_MAX_NAME || !strchr(letters, name[0]))
        return false;
    if (domain && (!domain[1] || !strchr(letters, domain[1]) ||
                   strchr(domain + 1, '\\')))
        return false;
    plain = strspn(name, letters);
    while (name[plain] && strchr(".-@\\", name[plain]))
        plain += 1 + strspn(name + plain + 1, letters);
    return plain == length || (name[plain] == '$' && plain == length - 1);
}
