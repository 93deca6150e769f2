/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A login from beginning to end, as the module runs it and as `hfcache
 * explain` foretells it: policy -> subject -> section -> membership -> verdict
 * -> state -> variables.  Makes no system call on any path of the cache.
 */
#ifndef HFCACHE_LOGIN_H
#define HFCACHE_LOGIN_H

#include "decision.h"
#include "membership.h"
#include "policy.h"
#include "verdict.h"

struct login {
    struct policy policy;
    struct person person;
    const struct policy_section *section; /* NULL: none takes this login */
    gid_t gid;                            /* the cache's group */
    bool has_gid;
    int group_error; /* the errno for which there is none; 0: there is */
    enum member member;
    bool lasting;          /* NSS knows the membership: next logins have it */
    bool host_judged;      /* when a helper was wanted first: */
    const char *forbidden; /* why this host may start none; NULL: it may */
    char persist[512];     /* how persist went: "", "usermod", why not, ... */
    bool persist_added;    /* this login made the membership last */
    struct verdict *verdict; /* NULL: none */
    struct view view;
    int64_t age_ms; /* of the verdict; -1: none */
    bool mending;   /* a mender was started for this user */
    size_t own_drifts; /* to be mended, by either verdict */
    int tree_error;    /* why the check's is not known; 0: it is */
    bool exports;   /* the variables are to be set */
    struct environment environment;
    char problem[512]; /* the first thing that went wrong outside the view */
};

#define LOGIN_ARGUMENTS "conf=/PATH or debug" /* what our PAM line may have */

/*
 * Take one argument of that line: `*conf` becomes the path within `word`, or
 * `*debug` true.  False: it is neither, and nothing changes.
 */
bool login_take_argument(const char *word, const char **conf, bool *debug);

/*
 * Load policy and subject and choose the section.  0 (see ret->section), or
 * -ENOENT (no such user), -EINVAL (policy refused) or another negative errno
 * with a sentence in `err`.  The caller frees with login_free() in any case.
 * `conf` NULL: the default file; `why` may be NULL.
 */
int login_begin(const char *conf, uid_t trusted_uid, const char *user,
                const char *service, struct login *ret, struct lines *why,
                struct err *err);

/*
 * The guarded add, where the policy wants membership.  `promised`: setcred was
 * reached on this handle.  Sets member and lasting.
 */
void login_join(struct login *login, bool promised);

/* Make the membership last if it must and may (real uid 0). */
void login_persist(struct login *login);

/* Verdict, probe if due and allowed, state; starts the mender if due. */
void login_verify(struct login *login);

/*
 * For `hfcache explain`: the same knowledge without acting, for a login whose
 * application passes through setcred (`auth_line`) or not.
 */
void login_foretell(struct login *login, bool auth_line);

/* Does he become a member by setcred alone, for which it takes an auth line? */
bool login_needs_auth_line(const struct login *login);

/*
 * Decide on the variables and compute them (login->exports, environment).
 * `why` may be NULL.
 */
void login_decide(struct login *login, struct lines *why);

void login_free(struct login *login);

#endif
