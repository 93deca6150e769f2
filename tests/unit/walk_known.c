/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk with a snapshot: what is read again, what is not, what is missed.
 */
#include <sys/resource.h>
#include <sys/xattr.h>

#include "walk_check.h"

/* tree/{a/{x/{deep},y,f,g},b/{c,h},link}: 8 folders, 4 entries. */
static void
make_tree(void)
{
    static const char *const folders[] = {"state",     "tree",
                                          "tree/a",    "tree/a/x",
                                          "tree/a/y",  "tree/a/x/deep",
                                          "tree/b",    "tree/b/c",
                                          "tree/empty"};

    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        REQUIRE_INT(mkdir(tap_in_folder(folders[i]), 0755), 0);
    tap_write("tree/a/f", "");
    tap_write("tree/a/g", "");
    tap_write("tree/b/h", "");
    REQUIRE_INT(symlink("a", tap_in_folder("tree/link")), 0);
}

#define FOLDERS 8
#define ENTRIES 4

static void
make_known(void)
{
    make_tree();
    CHECK_INT(check().folders, FOLDERS);
}

static void
check_unchanged(void)
{
    struct seen seen = check();

    CHECK_INT(seen.reused, FOLDERS);
    CHECK_INT(seen.known_entries, ENTRIES);
    CHECK_INT(seen.folders, 0);
    CHECK_INT(seen.entries, 0);
    CHECK_INT(seen.problems, 0);
    CHECK_INT(seen.done, FOLDERS);
}

/* --- nothing has changed ------------------------------------------------- */

TEST("an unchanged tree is not read again, whoever looks")
{
    struct stat before, after;

    make_known();
    REQUIRE_INT(stat(file(), &before), 0);
    for (jobs = 1; jobs <= 8; jobs *= 2)
        check_unchanged();
    REQUIRE_INT(stat(file(), &after), 0);
    CHECK_INT(after.st_ino, before.st_ino);
}

TEST("what several workers recorded is known to one")
{
    jobs = 4;
    make_known();
    jobs = 1;
    check_unchanged();
}

TEST("folders that are known are told before and after what is below them")
{
    make_known();
    REQUIRE_INT(chmod(tap_in_folder("tree"), 0711), 0); /* any order, but one */
    CHECK_INT(check().folders, 1);
    CHECK_HAS(check_log(), "=a/x=a/x/deep>a/x/deep>a/x");
}

TEST("a deep tree that is known is visited with few descriptors")
{
    struct seen seen;

    REQUIRE_INT(mkdir(state(), 0755), 0);
    make_deep(tap_in_folder("tree"), 400);
    CHECK_INT(check().folders, 801);
    seen = check();
    CHECK_INT(seen.reused, 801);
    CHECK_INT(seen.done, 801);
    CHECK_INT(seen.known_entries, 400);
    CHECK(seen.most_fds <= WALK_MAX_FDS + 12);
}

static enum walk_next
skip_known(const struct walk_item *item, void *data)
{
    (void)visit(item, data);
    return item->event == WALK_REUSED && strcmp(item->path, "a") == 0
               ? WALK_SKIP
               : WALK_ON;
}

TEST("a folder that is known can be skipped like any other")
{
    struct walk_options options = {.until_ms = INT64_MAX};
    struct snapshot_of of;
    struct snapshot *known;
    struct seen seen = SEEN_INIT;

    make_known();
    of = describe_root(tap_in_folder("tree"));
    REQUIRE_INT(snapshot_open(file(), getuid(), &of, &known), 0);
    options.known = known;
    CHECK_INT(walk_run(open(of.path, O_PATH), "", &options, skip_known, &seen),
              0);
    snapshot_close(known);
    CHECK_INT(seen.reused, FOLDERS - 3);
    CHECK_INT(seen.done, 0);
}

/* --- shared among workers ------------------------------------------------ */

#define MANY 400

static atomic_uint came;
static int64_t wait_until;

static bool
are_two(void)
{
    unsigned workers = atomic_load(&came);

    return (workers & (workers - 1)) != 0;
}

/* Hold on among the many until a second worker is there, too. */
static void
wait_for_another(const struct walk_item *item)
{
    if (item->event != WALK_REUSED || strncmp(item->path, "many-", 5) != 0)
        return;
    (void)atomic_fetch_or(&came, 1U << item->worker);
    while (!are_two() && util_monotonic_ms() < wait_until)
        sched_yield();
}

TEST("a long folder that is known is shared by the workers")
{
    struct seen seen = SEEN_INIT;
    char path[32];

    make_tree();
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(path, "tree/many-%04u", i);
        REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
    }
    CHECK_INT(check().folders, FOLDERS + MANY);
    jobs = 4;
    wait_until = util_monotonic_ms() + 5000;
    seen.act = wait_for_another;
    seen = check_at(tap_in_folder("tree"), seen);
    CHECK_INT(seen.reused, FOLDERS + MANY);
    CHECK_INT(seen.done, FOLDERS + MANY);
    CHECK(are_two());
    jobs = 1;
    CHECK_INT(check().reused, FOLDERS + MANY);
}

#define FEW 40
#define BELOW "/a/b/c/d/e/f/g/h"

static atomic_uint lost, done;

/* When two are so deep that the long folder is closed: move it away. */
static void
move_away(const struct walk_item *item)
{
    static atomic_flag moved = ATOMIC_FLAG_INIT;
    size_t length = strlen(item->path);

    if (strcmp(item->path, "long") == 0) {
        lost += item->event == WALK_PROBLEM;
        done += item->event == WALK_FOLDER_DONE;
    }
    if (item->event != WALK_REUSED || length < strlen(BELOW) ||
        strcmp(item->path + length - strlen(BELOW), BELOW) != 0)
        return;
    (void)atomic_fetch_or(&came, 1U << item->worker);
    while (!are_two() && util_monotonic_ms() < wait_until)
        sched_yield();
    if (!atomic_flag_test_and_set(&moved))
        (void)renameat(item->root_fd, "long", item->root_fd, "gone");
}

TEST("a shared folder that goes is told once, and not as done")
{
    const struct rlimit few = {52, 52};
    struct seen seen = SEEN_INIT;
    char path[128];

    make_tree();
    REQUIRE_INT(mkdir(tap_in_folder("tree/long"), 0755), 0);
    for (unsigned i = 0; i < FEW; i++) {
        size_t length = (size_t)sprintf(path, "tree/long/%060u", i);

        REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
        for (const char *at = BELOW; *at; at += 2) {
            length += (size_t)sprintf(path + length, "%.2s", at);
            REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
        }
    }
    (void)check();
    jobs = 2;
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    wait_until = util_monotonic_ms() + 5000;
    seen.act = move_away;
    (void)check_at(tap_in_folder("tree"), seen);
    CHECK(are_two());
    CHECK_INT(lost, 1);
    CHECK_INT(done, 0);
}

/* --- what a folder's ctime shows ----------------------------------------- */

/* The folders that were read, in any order. */
static void
check_read(const struct seen *seen, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char part[64];

        snprintf(part, sizeof(part), "<%s", paths[i]);
        CHECK_HAS(seen->log, part);
    }
    if (!CHECK_INT(seen->folders, count))
        tap_note("%s", seen->log);
}

#define CHANGE(sentence, step, ...)                                           \
    TEST("found: " sentence)                                                  \
    {                                                                         \
        static const char *const paths[] = {__VA_ARGS__};                     \
        struct seen seen;                                                     \
                                                                              \
        make_known();                                                         \
        REQUIRE_INT(step, 0);                                                 \
        seen = check();                                                       \
        check_read(&seen, paths, ARRAY_LEN(paths));                           \
        CHECK_INT(check().folders, 0);                                        \
    }

#define AT(name) tap_in_folder("tree/" name)

CHANGE("a file added", close(open(AT("b/n"), O_CREAT | O_WRONLY, 0600)), "b")
CHANGE("a file removed", unlink(AT("a/f")), "a")
CHANGE("a file renamed", rename(AT("a/f"), AT("a/n")), "a")
CHANGE("a file moved", rename(AT("a/f"), AT("b/f")), "a", "b")
CHANGE("a file renamed over another", rename(AT("a/f"), AT("a/g")), "a")
CHANGE("a hard link added", link(AT("a/f"), AT("b/f")), "b")
CHANGE("a link added", symlink("x", AT("b/c/l")), "b/c")
CHANGE("a folder added", mkdir(AT("b/n"), 0755), "b", "b/n")
CHANGE("a folder removed", rmdir(AT("a/y")), "a")
CHANGE("a folder moved, read whole in its new place",
       rename(AT("a/x"), AT("b/x")), "a", "b", "b/x", "b/x/deep")
CHANGE("a folder renamed, read whole under its new name",
       rename(AT("a"), AT("n")), "", "n", "n/x", "n/x/deep", "n/y")
CHANGE("a folder renamed over another", rename(AT("a/x"), AT("a/y")), "a",
       "a/y", "a/y/deep")
CHANGE("two folders swapped, read whole",
       renameat2(AT_FDCWD, AT("a/x"), AT_FDCWD, AT("b/c"), RENAME_EXCHANGE),
       "a", "b", "a/x", "b/c", "b/c/deep")
CHANGE("a folder's chmod", chmod(AT("a/y"), 0700), "a/y")
CHANGE("the root's chmod", chmod(tap_in_folder("tree"), 0700), "")
CHANGE("a folder's mtime set back",
       utimensat(AT_FDCWD, AT("a"), (struct timespec[2]){{1, 0}, {1, 0}}, 0),
       "a")

static int
replace_by_link(void)
{
    REQUIRE_INT(rename(AT("a/y"), AT("a/x/y")), 0);
    return symlink("x/y", AT("a/y"));
}

CHANGE("a folder replaced by a link", replace_by_link(), "a", "a/x", "a/x/y")

TEST("found: a folder's chgrp")
{
    make_known();
    if (chown(AT("a/x"), (uid_t)-1, 4001) < 0)
        SKIP("needs root to give it to another group");
    CHECK_HAS(check_log(), "<a/x");
    CHECK_INT(check().folders, 0);
}

TEST("found: a folder's setfacl")
{
    static const unsigned char acl[] = {
        2, 0, 0, 0, 1,    0, 7, 0, 255, 255, 255, 255, 4, 0, 7, 0,
        255, 255, 255, 255, 0x20, 0, 0, 0, 255, 255, 255, 255};

    make_known();
    if (setxattr(AT("a/x"), "system.posix_acl_default", acl, sizeof(acl), 0) <
        0)
        SKIP("the file system of /tmp has no ACLs");
    CHECK_HAS(check_log(), "<a/x");
    CHECK_INT(check().folders, 0);
}

/* --- what it does not show ----------------------------------------------- */

#define MISSED(sentence, step)                                                \
    TEST("missed, but not by `oldest_wall`: " sentence)                       \
    {                                                                         \
        make_known();                                                         \
        REQUIRE_INT(step, 0);                                                 \
        check_unchanged();                                                    \
        oldest_wall = time(NULL) + 2 * ahead;                                 \
        CHECK_INT(check().entries, ENTRIES);                                  \
        oldest_wall = time(NULL) - 60;                                        \
        check_unchanged();                                                    \
    }

static int
write_to(const char *path)
{
    int fd = open(path, O_WRONLY | O_TRUNC);

    REQUIRE_INT(util_write_all(fd, "other", 5), 0);
    return close(fd);
}

MISSED("a file's chmod", chmod(AT("a/f"), 0666))
MISSED("a file's content", write_to(AT("a/f")))
MISSED("a file's owner and group", getuid() ? 0 : chown(AT("a/f"), 4001, 4001))

TEST("each folder is read again when its time has come, the others later")
{
    make_known();
    ahead = 1000;
    REQUIRE_INT(mkdir(AT("b/n"), 0755), 0);
    CHECK_INT(check().folders, 2); /* b and b/n, read later than the rest */
    oldest_wall = time(NULL) + 500;
    CHECK_INT(check().folders, FOLDERS - 1);
    CHECK_INT(check().folders, 0);
}

/* --- what is not trusted ------------------------------------------------- */

TEST("a folder read by a clock that was set back since is read again")
{
    make_tree();
    ahead = 100000;
    CHECK_INT(check().folders, FOLDERS);
    CHECK_INT(check().folders, 0);
    ahead = 10;
    CHECK_INT(check().folders, FOLDERS);
    CHECK_INT(check().folders, 0);
}

TEST("a folder too young is not trusted until it has been read again")
{
    make_tree();
    ahead = 0;
    CHECK_INT(check().folders, FOLDERS);
    CHECK_INT(check().folders, FOLDERS);
    ahead = 10;
    CHECK_INT(check().folders, FOLDERS); /* what is recorded is from before */
    CHECK_INT(check().folders, 0);
}

TEST("a folder with something to say is read again, be it said of what it may")
{
    static const char *const paths[] = {"a", "a/f", ""};
    static const char *const read[] = {"a", "a", ""};

    make_known();
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct seen seen = SEEN_INIT;

        seen.find = paths[i];
        oldest_wall = time(NULL) + 2 * ahead;
        CHECK_INT(check_at(tap_in_folder("tree"), seen).folders, FOLDERS);
        oldest_wall = 0;
        seen = check_at(tap_in_folder("tree"), seen); /* it is still there */
        check_read(&seen, &read[i], 1);
        seen = check(); /* and no more */
        check_read(&seen, &read[i], 1);
        CHECK_INT(check().folders, 0);
    }
}

TEST("a folder that could not be entered is tried again")
{
    struct seen seen;

    make_tree();
    REQUIRE_INT(chmod(AT("a/x"), 0), 0);
    if (getuid() == 0) {
        REQUIRE_INT(chown(state(), 4001, 4001), 0);
        chmod(tap_folder(), 0755);
        REQUIRE(setresuid(4001, 4001, 4001) == 0);
    }
    CHECK_INT(check().problems, 1);
    for (unsigned i = 0; i < 2; i++) {
        seen = check();
        CHECK_INT(seen.problems, 1);
        CHECK_INT(seen.error, EACCES);
        CHECK_INT(seen.reused, FOLDERS - 2);
    }
}

TEST("a mount that comes below a known folder is told, and when it goes")
{
    struct seen seen;

    tap_own_mounts();
    make_known();
    REQUIRE_INT(mount("tmpfs", AT("a/x/deep"), "tmpfs", 0, NULL), 0);
    for (unsigned i = 0; i < 2; i++) {
        seen = check();
        CHECK_INT(seen.problems, 1);
        CHECK_INT(seen.error, EXDEV);
        CHECK_HAS(seen.log, "!a/x/deep");
    }
    REQUIRE_INT(umount(AT("a/x/deep")), 0);
    CHECK_HAS(check_log(), "<a/x/deep");
    check_unchanged();
}

TEST("a file that something is mounted on is told, known or not")
{
    struct seen seen;

    tap_own_mounts();
    make_known();
    REQUIRE_INT(mount(AT("b/h"), AT("a/f"), NULL, MS_BIND, NULL), 0);
    for (unsigned i = 0; i < 2; i++) {
        seen = check();
        CHECK_INT(seen.problems, 1);
        CHECK_HAS(seen.log, "!a/f");
        CHECK_INT(seen.reused, FOLDERS - 2); /* but the way there */
    }
    REQUIRE_INT(umount(AT("a/f")), 0);
    check_unchanged();
}

static enum walk_next
stop_late(const struct walk_item *item, void *data)
{
    unsigned *left = data;

    (void)item;
    return --*left ? WALK_ON : WALK_STOP;
}

TEST("a walk that was ended early leaves what was known")
{
    struct snapshot_of of;
    struct stat before, after;

    make_known();
    REQUIRE_INT(mkdir(AT("n"), 0755), 0);
    REQUIRE_INT(stat(file(), &before), 0);
    of = describe_root(tap_in_folder("tree"));
    for (unsigned i = 1; i < FOLDERS; i++) {
        int dir_fd = open(state(), O_RDONLY | O_DIRECTORY);
        struct walk_options options = {.until_ms = INT64_MAX};
        struct snapshot *known;
        unsigned left = i;

        REQUIRE_INT(snapshot_open(file(), getuid(), &of, &known), 0);
        options.known = known;
        REQUIRE_INT(snapshot_begin(dir_fd, "snapshot", &of, known, 1,
                                   &options.record),
                    0);
        CHECK_INT(walk_run(open(of.path, O_PATH), "", &options, stop_late,
                           &left),
                  -ECANCELED);
        snapshot_end(options.record);
        snapshot_close(known);
    }
    REQUIRE_INT(stat(file(), &after), 0);
    CHECK_INT(after.st_ino, before.st_ino);
    CHECK_INT(check().folders, 2);
}

TAP_MAIN
