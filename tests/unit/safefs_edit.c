/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file of the machine's that is edited: all of it is as it was or as it is to
 * be, whatever call fails, and nothing is left beside it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "safefs_edit.h"
#include "seccomp.h"
#include "tap.h"

#ifdef SYS_fchown32
#define CALL_FCHOWN SYS_fchown32
#else
#define CALL_FCHOWN SYS_fchown
#endif

static const struct safefs_text before = {"old\n", 4}, after = {"new one\n", 8};

static const char *
make_file(void)
{
    const char *path = tap_write("su", before.data);

    REQUIRE_INT(chmod(path, 0640), 0);
    (void)setxattr(path, "user.note", "kept", 4, 0); /* where there are some */
    return path;
}

static void
check_file(const char *path, const char *text)
{
    char value[8] = "";
    struct stat st;
    size_t length;
    char *data;

    REQUIRE_INT(safefs_read_editable(path, 100, &data, &length, NULL), 0);
    CHECK_STR(data, text);
    REQUIRE_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    if (getxattr(path, "user.note", value, sizeof(value)) >= 0)
        CHECK_STR(value, "kept");
    free(data);
}

static int
count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = -2;

    REQUIRE(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

TEST("an edit keeps mode and attributes")
{
    const char *path = make_file();

    CHECK_INT(safefs_replace(path, &before, &after, NULL), 0);
    check_file(path, after.data);
    CHECK_INT(count_entries(tap_folder()), 1);
}

TEST("whatever call fails, the file is as it was and nothing is beside it")
{
    static const struct {
        unsigned call, error;
    } cases[] = {
        {CALL_FCHOWN, EPERM},       {SYS_fchmod, EROFS},
        {SYS_fsync, EIO},           {SYS_write, ENOSPC},
        {SYS_fsync, EDQUOT},        {SYS_flistxattr, EIO},
        {SYS_fgetxattr, EIO},       {SYS_fsetxattr, ENOSPC},
#ifdef SYS_renameat
        {SYS_renameat, EROFS},
#endif
    };
    const char *path = make_file();
    bool has_attributes = getxattr(path, "user.note", NULL, 0) > 0;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool needs = cases[i].call == SYS_fgetxattr ||
                     cases[i].call == SYS_fsetxattr;
        struct err err = {0};
        pid_t pid;
        int end = 0, r;

        if (needs && !has_attributes)
            continue;
        pid = fork();
        if (pid == 0) {
            forbid(cases[i].call, cases[i].error);
            r = safefs_replace(path, &before, &after, &err);
            _exit(r == -(int)cases[i].error && *err.text ? 7 : 0);
        }
        REQUIRE(pid > 0 && waitpid(pid, &end, 0) == pid);
        if (!CHECK(WIFEXITED(end) && WEXITSTATUS(end) == 7))
            tap_note("case %zu", i);
        check_file(path, before.data);
        CHECK_INT(count_entries(tap_folder()), 1);
    }
}

TEST("what somebody else has changed meanwhile is left to him")
{
    const char *path = make_file();
    struct err err;

    CHECK_INT(safefs_replace(path, &after, &before, &err), -EBUSY);
    CHECK_HAS(err.text, "somebody else has just changed it");
    check_file(path, before.data);
}

TEST("links, second names and what is no file are not edited")
{
    const char *path = make_file(), *link = tap_in_folder("link");
    struct err err;

    REQUIRE_INT(symlink(path, link), 0);
    CHECK_INT(safefs_replace(link, &before, &after, &err), -ELOOP);
    REQUIRE_INT(unlink(link), 0);
    REQUIRE_INT(mkdir(link, 0755), 0);
    CHECK_INT(safefs_replace(link, &before, &after, &err), -EINVAL);
    REQUIRE_INT(rmdir(link), 0);
    CHECK_INT(safefs_replace(link, &before, &after, &err), -ENOENT);
    (void)!linkat(AT_FDCWD, path, AT_FDCWD, link, 0);
    CHECK_INT(safefs_replace(path, &before, &after, &err), -EMLINK);
    REQUIRE_INT(unlink(link), 0);
    check_file(path, before.data);
}

TAP_MAIN
