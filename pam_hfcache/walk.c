/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk: a stack of frames, one a folder on the way down.
 *
 * The deepest frames hold a descriptor and the names read from it.  When there
 * are too many, the shallowest gives up both and keeps its place in the folder;
 * when the walk comes back up to it, it is opened again from the root and must
 * be the same inode.
 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "safefs.h"

#define NAMES_BYTES (16 * 1024) /* read from a folder at a time */
#define ENTRIES_A_CLOCK 64      /* looked at between two looks at the clock */

/* What tells a folder from another one; a statx is large for a deep tree. */
struct identity {
    uint64_t inode, mount;
    uint32_t device_major, device_minor;
};

struct frame {
    int fd;             /* -1: given up */
    char *names;        /* from getdents64(), NULL: given up */
    size_t used, length; /* in `names` */
    off_t place;        /* where to read on in the folder */
    size_t path_length; /* of the walk's path, when it is this folder's */
    struct identity identity;
};

struct walk {
    int root_fd;
    int64_t until_ms;
    walk_visit *visit;
    void *data;
    struct frame *frames;
    size_t depth, room; /* frames in use; allocated */
    size_t shallowest;  /* the first frame that holds a descriptor */
    char *path;
    size_t path_length, path_room;
    unsigned entries;
};

/* --- the path ------------------------------------------------------------ */

static int
set_path_room(struct walk *walk, size_t needed)
{
    size_t room = walk->path_room ? walk->path_room : 4096;
    char *grown;

    if (needed > WALK_MAX_PATH)
        return -ENAMETOOLONG;
    while (room < needed)
        room *= 2;
    if (room == walk->path_room)
        return 0;
    grown = realloc(walk->path, room);
    if (!grown)
        return -ENOMEM;
    walk->path = grown;
    walk->path_room = room;
    return 0;
}

/* Append "/name"; the path is cut back by setting its length. */
static int
push_name(struct walk *walk, const char *name)
{
    size_t length = strlen(name);
    int r = set_path_room(walk, walk->path_length + length + 2);

    if (r < 0)
        return r;
    if (walk->path_length)
        walk->path[walk->path_length++] = '/';
    memcpy(walk->path + walk->path_length, name, length + 1);
    walk->path_length += length;
    return 0;
}

static void
cut_path(struct walk *walk, size_t length)
{
    walk->path_length = length;
    walk->path[length] = '\0';
}

/* --- frames -------------------------------------------------------------- */

static struct identity
identify(const struct statx *stat)
{
    return (struct identity){stat->stx_ino, stat->stx_mnt_id,
                             stat->stx_dev_major, stat->stx_dev_minor};
}

static bool
is_folder(const struct statx *stat, const struct identity *identity)
{
    struct identity now = identify(stat);

    return S_ISDIR(stat->stx_mode) && memcmp(&now, identity, sizeof(now)) == 0;
}

static struct frame *
top(struct walk *walk)
{
    return &walk->frames[walk->depth - 1];
}

static void
give_up(struct frame *frame)
{
    if (frame->fd >= 0)
        close(frame->fd);
    frame->fd = -1;
    free(frame->names);
    frame->names = NULL;
    frame->used = frame->length = 0;
}

/* Let go of the shallowest descriptor if there are too many. */
static void
keep_within_bounds(struct walk *walk)
{
    if (walk->depth - walk->shallowest > WALK_MAX_FDS)
        give_up(&walk->frames[walk->shallowest++]);
}

static int
push_frame(struct walk *walk, int fd, const struct statx *stat)
{
    struct frame *grown;

    if (walk->depth == walk->room) {
        size_t room = walk->room ? walk->room * 2 : 16;

        grown = reallocarray(walk->frames, room, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        walk->frames = grown;
        walk->room = room;
    }
    walk->frames[walk->depth++] = (struct frame){
        .fd = fd, .path_length = walk->path_length,
        .identity = identify(stat)};
    keep_within_bounds(walk);
    return 0;
}

static void
pop_frame(struct walk *walk)
{
    give_up(top(walk));
    walk->depth--;
    if (walk->shallowest > walk->depth)
        walk->shallowest = walk->depth;
    if (walk->depth)
        cut_path(walk, top(walk)->path_length);
}

/* Open the folder again, with what is on the way, and see that it is it. */
static int
open_again(const struct identity *identity, int dir_fd, const char *path)
{
    int fd = safefs_open_beneath(dir_fd, path, SAFEFS_LIST);
    struct statx now;
    int r;

    if (fd < 0)
        return fd;
    r = safefs_look(fd, &now);
    if (r == 0 && !is_folder(&now, identity))
        r = -ESTALE;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* The path from the folder of `outer` (NULL: the root) to that of `inner`. */
static char *
copy_between(const struct walk *walk, const struct frame *outer,
             const struct frame *inner)
{
    size_t begin = outer ? outer->path_length : 0;

    begin += begin > 0;
    return strndup(walk->path + begin, inner->path_length - begin);
}

/*
 * The frame to open next after frame `last` (-1: the root): as far down as one
 * path reaches, but each of those that keep their descriptor, from `keep` on.
 */
static size_t
choose_stop(const struct walk *walk, ssize_t last, size_t keep)
{
    size_t base = last < 0 ? 0 : walk->frames[last].path_length;
    size_t stop = (size_t)(last + 1);

    while (stop < keep &&
           walk->frames[stop + 1].path_length - base < PATH_MAX - 1)
        stop++;
    return stop;
}

/* Open frame `stop` from `*fd`, the folder of frame `last`, and move there. */
static int
go_down(struct walk *walk, ssize_t last, size_t stop, int *fd)
{
    CLEANUP_FREE char *path =
        copy_between(walk, last < 0 ? NULL : &walk->frames[last],
                     &walk->frames[stop]);
    int next;

    if (!path)
        return -ENOMEM;
    next = open_again(&walk->frames[stop].identity, *fd, *path ? path : ".");
    if (next < 0)
        return next;
    if (*fd != walk->root_fd)
        close(*fd);
    *fd = next;
    return 0;
}

static int
keep_copy(struct frame *frame, int fd)
{
    give_up(frame);
    frame->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return frame->fd < 0 ? -errno : 0;
}

/*
 * Give the deepest frames their descriptors back, half as many as there may
 * be, going down from the root.  On failure no frame has one.
 */
static int
reopen_frames(struct walk *walk)
{
    size_t half = WALK_MAX_FDS / 2;
    size_t keep = walk->depth > half ? walk->depth - half : 0;
    int fd = walk->root_fd;
    ssize_t last = -1;
    int r = 0;

    while (r == 0 && last + 1 < (ssize_t)walk->depth) {
        size_t stop = choose_stop(walk, last, keep);

        r = go_down(walk, last, stop, &fd);
        if (r == 0 && stop >= keep)
            r = keep_copy(&walk->frames[stop], fd);
        last = (ssize_t)stop;
    }
    if (fd != walk->root_fd)
        close(fd);
    walk->shallowest = keep;
    for (size_t i = 0; r < 0 && i < walk->depth; i++)
        give_up(&walk->frames[i]);
    return r;
}

/* Read the next names; false at the folder's end.  `*ret_error`: 0 or errno. */
static bool
read_names(struct frame *frame, int *ret_error)
{
    ssize_t got;

    *ret_error = 0;
    if (!frame->names) {
        frame->names = malloc(NAMES_BYTES);
        if (!frame->names || lseek(frame->fd, frame->place, SEEK_SET) < 0) {
            *ret_error = frame->names ? errno : ENOMEM;
            return false;
        }
    }
    got = getdents64(frame->fd, frame->names, NAMES_BYTES);
    if (got < 0)
        *ret_error = errno;
    frame->used = 0;
    frame->length = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* --- visiting ------------------------------------------------------------ */

/* Tell of what the path names now. */
static enum walk_next
tell(struct walk *walk, enum walk_event event, int dir_fd, const char *name,
     const struct statx *stat, int error)
{
    struct walk_item item = {
        .event = event, .root_fd = walk->root_fd, .dir_fd = dir_fd,
        .name = name,   .path = walk->path,       .error = error};

    if (stat)
        item.stat = *stat;
    return walk->visit(&item, walk->data);
}

static int
tell_problem(struct walk *walk, int dir_fd, const char *name, int error)
{
    return tell(walk, WALK_PROBLEM, dir_fd, name, NULL, error) == WALK_STOP
               ? -ECANCELED
               : 0;
}

/* Enter the folder `name`, which was `stat`: it becomes the top frame. */
static int
enter(struct walk *walk, int dir_fd, const char *name,
      const struct statx *stat)
{
    struct identity identity = identify(stat);
    int fd = open_again(&identity, dir_fd, name);
    int r;

    if (fd < 0)
        return tell_problem(walk, dir_fd, name, -fd);
    r = push_frame(walk, fd, stat);
    if (r < 0)
        close(fd);
    return r;
}

/* Look at a name without entering what may be mounted there. */
static int
look(int dir_fd, const char *name, struct statx *ret)
{
    CLEANUP_CLOSE int fd = safefs_open_beneath(dir_fd, name, SAFEFS_PIN);

    return fd < 0 ? fd : safefs_look(fd, ret);
}

/* Visit `name` in `dir_fd`; the path names it already. */
static int
visit_name(struct walk *walk, int dir_fd, const char *name)
{
    struct statx stat;
    int r = look(dir_fd, name, &stat);
    enum walk_next next;

    if (r < 0)
        return tell_problem(walk, dir_fd, name, -r);
    next = tell(walk, S_ISDIR(stat.stx_mode) ? WALK_FOLDER : WALK_ENTRY,
                dir_fd, name, &stat, 0);
    if (next == WALK_STOP)
        return -ECANCELED;
    if (next == WALK_SKIP || !S_ISDIR(stat.stx_mode))
        return 0;
    return enter(walk, dir_fd, name, &stat);
}

/* Visit one entry of the top frame. */
static int
visit_entry(struct walk *walk, const struct dirent64 *entry)
{
    struct frame *frame = top(walk);
    size_t depth = walk->depth;
    int r;

    frame->place = entry->d_off;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return 0;
    if (++walk->entries % ENTRIES_A_CLOCK == 0 &&
        util_monotonic_ms() >= walk->until_ms)
        return -ETIMEDOUT;
    r = push_name(walk, entry->d_name);
    if (r == -ENAMETOOLONG)
        return tell_problem(walk, frame->fd, entry->d_name, -r);
    if (r < 0)
        return r;
    r = visit_name(walk, frame->fd, entry->d_name);
    if (walk->depth == depth)
        cut_path(walk, top(walk)->path_length);
    return r;
}

/* The folder that holds the top frame's, and its name there. */
static int
find_holder(struct walk *walk, const char **ret_name)
{
    size_t begin;

    if (walk->depth < 2) {
        *ret_name = walk->path_length ? walk->path : ".";
        return walk->root_fd;
    }
    begin = walk->frames[walk->depth - 2].path_length;
    *ret_name = walk->path + begin + (begin > 0);
    return walk->frames[walk->depth - 2].fd;
}

/* Tell that the top frame's contents were visited, unless it was replaced. */
static int
tell_done(struct walk *walk)
{
    const char *name;
    int dir_fd = find_holder(walk, &name);
    struct statx now;
    int r = look(dir_fd, name, &now);

    if (r == 0 && !is_folder(&now, &top(walk)->identity))
        r = -ESTALE;
    if (r < 0)
        return tell_problem(walk, dir_fd, name, -r);
    return tell(walk, WALK_FOLDER_DONE, dir_fd, name, &now, 0) == WALK_STOP
               ? -ECANCELED
               : 0;
}

/* The top frame's folder cannot be opened again: told and left. */
static int
leave_lost(struct walk *walk, int error)
{
    int r = tell_problem(walk, walk->root_fd, walk->path, error);

    pop_frame(walk);
    return r;
}

/* The top frame's folder is at its end: up to the one that holds it. */
static int
leave(struct walk *walk)
{
    int r;

    if (walk->depth >= 2 && walk->frames[walk->depth - 2].fd < 0) {
        r = reopen_frames(walk);
        if (r < 0)
            return leave_lost(walk, -r);
    }
    r = tell_done(walk);
    pop_frame(walk);
    return r;
}

/* One step of the walk. */
static int
advance(struct walk *walk)
{
    struct frame *frame = top(walk);
    int error;
    int r;

    if (frame->fd < 0) {
        r = reopen_frames(walk);
        return r < 0 ? leave_lost(walk, -r) : 0;
    }
    if (frame->used < frame->length) {
        const struct dirent64 *entry =
            (const void *)(frame->names + frame->used);

        frame->used += entry->d_reclen;
        return visit_entry(walk, entry);
    }
    if (util_monotonic_ms() >= walk->until_ms)
        return -ETIMEDOUT;
    if (read_names(frame, &error))
        return 0;
    r = error ? tell_problem(walk, frame->fd, ".", error) : 0;
    return r < 0 ? r : leave(walk);
}

int
walk_run(int root_fd, const char *start, int64_t until_ms, walk_visit *visit,
         void *data)
{
    struct walk walk = {.root_fd = root_fd, .until_ms = until_ms,
                        .visit = visit, .data = data};
    struct statx stat;
    int r = look(root_fd, *start ? start : ".", &stat);

    if (r == 0 && !S_ISDIR(stat.stx_mode))
        r = -ENOTDIR;
    if (r == 0)
        r = push_name(&walk, start);
    if (r == 0)
        r = visit_name(&walk, root_fd, *start ? start : ".");
    while (r == 0 && walk.depth)
        r = advance(&walk);
    while (walk.depth)
        pop_frame(&walk);
    free(walk.frames);
    free(walk.path);
    return r;
}
