/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting the helper: it answers or is left alone, and the host notices
 * nothing, whatever it does with signals, descriptors and threads.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "pam/snapshot.h"
#include "probe.h"

static const char *const argv[] = {"helper", "look", "path=/srv/x y", NULL};

/* A helper that is a shell script. */
static const char *
script(const char *commands)
{
    char text[2000];
    const char *path;

    snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", commands);
    path = tap_write("helper", text);
    REQUIRE_INT(chmod(path, 0755), 0);
    return path;
}

static void
tell(const char *before, const char *after)
{
    tap_note("%s %s", before ? "was:" : "is: ", before ? before : after);
}

/* probe_run(), and a look at the host before and after. */
static ssize_t
run(const char *helper, int64_t deadline_ms, char *answer, struct err *err)
{
    char *before = snapshot_take(), *after;
    ssize_t result = probe_run(helper, argv, deadline_ms, answer, err);

    after = snapshot_take();
    CHECK_INT(snapshot_compare(before, after, tell), 0);
    free(before);
    free(after);
    return result;
}

static const char *
read_file(const char *name)
{
    static char text[4096];
    FILE *file = fopen(tap_in_folder(name), "re");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

    text[length] = '\0';
    if (file)
        fclose(file);
    return text;
}

/* Wait for a file that the helper writes. */
static const char *
await(const char *name)
{
    for (int tries = 0; tries < 300 && !*read_file(name); tries++)
        usleep(10000);
    return read_file(name);
}

TEST("the helper's answer comes back whole, with its arguments as given")
{
    char answer[PROBE_ANSWER_MAX + 1];
    struct err err;
    const char *helper = script("echo \"$# $1 $2\" >&3; echo more >&3");

    CHECK_INT(run(helper, 5000, answer, &err), 26);
    CHECK_STR(answer, "2 look path=/srv/x y\nmore\n");
}

TEST("a helper without a word is an empty answer")
{
    char answer[PROBE_ANSWER_MAX + 1] = "x";
    struct err err;

    CHECK_INT(run(script("exit 1"), 5000, answer, &err), 0);
    CHECK_STR(answer, "");
    CHECK_INT(run(script("kill -KILL $$"), 5000, answer, &err), 0);
    CHECK_INT(run(script("exec 3>&-; sleep 0.3"), 250, answer, &err), 0);
}

TEST("a helper that doesn't answer is left at the deadline, and not killed")
{
    char answer[PROBE_ANSWER_MAX + 1];
    char commands[300];
    struct err err;
    int64_t start = util_monotonic_ms();

    snprintf(commands, sizeof(commands),
             "trap '' PIPE; printf half >&3; sleep 1; echo on >&3 2>&-; "
             "echo done > %s",
             tap_in_folder("end"));
    CHECK_INT(run(script(commands), 100, answer, &err), -ETIMEDOUT);
    start = util_monotonic_ms() - start;
    CHECK(start >= 100);
    if (!CHECK(start < 700))
        tap_note("  it took %d ms", (int)start);
    CHECK_STR(await("end"), "done\n");
}

TEST("a deadline of nothing is none that is waited for")
{
    char answer[PROBE_ANSWER_MAX + 1];
    int64_t start = util_monotonic_ms();
    struct err err;

    CHECK_INT(run(script("sleep 1"), 0, answer, &err), -ETIMEDOUT);
    CHECK_INT(run(script("sleep 1"), -1, NULL, NULL), 0);
    CHECK(util_monotonic_ms() - start < 700);
}

TEST("a helper that nobody waits for can still write to descriptor 3")
{
    char commands[200];

    snprintf(commands, sizeof(commands), "echo x >&3 && echo done > %s",
             tap_in_folder("end"));
    CHECK_INT(run(script(commands), -1, NULL, NULL), 0);
    CHECK_STR(await("end"), "done\n");
}

TEST("a helper that can't be started is an error with a sentence")
{
    char answer[PROBE_ANSWER_MAX + 1];
    struct err err = {0, ""};

    CHECK_INT(run("/nonexistent/helper", 1000, answer, &err), -ENOENT);
    CHECK_STR(err.text, "/nonexistent/helper: No such file or directory");
    CHECK_INT(run("/etc/passwd", -1, NULL, &err), -EACCES);
    CHECK_STR(err.text, "/etc/passwd: Permission denied");
    CHECK_INT(run("/nonexistent/helper", 1000, answer, NULL), -ENOENT);
}

TEST("a host without a descriptor to spare gets an error")
{
    char answer[PROBE_ANSWER_MAX + 1];
    struct rlimit saved, limit;
    struct err err = {0, ""};
    const char *helper = script("exit 0");
    int spare = open("/dev/null", O_RDONLY);

    REQUIRE_INT(spare, 3);
    getrlimit(RLIMIT_NOFILE, &saved);
    limit = (struct rlimit){4, saved.rlim_max};
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_INT(probe_run(helper, argv, 1000, answer, &err), -EMFILE);
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &saved), 0);
    CHECK_HAS(err.text, "Too many open files");
}

TEST("an answer beyond the bound is cut, not written beyond")
{
    static struct {
        char answer[PROBE_ANSWER_MAX + 1];
        char after[64];
    } area;
    struct err err;

    memset(area.after, 'a', sizeof(area.after));
    /* A pipe gives 4096 bytes at a time: behind the first one they reach on. */
    CHECK_INT(run(script("exec 2> /dev/null; printf x >&3; sleep 0.2; "
                         "head -c 6000 /dev/zero | tr '\\0' x >&3"),
                  5000, area.answer, &err),
              PROBE_ANSWER_MAX);
    CHECK_INT(strlen(area.answer), PROBE_ANSWER_MAX);
    CHECK_INT(area.after[0], 'a');
}

TEST("the helper starts with nothing of the host's environment and signals")
{
    char answer[PROBE_ANSWER_MAX + 1];
    const uint64_t internal = 3ull << 31; /* 32 and 33 are glibc's own */
    uint64_t blocked, ignored;
    struct err err;
    sigset_t all;

    setenv("SECRET", "1", 1);
    setenv("LD_PRELOAD", "", 1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* No child: a shell that waits for one has signals blocked. */
    CHECK(run(script("read -r line < /proc/self/environ\n"
                     "[ -z \"$line\" ] || echo \"$line\" >&3\n"
                     "while read -r name value; do case $name in "
                     "SigBlk:|SigIgn:) echo $value >&3;; esac\n"
                     "done < /proc/self/status"),
              5000, answer, &err) > 0);
    REQUIRE_INT(sscanf(answer, "%" SCNx64 "\n%" SCNx64, &blocked, &ignored),
                2);
    CHECK_INT(blocked, 0);
    CHECK_INT(ignored & ~internal, 0);
}

TEST("the helper is nobody's child but init's")
{
    char answer[PROBE_ANSWER_MAX + 1];
    char self[32];
    struct err err;

    snprintf(self, sizeof(self), "PPid:\t%d\n", getpid());
    CHECK(run(script("grep PPid /proc/$$/status >&3"), 5000, answer, &err) > 0);
    CHECK_HAS(answer, "PPid:\t");
    CHECK_HAS_NOT(answer, self);
}

/* Three runs: an answer, a deadline, no waiting; run() looks at the host. */
static void
run_in_this_host(void)
{
    char answer[PROBE_ANSWER_MAX + 1];
    struct err err;

    CHECK_INT(run(script("echo hello >&3"), 5000, answer, &err), 6);
    CHECK_STR(answer, "hello\n");
    CHECK_INT(run(script("sleep 0.2"), 50, answer, &err), -ETIMEDOUT);
    CHECK_INT(run(script("exit 0"), -1, NULL, NULL), 0);
    usleep(300000); /* the helpers end now; nothing may come of it */
    CHECK_INT(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    CHECK_INT(errno, ECHILD);
}

TEST("a host with SIGCHLD at its default notices nothing")
{
    signal(SIGCHLD, SIG_DFL);
    run_in_this_host();
}

TEST("a host that ignores SIGCHLD notices nothing")
{
    signal(SIGCHLD, SIG_IGN);
    run_in_this_host();
}

TEST("a host that handles SIGCHLD and reaps all never hears of it")
{
    char *before, *after;

    snapshot_count_sigchld();
    before = snapshot_take();
    run_in_this_host();
    after = snapshot_take();
    CHECK_INT(snapshot_compare(before, after, tell), 0);
    CHECK_HAS(after, "SIGCHLD received: 0\n");
    free(before);
    free(after);
}

TEST("a host that blocks all signals has none waiting afterwards")
{
    sigset_t all, pending;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    run_in_this_host();
    sigpending(&pending);
    for (int number = 1; number < 32; number++)
        if (sigismember(&pending, number))
            CHECK_INT(number, 0);
}

TEST("a host with a child of its own keeps it")
{
    siginfo_t info = {0};
    pid_t pid = fork();

    if (pid == 0) {
        usleep(100000);
        _exit(42);
    }
    for (int i = 0; i < 3; i++) {
        char answer[PROBE_ANSWER_MAX + 1];

        CHECK_INT(probe_run(script("sleep 0.05; echo x >&3"), argv, 5000,
                            answer, NULL),
                  2);
    }
    REQUIRE_INT(waitid(P_ALL, 0, &info, WEXITED), 0);
    CHECK_INT(info.si_pid, pid);
    CHECK_INT(info.si_status, 42);
}

TEST("a host whose descriptors 0 to 2 are closed gets its answer")
{
    char answer[PROBE_ANSWER_MAX + 1];
    const char *helper = script("echo hello >&3");
    int saved[3];
    ssize_t result;
    char *before, *after;

    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(fd);
    }
    before = snapshot_take();
    result = probe_run(helper, argv, 5000, answer, NULL);
    after = snapshot_take();
    for (int fd = 0; fd < 3; fd++)
        dup2(saved[fd], fd);
    CHECK_INT(result, 6);
    CHECK_STR(answer, "hello\n");
    CHECK_INT(snapshot_compare(before, after, tell), 0);
    free(before);
    free(after);
}

TEST("a host whose descriptor 3 is its own keeps it")
{
    char answer[PROBE_ANSWER_MAX + 1];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd != 3)
        dup2(fd, 3);
    CHECK_INT(run(script("echo hello >&3"), 5000, answer, NULL), 6);
    CHECK(fcntl(3, F_GETFD) >= 0);
}

static void
do_nothing(int signal)
{
    (void)signal;
}

TEST("a host that is interrupted by a timer all the time still gets it")
{
    struct sigaction action = {.sa_handler = do_nothing}; /* no SA_RESTART */
    struct itimerval timer = {{0, 2000}, {0, 2000}};
    char answer[PROBE_ANSWER_MAX + 1];
    int64_t start = util_monotonic_ms();

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK_INT(probe_run(script("sleep 0.1; echo hello >&3"), argv, 5000,
                        answer, NULL),
              6);
    CHECK_INT(probe_run(script("sleep 1"), argv, 100, answer, NULL),
              -ETIMEDOUT);
    timer = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK(util_monotonic_ms() - start < 1000);
}

static void *
run_often(void *helper)
{
    for (int i = 0; i < 10; i++) {
        char answer[PROBE_ANSWER_MAX + 1] = "";

        CHECK_INT(probe_run(helper, argv, 10000, answer, NULL), 6);
        CHECK_STR(answer, "hello\n");
        free(malloc(1000));
    }
    return NULL;
}

TEST("eight threads of a host can all ask at once")
{
    char helper[200];
    char *before, *after;
    pthread_t threads[8];

    snprintf(helper, sizeof(helper), "%s", script("echo hello >&3"));
    REQUIRE_INT(pthread_create(&threads[0], NULL, run_often, helper), 0);
    pthread_join(threads[0], NULL); /* glibc's handlers for threads are set */
    before = snapshot_take();
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        REQUIRE_INT(pthread_create(&threads[i], NULL, run_often, helper), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    after = snapshot_take();
    CHECK_INT(snapshot_compare(before, after, tell), 0);
    free(before);
    free(after);
}

TAP_MAIN
