/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a login sends the helper to do: the checked arguments of
 * `hfcache-probe look` and `hfcache-probe mend`; see probe.h.
 */
#ifndef HFCACHE_ERRAND_H
#define HFCACHE_ERRAND_H

#include "layout.h"

struct errand {
    const char *path;          /* the cache's root */
    struct layout_rules rules; /* with the cache's gid */
    uid_t uid;                 /* for whom to look and mend */
    gid_t pgid;                /* that user's primary group */
    uid_t locks_uid;           /* who must own hub/.locks: 0 but in tests */
    bool own_group;            /* which has no other member; see mender.h */
    bool member;               /* he is in the cache's group */
    bool mend;                 /* his own inodes may be mended */
};

#endif
