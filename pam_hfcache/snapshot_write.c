/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing a snapshot while a walk finds things: records into a buffer of each
 * worker's own, which goes to a temporary file when it is full.  What is still
 * as it was known is only noted, and copied from the old file in the end, if
 * there is anything new at all.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "safefs.h"
#include "snapshot_format.h"

#define BUFFER_BYTES (64 * 1024)
#define MAX_BYTES ((size_t)512 << 20) /* of records: ten million folders, lest
                                         who makes more of them fills the disk */
#define MAX_PLACES (BUFFER_BYTES / sizeof(struct snapshot_record))

/* A record in a buffer: whose, and how many words behind its start. */
struct place {
    uint32_t number, at;
};

struct buffer {
    char *data; /* BUFFER_BYTES, or more for one large record */
    size_t length, room;
    struct place *places;
    unsigned count;
};

struct snapshot_writer {
    int dir_fd;
    char name[NAME_MAX + 1], temp[NAME_MAX + 1];
    struct snapshot_of of;
    char *path;
    const struct snapshot *known;
    atomic_uchar *kept; /* of each known folder: it is as it was */
    atomic_uint next_number;
    atomic_int error;
    struct buffer *buffers;
    unsigned workers;
    pthread_mutex_t lock; /* of what follows */
    int fd;               /* of the temporary file; -1: not needed yet */
    size_t end;           /* where it grows */
    uint32_t *index;
    size_t index_room;
    uint32_t records;
};

static void
fail(struct snapshot_writer *writer, int error)
{
    int none = 0;

    (void)atomic_compare_exchange_strong(&writer->error, &none, error);
}

static size_t
header_bytes(const struct snapshot_writer *writer)
{
    size_t length = sizeof(struct snapshot_header) + strlen(writer->path) + 1;

    return (length + SNAPSHOT_WORD - 1) & ~(size_t)(SNAPSHOT_WORD - 1);
}

/* --- begin and end ------------------------------------------------------- */

static int
make_buffers(struct snapshot_writer *writer)
{
    writer->buffers = calloc(writer->workers, sizeof(*writer->buffers));
    if (!writer->buffers)
        return -ENOMEM;
    for (unsigned i = 0; i < writer->workers; i++) {
        struct buffer *buffer = &writer->buffers[i];

        buffer->data = malloc(BUFFER_BYTES);
        buffer->places = calloc(MAX_PLACES, sizeof(*buffer->places));
        if (!buffer->data || !buffer->places)
            return -ENOMEM;
        buffer->room = BUFFER_BYTES;
    }
    return 0;
}

static int
prepare(struct snapshot_writer *writer, const char *name)
{
    uint32_t known = writer->known ? writer->known->numbers : 0;

    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    strcpy(writer->name, name);
    writer->path = strdup(writer->of.path);
    writer->kept = calloc(known + 1, sizeof(*writer->kept));
    if (!writer->path || !writer->kept)
        return -ENOMEM;
    writer->of.path = writer->path;
    writer->end = header_bytes(writer);
    atomic_init(&writer->next_number, known > 0 ? known : SNAPSHOT_ROOT + 1);
    return make_buffers(writer);
}

int
snapshot_begin(int dir_fd, const char *name, const struct snapshot_of *of,
               const struct snapshot *known, unsigned workers,
               struct snapshot_writer **ret)
{
    struct snapshot_writer *writer = calloc(1, sizeof(*writer));
    int r;

    if (!writer)
        return -ENOMEM;
    writer->dir_fd = dir_fd;
    writer->of = *of;
    writer->known = known;
    writer->workers = workers;
    writer->fd = -1;
    (void)pthread_mutex_init(&writer->lock, NULL);
    r = prepare(writer, name);
    if (r < 0)
        snapshot_end(writer);
    else
        *ret = writer;
    return r;
}

void
snapshot_end(struct snapshot_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0) {
        (void)safefs_remove_file(writer->dir_fd, writer->temp);
        close(writer->fd);
    }
    for (unsigned i = 0; writer->buffers && i < writer->workers; i++) {
        free(writer->buffers[i].data);
        free(writer->buffers[i].places);
    }
    (void)pthread_mutex_destroy(&writer->lock);
    free(writer->buffers);
    free(writer->index);
    free(writer->kept);
    free(writer->path);
    free(writer);
}

/* --- records ------------------------------------------------------------- */

uint32_t
snapshot_number(struct snapshot_writer *writer)
{
    uint32_t number = atomic_fetch_add_explicit(&writer->next_number, 1,
                                                memory_order_relaxed);

    if (number == SNAPSHOT_NONE)
        fail(writer, -EOVERFLOW); /* and so it stays, though they go round */
    return number;
}

size_t
snapshot_name_bytes(size_t length)
{
    return sizeof(uint32_t) + length + 1;
}

void
snapshot_put_name(char *list, const char *name, size_t length, uint32_t number)
{
    memcpy(list, &number, sizeof(number));
    memcpy(list + sizeof(number), name, length);
    list[sizeof(number) + length] = '\0';
}

void
snapshot_keep(struct snapshot_writer *writer, uint32_t number)
{
    atomic_store_explicit(&writer->kept[number], 1, memory_order_relaxed);
}

static int
write_at(int fd, const char *data, size_t length, size_t at)
{
    while (length > 0) {
        ssize_t done = pwrite(fd, data, length, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        data += done;
        at += (size_t)done;
        length -= (size_t)done;
    }
    return 0;
}

/* Make the file, if it is needed for the first time. */
static int
open_temp(struct snapshot_writer *writer)
{
    if (writer->fd >= 0)
        return 0;
    writer->fd =
        safefs_begin_file(writer->dir_fd, writer->name, writer->temp);
    return writer->fd < 0 ? writer->fd : 0;
}

static int
grow_index(struct snapshot_writer *writer)
{
    size_t needed = atomic_load(&writer->next_number);
    size_t room = needed + needed / 2 + 1024;
    uint32_t *grown;

    if (needed <= writer->index_room)
        return 0;
    grown = reallocarray(writer->index, room, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + writer->index_room, 0,
           (room - writer->index_room) * sizeof(*grown));
    writer->index = grown;
    writer->index_room = room;
    return 0;
}

/* Find a place in the file for what is in the buffer; under the lock. */
static int
reserve(struct snapshot_writer *writer, const struct buffer *buffer,
        size_t *ret_at)
{
    int r = open_temp(writer);

    if (r == 0)
        r = grow_index(writer);
    if (r == 0 && writer->end + buffer->length > MAX_BYTES)
        r = -EFBIG;
    if (r < 0)
        return r;
    *ret_at = writer->end;
    writer->end += buffer->length;
    for (unsigned i = 0; i < buffer->count; i++) {
        const struct place *place = &buffer->places[i];
        uint32_t *entry = &writer->index[place->number];

        writer->records += *entry == 0;
        *entry = (uint32_t)(*ret_at / SNAPSHOT_WORD) + place->at;
    }
    return 0;
}

static void
flush(struct snapshot_writer *writer, struct buffer *buffer)
{
    size_t at = 0;
    int r = atomic_load(&writer->error);

    if (r == 0 && buffer->length > 0) {
        (void)pthread_mutex_lock(&writer->lock);
        r = reserve(writer, buffer, &at);
        (void)pthread_mutex_unlock(&writer->lock);
        if (r == 0)
            r = write_at(writer->fd, buffer->data, buffer->length, at);
        if (r < 0)
            fail(writer, r);
    }
    buffer->length = 0;
    buffer->count = 0;
}

/* Room for a record; a large one makes the buffer larger for good. */
static char *
take_room(struct snapshot_writer *writer, struct buffer *buffer, size_t bytes)
{
    if (buffer->length + bytes > buffer->room)
        flush(writer, buffer);
    if (bytes > buffer->room) {
        char *grown = realloc(buffer->data, bytes);

        if (!grown) {
            fail(writer, -ENOMEM);
            return NULL;
        }
        buffer->data = grown;
        buffer->room = bytes;
    }
    if (buffer->count == MAX_PLACES)
        flush(writer, buffer);
    return buffer->data + buffer->length;
}

void
snapshot_add(struct snapshot_writer *writer, unsigned worker, uint32_t number,
             const struct snapshot_folder *folder)
{
    struct buffer *buffer = &writer->buffers[worker];
    size_t bytes = snapshot_record_bytes(folder->names_length);
    struct snapshot_record record = {
        .names_length = (uint32_t)folder->names_length,
        .inode = folder->inode,
        .ctime_ns = folder->ctime_ns,
        .read_wall = (uint32_t)folder->read_wall,
        .entries = folder->entries < SNAPSHOT_MOST ? (uint32_t)folder->entries
                                                   : SNAPSHOT_MOST,
    };
    char *at;

    if (number >= atomic_load_explicit(&writer->next_number,
                                       memory_order_relaxed)) {
        fail(writer, -EINVAL);
        return;
    }
    at = take_room(writer, buffer, bytes);
    if (!at)
        return;
    record.entries |= folder->settled ? SNAPSHOT_SETTLED : 0;
    record.entries |= folder->found ? SNAPSHOT_FOUND : 0;
    memcpy(at, &record, sizeof(record));
    if (folder->names_length)
        memcpy(at + sizeof(record), folder->names, folder->names_length);
    record.sum =
        snapshot_sum(number, at + sizeof(record.sum),
                     sizeof(record) - sizeof(record.sum) + folder->names_length);
    memcpy(at, &record.sum, sizeof(record.sum));
    memset(at + sizeof(record) + folder->names_length, 0,
           bytes - sizeof(record) - folder->names_length);
    buffer->places[buffer->count++] = (struct place){
        number, (uint32_t)(buffer->length / SNAPSHOT_WORD)};
    buffer->length += bytes;
}

/* --- commit -------------------------------------------------------------- */

/* Is all still as it was known, and nothing else there? */
static bool
is_unchanged(const struct snapshot_writer *writer)
{
    if (!writer->known || writer->records > 0)
        return false;
    for (uint32_t i = 0; i < writer->known->numbers; i++) {
        if (writer->known->index[i] && !writer->kept[i])
            return false;
    }
    return true;
}

/* Copy the records of folders that are as they were. */
static void
copy_kept(struct snapshot_writer *writer)
{
    struct buffer *buffer = &writer->buffers[0];
    struct snapshot_record record;

    for (uint32_t i = 0; writer->known && i < writer->known->numbers; i++) {
        const char *old = writer->kept[i] && !writer->index[i]
                              ? snapshot_find(writer->known, i, &record)
                              : NULL;
        size_t bytes = old ? snapshot_record_bytes(record.names_length) : 0;
        char *at = old ? take_room(writer, buffer, bytes) : NULL;

        if (!at)
            continue;
        memcpy(at, old, bytes);
        buffer->places[buffer->count++] =
            (struct place){i, (uint32_t)(buffer->length / SNAPSHOT_WORD)};
        buffer->length += bytes;
    }
    flush(writer, buffer);
}

static int
write_header(const struct snapshot_writer *writer, uint32_t numbers)
{
    struct snapshot_header header = {
        .order = SNAPSHOT_ORDER,
        .version = SNAPSHOT_VERSION,
        .length = writer->end + (size_t)numbers * SNAPSHOT_WORD,
        .inode = writer->of.inode,
        .numbers = numbers,
        .records = writer->records,
        .device_major = writer->of.device_major,
        .device_minor = writer->of.device_minor,
        .gid = writer->of.gid,
        .mode = writer->of.mode,
        .acl = (uint32_t)writer->of.acl,
        .rules = writer->of.rules,
    };
    int r;

    memcpy(header.magic, SNAPSHOT_MAGIC, sizeof(header.magic));
    r = write_at(writer->fd, (const char *)&header, sizeof(header), 0);
    if (r < 0)
        return r;
    return write_at(writer->fd, writer->path, strlen(writer->path) + 1,
                    sizeof(header));
}

/* All that is left to be written: old records, index, header. */
static int
complete(struct snapshot_writer *writer)
{
    uint32_t numbers = atomic_load(&writer->next_number);
    int r = open_temp(writer);

    if (r == 0)
        r = grow_index(writer);
    if (r < 0)
        return r;
    copy_kept(writer);
    r = atomic_load(&writer->error);
    if (r == 0)
        r = write_at(writer->fd, (const char *)writer->index,
                     (size_t)numbers * SNAPSHOT_WORD, writer->end);
    return r < 0 ? r : write_header(writer, numbers);
}

int
snapshot_commit(struct snapshot_writer *writer)
{
    int r;

    for (unsigned i = 0; i < writer->workers; i++)
        flush(writer, &writer->buffers[i]);
    r = atomic_load(&writer->error);
    if (r < 0 || is_unchanged(writer))
        return r;
    r = complete(writer);
    if (r == 0) {
        r = safefs_commit_file(writer->dir_fd, writer->temp, writer->fd,
                               writer->name, 0600, false);
        close(util_steal_fd(&writer->fd));
    }
    return r;
}
