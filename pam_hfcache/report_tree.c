/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the last check of a whole tree found: see report.h.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>

void
report_load_tree(struct cache *cache)
{
    struct err err = {0};
    int r = verdict_tree_read(VERDICT_DIR, 0,
                              policy_text(cache->section, KEY_PATH),
                              cache->gid, &cache->tree, &err);

    cache->has_tree = r == 0;
    cache->tree_closed = r == -EACCES;
    if (r < 0 && r != -EACCES && r != -ENOENT && r != -ESTALE)
        snprintf(cache->tree_problem, sizeof(cache->tree_problem), "%s",
                 err.text);
}

bool
report_tree_is_bad(const struct cache *cache)
{
    return cache->has_tree && (cache->tree.count[TREE_ALARMS] ||
                               cache->tree.count[TREE_DRIFTS]);
}

/* --- text ---------------------------------------------------------------- */

static void
add_findings(struct text *text, const struct tree_verdict *tree)
{
    cli_add_counted(text, tree->count[TREE_ALARMS], "alarm", "alarms");
    text_add(text, ", ");
    cli_add_counted(text, tree->count[TREE_DRIFTS], "drift", "drifts");
    if (tree->count[TREE_FOLDERS]) {
        text_add(text, " in ");
        cli_add_counted(text, tree->count[TREE_FOLDERS], "repository",
                        "repositories");
    }
    if (tree->count[TREE_NOTES]) {
        text_add(text, ", ");
        cli_add_counted(text, tree->count[TREE_NOTES], "note", "notes");
    }
}

/* What was not looked at anew. */
static void
print_reused(const struct tree_verdict *tree)
{
    char line[160] = "";
    struct text text = TEXT_INIT(line);

    if (!tree->count[TREE_REUSED])
        return;
    cli_add_count(&text, tree->count[TREE_REUSED]);
    text_add(&text, " of them unchanged since earlier checks, the oldest ");
    cli_add_since(&text, tree->oldest_wall);
    printf("          %s ago\n", line);
}

/* A later check, which saw less. */
static void
print_interrupted(const struct tree_verdict *tree)
{
    char age[64] = "";
    struct text text = TEXT_INIT(age);

    if (!tree->interrupted_wall)
        return;
    cli_add_since(&text, tree->interrupted_wall);
    printf("          a check was interrupted %s ago; what it found is added\n",
           age);
}

/* What has become of it since. */
static void
print_given(const struct tree_verdict *tree)
{
    char line[64] = "";
    struct text text = TEXT_INIT(line);

    if (!tree->count[TREE_GIVEN])
        return;
    cli_add_counted(&text, tree->count[TREE_GIVEN], "repository", "repositories");
    printf("          %s given to their owners' logins since; the next check "
           "tells what is left\n", line);
}

static void
print_found(const struct cli *cli, const struct tree_verdict *tree)
{
    char age[64] = "", entries[64] = "", findings[200] = "";
    struct text age_text = TEXT_INIT(age), entries_text = TEXT_INIT(entries),
                findings_text = TEXT_INIT(findings);
    enum paint paint = tree->count[TREE_ALARMS]   ? PAINT_BAD
                       : tree->count[TREE_DRIFTS] ? PAINT_WARN
                                                  : PAINT_NONE;

    cli_add_duration(&age_text, util_age_ms(tree->taken_ms));
    cli_add_counted(&entries_text, tree->count[TREE_ENTRIES], "entry", "entries");
    add_findings(&findings_text, tree);
    printf("  tree    checked %s ago%s: %s, %s%s%s\n", age,
           tree->complete ? "" : ", interrupted", entries,
           cli_paint(cli, paint), findings, cli_paint(cli, PAINT_NONE));
    print_reused(tree);
    print_interrupted(tree);
    report_print_drifts(cli, tree->named, tree->nnamed, tree->more_named);
    print_given(tree);
}

void
report_print_tree(const struct cli *cli, const struct cache *cache)
{
    if (cache->has_tree)
        print_found(cli, &cache->tree);
    else if (cache->tree_closed)
        printf("  tree    what the last check found is for root and members "
               "of %s to read\n",
               policy_text(cache->section, KEY_GROUP));
    else if (*cache->tree_problem)
        printf("  tree    %snot believed: %s%s\n", cli_paint(cli, PAINT_WARN),
               cache->tree_problem, cli_paint(cli, PAINT_NONE));
    else
        puts("  tree    never checked; sudo hfcache check");
}

/* --- JSON ---------------------------------------------------------------- */

static void
write_found(struct json *json, const struct tree_verdict *tree)
{
    json_number(json, "taken", tree->taken_wall);
    json_number(json, "age_ms", util_age_ms(tree->taken_ms));
    json_bool(json, "complete", tree->complete);
    for (unsigned i = 0; i < TREE_COUNTS; i++)
        json_number(json, verdict_tree_words[i], (int64_t)tree->count[i]);
    json_time(json, "oldest", tree->oldest_wall);
    json_time(json, "interrupted", tree->interrupted_wall);
    report_write_drifts(json, "named", tree->named, tree->nnamed);
    json_number(json, "more_named", (int64_t)tree->more_named);
}

void
report_write_tree(struct json *json, const struct cache *cache)
{
    if (!cache->has_tree && !cache->tree_closed && !*cache->tree_problem) {
        json_null(json, "tree");
        return;
    }
    json_begin_object(json, "tree");
    json_string(json, "error",
                cache->tree_closed     ? "for root and members to read"
                : *cache->tree_problem ? cache->tree_problem
                                       : NULL);
    if (cache->has_tree)
        write_found(json, &cache->tree);
    json_end_object(json);
}
