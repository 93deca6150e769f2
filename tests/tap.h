/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unit tests that print TAP.  A program is one file of cases:
 *
 *     #include "tap.h"
 *
 *     TEST("a number with a sign is refused")
 *     {
 *         CHECK_INT(util_parse_number("-1", 9, &number), -EINVAL);
 *     }
 *
 *     TAP_MAIN
 *
 * Each case runs in a process of its own, so that a crash, a changed group or
 * a lost descriptor is one "not ok" and no other case sees it; it has 60
 * seconds.  A failing CHECK says where, what it got and what it wanted, and
 * the case goes on; a failing REQUIRE ends it.  Checks count in processes that
 * a case forks, too.  Orphans of a case come to the program: one that still runs
five seconds after it is a failure.  `program WORD` runs the cases with WORD in
their name.
 */
#ifndef HFCACHE_TAP_H
#define HFCACHE_TAP_H

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP_HELPER __attribute__((unused)) static

struct tap_case {
    const char *name;
    void (*run)(void);
    struct tap_case *next;
};

/* What a case's processes tell the program; in memory that they share. */
struct tap_result {
    int failures;
    char skipped[200];
};

static struct tap_case *tap_first, **tap_last = &tap_first;
static const struct tap_case *tap_current; /* the one that runs */
static struct tap_result *tap_result;
static char tap_path[64]; /* the running case's folder, once asked for */

/* A folder of the case's own, removed after it. */
TAP_HELPER const char *
tap_folder(void)
{
    return tap_path;
}

/* The path of `name` in that folder; the last 64 such paths are kept. */
TAP_HELPER const char *
tap_in_folder(const char *name)
{
    static char paths[64][512];
    static unsigned next;
    char *path = paths[next++ % 64];

    if ((size_t)snprintf(path, 512, "%s/%s", tap_path, name) >= 512)
        abort();
    return path;
}

/* Write `text` to the file `name` in that folder, mode 0644; its path. */
TAP_HELPER const char *
tap_write(const char *name, const char *text)
{
    const char *path = tap_in_folder(name);
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fchmod(fileno(file), 0644) != 0 ||
        fclose(file) != 0) {
        perror(path);
        abort();
    }
    return path;
}

/* One line of remarks; on standard error, where prove shows it. */
__attribute__((format(printf, 1, 2))) TAP_HELPER void
tap_note(const char *format, ...)
{
    char line[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if (*c == '\n')
            *c = ' ';
    fprintf(stderr, "# %s\n", line);
}

TAP_HELPER bool
tap_check(bool passed, const char *file, int line, const char *what)
{
    if (!passed) {
        __atomic_add_fetch(&tap_result->failures, 1, __ATOMIC_SEQ_CST);
        tap_note("%s:%d: %s", file, line, what);
    }
    return passed;
}

TAP_HELPER bool
tap_check_int(intmax_t got, intmax_t wanted, const char *file, int line,
              const char *what)
{
    if (tap_check(got == wanted, file, line, what))
        return true;
    tap_note("     got: %jd (0%jo, %#jx)", got, got, got);
    tap_note("  wanted: %jd (0%jo, %#jx)", wanted, wanted, wanted);
    return false;
}

TAP_HELPER bool
tap_check_text(bool passed, const char *got, const char *wanted,
               const char *relation, const char *file, int line,
               const char *what)
{
    if (tap_check(passed, file, line, what))
        return true;
    tap_note("     got: %s", got ? got : "(NULL)");
    tap_note("  wanted%s: %s", relation, wanted ? wanted : "(NULL)");
    return false;
}

TAP_HELPER bool
tap_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

#define CHECK(condition)                                                      \
    tap_check(condition, __FILE__, __LINE__, "not true: " #condition)
#define CHECK_INT(got, wanted)                                                \
    tap_check_int((intmax_t)(got), (intmax_t)(wanted), __FILE__, __LINE__,    \
                  #got " is not " #wanted)
#define CHECK_STR(got, wanted)                                                \
    ({                                                                        \
        const char *got_ = (got), *wanted_ = (wanted);                        \
        tap_check_text(tap_same(got_, wanted_), got_, wanted_, "", __FILE__,  \
                       __LINE__, #got);                                       \
    })
/* `got` contains `part`. */
#define CHECK_HAS(got, part)                                                  \
    ({                                                                        \
        const char *got_ = (got), *part_ = (part);                            \
        tap_check_text(got_ && strstr(got_, part_), got_, part_, " in it",    \
                       __FILE__, __LINE__, #got);                             \
    })
#define CHECK_HAS_NOT(got, part)                                              \
    ({                                                                        \
        const char *got_ = (got), *part_ = (part);                            \
        tap_check_text(!got_ || !strstr(got_, part_), got_, part_,            \
                       " without", __FILE__, __LINE__, #got);                 \
    })

/* What must hold for the rest of the case to make sense. */
#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!CHECK(condition))                                                \
            exit(EXIT_FAILURE);                                               \
    } while (0)
#define REQUIRE_INT(got, wanted)                                              \
    do {                                                                      \
        if (!CHECK_INT(got, wanted))                                          \
            exit(EXIT_FAILURE);                                               \
    } while (0)

/* End the case: it can't be made on this machine, because ... */
#define SKIP(...)                                                             \
    do {                                                                      \
        snprintf(tap_result->skipped, sizeof(tap_result->skipped),            \
                 __VA_ARGS__);                                                \
        exit(EXIT_SUCCESS);                                                   \
    } while (0)

/* From here on the case, which needs root for it, has mounts of its own. */
TAP_HELPER void
tap_own_mounts(void)
{
    if (getuid() != 0)
        SKIP("needs root to mount");
    REQUIRE_INT(unshare(CLONE_NEWNS), 0);
    REQUIRE_INT(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

#define TAP_JOIN2(a, b) a##b
#define TAP_JOIN(a, b) TAP_JOIN2(a, b)
#define TEST(sentence) TAP_DEFINE(sentence, TAP_JOIN(tap_, __LINE__))
#define TAP_DEFINE(sentence, id)                                              \
    static void TAP_JOIN(id, _run)(void);                                     \
    __attribute__((constructor)) static void TAP_JOIN(id, _add)(void)         \
    {                                                                         \
        static struct tap_case entry = {sentence, TAP_JOIN(id, _run), NULL};  \
        *tap_last = &entry;                                                   \
        tap_last = &entry.next;                                               \
    }                                                                         \
    static void TAP_JOIN(id, _run)(void)

/* Remove the case's folder, also what the case has closed to itself. */
TAP_HELPER void
tap_remove_folder(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c",
              "[ -w / ] || chmod -R u+rwx -- \"$1\"; exec rm -rf -- \"$1\"",
              "sh", tap_path, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* Name and end what the case left running. */
TAP_HELPER void
tap_end_orphans(void)
{
    char path[64], command[128];
    FILE *list, *file;
    int pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    list = fopen(path, "r");
    while (list && fscanf(list, "%d", &pid) == 1) {
        snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
        file = fopen(path, "r");
        if (!file || !fgets(command, sizeof(command), file))
            strcpy(command, "(gone)");
        if (file)
            fclose(file);
        tap_note("still running after five seconds: %d %s", pid, command);
        kill(pid, SIGKILL);
    }
    if (list)
        fclose(list);
}

/* Wait for what the case left behind; false if it was still there in the end. */
TAP_HELPER bool
tap_wait_for_orphans(void)
{
    pid_t pid;

    for (int tries = 0; tries < 3000; tries++) {
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid < 0)
            return true;
        usleep(10000);
    }
    tap_end_orphans();
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    return false;
}

/* Run one case in a process of its own; true if it passed. */
TAP_HELPER bool
tap_run(const struct tap_case *one)
{
    int status = 0;
    pid_t pid;

    memset(tap_result, 0, sizeof(*tap_result));
    strcpy(tap_path, "/tmp/hfcache-test.XXXXXX");
    if (!mkdtemp(tap_path)) {
        perror(tap_path);
        return false;
    }
    tap_current = one;
    pid = fork();
    if (pid == 0) {
        alarm(600);
        one->run();
        exit(tap_result->failures ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        status = -1;
    if (!tap_wait_for_orphans() && status == 0)
        tap_result->failures++;
    tap_remove_folder();
    if (status > 0 && WIFSIGNALED(status))
        tap_note("ended by signal %d, %s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (status != 0 && tap_result->failures == 0)
        tap_note("ended with status %d without a failing check",
                 WEXITSTATUS(status));
    return status == 0 && tap_result->failures == 0;
}

TAP_HELPER int
tap_main(const char *word)
{
    unsigned count = 0, number = 0, failed = 0;

    tap_result = mmap(NULL, sizeof(*tap_result), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tap_result == MAP_FAILED)
        return EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (struct tap_case *one = tap_first; one; one = one->next)
        count += strstr(one->name, word) != NULL;
    printf("1..%u\n", count);
    for (struct tap_case *one = tap_first; one; one = one->next) {
        if (!strstr(one->name, word))
            continue;
        bool passed = tap_run(one);

        failed += !passed;
        printf("%s %u - %s%s%s\n", passed ? "ok" : "not ok", ++number,
               one->name, tap_result->skipped[0] ? " # SKIP " : "",
               tap_result->skipped);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TAP_MAIN                                                              \
    int main(int tap_argc, char *tap_argv[])                                  \
    {                                                                         \
        return tap_main(tap_argc > 1 ? tap_argv[1] : "");                     \
    }

#endif
