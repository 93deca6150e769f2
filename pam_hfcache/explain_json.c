/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache explain --json: see explain_json.h.
 */
#include "explain_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "report.h"

static void
write_side(struct json *json, const struct pamside *side)
{
    const struct pamentry *entry;

    json_begin_object(json, side->type);
    json_bool(json, "reached", side->reached);
    json_string(json, "problem", *side->problem ? side->problem : NULL);
    if (side->has_line) {
        entry = &side->stack.entry[side->at];
        json_place(json, entry->file, entry->number);
        json_path(json, "module", entry->module);
        json_string(json, "arguments", entry->arguments);
        json_bool(json, "from_other", side->stack.from_other);
    }
    if (side->has_line && side->passed_by != side->at) {
        entry = &side->stack.entry[side->passed_by];
        json_begin_object(json, "passed_over_by");
        json_place(json, entry->file, entry->number);
        json_end_object(json);
    }
    json_end_object(json);
}

static void
write_policy(struct json *json, const struct login *login,
             const struct lines *why)
{
    json_begin_object(json, "policy");
    json_begin_array(json, "files");
    for (size_t i = 0; i < login->policy.nfiles; i++) {
        json_begin_object(json, NULL);
        json_path(json, "path", login->policy.files[i]);
        json_end_object(json);
    }
    json_end_array(json);
    if (login->section) {
        json_begin_object(json, "section");
        json_string(json, "name", login->section->name);
        json_place(json, login->section->origin.file,
                   login->section->origin.line);
        json_end_object(json);
    } else {
        json_null(json, "section");
    }
    json_begin_array(json, "why");
    for (size_t i = 0; i < why->count; i++)
        json_string(json, NULL, why->line[i]);
    json_end_array(json);
    json_end_object(json);
}

static void
write_giver(struct json *json, const struct giver *giver)
{
    static const char *const words[] = {
        [GIVER_UNASKED] = NULL,        [GIVER_PRIMARY] = "primary group",
        [GIVER_HFCACHE] = "hfcache",   [GIVER_OTHERS] = "others",
        [GIVER_UNKNOWN] = NULL,
    };

    json_string(json, "given_by", words[giver->who]);
    json_time(json, "since", giver->since);
}

static void
write_group(struct json *json, const struct explanation *it)
{
    const struct login *login = it->login;

    json_begin_object(json, "group");
    json_string(json, "name", policy_text(login->section, KEY_GROUP));
    if (login->has_gid)
        json_number(json, "gid", login->gid);
    else
        json_null(json, "gid");
    json_string(json, "member", decision_member_name(login->member));
    json_bool(json, "lasting", login->lasting);
    write_giver(json, &it->giver);
    json_string(json, "membership",
                policy_text(login->section, KEY_MEMBERSHIP));
    json_end_object(json);
}

static void
write_cache(struct json *json, const struct login *login)
{
    json_begin_object(json, "cache");
    json_path(json, "path", policy_text(login->section, KEY_PATH));
    json_string(json, "state", decision_state_name(login->view.state));
    json_bool(json, "drift", login->view.drift);
    json_string(json, "why", *login->view.why ? login->view.why : NULL);
    json_string(json, "problem", *login->problem ? login->problem : NULL);
    json_number(json, "own_drifts", (int64_t)login->own_drifts);
    json_bool(json, "tree_closed", login->tree_error == EACCES);
    if (login->verdict) {
        json_number(json, "age_ms", login->age_ms);
        report_write_way(json, login->verdict);
        report_write_gate(json, login->section, login->gid, login->verdict);
    } else {
        json_null(json, "age_ms");
    }
    json_end_object(json);
}

static void
write_variables(struct json *json, const struct environment *environment)
{
    json_begin_array(json, "variables");
    for (size_t i = 0; i < environment->count; i++) {
        const struct variable *variable = &environment->variable[i];
        CLEANUP_FREE char *name = strdup(variable->assignment);

        if (!name)
            continue;
        name[strcspn(name, "=")] = '\0';
        json_begin_object(json, NULL);
        json_string(json, "name", name);
        json_path(json, "value", name + strlen(name) + 1);
        json_place(json, variable->origin.file, variable->origin.line);
        json_end_object(json);
    }
    json_end_array(json);
}

void
explain_write_json(const struct explanation *it, const struct lines *why)
{
    const struct login *login = it->login;
    struct json json;

    json_begin_document(&json, stdout, "explain");
    json_string(&json, "user", it->user);
    json_string(&json, "service", it->service);
    json_begin_object(&json, "pam");
    write_side(&json, &it->session);
    write_side(&json, &it->auth);
    json_end_object(&json);
    write_policy(&json, login, why);
    if (login->section) {
        write_group(&json, it);
        write_cache(&json, login);
    }
    json_bool(&json, "sets_variables", it->session.reached && login->exports);
    write_variables(&json, &login->environment);
    report_write_home(&json, &it->home);
    json_end_document(&json);
}
