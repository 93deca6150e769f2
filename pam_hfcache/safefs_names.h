/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of safefs share. */
#ifndef HFCACHE_SAFEFS_NAMES_H
#define HFCACHE_SAFEFS_NAMES_H

#include <dirent.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* Append a copy of `name`: 0 or -ENOMEM, and the names are as before. */
int safefs_add_name(char ***names, size_t *count, const char *name);

/* Hand names over, bytewise sorted: 0; if `r` is an errno, free them: `r`. */
int safefs_give_names(int r, char **names, size_t count, char ***ret_names,
                      size_t *ret_count);

/*
 * The names in `dir` but "." and ".." that match fnmatch(3) `pattern` (a
 * leading dot is like any other character; NULL: all), bytewise sorted.  0 and
 * the caller frees with safefs_free_names(), or a negative errno.
 */
int safefs_collect_names(DIR *dir, const char *pattern, char ***ret_names,
                         size_t *ret_count);

/*
 * Make a temporary file, 0600 and open for writing, whose name begins with
 * `prefix`; those that dead processes left there are removed.  The folder is one
 * that only root writes.  The descriptor or a negative errno.
 */
int safefs_open_temp(int dir_fd, const char *prefix,
                     char ret_temp[NAME_MAX + 1]);

/* The id of the mount that `fd` is on, found without asking its file system. */
int safefs_find_mount_id(int fd, uint64_t *ret_id);

#endif
