/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The audit: a walk of a cache, each inode judged by the layout; what is found
 * is counted and, for `hfcache repair`, mended.
 *
 * MUST, when it mends (each has a test named after it, with an attacker
 * running):
 *  - only what belongs to a member of the group; of root's only the frame of
 *    the cache and folders; files of root's or of nobody known only if asked
 *    for, with one link, and where nobody can have planted a hard link;
 *  - nothing that somebody else can have moved into the cache: see mend.h;
 *  - files when they are met, folders after what is in them, so that a run
 *    that is stopped leaves nothing open that was closed around it.
 */
#ifndef HFCACHE_AUDIT_H
#define HFCACHE_AUDIT_H

#include <stdatomic.h>

#include "layout.h"

#define AUDIT_SAMPLES 5        /* inodes kept of each finding: those with paths
                                  that the kernel takes */
#define AUDIT_REPOSITORIES 4096 /* kept of those with findings... */
#define AUDIT_RESERVED 4096    /* ...and beyond of what logins mend, and of
                                  what its owner closed: */
#define AUDIT_SHARE 64         /* so many of each owner's, lest who makes many
                                  hides what is others' */

/* What became of an inode of which there was something to say. */
enum audit_fate {
    AUDIT_TOLD,   /* there is nothing that a repair may do */
    AUDIT_NEEDED, /* a repair would mend it */
    AUDIT_MENDED, /* it is right now */
    AUDIT_PART,   /* it is better, and wrong still */
    AUDIT_FAILED, /* it wanted a change and did not get it */
    AUDIT_GONE,   /* it was moved or removed meanwhile */
};

/* What would mend an inode of AUDIT_TOLD or AUDIT_PART. */
enum audit_help {
    AUDIT_HELP_NONE, /* nothing, or what the reason says */
    AUDIT_HELP_FOREIGN,
    AUDIT_HELP_BY_HAND, /* chgrp and chmod */
};

/* An inode of which there is something to say. */
struct audit_item {
    const char *path; /* from the root; "" is the root */
    const char *kind; /* of thing, as "lock file" */
    unsigned what;    /* DRIFT_* and LAYOUT_* bits */
    int error;        /* LAYOUT_UNSEEN: the errno */
    mode_t mode;      /* type and bits; only the type if there is no owner */
    bool has_owner;   /* uid, gid, mode and wanted are known */
    uid_t uid;
    gid_t gid;
    struct layout_wanted wanted;
    enum audit_fate fate;
    const char *why; /* AUDIT_TOLD, AUDIT_PART, AUDIT_FAILED: a short reason, or
                        "" */
    enum audit_help help;
};

/* Called for each such inode, by one thread at a time. */
typedef void audit_tell(const struct audit_item *item, void *data);

/* Called now and then in the calling thread while the walk goes on. */
struct audit_progress {
    uint64_t entries;  /* looked at or known so far */
    uint64_t expected; /* of the last audit; 0: not known */
    int64_t took_ms;
};
typedef void audit_watch(const struct audit_progress *progress, void *data);

struct audit_options {
    const char *path;          /* of the cache */
    const char *start;         /* relative to it; "" is all of it */
    struct layout_rules rules; /* with the cache's gid */
    unsigned jobs;
    bool full;    /* read what has not changed, too */
    bool repair;
    bool dry_run; /* with repair: say what would be mended */
    bool foreign; /* with repair: files of root's and of nobody known, too */
    const atomic_bool *stop;
    audit_tell *tell;   /* may be NULL */
    audit_watch *watch; /* may be NULL */
    void *data;         /* of both */
};

/*
 * One finding's count and first inodes: what is left before what was mended,
 * each in bytewise order of their paths.
 */
struct audit_kind {
    const struct layout_finding *finding;
    uint64_t count;
    struct audit_item sample[AUDIT_SAMPLES]; /* their strings are owned */
    size_t nsamples;
};

/* What was found of one owner in one repository or folder of the frame. */
struct audit_repository {
    char *name; /* "hub/models--a--b", "hub/.locks/models--a--b", "." */
    uid_t uid;
    bool has_owner;
    unsigned what;      /* all bits of what is left */
    unsigned mendable;  /* those that its owner's login would mend */
    uint64_t alarms, drifts, notes; /* inodes, each by its worst finding */
};

struct audit {
    int result; /* 0; -ECANCELED: stopped; else why it ended early: -errno */
    int64_t took_ms;
    uint64_t folders, files, links, others; /* looked at now */
    uint64_t reused;         /* not folders, in folders that have not changed */
    uint64_t reused_folders; /* such folders: only their own state was seen */
    int64_t oldest_wall;     /* when the first of the reused was looked at */
    uint64_t alarms, drifts, notes; /* inodes, each by its worst finding; left */
    uint64_t needed, mended, failed, gone; /* see enum audit_fate */
    uint64_t foreign, by_hand; /* left, with such a help */
    struct audit_kind *kinds; /* one a finding of the layout */
    size_t nkinds;
    struct audit_repository *repositories; /* worst first */
    size_t nrepositories;
    uint64_t more_items; /* left of which no repository could be kept */
    uint8_t reserved[1024]; /* used of each owner's share */
    uint64_t seed;          /* of the places of repositories */
};

/*
 * Look at the cache.  0 when it was begun (see ret->result) and the caller
 * frees; or a negative errno and why in `err`: no such folder, no memory.
 */
int audit_run(const struct audit_options *options, struct audit *ret,
              struct err *err);

void audit_free(struct audit *audit);

/*
 * Leave for the next logins, in KEY.tree, what was found in all of the cache:
 * each owner's login then mends his own.  0 or a negative errno; for root.
 */
int audit_write_verdict(const struct audit_options *options,
                        const struct audit *audit, struct err *err);

/* Does a login's mender enter what has this name? */
bool audit_is_for_logins(const struct audit_repository *repository);

/* True if nothing is wrong with what was looked at, and all was. */
bool audit_is_healthy(const struct audit *audit);

/* The word for a fate, as "mended". */
const char *audit_fate_word(enum audit_fate fate);

#endif
