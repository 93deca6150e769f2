/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files -> struct policy: which files, in which order, which section gets what
 * from where, and what does not fit together.
 */
#include "policy.h"

#include <errno.h>
#include <string.h>

#include "policy_file.h"
#include "policy_values.h"
#include "safefs.h"

#define MAX_FILE_BYTES (256 * 1024)
#define MAX_SECTIONS 256

/* All strings of a policy, in blocks that are freed together. */
struct policy_arena {
    struct policy_arena *next;
    size_t used;
    size_t size;
    char data[];
};

/* An [env ...] title that was seen: every one must have its [cache ...]. */
struct env_header {
    const char *name;
    struct origin origin; /* the latest */
};

/* A section's latest file; and its name's hash, as names are often compared. */
struct seen {
    const char *file;
    uint32_t hash;
};

struct loader {
    struct policy *policy;
    const char *file;
    bool in_env;          /* where the lines now go: */
    const char *env_name; /* to this [env] section */
    size_t section;       /* or to this [cache] section */
    struct seen *seen; /* beside policy->sections */
    struct env_header *headers;
    size_t nheaders;
};

static char *
copy_string(struct policy *policy, const char *string)
{
    struct policy_arena *block = policy->arena;
    size_t length = strlen(string) + 1;
    char *copy;

    if (!block || block->size - block->used < length) {
        size_t size = length > 2048 ? length : 2048;

        block = malloc(sizeof(*block) + size);
        if (!block)
            return NULL;
        *block = (struct policy_arena){policy->arena, 0, size};
        policy->arena = block;
    }
    copy = block->data + block->used;
    memcpy(copy, string, length);
    block->used += length;
    return copy;
}

void
policy_free(struct policy *policy)
{
    struct policy_arena *block = policy->arena;

    while (block) {
        struct policy_arena *next = block->next;

        free(block);
        block = next;
    }
    free(policy->sections);
    free(policy->envs);
    free(policy->files);
    *policy = (struct policy){0};
}

/* Make room for one more section: twice as much at each power of two. */
static int
grow_sections(struct loader *loader)
{
    struct policy *policy = loader->policy;
    size_t count = policy->nsections;
    struct policy_section *sections;
    struct seen *seen;

    if (count & (count - 1))
        return 0;
    sections = reallocarray(policy->sections, count ? 2 * count : 1,
                            sizeof(*sections));
    if (!sections)
        return -ENOMEM;
    policy->sections = sections;
    seen = reallocarray(loader->seen, count ? 2 * count : 1, sizeof(*seen));
    if (!seen)
        return -ENOMEM;
    loader->seen = seen;
    return 0;
}

/* Append a section; its index, or -ENOMEM, -E2BIG. */
static ssize_t
add_section(struct loader *loader, const char *name, unsigned line)
{
    struct policy *policy = loader->policy;
    size_t count = policy->nsections;
    struct policy_section *section;

    if (count >= MAX_SECTIONS)
        return -E2BIG;
    if (grow_sections(loader) < 0)
        return -ENOMEM;
    loader->seen[count] = (struct seen){NULL, util_hash(name, strlen(name))};
    section = &policy->sections[count];
    *section = (struct policy_section){.name = copy_string(policy, name),
                                       .origin = {loader->file, line}};
    if (!section->name)
        return -ENOMEM;
    policy->nsections++;
    return (ssize_t)count;
}

static ssize_t
find_section(const struct loader *loader, const char *name)
{
    uint32_t hash = util_hash(name, strlen(name));

    for (size_t i = 0; i < loader->policy->nsections; i++) {
        if (loader->seen[i].hash == hash &&
            strcmp(loader->policy->sections[i].name, name) == 0)
            return (ssize_t)i;
    }
    return -ENOENT;
}

static int
refuse_twice(const char *title, const struct origin *origin, struct err *err)
{
    return err_set(err, EINVAL,
                   "[%s] stands in this file twice, first in line %u: put all "
                   "its keys there",
                   title, origin->line);
}

static int
enter_cache(struct loader *loader, const char *title, const char *name,
            unsigned line, struct err *err)
{
    struct policy_section *section;
    ssize_t index = find_section(loader, name);

    if (index == -ENOENT)
        index = add_section(loader, name, line);
    if (index == -E2BIG)
        return err_set(err, EINVAL, "there are more than %d sections",
                       MAX_SECTIONS);
    if (index < 0)
        return err_sys(err, ENOMEM, "section [%s]", title);
    section = &loader->policy->sections[index];
    if (loader->seen[index].file == loader->file)
        return refuse_twice(title, &section->origin, err);
    loader->seen[index].file = loader->file;
    section->origin = (struct origin){loader->file, line};
    loader->section = (size_t)index;
    loader->in_env = false;
    return 0;
}

static int
enter_env(struct loader *loader, const char *title, const char *name,
          unsigned line, struct err *err)
{
    struct env_header *header = NULL;

    for (size_t i = 0; i < loader->nheaders; i++) {
        if (strcmp(loader->headers[i].name, name) == 0)
            header = &loader->headers[i];
    }
    if (header && header->origin.file == loader->file)
        return refuse_twice(title, &header->origin, err);
    if (!header) {
        header = reallocarray(loader->headers, loader->nheaders + 1,
                              sizeof(*header));
        if (!header)
            return err_sys(err, ENOMEM, "section [%s]", title);
        loader->headers = header;
        header += loader->nheaders;
        header->name = copy_string(loader->policy, name);
        if (!header->name)
            return err_sys(err, ENOMEM, "section [%s]", title);
        loader->nheaders++;
    }
    header->origin = (struct origin){loader->file, line};
    loader->env_name = header->name;
    loader->in_env = true;
    return 0;
}

static int
take_section(void *ctx, const char *title, unsigned line, struct err *err)
{
    struct loader *loader = ctx;

    if (strcmp(title, "cache") == 0)
        return enter_cache(loader, title, "", line, err);
    if (strcmp(title, "env") == 0)
        return enter_env(loader, title, "", line, err);
    if (util_has_prefix(title, "cache ") && policy_values_is_name(title + 6))
        return enter_cache(loader, title, title + 6, line, err);
    if (util_has_prefix(title, "env ") && policy_values_is_name(title + 4))
        return enter_env(loader, title, title + 4, line, err);
    return err_set(err, EINVAL,
                   "section \"[%s]\" is not known: give [cache], [env], "
                   "[cache NAME] or [env NAME], one blank between, NAME of "
                   "letters, digits, _ . -",
                   title);
}

static int
refuse_key(const char *name, struct err *err)
{
    char known[256] = "";
    struct text list = TEXT_INIT(known);

    for (size_t key = 0; key < POLICY_KEYS; key++)
        text_addf(&list, "%s%s", key ? ", " : "", policy_keys[key].name);
    return err_set(err, EINVAL, "key \"%s\" is not known: give one of %s",
                   name, known);
}

static int
take_key(struct loader *loader, const char *name, const char *value,
         unsigned line, struct err *err)
{
    struct policy_section *section =
        &loader->policy->sections[loader->section];
    struct policy_value *slot;
    const char *copy;
    size_t key = 0;

    while (key < POLICY_KEYS && (*policy_keys[key].name != *name ||
                                 strcmp(policy_keys[key].name, name) != 0))
        key++;
    if (key == POLICY_KEYS)
        return refuse_key(name, err);
    slot = &section->value[key];
    if (slot->text && slot->origin.file == loader->file)
        return err_set(err, EINVAL,
                       "%s stands in this section twice, first in line %u: "
                       "keep one",
                       name, slot->origin.line);
    copy = copy_string(loader->policy, value);
    if (!copy)
        return err_sys(err, ENOMEM, "key %s", name);
    slot->origin = (struct origin){loader->file, line};
    return policy_values_parse((enum policy_key)key, copy, slot, err);
}

static struct policy_env *
find_env(const struct policy *policy, const char *section, const char *name)
{
    for (size_t i = 0; i < policy->nenvs; i++) {
        if (strcmp(policy->envs[i].section, section) == 0 &&
            strcmp(policy->envs[i].name, name) == 0)
            return &policy->envs[i];
    }
    return NULL;
}

static struct policy_env *
add_env(struct loader *loader, const char *name)
{
    struct policy *policy = loader->policy;
    struct policy_env *envs =
        reallocarray(policy->envs, policy->nenvs + 1, sizeof(*envs));

    if (!envs)
        return NULL;
    policy->envs = envs;
    envs += policy->nenvs;
    *envs = (struct policy_env){.section = loader->env_name,
                                .name = copy_string(policy, name)};
    if (!envs->name)
        return NULL;
    policy->nenvs++;
    return envs;
}

static int
take_env(struct loader *loader, const char *name, const char *value,
         unsigned line, struct err *err)
{
    struct policy_env *env = find_env(loader->policy, loader->env_name, name);
    int result = policy_values_check_env(name, value, err);

    if (result < 0)
        return result;
    if (env && env->origin.file == loader->file)
        return err_set(err, EINVAL,
                       "%s stands in this section twice, first in line %u: "
                       "keep one",
                       name, env->origin.line);
    if (!env)
        env = add_env(loader, name);
    if (env)
        env->value = copy_string(loader->policy, value);
    if (!env || !env->value)
        return err_sys(err, ENOMEM, "variable %s", name);
    env->origin = (struct origin){loader->file, line};
    return 0;
}

static int
take_pair(void *ctx, const char *name, const char *value, unsigned line,
          struct err *err)
{
    struct loader *loader = ctx;

    if (loader->in_env)
        return take_env(loader, name, value, line, err);
    return take_key(loader, name, value, line, err);
}

static int
load_data(struct loader *loader, const char *file, const char *data,
          size_t length, struct err *err)
{
    struct policy *policy = loader->policy;
    struct policy_sink sink = {take_section, take_pair, loader};
    const char **files =
        reallocarray(policy->files, policy->nfiles + 1, sizeof(*files));

    if (!files)
        return err_sys(err, ENOMEM, "%s", file);
    policy->files = files;
    loader->file = copy_string(policy, file);
    if (!loader->file)
        return err_sys(err, ENOMEM, "%s", file);
    files[policy->nfiles++] = loader->file;
    return policy_file_read(loader->file, data, length, &sink, err);
}

static int
load_file(struct loader *loader, const char *file, uid_t trusted_uid,
          struct err *err)
{
    CLEANUP_FREE char *data = NULL;
    size_t length;
    int result = safefs_read_trusted(file, trusted_uid, MAX_FILE_BYTES, &data,
                                     &length, err);

    return result < 0 ? result : load_data(loader, file, data, length, err);
}

static int
load_dropin(struct loader *loader, const char *folder, const char *name,
            uid_t trusted_uid, struct err *err)
{
    CLEANUP_FREE char *file = util_format("%s/%s", folder, name);

    if (!util_is_name_char(*name) && *name != '-')
        return 0; /* .x.conf, #x.conf, ~x.conf: somebody is editing */
    if (!file)
        return err_sys(err, ENOMEM, "%s", folder);
    return load_file(loader, file, trusted_uid, err);
}

static int
load_dropins(struct loader *loader, const char *file, uid_t trusted_uid,
             struct err *err)
{
    CLEANUP_FREE char *folder = util_format("%s.d", file);
    char **names;
    size_t count;
    int result;

    if (!folder)
        return err_sys(err, ENOMEM, "%s", file);
    result = safefs_list_trusted(folder, "*.conf", trusted_uid, &names, &count,
                                 err);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count && result == 0; i++)
        result = load_dropin(loader, folder, names[i], trusted_uid, err);
    safefs_free_names(names, count);
    return result;
}

static int
check_env_headers(const struct loader *loader, struct err *err)
{
    for (size_t i = 0; i < loader->nheaders; i++) {
        const struct env_header *header = &loader->headers[i];

        if (*header->name && find_section(loader, header->name) < 0)
            return err_set(err, EINVAL,
                           "%s:%u: [env %s] goes with no section: there is no "
                           "[cache %s]",
                           header->origin.file, header->origin.line,
                           header->name, header->name);
    }
    return 0;
}

/* The built-in [cache] comes first. */
static int
begin(struct loader *loader, struct err *err)
{
    return add_section(loader, "", 0) < 0 ? err_sys(err, ENOMEM, "policy") : 0;
}

/* Complete what was loaded, if `result` says that it was. */
static int
finish(struct loader *loader, int result, struct policy *ret, struct err *err)
{
    if (result == 0)
        result = check_env_headers(loader, err);
    if (result == 0)
        result = policy_complete(loader->policy, err);
    free(loader->seen);
    free(loader->headers);
    if (result < 0)
        policy_free(loader->policy);
    else
        *ret = *loader->policy;
    return result;
}

static int
load_files(struct loader *loader, const char *file, uid_t trusted_uid,
           struct err *err)
{
    const char *name = file ? file : POLICY_DEFAULT_FILE;
    int result = load_file(loader, name, trusted_uid, err);

    if (result == -ENOENT && file)
        return err_set(err, EINVAL,
                       "%s: there is no such file: make it, or name another",
                       file);
    if (result < 0 && result != -ENOENT)
        return result;
    return load_dropins(loader, name, trusted_uid, err);
}

int
policy_load(const char *file, uid_t trusted_uid, struct policy *ret,
            struct err *err)
{
    struct policy policy = {0};
    struct loader loader = {.policy = &policy};
    int result = begin(&loader, err);

    if (result == 0)
        result = load_files(&loader, file, trusted_uid, err);
    return finish(&loader, result, ret, err);
}

int
policy_load_text(const char *file, const char *data, size_t length,
                 struct policy *ret, struct err *err)
{
    struct policy policy = {0};
    struct loader loader = {.policy = &policy};
    int result = begin(&loader, err);

    if (result == 0)
        result = load_data(&loader, file, data, length, err);
    return finish(&loader, result, ret, err);
}
