/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For `hfcache explain`: how a service's PAM stack comes to the module.
 */
#ifndef HFCACHE_EXPLAIN_STACK_H
#define HFCACHE_EXPLAIN_STACK_H

#include "pamstack.h"

/* How the service's stack of one type comes to the module. */
struct pamside {
    const char *type; /* "session", "auth" */
    struct pamstack stack;
    bool has_line;
    bool reached;     /* has_line, and the module is there to be loaded */
    size_t at;        /* has_line: our entry */
    size_t passed_by; /* has_line: the entry that may skip it; at: none */
    char conf[4096];   /* has_line: the policy that it names; "": the default */
    char ignored[256]; /* has_line: arguments that the module does not know */
    char problem[512];
};

/*
 * Load the stack of `type` and see whether it reaches the module; what went
 * wrong goes into ret->problem.  The caller frees ret->stack.
 */
void explain_stack(const char *service, const char *type, struct pamside *ret);

#endif
