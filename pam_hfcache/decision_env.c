/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The variables of a login.  Pure.
 *
 * Why each companion: HF_HOME alone would put everybody's token, and code that
 * everybody's Python imports, into the shared folder; the rest is written
 * below HF_HOME by its library with no thought of other users, and the root of
 * the cache is closed to writing on purpose.
 */
#include "decision.h"

#include <errno.h>
#include <string.h>

#define OWN "%h/.cache/huggingface"

struct preset {
    const char *name;
    const char *value;
    enum policy_key key; /* whose origin it has */
    int datasets;        /* only with this value of `datasets`; ALWAYS */
};

#define ALWAYS (-1)

static const struct preset shared_home[] = {
    {"HF_HOME", "%p", KEY_PATH, ALWAYS},
    {"HF_TOKEN_PATH", OWN "/token", KEY_HOME, ALWAYS},
    {"HF_MODULES_CACHE", OWN "/modules", KEY_HOME, ALWAYS},
    {"KERNELS_CACHE", OWN "/kernels", KEY_HOME, ALWAYS},
    {"HF_XET_CACHE", OWN "/xet", KEY_HOME, ALWAYS},
    {"HF_ASSETS_CACHE", OWN "/assets", KEY_HOME, ALWAYS},
    /* shared: it is $HF_HOME/datasets without our help */
    {"HF_DATASETS_CACHE", OWN "/datasets", KEY_DATASETS, DATASETS_PRIVATE},
    {"HF_EVALUATE_CACHE", OWN "/evaluate", KEY_HOME, ALWAYS},
    {"HF_METRICS_CACHE", OWN "/metrics", KEY_HOME, ALWAYS},
    {"HF_LEROBOT_HOME", OWN "/lerobot", KEY_HOME, ALWAYS},
    {"TRACKIO_DIR", OWN "/trackio", KEY_HOME, ALWAYS},
};

static const struct preset private_home[] = {
    {"HF_HOME", OWN, KEY_HOME, ALWAYS},
    {"HF_HUB_CACHE", "%p/hub", KEY_PATH, ALWAYS},
    {"HUGGINGFACE_HUB_CACHE", "%p/hub", KEY_PATH, ALWAYS},
    {"KERNELS_CACHE", OWN "/kernels", KEY_HOME, ALWAYS},
    {"HF_DATASETS_CACHE", "%p/datasets", KEY_DATASETS, DATASETS_SHARED},
};

struct builder {
    const struct policy *policy;
    const struct policy_section *section;
    const struct subject *subject;
    struct environment *environment;
    struct err *err;
};

/* Expand %u %U %h %p %% of `value`; no expansion is expanded again. */
static void
expand(const struct builder *builder, const char *value, struct text *text)
{
    for (; *value; value++) {
        if (*value != '%') {
            text_add_char(text, *value);
            continue;
        }
        switch (*++value) {
        case 'u':
            text_add(text, builder->subject->user);
            break;
        case 'U':
            text_addf(text, "%u", builder->subject->uid);
            break;
        case 'h':
            text_add(text, builder->subject->home);
            break;
        case 'p':
            text_add(text, policy_text(builder->section, KEY_PATH));
            break;
        default:
            text_add_char(text, '%');
            break;
        }
    }
}

static int
add_variable(const struct builder *builder, const char *name,
             const char *value, const struct origin *origin)
{
    struct environment *environment = builder->environment;
    char buffer[2048] = "";
    struct text text = TEXT_INIT(buffer);
    size_t start;
    int result;

    text_addf(&text, "%s=", name);
    start = text.length;
    expand(builder, value, &text);
    if (text.full)
        return err_set(builder->err, EINVAL,
                       "%s: the value is too long once expanded", name);
    result = policy_check_private(name, buffer + start,
                                  policy_text(builder->section, KEY_PATH),
                                  builder->err);
    if (result < 0)
        return result;
    if (environment->count == DECISION_MAX_VARIABLES)
        return err_set(builder->err, EINVAL, "more than %d variables",
                       DECISION_MAX_VARIABLES);
    environment->variable[environment->count] =
        (struct variable){strdup(buffer), *origin};
    if (!environment->variable[environment->count].assignment)
        return err_sys(builder->err, ENOMEM, "variable %s", name);
    environment->count++;
    return 0;
}

/* What [env NAME], or else [env], says of the variable; NULL: nothing. */
static const struct policy_env *
find_override(const struct builder *builder, const char *name)
{
    const struct policy_env *found = NULL;

    for (size_t i = 0; i < builder->policy->nenvs; i++) {
        const struct policy_env *env = &builder->policy->envs[i];

        if (strcmp(env->name, name) != 0)
            continue;
        if (*env->section && strcmp(env->section, builder->section->name) == 0)
            return env;
        if (!*env->section)
            found = env;
    }
    return found;
}

static int
add_presets(const struct builder *builder, const struct preset *presets,
            size_t count)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        const struct preset *preset = &presets[i];

        if (preset->datasets != ALWAYS &&
            preset->datasets != policy_number(builder->section, KEY_DATASETS))
            continue;
        if (!find_override(builder, preset->name))
            result = add_variable(builder, preset->name, preset->value,
                                  &builder->section->value[preset->key].origin);
    }
    return result;
}

static int
add_extras(const struct builder *builder)
{
    int result = 0;

    for (size_t i = 0; i < builder->policy->nenvs && result == 0; i++) {
        const struct policy_env *env = &builder->policy->envs[i];

        if (find_override(builder, env->name) == env && *env->value)
            result =
                add_variable(builder, env->name, env->value, &env->origin);
    }
    return result;
}

/* The home is passwd's, which a directory server may have filled. */
static int
check_home(const struct builder *builder)
{
    const char *home = builder->subject->home;
    const char *path = policy_text(builder->section, KEY_PATH);

    for (const char *p = home; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(builder->err, EINVAL,
                           "the user's home holds a control character");
    }
    if (*home != '/')
        return err_set(builder->err, EINVAL,
                       "the user's home \"%s\" is no absolute path", home);
    if (policy_path_is_below(home, path))
        return err_set(builder->err, EINVAL,
                       "the user's home %s lies in the cache %s", home, path);
    return 0;
}

int
decision_environment(const struct policy *policy,
                     const struct policy_section *section,
                     const struct subject *subject, struct environment *ret,
                     struct err *err)
{
    struct environment environment = {.count = 0};
    struct builder builder = {policy, section, subject, &environment, err};
    int result = check_home(&builder);

    if (result == 0 && policy_number(section, KEY_HOME) == HOME_PRIVATE)
        result = add_presets(&builder, private_home, ARRAY_LEN(private_home));
    else if (result == 0)
        result = add_presets(&builder, shared_home, ARRAY_LEN(shared_home));
    if (result == 0)
        result = add_extras(&builder);
    if (result < 0)
        decision_free_environment(&environment);
    else
        *ret = environment;
    return result;
}

const char *
decision_find_value(const struct environment *environment, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < environment->count; i++) {
        const char *assignment = environment->variable[i].assignment;

        if (strncmp(assignment, name, length) == 0 && assignment[length] == '=')
            return assignment + length + 1;
    }
    return NULL;
}

void
decision_free_environment(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->variable[i].assignment);
    environment->count = 0;
}
