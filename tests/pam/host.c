/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Login programs differ in what they do with signals, descriptors, threads
 * and ids before a module runs.  Ids and limits are taken at once and for
 * good; the rest only while the hooks run, so that the driver can work.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "snapshot.h"

static struct {
    bool blocked, closed, terminal, ignored, handled, timer, alarm;
    int threads;
    size_t stack;
} host = {.threads = 1};

static sigset_t saved_mask;
static int saved_fd[3];
static int pty_fd = -1;
static int running_threads = 1;

int64_t
host_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
host_reset_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What a script asks for must be had, else the case ends here. */
static void
require(bool done, const char *word, const char *value)
{
    if (done)
        return;
    fprintf(stderr, "# %%host %s:%s cannot be had\n", word, value);
    exit(EXIT_FAILURE);
}

static const struct passwd *
person(const char *name)
{
    const struct passwd *entry = getpwnam(name);

    require(entry != NULL, "user", name);
    return entry;
}

static void
set_limit(int which, const char *value)
{
    struct rlimit limit;

    limit.rlim_cur = limit.rlim_max = (rlim_t)strtoul(value, NULL, 10);
    require(setrlimit((unsigned char)which, &limit) == 0, "limit",
            value);
    signal(SIGXFSZ, SIG_IGN);
}

/* A limit of this process, by its name in lower case. */
static bool
is_limit(const char *word, const char *value)
{
    static const struct {
        const char *word;
        int which;
    } limits[] = {
        {"fsize", RLIMIT_FSIZE},   {"nofile", RLIMIT_NOFILE},
        {"nproc", RLIMIT_NPROC},   {"as", RLIMIT_AS},
        {"data", RLIMIT_DATA},     {"memlock", RLIMIT_MEMLOCK},
        {"core", RLIMIT_CORE},     {"sigpending", RLIMIT_SIGPENDING},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        if (strcmp(word, limits[i].word) == 0) {
            set_limit(limits[i].which, value);
            return true;
        }
    }
    return false;
}

static bool
is_confinement(const char *word, const char *value)
{
    if (strcmp(word, "calls") == 0)
        return confine_calls(strcmp(value, "EPERM") == 0 ? EPERM : ENOSYS);
    if (strcmp(word, "userns") == 0)
        return confine_ids();
    if (strcmp(word, "chroot") == 0)
        return confine_root(value);
    return strcmp(word, "no-proc") == 0 && confine_proc();
}

static void
take_word(const char *word, const char *value)
{
    if (strcmp(word, "become") == 0) {
        const struct passwd *entry = person(value);

        require(setgid(entry->pw_gid) == 0 &&
                    initgroups(entry->pw_name, entry->pw_gid) == 0,
                word, value);
    } else if (strcmp(word, "ruid") == 0) {
        require(setresuid(person(value)->pw_uid, 0, 0) == 0, word, value);
    } else if (strcmp(word, "named") == 0) {
        require(prctl(PR_SET_NAME, value) == 0, word, value);
    } else if (strcmp(word, "threads") == 0) {
        host.threads = atoi(value);
    } else if (strcmp(word, "blocked") == 0) {
        host.blocked = true;
    } else if (strcmp(word, "closed") == 0) {
        host.closed = true;
    } else if (strcmp(word, "terminal") == 0) {
        host.terminal = true;
    } else if (strcmp(word, "sigchld") == 0) {
        host.ignored = strcmp(value, "ignored") == 0;
        host.handled = strcmp(value, "handled") == 0;
    } else if (strcmp(word, "umask") == 0) {
        umask((mode_t)strtoul(value, NULL, 8));
    } else if (strcmp(word, "timer") == 0) {
        host.timer = true;
    } else if (strcmp(word, "alarm") == 0) {
        host.alarm = true;
    } else if (strcmp(word, "stack") == 0) {
        host.stack = strtoul(value, NULL, 10);
    } else {
        require(is_limit(word, value) || is_confinement(word, value), word,
                value);
    }
}

bool
host_set(const char *word, const char *arguments)
{
    char *copy, *save = NULL;

    if (strcmp(word, "host") != 0)
        return false;
    copy = strdup(arguments);
    require(copy != NULL, "memory", "");
    for (char *item = strtok_r(copy, " ", &save); item;
         item = strtok_r(NULL, " ", &save)) {
        char *colon = strchr(item, ':');

        if (colon)
            *colon++ = '\0';
        take_word(item, colon ? colon : "");
    }
    free(copy);
    return true;
}

static void *
wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void
start_threads(void)
{
    for (; running_threads < host.threads; running_threads++) {
        pthread_t thread;

        require(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0,
                "threads", "N");
    }
}

/* Descriptors 0 to 2 become a terminal's, or nothing. */
static void
replace_descriptors(void)
{
    int terminal = -1;

    if (host.terminal) {
        pty_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        require(pty_fd >= 0 && unlockpt(pty_fd) == 0, "terminal", "");
        terminal = open(ptsname(pty_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
        require(terminal >= 0, "terminal", "");
    }
    for (int fd = 0; fd < 3; fd++) {
        saved_fd[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        if (terminal >= 0)
            dup2(terminal, fd);
        else
            close(fd);
    }
    if (terminal >= 0)
        close(terminal);
}

static void
restore_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved_fd[fd], fd);
        close(saved_fd[fd]);
    }
    if (pty_fd >= 0)
        close(pty_fd);
    pty_fd = -1;
}

static void
do_nothing(int signal)
{
    (void)signal;
}

/* Every two milliseconds a signal that interrupts what waits. */
static void
start_timer(long microseconds)
{
    struct sigaction action = {.sa_handler = do_nothing}; /* no SA_RESTART */
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* One is due in an hour, and another one is pending. */
static void
start_alarm(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGALRM);
    alarm(3600);
}

void
host_enter(void)
{
    sigset_t all;

    start_threads();
    if (host.handled)
        snapshot_count_sigchld();
    else
        signal(SIGCHLD, host.ignored ? SIG_IGN : SIG_DFL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, host.blocked ? &all : NULL, &saved_mask);
    if (host.timer)
        start_timer(2000);
    if (host.alarm)
        start_alarm();
    fflush(NULL);
    if (host.closed || host.terminal)
        replace_descriptors();
}

void
host_leave(void)
{
    if (host.closed || host.terminal)
        restore_descriptors();
    if (host.timer)
        start_timer(0);
    if (host.alarm) {
        alarm(0);
        signal(SIGALRM, SIG_IGN); /* and so the pending one goes */
        signal(SIGALRM, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &saved_mask, NULL);
    signal(SIGCHLD, SIG_DFL);
}

void
host_call(void (*run)(void *), void *argument)
{
    char bytes[32];

    if (host.stack == 0) {
        run(argument);
        return;
    }
    snprintf(bytes, sizeof(bytes), "%zu", host.stack);
    require(confine_stack(host.stack, run, argument), "stack", bytes);
}
