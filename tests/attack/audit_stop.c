/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Root's repair, ended by SIGKILL at random points while Mallory is busy:
 * DESIGN 2.5, 5, and the order of audit.h.
 */
#include <sys/syscall.h>

#include "repair.h"

#define OLD PROJECT /* a group that an inode had before */
#define INODES 400
#define ROUNDS 80

/* What it is, and what an undisturbed repair makes of it. */
struct state {
    mode_t mode;
    gid_t gid;
};
static struct inode {
    char path[64];
    struct state before, after;
    bool is_folder;
} inodes[INODES];
static size_t count;

static void
add(const char *path, mode_t mode, gid_t gid, bool is_folder)
{
    struct inode *inode = &inodes[count++];

    REQUIRE(count <= INODES);
    snprintf(inode->path, sizeof(inode->path), "%s", path);
    inode->before = (struct state){mode, gid};
    inode->is_folder = is_folder;
    if (is_folder)
        make_folder(path, ALICE, gid, mode);
    else
        make_file(path, strstr(path, "lock") ? "" : HEX40, ALICE, gid, mode);
}

/* Too closed, too open, of her own group, in a tree of hers alone and not. */
static void
add_repository(const char *name, gid_t gid, mode_t folder)
{
    static const mode_t modes[] = {0770, 0660, 0640, 0666, 0755, 0751, 0444,
                                   0750, 0646, 0622};
    static const char *const folders[] = {"", "/blobs", "/refs", "/snapshots",
                                          "/snapshots/s"};
    char path[64];

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), HUB "/%s%s", name, folders[i]);
        add(path, folder, gid, true);
        for (unsigned k = 0; i > 0 && k < 2 * ARRAY_LEN(modes); k++) {
            snprintf(path, sizeof(path), HUB "/%s%s/f%u", name, folders[i], k);
            add(path, modes[k % ARRAY_LEN(modes)], gid, false);
        }
    }
}

static void
make_drift(void)
{
    make_members();
    add_repository("models--alone", ALICE, 0755);
    add_repository("models--group", GID, 0770);
    add_repository("models--open", GID, 02777);
    add(HUB "/.locks/models--a", 0770, GID, true);
    for (unsigned i = 0; i < 20; i++) {
        char path[64];

        snprintf(path, sizeof(path), HUB "/.locks/models--a/%u.lock", i);
        add(path, i % 2 ? 0600 : 0644, GID, false);
    }
}

static struct state
look(const struct inode *inode)
{
    struct stat st;

    REQUIRE_INT(lstat(tap_in_folder(inode->path), &st), 0);
    REQUIRE_INT(st.st_uid, ALICE);
    return (struct state){st.st_mode & 07777, st.st_gid};
}

/* As it was before any repair. */
static void
reset(void)
{
    for (size_t i = 0; i < count; i++) {
        const char *path = tap_in_folder(inodes[i].path);

        REQUIRE_INT(chown(path, ALICE, inodes[i].before.gid), 0);
        REQUIRE_INT(chmod(path, inodes[i].before.mode), 0);
    }
    usleep(26000); /* what has just changed is left to settle */
}

/* The rwx bits of one who is in that group alone; -1: in none. */
static unsigned
rights(struct state state, gid_t gid)
{
    return (state.gid == gid ? state.mode >> 3 : state.mode) & 07;
}

static bool
is_same(struct state a, struct state b)
{
    return a.mode == b.mode && a.gid == b.gid;
}

/* To nobody is it more open than it was, or will be. */
static void
check_rights(const struct inode *inode, struct state now)
{
    static const gid_t gids[] = {GID, ALICE, OLD, (gid_t)-1};

    for (size_t i = 0; i < ARRAY_LEN(gids); i++) {
        unsigned before = rights(inode->before, gids[i]);
        unsigned after = rights(inode->after, gids[i]);

        if (!CHECK((rights(now, gids[i]) & ~before) == 0 ||
                   (rights(now, gids[i]) & ~after) == 0))
            tap_note("%s is %04o of %u for %u", inode->path, now.mode, now.gid,
                     gids[i]);
    }
    CHECK((now.mode & 06000 & ~(inode->before.mode | inode->after.mode)) == 0);
}

/* Of what is in a folder that has been mended all has been. */
static void
check_order(const struct inode *folder)
{
    size_t length = strlen(folder->path);

    if (!folder->is_folder || is_same(folder->before, folder->after) ||
        !is_same(look(folder), folder->after))
        return;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(inodes[i].path, folder->path, length) == 0 &&
            inodes[i].path[length] == '/' &&
            !CHECK(is_same(look(&inodes[i]), inodes[i].after)))
            tap_note("%s, while %s is mended", inodes[i].path, folder->path);
    }
}

static unsigned steps_left; /* of which the last one is death; 0: none */

static void
take_step(void)
{
    if (steps_left && __atomic_sub_fetch(&steps_left, 1, __ATOMIC_SEQ_CST) == 0)
        (void)kill(getpid(), SIGKILL);
}

/* In place of libc's: just before and after a change of group is worst. */
int
fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags)
{
    int r;

    take_step();
    r = (int)syscall(SYS_fchownat, fd, path, uid, gid, flags);
    take_step();
    return r;
}

/* A repair that is killed at that step, or else after so many microseconds. */
static bool
kill_repair(unsigned jobs, unsigned step, useconds_t after)
{
    pid_t pid = fork();
    int status;

    REQUIRE(pid >= 0);
    if (pid == 0) {
        steps_left = step;
        repair(jobs);
        _exit(0);
    }
    if (!step) {
        usleep(after);
        REQUIRE_INT(kill(pid, SIGKILL), 0);
    }
    REQUIRE_INT(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status);
}

/* How long a repair takes, at most. */
static useconds_t
learn_what_is_right(void)
{
    int64_t start_ms;

    reset();
    start_ms = util_monotonic_ms();
    repair(1);
    start_ms = util_monotonic_ms() - start_ms;
    for (size_t i = 0; i < count; i++)
        inodes[i].after = look(&inodes[i]);
    return (useconds_t)(start_ms + 1) * 1000;
}

/* Mallory's own repository and links come and go. */
static void
be_busy(void)
{
    (void)mkdir(HUB "/models--m", 02770);
    (void)rename(HUB "/models--m", HUB "/models--n");
    (void)symlink("models--open", HUB "/models--m");
    (void)rename(HUB "/models--n", HUB "/.locks/n");
    (void)rmdir(HUB "/.locks/n");
    (void)unlink(HUB "/models--m");
}

TEST("MUST 5: killed at any point, nothing is more open than before or after")
{
    unsigned killed = 0, mended = 0, left = 0;
    useconds_t most;

    make_drift();
    most = learn_what_is_right();
    keep_doing(MALLORY, be_busy);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned jobs = round % 2 ? 4 : 1;

        reset();
        killed += kill_repair(jobs, round & 2 ? 1 + (unsigned)rand() % 160 : 0,
                              (useconds_t)rand() % most);
        for (size_t i = 0; i < count; i++) {
            struct state now = look(&inodes[i]);

            check_rights(&inodes[i], now);
            check_order(&inodes[i]);
            mended += is_same(now, inodes[i].after);
            left += !is_same(now, inodes[i].after);
        }
        usleep(26000);
        repair(jobs);
        for (size_t i = 0; i < count; i++)
            if (!CHECK(is_same(look(&inodes[i]), inodes[i].after)))
                tap_note("%s after the next run", inodes[i].path);
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_SEQ_CST);
    tap_note("%u of %u killed, in at most %u ms; %u mended until then, %u not; "
             "%u attacks", killed, ROUNDS, most / 1000, mended, left,
             board->rounds);
    CHECK(killed > ROUNDS / 4 && mended > 1000 && left > 1000);
}

/* --- ended by ^C --------------------------------------------------------- */

static atomic_bool stopped;
static unsigned left_to_tell;

static void
stop_soon(const struct audit_item *item, void *data)
{
    (void)item;
    (void)data;
    if (left_to_tell && !--left_to_tell)
        stopped = 1;
}

TEST("audit.h: files when they are met, folders after what is in them")
{
    unsigned early = 0;

    make_drift();
    (void)learn_what_is_right();
    options.tell = stop_soon;
    options.stop = &stopped;
    for (unsigned most = 1; most < 250; most += 7) {
        unsigned mended = 0;

        reset();
        stopped = 0;
        left_to_tell = most;
        repair(most % 2 ? 4 : 1);
        for (size_t i = 0; i < count; i++) {
            check_rights(&inodes[i], look(&inodes[i]));
            check_order(&inodes[i]);
            mended += is_same(look(&inodes[i]), inodes[i].after);
        }
        early += mended < count;
    }
    CHECK(early > 20);
}

TAP_MAIN
