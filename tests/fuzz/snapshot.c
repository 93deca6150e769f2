/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of a snapshot: not believed, or read to its end without leaving the
 * file; and what a check keeps of a damaged one is sound.
 *
 * No random bytes have the right sums.  The first byte of an input says what is
 * set right before the rest is read: 1 the header, 2 the sums of records.
 */
#include "fuzz.h"

#include <errno.h>

#include "snapshot_format.h"

static const struct snapshot_of of = {
    .path = "/srv/huggingface",
    .gid = 900,
    .mode = 02770,
    .rules = 1,
    .device_minor = 5,
    .inode = 77,
};

/* --- sums ---------------------------------------------------------------- */

static void
mend_header(char *data, size_t length)
{
    struct snapshot_header header;
    size_t path = strlen(of.path) + 1, most;

    if (length < sizeof(header) + path)
        return;
    memcpy(&header, data, sizeof(header));
    most = (length - sizeof(header)) / SNAPSHOT_WORD;
    memcpy(header.magic, SNAPSHOT_MAGIC, sizeof(header.magic));
    header.order = SNAPSHOT_ORDER;
    header.version = SNAPSHOT_VERSION;
    header.length = length;
    header.inode = of.inode;
    header.device_major = of.device_major;
    header.device_minor = of.device_minor;
    header.gid = of.gid;
    header.mode = of.mode;
    header.acl = (uint32_t)of.acl;
    header.rules = of.rules;
    header.numbers %= (uint32_t)most + 1;
    memcpy(data + sizeof(header), of.path, path);
    memcpy(data, &header, sizeof(header));
}

/* The sum of each record that the index has, as far as they lie apart. */
static void
mend_records(char *data, size_t length)
{
    struct snapshot_header header;
    size_t index;

    if (length < sizeof(header))
        return;
    memcpy(&header, data, sizeof(header));
    if (header.numbers > length / SNAPSHOT_WORD)
        return;
    index = length - (size_t)header.numbers * SNAPSHOT_WORD;
    for (uint32_t i = 0; i < header.numbers; i++) {
        struct snapshot_record record;
        uint32_t place;
        size_t start;

        memcpy(&place, data + index + (size_t)i * SNAPSHOT_WORD,
               sizeof(place));
        start = (size_t)place * SNAPSHOT_WORD;
        if (start < sizeof(header) || start > length ||
            length - start < sizeof(record))
            continue;
        memcpy(&record, data + start, sizeof(record));
        if (record.names_length > length - start - sizeof(record))
            continue;
        record.sum =
            snapshot_sum(i, data + start + sizeof(record.sum),
                         sizeof(record) - sizeof(record.sum) +
                             record.names_length);
        memcpy(data + start, &record.sum, sizeof(record.sum));
    }
}

/* --- reading ------------------------------------------------------------- */

static int
open_snapshot(const char *name, struct snapshot **ret)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
    return snapshot_open(path, geteuid(), &of, ret);
}

static void
check_names(const struct snapshot *snapshot,
            const struct snapshot_folder *folder)
{
    const char *end = folder->names + folder->names_length;
    const char *at = folder->names, *name;
    uint32_t number;

    MUST(folder->names >= snapshot->data);
    MUST(folder->names_length <= snapshot->records_end);
    MUST(end <= snapshot->data + snapshot->records_end);
    while ((name = snapshot_next(&at, end, &number))) {
        MUST(name > folder->names && at <= end);
        MUST(name + strlen(name) + 1 == at);
        MUST(*name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
             strcmp(name, "..") != 0);
    }
}

/* All of it, and a little beyond; how many folders are known. */
static uint32_t
read_all(const struct snapshot *snapshot)
{
    struct snapshot_folder folder;
    uint32_t known = 0;

    for (uint32_t i = 0; i < snapshot->numbers + 3; i++) {
        if (!snapshot_get(snapshot, i, &folder))
            continue;
        MUST(i < snapshot->numbers);
        MUST(folder.entries <= SNAPSHOT_MOST);
        check_names(snapshot, &folder);
        known++;
    }
    MUST(!snapshot_get(snapshot, SNAPSHOT_NONE, &folder));
    return known;
}

/* --- writing with it as what is known ------------------------------------ */

static bool
is_equal(const struct snapshot_folder *a, const struct snapshot_folder *b)
{
    return a->inode == b->inode && a->ctime_ns == b->ctime_ns &&
           a->read_wall == b->read_wall && a->entries == b->entries &&
           a->settled == b->settled && a->found == b->found &&
           a->names_length == b->names_length &&
           memcmp(a->names, b->names, a->names_length) == 0;
}

/* Keep all that is known but each third folder, and add one. */
static uint32_t
write_next(int dir_fd, struct snapshot *known)
{
    const struct snapshot_folder added = {
        .inode = 5, .names = "", .settled = true};
    struct snapshot_writer *writer;
    struct snapshot_folder folder;
    uint32_t number;

    MUST(snapshot_begin(dir_fd, "next", &of, known, 1, &writer) == 0);
    for (uint32_t i = 0; i < known->numbers; i++)
        if (i % 3 != 2 && snapshot_get(known, i, &folder))
            snapshot_keep(writer, i);
    number = snapshot_number(writer);
    snapshot_add(writer, 0, number, &added);
    MUST(snapshot_commit(writer) == 0);
    snapshot_end(writer);
    return number;
}

static void
check_next(struct snapshot *known)
{
    int dir_fd = open(fuzz_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint32_t number = write_next(dir_fd, known);
    struct snapshot_folder was, is;
    struct snapshot *next;
    int r = open_snapshot("next", &next);

    MUST(r == 0 || r == -EINVAL); /* with too many idle numbers */
    close(dir_fd);
    if (r < 0)
        return;
    (void)read_all(next);
    MUST(snapshot_get(next, number, &is) && is.inode == 5);
    for (uint32_t i = 0; i < known->numbers; i++) {
        bool is_kept = i % 3 != 2 && snapshot_get(known, i, &was);

        MUST(snapshot_get(next, i, &is) == is_kept || i == number);
        MUST(!is_kept || is_equal(&was, &is));
    }
    snapshot_close(next);
}

FUZZ(data, size)
{
    struct snapshot *snapshot;
    char *copy;

    if (size < 2)
        return;
    copy = malloc(size - 1);
    MUST(copy);
    memcpy(copy, data + 1, size - 1);
    if (*data & 1)
        mend_header(copy, size - 1);
    if (*data & 2)
        mend_records(copy, size - 1);
    fuzz_write("snapshot", copy, size - 1);
    free(copy);
    if (open_snapshot("snapshot", &snapshot) < 0)
        return;
    (void)read_all(snapshot);
    check_next(snapshot);
    snapshot_close(snapshot);
}
