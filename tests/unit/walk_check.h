/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks that know what the one before found: the tree is `tree` in the case's
 * folder, the snapshot `state/snapshot`.
 */
#ifndef WALK_CHECK_H
#define WALK_CHECK_H

#include <sys/syscall.h>

#include "walk_seen.h"

#ifdef SYS_clock_gettime64 /* 32 bits, and times of 64 */
#define CLOCK_GETTIME SYS_clock_gettime64
#else
#define CLOCK_GETTIME SYS_clock_gettime
#endif

/*
 * Seconds that the walk's clock is ahead of the file system's: enough, and a
 * tree that was just made has settled.
 */
static time_t ahead = 10;

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = (int)syscall(CLOCK_GETTIME, clock, ret);

    if (clock == CLOCK_REALTIME_COARSE)
        ret->tv_sec += ahead;
    return r;
}

static unsigned jobs = 1;
static int64_t oldest_wall; /* 0: nothing is too old */

static inline const char *
state(void)
{
    return tap_in_folder("state");
}

static inline const char *
file(void)
{
    return tap_in_folder("state/snapshot");
}

static inline struct snapshot_of
describe_root(const char *path)
{
    struct stat st;

    REQUIRE_INT(stat(path, &st), 0);
    return (struct snapshot_of){.path = path, .inode = st.st_ino};
}

/* Walk the tree with what is known of it, and record it; what was visited. */
static inline struct seen
check_at(const char *path, struct seen seen)
{
    struct walk_options options = {
        .jobs = jobs, .until_ms = INT64_MAX, .oldest_wall = oldest_wall};
    struct snapshot_of of = describe_root(path);
    int dir_fd = open(state(), O_RDONLY | O_DIRECTORY);
    struct snapshot *known = NULL;

    (void)snapshot_open(file(), getuid(), &of, &known);
    options.known = known;
    REQUIRE_INT(snapshot_begin(dir_fd, "snapshot", &of, known, jobs,
                               &options.record),
                0);
    if (CHECK_INT(walk_in(path, "", &options, &seen), 0))
        CHECK_INT(snapshot_commit(options.record), 0);
    snapshot_end(options.record);
    snapshot_close(known);
    close(dir_fd);
    CHECK_INT(seen.marks, seen.folders + seen.entries + seen.reused +
                              seen.problems + 2 * seen.done);
    return seen;
}

static inline struct seen
check(void)
{
    return check_at(tap_in_folder("tree"), (struct seen)SEEN_INIT);
}

/* The same, and what was visited; kept until the next call. */
static inline const char *
check_log(void)
{
    static struct seen seen;

    seen = check();
    return seen.log;
}

#endif
