/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mender's work as the user, and root's part in starting and ending it.
 */
#include "mender.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "membership.h"
#include "mend.h"
#include "safefs.h"
#include "shed.h"
#include "walk.h"

#define GRACE_MS 5000  /* beyond its time, before it is killed */

struct work {
    struct mend mend;
    struct mend_owner owner; /* the user */
    enum mend_trust first;   /* in what holds the named folder */
    struct mended *result;
};

/* --- as the user --------------------------------------------------------- */

/* The trust in what holds the item; that which holds the named has no mark. */
static enum mend_trust
trust_holder(const struct work *work, const struct walk_item *item)
{
    return item->holder ? (enum mend_trust)item->holder : work->first;
}

static enum walk_next
mend(struct work *work, const struct walk_item *item)
{
    struct mend_report report;
    int r = mend_inode(&work->mend, item, layout_where(item->path),
                       trust_holder(work, item), item->stat, &report);

    if (r == -ENOENT || r == -EAGAIN)
        work->result->vanished++;
    else if (r < 0)
        work->result->failed++;
    else
        work->result->changed += r > 0;
    return mend_is_short(-r) ? WALK_STOP : WALK_ON;
}

/* A cheap first look: most files are right, and need no pinning. */
static bool
is_wrong_file(const struct work *work, const struct walk_item *item)
{
    struct layout_inode inode = mend_describe(&work->mend, item->stat);
    struct layout_wanted wanted;

    (void)layout_judge_in(layout_where(item->path), item->name, &inode,
                          work->mend.rules, &wanted);
    return layout_is_mendable(&inode, &wanted);
}

static enum walk_next
enter(const struct work *work, const struct walk_item *item)
{
    enum mend_trust trust =
        mend_trust_folder(&work->mend, item, item->stat, &work->owner,
                          trust_holder(work, item));

    *item->mark = trust;
    return trust == MEND_BARRED ? WALK_SKIP : WALK_ON_DONE;
}

static enum walk_next
visit(const struct walk_item *item, void *data)
{
    struct work *work = data;
    bool is_own = item->stat && item->stat->stx_uid == work->owner.uid;

    switch (item->event) {
    case WALK_PROBLEM:
        work->result->vanished += item->error == ENOENT;
        return mend_is_short(item->error) ? WALK_STOP : WALK_ON;
    case WALK_FOLDER:
        return enter(work, item);
    case WALK_FOLDER_DONE: /* its default ACL can be seen by descriptor alone */
        if (is_own)
            return mend(work, item);
        break;
    case WALK_ENTRY:
        if (is_own && S_ISREG(item->type) &&
            mend_trusts_file(&work->mend, item->stat,
                             trust_holder(work, item)) &&
            is_wrong_file(work, item))
            return mend(work, item);
        break;
    case WALK_REUSED: /* nothing is known here */
        break;
    }
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
    return *last && !strchr(last, '/') && !util_is_dots(last);
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
    bool is_locks = util_has_prefix(name, "hub/.locks/");
    struct work work = {
        .owner = {geteuid(), errand->own_group ? getegid() : (gid_t)-1},
        .first = is_locks ? MEND_SHARED : MEND_ALONE,
        .result = ret,
    };
    const struct walk_options options = {.jobs = 1, .until_ms = until_ms};
    int r;

    if (!may_enter(name))
        return -EINVAL;
    if (is_locks && !are_locks_roots(root_fd, errand))
        return -EPERM;
    r = mend_begin(&errand->rules, root_fd, &work.mend);
    return r < 0 ? r : walk_run(root_fd, name, &options, visit, &work);
}

/* The forked mender: becomes the user, then opens the cache for the first time. */
static int
work_as_user(const struct errand *errand, const struct drift *drifts,
             size_t count)
{
    int64_t until_ms = util_monotonic_ms() + MENDER_MAX_MS;
    gid_t gid = errand->rules.gid;
    struct mended mended = {0, 0, 0};
    int root_fd, r;

    r = shed_to_user(errand->uid, errand->pgid, errand->member ? &gid : NULL);
    if (r < 0)
        return r;
    root_fd = safefs_open_root(errand->path, NULL);
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
    errand.own_group = membership_owner(asked->uid, asked->rules.gid).own_gid ==
                       asked->pgid;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        _exit(work_as_user(&errand, drifts, count) < 0);
    return wait_for(pid);
}
