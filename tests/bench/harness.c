/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logins in process: pam_start, setcred, open_session, getenvlist,
 * close_session, pam_end, on stacks that lie side by side in one folder.
 *
 *   harness CONFDIR USER pairs ROUNDS FLOOR SERVICE...
 *       one login on each stack in turn, ROUNDS times; a line for each:
 *       SERVICE, the median of what it cost above FLOOR in the same round and
 *       the median of the whole, in nanoseconds
 *   harness CONFDIR USER burst COUNT SERVICE
 *       COUNT processes released at once; the time until the last of them is
 *       done, and the 99th of 100 times of one, in microseconds
 *   harness CONFDIR USER once COUNT SERVICE
 *       COUNT logins, untimed: for strace and callgrind
 *   harness CONFDIR USER each COUNT SERVICE
 *       the time of each of COUNT logins, in microseconds
 *
 * HEAP_MB in the environment makes the host that large first, SETTLE_US waits
 * that long after each login of `pairs`.  The host has become the user's
 * groups, as su has.
 */
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../system/converse.h"

#define MAX_SERVICES 16
#define MAX_GROUPS 64

static const char *confdir, *user;
static gid_t groups[MAX_GROUPS];
static int ngroups;

static void
fail(const char *what, int rc)
{
    fprintf(stderr, "harness: %s: %d\n", what, rc);
    exit(EXIT_FAILURE);
}

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One login from beginning to end; nanoseconds. */
static int64_t
login(const char *service)
{
    static const struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    int64_t start = now_ns();
    char **variables;
    int rc = pam_start_confdir(service, user, &conv, confdir, &pamh);

    if (rc == PAM_SUCCESS)
        rc = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    if (rc == PAM_SUCCESS)
        rc = pam_open_session(pamh, 0);
    if (rc != PAM_SUCCESS)
        fail(service, rc);
    variables = pam_getenvlist(pamh);
    for (size_t i = 0; variables && variables[i]; i++)
        free(variables[i]);
    free(variables);
    pam_close_session(pamh, 0);
    pam_end(pamh, PAM_SUCCESS);
    return now_ns() - start;
}

/* What modules may have changed, as it was. */
static void
reset_host(void)
{
    umask(022);
    if (setgroups((size_t)ngroups, groups) != 0)
        fail("setgroups", 0);
}

static void
become_user(void)
{
    const struct passwd *entry = getpwnam(user);

    if (!entry || setgid(entry->pw_gid) != 0 ||
        initgroups(user, entry->pw_gid) != 0)
        fail(user, 0);
    ngroups = getgroups(MAX_GROUPS, groups);
    if (ngroups < 0)
        fail("getgroups", 0);
}

static void
grow_heap(void)
{
    const char *megabytes = getenv("HEAP_MB");
    size_t size = megabytes ? strtoul(megabytes, NULL, 10) << 20 : 0;
    char *heap = size ? malloc(size) : NULL;

    if (heap)
        memset(heap, 1, size);
}

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* The value below which `percent` of the sorted ones lie. */
static int64_t
percentile(int64_t *values, size_t count, size_t percent)
{
    qsort(values, count, sizeof(*values), compare);
    return values[(count - 1) * percent / 100];
}

/* Let what a login has started come to its end. */
static void
settle(void)
{
    const char *microseconds = getenv("SETTLE_US");

    if (microseconds)
        usleep((useconds_t)strtoul(microseconds, NULL, 10));
}

static void
pairs(size_t rounds, char **services, size_t count)
{
    int64_t *whole[MAX_SERVICES], *above[MAX_SERVICES];

    if (count > MAX_SERVICES)
        fail("too many stacks", (int)count);
    for (size_t i = 0; i < count; i++) {
        whole[i] = calloc(rounds, sizeof(int64_t));
        above[i] = calloc(rounds, sizeof(int64_t));
        if (!whole[i] || !above[i])
            fail("memory", 0);
        reset_host();
        login(services[i]); /* a warm start for each */
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t j = 0; j < count; j++) {
            size_t i = (j + round) % count; /* nobody always goes first */

            reset_host();
            whole[i][round] = login(services[i]);
            settle();
        }
        for (size_t i = 0; i < count; i++)
            above[i][round] = whole[i][round] - whole[0][round];
    }
    for (size_t i = 0; i < count; i++)
        printf("%s %jd %jd\n", services[i],
               (intmax_t)percentile(above[i], rounds, 50),
               (intmax_t)percentile(whole[i], rounds, 50));
}

static void
burst(size_t count, const char *service)
{
    int64_t *times = mmap(NULL, count * sizeof(*times), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int gate[2];
    int64_t start;
    char c;

    if (times == MAP_FAILED || pipe(gate) != 0)
        fail("memory", 0);
    for (size_t i = 0; i < count; i++) {
        pid_t pid = fork();

        if (pid < 0)
            fail("fork", 0);
        if (pid > 0)
            continue;
        close(gate[1]);
        if (read(gate[0], &c, 1) < 0) /* until the gate is closed */
            _exit(EXIT_FAILURE);
        times[i] = login(service);
        _exit(EXIT_SUCCESS);
    }
    usleep(300000); /* all of them wait now */
    start = now_ns();
    close(gate[1]);
    while (wait(NULL) > 0)
        continue;
    start = now_ns() - start;
    printf("%jd %jd\n", (intmax_t)start / 1000,
           (intmax_t)percentile(times, count, 99) / 1000);
}

int
main(int argc, char *argv[])
{
    const char *mode = argc > 5 ? argv[3] : "";
    size_t number = argc > 5 ? strtoul(argv[4], NULL, 10) : 0;

    if (number == 0) {
        fprintf(stderr, "usage: harness CONFDIR USER pairs|burst|once|each "
                        "NUMBER SERVICE...\n");
        return EXIT_FAILURE;
    }
    confdir = argv[1];
    user = argv[2];
    become_user();
    grow_heap();
    if (strcmp(mode, "pairs") == 0)
        pairs(number, argv + 5, (size_t)argc - 5);
    else if (strcmp(mode, "burst") == 0)
        burst(number, argv[5]);
    for (size_t i = 0; i < number; i++) {
        if (strcmp(mode, "once") == 0)
            login(argv[5]);
        else if (strcmp(mode, "each") == 0)
            printf("%jd\n", (intmax_t)login(argv[5]) / 1000);
    }
    return EXIT_SUCCESS;
}
