/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Iterate a tree that others can change meanwhile, in one thread or in several.
 *
 * MUST (each has a test named after it):
 *  - iterative, with bounded descriptors and memory, at any depth, at any width
 *    and with any name;
 *  - never "..", never through a link, never onto another mount, and no call on
 *    what was mounted when the walk began;
 *  - a visit sees an entry once; what cannot be visited is told;
 *  - no worker waits for another one's call on the file system;
 *  - stops at its deadline.
 */
#ifndef HFCACHE_WALK_H
#define HFCACHE_WALK_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "snapshot.h"

#define WALK_MAX_FDS 48         /* a worker's own, in a process that has many */
#define WALK_MAX_JOBS 64
#define WALK_MAX_PATH (4 << 20) /* bytes of a path; what is deeper is told... */
#define WALK_MAX_DEPTH 16384    /* ...and so is this: to come back up to a folder
                                   takes as many steps again and again */

/* What is asked of an inode that is looked at. */
#define WALK_FIELDS                                                           \
    (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID |          \
     STATX_SIZE | STATX_MTIME | STATX_CTIME | STATX_INO)

struct walk_options {
    unsigned jobs;    /* threads; 0 and 1: the calling one alone */
    int64_t until_ms; /* of util_monotonic_ms(); INT64_MAX: none */
    const atomic_bool *stop; /* NULL, or set to end the walk */
    bool targets;     /* read the targets of links */

    /* For a walk that starts at the root, "": */
    const struct snapshot *known;   /* NULL, or what an earlier walk found:
                                       unchanged folders are not read again... */
    int64_t oldest_wall;            /* ...but those last read before this time,
                                       or after now: the clock was set back */
    struct snapshot_writer *record; /* NULL, or where to write what is found;
                                       begun with `known` and as many workers
                                       as `jobs` */
};

enum walk_event {
    WALK_FOLDER,      /* a folder, before its contents */
    WALK_FOLDER_DONE, /* the same folder, after all that is below it */
    WALK_ENTRY,       /* anything else: file, link, device, ... */
    WALK_REUSED,      /* a folder that is as it was known, in place of it and of
                         its entries; the folders in it follow */
    WALK_PROBLEM,     /* it could not be looked at, entered or read */
};

struct walk_item {
    enum walk_event event;
    unsigned worker;  /* which thread calls: 0 is the one that began the walk */
    int root_fd;      /* the root that the walk began with */
    int dir_fd;       /* the folder that holds it; WALK_FOLDER_DONE: -1 if
                         another worker has it, as may be with several jobs */
    int fd;           /* WALK_FOLDER: the folder, open for reading, which is not
                         to be done with it; else -1 */
    const char *name; /* in dir_fd; "." is the root itself, or a folder that
                         cannot be read on; of one that is not in its place any
                         more the path, and dir_fd is the root */
    const char *path; /* from the root; "" is the root itself */
    mode_t type;      /* the bits of S_IFMT; 0: not known */
    const struct statx *stat; /* WALK_FIELDS and the mount; of WALK_FOLDER_DONE
                                 as it was before; NULL: not looked at, as links
                                 are not, or in vain */
    const char *target; /* of a link, with `targets`; NULL: it can't be read */
    int error;          /* WALK_PROBLEM: the errno; EXDEV: another mount, ENOENT:
                           it went, or was replaced, meanwhile, or was met before
                           it was moved here; EBUSY: it has just changed, as
                           have more than can be kept in mind; WALK_ENTRY: why `target` can't be
                           read */
    uint64_t holder;    /* the mark of the folder that holds it; 0 for `start` */
    uint64_t *mark;     /* WALK_FOLDER, WALK_REUSED: the visit may leave a mark;
                           WALK_FOLDER_DONE: the one that it left; else NULL */
    bool *found;        /* WALK_FOLDER: of the folder itself; WALK_ENTRY and
                           WALK_PROBLEM: of the one that holds it, or cannot be
                           read on.  A visit with something to say sets it:
                           that folder will not be WALK_REUSED next time.  Else
                           NULL */
    const struct snapshot_folder *known; /* WALK_REUSED: its entries, and when
                                            they were read; else NULL */
};

/* The item's last name: `name`, but of a start that lies deeper. */
static inline const char *
walk_last_name(const struct walk_item *item)
{
    const char *slash = item->holder ? NULL : strrchr(item->path, '/');

    return slash ? slash + 1 : item->name;
}

enum walk_next {
    WALK_ON,
    WALK_ON_DONE, /* of a folder: tell WALK_FOLDER_DONE, too */
    WALK_SKIP,    /* of a folder: leave what is in it */
    WALK_STOP,
};

/* With several jobs, visits run at once; what they share is their affair. */
typedef enum walk_next walk_visit(const struct walk_item *item, void *data);

/*
 * Visit the folder `start` (a path beneath `root_fd`, "": that folder) and all
 * below it: names in the order that a folder has them, but where a run of what
 * is no folder is far apart on the disk, by inode; what is in a folder at any
 * time after the folder.
 *
 * A folder that was opened is read on, wherever it may have been moved: who
 * changes something pins it by its path first.  If it has to be opened again
 * and is not in its place, it is told as WALK_PROBLEM and left, and there is no
 * WALK_FOLDER_DONE.
 *
 * 0 when all was visited; -ETIMEDOUT; -ECANCELED if a visit said WALK_STOP or
 * `stop` was set, and then other workers may still have made some visits, but
 * told nothing as done below which something was left; or the negative errno of
 * `start` itself, or -ENOMEM.
 */
int walk_run(int root_fd, const char *start, const struct walk_options *options,
             walk_visit *visit, void *data);

#endif
