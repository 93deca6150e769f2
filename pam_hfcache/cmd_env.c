/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache env: the variables of a login, for what never passes PAM.  Only
 * variables go to stdout, so that a shell may evaluate it; reasons go to
 * stderr.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "login.h"

/* Print `value` within quotes that keep every byte of it as it is. */
typedef void quoter(const char *value);

static void
quote_sh(const char *value)
{
    putchar('\'');
    for (; *value; value++)
        *value == '\'' ? (void)fputs("'\\''", stdout) : (void)putchar(*value);
    putchar('\'');
}

/* csh expands history even between single quotes. */
static void
quote_csh(const char *value)
{
    putchar('\'');
    for (; *value; value++) {
        if (*value == '\'')
            fputs("'\\''", stdout);
        else if (*value == '!')
            fputs("\\!", stdout);
        else
            putchar(*value);
    }
    putchar('\'');
}

static void
quote_fish(const char *value)
{
    putchar('\'');
    cli_print_escaped(value, '\'');
    putchar('\'');
}

/* Within a unit's Environment="...": C escapes, and specifiers. */
static void
quote_systemd(const char *value)
{
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            putchar('\\');
        if (*value == '%')
            putchar('%');
        putchar(*value);
    }
}

/* Docker, Podman and Slurm take all that follows the "=" up to the newline. */
static void
quote_nothing(const char *value)
{
    fputs(value, stdout);
}

static const struct format {
    const char *name, *head, *before, *between, *after;
    quoter *quote;
} formats[] = {
    {"sh", "", "export ", "=", "\n", quote_sh},
    {"csh", "", "setenv ", " ", ";\n", quote_csh},
    {"fish", "", "set -gx ", " ", "\n", quote_fish},
    {"systemd", "[Service]\n", "Environment=\"", "=", "\"\n", quote_systemd},
    {"env-file", "", "", "=", "\n", quote_nothing},
    {"json", NULL, NULL, NULL, NULL, NULL},
};

static const struct format *
find_format(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static void
print_variables(const struct format *format,
                const struct environment *environment)
{
    if (environment->count > 0)
        fputs(format->head, stdout);
    for (size_t i = 0; i < environment->count; i++) {
        const char *assignment = environment->variable[i].assignment;
        size_t name = strcspn(assignment, "=");

        printf("%s%.*s%s", format->before, (int)name, assignment,
               format->between);
        format->quote(assignment + name + 1);
        fputs(format->after, stdout);
    }
}

static void
write_json(const char *user, const struct login *login)
{
    struct json json;

    json_begin_document(&json, stdout, "env");
    json_string(&json, "user", user);
    json_bool(&json, "set", login->exports);
    json_begin_object(&json, "variables");
    for (size_t i = 0; i < login->environment.count; i++) {
        CLEANUP_FREE char *name =
            strdup(login->environment.variable[i].assignment);

        if (!name)
            continue;
        name[strcspn(name, "=")] = '\0';
        json_path(&json, name, name + strlen(name) + 1);
    }
    json_end_object(&json);
    json_end_document(&json);
}

/* Why there is nothing on stdout. */
static void
tell_why(const char *user, const struct login *login, const struct lines *why)
{
    if (login->exports)
        return;
    if (!login->section) {
        cli_error("no variables for %s: no section of the policy takes such "
                  "a login",
                  user);
        for (size_t i = 0; i < why->count; i++)
            cli_error("  %s", why->line[i]);
        return;
    }
    cli_error("no variables for %s: the cache is %s%s%s", user,
              decision_state_name(login->view.state),
              *login->view.why ? ": " : "", login->view.why);
    if (*login->problem && strcmp(login->problem, login->view.why) != 0)
        cli_error("  %s", login->problem);
}

static int
print_login(const struct format *format, const char *user, struct login *login,
            const struct lines *why)
{
    if (login->section) {
        login_foretell(login, true);
        login_decide(login, NULL);
    }
    tell_why(user, login, why);
    if (format->quote)
        print_variables(format, &login->environment);
    else
        write_json(user, login);
    return CLI_FINE;
}

int
cmd_env(const struct cli *cli)
{
    const struct format *format = find_format(cli->format ? cli->format : "sh");
    struct lines why = {0};
    struct err err = {0};
    struct login login;
    char user[256];
    int code, r;

    if (!format) {
        cli_error("--format %s: sh, csh, fish, systemd, env-file and json can be "
                  "had",
                  cli->format);
        return CLI_USAGE;
    }
    code = cli_find_user(cli, user, sizeof(user));
    if (code != CLI_FINE)
        return code;
    r = login_begin(cli->conf, getuid(), user, cli->service ? cli->service : "",
                    &login, &why, &err);
    if (r < 0)
        cli_error("%s", err.text);
    code = r < 0 ? cli_login_exit(&login)
                 : print_login(format, user, &login, &why);
    login_free(&login);
    lines_free(&why);
    return code;
}
