/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Mallory, a member, moves into the cache, or to another name in it, so
 * that root's repair opens it: the rules of mend.h.  He moves as himself; Eve,
 * who is a member and no more, then tries to open.
 */

#include "mend.h"
#include "repair.h"

#define MINE HUB "/models--m" /* Mallory's repository */

/* From where, to where; used by move() as Mallory. */
static const char *from, *to;

static void
move(void)
{
    if (rename(from, to) < 0)
        _exit(errno);
}

static void
make_mine(void)
{
    make_members();
    make_folder(MINE, MALLORY, GID, 02770);
    make_folder(MINE "/blobs", MALLORY, GID, 02770);
    make_folder(MINE "/refs", MALLORY, GID, 02770);
    make_folder(MINE "/snapshots", MALLORY, GID, 02770);
    make_folder(MINE "/trees", MALLORY, GID, 02770);
    make_folder("work", ALICE, PROJECT, 02770);
}

/* Mallory moves it; root repairs in all ways. */
static void
move_and_repair(const char *source, const char *target)
{
    from = source;
    to = target;
    do_as(MALLORY, move);
    usleep(30000); /* until files have settled */
    repair(1);
    options.foreign = true;
    repair(4);
    options.foreign = false;
}

/* Alice's, readable to Mallory's project or to nobody but her. */
static void
make_private(const char *top, gid_t gid, mode_t mode)
{
    char path[64];

    make_folder(top, ALICE, gid, mode);
    snprintf(path, sizeof(path), "%s/blobs", top);
    make_folder(path, ALICE, ALICE, 0750);
    snprintf(path, sizeof(path), "%s/blobs/secret", top);
    make_file(path, "private", ALICE, ALICE, 0640);
    snprintf(path, sizeof(path), "%s/closed", top);
    make_folder(path, ALICE, ALICE, 0700);
    snprintf(path, sizeof(path), "%s/closed/x.lock", top);
    make_file(path, "private", ALICE, ALICE, 0644);
    snprintf(path, sizeof(path), "%s/secret", top);
    make_file(path, "private", ALICE, ALICE, 0640);
}

static void
check_private(const char *top)
{
    static const char *const names[] = {"blobs/secret", "closed/x.lock",
                                        "secret"};
    char path[128];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", top, names[i]);
        if (!CHECK_INT(opens(EVE, path, O_RDONLY), 0) ||
            !CHECK_INT(opens(MALLORY, path, O_RDONLY), 0))
            tap_note("of %s", path);
    }
}

/* --- folders of another group -------------------------------------------- */

TEST("mend.h: a project's folder, moved in as a repository, stays closed")
{
    make_mine();
    make_private("work/x", PROJECT, 02770);
    move_and_repair("work/x", HUB "/models--x");
    check_private(HUB "/models--x");
    check_is(HUB "/models--x", 02770, ALICE, PROJECT);
}

TEST("mend.h: ... among the locks, into a repository, into datasets")
{
    static const char *const targets[] = {
        HUB "/.locks/x", MINE "/snapshots/x", HUB "/x", "cache/datasets/x",
    };

    make_mine();
    make_folder("cache/datasets", 0, GID, 02770);
    make_private("work/x", PROJECT, 02770);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        move_and_repair(i ? targets[i - 1] : "work/x", targets[i]);
        check_private(targets[i]);
        check_is(targets[i], 02770, ALICE, PROJECT);
    }
}

TEST("mend.h: what lies in a folder of the mover's own is not his doing")
{
    static const char *const secrets[] = {"blobs/a", "blobs/r", "blobs/n",
                                          "refs/r", ".no_exist/n"};
    static const uid_t uids[] = {ALICE, 0, NOBODY, 0, NOBODY};
    char path[64];

    make_mine();
    make_folder("mallory/x", MALLORY, MALLORY, 0777);
    make_private("mallory/x/snapshots", ALICE, 0755);
    make_folder("mallory/x/blobs", MALLORY, MALLORY, 0755);
    make_folder("mallory/x/refs", 0, 0, 0750);
    make_folder("mallory/x/.no_exist", NOBODY, NOBODY, 0750);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        snprintf(path, sizeof(path), "mallory/x/%s", secrets[i]);
        make_file(path, "private", uids[i], uids[i], 0640);
    }
    chmod(tap_in_folder("mallory/x"), 0755); /* as if nobody had written it */
    move_and_repair("mallory/x", HUB "/models--x");
    check_private(HUB "/models--x/snapshots");
    check_is(HUB "/models--x/snapshots", 0755, ALICE, ALICE);
    check_is(HUB "/models--x/refs", 0750, 0, 0);
    check_is(HUB "/models--x/.no_exist", 0750, NOBODY, NOBODY);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        snprintf(path, sizeof(path), HUB "/models--x/%s", secrets[i]);
        check_is(path, 0640, uids[i], uids[i]);
    }
    check_is(HUB "/models--x", 02775, MALLORY, GID); /* his own it may be */
}

TEST("mend.h: a folder shared by an ACL and moved in stays closed")
{
    make_mine();
    make_private("work/x", ALICE, 0770);
    share_with_mallory("work/x");
    move_and_repair("work/x", HUB "/models--x");
    check_private(HUB "/models--x");
}

TEST("mend.h: what nobody but its owner could write is mended, as moved by him")
{
    make_mine();
    make_private(HUB "/models--x", ALICE, 0755);
    repair(4);
    usleep(30000);
    repair(1);
    check_is(HUB "/models--x", 02775, ALICE, GID);
    check_is(HUB "/models--x/blobs/secret", 0640, ALICE, GID);
    CHECK_INT(opens(EVE, HUB "/models--x/blobs/secret", O_RDONLY), 1);
    CHECK_INT(opens(EVE, HUB "/models--x/closed/x.lock", O_RDONLY), 0);
}

/* --- what its owner closed ----------------------------------------------- */

TEST("mend.h: a closed repository stays closed, by whatever name")
{
    static const char *const names[] = {
        HUB "/models--x", HUB "/blobs",  HUB "/.locks", HUB "/datasets--x",
        HUB "/tmpx",      HUB "/x",      HUB "/blobs",
    };

    make_mine();
    make_private("work/x", ALICE, 0755);
    REQUIRE_INT(rename(tap_in_folder("work/x"), tap_in_folder(names[0])), 0);
    REQUIRE_INT(chmod(tap_in_folder(names[0]), 0700), 0);
    REQUIRE_INT(rmdir(tap_in_folder(HUB "/.locks")), 0);
    for (size_t i = 1; i < ARRAY_LEN(names); i++) {
        move_and_repair(names[i - 1], names[i]);
        check_private(names[i]);
        check_is(names[i], 0700, ALICE, ALICE);
        if (i == 4) /* from here on it has the cache's group */
            REQUIRE_INT(chown(tap_in_folder(names[i]), ALICE, ALICE), 0);
    }
}

TEST("mend.h: root's closed folder stays closed, also as hub/.locks")
{
    static const char *const names[] = {HUB "/models--x", HUB "/.locks",
                                        HUB "/blobs", HUB "/.locks"};

    make_mine();
    make_folder(HUB "/models--x", 0, GID, 02700);
    make_file(HUB "/models--x/secret", "private", 0, GID, 0644);
    REQUIRE_INT(rmdir(tap_in_folder(HUB "/.locks")), 0);
    for (size_t i = 1; i < ARRAY_LEN(names); i++) {
        move_and_repair(names[i - 1], names[i]);
        check_is(names[i], 02700, 0, GID);
    }
}

TEST("mend.h: closed files stay closed, but empty locks and listings")
{
    make_mine();
    make_folder(HUB "/.locks/m", MALLORY, GID, 02770);
    make_file(MINE "/blobs/a", "private, and as long as the head of a listing",
              ALICE, GID, 0600);
    make_file(MINE "/blobs/b", "", ALICE, GID, 0600);
    make_file(MINE "/blobs/c", "{\n \"format_version\": 1}", ALICE, GID, 0600);
    move_and_repair(MINE "/blobs/a", HUB "/.locks/m/a.lock");
    check_is(HUB "/.locks/m/a.lock", 0600, ALICE, GID);
    move_and_repair(HUB "/.locks/m/a.lock", MINE "/trees/" HEX40 ".json");
    check_is(MINE "/trees/" HEX40 ".json", 0600, ALICE, GID);
    move_and_repair(MINE "/blobs/b", HUB "/.locks/m/b.lock");
    check_is(HUB "/.locks/m/b.lock", 0660, ALICE, GID);
    move_and_repair(MINE "/blobs/c", MINE "/trees/" HEX40 ".json");
    check_is(MINE "/trees/" HEX40 ".json", 0640, ALICE, GID);
}

/* Alice's program has made its file, and is about to write. */
TEST("mend.h: an empty file that is open for writing may be filled: it stays")
{
    int fd;

    make_mine();
    make_folder(HUB "/.locks/m", MALLORY, GID, 02770);
    make_file("work/log", "", ALICE, PROJECT, 0600);
    make_file("work/notes", "", ALICE, ALICE, 0640);
    fd = open(tap_in_folder("work/log"), O_WRONLY);
    REQUIRE(fd >= 0 && open(tap_in_folder("work/notes"), O_RDWR) >= 0);
    move_and_repair("work/log", HUB "/.locks/m/x.lock");
    move_and_repair("work/notes", MINE "/blobs/x");
    check_is(HUB "/.locks/m/x.lock", 0600, ALICE, PROJECT);
    check_is(MINE "/blobs/x", 0640, ALICE, ALICE);
    close(fd);
    repair(1);
    check_is(HUB "/.locks/m/x.lock", 0660, ALICE, GID);
}

/* Between the visit of a folder and its end Alice gives it to her project. */
TEST("mend.h: a folder that changed since it was trusted is let be")
{
    struct walk_item item = {.dir_fd = -1, .fd = -1, .name = "snapshots",
                             .path = "hub/models--m/snapshots"};
    struct mend_report report;
    struct statx visited;
    struct mend mend;

    make_mine();
    REQUIRE_INT(chown(tap_in_folder(MINE "/snapshots"), ALICE, GID), 0);
    REQUIRE_INT(chmod(tap_in_folder(MINE "/snapshots"), 0770), 0);
    item.root_fd = safefs_open_root(tap_in_folder("cache"), NULL);
    REQUIRE_INT(mend_begin(&options.rules, item.root_fd, &mend), 0);
    REQUIRE_INT(safefs_look_at(item.root_fd, item.path, &visited), 0);
    REQUIRE_INT(chown(tap_in_folder(MINE "/snapshots"), ALICE, PROJECT), 0);
    CHECK_INT(mend_inode(&mend, &item, layout_where(item.path), MEND_SHARED,
                         &visited, &report),
              -ENOENT);
    check_is(MINE "/snapshots", 0770, ALICE, PROJECT);
    REQUIRE_INT(chown(tap_in_folder(MINE "/snapshots"), ALICE, GID), 0);
    CHECK_INT(mend_inode(&mend, &item, layout_where(item.path), MEND_SHARED,
                         &visited, &report),
              1);
    check_is(MINE "/snapshots", 02770, ALICE, GID);
}

/* --- the right to change ------------------------------------------------- */

TEST("mend.h: nobody gets the right to change what somebody moved in")
{
    static const char *const targets[] = {
        MINE "/refs/main", HUB "/blobs/3f/x.lock", HUB "/blobs/3f/x.refs",
        "cache/datasets/x.lock", MINE "/blobs/x",
    };
    static const char script[] = "#!/bin/sh\nexec as long as a reference is\n";
    static const mode_t modes[] = {0644, 0664, 0755, 0604};
    static const uid_t uids[] = {ALICE, 0, NOBODY};

    make_mine();
    make_folder("cache/datasets", 0, GID, 02770);
    make_folder(HUB "/blobs", MALLORY, GID, 02770);
    make_folder(HUB "/blobs/3f", MALLORY, GID, 02770);
    for (size_t i = 0; i < ARRAY_LEN(modes) * ARRAY_LEN(uids); i++) {
        make_file("work/script", script, uids[i % 3], i % 2 ? PROJECT : GID,
                  modes[i / 3]);
        if (modes[i / 3] == 0664) /* the group may, and it is the cache's */
            REQUIRE_INT(chown(tap_in_folder("work/script"), uids[i % 3],
                              PROJECT),
                        0);
        for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
            move_and_repair(k ? targets[k - 1] : "work/script", targets[k]);
            if (!CHECK_INT(opens(EVE, targets[k], O_WRONLY), 0))
                tap_note("mode %o, uid %u, %s", modes[i / 3], uids[i % 3],
                         targets[k]);
        }
        REQUIRE_INT(unlink(tap_in_folder(targets[4])), 0);
    }
    make_file(MINE "/refs/main", HEX40, ALICE, GID, 0644);
    usleep(30000);
    repair(1);
    check_is(MINE "/refs/main", 0664, ALICE, GID); /* a commit's name */
}

/* --- whose --------------------------------------------------------------- */

TEST("audit.h: only members', root's folders; --foreign: root's and nobody's")
{
    static const struct {
        const char *name;
        uid_t uid;
        gid_t plain, foreign;
    } files[] = {
        {MINE "/blobs/a", ALICE, GID, GID},
        {MINE "/blobs/m", MALLORY, GID, GID},
        {MINE "/blobs/r", 0, PROJECT, GID},
        {MINE "/blobs/n", NOBODY, PROJECT, GID},
        {MINE "/blobs/c", CAROL, PROJECT, PROJECT},
        {MINE "/snapshots/a", ALICE, GID, GID},
        {MINE "/snapshots/r", 0, GID, GID},
        {MINE "/snapshots/n", NOBODY, PROJECT, GID},
        {MINE "/snapshots/c", CAROL, PROJECT, PROJECT},
    };

    make_mine();
    for (size_t i = 0; i < 5; i++)
        make_file(files[i].name, "x", files[i].uid, PROJECT, 0644);
    for (size_t i = 5; i < ARRAY_LEN(files); i++)
        make_folder(files[i].name, files[i].uid, GID, 0770);
    usleep(30000);
    for (int foreign = 0; foreign < 2; foreign++) {
        options.foreign = foreign;
        repair(1);
        for (size_t i = 0; i < ARRAY_LEN(files); i++) {
            gid_t gid = foreign ? files[i].foreign : files[i].plain;

            if (i < 5)
                check_is(files[i].name, 0644, files[i].uid, gid);
            else
                check_is(files[i].name, gid == GID ? 02770 : 0770, files[i].uid,
                         GID);
        }
    }
}

TEST("audit.h: what root brought in stays whole until --foreign mends it")
{
    static const char top[] = HUB "/models--r";
    static const char file[] = HUB "/models--r/blobs/x";

    make_mine();
    make_folder(top, 0, 0, 0770);
    make_folder(HUB "/models--r/blobs", 0, 0, 0770);
    make_file(file, "x", 0, 0, 0660);
    usleep(30000);
    repair(1);
    check_is(top, 0770, 0, 0);
    check_is(file, 0660, 0, 0);
    options.foreign = true;
    repair(4);
    check_is(top, 02770, 0, GID);
    check_is(file, 0660, 0, GID);
}

TEST("mend.h: where anybody may link any file, no file is changed")
{
    make_mine();
    put_over("zero", "0\n", "/proc/sys/fs/protected_hardlinks");
    make_file(MINE "/blobs/x", "x", ALICE, GID, 0646);
    make_folder(MINE "/blobs/x.d", ALICE, GID, 0770);
    make_folder(MINE "/snapshots/d", ALICE, GID, 0770);
    usleep(30000);
    options.foreign = true;
    repair(4);
    check_is(MINE "/blobs/x", 0646, ALICE, GID);
    check_is(MINE "/snapshots/d", 02770, ALICE, GID);
}

/* --- as a user ----------------------------------------------------------- */

static void
repair_as_oneself(void)
{
    options.foreign = true; /* which is root's alone */
    repair(1);
    repair(4);
}

TEST("a user's own repair: the same rules, and nobody else's inodes")
{
    make_mine();
    make_private("work/x", PROJECT, 02770);
    make_private("work/y", ALICE, 0755);
    make_file("work/log", "", ALICE, ALICE, 0600);
    REQUIRE(open(tap_in_folder("work/log"), O_WRONLY) >= 0);
    make_folder(HUB "/.locks/m", MALLORY, GID, 0770);
    from = "work/x";
    to = HUB "/models--x";
    do_as(MALLORY, move);
    from = "work/log";
    to = HUB "/.locks/m/x.lock";
    do_as(MALLORY, move);
    REQUIRE_INT(rename(tap_in_folder("work/y"),
                       tap_in_folder(HUB "/models--y")),
                0);
    usleep(30000);
    do_as(ALICE, repair_as_oneself);
    check_private(HUB "/models--x");
    check_is(HUB "/.locks/m/x.lock", 0600, ALICE, ALICE);
    check_is(HUB "/.locks/m", 0770, MALLORY, GID);
    check_is(HUB "/models--y", 02775, ALICE, GID); /* her own doing */
    check_is(HUB "/models--y/closed", 0700, ALICE, ALICE);
}

/* --- a file system of its own -------------------------------------------- */

/* Put a new file system on the folder `name`. */
static void
mount_disk(const char *name)
{
    char command[1200];

    snprintf(command, sizeof(command),
             "cd '%s' && truncate -s 16M disk && mkfs.ext4 -q -F disk && "
             "mount -o loop disk '%s'",
             tap_folder(), tap_in_folder(name));
    if (system(command) != 0)
        SKIP("needs mkfs.ext4 and a loop device");
}

/* A cache that is a disk: what is in it can have come from nowhere else. */
static void
make_disk(void)
{
    make_members();
    mount_disk("cache");
    chown(tap_in_folder("cache"), 0, GID);
    chmod(tap_in_folder("cache"), 02750);
    make_folder("cache/hub", 0, GID, 02770);
    make_folder("cache/hub/.locks", 0, GID, 02770);
    make_folder(MINE, MALLORY, GID, 02770);
    make_folder(MINE "/blobs", MALLORY, GID, 02770);
}

TEST("mend.h: on a disk of the cache's own what lost its group is mended")
{
    make_disk();
    make_file(MINE "/blobs/x", "data", ALICE, ALICE, 0640);
    make_folder(MINE "/blobs/closed", ALICE, ALICE, 0700);
    usleep(30000);
    repair(1);
    check_is(MINE "/blobs/x", 0640, ALICE, GID);
}

TEST("mend.h: on a disk that holds other things, too, they stay closed")
{
    make_disk();
    make_folder("cache/assets", ALICE, GID, 02775);
    make_file("cache/assets/notes", "private", ALICE, ALICE, 0640);
    move_and_repair("cache/assets/notes", MINE "/blobs/x");
    check_is(MINE "/blobs/x", 0640, ALICE, ALICE);
}

TAP_MAIN
