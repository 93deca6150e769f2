/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who the helper is: nobody's child with nothing of its host's, then somebody
 * who looks with a member's eyes, or one of the users for good.
 */
#ifndef HFCACHE_SHED_H
#define HFCACHE_SHED_H

#include "util.h"

/*
 * Leave behind what came from the host: all ids 0, no groups, own session, cwd
 * /, umask 022, default signals (SIGPIPE ignored), sane limits, /dev/null on
 * 0 to 2, all others closed but `keep_fd` (3; -1: none), which no program that
 * is executed inherits.  0 or -errno.
 */
int shed_host(int keep_fd);

/* See the file system as `uid` with the single group `gid` does; and no more. */
int shed_look_as(uid_t uid, gid_t gid);
int shed_look_as_root(void);

/*
 * Become `uid` for good: primary group `pgid`, further groups `gid` or none;
 * no capability, no way to gain one, no descriptor above 2; not dumpable.
 * Checks what it did.  0 or a negative errno; then the caller must exit.
 */
int shed_to_user(uid_t uid, gid_t pgid, const gid_t *gid);

#endif
