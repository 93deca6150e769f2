/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drive MODULE HELPER PRELUDE SCRIPT...: runs PAM scripts (script.h) through
 * the real libpam, each in a process and a world of its own (world.h), and
 * prints TAP.  PRELUDE is a file of shell functions for %shell and %check.
 * Log lines are caught because this program, linked with -rdynamic, defines
 * pam_syslog() itself.
 *
 *   script.c    reads a script
 *   world.c     the machine that it runs on
 *   host.c      what kind of login program the process is
 *   confine.c   what is kept from it
 *   calls.c     libpam: start, hooks, conversation, log, environment
 *   snapshot.c  what must not change in a host
 */
#include "tap.h"

#include <fcntl.h>

#include "calls.h"
#include "confine.h"
#include "host.h"
#include "script.h"
#include "snapshot.h"
#include "world.h"

#define SHELL_SECONDS 300 /* however slow the machine: then it hangs */

static const char *module_path, *helper_path;
static char prelude[8192];

struct script_case {
    struct tap_case base;
    struct script script;
};

/* What is true for the rest of a script, and the moment before a %run. */
struct stage {
    const struct script *script;
    char *before, *after;
    int64_t took_ms;
};

static void
tell_change(const char *before, const char *after)
{
    tap_note("%s %s", before ? "was:" : "is: ", before ? before : after);
}

/* The block `word` that says what the %run at `run` must lead to, or NULL. */
static const struct block *
expectation(const struct script *script, size_t run, const char *word)
{
    for (size_t i = run + 1; i < script->count; i++) {
        if (strcmp(script->block[i].word, "run") == 0)
            break;
        if (strcmp(script->block[i].word, word) == 0)
            return &script->block[i];
    }
    return NULL;
}

static bool
is_expectation(const char *word)
{
    static const char *const words[] = {"env",   "log",    "notice", "groups",
                                        "umask", "within", "check"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* `got` must be, line by line, what the block wants; without one, nothing. */
static void
check_lines(const struct stage *stage, const struct block *run,
            const struct block *wanted, const char *what,
            const struct call_lines *got)
{
    size_t count = wanted ? wanted->count : 0;
    unsigned number = wanted ? wanted->number : run->number;

    for (size_t i = 0; i < count || i < got->count; i++) {
        const char *want = i < count ? wanted->line[i] : NULL;
        const char *have = i < got->count ? got->line[i] : NULL;

        if (want && have && script_matches(want, have))
            continue;
        tap_check_text(false, have, want, "", stage->script->path,
                       (int)number, what);
    }
}

static void
check_unchanged(struct stage *stage, size_t run)
{
    const struct block *groups = expectation(stage->script, run, "groups");
    const struct block *umasked = expectation(stage->script, run, "umask");
    char value[512];

    if (groups) {
        snprintf(value, sizeof(value), "\t%s ", groups->arguments);
        stage->before = snapshot_with(stage->before, "Groups:", value);
    }
    if (umasked) {
        snprintf(value, sizeof(value), "\t%s", umasked->arguments);
        stage->before = snapshot_with(stage->before, "Umask:", value);
    }
    if (snapshot_compare(stage->before, stage->after, tell_change) > 0)
        tap_check(false, stage->script->path,
                  (int)stage->script->block[run].number,
                  "the host is not as it was");
}

/* Run commands in sh(1) until they succeed, for `seconds` at most. */
static bool
shell(const struct block *block, int seconds)
{
    char *lines = script_text(block), *text = NULL;
    bool done = false;

    REQUIRE(asprintf(&text, "%s\n%s", prelude, lines) > 0);
    free(lines);

    for (int tries = 0; !done && tries < seconds * 20 + 1; tries++) {
        pid_t pid;
        int status;

        if (tries > 0)
            usleep(50000);
        pid = fork();
        if (pid == 0) {
            host_reset_signals();
            alarm(SHELL_SECONDS);
            if (tries < seconds * 20) /* only the last try may complain */
                dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
            execl("/bin/sh", "sh", "-euc", text, (char *)NULL);
            _exit(127);
        }
        if (waitpid(pid, &status, 0) != pid)
            status = -1; /* SIGCHLD is ignored or reaped by the host */
        done = status == 0;
    }
    free(text);
    return done;
}

static void
check_expectations(struct stage *stage, size_t run)
{
    const struct script *script = stage->script;
    const struct block *block = &script->block[run], *wanted;

    check_lines(stage, block, expectation(script, run, "env"), "environment",
                calls_environment());
    check_lines(stage, block, expectation(script, run, "log"), "log",
                calls_log());
    check_lines(stage, block, expectation(script, run, "notice"), "notice",
                calls_notices());
    check_unchanged(stage, run);
    wanted = expectation(script, run, "within");
    if (wanted && stage->took_ms > atoi(wanted->arguments))
        tap_check_int(stage->took_ms, atoi(wanted->arguments), script->path,
                      (int)wanted->number, "milliseconds that it took");
    wanted = expectation(script, run, "check");
    if (wanted && !shell(wanted, 30))
        tap_check(false, script->path, (int)wanted->number,
                  "the commands of %check fail");
}

/* A line of a %run, and what it gave instead. */
struct step {
    const char *line, *problem;
};

static void
take_step(void *argument)
{
    struct step *step = argument;

    step->problem = calls_step(step->line);
}

static void
run_steps(struct stage *stage, size_t at)
{
    const struct block *run = &stage->script->block[at];

    host_enter();
    stage->before = snapshot_take();
    stage->took_ms = -host_now_ms();
    for (size_t i = 0; i < run->count; i++) {
        struct step step = {run->line[i], NULL};

        host_call(take_step, &step);
        if (step.problem)
            tap_check_text(false, step.problem, step.line, "",
                           stage->script->path, (int)run->number,
                           "a step of %run");
    }
    stage->took_ms += host_now_ms();
    stage->after = snapshot_take();
    host_leave();
    check_expectations(stage, at);
    free(stage->before);
    free(stage->after);
    calls_forget();
}

static void
write_block(const struct block *block, const char *path, mode_t mode)
{
    char *text = script_text(block);

    world_write(path, mode, text, strlen(text));
    free(text);
}

/* %file PATH [MODE] */
static void
write_named(const struct block *block)
{
    char path[512];
    unsigned mode = 0644;

    REQUIRE(sscanf(block->arguments, "%511s %o", path, &mode) >= 1);
    write_block(block, strcmp(path, "@HELPER@") == 0 ? HFCACHE_HELPER : path,
                mode);
}

#ifdef __SANITIZE_ADDRESS__
#define IS_PLAIN false
#else
#define IS_PLAIN true
#endif

/* %needs WORD */
static void
skip_without(const char *word)
{
    if (strcmp(word, "groups") == 0 && !world_has_groups())
        SKIP("groups and owners cannot be changed without root");
    if (strcmp(word, "plain") == 0 && !IS_PLAIN)
        SKIP("this build is instrumented");
    if (strcmp(word, "glibc") == 0 && !CONFINE_HAS_STACKS)
        SKIP("this C library is another one");
}

static void
perform(struct stage *stage, size_t at)
{
    const struct block *block = &stage->script->block[at];
    const char *word = block->word;

    if (strcmp(word, "policy") == 0) {
        write_block(block, "/etc/security/hfcache.conf", 0644);
    } else if (strcmp(word, "file") == 0) {
        write_named(block);
    } else if (strcmp(word, "shell") == 0) {
        if (!shell(block, 0))
            tap_check(false, stage->script->path, (int)block->number,
                      "the commands of %shell fail");
    } else if (strcmp(word, "needs") == 0) {
        skip_without(block->arguments);
    } else if (strcmp(word, "run") == 0) {
        run_steps(stage, at);
    } else if (!is_expectation(word) && !host_set(word, block->arguments) &&
               !calls_set(block)) {
        tap_check(false, stage->script->path, (int)block->number, word);
    }
}

static void
run_script(void)
{
    const struct script_case *one = (const void *)tap_current;
    struct stage stage = {.script = &one->script};
    const char *problem = world_enter(module_path, helper_path);

    if (problem)
        SKIP("%s", problem);
    for (size_t i = 0; i < one->script.count; i++)
        perform(&stage, i);
    calls_end();
}

static void
add_case(const char *path)
{
    struct script_case *one = calloc(1, sizeof(*one));

    if (!one || !script_read(path, &one->script))
        exit(EXIT_FAILURE);
    one->base = (struct tap_case){one->script.name, run_script, NULL};
    *tap_last = &one->base;
    tap_last = &one->base.next;
}

static void
read_prelude(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(prelude, 1, sizeof(prelude) - 1, file) : 0;

    if (length == 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
}

int
main(int argc, char *argv[])
{
    if (argc < 5) {
        fprintf(stderr, "usage: drive MODULE HELPER PRELUDE SCRIPT...\n");
        return EXIT_FAILURE;
    }
    module_path = argv[1];
    helper_path = argv[2];
    read_prelude(argv[3]);
    for (int i = 4; i < argc; i++)
        add_case(argv[i]);
    return tap_main("");
}
