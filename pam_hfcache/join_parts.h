/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What joining and leaving share: join_ways.c how a membership is written
 * down, join.c what NSS says and whose turn it is.
 */
#ifndef HFCACHE_JOIN_PARTS_H
#define HFCACHE_JOIN_PARTS_H

#include "join.h"

#define JOIN_USERMOD_PATH "/usr/sbin/usermod"
#define JOIN_USERDB_DIR "/etc/userdb"

/*
 * Both names can be handed on, and the user, or the group, is what it was when
 * this was decided upon.
 */
int join_check_user(const struct join *join, gid_t *ret_primary,
                    struct err *err);
int join_check_group(const struct join *join, struct err *err);

/* What the list of members is to say of this membership, from now on. */
struct members_entry join_entry(const struct join *join, enum members_how how);

/* Does NSS name the user as a member now? */
int join_is_member(const struct join *join, gid_t primary, bool *ret);

/*
 * The lock that makes one join a user at a time.  One that has just begun is
 * waited for, so that logins at the same moment all see it done; -EBUSY behind
 * one that takes long.  Without a lock to be had (a full /run) another negative
 * errno, and it goes on without.
 */
int join_take_turn(const struct join *join);

/* Run usermod with `flags` ("-aG", "-rG"), the group and the user. */
int join_usermod(const struct join *join, const char *flags, struct err *err);

/* Write the drop-in, unless there is one: then it is not ours to remove. */
int join_write_drop_in(const struct join *join, bool *ret_made,
                       struct err *err);

/* Remove it; 0 also if there is none. */
int join_remove_drop_in(const struct join *join);

/* 0: it is what we write; -ENOENT: there is none; else it is not ours. */
int join_judge_drop_in(const struct join *join, struct err *err);

#endif
