/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of a snapshot, in the machine's own order:
 *
 *   struct snapshot_header, of which all is compared with what it should be;
 *     then the root's path and a NUL
 *   one struct snapshot_record a folder, in any order, each followed by the
 *     list of the folders in it: for each its number, its name, a NUL
 *   the index: by number, where a folder's record is
 *
 * Places are counted in words of 4 bytes, on which records begin; 0: none.
 * A folder keeps its number from one snapshot to the next, so that records of
 * unchanged folders are copied as they are.
 */
#ifndef HFCACHE_SNAPSHOT_FORMAT_H
#define HFCACHE_SNAPSHOT_FORMAT_H

#include <string.h>

#include "snapshot.h"

#define SNAPSHOT_MAGIC "hfcache\1"
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_ORDER 0x01020304
#define SNAPSHOT_WORD 4

struct snapshot_header {
    char magic[8];
    uint32_t order, version;
    uint64_t length;  /* of the file, which ends with the index */
    uint64_t inode;   /* of the root */
    uint32_t numbers; /* in the index */
    uint32_t records; /* of them with a record */
    uint32_t device_major, device_minor;
    uint32_t gid, mode, acl, rules;
};

struct snapshot_record {
    uint32_t sum; /* of what follows, the list and the number included */
    uint32_t names_length;
    uint64_t inode;
    int64_t ctime_ns;
    uint32_t read_wall;
    uint32_t entries; /* at most SNAPSHOT_MOST, and two bits */
};

#define SNAPSHOT_MOST ((1U << 30) - 1)
#define SNAPSHOT_SETTLED (1U << 30)
#define SNAPSHOT_FOUND (1U << 31)

/* What a record takes, up to where the next one begins. */
static inline size_t
snapshot_record_bytes(size_t names_length)
{
    return (sizeof(struct snapshot_record) + names_length + SNAPSHOT_WORD - 1) &
           ~(size_t)(SNAPSHOT_WORD - 1);
}

static inline uint64_t
snapshot_mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    return sum ^ sum >> 32;
}

/* Against damage, not against people. */
static inline uint32_t
snapshot_sum(uint64_t sum, const void *data, size_t length)
{
    const char *at = data;
    uint64_t word;

    sum = snapshot_mix(sum, length);
    for (; length >= sizeof(word); length -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sum = snapshot_mix(sum, word);
        at += sizeof(word);
    }
    word = 0;
    memcpy(&word, at, length);
    return (uint32_t)snapshot_mix(sum, word);
}

/* An open snapshot. */
struct snapshot {
    const char *data; /* the whole file, mapped */
    size_t length;
    size_t records_end;    /* = where the index starts */
    const uint32_t *index; /* of `numbers` places */
    uint32_t numbers, records;
};

/* The record of a folder, undamaged; NULL if there is none. */
const char *snapshot_find(const struct snapshot *snapshot, uint32_t number,
                          struct snapshot_record *ret);

#endif
