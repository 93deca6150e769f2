/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache status: what the last verdicts say of each cache of the policy.
 * Reads state files alone.  Free space is not among the facts: asking for it
 * is a call on the cache, and a dead file server would hold it for ever.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "report.h"

/* --- text ---------------------------------------------------------------- */

/* Do way and gate alone say what the state is? */
static bool
is_seen_state(enum state state)
{
    return state == STATE_USABLE || state == STATE_ABSENT ||
           state == STATE_CLOSED || state == STATE_ERROR;
}

static void
print_age(const struct cache *cache)
{
    const struct verdict *verdict = &cache->verdict;
    char age[64] = "", since[64] = "";
    struct text age_text = TEXT_INIT(age), since_text = TEXT_INIT(since);

    if (!cache->has_verdict)
        return;
    cli_add_duration(&since_text,
                     (verdict->taken_wall - verdict->since_wall) * 1000);
    if (verdict->since_wall && is_seen_state(cache->view.state))
        printf(" for %s at least", since);
    cli_add_duration(&age_text, util_age_ms(verdict->taken_ms));
    printf(", looked at %s ago", age);
}

static void
print_state(const struct cli *cli, const struct cache *cache)
{
    printf("  state   %s%s%s%s", cli_paint(cli, report_paint(&cache->view)),
           decision_state_name(cache->view.state),
           cache->view.drift ? ", with drift" : "", cli_paint(cli, PAINT_NONE));
    print_age(cache);
    putchar('\n');
    if (*cache->problem)
        printf("          %s\n", cache->problem);
    else if (*cache->view.why && !cache->view.drift)
        printf("          %s\n", cache->view.why);
    if (cache->probes.running && cache->probes.oldest_ms > VERDICT_HUNG_MS) {
        char age[64] = "";
        struct text text = TEXT_INIT(age);

        cli_add_duration(&text, cache->probes.oldest_ms);
        printf("          %u probe%s waiting for the file system, for %s\n",
               cache->probes.running,
               cache->probes.running == 1 ? " is" : "s are", age);
    }
}

/* How far the look below hub/ has come. */
static void
print_round(const struct verdict *verdict)
{
    char age[64] = "";
    struct text text = TEXT_INIT(age);

    cli_add_since(&text, verdict->round_wall);
    if (verdict->round_wall == 0)
        puts("; not all of it has been looked at yet");
    else
        printf("; last all around %s ago\n", age);
    if (!verdict->unread_error)
        return;
    printf("          ");
    cli_print_safe(verdict->unread_at);
    printf(" could not be read: %s\n", strerror(verdict->unread_error));
}

static void
print_below(const struct cli *cli, const struct cache *cache)
{
    const struct verdict *verdict = &cache->verdict;
    size_t count = verdict->ndrifts + verdict->more_drifts;

    if (cache->view.basis != STATE_USABLE)
        return; /* nobody could look below */
    printf("  below   %s%zu repositor%s or lock folder%s to mend%s",
           cli_paint(cli, count ? PAINT_WARN : PAINT_NONE), count,
           count == 1 ? "y" : "ies", count == 1 ? "" : "s",
           cli_paint(cli, PAINT_NONE));
    print_round(verdict);
    report_print_drifts(cli, verdict->drifts, verdict->ndrifts,
                        verdict->more_drifts);
}

static void
print_advice(const struct cli *cli, const struct cache *cache)
{
    const char *advice =
        cache->has_gid ? report_advice(cache->view.state, cache->view.drift)
                       : report_group_advice(cache->group_error);

    if (advice)
        printf("  mend    %s%s%s\n", cli_paint(cli, PAINT_BOLD), advice,
               cli_paint(cli, PAINT_NONE));
    else if (!cache->has_verdict && cache->view.state == STATE_UNKNOWN)
        puts("  look    the next login that the policy serves looks at it");
    report_print_menders(cache);
}

static void
print_cache(const struct cli *cli, const struct cache *cache, bool first)
{
    const struct policy_section *section = cache->section;
    char title[300], where[512];

    printf("%s%s%s%s  group %s  %s%s, %s%s\n", first ? "" : "\n",
           cli_paint(cli, PAINT_BOLD), policy_text(section, KEY_PATH),
           cli_paint(cli, PAINT_NONE), policy_text(section, KEY_GROUP),
           cli_paint(cli, PAINT_DIM), cli_title(section, title, sizeof(title)),
           cli_origin(&section->value[KEY_PATH].origin, where, sizeof(where)),
           cli_paint(cli, PAINT_NONE));
    print_state(cli, cache);
    if (cache->has_verdict) {
        report_print_gate(cli, section, cache->gid, &cache->verdict, 10);
        print_below(cli, cache);
    }
    if (cache->has_gid)
        report_print_tree(cli, cache);
    print_advice(cli, cache);
}

/* --- JSON ---------------------------------------------------------------- */

static void
write_cache(struct json *json, const struct cache *cache)
{
    const struct policy_section *section = cache->section;

    json_begin_object(json, NULL);
    json_path(json, "path", policy_text(section, KEY_PATH));
    json_string(json, "section", section->name);
    json_string(json, "group", policy_text(section, KEY_GROUP));
    if (cache->has_gid)
        json_number(json, "gid", cache->gid);
    else
        json_null(json, "gid");
    if (cache->is_judged)
        json_bool(json, "healthy", cache->healthy);
    else
        json_null(json, "healthy");
    json_string(json, "state", decision_state_name(cache->view.state));
    json_bool(json, "drift", cache->view.drift);
    json_string(json, "why",
                *cache->problem    ? cache->problem
                : *cache->view.why ? cache->view.why
                                   : NULL);
    json_number(json, "probes_running", cache->probes.running);
    json_number(json, "probe_oldest_ms", cache->probes.oldest_ms);
    if (cache->has_verdict) {
        json_number(json, "taken", cache->verdict.taken_wall);
        json_number(json, "age_ms", util_age_ms(cache->verdict.taken_ms));
        json_time(json, "since", cache->verdict.since_wall);
        json_number(json, "all_around", cache->verdict.round_wall);
        if (cache->verdict.unread_error)
            json_path(json, "unread", cache->verdict.unread_at);
        else
            json_null(json, "unread");
        report_write_way(json, &cache->verdict);
        report_write_gate(json, section, cache->gid, &cache->verdict);
        report_write_drifts(json, "drifts", cache->verdict.drifts,
                            cache->verdict.ndrifts);
        json_number(json, "more_drifts", (int64_t)cache->verdict.more_drifts);
    } else {
        json_null(json, "taken");
    }
    report_write_tree(json, cache);
    json_end_object(json);
}

/* --- Prometheus ---------------------------------------------------------- */

/* A label's value: path and group hold no control characters. */
static void
print_label(const char *name, const char *value)
{
    printf("%s=\"", name);
    cli_print_escaped(value, '"');
    putchar('"');
}

static double
measure_seconds(int64_t ms)
{
    return (double)ms / 1000;
}

static double
metric_healthy(const struct cache *cache)
{
    return cache->healthy;
}

static double
metric_one(const struct cache *cache)
{
    (void)cache;
    return 1;
}

static double
metric_drift(const struct cache *cache)
{
    return cache->view.drift;
}

static double
metric_drifts(const struct cache *cache)
{
    return (double)(cache->verdict.ndrifts + cache->verdict.more_drifts);
}

static double
metric_age(const struct cache *cache)
{
    return measure_seconds(util_age_ms(cache->verdict.taken_ms));
}

static double
metric_waiting(const struct cache *cache)
{
    return cache->probes.running ? measure_seconds(cache->probes.oldest_ms) : 0;
}

static double
metric_tree_age(const struct cache *cache)
{
    return measure_seconds(util_age_ms(cache->tree.taken_ms));
}

static double
metric_complete(const struct cache *cache)
{
    return cache->tree.complete && !cache->tree.interrupted_wall;
}

static double
metric_entries(const struct cache *cache)
{
    return (double)cache->tree.count[TREE_ENTRIES];
}

static double
metric_tree_alarms(const struct cache *cache)
{
    return (double)cache->tree.count[TREE_ALARMS];
}

static double
metric_tree_drifts(const struct cache *cache)
{
    return (double)cache->tree.count[TREE_DRIFTS];
}

static double
metric_tree_notes(const struct cache *cache)
{
    return (double)cache->tree.count[TREE_NOTES];
}

enum needs { NEEDS_NOTHING, NEEDS_JUDGEMENT, NEEDS_VERDICT, NEEDS_TREE };

/* Rows of one name stand together. */
static const struct metric {
    const char *name, *help;
    double (*measure)(const struct cache *cache);
    enum needs needs;
    bool names_state;     /* in a label; the value is 1 */
    const char *severity; /* in a label; NULL: none */
} metrics[] = {
    {"hfcache_healthy", "1 if the last verdicts find nothing wrong.",
     metric_healthy, NEEDS_JUDGEMENT, false, NULL},
    {"hfcache_state", "1 for the state that the cache is in.", metric_one,
     NEEDS_NOTHING, true, NULL},
    {"hfcache_gate_drift", "1 if root, hub or .locks differ from the layout.",
     metric_drift, NEEDS_VERDICT, false, NULL},
    {"hfcache_drifts", "Repositories and lock folders to be mended.",
     metric_drifts, NEEDS_VERDICT, false, NULL},
    {"hfcache_verdict_age_seconds", "Age of the last verdict.", metric_age,
     NEEDS_VERDICT, false, NULL},
    {"hfcache_probe_waiting_seconds",
     "How long the longest running probe has waited; 0 if none runs.",
     metric_waiting, NEEDS_NOTHING, false, NULL},
    {"hfcache_tree_age_seconds", "Age of the last check of the whole tree.",
     metric_tree_age, NEEDS_TREE, false, NULL},
    {"hfcache_tree_complete",
     "1 if neither that check nor one since was interrupted.",
     metric_complete, NEEDS_TREE, false, NULL},
    {"hfcache_tree_entries", "Entries of the tree in that check.",
     metric_entries, NEEDS_TREE, false, NULL},
    {"hfcache_tree_findings", "What that check found.", metric_tree_alarms,
     NEEDS_TREE, false, "alarm"},
    {"hfcache_tree_findings", "", metric_tree_drifts, NEEDS_TREE, false,
     "drift"},
    {"hfcache_tree_findings", "", metric_tree_notes, NEEDS_TREE, false,
     "note"},
};

/* Is there something to measure? */
static bool
is_measured(const struct metric *metric, const struct cache *cache)
{
    switch (metric->needs) {
    case NEEDS_JUDGEMENT:
        return cache->is_judged;
    case NEEDS_VERDICT:
        return cache->has_verdict;
    case NEEDS_TREE:
        return cache->has_tree;
    case NEEDS_NOTHING:
        break;
    }
    return true;
}

static void
print_sample(const struct metric *metric, const struct cache *cache)
{
    if (!is_measured(metric, cache))
        return;
    printf("%s{", metric->name);
    print_label("path", policy_text(cache->section, KEY_PATH));
    putchar(',');
    print_label("group", policy_text(cache->section, KEY_GROUP));
    if (metric->names_state) {
        putchar(',');
        print_label("state", decision_state_name(cache->view.state));
    }
    if (metric->severity) {
        putchar(',');
        print_label("severity", metric->severity);
    }
    printf("} %.15g\n", metric->measure(cache));
}

static void
print_metrics(const struct cache *caches, size_t count)
{
    for (size_t m = 0; m < ARRAY_LEN(metrics); m++) {
        const struct metric *metric = &metrics[m];

        if (*metric->help)
            printf("# HELP %s %s\n# TYPE %s gauge\n", metric->name,
                   metric->help, metric->name);
        for (size_t i = 0; i < count; i++)
            print_sample(metric, &caches[i]);
    }
}

/* --- the command --------------------------------------------------------- */

static void
show(const struct cli *cli, const struct cache *caches, size_t count)
{
    struct json json;

    if (cli->prometheus) {
        print_metrics(caches, count);
        return;
    }
    if (!cli->json) {
        for (size_t i = 0; i < count; i++)
            print_cache(cli, &caches[i], i == 0);
        if (count == 0)
            puts("no cache of the policy is for this machine");
        return;
    }
    json_begin_document(&json, stdout, "status");
    json_begin_array(&json, "caches");
    for (size_t i = 0; i < count; i++)
        write_cache(&json, &caches[i]);
    json_end_array(&json);
    json_end_document(&json);
}

int
cmd_status(const struct cli *cli)
{
    CLEANUP_FREE struct cache *caches = NULL;
    struct policy policy;
    size_t count = 0;
    int code;

    if (cli->json && cli->prometheus) {
        cli_error("status: --json or --prometheus, not both");
        return CLI_USAGE;
    }
    code = cli_load_policy(cli, &policy);
    if (code != CLI_FINE)
        return code;
    caches = calloc(policy.nsections, sizeof(*caches));
    for (size_t i = 0; caches && i < policy.nsections; i++)
        if (cli_is_for_this_host(&policy.sections[i]) &&
            !cli_is_repeated(&policy, i))
            report_load(&policy.sections[i], &caches[count++]);
    if (caches)
        show(cli, caches, count);
    for (size_t i = 0; i < count; i++) {
        if (caches[i].is_judged && !caches[i].healthy)
            code = CLI_FOUND;
        report_free(&caches[i]);
    }
    policy_free(&policy);
    if (!caches) {
        cli_error("out of memory");
        return CLI_UNFINISHED;
    }
    return code;
}
