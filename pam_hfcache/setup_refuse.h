/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `hfcache setup` must not touch, and why.
 */
#ifndef HFCACHE_SETUP_REFUSE_H
#define HFCACHE_SETUP_REFUSE_H

#include "util.h"

/*
 * 0 if nobody lives at or below `path`, and it is not on a mount point of
 * /etc/fstab that is not mounted; else -EPERM with a sentence that says what
 * would be right.
 */
int setup_check_place(const char *path, struct err *err);

/*
 * `names` are what the folder `path` holds.  0 if a cache may be made of it;
 * else -ENOTEMPTY with a sentence that names what is in the way.
 */
int setup_check_names(const char *path, char *const *names, size_t count,
                      struct err *err);

/*
 * The same for a folder below the root, "hub", "hub/.locks" or "hub/blobs",
 * at `path`: members could have put anything there under that name.  0, or
 * -ENOTEMPTY with a sentence that names a stranger.
 */
int setup_check_below(const char *below, const char *path, char *const *names,
                      size_t count, struct err *err);

/*
 * What is wrong with having `name` in the root of a cache, NULL if nothing:
 * secrets, and code that everybody would run.
 */
const char *setup_name_warning(const char *name);

/* The same question for tests: by the text of fstab and of /proc/mounts. */
int setup_check_mounts(const char *path, char *fstab, char *mounts,
                       struct err *err);

#endif
