/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only file that opens by path or changes owner, mode, ACL or names.
 * safefs.c: files believed because of their owner; safefs_tree.c: the cache's
 * tree, which others can write; safefs_change.c: changes in it.
 */
#ifndef HFCACHE_SAFEFS_H
#define HFCACHE_SAFEFS_H

#include <limits.h>
#include <sys/stat.h>

#include "util.h"

/*
 * Read a configuration file: opened without following a final link and
 * without blocking, then judged by its descriptor: regular, owned by root or
 * `trusted_uid`, not writable by group or others, at most `max` bytes.
 * 0 and the caller frees *ret_data (NUL-terminated); -ENOENT if it is absent;
 * else a negative errno and a sentence "FILE: what, and what would be right".
 */
int safefs_read_trusted(const char *path, uid_t trusted_uid, size_t max,
                        char **ret_data, size_t *ret_length, struct err *err);

/* The same for a state file, which also has one link only. */
int safefs_read_state(const char *path, uid_t trusted_uid, size_t max,
                      char **ret_data, size_t *ret_length, struct err *err);

/*
 * Read a file of the system's that libc itself trusts, as /etc/nsswitch.conf:
 * links are followed (authselect makes it one), nothing is judged but its size.
 */
int safefs_read_system(const char *path, size_t max, char **ret_data,
                       size_t *ret_length, struct err *err);

/*
 * The names in the folder `path` that match fnmatch(3) `pattern`, in bytewise
 * order.  The folder is judged like a configuration file.  0 and the caller
 * frees with safefs_free_names(); an absent folder gives no names.
 */
int safefs_list_trusted(const char *path, const char *pattern,
                        uid_t trusted_uid, char ***ret_names,
                        size_t *ret_count, struct err *err);

void safefs_free_names(char **names, size_t count);

/*
 * Open a folder of state files, `path`, after making it with `mode` if that
 * is not 0.  It is judged like a configuration file.  The descriptor, which
 * the caller closes, or a negative errno.
 */
int safefs_open_state_folder(const char *path, mode_t mode, uid_t trusted_uid,
                             struct err *err);

/*
 * Make `data` the content of the file `name` in the folder `dir_fd`, which
 * only its owner can write: a temporary file, synced, then renamed, so that a
 * reader sees the old content or the new one.  0 or a negative errno; then
 * nothing has changed and nothing is left behind.
 */
int safefs_replace_file(int dir_fd, const char *name, mode_t mode,
                        const char *data, size_t length);

#endif
