/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mender: a user's own inodes, mended as that user, because he logged in.
 *
 * MUST (each has a test named after it, with an attacker running):
 *  - it runs as the user for good: no capability, no way back, nothing of
 *    root's open; what it can do, the user could do by hand;
 *  - it changes folders and regular files of the user's alone, below hub/ of
 *    the cache alone, and only what the layout names;
 *  - it opens to the group nothing that its owner closed, but empty locks and
 *    listings in trees/, which clients make that way; and no file at all where
 *    the kernel lets others make hard links to it;
 *  - it opens nothing that somebody else can have moved into the cache: what is
 *    of another group than the cache's is mended only as part of a tree that
 *    nobody but its owner could write, from the named folder down;
 *  - a clean inode is not touched at all;
 *  - children first, the named folder last, so that a stopped run is seen and
 *    done again; and stopped it is where means are short to mend a child.
 */
#ifndef HFCACHE_MENDER_H
#define HFCACHE_MENDER_H

#include "errand.h"

#define MENDER_MAX_MS 60000

/* What a run did. */
struct mended {
    size_t changed; /* inodes */
    size_t failed;  /* wanted a change and did not get it */
    size_t vanished; /* moved, replaced or removed meanwhile */
};

/*
 * Mend below `name` ("hub/models--a--b" or "hub/.locks/models--a--b") beneath
 * the cache's root `root_fd` what belongs to the user that this process is; of
 * the errand, rules, locks_uid and own_group count.
 * 0; -EINVAL for another name; -EPERM where hub/.locks is not root's own;
 * -ETIMEDOUT; -ECANCELED where descriptors or memory ran out; or what kept it
 * from beginning.
 */
int mender_mend(int root_fd, const char *name, const struct errand *errand,
                int64_t until_ms, struct mended *ret);

/*
 * Fork a mender for `drifts`, which are asked->uid's own, and wait until it
 * ends, or kill it after its time.  One mender a user at a time: if there is
 * one (a lock in the folder `dir`), nothing is done.  For root, which has let
 * go of every lock of its own.  1 if a mender reached the cache and ran to its
 * end, 0 if not, or a negative errno.
 */
int mender_run(const char *dir, const struct errand *asked,
               const struct drift *drifts, size_t count);

#endif
