/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The folders that a walk is in: nodes, and the paths that they make.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "walk_state.h"

#define MET_TRIES 64 /* slots; then it is not kept in mind */

/* --- nodes --------------------------------------------------------------- */

static struct walk_identity
identify(const struct statx *stat)
{
    return (struct walk_identity){stat->stx_ino, stat->stx_mnt_id,
                                  stat->stx_dev_major, stat->stx_dev_minor};
}

bool
walk_is_node(const struct walk_node *node, const struct statx *stat)
{
    struct walk_identity now = identify(stat);

    return S_ISDIR(stat->stx_mode) &&
           memcmp(&now, &node->identity, sizeof(now)) == 0;
}

int
walk_meet(struct walk *walk, const struct statx *stat)
{
    unsigned long long folder =
        util_mix((stat->stx_ino + ((uint64_t)stat->stx_dev_minor << 44)) ^
                 walk->seed);

    if (stat->stx_ctime.tv_sec < walk->began_wall)
        return 0;
    for (size_t i = 0; i < MET_TRIES; i++) {
        unsigned long long none = 0;
        size_t slot = ((folder >> 32) + i) % WALK_MET;

        if (atomic_compare_exchange_strong(&walk->met[slot], &none, folder))
            return 0;
        if (none == folder)
            return -ENOENT;
    }
    return -EBUSY;
}

static struct walk_node *
take_node(struct walk_worker *worker)
{
    struct walk_node *node = worker->spare_nodes;

    if (!node)
        return malloc(sizeof(*node));
    worker->spare_nodes = node->holder;
    worker->spare_node_count--;
    return node;
}

static bool
name_node(struct walk_node *node, const char *name)
{
    size_t length = strlen(name);

    node->name = length < sizeof(node->room) ? node->room : malloc(length + 1);
    if (!node->name)
        return false;
    memcpy(node->name, name, length + 1);
    return true;
}

struct walk_node *
walk_make_node(struct walk_worker *worker, const struct walk_door *door,
               const struct statx *stat)
{
    struct walk_node *node = take_node(worker);

    if (!node)
        return NULL;
    if (!name_node(node, door->name)) {
        free(node);
        return NULL;
    }
    atomic_init(&node->alive, 1);
    atomic_init(&node->undone, false);
    node->holder = door->holder;
    if (door->holder)
        (void)atomic_fetch_add_explicit(&door->holder->alive, 1,
                                        memory_order_relaxed);
    node->known = false;
    node->above_mounts = (!door->holder || door->holder->above_mounts) &&
                         walk_is_above_mount(worker->walk, worker->path);
    node->depth = door->holder ? door->holder->depth + 1 : 0;
    node->path_length = door->path_length;
    node->identity = identify(stat);
    node->was = NULL;
    node->mark = 0;
    node->number = door->number;
    node->now.entries = 0;
    node->now.found = false;
    node->old = node->old_end = NULL;
    return node;
}

static int
tell_done(struct walk_worker *worker, struct walk_node *node, int dir_fd)
{
    worker->path[node->path_length] = '\0';
    walk_describe(worker, node->holder, dir_fd, node->name, S_IFDIR);
    worker->item.stat = node->was;
    worker->item.mark = &node->mark;
    worker->item.found = NULL;
    return walk_tell(worker, WALK_FOLDER_DONE) == WALK_STOP ? -ECANCELED : 0;
}

static struct walk_node *
free_node(struct walk_worker *worker, struct walk_node *node)
{
    struct walk_node *holder = node->holder;

    if (node->was)
        free(node->was);
    if (node->name != node->room)
        free(node->name);
    if (worker && worker->spare_node_count < WALK_SPARE_NODES) {
        node->holder = worker->spare_nodes;
        worker->spare_nodes = node;
        worker->spare_node_count++;
    } else {
        free(node);
    }
    return holder;
}

void
walk_free_spare_nodes(struct walk_worker *worker)
{
    while (worker->spare_nodes) {
        struct walk_node *node = worker->spare_nodes;

        worker->spare_nodes = node->holder;
        free(node);
    }
}

/* The last one to leave: there is nothing alive below. */
static bool
leave(struct walk_node *node)
{
    return atomic_fetch_sub_explicit(&node->alive, 1, memory_order_acq_rel) ==
           1;
}

void
walk_leave_undone(struct walk_node *node)
{
    for (; node; node = node->holder)
        atomic_store(&node->undone, true);
}

int
walk_drop_node(struct walk_worker *worker, struct walk_node *node, int dir_fd)
{
    int r = 0;

    while (node && leave(node)) {
        if (node->was && !atomic_load(&node->undone) && r == 0) {
            r = tell_done(worker, node, dir_fd);
            if (r < 0)
                walk_leave_undone(node->holder);
        }
        node = free_node(worker, node);
        dir_fd = node && !node->holder ? worker->walk->root_fd : -1;
    }
    return r;
}

void
walk_forget_node(struct walk_worker *worker, struct walk_node *node)
{
    while (node && leave(node))
        node = free_node(worker, node);
}

/* --- paths --------------------------------------------------------------- */

int
walk_need_path(struct walk_worker *worker, size_t needed)
{
    size_t room = worker->path_room ? worker->path_room : PATH_MAX;
    char *grown;

    if (needed <= worker->path_room)
        return 0;
    if (needed > WALK_MAX_PATH)
        return -ENAMETOOLONG;
    while (room < needed)
        room *= 2;
    grown = realloc(worker->path, room);
    if (!grown)
        return -ENOMEM;
    worker->path = grown;
    worker->path_room = room;
    return 0;
}

int
walk_set_path(struct walk_worker *worker, const struct walk_node *node)
{
    int r = walk_need_path(worker, node->path_length + WALK_ENTRY_ROOM);

    if (r < 0)
        return r;
    worker->path_length = node->path_length;
    for (; node; node = node->holder) {
        size_t begin = node->holder ? node->holder->path_length : 0;

        begin += begin > 0;
        memcpy(worker->path + begin, node->name, node->path_length - begin);
        if (begin)
            worker->path[begin - 1] = '/';
    }
    return 0;
}

/* --- mounts -------------------------------------------------------------- */

bool
walk_is_mount(const struct walk *walk, const char *path)
{
    for (size_t i = 0; i < walk->nmounts; i++) {
        if (strcmp(walk->mounts[i], path) == 0)
            return true;
    }
    return false;
}

bool
walk_is_above_mount(const struct walk *walk, const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < walk->nmounts; i++) {
        if (length == 0 || (strncmp(walk->mounts[i], path, length) == 0 &&
                            walk->mounts[i][length] == '/'))
            return true;
    }
    return false;
}
