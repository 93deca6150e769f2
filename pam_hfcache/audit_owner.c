/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of owners, filled as they are met.
 */
#include "audit_owner.h"

#define SLOTS (2 * AUDIT_OWNERS) /* half of them stay empty */

struct audit_owners {
    gid_t gid;
    uint64_t seed;
    size_t count;
    struct {
        bool is_set;
        uid_t uid;
        struct owner owner;
    } entry[SLOTS];
};

struct audit_owners *
audit_owners_begin(gid_t gid)
{
    struct audit_owners *owners = calloc(1, sizeof(*owners));

    if (owners) {
        owners->gid = gid;
        owners->seed = util_seed();
    }
    return owners;
}

void
audit_owners_end(struct audit_owners *owners)
{
    free(owners);
}

/* The place of `uid`, or the one where it belongs. */
static size_t
find(const struct audit_owners *owners, uid_t uid)
{
    size_t at = (size_t)util_mix(uid ^ owners->seed) % SLOTS;

    while (owners->entry[at].is_set && owners->entry[at].uid != uid)
        at = (at + 1) % SLOTS;
    return at;
}

struct owner
audit_owner(struct audit_owners *owners, uid_t uid)
{
    size_t at = find(owners, uid);
    struct owner owner;

    if (owners->entry[at].is_set)
        return owners->entry[at].owner;
    owner = membership_owner(uid, owners->gid);
    if (owners->count < AUDIT_OWNERS) {
        owners->entry[at].is_set = true;
        owners->entry[at].uid = uid;
        owners->entry[at].owner = owner;
        owners->count++;
    }
    return owner;
}
