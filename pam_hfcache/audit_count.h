/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an audit has found so far: counts, the first inodes of each finding,
 * and whose they are.  Pure, and bounded whatever is found.
 */
#ifndef HFCACHE_AUDIT_COUNT_H
#define HFCACHE_AUDIT_COUNT_H

#include "audit.h"

/* Add one inode; its strings are copied.  Without memory counts go on alone. */
void audit_count(struct audit *audit, const struct audit_item *item);

/* Make room for the kinds; 0 or -ENOMEM. */
int audit_count_begin(struct audit *audit);

/* The worst first: what a report shows. */
void audit_count_end(struct audit *audit);

/* The repository or folder of the frame that `path` is in; its length. */
size_t audit_top_length(const char *path);

/* A copy that owns its path and its why; false without memory. */
bool audit_copy_item(struct audit_item *copy, const struct audit_item *item);
void audit_free_item(struct audit_item *item);

#endif
