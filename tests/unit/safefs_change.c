/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is pinned in the tree: reading and changing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "safefs.h"
#include "seccomp.h"
#include "tap.h"

static int root_fd, pinned;
static struct statx seen;

static void
pin(const char *name)
{
    root_fd = safefs_open_root(tap_folder(), NULL);
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
    int fd = open(path, O_RDONLY), writer;

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

TEST("a pin is exchanged for a descriptor of the same inode, to be read")
{
    char buffer[4];

    tap_write("f", "text");
    pin("f");
    CHECK_INT(safefs_read_head(pinned, buffer, 4), -EBADF);
    REQUIRE_INT(rename(tap_in_folder("f"), tap_in_folder("g")), 0);
    tap_write("f", "evil");
    CHECK_INT(safefs_open_pinned(&pinned, &seen), 0);
    CHECK_INT(safefs_read_head(pinned, buffer, 4), 4);
    CHECK(memcmp(buffer, "text", 4) == 0);
    pin(".");
    CHECK_INT(safefs_open_pinned(&pinned, &seen), 0);
    CHECK((fcntl(pinned, F_GETFL) & O_PATH) == 0);
}

TEST("a file that somebody leases to write is not waited for, the pin is kept")
{
    const char *path = tap_write("f", "text");
    int writer = open(path, O_RDWR);

    REQUIRE_INT(fcntl(writer, F_SETSIG, SIGURG), 0);
    REQUIRE_INT(fcntl(writer, F_SETLEASE, F_WRLCK), 0);
    pin("f");
    CHECK_INT(safefs_open_pinned(&pinned, &seen), -EAGAIN);
    CHECK(fcntl(pinned, F_GETFL) & O_PATH);
    close(writer);
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
    root_fd = safefs_open_root(tap_folder(), NULL);
    fd = safefs_make_folder(root_fd, "new", 02775, getegid(), ACL_FACT_2775,
                            NULL);
    CHECK(fd >= 0);
    CHECK_INT(mode_of("new"), 02775);
    CHECK_INT(safefs_make_folder(root_fd, "new", 02775, getegid(),
                                 ACL_FACT_2775, NULL),
              -EEXIST);
}

/* What somebody puts in the place of a folder as soon as it is made. */
static const char *rival;

int
mkdirat(int dir_fd, const char *name, mode_t mode)
{
    int r = (int)syscall(SYS_mkdirat, dir_fd, name, mode);

    if (r == 0 && rival)
        REQUIRE_INT(renameat2(dir_fd, rival, dir_fd, name, RENAME_EXCHANGE), 0);
    return r;
}

TEST("nor is another folder of its maker's taken for the new one")
{
    struct err err;

    REQUIRE_INT(mkdir(tap_in_folder("closed"), 0700), 0);
    tap_write("closed/plan", "");
    root_fd = safefs_open_root(tap_folder(), NULL);
    rival = "closed";
    CHECK_INT(safefs_make_folder(root_fd, "new", 02770, getegid(),
                                 ACL_FACT_2770, &err),
              -ESTALE);
    CHECK_HAS(err.text, "was replaced");
    CHECK_INT(mode_of("new"), 0700);
}

TAP_MAIN
