/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache check and hfcache repair: each cache of the policy, or one folder of
 * one, looked at from end to end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "membership.h"
#include "report_audit.h"

#define PATIENCE_S 2 /* after ^C, for the calls under way to come back */

/* Set by ^C: the walk ends, and what was found until then is told. */
static atomic_bool stopped;

/* The walk is under way. */
static atomic_bool walking;

static sigset_t
interrupts(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/*
 * A thread of its own takes ^C, since one that waits for a dead file server
 * takes nothing.  The second ^C ends the program at once, if it does not wait
 * in a way that the kernel lets nothing end.
 */
static void *
take_interrupts(void *data)
{
    sigset_t set = interrupts();
    int number;

    (void)data;
    if (sigwait(&set, &number) != 0)
        return NULL;
    stopped = true;
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (void)sleep(PATIENCE_S);
    if (walking)
        cli_error("the file system does not answer; ^C again ends this");
    for (;;)
        (void)pause();
}

/* Without memory for a thread, ^C ends the program at once. */
static void
catch_interrupts(void)
{
    sigset_t set = interrupts(), before;
    pthread_t thread;

    (void)signal(SIGINT, SIG_DFL); /* a shell's job may ignore it */
    (void)pthread_sigmask(SIG_BLOCK, &set, &before);
    if (pthread_create(&thread, NULL, take_interrupts, NULL) != 0)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- progress ------------------------------------------------------------ */

static void
watch(const struct audit_progress *progress, void *data)
{
    double seconds = (double)progress->took_ms / 1000;
    double rate = seconds > 0 ? (double)progress->entries / seconds : 0;

    (void)data;
    fprintf(stderr, "\r\033[K%llu entries, %.0f a second",
            (unsigned long long)progress->entries, rate);
    if (progress->expected > progress->entries && rate > 0)
        fprintf(stderr, ", about %.0f s left",
                (double)(progress->expected - progress->entries) / rate);
    fflush(stderr);
}

static void
wipe_progress(const struct audit_options *options)
{
    if (options->watch)
        fputs("\r\033[K", stderr);
}

/* --- one cache ----------------------------------------------------------- */

static void
tell(const struct audit_item *item, void *data)
{
    report_audit_item(data, item);
}

static void
begin_json(struct json *json, const struct audit_report *report, gid_t gid)
{
    json_begin_object(json, NULL);
    json_path(json, "path", policy_text(report->section, KEY_PATH));
    json_path(json, "start", *report->start ? report->start : ".");
    json_string(json, "section", report->section->name);
    json_string(json, "group", policy_text(report->section, KEY_GROUP));
    json_number(json, "gid", gid);
    if (report->cli->all)
        json_begin_array(json, "findings");
}

/*
 * What would help.  Root can do all, but where a file server takes it for
 * nobody.
 */
static void
tell_what_helps(const struct audit_report *report, int result)
{
    const struct policy_value *group = &report->section->value[KEY_GROUP];
    bool is_gid = group->number >= 0; /* which sudo takes behind a "#" */
    char word[CLI_WORD_SIZE];

    if (result == -EMFILE)
        cli_error("raise the limit of open files: ulimit -n 1024");
    if (result == -EACCES && geteuid() == 0)
        cli_error("a file server may take root for nobody (root_squash); this "
                  "sees what members see: sudo -g %s%s%s hfcache check",
                  is_gid ? "'#" : "", cli_word(group->text, word),
                  is_gid ? "'" : "");
}

/* The exit code; a walk that came to an end before its time is an error. */
static int
judge(const struct audit_report *report, const struct audit *audit)
{
    if (audit->result == 0)
        return audit_is_healthy(audit) ? CLI_FINE : CLI_FOUND;
    if (audit->result != -ECANCELED)
        cli_error("%s%s%s: gave up: %s", policy_text(report->section, KEY_PATH),
                  *report->start ? "/" : "", report->start,
                  strerror(-audit->result));
    tell_what_helps(report, audit->result);
    return CLI_UNFINISHED;
}

/* For the next logins; a /run that is full is no reason not to report. */
static void
leave_verdict(const struct audit_options *options, const struct audit *audit)
{
    struct err err;

    if (geteuid() != 0 || *options->start)
        return;
    if (audit_write_verdict(options, audit, &err) < 0)
        cli_error("logins are not told: %s", err.text);
}

static unsigned
count_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : count > CLI_MAX_JOBS ? CLI_MAX_JOBS : (unsigned)count;
}

static int
audit_cache(const struct audit_report *report, gid_t gid)
{
    const struct cli *cli = report->cli;
    struct audit_options options = {
        .path = policy_text(report->section, KEY_PATH),
        .start = report->start,
        .rules = {gid, policy_mode(report->section),
                  (int)policy_number(report->section, KEY_ACL)},
        .jobs = cli->jobs ? cli->jobs : count_processors(),
        .full = cli->full || report->repair,
        .repair = report->repair,
        .dry_run = cli->dry_run,
        .foreign = cli->foreign,
        .stop = &stopped,
        .tell = cli->all ? tell : NULL,
        .watch = isatty(STDERR_FILENO) && !cli->all ? watch : NULL,
    };
    struct audit_report copy = *report;
    struct audit audit;
    struct err err;
    int code;

    options.data = &copy;
    if (report->json)
        begin_json(report->json, report, gid);
    walking = true;
    code = audit_run(&options, &audit, &err);
    walking = false;
    wipe_progress(&options);
    if (report->json && cli->all)
        json_end_array(report->json);
    if (code < 0) {
        cli_error("%s", err.text);
        tell_what_helps(report, code);
        code = CLI_UNFINISHED;
    } else {
        leave_verdict(&options, &audit);
        report_audit(report, &audit);
        code = judge(report, &audit);
        audit_free(&audit);
    }
    if (report->json)
        json_end_object(report->json);
    return code;
}

static int
run_section(const struct audit_report *report, bool *first)
{
    struct err err;
    gid_t gid;

    if (membership_group(report->section, &gid, &err) < 0) {
        cli_error("%s: %s", policy_text(report->section, KEY_PATH), err.text);
        return CLI_UNFINISHED;
    }
    if (!report->json && !*first)
        putchar('\n');
    *first = false;
    return audit_cache(report, gid);
}

/* --- which caches -------------------------------------------------------- */

/* What of `path` lies below the section's cache; NULL: it is elsewhere. */
static const char *
find_below(const struct policy_section *section, const char *path)
{
    const char *cache = policy_text(section, KEY_PATH);
    size_t length = strlen(cache);

    if (strncmp(path, cache, length) != 0 || (path[length] && path[length] != '/'))
        return NULL;
    path += length;
    return path + strspn(path, "/");
}

/* The operand as an absolute path without "/" at its end. */
static char *
make_absolute(const char *operand)
{
    char *cwd = *operand == '/' ? NULL : getcwd(NULL, 0);
    char *path = cwd ? util_format("%s/%s", cwd, operand) : strdup(operand);
    size_t length = path ? strlen(path) : 0;

    free(cwd);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    return path;
}

static int
refuse_path(const struct policy *policy, const char *path)
{
    cli_error("%s: is in no cache of this policy; give one of these, or a "
              "folder below, without . and ..:", path);
    for (size_t i = 0; i < policy->nsections; i++) {
        if (!cli_is_repeated(policy, i))
            cli_error("  %s", policy_text(&policy->sections[i], KEY_PATH));
    }
    return CLI_USAGE;
}

static int
run_path(const struct policy *policy, struct audit_report *report,
         const char *path)
{
    bool first = true;

    for (size_t i = 0; i < policy->nsections; i++) {
        const char *below = find_below(&policy->sections[i], path);

        if (!below || policy_path_problem(path))
            continue;
        report->section = &policy->sections[i];
        report->start = below;
        return run_section(report, &first);
    }
    return refuse_path(policy, path);
}

static int
run_all(const struct policy *policy, struct audit_report *report)
{
    int code = CLI_FINE;
    bool first = true, any = false;

    report->start = "";
    for (size_t i = 0; i < policy->nsections && !stopped; i++) {
        int one;

        report->section = &policy->sections[i];
        if (!cli_is_for_this_host(report->section) ||
            cli_is_repeated(policy, i))
            continue;
        any = true;
        one = run_section(report, &first);
        code = one > code ? one : code;
    }
    if (!any && !stopped && !report->cli->json)
        puts("no cache of the policy is for this machine");
    return code;
}

/* --- the commands -------------------------------------------------------- */

static int
run(const struct cli *cli, bool repair)
{
    struct json json;
    struct audit_report report = {.cli = cli, .repair = repair};
    CLEANUP_FREE char *path =
        cli->operands > 0 ? make_absolute(cli->operand[0]) : NULL;
    struct policy policy;
    int code;

    code = cli_load_policy(cli, &policy);
    if (code != CLI_FINE)
        return code;
    catch_interrupts();
    if (cli->json) {
        json_begin_document(&json, stdout, cli->command);
        json_begin_array(&json, "caches");
        report.json = &json;
    }
    code = cli->operands > 0 ? run_path(&policy, &report, path ? path : "")
                             : run_all(&policy, &report);
    if (cli->json) {
        json_end_array(&json);
        json_end_document(&json);
    }
    policy_free(&policy);
    return code;
}

int
cmd_check(const struct cli *cli)
{
    return run(cli, false);
}

int
cmd_repair(const struct cli *cli)
{
    return run(cli, true);
}
