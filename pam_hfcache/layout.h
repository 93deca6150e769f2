/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout: what every path of a Hub cache must look like.  Pure: one inode
 * at a time, from its path below the cache's root and what looking at it gave.
 *
 * What members share needs the group and its bits; what clients make on
 * purpose (0444 payloads and 0666 locks of the shared store, 0600 trees, young
 * temporary files) is right as it is; rights of "others" are never asked for,
 * and are taken back only where the layout forbids them.
 */
#ifndef HFCACHE_LAYOUT_H
#define HFCACHE_LAYOUT_H

#include <sys/stat.h>

#include "verdict.h"

/* Whether folders have a default ACL; in the order of the policy's choices. */
enum layout_acl {
    LAYOUT_ACL_AUTO, /* where the file system has them */
    LAYOUT_ACL_YES,
    LAYOUT_ACL_NO,
};

/* What the policy says of the tree. */
struct layout_rules {
    gid_t gid;   /* the cache's group */
    mode_t mode; /* 02770 or 02775, of hub/ and the folders below */
    int acl;     /* enum layout_acl */
};

/* What is wrong beyond the DRIFT_* bits, in the same word. */
enum {
    LAYOUT_OWNER = 64,     /* not root's, and must be */
    LAYOUT_STICKY = 128,   /* a sticky bit where it breaks sharing */
    LAYOUT_UNKNOWN = 256,  /* a name or kind that the layout does not have */
    LAYOUT_ALARM = 512,    /* setuid, a device, a secret, code by members */
    LAYOUT_LINKS = 1024,   /* a file with more than one link */
    LAYOUT_NOTE = 2048,    /* harmless, worth a word */
};

/* One inode, as far as the layout cares. */
struct layout_inode {
    mode_t mode; /* type and all 12 bits */
    uid_t uid;
    gid_t gid;
    nlink_t nlink;
    off_t size;
    enum acl_fact acl; /* folders only: the default ACL */
    bool extended;     /* has an access ACL that names users or groups */
    bool young;        /* its content changed less than a day ago */
};

/* What is to become of it; as it is, if nothing is to be done. */
struct layout_wanted {
    mode_t mode; /* the 12 bits */
    gid_t gid;
    enum acl_fact acl; /* ACL_FACT_2770 or _2775 to set it; else as it is */
};

/*
 * What is wrong with the inode at `path`, relative to the cache's root ("" is
 * the root itself): DRIFT_* and LAYOUT_* bits, 0 if nothing is.
 *
 * *ret_wanted gets what mending would make of it.  Nothing of it is ever more
 * open to others than the inode is, and it is the inode's own state wherever
 * nothing can or must be done: in case of an alarm, of a second link, of an ACL
 * that names people, and of what its owner closed to the group, but an empty
 * lock or a listing in trees/, which clients make that way.
 */
unsigned layout_judge(const char *path, const struct layout_inode *inode,
                      const struct layout_rules *rules,
                      struct layout_wanted *ret_wanted);

/* True if the wanted state differs from what the inode is. */
bool layout_is_mendable(const struct layout_inode *inode,
                        const struct layout_wanted *wanted);

/*
 * What is wrong with one of the gate's inodes; `hub` is the fact of hub/, whose
 * mode hub/blobs must equal.  What could not be looked at is not judged: 0.
 */
unsigned layout_judge_gate(enum gate gate, const struct inode_fact *fact,
                           const struct inode_fact *hub,
                           const struct layout_rules *rules);

/* What the thing at `path` is called in a summary, as "lock file". */
const char *layout_kind(const char *path, mode_t mode);

#define LAYOUT_MAX_NAME 200 /* bytes of a repository's folder name */

/*
 * True if `name` in hub/ is a repository: models--, datasets--, ... and then
 * the characters that the Hub allows.  What follows a "/" does not count.
 */
bool layout_is_repository(const char *name);

#endif
