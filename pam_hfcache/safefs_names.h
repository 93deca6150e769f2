/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of safefs share. */
#ifndef HFCACHE_SAFEFS_NAMES_H
#define HFCACHE_SAFEFS_NAMES_H

#include <dirent.h>
#include <stddef.h>

/*
 * The names in `dir` but "." and ".." that match fnmatch(3) `pattern` (a
 * leading dot is like any other character; NULL: all), bytewise sorted.  0 and the caller
 * frees with safefs_free_names(), or a negative errno.
 */
int safefs_collect_names(DIR *dir, const char *pattern, char ***ret_names,
                         size_t *ret_count);

#endif
