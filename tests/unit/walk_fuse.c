/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A walk is not kept waiting by a file server that somebody mounts in its way,
 * on a file or on a folder: FUSE lets users do so.
 */
#include <sys/sysmacros.h>

#include "walk_seen.h"

static int server = -1; /* /dev/fuse; nobody reads from it */
static pid_t keeper;    /* who has it; with him who waits for it is let go */

static void
keep_server(void)
{
    keeper = fork();
    REQUIRE(keeper >= 0);
    if (keeper == 0) {
        (void)sleep(3);
        _exit(0);
    }
}

/* Mount on this a server that answers nothing. */
static void
mount_server(const char *name, mode_t type)
{
    char options[128];

    snprintf(options, sizeof(options),
             "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other", server, type);
    REQUIRE_INT(mount("fuse", name, "fuse", MS_NOSUID | MS_NODEV, options), 0);
    REQUIRE_INT(dup2(STDOUT_FILENO, server), server); /* his alone now */
}

/* When "a" is read, something is mounted on the file in it. */
static void
mount_on_file(const struct walk_item *item)
{
    if (item->event == WALK_FOLDER && strcmp(item->path, "a") == 0)
        mount_server("a/f", S_IFREG);
}

static void
begin(void)
{
    struct stat st;

    tap_own_mounts();
    REQUIRE_INT(chdir(tap_folder()), 0);
    REQUIRE_INT(stat(".", &st), 0);
    if (major(st.st_dev) == 0)
        SKIP("this is not on a disk, but where others may change things");
    server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (server < 0)
        SKIP("no /dev/fuse");
    REQUIRE_INT(mkdir("a", 0755), 0);
    (void)tap_write("a/f", "x");
    keep_server();
}

TEST("a server that is mounted on a file while the walk is under way")
{
    struct seen seen = SEEN_INIT;

    begin();
    seen.act = mount_on_file;
    CHECK_INT(walk_with("", 1, &seen), 0);
    CHECK_INT(seen.problems, 1);
    CHECK_INT(seen.error, EXDEV);
    REQUIRE_INT(umount2("a/f", MNT_DETACH), 0);
    (void)kill(keeper, SIGKILL);
    REQUIRE_INT(waitpid(keeper, NULL, 0), keeper);
}

TAP_MAIN
