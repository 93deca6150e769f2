/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to the root, what is beneath it, and changes there.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "safefs.h"
#include "seccomp.h"
#include "tap.h"

/* --- the way to the root ------------------------------------------------- */

static char at[PATH_MAX];

/* Open as a root and close again. */
static int
try_root(const char *path)
{
    int fd = safefs_open_root(path, at, NULL);

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
    fd = safefs_open_root(tap_in_folder("link"), at, NULL);
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
    CHECK_INT(unshare(CLONE_NEWNS), 0);
    CHECK_INT(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
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
    root_fd = safefs_open_root(tap_in_folder("root"), at, NULL);
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
    if (getuid() != 0)
        SKIP("needs root to mount");
    make_tree();
    REQUIRE_INT(unshare(CLONE_NEWNS), 0);
    REQUIRE_INT(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    REQUIRE_INT(mount(tap_in_folder("outside"), tap_in_folder("root/a/b"),
                      NULL, MS_BIND, NULL),
                0);
    root_fd = safefs_open_root(tap_in_folder("root"), at, NULL);
    CHECK_INT(try_open(safefs_open_beneath, "a/b", SAFEFS_LIST), -EXDEV);
    CHECK_INT(try_open(safefs_open_beneath, "a/b/f", SAFEFS_PIN), -EXDEV);
    CHECK_INT(try_open(safefs_open_stepwise, "a/b", SAFEFS_LIST), -EXDEV);
    CHECK_INT(try_open(safefs_open_stepwise, "a/b/f", SAFEFS_PIN), -EXDEV);
    REQUIRE_INT(umount(tap_in_folder("root/a/b")), 0);
}

/* --- changes ------------------------------------------------------------- */

static int pinned;
static struct statx seen;

static void
pin(const char *name)
{
    root_fd = safefs_open_root(tap_folder(), at, NULL);
    pinned = safefs_open_beneath(root_fd, name, SAFEFS_PIN);
    REQUIRE(pinned >= 0);
    REQUIRE_INT(safefs_look(pinned, &seen), 0);
}

static mode_t
mode_of(const char *name)
{
    struct stat st;

    REQUIRE_INT(lstat(tap_in_folder(name), &st), 0);
    return st.st_mode & 07777;
}

TEST("bits and default ACL of a pinned folder are changed")
{
    enum acl_fact acl;

    REQUIRE_INT(mkdir(tap_in_folder("d"), 0755), 0);
    pin("d");
    REQUIRE_INT(safefs_default_acl(pinned, &acl), 0);
    CHECK_INT(safefs_change(pinned, &seen, 02770, getegid(), ACL_FACT_2770,
                            NULL),
              0);
    CHECK_INT(mode_of("d"), 02770);
    if (acl == ACL_FACT_UNSUPPORTED)
        SKIP("the file system of /tmp has no ACLs");
    CHECK_INT(safefs_default_acl(pinned, &acl), 0);
    CHECK_INT(acl, ACL_FACT_2770);
    umask(077);
    tap_write("d/f", "");
    CHECK_INT(mkdir(tap_in_folder("d/sub"), 0777), 0);
    CHECK_INT(mode_of("d/sub"), 02770);
    CHECK(!safefs_has_access_acl(pinned));
    close(safefs_open_beneath(root_fd, "d/sub", SAFEFS_PIN));
}

TEST("both default ACLs are told from others")
{
    unsigned char named[4 + 8 * 5] = {2};
    static const unsigned tags[] = {1, 2, 4, 0x10, 0x20};
    enum acl_fact acl;

    REQUIRE_INT(mkdir(tap_in_folder("d"), 0770), 0);
    pin("d");
    REQUIRE_INT(safefs_default_acl(pinned, &acl), 0);
    if (acl == ACL_FACT_UNSUPPORTED)
        SKIP("the file system of /tmp has no ACLs");
    CHECK_INT(acl, ACL_FACT_NONE);
    CHECK_INT(safefs_change(pinned, &seen, 0770, getegid(), ACL_FACT_2775,
                            NULL),
              0);
    CHECK_INT(safefs_default_acl(pinned, &acl), 0);
    CHECK_INT(acl, ACL_FACT_2775);
    for (unsigned i = 0; i < 5; i++) {
        named[4 + 8 * i] = (unsigned char)tags[i];
        named[4 + 8 * i + 2] = 7;
        memset(named + 4 + 8 * i + 4, i == 1 ? 0 : 0xff, 4);
    }
    REQUIRE_INT(setxattr(tap_in_folder("d"), "system.posix_acl_default", named,
                         sizeof(named), 0),
                0);
    CHECK_INT(safefs_default_acl(pinned, &acl), 0);
    CHECK_INT(acl, ACL_FACT_OTHER);
    REQUIRE_INT(setxattr(tap_in_folder("d"), "system.posix_acl_access", named,
                         sizeof(named), 0),
                0);
    CHECK(safefs_has_access_acl(pinned));
}

TEST("without fchmodat2() bits are changed all the same")
{
    REQUIRE_INT(mkdir(tap_in_folder("d"), 0755), 0);
    pin("d");
    forbid(SYS_fchmodat2, ENOSYS);
    CHECK_INT(safefs_change(pinned, &seen, 02770, getegid(),
                            ACL_FACT_UNSUPPORTED, NULL),
              0);
    CHECK_INT(mode_of("d"), 02770);
}

TEST("what is right already is not touched")
{
    struct statx after;

    REQUIRE_INT(mkdir(tap_in_folder("d"), 0770), 0);
    chmod(tap_in_folder("d"), 0770);
    pin("d");
    usleep(20000);
    CHECK_INT(safefs_change(pinned, &seen, 0770, getegid(), ACL_FACT_NONE,
                            NULL),
              0);
    REQUIRE_INT(safefs_look(pinned, &after), 0);
    CHECK_INT(after.stx_ctime.tv_sec, seen.stx_ctime.tv_sec);
    CHECK_INT(after.stx_ctime.tv_nsec, seen.stx_ctime.tv_nsec);
}

TEST("an inode that changed since it was judged is left alone")
{
    const char *path = tap_write("f", "");

    pin("f");
    chmod(path, 0600);
    CHECK_INT(safefs_change(pinned, &seen, 0664, getegid(), ACL_FACT_NONE,
                            NULL),
              -ESTALE);
    CHECK_INT(mode_of("f"), 0600);
}

TEST("setuid files, second links, FIFOs and links are never changed")
{
    struct err err;

    chmod(tap_write("suid", ""), 04755);
    pin("suid");
    CHECK_INT(safefs_change(pinned, &seen, 0660, getegid(), ACL_FACT_NONE,
                            &err),
              -EPERM);
    CHECK_HAS(err.text, "setuid");
    REQUIRE_INT(link(tap_write("f", ""), tap_in_folder("second")), 0);
    pin("f");
    CHECK_INT(safefs_change(pinned, &seen, 0660, getegid(), ACL_FACT_NONE,
                            &err),
              -EPERM);
    CHECK_HAS(err.text, "2 links");
    REQUIRE_INT(mkfifo(tap_in_folder("fifo"), 0600), 0);
    pin("fifo");
    CHECK_INT(safefs_change(pinned, &seen, 0660, getegid(), ACL_FACT_NONE,
                            NULL),
              -EPERM);
    REQUIRE_INT(symlink("f", tap_in_folder("link")), 0);
    pin("link");
    CHECK_INT(safefs_change(pinned, &seen, 0660, getegid(), ACL_FACT_NONE,
                            NULL),
              -EPERM);
}

TEST("a file with capabilities is never changed")
{
    /* Version 2, no capability at all. */
    unsigned char value[20] = {0, 0, 0, 2};
    struct err err;

    if (getuid() != 0)
        SKIP("needs root to give capabilities");
    tap_write("f", "");
    REQUIRE_INT(setxattr(tap_in_folder("f"), "security.capability", value,
                         sizeof(value), 0),
                0);
    pin("f");
    CHECK_INT(safefs_change(pinned, &seen, 0660, 4001, ACL_FACT_NONE, &err),
              -EPERM);
    CHECK_HAS(err.text, "capabilities");
}

TEST("who writes a file is known, and not disturbed")
{
    const char *path = tap_write("f", "");
    int fd = open(path, O_PATH), writer;

    CHECK(!safefs_is_being_written(fd));
    writer = open(path, O_RDONLY);
    CHECK(!safefs_is_being_written(fd));
    close(writer);
    writer = open(path, O_WRONLY);
    CHECK(safefs_is_being_written(fd));
    CHECK_INT(write(writer, "x", 1), 1);
    close(writer);
    CHECK(!safefs_is_being_written(fd));
    CHECK((writer = open(path, O_WRONLY | O_NONBLOCK)) >= 0); /* no lease */
    close(writer);
    close(fd);
}

TEST("stopped in the middle, nothing is more open than before or after")
{
    const char *open_file = tap_write("open", "");
    const char *closed_file = tap_write("closed", "");

    if (getuid() == 0)
        REQUIRE(chown(tap_folder(), 4001, 4001) == 0 &&
                chown(open_file, 4001, 4001) == 0 &&
                chown(closed_file, 4001, 4001) == 0);
    if (getuid() == 0)
        REQUIRE(setresgid(4001, 4001, 4001) == 0 &&
                setresuid(4001, 4001, 4001) == 0);
    chmod(open_file, 0666);
    chmod(closed_file, 0600);
    pin("open"); /* the change of the group fails: it is not his */
    CHECK_INT(safefs_change(pinned, &seen, 0640, 4999, ACL_FACT_NONE, NULL),
              -EPERM);
    CHECK_INT(mode_of("open"), 0640);
    pin("closed");
    CHECK_INT(safefs_change(pinned, &seen, 0660, 4999, ACL_FACT_NONE, NULL),
              -EPERM);
    CHECK_INT(mode_of("closed"), 0600);
}

TEST("a bit that the kernel drops silently is told")
{
    struct err err;

    if (getuid() != 0)
        SKIP("needs root to make a folder of a foreign group");
    REQUIRE_INT(mkdir(tap_in_folder("d"), 0770), 0);
    REQUIRE_INT(chown(tap_in_folder("d"), 4001, 4999), 0);
    chmod(tap_folder(), 0755);
    REQUIRE(setgroups(0, NULL) == 0 && setresgid(4001, 4001, 4001) == 0 &&
            setresuid(4001, 4001, 4001) == 0);
    pin("d");
    CHECK_INT(safefs_change(pinned, &seen, 02770, 4999, ACL_FACT_NONE, &err),
              -EPERM);
    CHECK_HAS(err.text, "after the change");
}

TEST("a new folder has mode and group asked for, whatever the umask")
{
    int fd;

    umask(077);
    root_fd = safefs_open_root(tap_folder(), at, NULL);
    fd = safefs_make_folder(root_fd, "new", 02775, getegid(), ACL_FACT_2775,
                            NULL);
    CHECK(fd >= 0);
    CHECK_INT(mode_of("new"), 02775);
    CHECK_INT(safefs_make_folder(root_fd, "new", 02775, getegid(),
                                 ACL_FACT_2775, NULL),
              -EEXIST);
}

TAP_MAIN
