/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an earlier walk found, and what this one leaves for the next: which
 * folders are unchanged, which names go with which numbers, what is recorded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "walk_state.h"

#define SETTLE_NS INT64_C(2000000000) /* longer than any file system's tick */
#define MIN_SHARE 1024 /* bytes of names that are worth a descriptor */
#define MAX_LIST (16 << 20) /* bytes of names; folders of more are read anew */

static int64_t
to_ns(int64_t seconds, uint32_t nanoseconds)
{
    int64_t ns;

    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, (int64_t)nanoseconds, &ns))
        return INT64_MAX; /* never settled */
    return ns;
}

static int64_t
ctime_of(const struct statx *stat)
{
    return to_ns(stat->stx_ctime.tv_sec, stat->stx_ctime.tv_nsec);
}

/* --- unchanged folders --------------------------------------------------- */

/* Can it be left unread if it is unchanged? */
static bool
may_reuse(const struct walk_worker *worker, const struct walk_door *door)
{
    const struct walk *walk = worker->walk;

    return worker->old.settled && !worker->old.found &&
           worker->old.read_wall >= walk->options->oldest_wall &&
           worker->old.read_wall <= walk->began_wall &&
           !((!door->holder || door->holder->above_mounts) &&
             walk_is_above_mount(walk, worker->path));
}

static bool
is_unchanged(const struct walk_worker *worker)
{
    const struct statx *stat = &worker->stat;

    return stat->stx_ino == worker->old.inode && S_ISDIR(stat->stx_mode) &&
           ctime_of(stat) == worker->old.ctime_ns &&
           stat->stx_mnt_id == worker->walk->mount;
}

static enum walk_next
tell_reused(struct walk_worker *worker, const struct walk_door *door,
            uint64_t *mark)
{
    struct snapshot_writer *record = worker->walk->options->record;

    walk_describe(worker, door->holder, door->dir_fd, door->name, S_IFDIR);
    worker->item.stat = &worker->stat;
    worker->item.mark = mark;
    worker->item.found = NULL;
    worker->item.known = &worker->old;
    if (record)
        snapshot_keep(record, door->number);
    return walk_tell(worker, WALK_REUSED);
}

/* A folder without folders in it need not even be opened. */
static int
reuse_leaf(struct walk_worker *worker, const struct walk_door *door)
{
    enum walk_next next;
    uint64_t mark = 0;

    if (walk_look(worker, door->dir_fd, door->name) < 0 ||
        !is_unchanged(worker))
        return 0;
    next = tell_reused(worker, door, &mark);
    if (next == WALK_ON_DONE) {
        worker->item.known = NULL;
        next = walk_tell(worker, WALK_FOLDER_DONE);
    }
    return next == WALK_STOP ? -ECANCELED : 1;
}

static int
reuse_holder(struct walk_worker *worker, const struct walk_door *door)
{
    int fd = walk_open(worker, door->dir_fd, door->name, SAFEFS_PIN_FOLDER);
    struct walk_node *node;
    int r;

    if (fd < 0)
        return 0;
    if (safefs_look(fd, &worker->stat) < 0 || !is_unchanged(worker)) {
        close(fd);
        return 0;
    }
    node = walk_make_node(worker, door, &worker->stat);
    if (!node) {
        close(fd);
        return -ENOMEM;
    }
    node->known = true;
    node->old = worker->old.names;
    node->old_end = node->old + worker->old.names_length;
    r = walk_enter(worker, node, fd, tell_reused(worker, door, &node->mark));
    return r < 0 ? r : 1;
}

int
walk_reuse(struct walk_worker *worker, const struct walk_door *door)
{
    const struct snapshot *known = worker->walk->options->known;

    worker->old.names = NULL;
    if (!known || !snapshot_get(known, door->number, &worker->old) ||
        !may_reuse(worker, door))
        return 0;
    return worker->old.names_length ? reuse_holder(worker, door)
                                    : reuse_leaf(worker, door);
}

/* Give away the second half of what is left of the top frame, if it is long. */
static void
share_rest(struct walk_worker *worker)
{
    struct walk_queue *queue = &worker->walk->queue;
    struct walk_frame *frame = walk_top(worker);
    const char *at = frame->old_at;
    struct walk_task task = {.node = frame->node, .old_end = frame->old_end};
    ptrdiff_t half = (frame->old_end - at) / 2;
    uint32_t number;

    if (half < MIN_SHARE || frame->node->path_length >= PATH_MAX ||
        !walk_is_hungry(queue))
        return;
    task.fd = fcntl(frame->fd, F_DUPFD_CLOEXEC, 0);
    if (task.fd < 0)
        return; /* before the names are gone through, for each of them */
    while (at - frame->old_at < half &&
           snapshot_next(&at, frame->old_end, &number))
        ;
    task.old_at = at;
    (void)atomic_fetch_add_explicit(&task.node->alive, 1,
                                    memory_order_relaxed);
    if (walk_offer(queue, &task)) {
        frame->old_end = at;
    } else {
        close(task.fd);
        walk_forget_node(worker, task.node);
    }
}

int
walk_step_known(struct walk_worker *worker)
{
    struct walk_frame *frame = walk_top(worker);
    struct walk_door *door = &worker->door;
    char *end;
    int r;

    share_rest(worker);
    door->name = snapshot_next(&frame->old_at, frame->old_end, &door->number);
    if (!door->name)
        return walk_leave(worker);
    if (++worker->entries % WALK_ENTRIES_A_CLOCK == 0 &&
        (r = walk_check(worker->walk)) < 0)
        return r;
    end = stpcpy(walk_name_place(worker), door->name);
    door->holder = frame->node;
    door->dir_fd = frame->fd;
    door->path_length = (size_t)(end - worker->path);
    return walk_visit_folder(worker, door);
}

/* --- the numbers of folders in one that is read -------------------------- */

/*
 * The names that were known in a folder, to be found in any order: places in
 * their list, none of which is 0, in at least twice as many slots.  Whoever may
 * make folders must not know which names meet in a slot, hence the seed.
 */
struct walk_table {
    uint64_t seed;
    size_t mask; /* slots less 1; a power of two less 1 */
    uint32_t slots[];
};

static size_t
hash(const struct walk_table *table, const char *name)
{
    uint64_t sum = table->seed;

    for (; *name; name++) {
        sum = (sum ^ (unsigned char)*name) * 0x9e3779b97f4a7c15;
        sum ^= sum >> 32;
    }
    return (size_t)sum & table->mask;
}

static struct walk_table *
make_table(const struct walk_node *node)
{
    const char *at = node->old, *name;
    size_t room = 16, count = 0;
    struct walk_table *table;
    uint32_t number;

    while (snapshot_next(&at, node->old_end, &number))
        count++;
    while (room < count * 2)
        room *= 2;
    table = calloc(1, sizeof(*table) + room * sizeof(table->slots[0]));
    if (!table)
        return NULL;
    table->seed = util_seed();
    table->mask = room - 1;
    at = node->old;
    while ((name = snapshot_next(&at, node->old_end, &number))) {
        size_t slot = hash(table, name);

        while (table->slots[slot])
            slot = (slot + 1) & table->mask;
        table->slots[slot] = (uint32_t)(name - node->old);
    }
    return table;
}

static uint32_t
look_up(struct walk_frame *frame, const char *name)
{
    const struct walk_table *table = frame->table;

    for (size_t slot = hash(table, name); table->slots[slot];
         slot = (slot + 1) & table->mask) {
        const char *other = frame->node->old + table->slots[slot];
        uint32_t number;

        if (strcmp(other, name) != 0)
            continue;
        frame->old_at = other + strlen(other) + 1;
        memcpy(&number, other - sizeof(number), sizeof(number));
        return number;
    }
    return SNAPSHOT_NONE;
}

/*
 * The number that a name had.  A folder has its names mostly in the same order
 * as before, so that each is the next one; only the first that is not makes us
 * look up names in a table.
 */
static uint32_t
find_old(struct walk_frame *frame, const char *name)
{
    const char *at = frame->old_at;
    uint32_t number;
    const char *next = snapshot_next(&at, frame->node->old_end, &number);

    if (next && strcmp(next, name) == 0) {
        frame->old_at = at;
        return number;
    }
    if (!frame->table)
        frame->table = make_table(frame->node);
    return frame->table ? look_up(frame, name) : SNAPSHOT_NONE;
}

static bool
has_list_room(struct walk_worker *worker, size_t needed)
{
    size_t room = needed * 2 < 4096 ? 4096 : needed * 2;
    char *grown;

    if (needed <= worker->list_room || needed > MAX_LIST)
        return needed <= MAX_LIST;
    grown = realloc(worker->list, room < MAX_LIST ? room : MAX_LIST);
    if (!grown)
        return false;
    worker->list = grown;
    worker->list_room = room < MAX_LIST ? room : MAX_LIST;
    return true;
}

/* Put a name behind the others of the top frame; false: it is not recorded. */
static bool
list_name(struct walk_worker *worker, const char *name, size_t length,
          uint32_t number)
{
    struct walk_frame *frame = walk_top(worker);
    size_t needed = worker->list_length + snapshot_name_bytes(length);

    if (frame->incomplete || length > NAME_MAX ||
        !has_list_room(worker, needed)) {
        frame->incomplete = true;
        worker->list_length = frame->listed;
        return false;
    }
    snapshot_put_name(worker->list + worker->list_length, name, length,
                      number);
    worker->list_length = needed;
    return true;
}

uint32_t
walk_number(struct walk_worker *worker, const char *name, size_t length)
{
    struct snapshot_writer *record = worker->walk->options->record;
    struct walk_frame *frame = walk_top(worker);
    uint32_t number = SNAPSHOT_NONE;

    if (frame->node->old)
        number = find_old(frame, name);
    if (!record || frame->incomplete)
        return number;
    if (number == SNAPSHOT_NONE)
        number = snapshot_number(record);
    return list_name(worker, name, length, number) ? number : SNAPSHOT_NONE;
}

/* --- recording ----------------------------------------------------------- */

/*
 * Before the folder is looked at: a change that comes after the look has a
 * ctime of this time at least, less a tick.
 */
void
walk_note_time(struct walk_worker *worker)
{
    if (worker->walk->options->record)
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &worker->began);
}

void
walk_note(struct walk_worker *worker, struct walk_node *node)
{
    const struct timespec *began = &worker->began;

    if (worker->old.names) {
        node->old = worker->old.names;
        node->old_end = node->old + worker->old.names_length;
    }
    if (!worker->walk->options->record)
        return;
    node->now.inode = worker->stat.stx_ino;
    node->now.ctime_ns = ctime_of(&worker->stat);
    node->now.read_wall = began->tv_sec;
    node->now.settled = to_ns(began->tv_sec, (uint32_t)began->tv_nsec) -
                            SETTLE_NS > node->now.ctime_ns;
}

void
walk_record(struct walk_worker *worker)
{
    struct snapshot_writer *record = worker->walk->options->record;
    const struct walk_frame *frame = walk_top(worker);
    struct walk_node *node = frame->node;

    if (!record || frame->incomplete || node->number == SNAPSHOT_NONE)
        return;
    node->now.names = worker->list + frame->listed;
    node->now.names_length = worker->list_length - frame->listed;
    snapshot_add(record, worker->number, node->number, &node->now);
}
