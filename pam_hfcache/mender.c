/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mender's work as the user, and root's part in starting and ending it.
 */
#include "mender.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "safefs.h"
#include "shed.h"
#include "walk.h"

#define YOUNG_SECONDS 86400
#define MAX_ATTEMPTS 3 /* while somebody changes what is being changed */
#define GRACE_MS 5000  /* beyond its time, before it is killed */
#define TICK_MS 20     /* more than a tick of any kernel's clock for files */

/* The mark of a folder; nothing holds the named one. */
enum {
    OWNERS = 0, /* it and those that hold it, from the named one down, are of
                   another group than the cache's and closed to other writers */
    OTHERS = 1,
};

struct work {
    const struct layout_rules *rules;
    uid_t uid;
    gid_t own_gid; /* a group of the user alone; -1: none */
    bool links_protected;
    bool is_locks; /* below hub/.locks, where nothing is moved in */
    time_t now;
    struct mended *result;
};

/* --- as the user --------------------------------------------------------- */

/* True if nobody can hard-link files that he can't write anyway. */
static bool
are_links_protected(void)
{
    static const char file[] = "/proc/sys/fs/protected_hardlinks";
    CLEANUP_FREE char *data = NULL;
    size_t length;

    return safefs_read_trusted(file, 0, 64, &data, &length, NULL) == 0 &&
           strcmp(data, "1\n") == 0;
}

static struct layout_inode
describe(const struct work *work, const struct statx *st)
{
    return (struct layout_inode){
        .mode = st->stx_mode,
        .uid = st->stx_uid,
        .gid = st->stx_gid,
        .nlink = st->stx_nlink,
        .size = (off_t)st->stx_size,
        .young = work->now - st->stx_mtime.tv_sec < YOUNG_SECONDS,
    };
}

/* Pin by the whole path, so that what was moved out of the tree is let be. */
static int
pin(const struct walk_item *item)
{
    if (strlen(item->path) < PATH_MAX)
        return safefs_open_beneath(item->root_fd, item->path, SAFEFS_PIN);
    return safefs_open_beneath(item->dir_fd, item->name, SAFEFS_PIN);
}

/*
 * Is this closed file in trees/ a listing, as clients write it?  Its name and
 * place may be somebody else's choice, its content is not.
 */
static bool
is_listing(int fd)
{
    static const char head[] = "{\n \"format_version\": ";
    char buffer[sizeof(head) - 1];

    return safefs_read_head(fd, buffer, sizeof(buffer)) == sizeof(buffer) &&
           memcmp(buffer, head, sizeof(buffer)) == 0;
}

static int64_t
to_ms(int64_t seconds, int64_t nanoseconds)
{
    return seconds * 1000 + nanoseconds / 1000000;
}

static int64_t
wall_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return to_ms(now.tv_sec, now.tv_nsec);
}

/*
 * 0 if nothing has been done to the file since before it was pinned.  Then the
 * name that led to it still does, and if it has one link only, it is that one:
 * a hard link that somebody plants and removes meanwhile changes the ctime.
 * -EAGAIN if the ctime is so young that another change may hide in the same
 * tick of the clock; -ENOENT if the file has changed since it was visited.
 */
static int
check_settled(const struct statx *now, const struct statx *visited,
              int64_t pinned_ms)
{
    int64_t ctime_ms = to_ms(now->stx_ctime.tv_sec, now->stx_ctime.tv_nsec);

    if (!S_ISREG(now->stx_mode))
        return 0;
    if (now->stx_ctime.tv_sec != visited->stx_ctime.tv_sec ||
        now->stx_ctime.tv_nsec != visited->stx_ctime.tv_nsec)
        return -ENOENT;
    return ctime_ms + TICK_MS < pinned_ms ? 0 : -EAGAIN;
}

/*
 * Pin what the path names, see that it is what was visited and the user's own,
 * judge and change it.  0 if it is right now, -ESTALE if it changed meanwhile,
 * -EAGAIN if it did so a moment ago.
 */
static int
mend_once(const struct work *work, const struct walk_item *item)
{
    int64_t pinned_ms = wall_ms();
    CLEANUP_CLOSE int fd = pin(item);
    struct layout_inode inode;
    struct layout_wanted wanted;
    struct statx now;
    int r = fd < 0 ? fd : safefs_look(fd, &now);

    if (r < 0)
        return r;
    if (!safefs_is_same(&now, item->stat) || now.stx_uid != work->uid)
        return -ENOENT;
    r = check_settled(&now, item->stat, pinned_ms);
    if (r < 0)
        return r;
    inode = describe(work, &now);
    inode.extended = safefs_has_access_acl(fd);
    if (S_ISDIR(now.stx_mode) && safefs_default_acl(fd, &inode.acl) < 0)
        inode.acl = ACL_FACT_OTHER;
    (void)layout_judge(item->path, &inode, work->rules, &wanted);
    if (!layout_is_mendable(&inode, &wanted))
        return 0;
    if (S_ISREG(inode.mode) && !(inode.mode & S_IRWXG) && inode.size > 0 &&
        !is_listing(fd))
        return 0;
    r = safefs_change(fd, &now, wanted.mode, wanted.gid, wanted.acl, NULL);
    if (r == 0)
        work->result->changed++;
    return r;
}

static void
mend(const struct work *work, const struct walk_item *item)
{
    const struct timespec tick = {.tv_nsec = (TICK_MS + 5) * 1000000};
    int r = -ESTALE;

    for (unsigned i = 0; i < MAX_ATTEMPTS; i++) {
        r = mend_once(work, item);
        if (r == -EAGAIN)
            (void)nanosleep(&tick, NULL);
        else if (r != -ESTALE)
            break;
    }
    if (r == -ENOENT || r == -ESTALE || r == -ENOTDIR || r == -EAGAIN)
        work->result->vanished++;
    else if (r < 0)
        work->result->failed++;
}

/* A cheap first look: most files are right, and need no pinning. */
static bool
needs_mending(const struct work *work, const struct walk_item *item)
{
    struct layout_inode inode = describe(work, item->stat);
    struct layout_wanted wanted;

    if (S_ISDIR(inode.mode))
        return true; /* its default ACL cannot be seen from here */
    if (!S_ISREG(inode.mode) || !work->links_protected)
        return false;
    (void)layout_judge(item->path, &inode, work->rules, &wanted);
    return layout_is_mendable(&inode, &wanted);
}

/* Could nobody but its owner have put anything into this folder? */
static bool
is_owners_alone(const struct work *work, const struct walk_item *item)
{
    const struct statx *st = item->stat;

    return st->stx_uid == work->uid && !(st->stx_mode & S_IWOTH) &&
           (!(st->stx_mode & S_IWGRP) || st->stx_gid == work->own_gid) &&
           !safefs_has_access_acl(item->fd);
}

/*
 * Who may write a folder can move it, with all that is in it, from elsewhere
 * into the cache; its owner's mender must not open what came that way.  So a
 * folder of another group is entered only if its owner alone can have made it
 * what it is, and that down from the named folder.
 */
static bool
is_entered(const struct work *work, const struct walk_item *item)
{
    if (item->stat->stx_gid == work->rules->gid) {
        *item->mark = OTHERS;
        return item->stat->stx_mode & S_IRWXG; /* or its owner closed it */
    }
    return !work->is_locks && item->holder == OWNERS &&
           is_owners_alone(work, item);
}

/* The same for files; what all can read is no secret, nor is what is empty. */
static bool
is_trusted_file(const struct work *work, const struct walk_item *item)
{
    const struct statx *st = item->stat;

    return st->stx_gid == work->rules->gid || item->holder == OWNERS ||
           st->stx_mode & S_IROTH || st->stx_size == 0;
}

static enum walk_next
visit(const struct walk_item *item, void *data)
{
    struct work *work = data;

    switch (item->event) {
    case WALK_PROBLEM:
        work->result->vanished += item->error == ENOENT;
        return WALK_ON;
    case WALK_FOLDER:
        return is_entered(work, item) ? WALK_ON_DONE : WALK_SKIP;
    case WALK_ENTRY:
        if (!item->stat || !is_trusted_file(work, item))
            return WALK_ON;
        break;
    case WALK_FOLDER_DONE:
    case WALK_REUSED: /* nothing is known here */
        break;
    }
    if (item->stat->stx_uid == work->uid && needs_mending(work, item))
        mend(work, item);
    return WALK_ON;
}

/* "hub/REPOSITORY" or "hub/.locks/NAME": nothing else is ever entered. */
static bool
may_enter(const char *name)
{
    const char *last;

    if (util_has_prefix(name, "hub/.locks/"))
        last = name + strlen("hub/.locks/");
    else if (util_has_prefix(name, "hub/") && layout_is_repository(name + 4))
        last = name + strlen("hub/");
    else
        return false;
    return *last && !strchr(last, '/') && strcmp(last, ".") != 0 &&
           strcmp(last, "..") != 0;
}

/*
 * Members may write hub/, and so could put a folder of somebody else's in the
 * place of hub/.locks, whose folders would then pass for lock folders.
 */
static bool
are_locks_roots(int root_fd, const struct errand *errand)
{
    CLEANUP_CLOSE int fd =
        safefs_open_beneath(root_fd, "hub/.locks", SAFEFS_PIN);
    struct statx st;

    return fd >= 0 && safefs_look(fd, &st) == 0 && S_ISDIR(st.stx_mode) &&
           st.stx_uid == errand->locks_uid &&
           st.stx_gid == errand->rules.gid && !safefs_has_access_acl(fd);
}

int
mender_mend(int root_fd, const char *name, const struct errand *errand,
            int64_t until_ms, struct mended *ret)
{
    struct work work = {
        .rules = &errand->rules,
        .uid = geteuid(),
        .own_gid = errand->own_group ? getegid() : (gid_t)-1,
        .links_protected = are_links_protected(),
        .is_locks = util_has_prefix(name, "hub/.locks/"),
        .now = time(NULL),
        .result = ret,
    };

    const struct walk_options options = {.jobs = 1, .until_ms = until_ms};

    if (!may_enter(name))
        return -EINVAL;
    if (work.is_locks && !are_locks_roots(root_fd, errand))
        return -EPERM;
    return walk_run(root_fd, name, &options, visit, &work);
}

/* The forked mender: becomes the user, then opens the cache for the first time. */
static int
work_as_user(const struct errand *errand, const struct drift *drifts,
             size_t count)
{
    int64_t until_ms = util_monotonic_ms() + MENDER_MAX_MS;
    gid_t gid = errand->rules.gid;
    struct mended mended = {0, 0, 0};
    char at[PATH_MAX];
    int root_fd, r;

    r = shed_to_user(errand->uid, errand->pgid, errand->member ? &gid : NULL);
    if (r < 0)
        return r;
    root_fd = safefs_open_root(errand->path, at, NULL);
    if (root_fd < 0)
        return root_fd;
    for (size_t i = 0; i < count; i++) {
        int64_t now_ms = util_monotonic_ms();

        /* A share of the time each: no tree takes it from the others. */
        (void)mender_mend(root_fd, drifts[i].name, errand,
                          now_ms + (until_ms - now_ms) / (int64_t)(count - i),
                          &mended);
    }
    close(root_fd);
    return 0;
}

/* --- as root ------------------------------------------------------------- */

/*
 * Is the primary group the user's alone?  By the convention of useradd, as
 * pam_umask's usergroups takes it: it has his name, and no other member.
 */
static bool
has_own_group(const struct errand *errand)
{
    const struct passwd *user = getpwuid(errand->uid);
    CLEANUP_FREE char *name = user ? strdup(user->pw_name) : NULL;
    const struct group *group = name ? getgrgid(errand->pgid) : NULL;

    if (!group || strcmp(group->gr_name, name) != 0)
        return false;
    for (char **member = group->gr_mem; *member; member++) {
        if (strcmp(*member, name) != 0)
            return false;
    }
    return true;
}

/*
 * Wait for the child until its time is over, then end it and wait on: while it
 * is stuck in a dead file system, our lock keeps others from joining it there.
 * True if it came to an end of its own after it had begun.
 */
static bool
wait_for(pid_t pid)
{
    int64_t until_ms = util_monotonic_ms() + MENDER_MAX_MS + GRACE_MS;
    struct timespec pause = {.tv_nsec = 20000000};
    int status = -1;

    while (util_monotonic_ms() < until_ms) {
        if (waitpid(pid, &status, WNOHANG) != 0)
            return status == 0;
        (void)nanosleep(&pause, NULL);
        if (pause.tv_nsec < 500000000)
            pause.tv_nsec += 20000000;
    }
    (void)kill(pid, SIGKILL); /* still ours: it has not been waited for */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return false;
}

/* The lock that makes one mender a user, held while it works. */
static int
take_turn(const char *dir, uid_t uid)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(dir, 0755, geteuid(), NULL);
    char name[32];

    if (dir_fd < 0)
        return dir_fd;
    snprintf(name, sizeof(name), "mend-%u.lock", uid);
    return safefs_lock_file(dir_fd, name, false);
}

int
mender_run(const char *dir, const struct errand *asked,
           const struct drift *drifts, size_t count)
{
    struct errand errand = *asked;
    CLEANUP_CLOSE int turn = -1;
    pid_t pid;

    if (!count)
        return 0;
    turn = take_turn(dir, asked->uid);
    if (turn < 0)
        return turn == -EBUSY ? 0 : turn;
    errand.own_group = has_own_group(asked);
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        _exit(work_as_user(&errand, drifts, count) < 0);
    return wait_for(pid);
}
