/* SPDX-License-Identifier: BSD-3-Clause */
/* A process described in lines, so that two moments can be compared. */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t sigchld_count;

static void
count_and_reap(int signal)
{
    int saved = errno;

    (void)signal;
    sigchld_count++;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    errno = saved;
}

void
snapshot_count_sigchld(void)
{
    struct sigaction action = {.sa_handler = count_and_reap,
                               .sa_flags = SA_RESTART};

    sigaction(SIGCHLD, &action, NULL);
}

static void
add_status(FILE *out)
{
    static const char *const wanted[] = {
        "Umask:",  "Uid:",    "Gid:",    "Groups:", "Threads:", "SigBlk:",
        "SigIgn:", "SigCgt:", "CapInh:", "CapPrm:", "CapEff:",  "NoNewPrivs:",
        "SigPnd:", "ShdPnd:"};
    FILE *file = fopen("/proc/self/status", "re");
    char line[4096];

    while (file && fgets(line, sizeof(line), file))
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
            if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                fputs(line, out);
    if (file)
        fclose(file);
}

static void
add_signals(FILE *out)
{
    struct sigaction action;

    for (int number = 1; number <= 64; number++)
        if (sigaction(number, NULL, &action) == 0)
            fprintf(out, "signal %d: handler %p flags %#x\n", number,
                    *(void **)&action.sa_handler, (unsigned)action.sa_flags);
    fprintf(out, "SIGCHLD received: %d\n", (int)sigchld_count);
}

static void
add_descriptors(FILE *out)
{
    char path[64], target[512];
    DIR *folder = opendir("/proc/self/fd");
    int self;

    if (!folder)
        return;
    self = dirfd(folder);
    for (int fd = 0; fd < 1024; fd++) {
        ssize_t length;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        length = readlink(path, target, sizeof(target) - 1);
        if (fd == self || length < 0)
            continue;
        target[length] = '\0';
        fprintf(out, "descriptor %d: %s\n", fd, target);
    }
    closedir(folder);
}

static void
add_children(FILE *out)
{
    siginfo_t info = {0};
    int rc = waitid(P_ALL, 0, &info,
                    WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL);

    fprintf(out, "children: %s\n", rc < 0 && errno == ECHILD ? "none" : "some");
}

static void
add_timers_and_limits(FILE *out)
{
    static const unsigned char timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    struct itimerval timer;
    struct rlimit limit;

    for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++)
        if (getitimer(timers[i], &timer) == 0)
            fprintf(out, "timer %d: %s\n", timers[i],
                    timer.it_value.tv_sec || timer.it_value.tv_usec ? "runs"
                                                                    : "off");
    for (unsigned char i = 0; i < RLIM_NLIMITS; i++)
        if (getrlimit(i, &limit) == 0)
            fprintf(out, "limit %d: %ju %ju\n", i, (uintmax_t)limit.rlim_cur,
                    (uintmax_t)limit.rlim_max);
    fprintf(out, "nice: %d\n", getpriority(PRIO_PROCESS, 0));
}

static void
add_environment(FILE *out)
{
    fprintf(out, "environ: at %p\n", (void *)environ);
    for (char **entry = environ; *entry; entry++)
        fprintf(out, "environ: %s\n", *entry);
}

char *
snapshot_take(void)
{
    char *text = NULL, folder[4096];
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        abort();
    add_status(out);
    add_signals(out);
    add_descriptors(out);
    add_children(out);
    add_timers_and_limits(out);
    add_environment(out);
    fprintf(out, "working folder: %s\n",
            getcwd(folder, sizeof(folder)) ? folder : "(gone)");
    fprintf(out, "locale: %s\n", setlocale(LC_ALL, NULL));
    fprintf(out, "session: %d group: %d\n", getsid(0), getpgrp());
    fclose(out);
    return text;
}

char *
snapshot_with(char *snapshot, const char *name, const char *value)
{
    char *start = strstr(snapshot, name), *end, *text = NULL;

    if (!start || !(end = strchr(start, '\n')) ||
        asprintf(&text, "%.*s%s%s%s", (int)(start - snapshot), snapshot, name,
                 value, end) < 0)
        abort();
    free(snapshot);
    return text;
}

/* True if `text` has the `length` bytes of `line` as a line. */
static int
has_line(const char *text, const char *line, size_t length)
{
    for (; *text; text += strcspn(text, "\n") + 1)
        if (strncmp(text, line, length) == 0 && text[length] == '\n')
            return 1;
    return 0;
}

unsigned
snapshot_compare(const char *before, const char *after,
                 void (*tell)(const char *before, const char *after))
{
    const char *sides[2] = {before, after};
    unsigned count = 0;

    for (int side = 0; side < 2; side++) {
        const char *line = sides[side];
        size_t length;

        for (; *line; line += length + 1) {
            char copy[4096];

            length = strcspn(line, "\n");
            if (has_line(sides[!side], line, length))
                continue;
            snprintf(copy, sizeof(copy), "%.*s", (int)length, line);
            tell(side == 0 ? copy : NULL, side == 1 ? copy : NULL);
            count++;
        }
    }
    return count;
}
