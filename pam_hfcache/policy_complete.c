/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is left when all files are read: inheritance, defaults, and what does
 * not fit together.
 */
#include "policy_values.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The keys that say for whom a section is; none is inherited. */
static bool
is_matching_key(size_t key)
{
    return key == KEY_USERS || key == KEY_SERVICES || key == KEY_HOSTS;
}

static int
refuse_section(const struct policy_section *section, const char *problem,
               struct err *err)
{
    return err_set(err, EINVAL, "%s:%u: [cache %s] %s", section->origin.file,
                   section->origin.line, section->name, problem);
}

/* A named section says for whom it is, and which cache. */
static int
check_named(const struct policy_section *section, struct err *err)
{
    if (!section->value[KEY_PATH].text)
        return refuse_section(section,
                              "has no path: say which cache it is about", err);
    for (size_t key = 0; key < POLICY_KEYS; key++) {
        if (is_matching_key(key) && section->value[key].text)
            return 0;
    }
    return refuse_section(section,
                          "has neither users nor services nor hosts: say for "
                          "whom it is",
                          err);
}

/* Fill what `section` leaves out from `base` (NULL: from the defaults). */
static int
fill_section(struct policy_section *section, const struct policy_section *base,
             struct err *err)
{
    for (size_t key = 0; key < POLICY_KEYS; key++) {
        struct policy_value *value = &section->value[key];
        int result;

        if (value->text)
            continue;
        if (base && !is_matching_key(key)) {
            *value = base->value[key];
            continue;
        }
        result = policy_values_parse((enum policy_key)key,
                                     policy_keys[key].fallback, value, err);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Put "FILE:LINE: " of a value before the problem. */
static int
refuse_value(const struct policy_value *value, const char *problem,
             struct err *err)
{
    char where[512] = "";
    struct text text = TEXT_INIT(where);

    policy_add_origin(&value->origin, &text);
    return err_set(err, EINVAL, "%s: %s", where, problem);
}

/* Is one path the other, or does it lie below the other? */
static bool
are_entangled(const struct policy_section *a, const struct policy_section *b)
{
    const struct policy_value *outer = &a->value[KEY_PATH];
    const struct policy_value *inner = &b->value[KEY_PATH];
    size_t length;

    if (outer->number > inner->number) {
        outer = inner;
        inner = &a->value[KEY_PATH];
    }
    length = (size_t)outer->number;
    /* Most differ here; this is asked for every two sections. */
    return outer->text[length - 1] == inner->text[length - 1] &&
           memcmp(outer->text, inner->text, length) == 0 &&
           (!inner->text[length] || inner->text[length] == '/');
}

/* Two sections may share a cache only if they agree on what it is. */
static int
check_shared(const struct policy_section *a, const struct policy_section *b,
             struct err *err)
{
    char problem[256];

    if (strcmp(policy_text(a, KEY_PATH), policy_text(b, KEY_PATH)) != 0)
        snprintf(problem, sizeof(problem),
                 "path lies inside another section's cache, or that in this "
                 "one: caches must lie side by side");
    else if (strcmp(policy_text(a, KEY_GROUP), policy_text(b, KEY_GROUP)) != 0)
        snprintf(problem, sizeof(problem),
                 "another section shares this path with group %.64s: a cache "
                 "has one group",
                 policy_text(b, KEY_GROUP));
    else if (policy_number(a, KEY_MODE) != policy_number(b, KEY_MODE))
        snprintf(problem, sizeof(problem),
                 "another section has this path with mode %s: a cache has one "
                 "mode",
                 policy_text(b, KEY_MODE));
    else
        return 0;
    return refuse_value(&a->value[KEY_PATH], problem, err);
}

static int
check_env(const struct policy *policy, const struct policy_env *env,
          struct err *err)
{
    for (size_t i = 0; i < policy->nsections; i++) {
        const char *path = policy_text(&policy->sections[i], KEY_PATH);
        char expanded[1400];
        struct err inner;

        if (util_has_prefix(env->value, "%p"))
            snprintf(expanded, sizeof(expanded), "%s%s", path, env->value + 2);
        else if (util_has_prefix(env->value, "%h"))
            snprintf(expanded, sizeof(expanded), "/%s", env->value + 2);
        else
            snprintf(expanded, sizeof(expanded), "%s", env->value);
        if (policy_check_private(env->name, expanded, path, &inner) < 0)
            return err_set(err, EINVAL, "%s:%u: %s", env->origin.file,
                           env->origin.line, inner.text);
    }
    return 0;
}

/* [cache] was made first and is tried last. */
static void
move_catch_all_last(struct policy *policy)
{
    size_t last = policy->nsections - 1;
    struct policy_section catch_all = policy->sections[0];

    memmove(policy->sections, policy->sections + 1,
            last * sizeof(policy->sections[0]));
    policy->sections[last] = catch_all;
}

int
policy_complete(struct policy *policy, struct err *err)
{
    struct policy_section *sections = policy->sections;
    int result = fill_section(&sections[0], NULL, err);

    for (size_t i = 1; i < policy->nsections && result == 0; i++) {
        result = check_named(&sections[i], err);
        if (result == 0)
            result = fill_section(&sections[i], &sections[0], err);
        for (size_t j = 0; j < i && result == 0; j++) {
            if (are_entangled(&sections[i], &sections[j]))
                result = check_shared(&sections[i], &sections[j], err);
        }
    }
    for (size_t i = 0; i < policy->nenvs && result == 0; i++)
        result = check_env(policy, &policy->envs[i], err);
    if (result == 0)
        move_catch_all_last(policy);
    return result;
}
