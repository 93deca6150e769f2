/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files with several links: only when the walk has ended can it be told whether
 * all their names are in the cache.
 */
#ifndef HFCACHE_AUDIT_LINKS_H
#define HFCACHE_AUDIT_LINKS_H

#include "audit.h"

#define AUDIT_LINKS 65536 /* inodes remembered; further ones are told at once */
#define AUDIT_LINKS_BYTES (64 << 20) /* of their paths, likewise */

struct audit_links;

/* NULL without memory. */
struct audit_links *audit_links_begin(void);
void audit_links_end(struct audit_links *links);

/*
 * A name of a file with `nlink` links was met.  True: it is remembered, to be
 * told at the end; false: there is no room.  One thread at a time.
 */
bool audit_links_meet(struct audit_links *links, uint64_t inode,
                      uint32_t nlink, const struct audit_item *item);

/*
 * Tell each inode once, by the first of its names: with LAYOUT_INSIDE in place
 * of LAYOUT_LINKS if all its names were met.
 */
void audit_links_tell(const struct audit_links *links, audit_tell *tell,
                      void *data);

#endif
