/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a walk asks below a root: mounts, links' targets, long paths.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "safefs.h"
#include "tap.h"

/* --- mounts -------------------------------------------------------------- */

static void
mount_at(const char *name)
{
    REQUIRE_INT(mkdir(tap_in_folder(name), 0755), 0);
    REQUIRE_INT(mount("tmpfs", tap_in_folder(name), "tmpfs", 0, NULL), 0);
}

static char **mounts;
static size_t count;

static void
list_mounts(const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY);

    REQUIRE(fd >= 0);
    safefs_free_names(mounts, count); /* the last ones */
    mounts = NULL;
    count = 0;
    REQUIRE_INT(safefs_list_mounts(fd, &mounts, &count), 0);
    close(fd);
}

TEST("what is mounted below a folder, from there on and in order")
{
    tap_own_mounts();
    mkdir(tap_in_folder("a"), 0755);
    mount_at("ab");
    mount_at("a/c");
    mkdir(tap_in_folder("a/b"), 0755);
    mount_at("a/b/d");
    mount_at("a/b/d/deeper"); /* not reached without passing a/b/d */
    list_mounts(tap_in_folder("a"));
    REQUIRE_INT(count, 2);
    CHECK_STR(mounts[0], "b/d");
    CHECK_STR(mounts[1], "c");
    list_mounts(tap_in_folder("a/b/d"));
    REQUIRE_INT(count, 1);
    CHECK_STR(mounts[0], "deeper");
    list_mounts(tap_in_folder("a/b/d/deeper"));
    CHECK_INT(count, 0);
}

TEST("below the root of all, too")
{
    bool found = false;

    tap_own_mounts();
    mount_at("a");
    list_mounts("/");
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(mounts[i], tap_in_folder("a") + 1) == 0;
    CHECK(found);
}

TEST("names of mounts are decoded")
{
    static const char *const names[] = {"a b", "a\tb", "a\nb", "a\\040b"};

    tap_own_mounts();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        mount_at(names[i]);
    list_mounts(tap_folder());
    REQUIRE_INT(count, ARRAY_LEN(names));
    CHECK_STR(mounts[0], "a\tb");
    CHECK_STR(mounts[1], "a\nb");
    CHECK_STR(mounts[2], "a b");
    CHECK_STR(mounts[3], "a\\040b");
}

TEST("a folder that is not to be found in the list has no mounts known")
{
    int fd;

    mkdir(tap_in_folder("a"), 0755);
    fd = open(tap_in_folder("a"), O_PATH);
    REQUIRE_INT(rmdir(tap_in_folder("a")), 0);
    (void)safefs_list_mounts(fd, &mounts, &count);
    CHECK_INT(count, 0);
}

/* --- targets ------------------------------------------------------------- */

TEST("a link's target is read whole or not at all")
{
    int fd = open(tap_folder(), O_PATH);
    char buffer[5];

    REQUIRE_INT(symlink("four", tap_in_folder("link")), 0);
    REQUIRE_INT(symlink("fives", tap_in_folder("long")), 0);
    tap_write("file", "");
    CHECK_INT(safefs_read_link(fd, "link", buffer, sizeof(buffer)), 4);
    CHECK_STR(buffer, "four");
    CHECK_INT(safefs_read_link(fd, "long", buffer, sizeof(buffer)),
              -ENAMETOOLONG);
    CHECK_INT(safefs_read_link(fd, "file", buffer, sizeof(buffer)), -EINVAL);
    CHECK_INT(safefs_read_link(fd, "none", buffer, sizeof(buffer)), -ENOENT);
}

/* --- more than 32 bits --------------------------------------------------- */

TEST("a file of 5 GiB from the year 2100 is one like others")
{
    const int64_t size = 5LL << 30, year_2100 = 4102444800;
    const struct timespec times[] = {{.tv_sec = (time_t)year_2100},
                                     {.tv_sec = (time_t)year_2100}};
    int fd = open(tap_write("large", ""), O_WRONLY);
    int root_fd = open(tap_folder(), O_PATH), pin;
    struct statx st;
    struct stat old;

    REQUIRE_INT(ftruncate(fd, (off_t)size), 0);
    REQUIRE_INT(futimens(fd, times), 0);
    close(fd);
    REQUIRE_INT(stat(tap_in_folder("large"), &old), 0);
    CHECK_INT(old.st_size, size);
    CHECK_INT(old.st_mtime, year_2100);
    CHECK_INT(sizeof(old.st_ino), sizeof(st.stx_ino));
    pin = safefs_open_beneath(root_fd, "large", SAFEFS_PIN);
    REQUIRE_INT(safefs_look(pin, &st), 0);
    CHECK_INT(st.stx_size, size);
    CHECK_INT(st.stx_mtime.tv_sec, year_2100);
    CHECK(!safefs_is_being_written(pin));
    CHECK_INT(safefs_change(pin, &st, 0664, getegid(), ACL_FACT_UNSUPPORTED,
                            NULL),
              0);
}

/* --- long paths ---------------------------------------------------------- */

#define LEVELS 60
#define PART 200

/* LEVELS folders in each other, of long names, and a link at the end. */
static char *
make_long_path(void)
{
    static char path[LEVELS * (PART + 1) + 10];
    char name[PART + 1];

    memset(name, 'x', PART);
    name[PART] = '\0';
    REQUIRE_INT(chdir(tap_folder()), 0);
    for (unsigned i = 0; i < LEVELS; i++) {
        REQUIRE_INT(mkdir(name, 0755), 0);
        REQUIRE_INT(chdir(name), 0);
        strcat(strcat(path, i ? "/" : ""), name);
    }
    REQUIRE_INT(symlink("/", "link"), 0);
    return path;
}

TEST("a path longer than the kernel takes leads there")
{
    char *path = make_long_path();
    int root_fd = open(tap_folder(), O_PATH);
    int fd = safefs_open_beneath(root_fd, path, SAFEFS_LIST);
    struct stat here, there;

    REQUIRE(fd >= 0);
    REQUIRE_INT(fstat(fd, &there), 0);
    REQUIRE_INT(stat(".", &here), 0);
    CHECK_INT(here.st_ino, there.st_ino);
    strcat(path, "/link");
    CHECK(safefs_open_beneath(root_fd, path, SAFEFS_PIN) >= 0);
    CHECK(safefs_open_beneath(root_fd, path, SAFEFS_LIST) < 0);
    CHECK(safefs_open_beneath(root_fd, path, SAFEFS_PIN_FOLDER) < 0);
    strcat(path, "/etc");
    CHECK_INT(safefs_open_beneath(root_fd, path, SAFEFS_PIN), -ELOOP);
}

TEST("a name longer than any is refused, in a short path and in a long one")
{
    char *path = make_long_path(), *slash = path + 10 * (PART + 1) - 1;
    int root_fd = open(tap_folder(), O_PATH);

    *slash = 'x';
    CHECK_INT(safefs_open_beneath(root_fd, path, SAFEFS_PIN), -ENAMETOOLONG);
    memset(path, 'y', LEVELS * (PART + 1) - 1);
    CHECK_INT(safefs_open_beneath(root_fd, path, SAFEFS_PIN), -ENAMETOOLONG);
    path[300] = '\0';
    CHECK_INT(safefs_open_beneath(root_fd, path, SAFEFS_PIN), -ENAMETOOLONG);
}

TAP_MAIN
