/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A snapshot of folders that do not exist, each of which can be told from every
 * other one.
 */
#ifndef SNAPSHOT_FILE_H
#define SNAPSHOT_FILE_H

#include <errno.h>
#include <fcntl.h>

#include "snapshot_format.h"
#include "tap.h"

#define FOLDERS 40

static const struct snapshot_of of = {.path = "/srv/cache",
                                      .gid = 5555,
                                      .mode = 02770,
                                      .acl = 1,
                                      .rules = 3,
                                      .device_major = 8,
                                      .device_minor = 1,
                                      .inode = 2};

static inline const char *
file(void)
{
    return tap_in_folder("snapshot");
}

static inline int
open_folder(void)
{
    int fd = open(tap_folder(), O_RDONLY | O_DIRECTORY);

    REQUIRE(fd >= 0);
    return fd;
}

static inline struct snapshot_writer *
begin(const struct snapshot *known, unsigned workers)
{
    struct snapshot_writer *writer = NULL;

    REQUIRE_INT(snapshot_begin(open_folder(), "snapshot", &of, known, workers,
                               &writer),
                0);
    return writer;
}

static inline struct snapshot *
open_snapshot(void)
{
    struct snapshot *snapshot = NULL;

    REQUIRE_INT(snapshot_open(file(), getuid(), &of, &snapshot), 0);
    return snapshot;
}

/* A folder that can be told from every other one: number `i`, `i % 5` names. */
static inline struct snapshot_folder
invent(uint32_t i, char *names)
{
    struct snapshot_folder folder = {
        .inode = 1000 + i,
        .ctime_ns = INT64_C(1700000000000000000) + i,
        .read_wall = 1700000000 + i,
        .entries = i * 7,
        .settled = i % 2,
        .found = i % 3 == 0,
        .names = names,
    };

    for (uint32_t j = 0; j < i % 5; j++) {
        char name[40];
        size_t length = (size_t)sprintf(name, "folder %u of %u", j, i);

        snapshot_put_name(names + folder.names_length, name, length,
                          (i + j) % FOLDERS);
        folder.names_length += snapshot_name_bytes(length);
    }
    return folder;
}

static inline void
write_folders(struct snapshot_writer *writer, uint32_t count, unsigned workers)
{
    char names[512];

    for (uint32_t i = 1; i < count; i++)
        REQUIRE_INT(snapshot_number(writer), i);
    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_folder folder = invent(i, names);

        snapshot_add(writer, i % workers, i, &folder);
    }
}

static inline void
write_snapshot(uint32_t count, unsigned workers)
{
    struct snapshot_writer *writer = begin(NULL, workers);

    write_folders(writer, count, workers);
    REQUIRE_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
}

static inline bool
is_same(const struct snapshot_folder *a, const struct snapshot_folder *b)
{
    return a->inode == b->inode && a->ctime_ns == b->ctime_ns &&
           a->read_wall == b->read_wall && a->entries == b->entries &&
           a->settled == b->settled && a->found == b->found &&
           a->names_length == b->names_length &&
           memcmp(a->names, b->names, a->names_length) == 0;
}

/* How many of the folders are known; none of them other than it was. */
static inline uint32_t
count_known(const struct snapshot *snapshot, uint32_t count)
{
    uint32_t known = 0, wrong = 0;
    char names[512];

    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_folder wanted = invent(i, names), folder;

        if (!snapshot_get(snapshot, i, &folder))
            continue;
        known++;
        wrong += !is_same(&folder, &wanted);
    }
    CHECK_INT(wrong, 0);
    return known;
}

#endif
