/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a check remembers of the last one, and for how long.
 */
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>

#include "audit.h"
#include "tap.h"

#ifdef SYS_clock_gettime64 /* 32 bits, and times of 64 */
#define CLOCK_GETTIME SYS_clock_gettime64
#else
#define CLOCK_GETTIME SYS_clock_gettime
#endif

#define DAY 86400

/* Seconds that the audit's clock is ahead of the file system's. */
static time_t ahead;

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = (int)syscall(CLOCK_GETTIME, clock, ret);

    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        ret->tv_sec += ahead;
    return r;
}

time_t
time(time_t *ret)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

static void
make_file(const char *name)
{
    REQUIRE_INT(chmod(tap_write(name, "x"), 0640), 0);
}

/* A cache with two repositories, of one file each; what is remembered is ours. */
static void
make_cache(void)
{
    static const char *const folders[] = {
        "cache", "cache/hub", "cache/hub/models--a", "cache/hub/models--a/blobs",
        "cache/hub/models--b", "cache/hub/models--b/blobs"};

    tap_own_mounts(); /* as root, whose checks alone are remembered */
    REQUIRE_INT(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755"), 0);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        REQUIRE_INT(mkdir(tap_in_folder(folders[i]), 0), 0);
        REQUIRE_INT(chmod(tap_in_folder(folders[i]), i ? 02770 : 02750), 0);
    }
    make_file("cache/hub/models--a/blobs/1");
    make_file("cache/hub/models--b/blobs/2");
    ahead = 10; /* and all has settled */
}

/* One check with so many threads. */
static struct audit
check(unsigned jobs)
{
    struct audit_options options = {.path = tap_in_folder("cache"),
                                    .start = "",
                                    .rules = {0, 02770, LAYOUT_ACL_NO},
                                    .jobs = jobs};
    struct audit audit = {.result = -1}, numbers;
    struct err err;

    if (!CHECK_INT(audit_run(&options, &audit, &err), 0))
        tap_note("%s", err.text);
    CHECK_INT(audit.drifts, 0);
    numbers = (struct audit){.files = audit.files,
                             .reused = audit.reused,
                             .oldest_wall = audit.oldest_wall};
    audit_free(&audit);
    return numbers;
}

TEST("what has not changed is believed for a week, and no longer")
{
    make_cache();
    CHECK_INT(check(1).files, 2);
    CHECK_INT(check(1).reused, 2);
    ahead += 7 * DAY - 60;
    CHECK_INT(check(1).reused, 2);
    ahead += 120;
    CHECK_INT(check(1).files, 2);
    CHECK_INT(check(1).reused, 2);
}

TEST("of what was reused the oldest is told")
{
    int64_t first;

    make_cache();
    first = time(NULL);
    CHECK_INT(check(1).oldest_wall, 0);
    ahead += DAY;
    make_file("cache/hub/models--b/blobs/3");
    CHECK_INT(check(1).files, 2); /* the third is read with the second */
    ahead += DAY;
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        struct audit audit = check(jobs);

        CHECK_INT(audit.reused, 3);
        CHECK(audit.oldest_wall >= first && audit.oldest_wall < first + 60);
    }
}

TAP_MAIN
