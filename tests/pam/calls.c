/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls libpam as a login program does and keeps what comes back.  Nothing
 * here allocates descriptors or changes the process: it is part of the host.
 */
#include "calls.h"

#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "log.h"
#include "world.h"

/* The stack of a script that brings none. */
static char *usual_stack[] = {
    (char[]){"auth required @MODULE@"},
    (char[]){"auth required pam_permit.so"},
    (char[]){"account required pam_permit.so"},
    (char[]){"session required pam_permit.so"},
    (char[]){"session optional @MODULE@"},
};
static const struct block usual = {
    .line = usual_stack,
    .count = sizeof(usual_stack) / sizeof(*usual_stack),
};

static pam_handle_t *handle;
static char user[64], service[64] = "sshd", tty[64];
static struct block preset;
static bool has_stack; /* for this service */
static struct call_lines log_lines, notices, environment;

static void
append(struct call_lines *lines, char *line)
{
    lines->line = reallocarray(lines->line, lines->count + 1, sizeof(char *));
    if (!lines->line || !line)
        abort();
    lines->line[lines->count++] = line;
}

static void
clear(struct call_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
    free(lines->line);
    *lines = (struct call_lines){NULL, 0};
}

/* --- the module's log, instead of syslog ----------------------------------- */

static const char *
priority_name(int priority)
{
    static const char *const names[] = {"EMERG",   "ALERT",  "CRIT", "ERR",
                                        "WARNING", "NOTICE", "INFO", "DEBUG"};

    return names[LOG_PRI(priority)];
}

static void
take_log(int priority, const char *format, va_list args)
{
    char *text = NULL, *line = NULL;

    if (vasprintf(&text, format, args) < 0 ||
        asprintf(&line, "%s %s", priority_name(priority), text) < 0)
        abort();
    free(text);
    append(&log_lines, line);
}

/* --- the handle -------------------------------------------------------------- */

static int
converse(int count, const struct pam_message **messages,
         struct pam_response **ret_responses, void *data)
{
    (void)data;
    for (int i = 0; i < count; i++) {
        static const char *const styles[] = {"?", "PROMPT", "PROMPT", "ERROR",
                                             "INFO"};
        int style = messages[i]->msg_style;
        char *line = NULL;

        if (asprintf(&line, "%s %s", styles[style <= 4 ? style : 0],
                     messages[i]->msg) < 0)
            abort();
        append(&notices, line);
    }
    *ret_responses = calloc((size_t)count, sizeof(**ret_responses));
    return *ret_responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

static char *
with_module(const char *line)
{
    const char *at = strstr(line, "@MODULE@");
    char *text = NULL;

    if (!at)
        return strdup(line);
    if (asprintf(&text, "%.*s%s%s", (int)(at - line), line, WORLD_MODULE,
                 at + strlen("@MODULE@")) < 0)
        abort();
    return text;
}

static void
write_stack(const struct block *block)
{
    char path[128], *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        abort();
    for (size_t i = 0; i < block->count; i++) {
        char *line = with_module(block->line[i]);

        fprintf(out, "%s\n", line);
        free(line);
    }
    fclose(out);
    snprintf(path, sizeof(path), "%s/%s", WORLD_CONFDIR, service);
    has_stack = true;
    world_write(path, 0644, text, length);
    free(text);
}

static int
start(void)
{
    static const struct pam_conv conv = {converse, NULL};
    int rc;

    if (!has_stack)
        write_stack(&usual);
    rc = pam_start_confdir(service, user, &conv, WORLD_CONFDIR, &handle);
    if (rc == PAM_SUCCESS && tty[0])
        rc = pam_set_item(handle, PAM_TTY, tty);
    for (size_t i = 0; rc == PAM_SUCCESS && i < preset.count; i++)
        rc = pam_putenv(handle, preset.line[i]);
    return rc;
}

void
calls_end(void)
{
    if (handle)
        pam_end(handle, PAM_SUCCESS);
    handle = NULL;
}

/* --- what a script sets ------------------------------------------------------ */

bool
calls_set(const struct block *block)
{
    if (strcmp(block->word, "stack") == 0) {
        write_stack(block);
    } else if (strcmp(block->word, "login") == 0) {
        calls_end();
        sscanf(block->arguments, "%63s %63s", user, service);
        has_stack = false;
    } else if (strcmp(block->word, "tty") == 0) {
        snprintf(tty, sizeof(tty), "%s", block->arguments);
    } else if (strcmp(block->word, "preset") == 0) {
        preset = *block;
    } else {
        return false;
    }
    return true;
}

/* --- a step ------------------------------------------------------------------ */

static const struct {
    const char *name;
    int (*call)(pam_handle_t *pamh, int flags);
} hooks[] = {
    {"authenticate", pam_authenticate}, {"setcred", pam_setcred},
    {"acct_mgmt", pam_acct_mgmt},       {"open_session", pam_open_session},
    {"close_session", pam_close_session}, {"chauthtok", pam_chauthtok},
};

/* The sum of "A|B", or of nothing. */
static int
flags_of(char *text)
{
    int flags = 0;
    char *save = NULL;

    for (char *word = strtok_r(text, "|", &save); word;
         word = strtok_r(NULL, "|", &save)) {
        int value = script_constant(word);

        if (value < 0)
            return -1;
        flags |= value;
    }
    return flags;
}

static const char *
call(const char *hook, char *flag_words, const char *status)
{
    static char text[128];
    int flags = flags_of(flag_words), wanted = script_constant(status), rc;

    if (flags < 0 || wanted < 0)
        return "a flag or a status that script.c does not know";
    for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
        if (strcmp(hooks[i].name, hook) != 0)
            continue;
        rc = hooks[i].call(handle, flags);
        if (rc == wanted)
            return NULL;
        snprintf(text, sizeof(text), "%d, %s", rc, pam_strerror(handle, rc));
        return text;
    }
    return "no such hook";
}

const char *
calls_step(const char *line)
{
    char hook[32], flags[128] = "", status[64], other[64];

    if (strcmp(line, "end") == 0) {
        calls_end();
        return NULL;
    }
    if (!handle && start() != PAM_SUCCESS)
        return "pam_start_confdir fails";
    if (sscanf(line, "user %63s", other) == 1)
        return pam_set_item(handle, PAM_USER, other) == PAM_SUCCESS
                   ? NULL
                   : "pam_set_item fails";
    if (sscanf(line, "%31[a-z_] = %63s", hook, status) != 2 &&
        sscanf(line, "%31[a-z_](%127[A-Z_|]) = %63s", hook, flags, status) !=
            3)
        return "neither HOOK = STATUS nor HOOK(FLAGS) = STATUS";
    return call(hook, flags, status);
}

/* --- what came back ---------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const struct call_lines *
calls_environment(void)
{
    char **list = handle ? pam_getenvlist(handle) : NULL;

    clear(&environment);
    for (size_t i = 0; list && list[i]; i++)
        append(&environment, list[i]);
    free(list);
    if (environment.count)
        qsort(environment.line, environment.count, sizeof(char *), compare);
    return &environment;
}

const struct call_lines *
calls_log(void)
{
    return &log_lines;
}

const struct call_lines *
calls_notices(void)
{
    return &notices;
}

void
calls_forget(void)
{
    clear(&log_lines);
    clear(&notices);
    clear(&environment);
}
