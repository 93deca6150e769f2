/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading and replacing the machine's configuration files, for the
 * administrator's commands: part of `safefs`, the only place that opens by
 * path.
 */
#ifndef HFCACHE_SAFEFS_EDIT_H
#define HFCACHE_SAFEFS_EDIT_H

#include "util.h"

/*
 * Read a file that others look after, links followed: /etc/pam.d may be links
 * to a store.  Regular files (also of /proc) of at most `max` bytes, never
 * blocking.  0 and the caller frees *ret_data (NUL-terminated); -ENOENT if it
 * is absent; else a negative errno and "FILE: ..." in `err`.
 */
int safefs_read_plain(const char *path, size_t max, char **ret_data,
                      size_t *ret_length, struct err *err);

/* The same for a file about to be edited: no link, and no second name. */
int safefs_read_editable(const char *path, size_t max, char **ret_data,
                         size_t *ret_length, struct err *err);

/* True if `path` is a regular file, links followed. */
bool safefs_is_file(const char *path);

/* A text and how long it is. */
struct safefs_text {
    const char *data;
    size_t length;
};

/*
 * Replace the editable file `path`, which held `before`, by `after`: temporary
 * file beside it, owner, mode and extended attributes as they were, rename.
 * A reader sees the old one or the new one.  -EBUSY if it holds something
 * else by now.
 */
int safefs_replace(const char *path, const struct safefs_text *before,
                   const struct safefs_text *after, struct err *err);

/*
 * Keep `text` as FOLDER/NAME (0644), replacing what is there; `parent` and
 * `folder` in it are made (0755) if they are missing.
 */
int safefs_keep_copy(const char *parent, const char *folder, const char *name,
                     const struct safefs_text *text, struct err *err);

/*
 * Remove FOLDER/NAME, and FOLDER and its parent if that leaves them empty.  0,
 * also if it is not there, or a negative errno.
 */
int safefs_drop_copy(const char *parent, const char *folder, const char *name);

#endif
