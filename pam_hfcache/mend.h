/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mending one inode that a walk has met, and what may be mended at all: shared
 * by the mender, which runs as the user, and by `hfcache repair`.
 *
 * MUST (each has a test named after it, with an attacker running):
 *  - an inode is pinned by its whole path, seen to be what was visited and its
 *    owner's still, judged anew and changed through that descriptor only;
 *  - nothing is opened to the group that its owner closed, but empty locks and
 *    listings in trees/, which clients make that way; and no file at all where
 *    somebody may have planted a hard link to it;
 *  - nothing is opened that somebody else can have moved into the cache: what
 *    is of another group than the cache's is mended only as part of a tree that
 *    nobody but its owner could write, from its repository's folder down;
 *  - nobody gets the right to change a file that somebody else can have moved,
 *    but empty locks, and references that hold a commit's name.
 */
#ifndef HFCACHE_MEND_H
#define HFCACHE_MEND_H

#include "layout.h"
#include "walk.h"

#define MEND_YOUNG_SECONDS 86400

/* What holds for a whole run. */
struct mend {
    const struct layout_rules *rules;
    bool links_protected; /* nobody can hard-link files that he can't write */
    bool is_own_mount;    /* a file system of its own, and in it nothing else:
                             nothing moves in */
    time_t now;
    unsigned waits; /* for files that have just changed; of all threads */
};

/*
 * Look at what holds for the cache `root_fd`; the rules stay the caller's.  0, or
 * the negative errno of which mend_is_short() is true: then it is not known
 * whether files can be mended, and folders would be opened without them.
 */
int mend_begin(const struct layout_rules *rules, int root_fd, struct mend *ret);

/* An inode as the layout sees it; its ACLs are to be asked for by descriptor. */
struct layout_inode mend_describe(const struct mend *mend,
                                  const struct statx *st);

/*
 * How far a folder can be believed to be its owner's doing.  Of what is in a
 * repository's folder itself it is MEND_ALONE.
 */
enum mend_trust {
    MEND_BARRED, /* what is in it may be anybody's: nothing is mended */
    MEND_SHARED, /* it is the group's; what is of another group came from
                    somewhere else */
    MEND_ALONE,  /* from the repository down nobody but its owner `uid` could
                    write, so that all in it is his doing */
};

/* The owner of an inode. */
struct mend_owner {
    uid_t uid;
    gid_t own_gid; /* a group that he alone is in; -1: none */
};

/*
 * The trust in a folder in one of `holder`: by its state `st`, and by looking
 * at its ACL where that counts.
 */
enum mend_trust mend_trust_folder(const struct mend *mend,
                                  const struct walk_item *item,
                                  const struct statx *st,
                                  const struct mend_owner *owner,
                                  enum mend_trust holder);

/* May the file `st`, in a folder of that trust, be mended? */
bool mend_trusts_file(const struct mend *mend, const struct statx *st,
                      enum mend_trust holder);

/* What mending met. */
struct mend_report {
    unsigned what; /* DRIFT_* and LAYOUT_* bits before; 0, too, if it could not
                      be judged */
    struct layout_wanted wanted; /* of what was judged */
    bool is_withheld; /* the right to write it, as it may have been moved in */
    struct err err;
};

/*
 * Mend what `item` names, in a folder of trust `holder`, which was `visited`
 * when it was judged.  1: changed; 0: it is right as it is, or nothing must be
 * done, and then the report may say why; -ENOENT: it is no longer there, or
 * another; -EAGAIN: it changes all the time; or another negative errno with a
 * sentence in the report.
 */
int mend_inode(struct mend *mend, const struct walk_item *item,
               struct layout_where where, enum mend_trust holder,
               const struct statx *visited, struct mend_report *ret);

/*
 * True if `error`, met by a walk that mends, means that the process is short of
 * descriptors or of memory: it is to end there.  A folder that is opened to
 * others before what is in it was met leaves that behind for good: who could
 * have moved it in is then not known any more.
 */
bool mend_is_short(int error);

#endif
