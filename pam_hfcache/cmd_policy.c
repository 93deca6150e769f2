/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache policy: what the policy says, with the file and line of each value.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "membership.h"

/* --- text ---------------------------------------------------------------- */

/* How wide the column of values is: as the longest, within reason. */
static int
measure_values(const struct policy_section *section)
{
    size_t width = 12;

    for (int key = 0; key < POLICY_KEYS; key++) {
        size_t length = strlen(section->value[key].text);

        width = length > width && length <= 40 ? length : width;
    }
    return (int)width;
}

static void
print_row(const struct cli *cli, const char *name, int name_width,
          const char *value, int value_width, const struct origin *origin)
{
    char where[512];
    const char *paint = cli_paint(cli, origin->line ? PAINT_NONE : PAINT_DIM);

    printf("  %-*s  ", name_width, name);
    cli_print_safe(value);
    printf("%*s  %s%s%s\n",
           (int)strlen(value) < value_width ? value_width - (int)strlen(value)
                                            : 0,
           "", paint, cli_origin(origin, where, sizeof(where)),
           cli_paint(cli, PAINT_NONE));
}

static void
print_section(const struct cli *cli, const struct policy_section *section)
{
    char title[300], where[512];
    int width = measure_values(section);

    printf("\n%s%s%s%s%s\n", cli_paint(cli, PAINT_BOLD),
           cli_title(section, title, sizeof(title)), cli_paint(cli, PAINT_NONE),
           section->origin.line ? "  " : "",
           section->origin.line
               ? cli_origin(&section->origin, where, sizeof(where))
               : "");
    for (int key = 0; key < POLICY_KEYS; key++)
        print_row(cli, policy_keys[key].name, 16, section->value[key].text,
                  width, &section->value[key].origin);
}

static void
print_env_section(const struct cli *cli, const struct policy *policy,
                  const char *section)
{
    int width = 12, name_width = 16;
    bool any = false;

    for (size_t i = 0; i < policy->nenvs; i++) {
        const struct policy_env *env = &policy->envs[i];

        if (strcmp(env->section, section) != 0)
            continue;
        any = true;
        if ((int)strlen(env->value) > width)
            width = (int)strlen(env->value);
        if ((int)strlen(env->name) > name_width)
            name_width = (int)strlen(env->name);
    }
    if (!any)
        return;
    printf("\n%s[env%s%s]%s\n", cli_paint(cli, PAINT_BOLD), *section ? " " : "",
           section, cli_paint(cli, PAINT_NONE));
    for (size_t i = 0; i < policy->nenvs; i++) {
        const struct policy_env *env = &policy->envs[i];

        if (strcmp(env->section, section) == 0)
            print_row(cli, env->name, name_width,
                      *env->value ? env->value : "(left out)", width,
                      &env->origin);
    }
}

/* A typing error in a name is no mistake of the policy's, which fleets share. */
static void
print_unknown(const struct cli *cli, const struct policy_section *section)
{
    const struct policy_value *users = &section->value[KEY_USERS];
    const char *cursor = users->text;
    char item[256], where[512];
    bool negated;

    while (policy_next_item(&cursor, item, sizeof(item), &negated)) {
        if (strcmp(item, "*") == 0 || (*item >= '0' && *item <= '9') ||
            (*item == '@' ? membership_knows_group(item + 1)
                          : membership_knows_user(item)))
            continue;
        printf("\n%s%s: users: no %s \"", cli_paint(cli, PAINT_WARN),
               cli_origin(&users->origin, where, sizeof(where)),
               *item == '@' ? "group" : "user");
        cli_print_safe(item + (*item == '@'));
        printf("\" on this machine%s\n", cli_paint(cli, PAINT_NONE));
    }
}

static void
print_text(const struct cli *cli, const struct policy *policy)
{
    printf("%spolicy%s  ", cli_paint(cli, PAINT_BOLD),
           cli_paint(cli, PAINT_NONE));
    for (size_t i = 0; i < policy->nfiles; i++) {
        printf("%s", i > 0 ? ", then " : "");
        cli_print_safe(policy->files[i]);
    }
    if (policy->nfiles == 0)
        printf("%s does not exist: built-in defaults", POLICY_DEFAULT_FILE);
    putchar('\n');
    if (policy->nsections > 1)
        puts("        the first section that matches a login takes it");
    for (size_t i = 0; i < policy->nsections; i++)
        print_section(cli, &policy->sections[i]);
    print_env_section(cli, policy, "");
    for (size_t i = 0; i < policy->nsections; i++)
        if (*policy->sections[i].name)
            print_env_section(cli, policy, policy->sections[i].name);
    for (size_t i = 0; i < policy->nsections; i++)
        print_unknown(cli, &policy->sections[i]);
}

/* --- JSON ---------------------------------------------------------------- */

static void
write_section(struct json *json, const struct policy_section *section)
{
    json_begin_object(json, NULL);
    json_string(json, "name", section->name);
    json_place(json, section->origin.file, section->origin.line);
    json_begin_object(json, "values");
    for (int key = 0; key < POLICY_KEYS; key++) {
        const struct policy_value *value = &section->value[key];

        json_begin_object(json, policy_keys[key].name);
        json_string(json, "value", value->text);
        json_place(json, value->origin.file, value->origin.line);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

static void
write_json(const struct policy *policy)
{
    struct json json;

    json_begin_document(&json, stdout, "policy");
    json_begin_array(&json, "files");
    for (size_t i = 0; i < policy->nfiles; i++) {
        json_begin_object(&json, NULL);
        json_path(&json, "path", policy->files[i]);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_begin_array(&json, "sections");
    for (size_t i = 0; i < policy->nsections; i++)
        write_section(&json, &policy->sections[i]);
    json_end_array(&json);
    json_begin_array(&json, "env");
    for (size_t i = 0; i < policy->nenvs; i++) {
        const struct policy_env *env = &policy->envs[i];

        json_begin_object(&json, NULL);
        json_string(&json, "section", env->section);
        json_string(&json, "name", env->name);
        json_string(&json, "value", env->value);
        json_place(&json, env->origin.file, env->origin.line);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_document(&json);
}

int
cmd_policy(const struct cli *cli)
{
    struct policy policy;
    int code = cli_load_policy(cli, &policy);

    if (code != CLI_FINE)
        return code;
    if (cli->json)
        write_json(&policy);
    else
        print_text(cli, &policy);
    policy_free(&policy);
    return CLI_FINE;
}
