/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache enable and disable: show an edit of a PAM file, make it, and keep
 * the file as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "pamedit.h"
#include "pamstack.h"
#include "safefs.h"
#include "safefs_edit.h"

#define STATE       "/var/lib/hfcache"
#define COPIES      "/var/lib/hfcache/pam.d"
#define MODULE_FILE HFCACHE_SECUREDIR "/" PAMSTACK_MODULE

static int
require_root(const struct cli *cli)
{
    if (geteuid() == 0 || cli->dry_run)
        return CLI_FINE;
    cli_error("only root may change %s: run this with sudo, or add --dry-run "
              "to see what it would do",
              pamstack_folders[0]);
    return CLI_UNFINISHED;
}

/* --- showing ------------------------------------------------------------- */

static void
print_line(const struct cli *cli, char sign, unsigned number, const char *text,
           size_t length)
{
    CLEANUP_FREE char *line = strndup(text, length);
    enum paint paint = sign == '+'   ? PAINT_GOOD
                       : sign == '-' ? PAINT_BAD
                                     : PAINT_DIM;

    if (!line)
        return;
    printf("  %s%c %3u  ", cli_paint(cli, paint), sign, number);
    for (char *at = line; *at; at++)
        if (*at == '\t' || *at == '\n')
            *at = ' ';
    cli_print_safe(line);
    printf("%s\n", cli_paint(cli, PAINT_NONE));
}

/* The line before the byte `at`, for context. */
static void
print_before(const struct cli *cli, const char *text, size_t at,
             unsigned number)
{
    size_t begin = at > 0 ? at - 1 : 0;

    if (at == 0)
        return;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    print_line(cli, ' ', number, text + begin, strcspn(text + begin, "\n"));
}

/* One change between its neighbours. */
static void
print_change(const struct cli *cli, const struct pamedit *edit,
             const struct pamchange *change)
{
    const char *text = change->sign == '+' ? edit->after : edit->before;
    unsigned number = change->number;

    print_before(cli, text, change->begin, number - 1);
    for (size_t at = change->begin; at < change->end; number++) {
        size_t length = strcspn(text + at, "\n");

        print_line(cli, change->sign, number, text + at, length);
        at += length + 1;
    }
    if (text[change->end])
        print_line(cli, ' ', number, text + change->end,
                   strcspn(text + change->end, "\n"));
}

static void
print_edit(const struct cli *cli, const char *service,
           const struct pamedit *edit)
{
    printf("%s%s %s/%s%s\n", cli_paint(cli, PAINT_BOLD),
           cli->dry_run ? "would change" : "changed", pamstack_folders[0],
           service, cli_paint(cli, PAINT_NONE));
    for (size_t i = 0; i < edit->count; i++) {
        if (i > 0)
            puts("    ...");
        print_change(cli, edit, &edit->change[i]);
    }
}

/* --- writing ------------------------------------------------------------- */

/* Make the edit, unless it is only to be shown, and count and say it. */
static int
make_edit(const struct cli *cli, const char *service,
          const struct pamedit *edit, unsigned *changed)
{
    struct safefs_text before = {edit->before, edit->before_length};
    struct safefs_text after = {edit->after, edit->after_length};
    struct err err = {0};
    char path[512];
    int r = 0;

    snprintf(path, sizeof(path), "%s/%s", pamstack_folders[0], service);
    if (!cli->dry_run && edit->untouched)
        r = safefs_keep_copy(STATE, COPIES, service, &before, &err);
    if (!cli->dry_run && r == 0)
        r = safefs_replace(path, &before, &after, &err);
    if (r == 0)
        print_edit(cli, service, edit);
    else
        cli_error("%s", err.text);
    *changed += r == 0;
    return r;
}

static int
enable_service(const struct cli *cli, const char *service, unsigned *changed)
{
    struct err err = {0};
    struct pamedit edit;
    int r = pamedit_add(pamstack_folders, service, cli->auth, &edit, &err);

    if (r < 0) {
        cli_error("%s", err.text);
        return CLI_UNFINISHED;
    }
    if (edit.count == 0)
        printf("%s/%s: nothing to do, %s%s\n", pamstack_folders[0], service,
               *edit.reached_by ? "it reaches the module through "
                                : "the module is in it",
               edit.reached_by);
    else
        r = make_edit(cli, service, &edit, changed);
    pamedit_free(&edit);
    return r < 0 ? CLI_UNFINISHED : CLI_FINE;
}

/*
 * The copy from before our first edit: if all that is left of us is a newline
 * behind a last line that had none, that goes, too.  True if nothing is to be
 * kept for: the file is then just as it was, or there is no copy.
 */
static bool
match_copy(const char *service, struct pamedit *edit)
{
    CLEANUP_FREE char *copy = NULL;
    struct err err;
    char path[512];
    size_t length;
    int r;

    snprintf(path, sizeof(path), COPIES "/%s", service);
    r = safefs_read_trusted(path, 0, PAMSTACK_MAX_BYTES, &copy, &length, &err);
    if (r == -ENOENT)
        return true;
    if (r < 0)
        cli_error("the copy from before is kept: %s", err.text);
    if (r < 0 || edit->after_length < length ||
        memcmp(copy, edit->after, length) != 0)
        return false;
    if (edit->after_length == length + 1 && edit->after[length] == '\n')
        edit->after_length = length;
    return edit->after_length == length;
}

static void
drop_copy(const char *service)
{
    int r = safefs_drop_copy(STATE, COPIES, service);

    if (r < 0)
        cli_error("%s: the copy from before is kept: %s", COPIES,
                  strerror(-r));
}

static int
disable_service(const struct cli *cli, const char *service, unsigned *changed)
{
    struct err err = {0};
    struct pamedit edit;
    int r = pamedit_remove(pamstack_folders, service, &edit, &err);
    bool as_before;

    if (r < 0) {
        cli_error("%s", err.text);
        return CLI_UNFINISHED;
    }
    as_before = match_copy(service, &edit);
    if (edit.count == 0)
        printf("%s/%s: nothing to do, it has no line of ours\n",
               pamstack_folders[0], service);
    else
        r = make_edit(cli, service, &edit, changed);
    /* Also where an earlier run came as far as the file, and no further. */
    if (r == 0 && as_before && !cli->dry_run)
        drop_copy(service);
    pamedit_free(&edit);
    return r < 0 ? CLI_UNFINISHED : CLI_FINE;
}

/* --- the commands -------------------------------------------------------- */

static int
check_names(const struct cli *cli)
{
    for (int i = 0; i < cli->operands; i++) {
        const char *problem = pamedit_name_problem(cli->operand[i]);

        if (!problem)
            continue;
        cli_error("%s: \"%s\": %s", cli->command, cli->operand[i], problem);
        return CLI_USAGE;
    }
    return CLI_FINE;
}

/* What is done to one service; counts changed files. */
typedef int action(const struct cli *cli, const char *service,
                   unsigned *changed);

static int
for_each_service(const struct cli *cli, action *act, unsigned *changed)
{
    int code = CLI_FINE;

    for (int i = 0; i < cli->operands; i++) {
        int one = act(cli, cli->operand[i], changed);

        code = one > code ? one : code;
    }
    return code;
}

/* Say if the session line alone will not do what the policy wants. */
static void
advise_auth_line(const struct cli *cli)
{
    struct policy policy;

    if (cli->auth || policy_load(cli->conf, getuid(), &policy, NULL) < 0)
        return;
    for (size_t i = 0; i < policy.nsections; i++) {
        const struct policy_section *section = &policy.sections[i];
        char title[300], where[512];

        if (policy_number(section, KEY_MEMBERSHIP) != MEMBERSHIP_SESSION)
            continue;
        printf("\n%s has membership = session (%s): sshd and cron need\n"
               "the auth line for that; add --auth.\n",
               cli_title(section, title, sizeof(title)),
               cli_origin(&section->value[KEY_MEMBERSHIP].origin, where,
                          sizeof(where)));
        break;
    }
    policy_free(&policy);
}

int
cmd_enable(const struct cli *cli)
{
    unsigned changed = 0;
    int code = check_names(cli);

    if (code == CLI_FINE && cli->operands == 0) {
        cli_error("enable: which service? as in hfcache enable sshd");
        return CLI_USAGE;
    }
    if (code == CLI_FINE)
        code = require_root(cli);
    if (code == CLI_FINE && !safefs_is_file(MODULE_FILE)) {
        cli_error("%s does not exist; install the module first (make install)",
                  MODULE_FILE);
        return CLI_UNFINISHED;
    }
    if (code != CLI_FINE)
        return code;
    code = for_each_service(cli, enable_service, &changed);
    advise_auth_line(cli);
    if (code == CLI_FINE && changed > 0 && !cli->dry_run)
        printf("\nSee what the next login will be like:\n"
               "  hfcache explain USER --service %s\n"
               "Then log in once more before you leave this terminal.\n"
               "hfcache disable %s undoes it.\n",
               cli->operand[0], cli->operand[0]);
    return code;
}

static int
disable_everywhere(const struct cli *cli)
{
    const char *folder = pamstack_folders[0];
    struct err err = {0};
    unsigned changed = 0;
    size_t count = 0, found = 0;
    char **names;
    int code = CLI_FINE;

    if (safefs_list_trusted(folder, "[!.]*", 0, &names, &count, &err) < 0) {
        cli_error("%s", err.text);
        return CLI_UNFINISHED;
    }
    for (size_t i = 0; i < count; i++) {
        int one;

        if (!pamedit_has_line(pamstack_folders, names[i]))
            continue;
        found++;
        one = disable_service(cli, names[i], &changed);
        code = one > code ? one : code;
    }
    safefs_free_names(names, count);
    if (found == 0)
        printf("nothing to do, no file in %s has a line of ours\n", folder);
    return code;
}

int
cmd_disable(const struct cli *cli)
{
    unsigned changed = 0;
    int code = check_names(cli);

    if (code == CLI_FINE && cli->all == (cli->operands > 0)) {
        cli_error(cli->all ? "disable: --all, or services, not both"
                           : "disable: which service? as in hfcache disable "
                             "sshd; or --all");
        return CLI_USAGE;
    }
    if (code == CLI_FINE)
        code = require_root(cli);
    if (code != CLI_FINE)
        return code;
    return cli->all ? disable_everywhere(cli)
                    : for_each_service(cli, disable_service, &changed);
}
