/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the last look at a cache saw: see report.h.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "membership.h"
#include "membership_names.h"

#define SHOWN_DRIFTS 20

/* --- what is known ------------------------------------------------------- */

static void
judge(struct cache *cache)
{
    struct knowledge known = {
        .gid = cache->gid,
        .member = MEMBER_YES,
        .verdict = cache->has_verdict ? &cache->verdict : NULL,
    };

    if (cache->has_verdict)
        known.age_ms = util_age_ms(cache->verdict.taken_ms);
    known.waiting_ms = verdict_waiting_ms(&cache->probes, known.verdict);
    decision_judge(cache->section, &known, &cache->view);
    cache->healthy = cache->has_verdict && !cache->view.drift &&
                     cache->view.state == STATE_USABLE &&
                     cache->verdict.ndrifts == 0 &&
                     !cache->verdict.unread_error && !report_tree_is_bad(cache);
    cache->is_judged = cache->view.state != STATE_UNVERIFIED ||
                       report_tree_is_bad(cache);
}

void
report_load(const struct policy_section *section, struct cache *ret)
{
    const char *path = policy_text(section, KEY_PATH);
    struct err err = {0};
    int r;

    *ret = (struct cache){.section = section, .is_judged = true};
    if (membership_group(section, &ret->gid, &err) < 0) {
        snprintf(ret->problem, sizeof(ret->problem), "%s", err.text);
        ret->group_error = err.code;
        ret->view.state = STATE_UNKNOWN;
        return;
    }
    ret->has_gid = true;
    r = verdict_read(VERDICT_DIR, 0, path, ret->gid, &ret->verdict, &err);
    ret->has_verdict = r == 0;
    if (r < 0 && r != -ENOENT && r != -ESTALE)
        snprintf(ret->problem, sizeof(ret->problem), "%s", err.text);
    (void)verdict_probe_state(VERDICT_DIR, 0, path, ret->gid, &ret->probes,
                              NULL);
    report_load_tree(ret);
    judge(ret);
}

void
report_free(struct cache *cache)
{
    verdict_free(&cache->verdict);
    verdict_tree_free(&cache->tree);
}

static unsigned
judge_gate(const struct policy_section *section, gid_t gid,
           const struct verdict *verdict, enum gate gate)
{
    struct layout_rules rules = {
        .gid = gid,
        .mode = policy_mode(section),
        .acl = (int)policy_number(section, KEY_ACL),
    };

    return layout_judge_gate(gate, &verdict->gate[gate],
                             &verdict->gate[GATE_HUB], &rules);
}

/* --- text ---------------------------------------------------------------- */

enum paint
report_paint(const struct view *view)
{
    switch (view->state) {
    case STATE_USABLE:
        return view->drift ? PAINT_WARN : PAINT_GOOD;
    case STATE_UNVERIFIED:
    case STATE_UNKNOWN:
    case STATE_SLOW:
        return PAINT_WARN;
    case STATE_NOT_MEMBER:
    case STATE_ABSENT:
    case STATE_CLOSED:
    case STATE_ERROR:
    case STATE_HUNG:
        break;
    }
    return PAINT_BAD;
}

const char *
report_advice(enum state state, bool drift)
{
    switch (state) {
    case STATE_ABSENT:
    case STATE_CLOSED:
        return "sudo hfcache setup";
    case STATE_USABLE:
        return drift ? "sudo hfcache setup" : NULL;
    case STATE_HUNG:
    case STATE_SLOW:
    case STATE_ERROR:
        return "see to its file system; the first login after it answers "
               "looks again";
    case STATE_UNKNOWN:
    case STATE_NOT_MEMBER:
    case STATE_UNVERIFIED:
        break;
    }
    return NULL;
}

const char *
report_group_advice(int error)
{
    if (error == EPERM) /* a reserved one: the policy is to be changed */
        return NULL;
    return error == ENOENT ? "sudo hfcache setup"
                           : "see to the directory that NSS asks for groups";
}

void
report_format_mode(mode_t mode, char ret[11])
{
    static const char letters[] = "rwxrwxrwx";

    ret[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : '-';
    for (unsigned i = 0; i < 9; i++)
        ret[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
    if (mode & S_ISUID)
        ret[3] = mode & S_IXUSR ? 's' : 'S';
    if (mode & S_ISGID)
        ret[6] = mode & S_IXGRP ? 's' : 'S';
    if (mode & S_ISVTX)
        ret[9] = mode & S_IXOTH ? 't' : 'T';
    ret[10] = '\0';
}

static void
print_folder(const struct cli *cli, const struct inode_fact *fact,
             unsigned what)
{
    char user[MEMBERSHIP_NAME_SIZE], group[MEMBERSHIP_NAME_SIZE];
    char mode[11], owner[2 * MEMBERSHIP_NAME_SIZE], drift[160] = "";
    struct text text = TEXT_INIT(drift);

    report_format_mode(fact->mode, mode);
    membership_user_name(fact->uid, user, sizeof(user));
    membership_group_name(fact->gid, group, sizeof(group));
    snprintf(owner, sizeof(owner), "%s:%s", user, group);
    printf("%-18s %s %04o  default ACL %s", owner, mode, fact->mode & 07777,
           layout_acl_text(fact->acl));
    layout_add_findings(what, &text);
    if (what)
        printf("  %s<- %s%s", cli_paint(cli, PAINT_WARN), drift,
               cli_paint(cli, PAINT_NONE));
}

void
report_print_gate(const struct cli *cli, const struct policy_section *section,
                  gid_t gid, const struct verdict *verdict, int indent)
{
    const char *root = policy_text(section, KEY_PATH);
    int width = (int)strlen(root) > 10 ? (int)strlen(root) : 10;

    if (verdict->way_error) {
        report_print_way(cli, section, verdict, indent);
        return;
    }
    for (unsigned i = 0; i < GATES; i++) {
        const struct inode_fact *fact = &verdict->gate[i];

        printf("%*s%-*s  ", indent, "", width, i ? layout_gate_paths[i] : root);
        if (fact->error == ENOENT && i == GATE_BLOBS)
            printf("%snot there; clients that want it make it%s",
                   cli_paint(cli, PAINT_DIM), cli_paint(cli, PAINT_NONE));
        else if (fact->error)
            printf("%s%s%s", cli_paint(cli, PAINT_WARN), strerror(fact->error),
                   cli_paint(cli, PAINT_NONE));
        else
            print_folder(cli, fact,
                         judge_gate(section, gid, verdict, (enum gate)i));
        putchar('\n');
    }
}

void
report_print_drifts(const struct cli *cli, const struct drift *drifts,
                    size_t count, size_t more)
{
    size_t shown = count < SHOWN_DRIFTS ? count : SHOWN_DRIFTS;

    for (size_t i = 0; i < shown; i++) {
        char owner[MEMBERSHIP_NAME_SIZE], what[160] = "";
        struct text text = TEXT_INIT(what);

        membership_user_name(drifts[i].owner, owner, sizeof(owner));
        layout_add_findings(drifts[i].what, &text);
        printf("          %-12s ", owner);
        cli_print_safe(drifts[i].name);
        printf("  %s%s%s\n", cli_paint(cli, PAINT_WARN), what,
               cli_paint(cli, PAINT_NONE));
    }
    if (count + more > shown)
        printf("          ... and %zu more (--json names %zu)\n",
               count + more - shown, count);
}

/* --- JSON ---------------------------------------------------------------- */

void
report_write_findings(struct json *json, const char *key, unsigned what)
{
    json_begin_array(json, key);
    for (const struct layout_finding *finding = layout_findings; finding->bit;
         finding++)
        if (what & finding->bit)
            json_string(json, NULL, finding->word);
    json_end_array(json);
}

void
report_write_owner(struct json *json, uid_t uid)
{
    char name[MEMBERSHIP_NAME_SIZE];
    bool known = membership_user_name(uid, name, sizeof(name));

    json_number(json, "uid", uid);
    json_string(json, "owner", known ? name : NULL);
}

void
report_write_owners(struct json *json, uid_t uid, gid_t gid)
{
    char name[MEMBERSHIP_NAME_SIZE];
    bool known = membership_group_name(gid, name, sizeof(name));

    report_write_owner(json, uid);
    json_number(json, "gid", gid);
    json_string(json, "group", known ? name : NULL);
}

static void
write_folder(struct json *json, const struct inode_fact *fact)
{
    if (fact->error) {
        json_string(json, "error", strerror(fact->error));
        return;
    }
    json_null(json, "error");
    report_write_owners(json, fact->uid, fact->gid);
    json_mode(json, "mode", fact->mode);
    json_string(json, "default_acl", layout_acl_text(fact->acl));
}

void
report_write_gate(struct json *json, const struct policy_section *section,
                  gid_t gid, const struct verdict *verdict)
{
    const char *root = policy_text(section, KEY_PATH);

    json_begin_array(json, "gate");
    for (unsigned i = 0; i < GATES && !verdict->way_error; i++) {
        char path[4300];

        snprintf(path, sizeof(path), "%s%s%s", root, i ? "/" : "",
                 layout_gate_paths[i]);
        json_begin_object(json, NULL);
        json_path(json, "path", path);
        write_folder(json, &verdict->gate[i]);
        report_write_findings(
            json, "drift", judge_gate(section, gid, verdict, (enum gate)i));
        json_end_object(json);
    }
    if (verdict->way_error) {
        json_begin_object(json, NULL);
        json_path(json, "path", verdict->way_at);
        json_string(json, "error", strerror(verdict->way_error));
        json_end_object(json);
    }
    json_end_array(json);
}

void
report_write_drifts(struct json *json, const char *key,
                    const struct drift *drifts, size_t count)
{
    json_begin_array(json, key);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(json, NULL);
        json_path(json, "path", drifts[i].name);
        report_write_owner(json, drifts[i].owner);
        report_write_findings(json, "drift", drifts[i].what);
        json_end_object(json);
    }
    json_end_array(json);
}
