/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdicts: what the last probe saw of a cache, in /run/hfcache/KEY.gate,
 * written by the helper; and what the last check of the whole tree found, in
 * KEY.tree.  Both are read by every login.  They hold facts only; what they
 * mean for a user is judged by `decision`.
 *
 * MUST (each has a test named after it):
 *  - a state file is believed only if it is a regular file, owned by root,
 *    with one link, not writable by group or others, at most
 *    VERDICT_MAX_BYTES long, of this boot, of this path and gid, and not from
 *    the future; else there is no verdict;
 *  - it is written as a temporary file and renamed, so that a reader sees the
 *    old one or the new one and nothing between;
 *  - at most VERDICT_SLOTS probes of a cache run on a host at one time, and a
 *    second one starts only when the first has not answered for long.
 *
 * The folder is a parameter only so that tests can use their own.
 */
#ifndef HFCACHE_VERDICT_H
#define HFCACHE_VERDICT_H

#include "safefs.h"
#include "util.h"

#define VERDICT_DIR "/run/hfcache"
#define VERDICT_MAX_BYTES 65536
#define VERDICT_KEY_SIZE 17 /* 16 hex digits and NUL */
#define VERDICT_SLOTS 4
#define VERDICT_HUNG_MS 10000 /* a probe that has run longer is hung */
#define VERDICT_MAX_DRIFTS 256
#define VERDICT_MAX_STEPS 24

/* The inodes that decide whether a user can use the cache at all. */
enum gate { GATE_ROOT, GATE_HUB, GATE_LOCKS, GATE_BLOBS, GATES };

/* What looking at one inode gave. */
struct inode_fact {
    int error; /* 0, or the errno (ENOENT: absent); then the rest is 0 */
    mode_t mode; /* type and all 12 bits */
    uid_t uid;
    gid_t gid;
    enum acl_fact acl; /* folders only */
};

/*
 * Something below hub/ that its owner's next login should mend; with
 * DRIFT_KEPT among the bits something that only he can open.
 */
struct drift {
    const char *name; /* relative to the cache's root, "hub/models--a--b" or
                         "hub/.locks/models--a--b"; never empty */
    uid_t owner;
    unsigned what; /* DRIFT_* */
};

enum {
    DRIFT_GROUP = 1,   /* not the cache's group */
    DRIFT_SETGID = 2,  /* a folder without setgid */
    DRIFT_CLOSED = 4,  /* bits missing that members need */
    DRIFT_OPEN = 8,    /* bits set that the layout forbids */
    DRIFT_ACL = 16,    /* default ACL missing or other */
    DRIFT_LOCK = 32,   /* the folder holds a lock file without g+rw */
    DRIFT_KEPT = 4096, /* closed by its owner: no login opens it */
    DRIFT_ALL = 63 + DRIFT_KEPT,
};

/* A folder or link on the way to the root, as it was reached. */
struct way_step {
    const char *path; /* absolute */
    mode_t mode;      /* type and all 12 bits */
    uid_t uid;
    gid_t gid;
};

struct verdict {
    /*
     * The way to the root: error 0 when the root was reached; else the errno
     * at the component `way_at` (an absolute path; "" if none).  ELOOP stands
     * for a symbolic link that is not root's alone.
     */
    int way_error;
    const char *way_at;
    struct way_step *steps; /* the first of them from "/" on; not in an answer */
    size_t nsteps;
    struct inode_fact gate[GATES];
    int64_t taken_ms;  /* util_boottime_ms() when the gate had been looked at */
    int64_t taken_wall; /* time(NULL) of the same moment, for people */
    int64_t since_wall; /* since when way and gate have been like this; 0: who
                           knows */
    /* Where the look below hub/ stopped, "" if it begins anew. */
    const char *cursor;
    int64_t round_wall; /* when it last came all around; 0: never yet */
    int unread_error;   /* 0, or why it cannot come all around: the errno at */
    const char *unread_at; /* this folder, relative to the root, the first */
    struct drift *drifts;
    size_t ndrifts;
    size_t more_drifts; /* found, but beyond VERDICT_MAX_DRIFTS */
    char *buffer;       /* owns the strings */
};

/* The file name's stem for a cache: a hash of its path and gid. */
void verdict_key(const char *path, gid_t gid, char ret_key[VERDICT_KEY_SIZE]);

/*
 * Read the verdict on the cache (`path`, `gid`) under `dir`.  0 and the caller
 * frees with verdict_free(); -ENOENT if there is none, -ESTALE if it is of
 * another boot or from the future, -EPERM or -EINVAL if it must not be
 * believed (with a sentence in `err`), or another negative errno.
 * `trusted_uid` is who must own it: 0 but in tests.
 */
int verdict_read(const char *dir, uid_t trusted_uid, const char *path,
                 gid_t gid, struct verdict *ret, struct err *err);

/* The same from the text that a probe sent down its pipe. */
int verdict_parse(const char *data, size_t length, const char *path, gid_t gid,
                  struct verdict *ret, struct err *err);

/*
 * Append the verdict as text.  `with_drifts` false leaves out what is below
 * the gate, and the steps: that is what a probe answers, and fits into PIPE_BUF.
 */
int verdict_format(const struct verdict *verdict, const char *path, gid_t gid,
                   bool with_drifts, struct text *text);

/* Write it: temporary file, then rename; 0644.  0 or a negative errno. */
int verdict_write(const char *dir, const struct verdict *verdict,
                  const char *path, gid_t gid);

/* Remove it, so that the next login looks anew; nothing if there is none. */
void verdict_forget(const char *dir, const char *path, gid_t gid);

void verdict_free(struct verdict *verdict);

/*
 * True if the verdict is younger than `fresh_ms`, jittered by up to 20 % up or
 * down by the host's name, so that a fleet does not probe a file server in
 * step.
 */
bool verdict_is_fresh(const struct verdict *verdict, int64_t fresh_ms,
                      const char *host);

/* --- the whole tree: verdict_tree.c -------------------------------------- */

#define VERDICT_TREE_NAMED 1024 /* names in KEY.tree at most */
#define VERDICT_TREE_OWNER 16   /* of one owner, that his logins mend */
#define VERDICT_TREE_KEPT 4     /* of one owner, that only he can open */

/* What a check counts. */
enum tree_count {
    TREE_ENTRIES, /* that are in the tree */
    TREE_ALARMS,  /* findings of that severity */
    TREE_DRIFTS,
    TREE_NOTES,
    TREE_REUSED,  /* entries known from an earlier check, not looked at again */
    TREE_FOLDERS, /* repositories and lock folders with drift */
    TREE_GIVEN,   /* names taken out since, as given to their owner's mender */
    TREE_COUNTS
};

/* What each is called in the file and in JSON. */
extern const char *const verdict_tree_words[TREE_COUNTS];

/* What a check of the whole tree found. */
struct tree_verdict {
    int64_t taken_ms;    /* util_boottime_ms() when the check ended */
    int64_t taken_wall;  /* time(NULL) of the same moment, for people */
    bool complete;       /* it saw all of the tree; else it was interrupted */
    int64_t interrupted_wall; /* when a later check was, whose findings were
                                 added; 0: none was */
    uint64_t count[TREE_COUNTS];
    int64_t oldest_wall; /* when the oldest of what is reused was looked at; 0
                            if nothing is */
    /*
     * Who has drift where: each owner's repositories and lock folders once,
     * and once more, with DRIFT_KEPT, where he alone can open something.
     */
    struct drift *named;
    size_t nnamed;
    size_t more_named; /* found, but beyond the bounds */
    char *buffer;      /* owns the strings */
};

/*
 * Read KEY.tree, as strictly as verdict_read() reads KEY.gate and with the same
 * results.  The caller frees with verdict_tree_free().  -EACCES: it is not
 * for this process to read (0640, the cache's group's).
 */
int verdict_tree_read(const char *dir, uid_t trusted_uid, const char *path,
                      gid_t gid, struct tree_verdict *ret, struct err *err);

/*
 * Write it: under a lock, temporary file, then rename; 0640, of group `gid`.
 *
 * `named` may have any number of drifts in any order; bits other than DRIFT_*
 * are left out.  Those that fit are written, the others counted: each owner's
 * first, then each one's second and so on up to his share, so that nobody's
 * drift hides another's.  If not even all owners fit (about 200 of the longest
 * names, 1000 of usual ones), who is left out differs from check to check, and
 * so does which of an owner's names come first.
 *
 * A check that is not complete takes nothing away: what the last one named
 * stays named, and of what was counted the larger number; a complete one stays
 * complete, of its time, with `interrupted_wall` set.
 */
int verdict_tree_write(const char *dir, const struct tree_verdict *tree,
                       const char *path, gid_t gid, struct err *err);

/*
 * Take the drifts `given`, which a mender has been given, out of the verdict
 * that was taken at `taken_ms`, so that not every login starts one; a later
 * check's names stay.  0, also if there is nothing to take out; for root.
 */
int verdict_tree_forget(const char *dir, const char *path, gid_t gid,
                        int64_t taken_ms, const struct drift *given,
                        size_t count);

void verdict_tree_free(struct tree_verdict *tree);

/* --- slots: verdict_slot.c ----------------------------------------------- */

/* What the slots of a cache's probes say: nobody is disturbed by asking. */
struct probe_state {
    unsigned running;      /* slots held by a live probe */
    int64_t began_ms[VERDICT_SLOTS]; /* util_boottime_ms() when each of them
                                        did; now, if it has not noted it */
    int64_t oldest_ms;     /* how long the longest of them has run; 0: none */
    bool may_start;        /* a further probe would be let in now */
};

int verdict_probe_state(const char *dir, uid_t trusted_uid, const char *path,
                        gid_t gid, struct probe_state *ret, struct err *err);

/*
 * How long the longest of them has waited for an answer; 0: none waits.  Which
 * began before `verdict` (NULL: there is none) was taken may still run, below
 * the gate, but says nothing of whether the server answers: that has, since.
 */
int64_t verdict_waiting_ms(const struct probe_state *state,
                           const struct verdict *verdict);

/*
 * Take a slot for a probe: 0 and a descriptor that holds it until closed, with
 * this process's pid, start and boot noted in it; -EBUSY if none is free or
 * the one that runs is not overdue yet (waits between further ones grow: 10 s,
 * 60 s, 600 s).  Makes `dir` (0755) if it is missing.
 */
int verdict_take_slot(const char *dir, const char *path, gid_t gid,
                      int *ret_fd);

#endif
