/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout: what every inode of a Hub cache must look like.  Pure: one inode
 * at a time, from the folder it is in, its name, and what looking at it gave.
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

/*
 * What is wrong beyond the DRIFT_* bits, in the same word.  Each bit of both
 * has a row in layout_findings.
 */
enum {
    LAYOUT_OWNER = 1 << 6,      /* not root's, and must be */
    LAYOUT_STICKY = 1 << 7,     /* a sticky bit where it breaks sharing */
    LAYOUT_UNKNOWN = 1 << 8,    /* a name or type that the layout has not */
    LAYOUT_SETUID = 1 << 9,     /* runs with its owner's rights */
    LAYOUT_LINKS = 1 << 10,     /* a file with more than one link */
    LAYOUT_TYPE = 1 << 11,      /* not a folder, and must be */
    /* 1 << 12 is DRIFT_KEPT */
    LAYOUT_SPECIAL = 1 << 13,   /* a device, pipe or socket */
    LAYOUT_SECRET = 1 << 14,    /* a token */
    LAYOUT_CODE = 1 << 15,      /* others run it, and members can change it */
    LAYOUT_ESCAPE = 1 << 16,    /* a link that may leave hub/ or datasets/ */
    LAYOUT_MISS = 1 << 17,      /* in .no_exist/, and holds something */
    LAYOUT_OLD = 1 << 18,       /* temporary, and a day old */
    LAYOUT_LEFT = 1 << 19,      /* belongs to one user, not to the cache */
    LAYOUT_LISTING = 1 << 20,   /* a listing in trees/, as clients close it */
    LAYOUT_NAMES = 1 << 21,     /* an access ACL that names users or groups */
    LAYOUT_OTHER_ACL = 1 << 22, /* a default ACL that is not the layout's */
    LAYOUT_FILLED = 1 << 23,    /* to be mended, had it less in it */
    LAYOUT_UNSEEN = 1 << 24,    /* could not be looked at: no judgement */
    LAYOUT_MOUNT = 1 << 25,     /* another file system: not looked at */
    LAYOUT_INSIDE = 1 << 26,    /* several links, all of them in the cache */

    LAYOUT_ALARMS = LAYOUT_SETUID | LAYOUT_LINKS | LAYOUT_SPECIAL |
                    LAYOUT_SECRET | LAYOUT_CODE | LAYOUT_ESCAPE | LAYOUT_MISS,
    LAYOUT_NOTES = LAYOUT_UNKNOWN | LAYOUT_OLD | LAYOUT_LEFT | LAYOUT_LISTING |
                   LAYOUT_NAMES | LAYOUT_OTHER_ACL | LAYOUT_FILLED |
                   LAYOUT_MOUNT | LAYOUT_INSIDE,
};

enum layout_severity {
    LAYOUT_SEVERITY_NOTE,  /* harmless, worth a word */
    LAYOUT_SEVERITY_DRIFT, /* members cannot share it as they should */
    LAYOUT_SEVERITY_ALARM, /* somebody can be harmed; nothing mends it */
};

/* What one DRIFT_* or LAYOUT_* bit is called. */
struct layout_finding {
    unsigned bit;
    const char *word; /* for programs */
    const char *text; /* for people */
    enum layout_severity severity;
    const char *meaning; /* one sentence: what it is to a user */
};

/* In the order in which they are said; bit 0 at the end. */
extern const struct layout_finding layout_findings[];

/* The worst severity among these bits, and "note", "drift", "alarm". */
enum layout_severity layout_worst(unsigned what);
extern const char *const layout_severity_words[LAYOUT_SEVERITY_ALARM + 1];

/* Append what these bits are called for people: "wrong group, setgid lost". */
void layout_add_findings(unsigned what, struct text *text);

/* A default ACL as it is written, or "none", "other", "unsupported". */
const char *layout_acl_text(enum acl_fact acl);

/* One inode, as far as the layout cares: of a link type and target alone. */
struct layout_inode {
    mode_t mode; /* type and all 12 bits */
    uid_t uid;
    gid_t gid;
    nlink_t nlink;
    off_t size;
    enum acl_fact acl;  /* folders only: the default ACL */
    bool extended;      /* has an access ACL that names users or groups */
    bool young;         /* its content changed less than a day ago */
    const char *target; /* of a link; NULL: not read, and not judged */
};

/* What is to become of it; as it is, if nothing is to be done. */
struct layout_wanted {
    mode_t mode; /* the 12 bits */
    gid_t gid;
    enum acl_fact acl; /* ACL_FACT_2770 or _2775 to set it; else as it is */
};

/* A folder, by what is in it. */
enum layout_place {
    PLACE_OTHER, /* one that the layout does not have, in hub/ or datasets/ */
    PLACE_ABOVE, /* holds the root, whatever name that has there */
    PLACE_ROOT,
    PLACE_CODE,  /* modules/ and the like, and all folders below */
    PLACE_ASIDE, /* whatever else lies beside hub/ and datasets/ */
    PLACE_DATASETS, /* datasets/ and all folders below */
    PLACE_HUB,
    PLACE_LOCKS, /* hub/.locks/ */
    PLACE_LOCK,  /* hub/.locks/ORG--NAME/ */
    PLACE_STORE, /* hub/blobs/ */
    PLACE_PART,  /* hub/blobs/3f/ */
    PLACE_REPOSITORY,
    PLACE_BLOBS,
    PLACE_REFS,      /* with all folders below, like the next two */
    PLACE_SNAPSHOTS,
    PLACE_MISSES,    /* .no_exist/ */
    PLACE_TREES,
    PLACE_TEMPORARY,
    PLACES,
};

/* The folder that an entry is in. */
struct layout_where {
    enum layout_place place;
    unsigned depth; /* the names of its path, from the root: of hub/ 1 */
};

/* The place of the folder `name` in a folder of place `in`. */
enum layout_place layout_enter(enum layout_place in, const char *name);

/* The folder that holds `path`, which is relative to the cache's root. */
struct layout_where layout_where(const char *path);

/*
 * What is wrong with the entry `name` of the folder `where`: DRIFT_* and
 * LAYOUT_* bits, 0 if nothing is.
 *
 * *ret_wanted gets what mending would make of it.  Nothing of it is ever more
 * open to others than the inode is, and it is the inode's own state wherever
 * nothing can or must be done: in case of an alarm, of a second link, of an ACL
 * that names people, and of what its owner closed to the group (DRIFT_KEPT),
 * but an empty lock or a listing in trees/, which clients make that way.
 */
unsigned layout_judge_in(struct layout_where where, const char *name,
                         const struct layout_inode *inode,
                         const struct layout_rules *rules,
                         struct layout_wanted *ret_wanted);

/* The same by a path relative to the cache's root; "" is the root itself. */
unsigned layout_judge(const char *path, const struct layout_inode *inode,
                      const struct layout_rules *rules,
                      struct layout_wanted *ret_wanted);

/*
 * True if its owner closed this to the group: a folder without any bit, a file
 * that the group cannot read.  Narrowing takes no file's reading away, so that
 * a repair that was cut off has closed nothing.
 */
bool layout_is_closed(mode_t mode);

/* True if the wanted state differs from what the inode is. */
bool layout_is_mendable(const struct layout_inode *inode,
                        const struct layout_wanted *wanted);

/* Where the gate's inodes are, from the root on; "" is the root. */
extern const char *const layout_gate_paths[GATES];

/*
 * What is wrong with one of the gate's inodes, notes left out; `hub` is the
 * fact of hub/, whose mode hub/blobs must equal.  What could not be looked at
 * is not judged: 0.
 */
unsigned layout_judge_gate(enum gate gate, const struct inode_fact *fact,
                           const struct inode_fact *hub,
                           const struct layout_rules *rules);

/* What the entry `name` of `where` is called in a summary, as "lock file". */
const char *layout_kind_in(struct layout_where where, const char *name,
                           mode_t mode);

/* The same by path. */
const char *layout_kind(const char *path, mode_t mode);

#define LAYOUT_MAX_NAME 200 /* bytes of a repository's folder name */

/*
 * True if `name` in hub/ is a repository: models--, datasets--, ... and then
 * the characters that the Hub allows.  What follows a "/" does not count.
 */
bool layout_is_repository(const char *name);

#endif
