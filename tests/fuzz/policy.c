/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of a policy.  Refused with one sentence, or loaded whole; then what
 * it says holds for every login: values within their bounds, variables that
 * are allowed, no secret and no code in the shared cache, and the same policy
 * once more when it is written out and read again.
 */
#include "fuzz.h"

#include <errno.h>

#include "decision.h"

/* --- what a loaded policy is --------------------------------------------- */

static bool
is_plain(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static void
check_value(enum policy_key key, const struct policy_value *value)
{
    const struct policy_key_info *info = &policy_keys[key];
    int64_t count = 0;

    MUST(value->text && *value->text && is_plain(value->text));
    switch (info->type) {
    case TYPE_PATH:
        MUST(!policy_path_problem(value->text));
        break;
    case TYPE_GROUP:
        MUST(!policy_group_is_reserved(value->text, (gid_t)value->number));
        break;
    case TYPE_CHOICE:
        while (info->choices[count])
            count++;
        MUST(value->number >= 0 && value->number < count);
        MUST(strcmp(info->choices[value->number], value->text) == 0);
        break;
    case TYPE_UID:
    case TYPE_DURATION:
        MUST(value->number >= (int64_t)info->min &&
             value->number <= (int64_t)info->max);
        break;
    case TYPE_USERS:
    case TYPE_PATTERNS:
        break;
    }
}

static void
check_sections(const struct policy *policy)
{
    MUST(policy->nsections > 0);
    for (size_t i = 0; i < policy->nsections; i++) {
        const struct policy_section *section = &policy->sections[i];

        MUST(!*section->name == (i + 1 == policy->nsections));
        for (unsigned key = 0; key < POLICY_KEYS; key++)
            check_value((enum policy_key)key, &section->value[key]);
    }
}

/* --- written out and read again ------------------------------------------ */

static void
write_policy(FILE *out, const struct policy *policy)
{
    for (size_t i = 0; i < policy->nsections; i++) {
        const struct policy_section *section = &policy->sections[i];

        fprintf(out, "[cache%s%s]\n", *section->name ? " " : "", section->name);
        for (unsigned key = 0; key < POLICY_KEYS; key++)
            fprintf(out, "%s=%s\n", policy_keys[key].name,
                    section->value[key].text);
    }
    for (size_t i = 0; i < policy->nenvs; i++) {
        const char *name = policy->envs[i].section;
        bool is_first = true;

        for (size_t k = 0; k < i; k++)
            is_first = is_first && strcmp(policy->envs[k].section, name) != 0;
        if (is_first)
            fprintf(out, "[env%s%s]\n", *name ? " " : "", name);
        for (size_t k = i; is_first && k < policy->nenvs; k++)
            if (strcmp(policy->envs[k].section, name) == 0)
                fprintf(out, "%s=%s\n", policy->envs[k].name,
                        policy->envs[k].value);
    }
}

static void
check_again(const struct policy *policy)
{
    struct policy again;
    char *text = NULL, *second = NULL;
    size_t length, second_length;
    FILE *out = open_memstream(&text, &length);

    write_policy(out, policy);
    fclose(out);
    MUST(policy_load_text("F", text, length, &again, NULL) == 0);
    out = open_memstream(&second, &second_length);
    write_policy(out, &again);
    fclose(out);
    MUST(length == second_length && memcmp(text, second, length) == 0);
    policy_free(&again);
    free(text);
    free(second);
}

/* --- what it makes of logins --------------------------------------------- */

/* A name's place after all "." and "..", links left out of account. */
static void
resolve(const char *path, char ret[4096])
{
    size_t length = 0;

    for (; *path; path += strcspn(path, "/")) {
        size_t name;

        path += strspn(path, "/");
        name = strcspn(path, "/");
        if (name == 0 || (name == 1 && *path == '.'))
            continue;
        if (name == 2 && path[0] == '.' && path[1] == '.') {
            while (length > 0 && ret[--length] != '/')
                continue;
            continue;
        }
        ret[length++] = '/';
        memcpy(ret + length, path, name);
        length += name;
    }
    ret[length] = '\0';
}

static void
check_private(const char *name, const char *value, const char *cache)
{
    static const char *const names[] = {"HF_TOKEN_PATH", "HF_MODULES_CACHE",
                                        "KERNELS_CACHE"};
    char place[4096];
    size_t length = strlen(cache);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        MUST(*value == '/');
        resolve(value, place);
        MUST(strncmp(place, cache, length) != 0 ||
             (place[length] && place[length] != '/'));
    }
}

static void
check_variable(const char *assignment, const char *cache)
{
    static const char *const starts[] = {
        "HF_",    "HUGGINGFACE_", "TORCH_",  "TORCHINDUCTOR_", "TRITON_",
        "VLLM_",  "SENTENCE_",    "LLAMA_",  "TRACKIO_",       "KERNELS_"};
    const char *equal = strchr(assignment, '=');
    char name[300];
    bool is_known = false;

    MUST(equal && equal > assignment && equal - assignment < 299);
    MUST(is_plain(assignment));
    snprintf(name, sizeof(name), "%.*s", (int)(equal - assignment), assignment);
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        is_known = is_known || util_has_prefix(name, starts[i]);
    MUST(is_known && strcmp(name, "HF_TOKEN") != 0);
    check_private(name, equal + 1, cache);
}

static bool
is_in_group(const struct subject *subject, const char *name, bool leaves_out)
{
    (void)leaves_out;
    return subject->uid % 2 == (unsigned char)*name % 2;
}

static void
check_login(const struct policy *policy, const struct subject *subject)
{
    struct environment environment = {.count = 77};
    struct knowledge known = {.gid = 900, .member = MEMBER_YES};
    struct lines why = {NULL, 0};
    struct err err = {0};
    struct view view;
    const struct policy_section *section =
        decision_section(policy, subject, &why);
    int r;

    MUST(section == decision_section(policy, subject, NULL));
    lines_free(&why);
    if (!section)
        return;
    MUST(subject->uid >= (uid_t)policy_number(section, KEY_MIN_UID));
    decision_judge(section, &known, &view);
    (void)decision_exports(section, &view);
    r = decision_environment(policy, section, subject, &environment, &err);
    if (r < 0) {
        MUST(r == -EINVAL && *err.text && environment.count == 77);
        return;
    }
    MUST(environment.count > 0);
    for (size_t i = 0; i < environment.count; i++)
        check_variable(environment.variable[i].assignment,
                       policy_text(section, KEY_PATH));
    decision_free_environment(&environment);
}

static const struct subject subjects[] = {
    {.user = "alice", .uid = 1000, .gid = 1000, .home = "/home/alice",
     .service = "sshd", .host = "gpu01.example.org", .in_group = is_in_group},
    {.user = "bob", .uid = 70001, .gid = 100, .home = "/srv/huggingface/bob",
     .service = "cron", .host = "GPU02", .in_group = is_in_group},
    {.user = "c.d-e$", .uid = 1001, .gid = 1001, .home = "/u/%p/../%h",
     .service = "", .host = ""},
    {.user = "root", .uid = 0, .gid = 0, .home = "/root", .service = "su",
     .host = "gpu01"},
    {.user = "e", .uid = 1002, .gid = 1002, .home = "home", .service = "su",
     .host = "x"},
};

FUZZ(data, size)
{
    struct policy policy = {.nsections = 77};
    struct err err = {0};
    int r = policy_load_text("F", data, size, &policy, &err);

    if (r < 0) {
        MUST(r == -EINVAL && policy.nsections == 77);
        MUST(util_has_prefix(err.text, "F:") && is_plain(err.text));
        return;
    }
    check_sections(&policy);
    check_again(&policy);
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        check_login(&policy, &subjects[i]);
    policy_free(&policy);
}
