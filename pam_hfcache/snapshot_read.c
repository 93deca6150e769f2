/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a snapshot: mapped, and every place and length checked before use.
 * The file is only ever replaced by renaming, so what is mapped does not
 * shrink.
 */
#include <errno.h>
#include <sys/mman.h>

#include "safefs.h"
#include "snapshot_format.h"

#define MAX_BYTES ((size_t)UINT32_MAX * SNAPSHOT_WORD)
#define MAX_IDLE 65536 /* numbers without a record that are put up with */

static bool
is_of(const struct snapshot_header *header, const struct snapshot_of *of)
{
    return header->inode == of->inode &&
           header->device_major == of->device_major &&
           header->device_minor == of->device_minor &&
           header->gid == of->gid && header->mode == of->mode &&
           header->acl == (uint32_t)of->acl && header->rules == of->rules;
}

/*
 * Is it whole, of this machine and of this version?  One with many numbers that
 * mean nothing any more is given up, so that they do not grow for ever.
 */
static bool
is_sound(const struct snapshot_header *header, size_t size)
{
    return memcmp(header->magic, SNAPSHOT_MAGIC, sizeof(header->magic)) == 0 &&
           header->order == SNAPSHOT_ORDER &&
           header->version == SNAPSHOT_VERSION && header->length == size &&
           size % SNAPSHOT_WORD == 0 &&
           header->numbers <= (size - sizeof(*header)) / SNAPSHOT_WORD &&
           header->numbers / 2 <= header->records + MAX_IDLE;
}

static int
judge(struct snapshot *snapshot, const struct snapshot_of *of)
{
    const char *path = snapshot->data + sizeof(struct snapshot_header);
    size_t path_bytes = strlen(of->path) + 1;
    struct snapshot_header header;

    if (snapshot->length < sizeof(header) + path_bytes)
        return -EINVAL;
    memcpy(&header, snapshot->data, sizeof(header));
    if (!is_sound(&header, snapshot->length) || !is_of(&header, of) ||
        memcmp(path, of->path, path_bytes) != 0)
        return -EINVAL;
    snapshot->records_end =
        snapshot->length - (size_t)header.numbers * SNAPSHOT_WORD;
    snapshot->index = (const void *)(snapshot->data + snapshot->records_end);
    snapshot->numbers = header.numbers;
    snapshot->records = header.records;
    return 0;
}

int
snapshot_open(const char *path, uid_t trusted_uid,
              const struct snapshot_of *of, struct snapshot **ret)
{
    struct snapshot *snapshot;
    size_t size = 0;
    CLEANUP_CLOSE int fd =
        safefs_open_state(path, trusted_uid, MAX_BYTES, &size, NULL);
    void *data;
    int r;

    if (fd < 0)
        return fd;
    if (size == 0)
        return -EINVAL;
    snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return -ENOMEM;
    data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        r = -errno;
        free(snapshot);
        return r;
    }
    snapshot->data = data;
    snapshot->length = size;
    r = judge(snapshot, of);
    if (r < 0)
        snapshot_close(snapshot);
    else
        *ret = snapshot;
    return r;
}

void
snapshot_close(struct snapshot *snapshot)
{
    void *data;

    if (!snapshot)
        return;
    memcpy(&data, &snapshot->data, sizeof(data));
    (void)munmap(data, snapshot->length);
    free(snapshot);
}

const char *
snapshot_find(const struct snapshot *snapshot, uint32_t number,
              struct snapshot_record *ret)
{
    const char *record;
    size_t start;

    if (number >= snapshot->numbers)
        return NULL;
    start = (size_t)snapshot->index[number] * SNAPSHOT_WORD;
    if (start < sizeof(struct snapshot_header) ||
        start > snapshot->records_end - sizeof(*ret))
        return NULL;
    record = snapshot->data + start;
    memcpy(ret, record, sizeof(*ret));
    if (ret->names_length > snapshot->records_end - start - sizeof(*ret) ||
        ret->sum != snapshot_sum(number, record + sizeof(ret->sum),
                                 sizeof(*ret) - sizeof(ret->sum) +
                                     ret->names_length))
        return NULL;
    return record;
}

bool
snapshot_get(const struct snapshot *snapshot, uint32_t number,
             struct snapshot_folder *ret)
{
    struct snapshot_record record;
    const char *at = snapshot_find(snapshot, number, &record);

    if (!at)
        return false;
    *ret = (struct snapshot_folder){
        .inode = record.inode,
        .ctime_ns = record.ctime_ns,
        .read_wall = record.read_wall,
        .entries = record.entries & SNAPSHOT_MOST,
        .settled = record.entries & SNAPSHOT_SETTLED,
        .found = record.entries & SNAPSHOT_FOUND,
        .names = at + sizeof(record),
        .names_length = record.names_length,
    };
    return true;
}

uint64_t
snapshot_inodes(const struct snapshot *snapshot)
{
    struct snapshot_record record;
    uint64_t count = 0;

    for (uint32_t number = 0; number < snapshot->numbers; number++) {
        if (snapshot_find(snapshot, number, &record))
            count += 1 + (record.entries & SNAPSHOT_MOST);
    }
    return count;
}

static bool
is_name(const char *name, size_t length)
{
    return length > 0 && length <= NAME_MAX && !memchr(name, '/', length) &&
           !util_is_dots(name);
}

const char *
snapshot_next(const char **at, const char *end, uint32_t *ret_number)
{
    const char *name = *at + sizeof(*ret_number);
    const char *stop;

    if (end - *at <= (ptrdiff_t)sizeof(*ret_number))
        return NULL;
    stop = memchr(name, '\0', (size_t)(end - name));
    if (!stop || !is_name(name, (size_t)(stop - name)))
        return NULL;
    memcpy(ret_number, *at, sizeof(*ret_number));
    *at = stop + 1;
    return name;
}
