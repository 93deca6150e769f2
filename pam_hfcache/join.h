/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Make a user a lasting member of a group, `hfcache-probe join`, and take that
 * back, `hfcache revoke`.
 */
#ifndef HFCACHE_JOIN_H
#define HFCACHE_JOIN_H

#include "members.h"

struct join {
    const char *user;
    uid_t uid;
    const char *group;
    gid_t gid;
    enum members_how how; /* never MEMBERS_REVOKED */
};

/*
 * Join and ask NSS afterwards: 0 only if it names the user as a member.  Else a
 * negative errno and a sentence: -EBUSY if another join of this user has been
 * at work for long, -EAGAIN if one failed slowly a short while ago.  A drop-in
 * of ours without effect is taken back.  Waits for usermod as long as that
 * takes.
 */
int join_run(const struct join *join, struct err *err);

/*
 * Take back what join_run() did, and note that in the list of members; the
 * caller has seen there that it was us.  `is_known` false: NSS has no such user
 * any longer, and only a drop-in of ours can be left of him.  `dry_run`: refuse
 * what would be refused for its names or its drop-in, and change nothing.
 *
 * 0, also if somebody else took it away before; then NSS does not name him
 * now.  -EEXIST: it is taken back, and NSS names him all the same, by something
 * else; -EBUSY: a login is adding him at this moment; -EPERM: a drop-in that is
 * not ours any longer; or another negative errno; each with a sentence.
 */
int join_leave(const struct join *join, bool is_known, bool dry_run,
               struct err *err);

#endif
