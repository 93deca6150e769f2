/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of walk share.
 *
 * A *node* is a folder that is alive: it, or something below it, is still to be
 * visited.  Nodes point to the folder that holds theirs and count those below.
 * A *frame* is a folder that a worker is reading; its frames are a stack, each
 * the holder of the next.  The deepest frames hold a descriptor and the names
 * read from it.  When there are too many, the shallowest gives up both and
 * keeps its place in the folder; when the worker comes back up to it, it is
 * opened again from the root and must be the same inode.
 *
 * A folder is given to the *queue* while that has room, and becomes the lowest
 * frame of the worker that takes it; else it becomes the next frame of the
 * worker that met it.  What is left of a long known folder is given away by
 * halves, since a slow disk makes each of its names wait.
 *
 * The large things that a visit needs (struct statx) are the worker's, not on
 * the stack: there the compiler sets them to zero each time.
 */
#ifndef HFCACHE_WALK_STATE_H
#define HFCACHE_WALK_STATE_H

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "safefs.h"
#include "walk.h"

#define WALK_NAMES_BYTES (64 * 1024) /* read from a folder at a time */
#define WALK_ENTRY_ROOM (1 + PATH_MAX + 8) /* of the path: "/", the longest name
                                              that the kernel lets through, and
                                              what pads a struct dirent64 */
#define WALK_ENTRIES_A_CLOCK 64 /* looked at between two looks at the clock */
#define WALK_MIN_FDS 2          /* a worker's own: of a folder and one in it */
#define WALK_SPARE_NAMES 8      /* buffers that a worker keeps for later... */
#define WALK_SPARE_NODES 32     /* ...and nodes */
#define WALK_NAME_ROOM 64       /* of a node: most names fit */
#define WALK_MET (1 << 18)      /* folders that are kept in mind: 2 MB of them */

/* What tells a folder from another one; a statx is large for a deep tree. */
struct walk_identity {
    uint64_t inode, mount;
    uint32_t device_major, device_minor;
};

struct walk_node {
    struct walk_node *holder; /* NULL: of the start; of a spare one: the next */
    atomic_uint alive;        /* the nodes below, and the workers reading it */
    atomic_bool undone;       /* not in its place, or not read to its end: it
                                 is not told as done */
    bool known;               /* as it was: the names are those known */
    bool above_mounts;
    unsigned depth;
    size_t path_length;
    struct walk_identity identity;
    struct statx *was; /* for WALK_FOLDER_DONE; NULL: not to be told */
    uint64_t mark;
    uint32_t number;            /* in the snapshots, or SNAPSHOT_NONE */
    struct snapshot_folder now; /* what is recorded of it, but the names */
    const char *old, *old_end;  /* the names known of it; NULL: none */
    char *name;                 /* `room`, or allocated */
    char room[WALK_NAME_ROOM];
};

struct walk_frame {
    struct walk_node *node;
    int fd;              /* -1: given up */
    bool moved;          /* the descriptor is not where `place` is */
    bool incomplete;     /* not all of it was read, or can be recorded */
    char *names;         /* from getdents64(), NULL: none */
    size_t used, length; /* in `names` */
    off_t place;         /* where to read on, behind the last folder in it */
    const char *old_at;  /* in the node's old names, behind the last one met */
    const char *old_end; /* of those that are this worker's to visit */
    struct walk_table *table; /* of them, once one was not where it had been */
    size_t listed;       /* where its names begin in the worker's list */
};

/* One name in a run of what is no folder. */
struct walk_ref {
    uint64_t inode;
    const struct dirent64 *entry;
};

struct walk_task {
    struct walk_node *node;
    int fd;
    const char *old_at, *old_end; /* the old names, or a share of them */
};

struct walk_queue {
    pthread_mutex_t lock; /* never held during a call on the file system */
    pthread_cond_t filled;
    struct walk_task *tasks;
    unsigned room;
    atomic_uint count;
    unsigned busy; /* workers that may still add something */
    bool over;
    uint64_t last; /* the inode that was taken last */
};

struct walk {
    int root_fd;
    const struct walk_options *options;
    walk_visit *visit;
    void *data;
    atomic_int result; /* 0, or why the walk ends early */
    unsigned jobs;
    size_t most_fds; /* of one worker's frames, in the beginning */
    uint64_t mount;
    int how;       /* to look at an inode: see safefs_look_for() */
    char **mounts; /* paths of mounts below the root */
    size_t nmounts;
    int64_t began_wall; /* by the clock that files have their times from */
    atomic_ullong *met; /* folders that changed since, by their identities... */
    uint64_t seed;      /* ...in slots that nobody can tell beforehand */
    bool remembers; /* it knows or records something */
    struct walk_queue queue;
};

/* A folder that is about to be visited; the worker's path names it already. */
struct walk_door {
    struct walk_node *holder; /* NULL: the start */
    int dir_fd;
    const char *name;
    size_t path_length;
    uint32_t number;
};

struct walk_worker {
    struct walk *walk;
    unsigned number;
    pthread_t thread;
    struct walk_frame *frames;
    size_t depth, room; /* frames in use; allocated */
    size_t shallowest;  /* the first frame that holds a descriptor */
    size_t most_fds;    /* fewer, once there were none to be had */
    char *path;         /* of the top frame, and behind it of what is visited */
    size_t path_length, path_room;
    char *list; /* for the snapshot: the frames' names, one behind the other */
    size_t list_length, list_room;
    unsigned entries;
    char *spare[WALK_SPARE_NAMES];
    unsigned spares;
    struct walk_node *spare_nodes;
    unsigned spare_node_count;
    struct walk_ref *run; /* as many as one read can give */
    char *target;         /* PATH_MAX bytes, or NULL */
    struct walk_item item;
    struct walk_door door;
    struct statx stat;          /* of what is visited */
    struct snapshot_folder old; /* of the folder that is visited */
    struct timespec began;      /* when it began to be looked at */
};

static inline struct walk_frame *
walk_top(struct walk_worker *worker)
{
    return &worker->frames[worker->depth - 1];
}

/* Where the names of entries go, behind the path of the top frame's folder. */
static inline char *
walk_name_place(struct walk_worker *worker)
{
    char *at = worker->path + worker->path_length;

    if (worker->path_length)
        *at++ = '/';
    return at;
}

/* What `name` is, into the worker's stat: 0 or a negative errno. */
static inline int
walk_look(struct walk_worker *worker, int dir_fd, const char *name)
{
    return safefs_look_for(dir_fd, name, WALK_FIELDS, worker->walk->how,
                           &worker->stat);
}

/* --- walk.c -------------------------------------------------------------- */

/* 0, or -ETIMEDOUT. */
int walk_check_clock(const struct walk *walk);

/* 0, or a negative errno if the walk is to end here. */
static inline int
walk_check(struct walk *walk)
{
    const struct walk_options *options = walk->options;
    int result = atomic_load_explicit(&walk->result, memory_order_relaxed);

    if (result < 0)
        return result;
    if (options->stop &&
        atomic_load_explicit(options->stop, memory_order_relaxed))
        return -ECANCELED;
    return options->until_ms == INT64_MAX ? 0 : walk_check_clock(walk);
}

/* --- walk_node.c: folders that are alive --------------------------------- */

/* The node of a folder that is `stat`; NULL: no memory. */
struct walk_node *walk_make_node(struct walk_worker *worker,
                                 const struct walk_door *door,
                                 const struct statx *stat);

/*
 * It has been read, or is left: tell it and those above it as done if that is
 * to be done.  The worker's path leads there, and `dir_fd` is the folder that
 * holds it, if that is at hand.  0 or -ECANCELED.
 */
int walk_drop_node(struct walk_worker *worker, struct walk_node *node,
                   int dir_fd);

/*
 * It is not read to its end, as the walk ends early: neither it nor what holds
 * it is told as done, by whichever worker leaves there last.
 */
void walk_leave_undone(struct walk_node *node);

/* Let it go untold; `worker` may be NULL. */
void walk_forget_node(struct walk_worker *worker, struct walk_node *node);

void walk_free_spare_nodes(struct walk_worker *worker);

/* Is this still the folder of that node? */
bool walk_is_node(const struct walk_node *node, const struct statx *stat);

/*
 * Keep in mind that this folder was met: 0; -ENOENT if it has been before; or
 * -EBUSY if no more can be kept.  Who moves a folder behind what is read next,
 * or two into each other by turns, would else keep a walk busy for ever.  Who
 * is moved has a new ctime, and few have that while a walk is under way.
 */
int walk_meet(struct walk *walk, const struct statx *stat);

/* Is this path a mount's, or one on the way to one? */
bool walk_is_mount(const struct walk *walk, const char *path);
bool walk_is_above_mount(const struct walk *walk, const char *path);

/* Make the worker's path that of the node, with room for a name: 0, -ENOMEM. */
int walk_set_path(struct walk_worker *worker, const struct walk_node *node);

/* Room for so many bytes of path: 0, -ENOMEM, -ENAMETOOLONG. */
int walk_need_path(struct walk_worker *worker, size_t needed);

/* --- walk_frame.c: the stack --------------------------------------------- */

/* Both take the node and the descriptor, also when they fail. */
int walk_push(struct walk_worker *worker, const struct walk_task *task);
int walk_begin_task(struct walk_worker *worker, const struct walk_task *task);

/* Take the top frame off, which is done: 0 or -ECANCELED. */
int walk_pop(struct walk_worker *worker);

/* Let all frames go, untold. */
void walk_clear(struct walk_worker *worker);

/*
 * There are no descriptors to be had: do with fewer from now on.  True if that
 * gave one up, so that it may be tried again.
 */
bool walk_do_with_less(struct walk_worker *worker);

/*
 * The frames before frame `end` have given their descriptors up: open half as
 * many of them again as there may be, so that a deep tree does not cost its
 * whole path for each folder on the way up.  On failure none of them is open.
 */
int walk_reopen(struct walk_worker *worker, size_t end);

/* Read the next names: 1; 0 at the folder's end; or a negative errno. */
int walk_read_names(struct walk_worker *worker, struct walk_frame *frame);

/* --- walk_queue.c: folders for whoever has time -------------------------- */

int walk_make_queue(struct walk_queue *queue, unsigned workers, unsigned room);
void walk_free_queue(struct walk_queue *queue);

/* Give a folder away; false: there is no room. */
bool walk_offer(struct walk_queue *queue, const struct walk_task *task);

/* Might somebody wait for work? */
bool walk_is_hungry(struct walk_queue *queue);

/* Take one, waiting while others may still add some; false: all is done. */
bool walk_take(struct walk_queue *queue, struct walk_task *ret);

/* A worker that was counted will not come, or: none is to wait any more. */
void walk_miss_worker(struct walk_queue *queue);
void walk_close_queue(struct walk_queue *queue);

/* --- walk_visit.c: one step after the other ------------------------------ */

/* Fill the worker's item for `name` in the folder `holder`, not looked at. */
void walk_describe(struct walk_worker *worker, struct walk_node *holder,
                   int dir_fd, const char *name, mode_t type);

enum walk_next walk_tell(struct walk_worker *worker, enum walk_event event);

/* Open a folder, also when descriptors are short. */
int walk_open(struct walk_worker *worker, int dir_fd, const char *name,
              enum safefs_open how);

int walk_visit_folder(struct walk_worker *worker, const struct walk_door *door);

/* The folder was visited, which said `next`: enter it or let it go. */
int walk_enter(struct walk_worker *worker, struct walk_node *node, int fd,
               enum walk_next next);

/* The top frame is at its end: up to the one below, which holds it. */
int walk_leave(struct walk_worker *worker);

/* Work on the stack until it is empty: 0, or a negative errno to end with. */
int walk_go_on(struct walk_worker *worker);

/* --- walk_known.c: what an earlier walk found ---------------------------- */

/*
 * Visit a folder as unchanged: 1 if it is, 0 if it must be read, or a negative
 * errno.  In any case worker->old is what is known of it; inode 0: nothing.
 */
int walk_reuse(struct walk_worker *worker, const struct walk_door *door);

/*
 * The number of a folder that was met in the top frame; puts it in the list.
 * For a walk that knows or records something.
 */
uint32_t walk_number(struct walk_worker *worker, const char *name,
                     size_t length);

/*
 * Of a walk that knows or records something: note when a folder begins to be
 * looked at, then what will be recorded of it; and record the top frame, which
 * has been read to its end.
 */
void walk_note_time(struct walk_worker *worker);
void walk_note(struct walk_worker *worker, struct walk_node *node);
void walk_record(struct walk_worker *worker);

/* Go on with the top frame, whose folder is as it was known. */
int walk_step_known(struct walk_worker *worker);

#endif
