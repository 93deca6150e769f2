/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the attacks share: a cache of two members, Alice, whose login mends,
 * and Mallory, who may write wherever a member may; processes that run as one
 * of them until they are told to stop; and a witness of what must not change.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <sys/xattr.h>

#include "mender.h"
#include "safefs.h"
#include "shed.h"
#include "tap.h"

#define ALICE 4001
#define MALLORY 4002
#define GID 5555
#define PROJECT 6000 /* another group of these two */
#define RACE_MS 3000
#define RACE_MOST_MS 120000 /* on a machine that hardly lets them */

static const struct errand errand_of_alice = {
    .rules = {GID, 02770, LAYOUT_ACL_NO},
    .uid = ALICE,
    .pgid = ALICE,
    .own_group = true,
    .member = true,
};

/* Shared with all processes of a case. */
struct board {
    int stop;
    unsigned rounds; /* of the attacker: proof that there was a race */
    unsigned pauses; /* ticks for which the machine kept him waiting */
    unsigned strays; /* what he saw happen outside of the tree */
    struct mended mended;
};
static struct board *board;

TAP_HELPER void
make_folder(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    const char *full = tap_in_folder(path);

    REQUIRE_INT(mkdir(full, 0700), 0);
    REQUIRE_INT(chown(full, uid, gid), 0);
    REQUIRE_INT(chmod(full, mode), 0);
}

TAP_HELPER void
make_file(const char *path, const char *text, uid_t uid, gid_t gid, mode_t mode)
{
    const char *full = tap_write(path, text);

    REQUIRE_INT(chown(full, uid, gid), 0);
    REQUIRE_INT(chmod(full, mode), 0);
}

/*
 * cache/: the shared tree with Alice's repository; alice/: her home, closed;
 * mallory/: his folder; all on one file system.
 */
TAP_HELPER void
make_world(void)
{
    if (getuid() != 0)
        SKIP("needs root to be two users");
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(board != MAP_FAILED);
    umask(0);
    chmod(tap_folder(), 0755);
    make_folder("cache", 0, GID, 02750);
    make_folder("cache/hub", 0, GID, 02770);
    make_folder("cache/hub/.locks", 0, GID, 02770);
    make_folder("cache/hub/models--a", ALICE, GID, 02770);
    make_folder("cache/hub/models--a/blobs", ALICE, GID, 02770);
    make_folder("alice", ALICE, ALICE, 0711);
    make_folder("mallory", MALLORY, MALLORY, 0755);
}

TAP_HELPER void
become(uid_t uid)
{
    gid_t groups[] = {GID, PROJECT};
    bool is_both = uid == ALICE || uid == MALLORY;

    if (setgroups(is_both ? 2 : 1, groups) < 0 ||
        setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        _exit(1);
}

/* From now on whoever wakes up interrupts the others between two calls. */
TAP_HELPER void
share_one_cpu(void)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(sched_getcpu(), &cpus);
    REQUIRE_INT(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

/* Run `step` as `uid` over and over until the board says stop. */
TAP_HELPER pid_t
keep_doing(uid_t uid, void (*step)(void))
{
    pid_t pid = fork();

    REQUIRE(pid >= 0);
    if (pid > 0)
        return pid;
    become(uid);
    REQUIRE_INT(chdir(tap_folder()), 0);
    while (!__atomic_load_n(&board->stop, __ATOMIC_SEQ_CST)) {
        step();
        if (uid == MALLORY)
            __atomic_add_fetch(&board->rounds, 1, __ATOMIC_SEQ_CST);
    }
    _exit(0);
}

/*
 * To begin each round of one who keeps a file from settling: how often can it
 * have settled all the same, because the machine kept him waiting?
 */
TAP_HELPER void
note_pause(void)
{
    static int64_t last_ms;
    int64_t now_ms = util_monotonic_ms();

    if (last_ms)
        __atomic_add_fetch(&board->pauses, (unsigned)((now_ms - last_ms) / 18),
                           __ATOMIC_SEQ_CST);
    last_ms = now_ms;
}

/* One mender's run over a folder of the cache, in a process of its own. */
TAP_HELPER void
mend_name_as_alice(const char *name)
{
    const char *path = tap_in_folder("cache");
    gid_t gid = GID;
    int fd;

    if (shed_to_user(ALICE, ALICE, &gid) < 0)
        _exit(1);
    fd = safefs_open_root(path, NULL);
    if (fd >= 0)
        mender_mend(fd, name, &errand_of_alice,
                    util_monotonic_ms() + MENDER_MAX_MS, &board->mended);
    _exit(fd < 0);
}

TAP_HELPER void
mend_as_alice(void)
{
    mend_name_as_alice("hub/models--a");
}

/*
 * Mend for RACE_MS, one mender after the other, and on a busy machine for longer
 * until the attacker got far and `changes` were made; how many menders.
 */
TAP_HELPER unsigned
mend_and_race(size_t changes)
{
    int64_t start_ms = util_monotonic_ms(), took_ms = 0;
    unsigned runs = 0;

    while (took_ms < RACE_MS ||
           (took_ms < RACE_MOST_MS &&
            (runs <= 5 || board->rounds <= 100 ||
             board->mended.changed < changes))) {
        pid_t pid = fork();

        REQUIRE(pid >= 0);
        if (pid == 0)
            mend_as_alice();
        waitpid(pid, NULL, 0);
        runs++;
        took_ms = util_monotonic_ms() - start_ms;
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_SEQ_CST);
    return runs;
}

/* The race took place: both sides got far, and the mender changed things. */
TAP_HELPER void
check_race(unsigned runs)
{
    CHECK(runs > 5);
    CHECK(board->rounds > 30);
    CHECK(board->mended.changed > 5);
    tap_note("%u menders, %u attacks, %zu changes, %zu vanished", runs,
             board->rounds, board->mended.changed, board->mended.vanished);
}

/* What an inode is, but for its number of links and times. */
struct witness {
    const char *path;
    struct stat st;
};

TAP_HELPER struct witness
bear_witness(const char *name)
{
    struct witness witness = {.path = tap_in_folder(name)};

    REQUIRE_INT(lstat(witness.path, &witness.st), 0);
    return witness;
}

TAP_HELPER void
check_witness(const struct witness *witness)
{
    struct stat st;

    REQUIRE_INT(lstat(witness->path, &st), 0);
    if (!CHECK_INT(st.st_mode, witness->st.st_mode) ||
        !CHECK_INT(st.st_uid, witness->st.st_uid) ||
        !CHECK_INT(st.st_gid, witness->st.st_gid) ||
        !CHECK_INT(st.st_ino, witness->st.st_ino))
        tap_note("of %s", witness->path);
}

/* The same, and nobody even tried: its ctime stayed. */
TAP_HELPER void
check_untouched(const struct witness *witness)
{
    struct stat st;

    check_witness(witness);
    REQUIRE_INT(lstat(witness->path, &st), 0);
    if (!CHECK(st.st_ctim.tv_sec == witness->st.st_ctim.tv_sec &&
               st.st_ctim.tv_nsec == witness->st.st_ctim.tv_nsec))
        tap_note("of %s", witness->path);
}

/* user::rwx,user:MALLORY:rwx,group::---,mask::rwx,other::--- */
TAP_HELPER void
share_with_mallory(const char *path)
{
    unsigned char acl[4 + 8 * 5] = {2};
    static const unsigned char entry[5][3] = {
        {1, 7, 0}, {2, 7, 1}, {4, 0, 0}, {0x10, 7, 0}, {0x20, 0, 0}};
    uint32_t uid = MALLORY;

    for (unsigned i = 0; i < 5; i++) {
        acl[4 + 8 * i] = entry[i][0];
        acl[6 + 8 * i] = entry[i][1];
        memset(acl + 8 + 8 * i, 0xff, 4);
        if (entry[i][2])
            memcpy(acl + 8 + 8 * i, &uid, 4);
    }
    if (setxattr(tap_in_folder(path), "system.posix_acl_access", acl,
                 sizeof(acl), 0) < 0)
        SKIP("the file system of /tmp has no ACLs");
}

#endif
