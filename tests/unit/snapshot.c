/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot's file: what is written is read, and goes over into the next.
 */
#include <sys/resource.h>

#include "snapshot_file.h"

/* --- whole --------------------------------------------------------------- */

TEST("what is written is read, whoever wrote it")
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        struct snapshot *snapshot;
        struct snapshot_folder none;

        write_snapshot(FOLDERS, workers);
        snapshot = open_snapshot();
        CHECK_INT(count_known(snapshot, FOLDERS), FOLDERS);
        CHECK(!snapshot_get(snapshot, FOLDERS, &none));
        CHECK(!snapshot_get(snapshot, SNAPSHOT_NONE, &none));
        snapshot_close(snapshot);
    }
}

TEST("many folders take about 60 bytes each, and the file is root's alone")
{
    struct snapshot *snapshot;
    struct stat st;

    umask(0);
    write_snapshot(100000, 2);
    snapshot = open_snapshot();
    CHECK_INT(count_known(snapshot, 100000), 100000);
    snapshot_close(snapshot);
    REQUIRE_INT(stat(file(), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    tap_note("%.1f bytes each", (double)st.st_size / 100000);
    CHECK(st.st_size / 100000 < 90); /* two names each, of 17 bytes */
}

TEST("names come back in their order, and a large list at once")
{
    struct snapshot_folder folder = {.inode = 1};
    struct snapshot_writer *writer = begin(NULL, 1);
    struct snapshot *snapshot;
    char *names = malloc(10000 * 40);
    const char *at, *name;
    uint32_t number, count = 0;

    for (uint32_t i = 0; i < 10000; i++) {
        char text[40];
        size_t length = (size_t)sprintf(text, "a name of some length %u", i);

        snapshot_put_name(names + folder.names_length, text, length, i + 1);
        folder.names_length += snapshot_name_bytes(length);
        (void)snapshot_number(writer);
    }
    folder.names = names;
    snapshot_add(writer, 0, SNAPSHOT_ROOT, &folder);
    REQUIRE_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
    free(names);
    snapshot = open_snapshot();
    REQUIRE(snapshot_get(snapshot, SNAPSHOT_ROOT, &folder));
    at = folder.names;
    while ((name = snapshot_next(&at, folder.names + folder.names_length,
                                 &number))) {
        char text[40];

        sprintf(text, "a name of some length %u", count);
        if (!CHECK_STR(name, text) || !CHECK_INT(number, count + 1))
            break;
        count++;
    }
    CHECK_INT(count, 10000);
    snapshot_close(snapshot);
}

TEST("what is not committed leaves nothing behind")
{
    struct snapshot_writer *writer = begin(NULL, 1);
    struct snapshot *snapshot;
    char names[512];

    for (uint32_t i = 0; i < 5000; i++) { /* more than fits into a buffer */
        struct snapshot_folder folder = invent(i, names);

        snapshot_add(writer, 0, i ? snapshot_number(writer) : 0, &folder);
    }
    snapshot_end(writer);
    CHECK_INT(snapshot_open(file(), getuid(), &of, &snapshot), -ENOENT);
    CHECK_INT(rmdir(tap_folder()), 0); /* it is empty */
    REQUIRE_INT(mkdir(tap_folder(), 0700), 0);
}

TEST("a full file system leaves the old file and nothing else")
{
    struct rlimit limit = {100000, 100000};
    struct snapshot_writer *writer;
    struct snapshot *snapshot;

    write_snapshot(FOLDERS, 1);
    signal(SIGXFSZ, SIG_IGN);
    REQUIRE_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    writer = begin(NULL, 1);
    write_folders(writer, 20000, 1);
    CHECK_INT(snapshot_commit(writer), -EFBIG);
    snapshot_end(writer);
    snapshot = open_snapshot();
    CHECK_INT(count_known(snapshot, FOLDERS), FOLDERS);
    snapshot_close(snapshot);
    REQUIRE_INT(unlink(file()), 0);
    CHECK_INT(rmdir(tap_folder()), 0);
    REQUIRE_INT(mkdir(tap_folder(), 0700), 0);
}

/* --- from one to the next ------------------------------------------------ */

static struct stat
look(void)
{
    struct stat st;

    REQUIRE_INT(stat(file(), &st), 0);
    return st;
}

TEST("if all is kept, the old file stays as it is")
{
    struct snapshot *known;
    struct snapshot_writer *writer;
    struct stat before;

    write_snapshot(FOLDERS, 1);
    before = look();
    known = open_snapshot();
    writer = begin(known, 2);
    for (uint32_t i = 0; i < FOLDERS; i++)
        snapshot_keep(writer, i);
    CHECK_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
    snapshot_close(known);
    CHECK_INT(look().st_ino, before.st_ino);
}

TEST("what is kept is copied, what is new added, what is gone is gone")
{
    struct snapshot *known;
    struct snapshot_writer *writer;
    struct snapshot_folder folder = {.inode = 77}, got;
    struct stat before;

    write_snapshot(FOLDERS, 1);
    before = look();
    known = open_snapshot();
    writer = begin(known, 1);
    for (uint32_t i = 0; i < FOLDERS; i++)
        if (i != 5)
            snapshot_keep(writer, i); /* 6, too: what is added counts */
    snapshot_add(writer, 0, 6, &folder);
    CHECK_INT(snapshot_number(writer), FOLDERS);
    snapshot_add(writer, 0, FOLDERS, &folder);
    CHECK_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
    snapshot_close(known);
    CHECK(look().st_ino != before.st_ino);
    known = open_snapshot();
    CHECK(!snapshot_get(known, 5, &got));
    CHECK(snapshot_get(known, 6, &got) && got.inode == 77);
    CHECK(snapshot_get(known, FOLDERS, &got) && got.inode == 77);
    CHECK(snapshot_get(known, 7, &got) && got.inode == 1007);
    CHECK_INT(known->records, FOLDERS);
    snapshot_close(known);
}

TEST("one folder that is gone is a change")
{
    struct snapshot *known;
    struct snapshot_writer *writer;
    struct snapshot_folder got;

    write_snapshot(FOLDERS, 1);
    known = open_snapshot();
    writer = begin(known, 1);
    for (uint32_t i = 0; i < FOLDERS - 1; i++)
        snapshot_keep(writer, i);
    CHECK_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
    snapshot_close(known);
    known = open_snapshot();
    CHECK(!snapshot_get(known, FOLDERS - 1, &got));
    snapshot_close(known);
}

TEST("numbers that mean nothing any more do not grow for ever")
{
    struct snapshot_writer *writer = begin(NULL, 1);
    struct snapshot_folder folder = {.inode = 1};
    struct snapshot *snapshot;

    for (unsigned i = 0; i < 200000; i++)
        (void)snapshot_number(writer);
    snapshot_add(writer, 0, SNAPSHOT_ROOT, &folder);
    REQUIRE_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
    CHECK_INT(snapshot_open(file(), getuid(), &of, &snapshot), -EINVAL);
}

TEST("a number that was not given is refused")
{
    struct snapshot_writer *writer = begin(NULL, 1);
    struct snapshot_folder folder = {.inode = 1};

    snapshot_add(writer, 0, 1, &folder);
    CHECK_INT(snapshot_commit(writer), -EINVAL);
    snapshot_end(writer);
}

TAP_MAIN
