/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of the memberships that we gave, /var/lib/hfcache/members: a line
 * for each that was given or taken back, of which the last one counts.  It is
 * only appended to, so that no two writers can lose a line of each other's.
 *
 *   TIME USER GROUP usermod|userdb|revoked UID GID
 *
 * A line that is about to come true stands in a file of its own, begun-USER,
 * until it does: who is cut off in between leaves it there, and it counts.
 */
#ifndef HFCACHE_MEMBERS_H
#define HFCACHE_MEMBERS_H

#include "util.h"

#define MEMBERS_DIR "/var/lib/hfcache"
#define MEMBERS_FILE "members"

enum members_how { MEMBERS_USERMOD, MEMBERS_USERDB, MEMBERS_REVOKED };

/* Each as a word, as in the list. */
extern const char *const members_words[MEMBERS_REVOKED + 1];

struct members_entry {
    int64_t when; /* seconds since 1970 */
    const char *user;
    const char *group;
    enum members_how how;
    uid_t uid; /* of the user, and the group's, at that time */
    gid_t gid;
};

struct members {
    struct members_entry *entry;
    size_t count;
    char *listed; /* own the names */
    char *begun;
};

/* Append a line, in root's folder `dir`, made if need be: 0 or a negative errno. */
int members_append(const char *dir, const struct members_entry *entry);

/*
 * The same in two steps, one user's one after another: begin before the
 * membership is given; then settle, which puts the line into the list, or drop,
 * if nothing came of it.  Begin settles what another one left that was cut off,
 * and returns 1 if that was this very membership; else they return 0 or a
 * negative errno.  Where nothing was begun there is nothing to settle or to drop.
 */
int members_begin(const char *dir, const struct members_entry *entry);
int members_settle(const char *dir, const char *user);
void members_drop(const char *dir, const char *user);

/*
 * The memberships of `user` that were given and not taken back, each group of
 * each of his uids once, the oldest first.  No list: none.  0 and the caller
 * frees; -EACCES: not for this process to read; or another negative errno with
 * a sentence.  Lines that are none of ours are passed over: a full disk can cut
 * one short.  `trusted_uid` is who must own the list: 0 but in tests.
 */
int members_load(const char *dir, uid_t trusted_uid, const char *user,
                 struct members *ret, struct err *err);

void members_free(struct members *members);

/*
 * Who made the user `uid` a member of the group `gid`: the entry, or NULL if
 * it was not us.  What usermod did for an earlier user of that name is not his.
 */
const struct members_entry *members_find(const struct members *members,
                                         uid_t uid, gid_t gid);

#define MEMBERS_MAX_NAME 100 /* directories have long ones: name@domain */

/*
 * True if `name` can be a user's or group's name in a file name or argument, as
 * alice, alice@example.org, machine$ or DOMAIN\alice.
 */
bool members_name_is_safe(const char *name);

#endif
