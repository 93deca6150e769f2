/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One audit from beginning to end: the way to the root, what the last one knew,
 * the walk, the sums.
 */
#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit_count.h"
#include "audit_rules.h"
#include "safefs.h"
#include "snapshot.h"
#include "verdict.h"

#define STATE_DIR "/var/lib/hfcache"
#define RULES 2 /* another number when the layout judges otherwise */
#define HELD_SECONDS (6 * 3600) /* a check that takes longer may never end */
#define REUSED_SECONDS (7 * 86400) /* then what is unchanged is read again */

/* What is known of the tree, and what will be. */
struct memory {
    int dir_fd, lock_fd;
    char name[VERDICT_KEY_SIZE + 16]; /* of the snapshot */
    struct snapshot *known;
    struct snapshot_writer *record;
};

/* --- the snapshot -------------------------------------------------------- */

/* Only root's whole checks are remembered: others see less. */
static bool
is_remembered(const struct audit_options *options)
{
    return geteuid() == 0 && !*options->start && !options->repair;
}

static int
describe_root(const struct audit_options *options, int root_fd,
              struct snapshot_of *ret)
{
    struct statx st;
    int r = safefs_look(root_fd, &st);

    if (r < 0)
        return r;
    *ret = (struct snapshot_of){
        .path = options->path,
        .gid = options->rules.gid,
        .mode = options->rules.mode,
        .acl = options->rules.acl,
        .rules = RULES,
        .device_major = st.stx_dev_major,
        .device_minor = st.stx_dev_minor,
        .inode = st.stx_ino,
    };
    return 0;
}

/*
 * Take the lock of the one check that writes, which stays with a process that
 * hangs: -EBUSY, with a sentence, if that has had it for long.
 */
static int
take_lock(const struct audit_options *options, struct memory *memory,
          struct err *err)
{
    char lock[sizeof(memory->name) + 8];
    struct statx st;
    int64_t held_s;

    snprintf(lock, sizeof(lock), "%s.lock", memory->name);
    memory->lock_fd = safefs_lock_file(memory->dir_fd, lock, false);
    if (memory->lock_fd >= 0)
        (void)futimens(memory->lock_fd, NULL); /* now */
    if (memory->lock_fd != -EBUSY ||
        safefs_look_at(memory->dir_fd, lock, &st) < 0)
        return 0;
    held_s = time(NULL) - st.stx_mtime.tv_sec;
    return held_s < HELD_SECONDS
               ? 0
               : err_set(err, EBUSY, "%s: a check that began %" PRId64 " hours "
                         "ago has not come back: no further one is begun until "
                         "it ends; does the file system answer?",
                         options->path, held_s / 3600);
}

/*
 * Open the folder of what is remembered, before anything of the cache, which may
 * not answer.  Of two checks at once the second one's is not written.
 */
static int
open_memory(const struct audit_options *options, struct memory *ret,
            struct err *err)
{
    char key[VERDICT_KEY_SIZE];

    *ret = (struct memory){.dir_fd = -1, .lock_fd = -1};
    if (!is_remembered(options))
        return 0;
    verdict_key(options->path, options->rules.gid, key);
    snprintf(ret->name, sizeof(ret->name), "%s.snapshot", key);
    ret->dir_fd = safefs_open_state_folder(STATE_DIR, 0755, 0, NULL);
    return ret->dir_fd < 0 ? 0 : take_lock(options, ret, err);
}

/* Without a memory all is read, and nothing is remembered. */
static void
remember(const struct audit_options *options, int root_fd,
         struct memory *memory)
{
    char path[sizeof(STATE_DIR) + sizeof(memory->name)];
    struct snapshot_of of;

    if (memory->dir_fd < 0 || describe_root(options, root_fd, &of) < 0)
        return;
    snprintf(path, sizeof(path), STATE_DIR "/%s", memory->name);
    if (!options->full && snapshot_open(path, 0, &of, &memory->known) < 0)
        memory->known = NULL;
    if (memory->lock_fd >= 0 &&
        snapshot_begin(memory->dir_fd, memory->name, &of, memory->known,
                       options->jobs, &memory->record) < 0)
        memory->record = NULL;
}

static void
forget(struct memory *memory)
{
    snapshot_end(memory->record);
    snapshot_close(memory->known);
    util_close_fd(&memory->lock_fd);
    util_close_fd(&memory->dir_fd);
}

/* --- the walk ------------------------------------------------------------ */

static void
add_up(const struct audit_work *work, struct audit *audit)
{
    for (unsigned i = 0; i < work->options->jobs; i++) {
        const struct audit_worker *worker = &work->workers[i];

        audit->folders += worker->folders;
        audit->files += worker->files;
        audit->links += worker->links;
        audit->others += worker->others;
        audit->reused += worker->reused;
        audit->reused_folders += worker->reused_folders;
        if (worker->oldest_wall && (!audit->oldest_wall ||
                                    worker->oldest_wall < audit->oldest_wall))
            audit->oldest_wall = worker->oldest_wall;
    }
}

static int
walk(struct audit_work *work, int root_fd, struct memory *memory)
{
    const struct audit_options *options = work->options;
    struct walk_options how = {
        .jobs = options->jobs,
        .until_ms = INT64_MAX,
        .stop = options->stop,
        .known = memory->known,
        .record = memory->record,
        .targets = true,
        .oldest_wall = time(NULL) - REUSED_SECONDS,
    };
    int r;

    if (options->watch && memory->known)
        work->expected = snapshot_inodes(memory->known);
    work->start_ms = util_monotonic_ms();
    r = walk_run(root_fd, options->start, &how, audit_visit, work);
    work->audit->took_ms = util_monotonic_ms() - work->start_ms;
    if (r == 0 && memory->record)
        (void)snapshot_commit(memory->record); /* or the old one stays */
    return r;
}

/*
 * A cache that is not mounted is an empty folder, with nothing wrong in it but
 * that it has no hub/.
 */
static void
look_for_hub(struct audit_work *work, int root_fd)
{
    CLEANUP_CLOSE int fd = safefs_open_beneath(root_fd, "hub", SAFEFS_PIN);
    struct audit_item missing = {
        .path = "hub",
        .kind = layout_kind("hub", S_IFDIR),
        .what = LAYOUT_UNSEEN,
        .error = ENOENT,
        .mode = S_IFDIR,
        .why = "not mounted? else: hfcache setup",
    };

    work->is_bare = fd == -ENOENT;
    if (work->is_bare && !*work->options->start)
        audit_add(&missing, work);
}

static int
run(const struct audit_options *options, struct audit *audit, int root_fd,
    struct memory *memory)
{
    struct audit_work work = {
        .options = options,
        .audit = audit,
        .first = audit_first_mark(options->start),
        .owners = audit_owners_begin(options->rules.gid),
        .links = audit_links_begin(),
        .workers = aligned_alloc(_Alignof(struct audit_worker),
                                 options->jobs * sizeof(struct audit_worker)),
    };
    int r = audit_count_begin(audit);

    if (r == 0 && (!work.owners || !work.links || !work.workers))
        r = -ENOMEM;
    if (r == 0)
        r = mend_begin(&options->rules, root_fd, &work.mend);
    if (r == 0) {
        memset(work.workers, 0, options->jobs * sizeof(*work.workers));
        pthread_mutex_init(&work.lock, NULL);
        look_for_hub(&work, root_fd);
        audit->result = walk(&work, root_fd, memory);
        if (work.gave_up)
            audit->result = -work.gave_up;
        audit_links_tell(work.links, audit_add, &work);
        add_up(&work, audit);
        audit_count_end(audit);
        pthread_mutex_destroy(&work.lock);
    }
    audit_owners_end(work.owners);
    audit_links_end(work.links);
    free(work.workers);
    return r;
}

int
audit_run(const struct audit_options *options, struct audit *ret,
          struct err *err)
{
    CLEANUP_CLOSE int root_fd = -1;
    struct memory memory;
    int r;

    *ret = (struct audit){.result = 0};
    r = open_memory(options, &memory, err);
    if (r == 0)
        r = root_fd = safefs_open_root(options->path, err);
    if (root_fd >= 0) {
        remember(options, root_fd, &memory);
        r = run(options, ret, root_fd, &memory);
        if (r < 0)
            r = err_sys(err, -r, "%s", options->path);
    }
    if (r < 0)
        audit_free(ret);
    forget(&memory);
    return r;
}

bool
audit_is_healthy(const struct audit *audit)
{
    return audit->result == 0 && audit->alarms == 0 && audit->drifts == 0;
}

const char *
audit_fate_word(enum audit_fate fate)
{
    static const char *const words[] = {
        [AUDIT_TOLD] = "told",     [AUDIT_NEEDED] = "mendable",
        [AUDIT_MENDED] = "mended", [AUDIT_PART] = "mended in part",
        [AUDIT_FAILED] = "failed", [AUDIT_GONE] = "gone",
    };

    return words[fate];
}
