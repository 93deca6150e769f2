/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commands of `hfcache` share: the parsed command line, exit codes,
 * messages, colour.  A command writes its results to stdout and returns an
 * exit code; only hfcache.c exits.
 */
#ifndef HFCACHE_CLI_H
#define HFCACHE_CLI_H

#include "login.h"
#include "policy.h"
#include "util.h"

enum {
    CLI_FINE = 0,
    CLI_FOUND = 1,      /* left out, unreached, unhealthy, unknown */
    CLI_USAGE = 2,      /* the command line or the policy is wrong */
    CLI_UNFINISHED = 3, /* could not do, or not all of it */
};

#define CLI_MAX_JOBS 64

struct cli {
    const char *command;
    const char *conf;    /* --conf; NULL: the default file */
    const char *service; /* --service; NULL: not given */
    const char *format;  /* --format; NULL: not given */
    bool json, prometheus, dry_run, auth, all, full, foreign;
    unsigned jobs; /* --jobs; 0: not given */
    char *const *operand;
    int operands;
    bool colour; /* stdout is a terminal that wants it */
};

/* The commands; each is described in hfcache.c. */
int cmd_explain(const struct cli *cli);
int cmd_revoke(const struct cli *cli);
int cmd_setup(const struct cli *cli);
int cmd_enable(const struct cli *cli);
int cmd_disable(const struct cli *cli);
int cmd_check(const struct cli *cli);
int cmd_repair(const struct cli *cli);
int cmd_status(const struct cli *cli);
int cmd_env(const struct cli *cli);
int cmd_policy(const struct cli *cli);

/* "hfcache: ..." on stderr, after what stdout holds so far; one line, and safe
   like cli_print_safe(). */
void cli_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* The exit code after login_begin() failed: by the policy, or by the user. */
int cli_login_exit(const struct login *login);

/* Load the policy; CLI_FINE, or the exit code, the error being told. */
int cli_load_policy(const struct cli *cli, struct policy *ret);

/* True if the section's `hosts` has this machine. */
bool cli_is_for_this_host(const struct policy_section *section);

/* True if an earlier section for this machine has the same cache. */
bool cli_is_repeated(const struct policy *policy, size_t index);

/*
 * The user whom a command is about: the operand, or the caller.  CLI_FINE, or
 * the exit code, the error being told.
 */
int cli_find_user(const struct cli *cli, char *ret, size_t size);

/* The escape sequence of a colour; "" where there is none. */
enum paint {
    PAINT_NONE,
    PAINT_BOLD,
    PAINT_DIM,
    PAINT_GOOD,
    PAINT_WARN,
    PAINT_BAD
};
const char *cli_paint(const struct cli *cli, enum paint paint);

/* Print `text` to stdout so that no byte of it can command a terminal. */
void cli_print_safe(const char *text);

/* How long: "less than a second", "12 s", "3 min", "2 h 5 min", "4 days". */
void cli_add_duration(struct text *text, int64_t ms);

/* The same, of the time from `wall`, as time() gives it, until now. */
void cli_add_since(struct text *text, int64_t wall);

/* How many: "1,234,567"; and of what: "1 alarm", "2 alarms". */
void cli_add_count(struct text *text, uint64_t count);
void cli_add_counted(struct text *text, uint64_t count, const char *one,
                     const char *many);

/* Print `value` to stdout with a backslash before `quote` and backslashes. */
void cli_print_escaped(const char *value, char quote);

/* "[cache NAME]", and an origin, as text to print; `size` at least 64. */
const char *cli_title(const struct policy_section *section, char *buffer,
                      size_t size);
const char *cli_origin(const struct origin *origin, char *buffer, size_t size);

/* A name as one word of a command to type: directories have blanks in them. */
#define CLI_WORD_SIZE 1024
const char *cli_word(const char *name, char buffer[CLI_WORD_SIZE]);

#endif
