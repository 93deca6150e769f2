/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's stack: the folders that it is reading, each the holder of the
 * next, and their descriptors, of which there are only so many.
 */
#include <errno.h>
#include <stdlib.h>

#include "walk_state.h"

static char *
take_names(struct walk_worker *worker)
{
    if (worker->spares)
        return worker->spare[--worker->spares];
    return malloc(WALK_NAMES_BYTES);
}

static void
give_up(struct walk_worker *worker, struct walk_frame *frame)
{
    if (frame->fd >= 0)
        close(frame->fd);
    frame->fd = -1;
    if (frame->names && worker->spares < WALK_SPARE_NAMES)
        worker->spare[worker->spares++] = frame->names;
    else
        free(frame->names);
    frame->names = NULL;
    frame->used = frame->length = 0;
    frame->moved = true;
}

static void
keep_within_bounds(struct walk_worker *worker)
{
    while (worker->depth - worker->shallowest > worker->most_fds)
        give_up(worker, &worker->frames[worker->shallowest++]);
}

bool
walk_do_with_less(struct walk_worker *worker)
{
    size_t held = worker->depth - worker->shallowest;

    if (held < WALK_MIN_FDS)
        return false;
    worker->most_fds = held - 1;
    keep_within_bounds(worker);
    if (worker->most_fds < WALK_MIN_FDS)
        worker->most_fds = WALK_MIN_FDS;
    return true;
}

static int
make_room(struct walk_worker *worker)
{
    size_t room = worker->room ? worker->room * 2 : 16;
    struct walk_frame *grown =
        reallocarray(worker->frames, room, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    worker->frames = grown;
    worker->room = room;
    return 0;
}

int
walk_push(struct walk_worker *worker, const struct walk_task *task)
{
    struct walk_node *node = task->node;
    size_t needed = node->path_length + WALK_ENTRY_ROOM;
    struct walk_frame *frame;
    int r = 0;

    if (needed > worker->path_room)
        r = walk_need_path(worker, needed);
    if (r == 0 && worker->depth == worker->room)
        r = make_room(worker);
    if (r < 0) {
        close(task->fd);
        walk_leave_undone(node);
        walk_forget_node(worker, node);
        return r;
    }
    frame = &worker->frames[worker->depth++];
    frame->node = node;
    frame->fd = task->fd;
    frame->moved = frame->incomplete = false;
    frame->names = NULL;
    frame->used = frame->length = 0;
    frame->place = 0;
    frame->old_at = task->old_at;
    frame->old_end = task->old_end;
    frame->table = NULL;
    frame->listed = worker->list_length;
    worker->path_length = node->path_length;
    keep_within_bounds(worker);
    return 0;
}

int
walk_begin_task(struct walk_worker *worker, const struct walk_task *task)
{
    int r = walk_set_path(worker, task->node);

    if (r == 0)
        return walk_push(worker, task);
    close(task->fd);
    walk_leave_undone(task->node);
    walk_forget_node(worker, task->node);
    return r;
}

/* Take the top frame off, with all it has but its node. */
static struct walk_node *
take_off(struct walk_worker *worker)
{
    struct walk_frame *frame = walk_top(worker);

    give_up(worker, frame);
    if (frame->table)
        free(frame->table);
    worker->list_length = frame->listed;
    worker->depth--;
    if (worker->shallowest > worker->depth)
        worker->shallowest = worker->depth;
    return frame->node;
}

int
walk_pop(struct walk_worker *worker)
{
    struct walk_node *node = take_off(worker);
    int dir_fd = !node->holder ? worker->walk->root_fd
                 : worker->depth ? walk_top(worker)->fd
                                 : -1;
    int r = walk_drop_node(worker, node, dir_fd);

    if (worker->depth)
        worker->path_length = walk_top(worker)->node->path_length;
    return r;
}

void
walk_clear(struct walk_worker *worker)
{
    if (worker->depth)
        walk_leave_undone(walk_top(worker)->node);
    while (worker->depth)
        walk_forget_node(worker, take_off(worker));
}

/* --- coming back up ------------------------------------------------------ */

/* Open the frame's folder again and see that it is it. */
static int
open_again(struct walk_worker *worker, struct walk_frame *frame, int dir_fd,
           const char *path)
{
    int fd = walk_open(worker, dir_fd, *path ? path : ".",
                       frame->node->known ? SAFEFS_PIN_FOLDER : SAFEFS_LIST);
    int r;

    if (fd < 0)
        return fd;
    r = safefs_look(fd, &worker->stat);
    if (r == 0 && !walk_is_node(frame->node, &worker->stat))
        r = -ENOENT;
    if (r < 0) {
        close(fd);
        return r;
    }
    frame->fd = fd;
    return 0;
}

/* The same from the root, by the whole path. */
static int
open_from_root(struct walk_worker *worker, struct walk_frame *frame)
{
    char *end = worker->path + frame->node->path_length;
    char kept = *end;
    int r;

    *end = '\0';
    r = open_again(worker, frame, worker->walk->root_fd, worker->path);
    *end = kept;
    return r;
}

static int
reopen_from(struct walk_worker *worker, size_t first, size_t end)
{
    int r = open_from_root(worker, &worker->frames[first]);

    for (size_t i = first + 1; r == 0 && i < end; i++) {
        struct walk_frame *frame = &worker->frames[i];

        r = open_again(worker, frame, frame[-1].fd, frame->node->name);
    }
    for (size_t i = first; r < 0 && i < end; i++)
        give_up(worker, &worker->frames[i]);
    worker->shallowest = r < 0 ? end : first;
    return r;
}

int
walk_reopen(struct walk_worker *worker, size_t end)
{
    size_t count = worker->most_fds / 2;
    int r;

    do {
        r = reopen_from(worker, end > count ? end - count : 0, end);
        count /= 2;
    } while ((r == -EMFILE || r == -ENFILE) && count > 0);
    return r;
}

int
walk_read_names(struct walk_worker *worker, struct walk_frame *frame)
{
    ssize_t got;

    if (!frame->names)
        frame->names = take_names(worker);
    if (!frame->names)
        return -ENOMEM;
    if (frame->moved && lseek(frame->fd, frame->place, SEEK_SET) < 0)
        return -errno;
    frame->moved = false;
    got = getdents64(frame->fd, (void *)frame->names, WALK_NAMES_BYTES);
    frame->used = 0;
    frame->length = got > 0 ? (size_t)got : 0;
    return got < 0 ? -errno : got > 0;
}
