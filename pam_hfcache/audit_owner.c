/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of owners, filled as they are met.
 */
#include "audit_owner.h"

struct audit_owners {
    gid_t gid;
    size_t count;
    struct {
        uid_t uid;
        struct owner owner;
    } entry[AUDIT_OWNERS];
};

struct audit_owners *
audit_owners_begin(gid_t gid)
{
    struct audit_owners *owners = calloc(1, sizeof(*owners));

    if (owners)
        owners->gid = gid;
    return owners;
}

void
audit_owners_end(struct audit_owners *owners)
{
    free(owners);
}

struct owner
audit_owner(struct audit_owners *owners, uid_t uid)
{
    struct owner owner;

    for (size_t i = 0; i < owners->count; i++) {
        if (owners->entry[i].uid == uid)
            return owners->entry[i].owner;
    }
    owner = membership_owner(uid, owners->gid);
    if (owners->count < AUDIT_OWNERS) {
        owners->entry[owners->count].uid = uid;
        owners->entry[owners->count++].owner = owner;
    }
    return owner;
}
