/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Owners are asked for once, also where a user has many uids.
 */
#include "audit_owner.h"
#include "tap.h"

#define UIDS 70000 /* a user, and those that are subordinate to him */

static unsigned asked;

/* In the place of the one that asks NSS. */
struct owner
membership_owner(uid_t uid, gid_t gid)
{
    asked++;
    return (struct owner){.is_known = uid % 2, .is_member = uid % 3 == 0,
                          .own_gid = gid + uid};
}

TEST("each of many owners is asked for once")
{
    struct audit_owners *owners = audit_owners_begin(900);
    unsigned wrong = 0;

    REQUIRE(owners != NULL);
    for (unsigned round = 0; round < 3; round++) {
        for (uid_t uid = 100000; uid < 100000 + UIDS; uid++) {
            struct owner owner = audit_owner(owners, uid);

            wrong += owner.is_known != uid % 2 ||
                     owner.is_member != (uid % 3 == 0) ||
                     owner.own_gid != 900 + uid;
        }
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(asked, UIDS);
    audit_owners_end(owners);
}

TEST("more than are remembered are told right all the same")
{
    struct audit_owners *owners = audit_owners_begin(900);
    unsigned wrong = 0;

    REQUIRE(owners != NULL);
    for (uid_t uid = 0; uid < 2 * AUDIT_OWNERS; uid++)
        wrong += audit_owner(owners, uid).own_gid != 900 + uid;
    CHECK_INT(wrong, 0);
    CHECK_INT(asked, 2 * AUDIT_OWNERS);
    audit_owners_end(owners);
}

TAP_MAIN
