/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The visit of each inode: describe, judge, mend if wanted, count.
 *
 * All visits of a walk may run at once in several threads.  What each looks at
 * it counts by itself; what is found is rare, and added under one lock.
 */
#include "audit_visit.h"

#include <errno.h>
#include <string.h>

#include "audit_count.h"
#include "audit_rules.h"
#include "safefs.h"

#define WATCH_VISITS 1024 /* of the first worker between two looks at the clock */
#define WATCH_MS 200

static bool
is_mending(const struct audit_work *work)
{
    return work->options->repair && !work->options->dry_run;
}

/* After `error` a check goes on all the same, and a repair unless it has to end. */
static void
meet(struct audit_work *work, int error)
{
    if (is_mending(work) && mend_is_short(error))
        atomic_store(&work->gave_up, error);
}

/* --- saying what was found ----------------------------------------------- */

static struct owner
find_owner(struct audit_work *work, uid_t uid)
{
    struct owner owner;

    pthread_mutex_lock(&work->lock);
    owner = audit_owner(work->owners, uid);
    pthread_mutex_unlock(&work->lock);
    meet(work, owner.error);
    return owner;
}

void
audit_add(const struct audit_item *found, void *data)
{
    struct audit_work *work = data;

    audit_count(work->audit, found);
    if (work->options->tell)
        work->options->tell(found, work->options->data);
}

/* What has several links is told when all names have been met. */
static void
add(struct audit_work *work, const struct walk_item *item,
    const struct audit_item *found)
{
    pthread_mutex_lock(&work->lock);
    if (!(found->what & LAYOUT_LINKS) ||
        !audit_links_meet(work->links, item->stat->stx_ino,
                          item->stat->stx_nlink, found))
        audit_add(found, work);
    pthread_mutex_unlock(&work->lock);
}

/* What is said by something graver is not said twice. */
static unsigned
leave_out(unsigned what)
{
    if (what & DRIFT_KEPT)
        what &= ~(unsigned)DRIFT_CLOSED;
    if (what & (LAYOUT_SPECIAL | LAYOUT_ESCAPE))
        what &= ~(unsigned)LAYOUT_UNKNOWN;
    return what;
}

static struct audit_item
describe_found(const struct walk_item *item, const struct audit_mark *holder,
               unsigned what)
{
    struct audit_item found = {
        .path = item->path,
        .kind = layout_kind_in(holder->where, walk_last_name(item),
                               item->type),
        .what = leave_out(what),
        .error = item->error,
        .mode = item->type,
        .why = "",
    };

    if (item->stat) {
        found.has_owner = true;
        found.mode = item->stat->stx_mode;
        found.uid = item->stat->stx_uid;
        found.gid = item->stat->stx_gid;
    }
    return found;
}

/* A file server also says of what another host removed that it is stale. */
static bool
has_gone(const struct walk_item *item, int error)
{
    CLEANUP_CLOSE int fd = -1;

    if (error != ESTALE)
        return error == ENOENT;
    fd = safefs_open_beneath(item->root_fd, *item->path ? item->path : ".",
                             SAFEFS_PIN);
    return fd == -ENOENT;
}

/* Is it a folder without which no login uses the cache? */
static bool
is_of_gate(const char *path)
{
    for (unsigned i = 0; i < GATES; i++) {
        if (strcmp(layout_gate_paths[i], path) == 0)
            return true;
    }
    return false;
}

/*
 * It could not be looked at, because of `error`: what has gone since its name
 * was read is no problem.
 */
static enum walk_next
tell_unseen(struct audit_work *work, const struct walk_item *item,
            const struct audit_mark *holder, int error)
{
    bool is_covered = error == EXDEV && is_of_gate(item->path);
    struct audit_item found = describe_found(
        item, holder,
        error == EXDEV && !is_covered ? LAYOUT_MOUNT : LAYOUT_UNSEEN);

    if (has_gone(item, error))
        return WALK_ON;
    meet(work, error);
    found.error = error;
    if (is_covered)
        found.why = "a mount of its own: umount it";
    else if (error == EBUSY)
        found.why = "too much changes meanwhile: check it again later";
    if (item->found)
        *item->found = true;
    add(work, item, &found);
    return WALK_ON;
}

/*
 * What is wrong still with what was mended: bits of others, which none are
 * given, and the writing of what may be another's.
 */
static unsigned
find_left(const struct audit_work *work, const struct walk_item *item,
          const struct audit_mark *holder, const struct layout_wanted *wanted)
{
    struct layout_inode inode = mend_describe(&work->mend, item->stat);
    struct layout_wanted again;

    inode.mode = (inode.mode & S_IFMT) | wanted->mode;
    inode.gid = wanted->gid;
    inode.acl = wanted->acl;
    return layout_judge_in(holder->where, walk_last_name(item), &inode,
                           work->mend.rules, &again) &
           DRIFT_CLOSED;
}

/* Mend it, and say what became of it.  As mend_inode(). */
static int
mend(struct audit_work *work, const struct walk_item *item,
     const struct audit_mark *holder, struct audit_item *found,
     struct mend_report *report)
{
    int r = mend_inode(&work->mend, item, holder->where,
                       audit_trust_in(holder, item->stat->stx_uid), item->stat,
                       report);

    if (r == -ENOENT)
        found->fate = AUDIT_GONE;
    else if (r < 0)
        found->fate = AUDIT_FAILED;
    else if (r > 0)
        found->fate = AUDIT_MENDED;
    if (r != -ENOENT)
        found->why = report->err.text;
    if (r > 0 && find_left(work, item, holder, &report->wanted)) {
        found->fate = AUDIT_PART;
        found->what = report->what = DRIFT_CLOSED;
        found->why = report->is_withheld ? "chmod by hand" : "chmod o+rx";
    }
    if (r >= 0 && found->fate != AUDIT_MENDED && report->is_withheld)
        found->help = AUDIT_HELP_BY_HAND;
    meet(work, -r);
    return r;
}

/* --- visiting ------------------------------------------------------------ */

/* The first worker reads the counts of the others while they go on. */
static void
bump(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

/* What an inode is that was judged. */
struct judged {
    unsigned what;
    bool is_mendable;
    const char *why; /* it is not mended; or NULL */
    enum audit_help help;
    struct layout_wanted wanted;
};

/* Judge an inode whose state is known; 0 or a negative errno. */
static int
judge(const struct audit_work *work, const struct walk_item *item,
      const struct audit_mark *holder, struct judged *ret)
{
    struct layout_inode inode = mend_describe(&work->mend, item->stat);

    *ret = (struct judged){.what = 0};
    inode.acl = ACL_FACT_UNSUPPORTED;
    if (item->fd >= 0) {
        int r = safefs_default_acl(item->fd, &inode.acl);

        if (r < 0)
            return r;
        inode.extended = safefs_has_access_acl(item->fd);
    }
    ret->what = layout_judge_in(holder->where, walk_last_name(item), &inode,
                                work->mend.rules, &ret->wanted);
    ret->is_mendable = layout_is_mendable(&inode, &ret->wanted);
    return 0;
}

/* Let the holder and the owner decide whether it may be mended. */
static void
decide(struct audit_work *work, const struct walk_item *item,
       const struct audit_mark *holder, enum mend_trust trust,
       struct judged *judged)
{
    struct owner owner;

    if (!judged->is_mendable) {
        if ((judged->what & ~(unsigned)LAYOUT_OTHER_ACL) == DRIFT_CLOSED)
            judged->why = "wants bits of others: chmod o+rx";
        return;
    }
    owner = find_owner(work, item->stat->stx_uid);
    judged->why =
        audit_refuse(work, item, holder, &owner, trust, &judged->help);
    judged->is_mendable = !judged->why;
}

/* Something is wrong with an inode, and what may be done is decided. */
static void
visit_wrong(struct audit_work *work, const struct walk_item *item,
            const struct audit_mark *holder, const struct judged *judged)
{
    struct audit_item found = describe_found(item, holder, judged->what);
    struct mend_report report = {.what = 0};

    found.wanted = judged->wanted;
    found.help = judged->help;
    if (!judged->is_mendable)
        found.why = judged->why ? judged->why : "";
    else if (is_mending(work))
        (void)mend(work, item, holder, &found, &report);
    else
        found.fate = AUDIT_NEEDED;
    if (item->found)
        *item->found = true;
    add(work, item, &found);
}

/* A folder before its contents; it is mended after them. */
static enum walk_next
visit_folder(struct audit_work *work, const struct walk_item *item)
{
    struct audit_mark holder = audit_holder(work, item);
    struct audit_mark mark = audit_enter(&holder, item);
    struct owner owner = {.own_gid = (gid_t)-1};
    struct judged judged;
    int r = judge(work, item, &holder, &judged);

    bump(&work->workers[item->worker].folders, 1);
    if (item->stat->stx_gid != work->mend.rules->gid)
        owner = find_owner(work, item->stat->stx_uid);
    mark.trust = audit_trust_folder(work, item, &holder, &owner);
    *item->mark = audit_pack(&mark);
    decide(work, item, &holder, mark.trust, &judged);
    if (is_mending(work) && judged.is_mendable) {
        *item->found = true;
        return WALK_ON_DONE;
    }
    if (r < 0)
        return tell_unseen(work, item, &holder, -r);
    if (judged.what)
        visit_wrong(work, item, &holder, &judged);
    return WALK_ON;
}

/* After its contents: mended, if it is wrong still. */
static enum walk_next
visit_folder_done(struct audit_work *work, const struct walk_item *item)
{
    struct audit_mark holder = audit_holder(work, item);
    struct audit_item found = describe_found(item, &holder, 0);
    struct mend_report report;
    struct judged judged;
    int r = mend(work, item, &holder, &found, &report);

    if (r < 0 && !report.what) { /* it could not be judged again */
        (void)judge(work, item, &holder, &judged);
        if (!judged.what)
            return tell_unseen(work, item, &holder, -r);
        report.what = judged.what;
        report.wanted = judged.wanted;
    }
    found.what = leave_out(report.what);
    found.wanted = report.wanted;
    if (found.what)
        add(work, item, &found);
    return WALK_ON;
}

/* The owner of a link counts only when its target is wrong. */
static enum walk_next
visit_wrong_link(struct audit_work *work, const struct walk_item *item,
                 const struct audit_mark *holder, unsigned what)
{
    struct judged judged = {.what = what};
    struct walk_item seen = *item;
    struct statx st;
    int r = safefs_look_at(item->dir_fd, item->name, &st);

    if (r < 0)
        return tell_unseen(work, item, holder, -r);
    seen.stat = &st;
    visit_wrong(work, &seen, holder, &judged);
    return WALK_ON;
}

static enum walk_next
visit_link(struct audit_work *work, const struct walk_item *item,
           const struct audit_mark *holder)
{
    struct layout_inode inode = {.mode = S_IFLNK | 0777,
                                 .nlink = 1,
                                 .target = item->target};
    struct layout_wanted wanted;
    unsigned what;

    if (!item->target)
        return tell_unseen(work, item, holder, item->error);
    bump(&work->workers[item->worker].links, 1);
    what = layout_judge_in(holder->where, item->name, &inode, work->mend.rules,
                           &wanted);
    return what ? visit_wrong_link(work, item, holder, what) : WALK_ON;
}

static enum walk_next
visit_entry(struct audit_work *work, const struct walk_item *item)
{
    struct audit_mark holder = audit_holder(work, item);
    struct audit_worker *worker = &work->workers[item->worker];
    struct judged judged;

    if (S_ISLNK(item->type))
        return visit_link(work, item, &holder);
    bump(S_ISREG(item->type) ? &worker->files : &worker->others, 1);
    (void)judge(work, item, &holder, &judged); /* of folders alone it fails */
    decide(work, item, &holder, MEND_BARRED, &judged);
    if (judged.what)
        visit_wrong(work, item, &holder, &judged);
    return WALK_ON;
}

static enum walk_next
visit_reused(struct audit_work *work, const struct walk_item *item)
{
    struct audit_worker *worker = &work->workers[item->worker];
    struct audit_mark holder = audit_holder(work, item);
    struct audit_mark mark = audit_enter(&holder, item);
    struct owner owner = {.own_gid = (gid_t)-1}; /* matters for what is of
                                                    another group: not this */

    mark.trust = audit_trust_folder(work, item, &holder, &owner);
    *item->mark = audit_pack(&mark);
    bump(&worker->reused, item->known->entries);
    bump(&worker->reused_folders, 1);
    if (item->known->entries && (!worker->oldest_wall ||
                                 item->known->read_wall < worker->oldest_wall))
        worker->oldest_wall = item->known->read_wall;
    return WALK_ON;
}

static enum walk_next
visit_problem(struct audit_work *work, const struct walk_item *item)
{
    struct audit_mark holder = audit_holder(work, item);

    return tell_unseen(work, item, &holder, item->error);
}

/* Tell how far it is; only the first worker does, in the calling thread. */
static void
tell_progress(struct audit_work *work)
{
    struct audit_progress progress = {.expected = work->expected};
    int64_t now_ms;

    if (!work->options->watch || ++work->visits % WATCH_VISITS)
        return;
    now_ms = util_monotonic_ms();
    if (now_ms - work->watched_ms < WATCH_MS)
        return;
    work->watched_ms = now_ms;
    progress.took_ms = now_ms - work->start_ms;
    for (unsigned i = 0; i < work->options->jobs; i++) {
        const struct audit_worker *worker = &work->workers[i];

        progress.entries += __atomic_load_n(&worker->folders, __ATOMIC_RELAXED) +
                            __atomic_load_n(&worker->files, __ATOMIC_RELAXED) +
                            __atomic_load_n(&worker->links, __ATOMIC_RELAXED) +
                            __atomic_load_n(&worker->reused, __ATOMIC_RELAXED) +
                            __atomic_load_n(&worker->reused_folders,
                                            __ATOMIC_RELAXED);
    }
    work->options->watch(&progress, work->options->data);
}

static enum walk_next
visit(struct audit_work *work, const struct walk_item *item)
{
    switch (item->event) {
    case WALK_FOLDER:
        return visit_folder(work, item);
    case WALK_FOLDER_DONE:
        return visit_folder_done(work, item);
    case WALK_ENTRY:
        return visit_entry(work, item);
    case WALK_REUSED:
        return visit_reused(work, item);
    case WALK_PROBLEM:
        return visit_problem(work, item);
    }
    return WALK_ON;
}

enum walk_next
audit_visit(const struct walk_item *item, void *data)
{
    struct audit_work *work = data;
    enum walk_next next;

    if (item->worker == 0)
        tell_progress(work);
    next = visit(work, item);
    return atomic_load(&work->gave_up) ? WALK_STOP : next;
}
