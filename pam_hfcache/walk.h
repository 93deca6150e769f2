/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Iterate a tree that others can change meanwhile.
 *
 * MUST (each has a test named after it):
 *  - iterative, with at most WALK_MAX_FDS descriptors and memory in proportion
 *    to the depth, at any depth and with any name;
 *  - never "..", never through a link, never onto another mount;
 *  - stops at its deadline.
 */
#ifndef HFCACHE_WALK_H
#define HFCACHE_WALK_H

#include <sys/stat.h>

#include "util.h"

#define WALK_MAX_FDS 48
#define WALK_MAX_PATH (4 << 20) /* bytes of a path; what is deeper is told */

enum walk_event {
    WALK_FOLDER,      /* a folder, before its contents */
    WALK_FOLDER_DONE, /* the same folder, after them */
    WALK_ENTRY,       /* anything else: file, link, device, ... */
    WALK_PROBLEM,     /* it could not be looked at or entered: see `error` */
};

struct walk_item {
    enum walk_event event;
    int root_fd;      /* the root that the walk began with */
    int dir_fd;       /* the folder that holds it */
    const char *name; /* its name there */
    const char *path; /* its path from the root */
    struct statx stat; /* what it was; all 0 with WALK_PROBLEM */
    int error;        /* WALK_PROBLEM: the errno */
};

enum walk_next {
    WALK_ON,
    WALK_SKIP, /* WALK_FOLDER: do not enter it; there is no WALK_FOLDER_DONE */
    WALK_STOP,
};

typedef enum walk_next walk_visit(const struct walk_item *item, void *data);

/*
 * Visit the folder `start` (a path beneath `root_fd`) and all below it.  A
 * folder that vanishes or is replaced on the way is told as WALK_PROBLEM
 * (ENOENT, ESTALE) and left.  `until_ms` is of util_monotonic_ms().
 * 0 when all was visited; -ETIMEDOUT; -ECANCELED if a visit said WALK_STOP; or
 * the negative errno of `start` itself, or -ENOMEM.
 */
int walk_run(int root_fd, const char *start, int64_t until_ms,
             walk_visit *visit, void *data);

#endif
