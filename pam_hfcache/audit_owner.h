/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who owns what an audit finds: each owner is asked for once, NSS being slow.
 */
#ifndef HFCACHE_AUDIT_OWNER_H
#define HFCACHE_AUDIT_OWNER_H

#include "membership.h"

/*
 * Remembered; further ones are asked for each time.  One user alone may have
 * 65,536 subordinate uids (subuid(5)) for what he makes.
 */
#define AUDIT_OWNERS (1 << 17)

struct audit_owners;

/* For the cache's group `gid`; NULL without memory. */
struct audit_owners *audit_owners_begin(gid_t gid);
void audit_owners_end(struct audit_owners *owners);

/* What `uid` is to the cache's group.  To be called by one thread at a time. */
struct owner audit_owner(struct audit_owners *owners, uid_t uid);

#endif
