/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an audit does at each inode: the part of it that the walk calls.
 */
#ifndef HFCACHE_AUDIT_VISIT_H
#define HFCACHE_AUDIT_VISIT_H

#include <pthread.h>

#include "audit.h"
#include "audit_links.h"
#include "audit_owner.h"
#include "mend.h"

/* What one thread has looked at; apart, so that none waits for another. */
struct audit_worker {
    _Alignas(128) uint64_t folders;
    uint64_t files, links, others, reused, reused_folders;
    int64_t oldest_wall; /* of the reused; 0: none */
};

struct audit_work {
    const struct audit_options *options;
    struct audit *audit;
    struct mend mend;
    uint64_t first; /* the mark of what holds the start */
    struct audit_owners *owners;
    struct audit_links *links;
    pthread_mutex_t lock; /* of audit, owners, links, and options->tell */
    struct audit_worker *workers; /* options->jobs of them */
    int64_t start_ms, watched_ms;
    unsigned visits;   /* of the first worker */
    uint64_t expected; /* entries of the last audit; 0: not known */
    atomic_int gave_up; /* 0, or the errno for which the walk was stopped */
    bool is_bare;      /* it has no hub/: nothing is mended */
};

/* The visit; `data` is a struct audit_work. */
walk_visit audit_visit;

/* Count and tell what was found; `data` is a struct audit_work.  One at a time. */
audit_tell audit_add;

#endif
