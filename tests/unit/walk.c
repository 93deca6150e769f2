/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk: what it visits, in which order, and what it needs for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "safefs.h"
#include "tap.h"
#include "walk.h"

#define LONG_TIME (util_monotonic_ms() + 50000)

/* What was visited. */
struct seen {
    char log[4096]; /* "<path" and ">path" for folders, " path" else */
    unsigned folders, done, entries, problems;
    int error; /* of the last problem */
    unsigned most_fds;
    const char *skip, *stop, *remove;
};

/* Beside the tree. */
static const char *
elsewhere(void)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s-elsewhere", tap_folder());
    return path;
}

static unsigned
count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static enum walk_next
visit(const struct walk_item *item, void *data)
{
    static const char marks[] = {'<', '>', ' ', '!'};
    struct seen *seen = data;
    size_t length = strlen(seen->log);
    unsigned *const counters[] = {&seen->folders, &seen->done, &seen->entries,
                                  &seen->problems};

    ++*counters[item->event];
    if (strlen(item->path) < 200 && length < sizeof(seen->log) - 250)
        sprintf(seen->log + length, "%c%s", marks[item->event], item->path);
    if (item->event == WALK_PROBLEM)
        seen->error = item->error;
    if ((seen->folders + seen->done) % 64 == 0) {
        unsigned fds = count_fds();

        seen->most_fds = fds > seen->most_fds ? fds : seen->most_fds;
    }
    if (seen->remove && strcmp(item->path, seen->remove) == 0)
        rename(tap_in_folder(seen->remove), elsewhere());
    if (seen->stop && strcmp(item->path, seen->stop) == 0)
        return WALK_STOP;
    return seen->skip && strcmp(item->path, seen->skip) == 0 ? WALK_SKIP
                                                             : WALK_ON;
}

static int
walk(const char *start, int64_t until_ms, struct seen *seen)
{
    char at[PATH_MAX];
    int fd = safefs_open_root(tap_folder(), at, NULL);
    int r;

    REQUIRE(fd >= 0);
    r = walk_run(fd, start, until_ms, visit, seen);
    close(fd);
    return r;
}

TEST("a folder is told before and after what is in it")
{
    struct seen seen = {.log = ""};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0755);
    tap_write("a/b/f", "");
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b a/b/f>a/b>a");
}

TEST("a start that is deeper, the root itself, and none")
{
    struct seen deeper = {.log = ""}, whole = {.log = ""}, none = {.log = ""};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0755);
    CHECK_INT(walk("a/b", LONG_TIME, &deeper), 0);
    CHECK_STR(deeper.log, "<a/b>a/b");
    CHECK_INT(walk("", LONG_TIME, &whole), 0);
    CHECK_STR(whole.log, "<<a<a/b>a/b>a>");
    CHECK_INT(walk("a/c", LONG_TIME, &none), -ENOENT);
    tap_write("file", "");
    CHECK_INT(walk("file", LONG_TIME, &none), -ENOTDIR);
    CHECK_STR(none.log, "");
}

TEST("links are told, never entered, nor is a start behind one")
{
    struct seen seen = {.log = ""}, behind = {.log = ""};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("out"), 0755);
    tap_write("out/f", "");
    REQUIRE_INT(symlink("../out", tap_in_folder("a/link")), 0);
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_STR(seen.log, "<a a/link>a");
    CHECK(walk("a/link", LONG_TIME, &behind) < 0);
    mkdir(tap_in_folder("out/sub"), 0755);
    CHECK_INT(walk("a/link/sub", LONG_TIME, &behind), -ELOOP);
    CHECK_STR(behind.log, "");
}

TEST("another mount is told, not entered")
{
    struct seen seen = {.log = ""};

    if (getuid() != 0)
        SKIP("needs root to mount");
    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/m"), 0755);
    mkdir(tap_in_folder("out"), 0755);
    tap_write("out/f", "");
    REQUIRE_INT(unshare(CLONE_NEWNS), 0);
    REQUIRE_INT(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    REQUIRE_INT(mount(tap_in_folder("out"), tap_in_folder("a/m"), NULL,
                      MS_BIND, NULL),
                0);
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_STR(seen.log, "<a!a/m>a");
    CHECK_INT(seen.error, EXDEV);
    REQUIRE_INT(umount(tap_in_folder("a/m")), 0);
}

TEST("any name is a name")
{
    static const char *const names[] = {"new\nline", "\xff\xfe", "-rf", " ",
                                        "...", "%s", "\x01"};
    char long_name[256];
    struct seen seen = {.log = ""};

    mkdir(tap_in_folder("a"), 0755);
    memset(long_name, 'x', 255);
    long_name[255] = '\0';
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        char path[300];

        snprintf(path, sizeof(path), "a/%s", names[i]);
        REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
    }
    REQUIRE_INT(chdir(tap_in_folder("a")), 0);
    REQUIRE_INT(mkdir(long_name, 0755), 0);
    REQUIRE_INT(chdir("/"), 0);
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_INT(seen.done, ARRAY_LEN(names) + 2);
    CHECK_INT(seen.problems, 0);
}

/* `levels` folders in each other, each with a file and a second folder. */
static void
make_deep(unsigned levels)
{
    REQUIRE_INT(mkdir(tap_in_folder("a"), 0755), 0);
    REQUIRE_INT(chdir(tap_in_folder("a")), 0);
    for (unsigned i = 0; i < levels; i++) {
        REQUIRE_INT(mkdir("d", 0755), 0);
        REQUIRE_INT(mkdir("z", 0755), 0);
        REQUIRE_INT(close(open("f", O_CREAT | O_WRONLY, 0644)), 0);
        REQUIRE_INT(chdir("d"), 0);
    }
    REQUIRE_INT(chdir("/"), 0);
}

TEST("a deep tree is visited whole with few descriptors")
{
    struct seen seen = {.log = ""};

    make_deep(500);
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_INT(seen.folders, 1001);
    CHECK_INT(seen.done, 1001);
    CHECK_INT(seen.entries, 500);
    CHECK_INT(seen.problems, 0);
    CHECK(seen.most_fds > WALK_MAX_FDS / 2);
    CHECK(seen.most_fds <= WALK_MAX_FDS + 12);
}

TEST("a wide folder is visited whole, each name once")
{
    struct seen seen = {.log = ""};

    REQUIRE_INT(mkdir(tap_in_folder("a"), 0755), 0);
    REQUIRE_INT(chdir(tap_in_folder("a")), 0);
    for (unsigned i = 0; i < 1500; i++) {
        char name[40];

        sprintf(name, "a name of some length %u", i);
        REQUIRE_INT(i % 2 ? mkdir(name, 0755) : mknod(name, S_IFREG, 0), 0);
    }
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_INT(seen.entries, 750);
    CHECK_INT(seen.folders, 751);
    CHECK_INT(seen.done, 751);
}

TEST("a folder that is skipped is not entered and not told again")
{
    struct seen seen = {.log = "", .skip = "a/b"};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0755);
    tap_write("a/b/f", "");
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b>a");
}

TEST("a visit can end the walk")
{
    struct seen seen = {.log = "", .stop = "a/b"};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0755);
    CHECK_INT(walk("a", LONG_TIME, &seen), -ECANCELED);
    CHECK_STR(seen.log, "<a<a/b");
}

TEST("the deadline ends the walk")
{
    struct seen seen = {.log = ""};

    make_deep(200);
    CHECK_INT(walk("a", util_monotonic_ms() - 1, &seen), -ETIMEDOUT);
    CHECK_INT(seen.done, 0);
}

TEST("a folder that vanishes while it is visited is left")
{
    struct seen seen = {.log = "", .remove = "a/b"};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0755);
    tap_write("a/b/f", "");
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b!a/b>a");
    CHECK_INT(seen.error, ENOENT);
    REQUIRE_INT(rename(elsewhere(), tap_in_folder("back")), 0);
}

TEST("a deep folder that was moved out of the tree is not gone on with")
{
    struct seen seen = {.log = ""};
    char path[512] = "a";

    make_deep(200);
    for (unsigned i = 0; i < 100; i++)
        strcat(path, "/d");
    seen.remove = path; /* on the way up again, or it would be missed */
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK(seen.problems > 0);
    CHECK(seen.done < seen.folders);
    REQUIRE_INT(rename(elsewhere(), tap_in_folder("back")), 0);
}

TEST("an unreadable folder is a problem, the rest is visited")
{
    struct seen seen = {.log = ""};

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0000);
    if (getuid() == 0) {
        chmod(tap_folder(), 0755);
        REQUIRE(setresuid(4001, 4001, 4001) == 0);
    }
    CHECK_INT(walk("a", LONG_TIME, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b!a/b>a");
    CHECK_INT(seen.error, EACCES);
}

TAP_MAIN
