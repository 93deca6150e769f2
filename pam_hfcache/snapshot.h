/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot: what a walk of a whole tree found, so that the next one can
 * tell which folders are unchanged.  snapshot_read.c, snapshot_write.c;
 * snapshot_format.h has the bytes.
 *
 * A folder's ctime proves that since then no entry was added, removed or
 * renamed in it, out of it or over another, and that its own owner, group, bits
 * and ACL are the same.  It says nothing of the bits and contents of the files
 * that were in it all along: whoever relies on a snapshot reads a folder anew
 * from time to time.  Where ctimes come from another machine's clock that is
 * behind ours, two changes in one tick of it may look like one.
 *
 * MUST (each has a test named after it):
 *  - a file is believed only if it is regular, root's (or the given user's), of
 *    one link, not writable by others, whole, and of this path, these rules and
 *    this root;
 *  - what is damaged in any way is not known: at worst all is read again;
 *  - a folder that changed while it was read, or just before, is not known.
 */
#ifndef HFCACHE_SNAPSHOT_H
#define HFCACHE_SNAPSHOT_H

#include "util.h"

#define SNAPSHOT_NONE UINT32_MAX /* no folder's number */
#define SNAPSHOT_ROOT 0          /* the root's number */

/* What a snapshot is of; of anything else it says nothing. */
struct snapshot_of {
    const char *path; /* the root's */
    gid_t gid;        /* the rules that were judged by */
    mode_t mode;
    int acl;
    uint32_t rules;   /* their version: another judge may find other things */
    uint32_t device_major, device_minor; /* the root itself */
    uint64_t inode;
};

/* One folder, as it was when it was read. */
struct snapshot_folder {
    uint64_t inode;
    int64_t ctime_ns;
    int64_t read_wall; /* seconds since 1970 */
    uint64_t entries;  /* in it that are no folders */
    bool settled;      /* its ctime was old enough that no change hides in it */
    bool found;        /* there was something to say */
    const char *names; /* of the folders in it, for snapshot_next() */
    size_t names_length;
};

/* --- reading: any number of threads -------------------------------------- */

struct snapshot;

/*
 * Open the snapshot in the file `path`, which belongs to root or `trusted_uid`.
 * 0; -ENOENT if there is none; or another negative errno, also if it is not
 * `of` what it should be: then nothing is known.
 */
int snapshot_open(const char *path, uid_t trusted_uid,
                  const struct snapshot_of *of, struct snapshot **ret);

void snapshot_close(struct snapshot *snapshot);

/* What is known of the folder with this number; false: nothing. */
bool snapshot_get(const struct snapshot *snapshot, uint32_t number,
                  struct snapshot_folder *ret);

/* How many inodes it knows of: for telling how far a walk has come. */
uint64_t snapshot_inodes(const struct snapshot *snapshot);

/*
 * The next name in the list from `*at` to `end` and the number of its folder;
 * NULL at its end.
 */
const char *snapshot_next(const char **at, const char *end,
                          uint32_t *ret_number);

/* --- writing: each worker its own, all at once --------------------------- */

struct snapshot_writer;

/*
 * Begin the snapshot that is to be the file `name` in the folder `dir_fd` of
 * state files, by as many workers.  `known` (or NULL) is what the walk knows
 * already, and stays open until the end.
 */
int snapshot_begin(int dir_fd, const char *name, const struct snapshot_of *of,
                   const struct snapshot *known, unsigned workers,
                   struct snapshot_writer **ret);

/* A number for a folder that is not known. */
uint32_t snapshot_number(struct snapshot_writer *writer);

/* How many bytes a name takes in the list of a folder; put it there. */
size_t snapshot_name_bytes(size_t length);
void snapshot_put_name(char *list, const char *name, size_t length,
                       uint32_t number);

/* A known folder is still as it was; or: this is what was found in one. */
void snapshot_keep(struct snapshot_writer *writer, uint32_t number);
void snapshot_add(struct snapshot_writer *writer, unsigned worker,
                  uint32_t number, const struct snapshot_folder *folder);

/*
 * After a walk that visited all: put the snapshot in place.  If all is as it
 * was known, the old file stays.  0 or a negative errno, also of any earlier
 * failure; then the old file stays, too.
 */
int snapshot_commit(struct snapshot_writer *writer);

/* Free the writer, and remove what was not committed. */
void snapshot_end(struct snapshot_writer *writer);

#endif
