/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `hfcache explain` has found out, and writing it as JSON.
 */
#ifndef HFCACHE_EXPLAIN_JSON_H
#define HFCACHE_EXPLAIN_JSON_H

#include "cli.h"
#include "explain_stack.h"
#include "login.h"
#include "members.h"
#include "report_home.h"

/* By whom a lasting membership is, as far as this process may know. */
struct giver {
    enum {
        GIVER_UNASKED, /* there is no such membership */
        GIVER_PRIMARY, /* it is the user's primary group */
        GIVER_HFCACHE, /* a login of his */
        GIVER_OTHERS,  /* the system's, the admin's, a directory's */
        GIVER_UNKNOWN, /* the list cannot be read */
    } who;
    int64_t since;        /* GIVER_HFCACHE: seconds since 1970; else 0 */
    enum members_how how; /* GIVER_HFCACHE */
    char problem[512];    /* GIVER_UNKNOWN: why */
};

struct explanation {
    const struct cli *cli;
    const char *user, *service;
    struct pamside session, auth;
    struct login *login;
    struct giver giver;
    struct home_cache home;
    size_t policy_lines; /* how many of the reasons are about the policy */
    bool needs_auth;     /* membership in the session comes by setcred alone */
};

/* `why`: the reasons that the decision gave, in order. */
void explain_write_json(const struct explanation *it, const struct lines *why);

#endif
