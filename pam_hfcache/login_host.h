/* SPDX-License-Identifier: BSD-3-Clause */
/* What the program that a user logs in by may start for him as root. */
#ifndef HFCACHE_LOGIN_HOST_H
#define HFCACHE_LOGIN_HOST_H

#include <stdbool.h>

#define LOGIN_HOST_UNKNOWN \
    "prctl(PR_GET_CHILD_SUBREAPER) or /proc/self/cgroup gives no answer"

/*
 * NULL if this program may start helpers, else why not, in a few words.  Only
 * one that is root through and through may: whoever started su or sudo could
 * stop, limit or freeze them, and so could the user in whose cgroup they are.
 * Nor may one to which an orphan comes back as a child, or that cannot tell
 * (LOGIN_HOST_UNKNOWN).
 */
const char *login_host_forbids(const char *service);

/*
 * Is this the process of a systemd unit, which enters PAM (PAMName=) before it
 * becomes the unit's program?  The unit ends with the last process in its
 * cgroup, so that a helper held by a file server would hold its end, too.
 */
bool login_host_is_unit(void);

/* Does `text`, as of /proc/PID/cgroup, name a cgroup of a user's but root? */
bool login_host_is_users_cgroup(const char *text);

#endif
