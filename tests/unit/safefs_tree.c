/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to the root, what is beneath it, and changes there.
 */
#include <errno.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "safefs.h"
#include "seccomp.h"
#include "tap.h"

/* --- the way to the root ------------------------------------------------- */

static char at[PATH_MAX];

/* Open as a root and close again. */
static int
try_root(const char *path)
{
    int fd = safefs_open_root_seen(path, at, NULL, NULL, NULL);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

TEST("the root is reached, also with slashes too many")
{
    char path[600];

    CHECK_INT(try_root(tap_folder()), 0);
    snprintf(path, sizeof(path), "/%s//.//", tap_folder());
    CHECK_INT(try_root(path), 0);
    CHECK_INT(try_root("/"), 0);
    CHECK_INT(try_root("relative"), -EINVAL);
}

TEST("the component that fails is told")
{
    char path[600];

    snprintf(path, sizeof(path), "%s/none/deeper", tap_folder());
    CHECK_INT(try_root(path), -ENOENT);
    CHECK_STR(at, tap_in_folder("none"));
    tap_write("file", "");
    CHECK_INT(try_root(tap_in_folder("file")), -ENOTDIR);
    CHECK_STR(at, tap_in_folder("file"));
    snprintf(path, sizeof(path), "%s/file/deeper", tap_folder());
    CHECK_INT(try_root(path), -ENOTDIR);
}

TEST("a user's symbolic link on the way to the root is refused")
{
    REQUIRE_INT(mkdir(tap_in_folder("real"), 0755), 0);
    REQUIRE_INT(symlink("real", tap_in_folder("link")), 0);
    if (getuid() == 0)
        REQUIRE_INT(lchown(tap_in_folder("link"), 4001, 4001), 0);
    CHECK_INT(try_root(tap_in_folder("link")), -ELOOP);
    CHECK_STR(at, tap_in_folder("link"));
    CHECK_INT(try_root(tap_in_folder("link/deeper")), -ELOOP);
}

/* A link of root's; `target` is relative to the case's folder or absolute. */
static void
make_root_link(const char *target)
{
    if (getuid() != 0)
        SKIP("needs root");
    REQUIRE_INT(mkdir(tap_in_folder("real"), 0755), 0);
    REQUIRE_INT(symlink(target, tap_in_folder("link")), 0);
}

TEST("root's link in a folder that only root writes is followed")
{
    struct stat a, b;
    int fd;

    make_root_link("real");
    fd = safefs_open_root_seen(tap_in_folder("link"), at, NULL, NULL, NULL);
    REQUIRE(fd >= 0);
    REQUIRE_INT(fstat(fd, &a), 0);
    REQUIRE_INT(stat(tap_in_folder("real"), &b), 0);
    CHECK_INT(a.st_ino, b.st_ino);
    CHECK_STR(at, tap_in_folder("real"));
}

TEST("root's absolute link is followed")
{
    make_root_link("/usr");
    CHECK_INT(try_root(tap_in_folder("link")), 0);
    CHECK_STR(at, "/usr");
}

TEST("root's link in a folder that others write is refused")
{
    make_root_link("real");
    chmod(tap_folder(), 0770);
    CHECK_INT(try_root(tap_in_folder("link")), -ELOOP);
    chmod(tap_folder(), 0700);
    REQUIRE_INT(chown(tap_folder(), 4001, 0), 0);
    CHECK_INT(try_root(tap_in_folder("link")), -ELOOP);
}

TEST("a link that leads up is refused behind a folder that others write")
{
    if (getuid() != 0)
        SKIP("needs root");
    chmod(tap_folder(), 0777);
    REQUIRE_INT(mkdir(tap_in_folder("roots"), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("goal"), 0755), 0);
    REQUIRE_INT(symlink("../goal", tap_in_folder("roots/link")), 0);
    CHECK_INT(try_root(tap_in_folder("roots/link")), -ELOOP);
    /* /tmp itself is such a folder, so a place where all is root's: */
    tap_own_mounts();
    CHECK_INT(mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755"), 0);
    CHECK_INT(mkdir("/mnt/roots", 0755), 0);
    CHECK_INT(mkdir("/mnt/goal", 0755), 0);
    CHECK_INT(symlink("../goal", "/mnt/roots/link"), 0);
    CHECK_INT(try_root("/mnt/roots/link"), 0);
    CHECK_STR(at, "/mnt/goal");
}

TEST("links in a circle end")
{
    make_root_link("link");
    CHECK_INT(try_root(tap_in_folder("link")), -ELOOP);
}

/* --- beneath it ---------------------------------------------------------- */

static int root_fd;

static void
make_tree(void)
{
    REQUIRE_INT(mkdir(tap_in_folder("root"), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("root/a"), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("root/a/b"), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("outside"), 0755), 0);
    tap_write("outside/f", "");
    tap_write("root/a/b/f", "");
    REQUIRE_INT(symlink("b", tap_in_folder("root/a/link")), 0);
    REQUIRE_INT(symlink("../outside", tap_in_folder("root/out")), 0);
    REQUIRE_INT(mkfifo(tap_in_folder("root/fifo"), 0600), 0);
    root_fd = safefs_open_root(tap_in_folder("root"), NULL);
    REQUIRE(root_fd >= 0);
}

typedef int open_function(int dir_fd, const char *path, enum safefs_open how);

static int
try_open(open_function *open_it, const char *path, enum safefs_open how)
{
    int fd = open_it(root_fd, path, how);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static void
check_opening(open_function *open_it)
{
    struct stat st;
    int fd;

    CHECK_INT(try_open(open_it, "a/b/f", SAFEFS_PIN), 0);
    CHECK_INT(try_open(open_it, "a/b", SAFEFS_LIST), 0);
    CHECK_INT(try_open(open_it, ".", SAFEFS_LIST), 0);
    CHECK_INT(try_open(open_it, "a/none", SAFEFS_PIN), -ENOENT);
    CHECK_INT(try_open(open_it, "a/link/f", SAFEFS_PIN), -ELOOP);
    CHECK_INT(try_open(open_it, "out/f", SAFEFS_PIN), -ELOOP);
    CHECK(try_open(open_it, "a/link", SAFEFS_LIST) < 0);
    CHECK_INT(try_open(open_it, "../outside/f", SAFEFS_PIN), -EXDEV);
    CHECK_INT(try_open(open_it, "..", SAFEFS_LIST), -EXDEV);
    CHECK_INT(try_open(open_it, "/etc/passwd", SAFEFS_PIN), -EXDEV);
    CHECK_INT(try_open(open_it, "fifo", SAFEFS_LIST), -ENOTDIR);
    CHECK_INT(try_open(open_it, "a/b/f", SAFEFS_LIST), -ENOTDIR);
    fd = open_it(root_fd, "a/link", SAFEFS_PIN);
    REQUIRE(fd >= 0);
    REQUIRE_INT(fstat(fd, &st), 0);
    CHECK(S_ISLNK(st.st_mode));
}

TEST("beneath the root: no links, no way out, no waiting")
{
    make_tree();
    alarm(5);
    check_opening(safefs_open_beneath);
}

TEST("step by step: no links, no way out, no waiting")
{
    make_tree();
    alarm(5);
    check_opening(safefs_open_stepwise);
}

TEST("a kernel without openat2 gives the same answers")
{
    make_tree();
    forbid(SYS_openat2, ENOSYS);
    check_opening(safefs_open_beneath);
}

TEST("a container that forbids openat2 gives the same answers")
{
    make_tree();
    forbid(SYS_openat2, EPERM);
    check_opening(safefs_open_beneath);
}

TEST("another mount is not entered, also one of the same file system")
{
    make_tree();
    tap_own_mounts();
    REQUIRE_INT(mount(tap_in_folder("outside"), tap_in_folder("root/a/b"),
                      NULL, MS_BIND, NULL),
                0);
    root_fd = safefs_open_root(tap_in_folder("root"), NULL);
    CHECK_INT(try_open(safefs_open_beneath, "a/b", SAFEFS_LIST), -EXDEV);
    CHECK_INT(try_open(safefs_open_beneath, "a/b/f", SAFEFS_PIN), -EXDEV);
    CHECK_INT(try_open(safefs_open_stepwise, "a/b", SAFEFS_LIST), -EXDEV);
    CHECK_INT(try_open(safefs_open_stepwise, "a/b/f", SAFEFS_PIN), -EXDEV);
    REQUIRE_INT(umount(tap_in_folder("root/a/b")), 0);
}

TAP_MAIN
