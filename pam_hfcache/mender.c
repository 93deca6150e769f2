/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mender's work as the user, and root's part in starting and ending it.
 */
#include "mender.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

struct work {
    const struct layout_rules *rules;
    uid_t uid;
    gid_t pgid;
    bool links_protected;
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
 * Pin what the path names, see that it is what was visited and the user's own,
 * judge and change it.  0 if it is right now, -ESTALE if it changed meanwhile.
 */
static int
mend_once(const struct work *work, const struct walk_item *item)
{
    CLEANUP_CLOSE int fd = pin(item);
    struct layout_inode inode;
    struct layout_wanted wanted;
    struct statx now;
    int r = fd < 0 ? fd : safefs_look(fd, &now);

    if (r < 0)
        return r;
    if (!safefs_is_same(&now, &item->stat) || now.stx_uid != work->uid)
        return -ENOENT;
    inode = describe(work, &now);
    inode.extended = safefs_has_access_acl(fd);
    if (S_ISDIR(now.stx_mode) && safefs_default_acl(fd, &inode.acl) < 0)
        inode.acl = ACL_FACT_OTHER;
    (void)layout_judge(item->path, &inode, work->rules, &wanted);
    if (!layout_is_mendable(&inode, &wanted))
        return 0;
    r = safefs_change(fd, &now, wanted.mode, wanted.gid, wanted.acl, NULL);
    if (r == 0)
        work->result->changed++;
    return r;
}

static void
mend(const struct work *work, const struct walk_item *item)
{
    int r = -ESTALE;

    for (unsigned i = 0; r == -ESTALE && i < MAX_ATTEMPTS; i++)
        r = mend_once(work, item);
    if (r == -ENOENT || r == -ESTALE || r == -ENOTDIR)
        work->result->vanished++;
    else if (r < 0)
        work->result->failed++;
}

/* A cheap first look: most files are right, and need no pinning. */
static bool
needs_mending(const struct work *work, const struct walk_item *item)
{
    struct layout_inode inode = describe(work, &item->stat);
    struct layout_wanted wanted;

    if (S_ISDIR(inode.mode))
        return true; /* its default ACL cannot be seen from here */
    if (!S_ISREG(inode.mode) || !work->links_protected)
        return false;
    (void)layout_judge(item->path, &inode, work->rules, &wanted);
    return layout_is_mendable(&inode, &wanted);
}

/*
 * What others than members could have filled, or its owner closed, is not
 * entered: somebody who may write a folder can move it, with all that is in
 * it, from elsewhere into the cache, and its owner's mender must not open it.
 */
static bool
is_entered(const struct work *work, const struct walk_item *item)
{
    struct layout_inode inode = describe(work, &item->stat);
    CLEANUP_CLOSE int fd = -1;

    if (inode.gid != work->rules->gid &&
        (inode.mode & S_IWOTH ||
         (inode.mode & S_IWGRP && inode.gid != work->pgid)))
        return false;
    if (inode.mode & S_IRWXG)
        return true;
    fd = safefs_open_beneath(item->dir_fd, item->name, SAFEFS_PIN);
    if (fd < 0 || safefs_default_acl(fd, &inode.acl) < 0)
        return false;
    return !layout_is_kept_closed(&inode, work->rules);
}

static enum walk_next
visit(const struct walk_item *item, void *data)
{
    const struct work *work = data;

    if (item->event == WALK_FOLDER)
        return is_entered(work, item) ? WALK_ON : WALK_SKIP;
    if (item->event == WALK_PROBLEM)
        work->result->vanished += item->error == ENOENT;
    else if (item->stat.stx_uid == work->uid &&
             needs_mending(work, item))
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

int
mender_mend(int root_fd, const char *name, const struct layout_rules *rules,
            int64_t until_ms, struct mended *ret)
{
    struct work work = {
        .rules = rules,
        .uid = geteuid(),
        .pgid = getegid(),
        .links_protected = are_links_protected(),
        .now = time(NULL),
        .result = ret,
    };

    if (!may_enter(name))
        return -EINVAL;
    return walk_run(root_fd, name, until_ms, visit, &work);
}

/* The forked mender: becomes the user, then opens the cache for the first time. */
static int
work_as_user(const struct errand *errand, const struct verdict *verdict)
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
    for (size_t i = 0; i < verdict->ndrifts && r != -ETIMEDOUT; i++) {
        if (verdict->drifts[i].owner == errand->uid)
            r = mender_mend(root_fd, verdict->drifts[i].name, &errand->rules,
                            until_ms, &mended);
    }
    close(root_fd);
    return r;
}

/* --- as root ------------------------------------------------------------- */

static bool
owns_something(const struct errand *errand, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->ndrifts; i++) {
        if (verdict->drifts[i].owner == errand->uid)
            return true;
    }
    return false;
}

/* Wait for the child until its time is over, then end it. */
static void
wait_for(pid_t pid)
{
    int64_t until_ms = util_monotonic_ms() + MENDER_MAX_MS + GRACE_MS;
    struct timespec pause = {.tv_nsec = 20000000};

    while (util_monotonic_ms() < until_ms) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        (void)nanosleep(&pause, NULL);
        if (pause.tv_nsec < 500000000)
            pause.tv_nsec += 20000000;
    }
    (void)kill(pid, SIGKILL); /* still ours: it has not been waited for */
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
mender_run(const char *dir, const struct errand *errand,
           const struct verdict *verdict)
{
    CLEANUP_CLOSE int turn = -1;
    pid_t pid;

    if (!owns_something(errand, verdict))
        return 0;
    turn = take_turn(dir, errand->uid);
    if (turn < 0)
        return turn == -EBUSY ? 0 : turn;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        _exit(work_as_user(errand, verdict) < 0);
    wait_for(pid);
    return 1;
}
