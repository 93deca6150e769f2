/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Folders for whichever worker has time next.  They are taken in the order of
 * their inodes, round and round, as a disk's head moves.
 */
#include <errno.h>
#include <stdlib.h>

#include "walk_state.h"

int
walk_make_queue(struct walk_queue *queue, unsigned workers, unsigned room)
{
    queue->tasks = calloc(room ? room : 1, sizeof(*queue->tasks));
    if (!queue->tasks)
        return -ENOMEM;
    queue->room = room;
    queue->busy = workers;
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->filled, NULL);
    return 0;
}

void
walk_free_queue(struct walk_queue *queue)
{
    for (unsigned i = 0; i < atomic_load(&queue->count); i++) {
        close(queue->tasks[i].fd);
        walk_forget_node(NULL, queue->tasks[i].node);
    }
    (void)pthread_mutex_destroy(&queue->lock);
    (void)pthread_cond_destroy(&queue->filled);
    free(queue->tasks);
}

bool
walk_offer(struct walk_queue *queue, const struct walk_task *task)
{
    unsigned count;

    if (atomic_load_explicit(&queue->count, memory_order_relaxed) >=
        queue->room)
        return false;
    (void)pthread_mutex_lock(&queue->lock);
    count = atomic_load(&queue->count);
    if (count < queue->room) {
        queue->tasks[count] = *task;
        atomic_store(&queue->count, count + 1);
        (void)pthread_cond_signal(&queue->filled);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return count < queue->room;
}

bool
walk_is_hungry(struct walk_queue *queue)
{
    return queue->room &&
           !atomic_load_explicit(&queue->count, memory_order_relaxed);
}

/* The next inode behind the last one taken, else the first one of all. */
static unsigned
choose(const struct walk_queue *queue, unsigned count)
{
    uint64_t best = UINT64_MAX;
    unsigned chosen = 0;

    for (unsigned i = 0; i < count; i++) {
        /* What lies before the last one is a whole round away. */
        uint64_t way = queue->tasks[i].node->identity.inode - queue->last;

        if (way <= best) {
            best = way;
            chosen = i;
        }
    }
    return chosen;
}

static struct walk_task
take(struct walk_queue *queue)
{
    unsigned count = atomic_load(&queue->count);
    unsigned chosen = choose(queue, count);
    struct walk_task task = queue->tasks[chosen];

    queue->tasks[chosen] = queue->tasks[count - 1];
    atomic_store(&queue->count, count - 1);
    queue->last = task.node->identity.inode;
    return task;
}

bool
walk_take(struct walk_queue *queue, struct walk_task *ret)
{
    bool taken;

    (void)pthread_mutex_lock(&queue->lock);
    queue->busy--;
    while (!queue->over && !atomic_load(&queue->count) && queue->busy)
        (void)pthread_cond_wait(&queue->filled, &queue->lock);
    taken = !queue->over && atomic_load(&queue->count);
    if (taken) {
        *ret = take(queue);
        queue->busy++;
    } else {
        (void)pthread_cond_broadcast(&queue->filled);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return taken;
}

void
walk_miss_worker(struct walk_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->busy--;
    (void)pthread_mutex_unlock(&queue->lock);
}

void
walk_close_queue(struct walk_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->over = true;
    (void)pthread_cond_broadcast(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
}
