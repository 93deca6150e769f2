/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision, pure: (policy, subject, what is known of the cache) -> which
 * section, which state, which variables, and why, line by line.  No system
 * calls: the module, `hfcache explain` and the tests call the same functions.
 */
#ifndef HFCACHE_DECISION_H
#define HFCACHE_DECISION_H

#include "policy.h"
#include "verdict.h"

/* Who logs in, as NSS and PAM tell it; filled by `membership`. */
struct subject {
    const char *user; /* pw_name */
    uid_t uid;
    gid_t gid; /* primary */
    const char *home;
    const char *service; /* PAM service; "" if unknown */
    const char *host;    /* this machine's name */
    const gid_t *groups; /* all groups NSS gives the user, primary included */
    size_t ngroups;
    /* Is one of these groups called `name`, as `id` shows it?  Asked only when
       needed, and with more care if it is one that `leaves_out`; NULL: no. */
    bool (*in_group)(const struct subject *subject, const char *name,
                     bool leaves_out);
    struct group_names *own_names; /* in_group's own */
};

/* How the user stands to the cache's group, in this session. */
enum member {
    MEMBER_NO,
    MEMBER_YES,      /* NSS says so, or the process has the gid already */
    MEMBER_ADDED,    /* added to this process now */
    MEMBER_PROMISED, /* setcred will add it in the user's own process */
    MEMBER_UNASKED,  /* membership = off */
};

enum state {
    STATE_USABLE,
    STATE_NOT_MEMBER,
    STATE_ABSENT,
    STATE_CLOSED,
    STATE_ERROR,
    STATE_HUNG,
    STATE_SLOW,
    STATE_UNKNOWN,
    STATE_UNVERIFIED, /* verify = off: nobody looked, on purpose */
};

/* One word, as in the log line: "usable", "not-member", ... */
const char *decision_state_name(enum state state);
const char *decision_member_name(enum member member);

/*
 * The section that takes this login, or NULL: users, services and hosts all
 * match, the uid is not one of the system's.  `why` (or NULL) gets a line for
 * each section tried.
 */
const struct policy_section *decision_section(const struct policy *policy,
                                              const struct subject *subject,
                                              struct lines *why);

/* True if the section's `hosts` match the machine called `host`. */
bool decision_is_for_host(const struct policy_section *section,
                          const char *host);

/* True for uids that the module never serves, whatever the policy says. */
bool decision_uid_is_special(uid_t uid);

/* What the login knows of the cache when it decides. */
struct knowledge {
    gid_t gid;                     /* the cache's group */
    enum member member;
    const struct verdict *verdict; /* NULL: none to be had */
    int64_t age_ms;                /* of the verdict */
    bool timed_out;                /* the deadline passed without an answer */
    int64_t waiting_ms;            /* of the longest waiting probe, of those
                                      that began after it; 0: none */
};

struct view {
    enum state state;
    enum state basis; /* what the variables go by: of `slow` the last verdict's
                         state or unknown, else the same as `state` */
    bool drift;       /* the gate differs from the layout */
    char why[200];    /* one sentence for log and user; "" if all is well */
};

/* The state of the cache to this user, and why. */
void decision_judge(const struct policy_section *section,
                    const struct knowledge *known, struct view *ret);

/* True if the variables are to be set in this view under this policy. */
bool decision_exports(const struct policy_section *section,
                      const struct view *view);

#define DECISION_MAX_OWN 64

/* Repositories and lock folders, in the memory of the verdicts. */
struct own_drifts {
    struct drift drift[DECISION_MAX_OWN];
    size_t count;
};

/*
 * What a login of `uid` would mend: what either verdict (NULL: there is none)
 * names as his, each name once, as many as there is room for.
 */
void decision_own_drifts(const struct verdict *verdict,
                         const struct tree_verdict *tree, uid_t uid,
                         struct own_drifts *ret);

#define DECISION_MAX_VARIABLES 64

struct variable {
    char *assignment; /* NAME=value, owned */
    struct origin origin;
};

struct environment {
    struct variable variable[DECISION_MAX_VARIABLES];
    size_t count;
};

/*
 * The variables of this login: HF_HOME or HF_HUB_CACHE, the companions, then
 * [env].  All or nothing: 0, and the caller frees with
 * decision_free_environment(); or -EINVAL (a home or an expansion that cannot
 * be used; a sentence in `err`), -ENOMEM.
 */
int decision_environment(const struct policy *policy,
                         const struct policy_section *section,
                         const struct subject *subject,
                         struct environment *ret, struct err *err);

/* The value that it gives to the variable `name`; NULL: none. */
const char *decision_find_value(const struct environment *environment,
                                const char *name);

void decision_free_environment(struct environment *environment);

#endif
