/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Root's repair of what a member made large: deep, wide, and slow to work
 * through; DESIGN 2.5, 6.
 */
#include <sys/resource.h>

#include "repair.h"
#include "walk.h"

#define DEEP REPO "/snapshots"
#define LEVELS 10000
#define WIDE REPO "/blobs"
#define NAMES 1000000
#define INODES 16 /* of which the names are links */
#define MAX_KB (96 << 10)

/* A repair in a process of its own, which has few descriptors; its memory. */
static long
repair_apart(unsigned jobs, rlim_t descriptors)
{
    struct rlimit limit = {descriptors, descriptors};
    int64_t start_ms = util_monotonic_ms();
    struct rusage usage;
    pid_t pid = fork();
    int status;

    REQUIRE(pid >= 0);
    if (pid == 0) {
        REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
        repair(jobs);
        _exit(0);
    }
    REQUIRE_INT(wait4(pid, &status, 0, &usage), pid);
    CHECK_INT(status, 0);
    tap_note("%u jobs: %ld ms, %ld KB", jobs,
             (long)(util_monotonic_ms() - start_ms), usage.ru_maxrss);
    return usage.ru_maxrss;
}

static unsigned levels = LEVELS;

/* Folders in folders, as Alice made them with a umask of 022. */
static void
dig(void)
{
    if (chdir(DEEP) < 0)
        _exit(1);
    for (unsigned i = 0; i < levels; i++)
        if (mkdir("d", 0755) < 0 || chdir("d") < 0)
            _exit(1);
}

/* Call `step` in each of them; how often it was true. */
static unsigned
count_levels(bool (*step)(const struct stat *st))
{
    unsigned found = 0;
    struct stat st;

    REQUIRE_INT(chdir(tap_in_folder(DEEP)), 0);
    while (chdir("d") == 0) {
        REQUIRE_INT(stat(".", &st), 0);
        found += step(&st);
    }
    REQUIRE_INT(chdir("/"), 0);
    return found;
}

static bool
spoil(const struct stat *st)
{
    (void)st;
    return chown(".", ALICE, ALICE) == 0 && chmod(".", 0755) == 0;
}

static bool
is_right(const struct stat *st)
{
    return (st->st_mode & 07777) == 02775 && st->st_gid == GID;
}

TEST("MUST 6: 10,000 folders in each other, with few descriptors")
{
    make_members();
    make_folder(DEEP, ALICE, ALICE, 0755);
    REQUIRE_INT(chown(tap_in_folder(REPO), ALICE, ALICE), 0);
    REQUIRE_INT(chmod(tap_in_folder(REPO), 0755), 0);
    do_as(ALICE, dig);
    CHECK(repair_apart(1, 64) < MAX_KB);
    CHECK_INT(count_levels(is_right), LEVELS);
    REQUIRE_INT(count_levels(spoil), LEVELS);
    REQUIRE_INT(chown(tap_in_folder(DEEP), ALICE, ALICE), 0);
    REQUIRE_INT(chown(tap_in_folder(REPO), ALICE, ALICE), 0);
    REQUIRE_INT(chmod(tap_in_folder(DEEP), 0755), 0);
    REQUIRE_INT(chmod(tap_in_folder(REPO), 0755), 0);
    CHECK(repair_apart(4, 128) < MAX_KB);
    CHECK_INT(count_levels(is_right), LEVELS);
}

static unsigned unseen;

static void
count_unseen(const struct audit_item *item, void *data)
{
    (void)data;
    unseen += item->what & LAYOUT_UNSEEN && item->error == ENAMETOOLONG;
}

TEST("MUST 6: what lies deeper than a walk goes is told")
{
    make_members();
    make_folder(DEEP, ALICE, GID, 02770);
    levels = WALK_MAX_DEPTH + 100;
    do_as(ALICE, dig);
    options.repair = false;
    options.tell = count_unseen;
    repair(1);
    repair(4);
    CHECK_INT(unseen, 2);
}

/* A folder of a million names, which are links, and so each is a finding. */
static void
fill(void)
{
    char inode[32], name[32];

    REQUIRE_INT(chdir(tap_in_folder(WIDE)), 0);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(inode, sizeof(inode), "i%u", i % INODES);
        snprintf(name, sizeof(name), "n%u", i);
        if (i < INODES) {
            REQUIRE_INT(close(open(inode, O_CREAT | O_WRONLY, 0646)), 0);
            REQUIRE_INT(chown(inode, ALICE, GID), 0);
        }
        REQUIRE_INT(link(inode, name), 0);
    }
    REQUIRE_INT(chdir("/"), 0);
}

TEST("MUST 6: a million names in one folder")
{
    int64_t start_ms;

    make_members();
    REQUIRE_INT(mount("cache", tap_in_folder("cache"), "tmpfs", 0, "mode=755"),
                0);
    REQUIRE_INT(chown(tap_in_folder("cache"), 0, GID), 0);
    REQUIRE_INT(chmod(tap_in_folder("cache"), 02750), 0);
    make_folder(HUB, 0, GID, 02770);
    make_folder(HUB "/.locks", 0, GID, 02770);
    make_folder(REPO, ALICE, GID, 02770);
    make_folder(WIDE, ALICE, GID, 02770);
    start_ms = util_monotonic_ms();
    fill();
    make_file(WIDE "/x", "x", ALICE, GID, 0646);
    tap_note("%ld ms to make them", (long)(util_monotonic_ms() - start_ms));
    usleep(30000);
    CHECK(repair_apart(1, 64) < MAX_KB);
    check_is(WIDE "/x", 0644, ALICE, GID);
    check_is(WIDE "/n7", 0646, ALICE, GID);
    REQUIRE_INT(chmod(tap_in_folder(WIDE "/x"), 0646), 0);
    usleep(30000);
    CHECK(repair_apart(4, 64) < MAX_KB);
    check_is(WIDE "/x", 0644, ALICE, GID);
    REQUIRE_INT(umount2(tap_in_folder("cache"), MNT_DETACH), 0);
}

TAP_MAIN
