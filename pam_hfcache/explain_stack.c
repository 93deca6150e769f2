/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the PAM stack of a service reaches the module, and what its line there
 * tells it.
 */
#include "explain_stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "login.h"
#include "pamfile.h"
#include "safefs_edit.h"

/* The file that libpam would load for `module`. */
static void
find_module(const char *module, char *ret, size_t size)
{
    snprintf(ret, size, "%s%s", *module == '/' ? "" : HFCACHE_SECUREDIR "/",
             module);
}

/* What our line's arguments are to the module: 0 or -ENOMEM. */
static int
read_arguments(const struct pamentry *entry, struct pamside *ret)
{
    struct text ignored = TEXT_INIT(ret->ignored);
    char *words = strdup(entry->arguments);
    char *cursor = words;
    bool debug = false;

    if (!words)
        return -ENOMEM;
    while (*(cursor += strspn(cursor, PAMFILE_BLANKS))) {
        const char *word = pamfile_take(&cursor), *conf = NULL;

        if (!login_take_argument(word, &conf, &debug))
            text_addf(&ignored, "%s%s", ignored.length ? " " : "", word);
        if (conf)
            snprintf(ret->conf, sizeof(ret->conf), "%s", conf);
    }
    free(words);
    return 0;
}

void
explain_stack(const char *service, const char *type, struct pamside *ret)
{
    struct err err = {0};
    struct pamentry *entry;
    char module[4096];

    *ret = (struct pamside){.type = type};
    if (pamstack_load(pamstack_folders, service, type, &ret->stack, &err) < 0) {
        snprintf(ret->problem, sizeof(ret->problem), "%s", err.text);
        return;
    }
    snprintf(ret->problem, sizeof(ret->problem), "%s", ret->stack.problem);
    ret->at = pamstack_find(&ret->stack, PAMSTACK_MODULE);
    ret->has_line = ret->at < ret->stack.count;
    if (!ret->has_line)
        return;
    entry = &ret->stack.entry[ret->at];
    if (read_arguments(entry, ret) < 0)
        snprintf(ret->problem, sizeof(ret->problem), "%s", strerror(ENOMEM));
    find_module(entry->module, module, sizeof(module));
    ret->reached = safefs_is_file(module) && !*ret->problem;
    if (!*ret->problem && !ret->reached)
        snprintf(ret->problem, sizeof(ret->problem), "%.480s does not exist",
                 module);
    ret->passed_by = pamstack_passed_by(&ret->stack, ret->at);
}
