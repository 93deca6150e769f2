/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the attacks on root's repair share: who is a member, the repair itself,
 * in this process, and how to see that something was left as it was.
 */
#ifndef REPAIR_H
#define REPAIR_H

#include <dirent.h>
#include <sys/mount.h>

#include "attack.h"
#include "audit.h"

#define CAROL 4003 /* has a name, and is in no group */
#define EVE 4004   /* a member, and in no other group */
#define NOBODY 4009 /* has no name */

#define HUB "cache/hub"
#define REPO HUB "/models--a"
#define HEX40 "0123456789abcdef0123456789abcdef01234567"

/* What a repair is to do beyond what all are; to be set by a case. */
static struct audit_options options = {
    .rules = {GID, 02770, LAYOUT_ACL_NO},
    .repair = true,
};

/* A file of the case's in the place of a system's, for this process alone. */
TAP_HELPER void
put_over(const char *name, const char *text, const char *path)
{
    REQUIRE_INT(mount(tap_write(name, text), path, NULL, MS_BIND, NULL), 0);
}

/* make_world(), in which NSS knows the four. */
TAP_HELPER void
make_members(void)
{
    make_world();
    tap_own_mounts();
    put_over("passwd",
             "root:x:0:0::/root:/bin/sh\nalice:x:4001:4001::/:/bin/sh\n"
             "mallory:x:4002:4002::/:/bin/sh\ncarol:x:4003:4003::/:/bin/sh\n"
             "eve:x:4004:4004::/:/bin/sh\n",
             "/etc/passwd");
    put_over("group",
             "root:x:0:\nalice:x:4001:\nmallory:x:4002:\ncarol:x:4003:\n"
             "eve:x:4004:\nhf:x:5555:alice,mallory,eve\n"
             "project:x:6000:alice,mallory\n",
             "/etc/group");
    put_over("nsswitch.conf", "passwd: files\ngroup: files\n",
             "/etc/nsswitch.conf");
}

/*
 * One repair with so many threads; what it mended is on the board.  0 or the
 * negative errno with which it came to an end, or could not begin.
 */
TAP_HELPER int
try_repair(unsigned jobs)
{
    struct audit_options how = options;
    struct audit audit;
    struct err err;
    int r;

    how.path = tap_in_folder("cache");
    how.start = options.start ? options.start : "";
    how.jobs = jobs;
    r = audit_run(&how, &audit, &err);
    if (r < 0)
        return r;
    r = audit.result;
    board->mended.changed += audit.mended;
    board->mended.failed += audit.failed;
    board->mended.vanished += audit.gone;
    audit_free(&audit);
    return r;
}

/* One that comes to its end, or is stopped by what options say. */
TAP_HELPER void
repair(unsigned jobs)
{
    int r = try_repair(jobs);

    CHECK(r == 0 || r == -ECANCELED);
}

static bool
was_race(unsigned runs)
{
    return runs >= 10 && board->rounds > 50 && board->mended.changed > 20;
}

/*
 * Repair for RACE_MS, with one thread and with four in turn, and on a busy
 * machine for longer until there was a race.
 */
TAP_HELPER void
repair_and_race(void)
{
    int64_t start_ms = util_monotonic_ms(), took_ms = 0;
    unsigned runs = 0;

    while (took_ms < RACE_MS || (took_ms < RACE_MOST_MS && !was_race(runs))) {
        repair(runs++ % 2 ? 4 : 1);
        took_ms = util_monotonic_ms() - start_ms;
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_SEQ_CST);
    while (wait(NULL) > 0)
        continue;
    tap_note("%u repairs, %u attacks, %zu changes, %zu failed, %zu vanished",
             runs, board->rounds, board->mended.changed, board->mended.failed,
             board->mended.vanished);
    CHECK(was_race(runs));
}

/* --- what was left as it was --------------------------------------------- */

static uint64_t
mix_bytes(uint64_t sum, const void *data, size_t length)
{
    for (const unsigned char *at = data; length-- > 0; at++)
        sum = (sum ^ *at) * 1099511628211u;
    return sum;
}

static uint64_t
mix_inode(uint64_t sum, int dir_fd, const char *name, const struct stat *st)
{
    uint64_t numbers[] = {st->st_ino,   st->st_mode,           st->st_uid,
                          st->st_gid,   (uint64_t)st->st_size,
                          (uint64_t)st->st_ctim.tv_sec,
                          (uint64_t)st->st_ctim.tv_nsec};
    char data[4096];
    int fd = S_ISREG(st->st_mode) ? openat(dir_fd, name, O_RDONLY) : -1;
    ssize_t got = fd < 0 ? 0 : read(fd, data, sizeof(data));

    if (fd >= 0)
        close(fd);
    sum = mix_bytes(sum, name, strlen(name));
    sum = mix_bytes(sum, numbers, sizeof(numbers));
    return mix_bytes(sum, data, got > 0 ? (size_t)got : 0);
}

/*
 * A sum of all that a tree is: names, owners, groups, bits, contents and times
 * of change.
 */
static uint64_t
sum_up(int dir_fd, const char *name)
{
    uint64_t sum = 14695981039346656037u, names = 0;
    struct dirent *entry;
    struct stat st;
    DIR *dir;
    int fd;

    REQUIRE_INT(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    sum = mix_inode(sum, dir_fd, name, &st);
    if (!S_ISDIR(st.st_mode))
        return sum;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    dir = fdopendir(fd);
    REQUIRE(dir);
    while ((entry = readdir(dir))) /* in whatever order */
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names += sum_up(fd, entry->d_name);
    closedir(dir);
    return mix_bytes(sum, &names, sizeof(names));
}

TAP_HELPER uint64_t
take_sum(const char *name)
{
    return sum_up(AT_FDCWD, tap_in_folder(name));
}

/* Is it this, of Alice or whomever? */
TAP_HELPER void
check_is(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat st = {.st_mode = 0};

    CHECK_INT(lstat(tap_in_folder(name), &st), 0);
    if (!CHECK_INT(st.st_mode & 07777, mode) || !CHECK_INT(st.st_uid, uid) ||
        !CHECK_INT(st.st_gid, gid))
        tap_note("of %s", name);
}

/* An inode that is followed by descriptor, wherever it is moved. */
struct watched {
    const char *name;
    int fd;
    struct stat st;
};
static struct watched watched[32];
static size_t watched_count;

TAP_HELPER void
watch_inode(const char *name)
{
    struct watched *one = &watched[watched_count++];

    one->name = name;
    one->fd = open(tap_in_folder(name), O_PATH | O_NOFOLLOW);
    REQUIRE(one->fd >= 0);
    REQUIRE_INT(fstat(one->fd, &one->st), 0);
}

TAP_HELPER void
check_watched(void)
{
    struct stat st;

    for (size_t i = 0; i < watched_count; i++) {
        const struct watched *one = &watched[i];

        REQUIRE_INT(fstat(one->fd, &st), 0);
        if (!CHECK_INT(st.st_mode, one->st.st_mode) ||
            !CHECK_INT(st.st_uid, one->st.st_uid) ||
            !CHECK_INT(st.st_gid, one->st.st_gid))
            tap_note("of what was %s", one->name);
    }
}

/* Call `step` once as that user. */
TAP_HELPER void
do_as(uid_t uid, void (*step)(void))
{
    pid_t pid = fork();
    int status;

    REQUIRE(pid >= 0);
    if (pid == 0) {
        become(uid);
        if (chdir(tap_folder()) < 0)
            _exit(1);
        step();
        _exit(0);
    }
    REQUIRE_INT(waitpid(pid, &status, 0), pid);
    REQUIRE_INT(status, 0);
}

/* Can that member open it so?  Else 0. */
TAP_HELPER int
opens(uid_t uid, const char *name, int flags)
{
    const char *path = tap_in_folder(name);
    pid_t pid = fork();
    int status;

    REQUIRE(pid >= 0);
    if (pid == 0) {
        become(uid);
        _exit(open(path, flags | O_NONBLOCK) < 0 ? 2 : 3);
    }
    REQUIRE_INT(waitpid(pid, &status, 0), pid);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) >= 2);
    return WEXITSTATUS(status) == 3;
}

#endif
