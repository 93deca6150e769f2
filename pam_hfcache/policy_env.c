/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which variables an [env] section may set, and to what.  Pure.
 */
#include "policy_values.h"

#include <errno.h>
#include <string.h>

/* Allowed beside HF_* and HUGGINGFACE_*. */
static const char *const allowed_names[] = {
    "TORCH_HOME",           "TORCH_EXTENSIONS_DIR",
    "TRITON_CACHE_DIR",     "TORCHINDUCTOR_CACHE_DIR",
    "VLLM_CACHE_ROOT",      "SENTENCE_TRANSFORMERS_HOME",
    "LLAMA_CACHE",          "TRACKIO_DIR",
    "KERNELS_CACHE",
};

/* Refused, and why. */
static const struct {
    const char *name;
    const char *why;
} refused_names[] = {
    {"HF_HOME", "the keys path and home decide it"},
    {"HF_HUB_CACHE", "the keys path and home decide it"},
    {"HUGGINGFACE_HUB_CACHE", "the keys path and home decide it"},
    {"HF_TOKEN", "a token for everyone is no secret; each user runs "
                 "`hf auth login`"},
    {"HUGGING_FACE_HUB_TOKEN", "a token for everyone is no secret; each user "
                               "runs `hf auth login`"},
    {"TRANSFORMERS_CACHE", "it would override the shared cache in "
                           "transformers 4"},
};

/* Must never point into the shared cache: secrets, and code that is run. */
static const char *const private_names[] = {
    "HF_TOKEN_PATH",
    "HF_MODULES_CACHE",
    "KERNELS_CACHE",
};

static bool
is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static int
check_name(const char *name, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_names); i++) {
        if (strcmp(name, refused_names[i].name) == 0)
            return err_set(err, EINVAL, "%s can't be set here: %s", name,
                           refused_names[i].why);
    }
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0' &&
        (util_has_prefix(name, "HF_") ||
         util_has_prefix(name, "HUGGINGFACE_") ||
         is_in(name, allowed_names, ARRAY_LEN(allowed_names))))
        return 0;
    return err_set(err, EINVAL,
                   "variable \"%s\" is not allowed: give HF_*, HUGGINGFACE_*, "
                   "TORCH_HOME, TORCH_EXTENSIONS_DIR, TRITON_CACHE_DIR, "
                   "TORCHINDUCTOR_CACHE_DIR, VLLM_CACHE_ROOT, "
                   "SENTENCE_TRANSFORMERS_HOME, LLAMA_CACHE, TRACKIO_DIR or "
                   "KERNELS_CACHE",
                   name);
}

/* A part of a path that a shell would replace, and nobody does here. */
static bool
wants_shell(const char *value)
{
    if (*value == '~')
        return true;
    for (const char *p = value; (p = strchr(p, '$')) != NULL; p++) {
        char next = p[1];

        if (p > value && p[-1] != '/')
            continue;
        if (next == '{' || next == '_' || (next >= 'A' && next <= 'Z') ||
            (next >= 'a' && next <= 'z'))
            return true;
    }
    return false;
}

int
policy_values_check_env(const char *name, const char *value, struct err *err)
{
    int result = check_name(name, err);

    if (result < 0)
        return result;
    for (const char *p = strchr(value, '%'); p; p = strchr(p + 2, '%')) {
        if (!p[1] || !strchr("uUhp%", p[1]))
            return err_set(err, EINVAL,
                           "%s: \"%%%.1s\" is not known: give %%u (user), %%U "
                           "(uid), %%h (home), %%p (path) or %%%%",
                           name, p + 1);
    }
    if (wants_shell(value))
        return err_set(err, EINVAL,
                       "%s: no shell replaces ~ and $NAME here: give %%h "
                       "(home) or %%u (user)",
                       name);
    return 0;
}

int
policy_check_private(const char *name, const char *value, const char *path,
                     struct err *err)
{
    if (!is_in(name, private_names, ARRAY_LEN(private_names)) || !*value)
        return 0;
    if (*value != '/')
        return err_set(err, EINVAL,
                       "%s = %s must be an absolute path, like "
                       "%%h/.cache/huggingface/...",
                       name, value);
    if (policy_path_is_below(value, path))
        return err_set(err, EINVAL,
                       "%s = %s lies in the shared cache, where every member "
                       "could read or replace it: give a place of the user's "
                       "own, like %%h/.cache/huggingface/...",
                       name, value);
    return 0;
}
