/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the helper sees of a cache, with a member's eyes: first the gate, then,
 * within a budget, the repositories and lock folders below hub/.
 *
 * What looks is to be called between shed_look_as() and shed_look_as_root();
 * nothing of the cache is changed.
 */
#ifndef HFCACHE_LOOK_H
#define HFCACHE_LOOK_H

#include <limits.h>

#include "errand.h"
#include "verdict.h"

#define LOOK_MAX_CALLS 1000 /* on the cache's file system, a run */
#define LOOK_MAX_MS 2000
#define LOOK_OWNER_DRIFTS 16 /* named of one owner: nobody fills the list */
#define LOOK_OWNER_KEPT 4    /* and of what he closed */

/* What is known of a cache, and the memory behind it. */
struct sight {
    struct verdict verdict;
    char way_at[PATH_MAX];
    struct way_step steps[VERDICT_MAX_STEPS];
    char step_paths[PATH_MAX]; /* one behind the other */
    size_t step_bytes;         /* of these */
    char cursor[320];
    char unread_at[PATH_MAX];
    struct drift drifts[VERDICT_MAX_DRIFTS];
    int last_way_error; /* what the last look found, if last_since_wall */
    struct inode_fact last_gate[GATES];
    int64_t last_since_wall;
    uid_t uid;   /* for whose login it looks */
    int root_fd; /* O_PATH; -1: the root was not reached */
};

/* Begin with what the last probe left to go on with; `last` may be NULL. */
void look_begin(struct sight *sight, const struct verdict *last);

/* The way to the root and the gate. */
void look_at_gate(struct sight *sight, const struct errand *errand);

/*
 * Go on below hub/ where the last look stopped, after looking again at what it
 * named.  What is found right is named no longer.
 */
void look_below(struct sight *sight, const struct errand *errand);

/* Only look again at what the last look named, as after mending it. */
void look_at_named(struct sight *sight, const struct errand *errand);

void look_end(struct sight *sight);

/* A folder's default ACL; what cannot be read counts as another than ours. */
enum acl_fact look_at_acl(int fd);

#endif
