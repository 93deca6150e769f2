/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who somebody is and which groups he is in: what asks NSS for a login, and
 * the only file that changes the groups of a login's process.
 */
#ifndef HFCACHE_MEMBERSHIP_H
#define HFCACHE_MEMBERSHIP_H

#include "decision.h"

/* The names of a subject's groups, looked up when first asked for. */
struct group_names {
    char **name;
    size_t count;
    bool is_loaded, has_nameless;
    int error; /* the errno for which not all of them are known; 0: they are */
};

/* A subject and the memory that it points into. */
struct person {
    struct subject subject;
    struct group_names names;
    char *buffer;
    gid_t *groups;
    char host[256];
};

/*
 * Look up `user` and his groups.  0 and the caller frees with
 * membership_free(); -ENOENT if NSS knows no such user; another negative errno
 * with a sentence in `err`.  `service` must outlive the person.
 */
int membership_load(const char *user, const char *service, struct person *ret,
                    struct err *err);

/* Ask NSS again for the groups of a loaded person. */
int membership_reload_groups(struct person *person, struct err *err);

void membership_free(struct person *person);

/*
 * The gid of the policy's `group` (name or number).  -ENOENT: no such group;
 * -EPERM: a reserved one (policy_group_is_reserved).
 */
int membership_group(const struct policy_section *section, gid_t *ret_gid,
                     struct err *err);

/* The name of the group `gid`: 0, -ENOENT or another negative errno. */
int membership_gid_name(gid_t gid, char *ret_name, size_t size);

/* False if NSS says that there is none; who does not answer is believed. */
bool membership_knows_user(const char *name);
bool membership_knows_group(const char *name);

/* True if `gid` is among the groups that NSS gives the subject. */
bool membership_holds(const struct subject *subject, gid_t gid);

/* What the owner of an inode is to a cache's group. */
struct owner {
    int error;      /* 0, or the errno with which NSS did not answer */
    bool is_known;  /* NSS has him */
    bool is_member;
    gid_t own_gid;  /* his primary group, if he alone is in it: by the convention
                       of useradd it has his name and no other member, as
                       pam_umask's usergroups takes it; -1: none */
};

struct owner membership_owner(uid_t uid, gid_t gid);

/* What the guarded add found or did. */
enum guard {
    GUARD_ADDED,   /* the gid joined this process's groups now */
    GUARD_PRESENT, /* it was there already */
    GUARD_CLOSED,  /* this process is not (yet) the user's: left alone */
    GUARD_FAILED,  /* setgroups was refused; `err` says why */
};

/*
 * The guarded add: `gid` joins the groups of this process only if the
 * effective uid is 0 and every other gid of the subject is already in
 * getgroups() or the egid, that is where the application has already become
 * the user's groups; in a process with several threads, only if the list is
 * exactly that set, because glibc changes all threads.  Idempotent; never
 * drops or replaces a gid.  Without `may_add` it only looks: GUARD_CLOSED then
 * also stands for "could have been added".
 */
enum guard membership_guarded_add(const struct subject *subject, gid_t gid,
                                  bool may_add, struct err *err);

/* True if this process has one thread only (false when it can't be told). */
bool membership_single_thread(void);

/*
 * How `persist` is to be done for `user` and the group `gid`: PERSIST_USERMOD or
 * PERSIST_USERDB; resolves PERSIST_AUTO by /etc/group and nsswitch.conf.
 * `ret_name` gets the group's name (`size` bytes).  -ENOENT or -EINVAL with a
 * sentence if neither can work.
 */
int membership_persist_how(const struct policy_section *section,
                           const char *user, gid_t gid, char *ret_name,
                           size_t size, int *ret_how, struct err *err);

/* True if it is a group of /etc/group, which usermod and gpasswd change. */
bool membership_group_is_local(gid_t gid);

/*
 * True if `path` is the home of some user of NSS, or holds one below it; the
 * user's name goes to `ret_user` (`size` bytes).  Walks all of passwd.
 */
bool membership_path_holds_home(const char *path, char *ret_user, size_t size);

#endif
