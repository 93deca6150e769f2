/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a verdict says, for people and for programs: the part that explain and
 * status share.
 */
#ifndef HFCACHE_REPORT_H
#define HFCACHE_REPORT_H

#include "cli.h"
#include "decision.h"
#include "json.h"

/* A cache of the policy, and what is known of it without touching it. */
struct cache {
    const struct policy_section *section; /* the first one that names it */
    gid_t gid;
    bool has_gid;
    struct verdict verdict;
    bool has_verdict;
    struct probe_state probes;
    struct view view; /* for a member */
    bool healthy;
    char problem[512]; /* why there is no gid or no verdict; "" if none */
};

/* Read the state files on `section`'s cache; the caller frees. */
void report_load(const struct policy_section *section, struct cache *ret);
void report_free(struct cache *cache);

/* "group, setgid": what differs from the layout, by DRIFT_* bits. */
void report_add_drift(unsigned what, struct text *text);

/* The folders of the gate, a line each; `indent` blanks before each. */
void report_print_gate(const struct cli *cli,
                       const struct policy_section *section, gid_t gid,
                       const struct verdict *verdict, int indent);

/* "gate": [...], an object each. */
void report_write_gate(struct json *json, const struct policy_section *section,
                       gid_t gid, const struct verdict *verdict);

/* "drifts": [...], what differs below hub/. */
void report_write_drifts(struct json *json, const struct verdict *verdict);

/* The colour of a state. */
enum paint report_paint(const struct view *view);

/* What to type when the cache is like this; NULL: nothing helps or needs to. */
const char *report_advice(enum state state, bool drift);

#endif
