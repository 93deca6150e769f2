/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk: its limits, its workers, its beginning and end.  walk_state.h says
 * how the parts fit together.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "walk_state.h"

#define OTHER_FDS 24     /* the process's own, and what visits open */
#define WORKER_FDS 12    /* with fewer a worker is not worth it */
#define SPARE_FDS 4      /* to open folders with */
#define TASKS_A_WORKER 4 /* in the queue */
#define STACK_BYTES (512 * 1024)

/* --- ending -------------------------------------------------------------- */

/* End the walk early with this result, or an earlier one's. */
static void
end(struct walk *walk, int result)
{
    int none = 0;

    (void)atomic_compare_exchange_strong(&walk->result, &none, result);
    walk_close_queue(&walk->queue);
}

int
walk_check_clock(const struct walk *walk)
{
    return util_monotonic_ms() >= walk->options->until_ms ? -ETIMEDOUT : 0;
}

/* --- limits -------------------------------------------------------------- */

/*
 * Share the descriptors among fewer workers rather than fail for want of them;
 * how many folders, each with one, the queue may hold.
 */
static unsigned
share_descriptors(struct walk *walk)
{
    struct rlimit limit = {0, 0};
    size_t all, share;
    unsigned tasks;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    all = limit.rlim_cur < 1 << 20 ? (size_t)limit.rlim_cur : 1 << 20;
    all = all > OTHER_FDS ? all - OTHER_FDS : 0;
    if (walk->jobs > all / WORKER_FDS)
        walk->jobs = all / WORKER_FDS ? (unsigned)(all / WORKER_FDS) : 1;
    share = all / walk->jobs;
    tasks = share / 4 < TASKS_A_WORKER ? (unsigned)share / 4 : TASKS_A_WORKER;
    walk->most_fds = share > tasks + SPARE_FDS ? share - tasks - SPARE_FDS : 0;
    if (walk->most_fds > WALK_MAX_FDS)
        walk->most_fds = WALK_MAX_FDS;
    if (walk->most_fds < WALK_MIN_FDS)
        walk->most_fds = WALK_MIN_FDS;
    return walk->jobs > 1 ? tasks * walk->jobs : 0;
}

/* --- workers ------------------------------------------------------------- */

static int
prepare_worker(struct walk_worker *worker, struct walk *walk, unsigned number)
{
    size_t refs =
        WALK_NAMES_BYTES / (offsetof(struct dirent64, d_name) + 2) + 1;

    worker->walk = walk;
    worker->number = number;
    worker->most_fds = walk->most_fds;
    worker->item.root_fd = walk->root_fd;
    worker->item.worker = number;
    worker->run = reallocarray(NULL, refs, sizeof(*worker->run));
    if (walk->options->targets)
        worker->target = malloc(PATH_MAX);
    if (!worker->run || (walk->options->targets && !worker->target))
        return -ENOMEM;
    return 0;
}

static void
free_workers(struct walk_worker *workers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct walk_worker *worker = &workers[i];

        while (worker->spares)
            free(worker->spare[--worker->spares]);
        walk_free_spare_nodes(worker);
        free(worker->frames);
        free(worker->path);
        free(worker->list);
        free(worker->run);
        free(worker->target);
    }
    free(workers);
}

/* Work on the stack until it is empty, then on what the queue has. */
static void
work(struct walk_worker *worker)
{
    struct walk *walk = worker->walk;
    struct walk_task task;
    int r = walk_go_on(worker);

    while (r == 0 && walk_take(&walk->queue, &task)) {
        r = walk_begin_task(worker, &task);
        if (r == 0)
            r = walk_go_on(worker);
    }
    if (r < 0)
        end(walk, r);
    walk_clear(worker);
}

static void *
run_worker(void *worker)
{
    work(worker);
    return NULL;
}

/* Start the other workers; how many there are then, the first one included. */
static unsigned
start_threads(struct walk *walk, struct walk_worker *workers)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    unsigned i = 1;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (i < walk->jobs && pthread_create(&workers[i].thread, &attributes,
                                            run_worker, &workers[i]) == 0)
        i++;
    for (unsigned missing = i; missing < walk->jobs; missing++)
        walk_miss_worker(&walk->queue);
    (void)pthread_attr_destroy(&attributes);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return i;
}

static void
work_together(struct walk *walk, struct walk_worker *workers)
{
    unsigned started = walk->jobs > 1 ? start_threads(walk, workers) : 1;

    work(&workers[0]);
    for (unsigned i = 1; i < started; i++)
        (void)pthread_join(workers[i].thread, NULL);
}

/* --- the beginning ------------------------------------------------------- */

/* Find out what the start is, and what is mounted where. */
static int
look_at_start(struct walk *walk, const char *start)
{
    struct statx stat;
    CLEANUP_CLOSE int fd = safefs_open_beneath(
        walk->root_fd, *start ? start : ".", SAFEFS_PIN);
    int r = fd < 0 ? fd : safefs_look(fd, &stat);

    if (r < 0)
        return r;
    if (!S_ISDIR(stat.stx_mode))
        return -ENOTDIR;
    walk->mount = stat.stx_mnt_id;
    /* On a disk of ours; what stands in for statx() has no such flag. */
    if (stat.stx_dev_major && stat.stx_mask & STATX_MNT_ID)
        walk->how = AT_STATX_DONT_SYNC;
    if (safefs_list_mounts(walk->root_fd, &walk->mounts, &walk->nmounts) < 0)
        walk->nmounts = 0; /* each inode tells its mount */
    return 0;
}

static int
visit_start(const struct walk *walk, struct walk_worker *worker,
            const char *start)
{
    struct walk_door door = {
        .dir_fd = walk->root_fd,
        .name = *start ? start : ".",
        .path_length = strlen(start),
        .number = *start ? SNAPSHOT_NONE : SNAPSHOT_ROOT,
    };
    int r = walk_need_path(worker, door.path_length + WALK_ENTRY_ROOM);

    if (r < 0)
        return r;
    memcpy(worker->path, start, door.path_length + 1);
    return walk_visit_folder(worker, &door);
}

static int
run(struct walk *walk, struct walk_worker *workers, const char *start)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < walk->jobs; i++)
        r = prepare_worker(&workers[i], walk, i);
    if (r == 0)
        r = walk_check(walk);
    if (r == 0)
        r = visit_start(walk, &workers[0], start);
    if (r < 0)
        return r;
    work_together(walk, workers);
    return atomic_load(&walk->result);
}

int
walk_run(int root_fd, const char *start, const struct walk_options *options,
         walk_visit *visit, void *data)
{
    struct walk walk = {.root_fd = root_fd, .options = options, .visit = visit,
                        .data = data, .jobs = options->jobs,
                        .seed = util_seed(),
                        .remembers = options->known || options->record};
    struct walk_worker *workers;
    struct timespec now = {0, 0};
    unsigned jobs, tasks;
    int r;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    walk.began_wall = now.tv_sec;
    if (walk.jobs == 0 || walk.jobs > WALK_MAX_JOBS)
        walk.jobs = walk.jobs ? WALK_MAX_JOBS : 1;
    tasks = share_descriptors(&walk);
    r = look_at_start(&walk, start);
    if (r < 0)
        return r;
    jobs = walk.jobs;
    workers = calloc(jobs, sizeof(*workers));
    walk.met = calloc(WALK_MET, sizeof(*walk.met));
    r = workers && walk.met ? walk_make_queue(&walk.queue, jobs, tasks)
                            : -ENOMEM;
    if (r == 0) {
        r = run(&walk, workers, start);
        walk_free_queue(&walk.queue);
    }
    if (workers)
        free_workers(workers, jobs);
    free(walk.met);
    safefs_free_names(walk.mounts, walk.nmounts);
    return r;
}
