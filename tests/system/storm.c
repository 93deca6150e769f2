/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * storm SERVICE COUNT USER: COUNT processes that let one user in by PAM, as su
 * does, all at once.  A line for each login:
 *
 *   MILLISECONDS open=CODE home=0|1 child=0|1
 *
 * the time of all of it; open_session's return code; whether HF_HOME was set;
 * whether the program has a child or was sent a SIGCHLD, for which login
 * programs wait.  The slowest come first.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "converse.h"

struct result {
    long ms;
    int opened;
    int has_home;
    int has_child;
};

static volatile sig_atomic_t signals;

static void
count_signal(int number)
{
    (void)number;
    signals = 1;
}

static long
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
run_login(const char *service, const struct passwd *user, struct result *ret)
{
    static const struct pam_conv conversation = {converse, NULL};
    long start = now_ms();
    pam_handle_t *pamh = NULL;

    ret->opened = pam_start(service, user->pw_name, &conversation, &pamh);
    if (ret->opened == PAM_SUCCESS)
        ret->opened = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    if (ret->opened == PAM_SUCCESS)
        ret->opened = pam_open_session(pamh, 0);
    ret->ms = now_ms() - start;
    ret->has_home = pam_getenv(pamh, "HF_HOME") != NULL;
    ret->has_child = signals || waitpid(-1, NULL, WNOHANG | (int)__WALL) >= 0 ||
                     errno != ECHILD;
    (void)pam_close_session(pamh, 0);
    (void)pam_end(pamh, PAM_SUCCESS);
}

static void
start_login(const char *service, const struct passwd *user, const int gate[2],
            struct result *ret)
{
    pid_t pid = fork();
    char c;

    if (pid != 0) {
        if (pid < 0)
            ret->opened = PAM_SYSTEM_ERR;
        return;
    }
    (void)close(gate[1]);
    (void)signal(SIGCHLD, count_signal);
    if (read(gate[0], &c, 1) == 0) /* when the gate is closed */
        run_login(service, user, ret);
    _exit(0);
}

static int
compare(const void *a, const void *b)
{
    const struct result *left = a, *right = b;

    return (left->ms < right->ms) - (left->ms > right->ms);
}

int
main(int argc, char **argv)
{
    size_t count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    const struct passwd *user = count > 0 ? getpwnam(argv[3]) : NULL;
    struct result *results;
    int gate[2];

    if (user == NULL || initgroups(user->pw_name, user->pw_gid) != 0 ||
        setgid(user->pw_gid) != 0 || pipe(gate) != 0)
        return 2;
    results = mmap(NULL, count * sizeof *results, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED)
        return 2;
    for (size_t i = 0; i < count; i++) {
        results[i].opened = -1;
        start_login(argv[1], user, gate, &results[i]);
    }
    (void)usleep(300000); /* now all of them wait */
    (void)close(gate[1]);
    while (wait(NULL) > 0)
        continue;
    qsort(results, count, sizeof *results, compare);
    for (size_t i = 0; i < count; i++)
        printf("%ld open=%d home=%d child=%d\n", results[i].ms,
               results[i].opened, results[i].has_home, results[i].has_child);
    return 0;
}
