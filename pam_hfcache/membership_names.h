/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for people to read, asked of NSS by a tool: part of `membership`.
 */
#ifndef HFCACHE_MEMBERSHIP_NAMES_H
#define HFCACHE_MEMBERSHIP_NAMES_H

#include "util.h"

#define MEMBERSHIP_NAME_SIZE 256 /* a directory's come with their domain */

/*
 * The name of a uid or gid; false, and the number as text, if it has none.
 * One thread at a time; answers are kept.
 */
bool membership_user_name(uid_t uid, char *ret, size_t size);
bool membership_group_name(gid_t gid, char *ret, size_t size);

#endif
