/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files believed because of their owner, and their replacement.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "safefs.h"
#include "tap.h"

static int
read_as_policy(const char *path, struct err *err)
{
    char *data = NULL;
    size_t length;
    int r = safefs_read_trusted(path, getuid(), 100, &data, &length, err);

    free(data);
    return r;
}

static int
read_as_state(const char *path, struct err *err)
{
    char *data = NULL;
    size_t length;
    int r = safefs_read_state(path, getuid(), 100, &data, &length, err);

    free(data);
    return r;
}

TEST("a file of the trusted user is read whole")
{
    char *data = NULL;
    size_t length = 0;

    CHECK_INT(safefs_read_trusted(tap_write("f", "two\nlines\n"), getuid(),
                                  100, &data, &length, NULL),
              0);
    CHECK_STR(data, "two\nlines\n");
    CHECK_INT(length, 10);
    free(data);
}

TEST("an absent file is told from a bad one")
{
    CHECK_INT(read_as_policy(tap_in_folder("none"), NULL), -ENOENT);
}

TEST("a symbolic link is refused, and the sentence says what would be right")
{
    struct err err;

    tap_write("target", "x");
    REQUIRE_INT(symlink("target", tap_in_folder("link")), 0);
    CHECK_INT(read_as_policy(tap_in_folder("link"), &err), -ELOOP);
    CHECK_HAS(err.text, "put the file itself there");
}

TEST("a FIFO is refused without waiting for a writer")
{
    REQUIRE_INT(mkfifo(tap_in_folder("fifo"), 0600), 0);
    alarm(5);
    CHECK_INT(read_as_policy(tap_in_folder("fifo"), NULL), -EINVAL);
}

TEST("a folder is refused")
{
    CHECK_INT(read_as_policy(tap_folder(), NULL), -EINVAL);
}

TEST("a file that others can write is refused")
{
    const char *path = tap_write("f", "x");
    struct err err;

    chmod(path, 0664);
    CHECK_INT(read_as_policy(path, &err), -EPERM);
    CHECK_HAS(err.text, "chmod go-w");
    chmod(path, 0646);
    CHECK_INT(read_as_policy(path, NULL), -EPERM);
    chmod(path, 0644);
    CHECK_INT(read_as_policy(path, NULL), 0);
}

TEST("a file of another user is refused")
{
    const char *path = tap_write("f", "x");
    struct err err;

    if (getuid() != 0)
        SKIP("needs root to make another's file");
    REQUIRE_INT(chown(path, 4001, 0), 0);
    CHECK_INT(read_as_policy(path, &err), -EPERM);
    CHECK_HAS(err.text, "chown root");
}

TEST("a file that is too large is refused")
{
    char text[102];

    memset(text, 'x', 101);
    text[101] = '\0';
    CHECK_INT(read_as_policy(tap_write("f", text), NULL), -EFBIG);
}

TEST("a state file with a second link is refused, a policy is not")
{
    const char *path = tap_write("f", "x");

    CHECK_INT(read_as_state(path, NULL), 0);
    REQUIRE_INT(link(path, tap_in_folder("second")), 0);
    CHECK_INT(read_as_state(path, NULL), -EPERM);
    CHECK_INT(read_as_policy(path, NULL), 0);
}

TEST("names come in bytewise order, and only those that match")
{
    char **names = NULL;
    size_t count = 0;

    tap_write("b.conf", "");
    tap_write("B.conf", "");
    tap_write("a.conf", "");
    tap_write("a.conf~", "");
    tap_write(".hidden.conf", "");
    CHECK_INT(safefs_list_trusted(tap_folder(), "[A-Za-z0-9_-]*.conf",
                                  getuid(), &names, &count, NULL),
              0);
    REQUIRE_INT(count, 3);
    CHECK_STR(names[0], "B.conf");
    CHECK_STR(names[1], "a.conf");
    CHECK_STR(names[2], "b.conf");
    safefs_free_names(names, count);
}

TEST("an absent folder has no names, an open one is refused")
{
    char **names = NULL;
    size_t count = 1;

    CHECK_INT(safefs_list_trusted(tap_in_folder("none"), "*", getuid(), &names,
                                  &count, NULL),
              0);
    CHECK_INT(count, 0);
    chmod(tap_folder(), 0777);
    CHECK_INT(safefs_list_trusted(tap_folder(), "*", getuid(), &names, &count,
                                  NULL),
              -EPERM);
}

static int
open_folder(void)
{
    int fd = safefs_open_state_folder(tap_folder(), 0, getuid(), NULL);

    REQUIRE(fd >= 0);
    return fd;
}

static size_t
count_names(void)
{
    char **names = NULL;
    size_t count = 0;
    int fd = open_folder();

    CHECK_INT(safefs_list_folder(fd, &names, &count), 0);
    safefs_free_names(names, count);
    close(fd);
    return count;
}

TEST("a replaced file has the new content and the mode asked for")
{
    int fd = open_folder();
    struct stat st;
    char *data;
    size_t length;

    umask(077);
    CHECK_INT(safefs_replace_file(fd, "f", 0644, true, "old", 3), 0);
    CHECK_INT(safefs_replace_file(fd, "f", 0644, true, "newer", 5), 0);
    REQUIRE_INT(stat(tap_in_folder("f"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0644);
    REQUIRE_INT(safefs_read_state(tap_in_folder("f"), getuid(), 100, &data,
                                  &length, NULL),
                0);
    CHECK_STR(data, "newer");
    free(data);
    CHECK_INT(count_names(), 1);
}

TEST("a file for a group is the group's, and left alone where that fails")
{
    gid_t gid = getuid() == 0 ? 4002 : getegid();
    int fd = open_folder();
    struct stat st;

    CHECK_INT(safefs_replace_file_of(fd, "f", 0640, gid, "old", 3), 0);
    REQUIRE_INT(stat(tap_in_folder("f"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    CHECK_INT(st.st_gid, gid);
    if (getuid() == 0)
        REQUIRE(chown(tap_folder(), 4001, 4002) == 0 && setegid(4002) == 0 &&
                seteuid(4001) == 0);
    CHECK_INT(safefs_replace_file_of(fd, "f", 0640, 4003, "newer", 5), -EPERM);
    if (getuid() == 0)
        REQUIRE(seteuid(0) == 0 && chown(tap_folder(), 0, 0) == 0);
    REQUIRE_INT(stat(tap_in_folder("f"), &st), 0);
    CHECK_INT(st.st_size, 3);
    CHECK_INT(count_names(), 1);
}

TEST("a link planted under the file's name is replaced, not followed")
{
    int fd = open_folder();
    struct stat st;

    tap_write("victim", "precious");
    REQUIRE_INT(symlink("victim", tap_in_folder("f")), 0);
    CHECK_INT(safefs_replace_file(fd, "f", 0644, false, "x", 1), 0);
    REQUIRE_INT(stat(tap_in_folder("victim"), &st), 0);
    CHECK_INT(st.st_size, 8);
    REQUIRE_INT(lstat(tap_in_folder("f"), &st), 0);
    CHECK(S_ISREG(st.st_mode));
}

/* The number of a process that was, and is no more. */
static pid_t
dead_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    REQUIRE(waitpid(pid, NULL, 0) == pid);
    return pid;
}

static bool
has_name(const char *name)
{
    return access(tap_in_folder(name), F_OK) == 0;
}

TEST("what dead processes were writing goes, what others write stays")
{
    int fd = open_folder();
    char dead[64], alive[64];

    snprintf(dead, sizeof(dead), ".f.%d", (int)dead_pid());
    snprintf(alive, sizeof(alive), ".f.%d", (int)getppid());
    tap_write(dead, "");
    tap_write(alive, "");
    tap_write(".f.swp", "");
    tap_write(".f.0", "");
    tap_write(".ff.1", "");
    CHECK_INT(safefs_replace_file(fd, "f", 0644, false, "x", 1), 0);
    CHECK(!has_name(dead));
    CHECK(has_name(alive) && has_name(".f.swp") && has_name(".f.0") &&
          has_name(".ff.1"));
    CHECK_INT(count_names(), 5);
}

TEST("a full file system leaves the old content and nothing else")
{
    struct rlimit limit = {10, 10};
    char big[100] = {0};
    int fd = open_folder();
    struct stat st;

    CHECK_INT(safefs_replace_file(fd, "f", 0644, false, "old", 3), 0);
    signal(SIGXFSZ, SIG_IGN);
    REQUIRE_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK(safefs_replace_file(fd, "f", 0644, false, big, sizeof(big)) < 0);
    limit.rlim_cur = 0;
    REQUIRE_INT(stat(tap_in_folder("f"), &st), 0);
    CHECK_INT(st.st_size, 3);
    CHECK_INT(count_names(), 1);
}

TEST("a file written bit by bit is there when it is committed, not before")
{
    char temp[NAME_MAX + 1];
    int dir_fd = open_folder();
    size_t size = 0;
    int fd;

    CHECK_INT(safefs_replace_file(dir_fd, "f", 0644, false, "old", 3), 0);
    fd = safefs_begin_file(dir_fd, "f", temp);
    REQUIRE(fd >= 0);
    REQUIRE_INT(util_write_all(fd, "new", 3), 0);
    REQUIRE_INT(util_write_all(fd, "er", 2), 0);
    close(safefs_open_state(tap_in_folder("f"), getuid(), 9, &size, NULL));
    CHECK_INT(size, 3);
    CHECK_INT(count_names(), 2);
    CHECK_INT(safefs_commit_file(dir_fd, temp, fd, "f", 0600, false), 0);
    close(fd);
    close(safefs_open_state(tap_in_folder("f"), getuid(), 9, &size, NULL));
    CHECK_INT(size, 5);
    CHECK_INT(count_names(), 1);
    chmod(tap_in_folder("f"), 0620);
    CHECK_INT(safefs_open_state(tap_in_folder("f"), getuid(), 9, &size, NULL),
              -EPERM);
}

TEST("a file that cannot be committed leaves nothing behind")
{
    char temp[NAME_MAX + 1];
    int dir_fd = open_folder();
    int fd = safefs_begin_file(dir_fd, "folder", temp);

    REQUIRE(fd >= 0);
    REQUIRE_INT(mkdir(tap_in_folder("folder"), 0755), 0);
    CHECK(safefs_commit_file(dir_fd, temp, fd, "folder", 0600, true) < 0);
    CHECK_INT(count_names(), 1);
}

TEST("a state folder that others can write is not used")
{
    chmod(tap_folder(), 0770);
    CHECK_INT(safefs_open_state_folder(tap_folder(), 0, getuid(), NULL),
              -EPERM);
}

TEST("a state folder that is a link is not used")
{
    REQUIRE_INT(mkdir(tap_in_folder("real"), 0755), 0);
    REQUIRE_INT(symlink("real", tap_in_folder("link")), 0);
    CHECK(safefs_open_state_folder(tap_in_folder("link"), 0755, getuid(),
                                   NULL) < 0);
}

TEST("a lock is one process's until its descriptor is closed")
{
    int folder = open_folder();
    int fd = safefs_lock_file(folder, "lock", false);

    CHECK(fd >= 0);
    CHECK_INT(safefs_lock_file(folder, "lock", false), -EBUSY);
    close(fd);
    CHECK(safefs_lock_file(folder, "lock", false) >= 0);
}

TEST("appended lines follow each other in a file that root alone reads")
{
    int folder = open_folder();
    struct stat st;

    CHECK_INT(safefs_append_line(folder, "record", "one\n"), 0);
    CHECK_INT(safefs_append_line(folder, "record", "two\n"), 0);
    REQUIRE_INT(stat(tap_in_folder("record"), &st), 0);
    CHECK_INT(st.st_size, 8);
    CHECK_INT(st.st_mode & 07777, 0600);
}

TAP_MAIN
