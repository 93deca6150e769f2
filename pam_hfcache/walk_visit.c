/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Visiting: the names of a folder one after the other, what they are, and the
 * folders among them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "walk_state.h"

#define OPEN_TRIES 200 /* a millisecond each, while others have descriptors */

/*
 * Inodes as near as this are read at once (ext4 reads so much of its tables
 * ahead, xfs and btrfs keep them together): a run of them is not sorted.
 */
#define NEAR_INODES 512

/* --- telling ------------------------------------------------------------- */

void
walk_describe(struct walk_worker *worker, struct walk_node *holder, int dir_fd,
              const char *name, mode_t type)
{
    struct walk_item *item = &worker->item;

    item->dir_fd = dir_fd;
    item->fd = -1;
    item->name = name;
    item->path = worker->path;
    item->type = type;
    item->stat = NULL;
    item->target = NULL;
    item->error = 0;
    item->holder = holder ? holder->mark : 0;
    item->mark = NULL;
    item->found = holder && !holder->known ? &holder->now.found : NULL;
    item->known = NULL;
}

enum walk_next
walk_tell(struct walk_worker *worker, enum walk_event event)
{
    worker->item.event = event;
    return worker->walk->visit(&worker->item, worker->walk->data);
}

static int
tell_entry(struct walk_worker *worker, enum walk_event event)
{
    return walk_tell(worker, event) == WALK_STOP ? -ECANCELED : 0;
}

/* Tell what is described as a problem: 0 or -ECANCELED. */
static int
tell_problem(struct walk_worker *worker, int error)
{
    worker->item.error = error;
    return tell_entry(worker, WALK_PROBLEM);
}

/* The top frame's own folder cannot be read on. */
static int
tell_unread(struct walk_worker *worker, int dir_fd, const char *name,
            int error)
{
    struct walk_frame *frame = walk_top(worker);

    frame->incomplete = true;
    worker->path[worker->path_length] = '\0';
    walk_describe(worker, frame->node->holder, dir_fd, name, S_IFDIR);
    worker->item.found = &frame->node->now.found;
    return tell_problem(worker, error);
}

/* --- what is no folder --------------------------------------------------- */

static void
read_target(struct walk_worker *worker)
{
    struct walk_item *item = &worker->item;
    ssize_t r = safefs_read_link(item->dir_fd, item->name, worker->target,
                                 PATH_MAX);

    item->target = r < 0 ? NULL : worker->target;
    item->error = r < 0 ? (int)-r : 0;
}

/* Tell of what is described and was looked at. */
static int
tell_looked(struct walk_worker *worker)
{
    struct walk_item *item = &worker->item;

    item->stat = &worker->stat;
    item->type = worker->stat.stx_mode & S_IFMT;
    if (worker->stat.stx_mnt_id != worker->walk->mount)
        return tell_problem(worker, EXDEV);
    if (S_ISDIR(item->type))
        return tell_problem(worker, ENOENT);
    if (S_ISLNK(item->type) && worker->target)
        read_target(worker);
    return tell_entry(worker, WALK_ENTRY);
}

/*
 * Visit an entry that its folder says is no folder.  The worker's item is what
 * walk_describe() made of the folder, and `place` is where names go.
 */
static inline int
visit_entry(struct walk_worker *worker, const struct dirent64 *entry,
            char *place, bool above_mounts)
{
    struct walk_item *item = &worker->item;

    memcpy(place, entry->d_name,
           entry->d_reclen - offsetof(struct dirent64, d_name));
    item->name = entry->d_name;
    item->type = (mode_t)DTTOIF(entry->d_type);
    item->stat = NULL;
    item->target = NULL;
    item->error = 0;
    if (above_mounts && walk_is_mount(worker->walk, worker->path))
        return tell_problem(worker, EXDEV);
    if (entry->d_type != DT_LNK) {
        int r = walk_look(worker, item->dir_fd, entry->d_name);

        return r < 0 ? tell_problem(worker, -r) : tell_looked(worker);
    }
    if (worker->target)
        read_target(worker);
    return tell_entry(worker, WALK_ENTRY);
}

static int
compare_refs(const void *a, const void *b)
{
    const struct walk_ref *left = a, *right = b;

    return left->inode < right->inode ? -1 : left->inode > right->inode;
}

/* Visit the worker's run of entries of the top frame. */
static int
visit_run(struct walk_worker *worker, size_t count)
{
    struct walk_node *node = walk_top(worker)->node;
    bool above_mounts = node->above_mounts;
    char *place = walk_name_place(worker);
    int r = 0;

    node->now.entries += count;
    walk_describe(worker, node, walk_top(worker)->fd, NULL, 0);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (++worker->entries % WALK_ENTRIES_A_CLOCK == 0)
            r = walk_check(worker->walk);
        if (r == 0)
            r = visit_entry(worker, worker->run[i].entry, place, above_mounts);
    }
    return r;
}

/* --- folders ------------------------------------------------------------- */

int
walk_open(struct walk_worker *worker, int dir_fd, const char *name,
          enum safefs_open how)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    int fd = safefs_open_beneath(dir_fd, name, how);

    for (int i = 0; (fd == -EMFILE || fd == -ENFILE) && i < OPEN_TRIES; i++) {
        if (walk_do_with_less(worker))
            i--;
        else if (worker->walk->jobs > 1)
            (void)nanosleep(&pause, NULL); /* others may close some */
        else
            break;
        fd = safefs_open_beneath(dir_fd, name, how);
    }
    return fd;
}

/* A folder that is closed to us can still be looked at. */
static int
tell_closed(struct walk_worker *worker, const struct walk_door *door,
            int error)
{
    walk_describe(worker, door->holder, door->dir_fd, door->name, S_IFDIR);
    if (error == EACCES &&
        walk_look(worker, door->dir_fd, door->name) == 0) {
        worker->item.stat = &worker->stat;
        worker->item.type = worker->stat.stx_mode & S_IFMT;
    }
    return tell_problem(worker, error);
}

int
walk_enter(struct walk_worker *worker, struct walk_node *node, int fd,
           enum walk_next next)
{
    struct walk_task task = {node, fd, node->old, node->old_end};

    if (next == WALK_ON_DONE) {
        node->was = malloc(sizeof(*node->was));
        if (node->was)
            *node->was = worker->stat;
    }
    if (next == WALK_SKIP || next == WALK_STOP ||
        (next == WALK_ON_DONE && !node->was)) {
        close(fd);
        walk_forget_node(worker, node);
        return next == WALK_SKIP ? 0
               : next == WALK_STOP ? -ECANCELED
                                   : -ENOMEM;
    }
    /* What is done with a deep one is cheap only by what holds it: not away. */
    if (node->path_length < PATH_MAX &&
        walk_offer(&worker->walk->queue, &task))
        return 0;
    return walk_push(worker, &task);
}

/* Visit the folder that `fd` is open on. */
static int
visit_open(struct walk_worker *worker, const struct walk_door *door, int fd)
{
    struct walk_node *node;
    int r;

    if (worker->walk->remembers)
        walk_note_time(worker);
    r = safefs_look(fd, &worker->stat);
    if (r == 0)
        r = walk_meet(worker->walk, &worker->stat);
    if (r < 0) {
        close(fd);
        return tell_closed(worker, door, -r);
    }
    node = walk_make_node(worker, door, &worker->stat);
    if (!node) {
        close(fd);
        return -ENOMEM;
    }
    if (worker->walk->remembers)
        walk_note(worker, node);
    walk_describe(worker, door->holder, door->dir_fd, door->name, S_IFDIR);
    worker->item.fd = fd;
    worker->item.stat = &worker->stat;
    worker->item.mark = &node->mark;
    worker->item.found = &node->now.found;
    return walk_enter(worker, node, fd, walk_tell(worker, WALK_FOLDER));
}

int
walk_visit_folder(struct walk_worker *worker, const struct walk_door *door)
{
    int r, fd;

    if (door->holder && door->holder->above_mounts &&
        walk_is_mount(worker->walk, worker->path))
        return tell_closed(worker, door, EXDEV);
    if (door->path_length + WALK_ENTRY_ROOM > WALK_MAX_PATH ||
        (door->holder && door->holder->depth >= WALK_MAX_DEPTH))
        return tell_closed(worker, door, ENAMETOOLONG);
    r = worker->walk->remembers ? walk_reuse(worker, door) : 0;
    if (r != 0)
        return r < 0 ? r : 0;
    fd = walk_open(worker, door->dir_fd, door->name, SAFEFS_LIST);
    return fd < 0 ? tell_closed(worker, door, -fd)
                  : visit_open(worker, door, fd);
}

/* --- the top frame ------------------------------------------------------- */

static bool
may_be_folder(const struct dirent64 *entry)
{
    return entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
}

/* Where the file system does not tell in its names: is it a folder? */
static bool
is_folder(struct walk_worker *worker, const struct dirent64 *entry)
{
    const struct walk_frame *frame = walk_top(worker);

    if (entry->d_type == DT_DIR)
        return true;
    if (frame->node->above_mounts && walk_is_mount(worker->walk, worker->path))
        return true; /* not to be looked at */
    return walk_look(worker, frame->fd, entry->d_name) == 0 &&
           S_ISDIR(worker->stat.stx_mode);
}

/* Visit a name of the top frame that is a folder, or may be one. */
static int
visit_name(struct walk_worker *worker, const struct dirent64 *entry)
{
    struct walk_frame *frame = walk_top(worker);
    struct walk_door *door = &worker->door;
    char *place, *end;
    int r;

    if (++worker->entries % WALK_ENTRIES_A_CLOCK == 0 &&
        (r = walk_check(worker->walk)) < 0)
        return r;
    place = walk_name_place(worker);
    end = stpcpy(place, entry->d_name);
    if (!is_folder(worker, entry)) {
        worker->run[0].entry = entry;
        return visit_run(worker, 1);
    }
    door->holder = frame->node;
    door->dir_fd = frame->fd;
    door->name = entry->d_name;
    door->path_length = (size_t)(end - worker->path);
    door->number = SNAPSHOT_NONE;
    if (worker->walk->remembers)
        door->number =
            walk_number(worker, entry->d_name, (size_t)(end - place));
    return walk_visit_folder(worker, door);
}

/* Visit the run of what is no folder that begins at `entry`. */
static int
visit_entries(struct walk_worker *worker, const struct dirent64 *entry)
{
    struct walk_frame *frame = walk_top(worker);
    const char *begin = (const char *)entry, *at = begin;
    const char *end = frame->names + frame->length;
    uint64_t first = entry->d_ino, last = first;
    struct walk_ref *ref = worker->run;

    do {
        uint64_t inode = entry->d_ino;

        *ref++ = (struct walk_ref){inode, entry};
        first = inode < first ? inode : first;
        last = inode > last ? inode : last;
        at += entry->d_reclen;
        entry = (const void *)at;
    } while (at < end && !may_be_folder(entry));
    frame->used += (size_t)(at - begin);
    if (last - first > NEAR_INODES)
        qsort(worker->run, (size_t)(ref - worker->run), sizeof(*ref),
              compare_refs);
    return visit_run(worker, (size_t)(ref - worker->run));
}

/* Visit the names that were read, up to one that becomes the top frame. */
static int
visit_names(struct walk_worker *worker)
{
    struct walk_frame *frame = walk_top(worker);
    size_t depth = worker->depth;
    int r = 0;

    while (r == 0 && worker->depth == depth && frame->used < frame->length) {
        const struct dirent64 *entry =
            (const void *)(frame->names + frame->used);

        if (!may_be_folder(entry)) {
            r = visit_entries(worker, entry);
            continue;
        }
        frame->place = entry->d_off;
        frame->used += entry->d_reclen;
        if (!util_is_dots(entry->d_name))
            r = visit_name(worker, entry);
    }
    return r;
}

/* The top frame's folder is not in its place any more: told once and left. */
static int
leave_lost(struct walk_worker *worker, int error)
{
    struct walk_node *node = walk_top(worker)->node;
    int r = 0;

    if (!atomic_exchange(&node->undone, true))
        r = tell_unread(worker, worker->walk->root_fd, worker->path, error);
    return r < 0 ? r : walk_pop(worker);
}

int
walk_leave(struct walk_worker *worker)
{
    const struct walk_frame *frame = walk_top(worker);

    if (frame->node->was && worker->depth > 1 && frame[-1].fd < 0) {
        int r = walk_reopen(worker, worker->depth - 1);

        if (r < 0)
            return leave_lost(worker, -r);
    }
    return walk_pop(worker);
}

/* Read on in the top frame's folder, or leave it at its end. */
static int
read_on(struct walk_worker *worker)
{
    struct walk_frame *frame = walk_top(worker);
    int r = walk_check(worker->walk);

    if (r < 0)
        return r;
    r = walk_read_names(worker, frame);
    if (r > 0)
        return 0;
    if (r < 0)
        r = tell_unread(worker, frame->fd, ".", -r);
    if (r < 0)
        return r;
    if (worker->walk->remembers)
        walk_record(worker);
    return walk_leave(worker);
}

/* Come back up to a frame that has no descriptor any more. */
static int
come_back(struct walk_worker *worker)
{
    int r = walk_reopen(worker, worker->depth);

    return r < 0 ? leave_lost(worker, -r) : 0;
}

int
walk_go_on(struct walk_worker *worker)
{
    int r = 0;

    while (r == 0 && worker->depth) {
        const struct walk_frame *frame = walk_top(worker);

        if (frame->fd < 0)
            r = come_back(worker);
        else if (frame->node->known)
            r = walk_step_known(worker);
        else if (frame->used < frame->length)
            r = visit_names(worker);
        else
            r = read_on(worker);
    }
    return r;
}
