/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the verdicts say, for people and for programs: report.c the part that
 * explain and status share, report_way.c the way to a cache, report_tree.c what
 * the last check found, report_menders.c who mends it.
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
    int group_error; /* the errno for which there is none; 0: there is */
    struct verdict verdict;
    bool has_verdict;
    struct tree_verdict tree; /* of the last check */
    bool has_tree;
    bool tree_closed; /* there is one, but not for us to read */
    struct probe_state probes;
    struct view view; /* for a member */
    bool is_judged; /* false: the policy wants nobody to look */
    bool healthy;
    char problem[512]; /* why there is no gid or no verdict; "" if none */
    char tree_problem[512]; /* why the last check's is not believed; "" */
};

/* Read the state files on `section`'s cache; the caller frees. */
void report_load(const struct policy_section *section, struct cache *ret);
void report_free(struct cache *cache);

/* The folders of the gate, a line each; `indent` blanks before each. */
void report_print_gate(const struct cli *cli,
                       const struct policy_section *section, gid_t gid,
                       const struct verdict *verdict, int indent);

/*
 * The way to the root, a line for each step and `indent` blanks before, with
 * the one that fails marked; report_print_gate() does it if one does.
 */
void report_print_way(const struct cli *cli,
                      const struct policy_section *section,
                      const struct verdict *verdict, int indent);

/* "uid", "owner", and "gid", "group"; a name is null where there is none. */
void report_write_owner(struct json *json, uid_t uid);
void report_write_owners(struct json *json, uid_t uid, gid_t gid);

/* "way": [...], an object each. */
void report_write_way(struct json *json, const struct verdict *verdict);

/* "drwxrws---", as ls writes it. */
void report_format_mode(mode_t mode, char ret[11]);

/* "gate": [...], an object each. */
void report_write_gate(struct json *json, const struct policy_section *section,
                       gid_t gid, const struct verdict *verdict);

/* What is named, a line each, the first of many, and how many `more` are. */
void report_print_drifts(const struct cli *cli, const struct drift *drifts,
                         size_t count, size_t more);

/* What to type for it, and what the next logins do without. */
void report_print_menders(const struct cache *cache);

/* KEY: [...], the words of these DRIFT_* and LAYOUT_* bits. */
void report_write_findings(struct json *json, const char *key, unsigned what);

/* KEY: [...], an object each. */
void report_write_drifts(struct json *json, const char *key,
                         const struct drift *drifts, size_t count);

/* The last check's verdict; report_load() calls it. */
void report_load_tree(struct cache *cache);

/* True if the last check found what is to be mended or looked into. */
bool report_tree_is_bad(const struct cache *cache);

/* "tree", what the last check found, and what it named. */
void report_print_tree(const struct cli *cli, const struct cache *cache);

/* "tree": {...}; null if there was no check. */
void report_write_tree(struct json *json, const struct cache *cache);

/* The colour of a state. */
enum paint report_paint(const struct view *view);

/* What to type when the cache is like this; NULL: nothing helps or needs to. */
const char *report_advice(enum state state, bool drift);

/* The same of a group that was not to be had, by the errno. */
const char *report_group_advice(int error);

#endif
