/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads [-s SERVICE] [-n ROUNDS] USER...: a host like a web hub that logs
 * users in by PAM from its threads: root, one thread a user, all at once, with
 * the groups that it was started with.  Each has ROUNDS sessions (1), one after
 * the other; libpam loads the module for a session and unloads it with the last.
 *
 * Prints each user's failures and HF_TOKEN_PATH, and before and after all that
 * the host's groups, and how many descriptors, tasks, mappings and bytes of heap
 * it has, when each user has had one session.
 */
#include <dirent.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "converse.h"

#define MAX_USERS 64

static pthread_barrier_t start;
static const char *service = "su";

struct session {
    pthread_t thread;
    const char *user;
    int rounds;
    int failed; /* return codes that were not PAM_SUCCESS */
    char token[256];
};

static void
run_once(struct session *session)
{
    static const struct pam_conv conversation = {converse, NULL};
    pam_handle_t *pamh = NULL;
    const char *token;

    if (pam_start(service, session->user, &conversation, &pamh) !=
        PAM_SUCCESS) {
        session->failed++;
        return;
    }
    session->failed += pam_setcred(pamh, PAM_ESTABLISH_CRED) != PAM_SUCCESS;
    session->failed += pam_open_session(pamh, 0) != PAM_SUCCESS;
    token = pam_getenv(pamh, "HF_TOKEN_PATH");
    (void)snprintf(session->token, sizeof session->token, "%s",
                   token != NULL ? token : "none");
    session->failed += pam_close_session(pamh, 0) != PAM_SUCCESS;
    (void)pam_end(pamh, PAM_SUCCESS);
}

static void *
run_sessions(void *data)
{
    struct session *session = data;

    pthread_barrier_wait(&start);
    for (int i = 0; i < session->rounds; i++)
        run_once(session);
    return NULL;
}

/* All users' sessions, in a thread for each. */
static void
run_all(struct session *sessions, int count, int rounds)
{
    (void)pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        sessions[i].rounds = rounds;
        if (pthread_create(&sessions[i].thread, NULL, run_sessions,
                           &sessions[i]) != 0)
            exit(2);
    }
    for (int i = 0; i < count; i++)
        (void)pthread_join(sessions[i].thread, NULL);
    (void)pthread_barrier_destroy(&start);
}

static int
count_names(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

static int
count_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    int count = 0;

    for (int c; file != NULL && (c = getc(file)) != EOF;)
        count += c == '\n';
    if (file != NULL)
        (void)fclose(file);
    return count;
}

static void
print_host(const char *when)
{
    gid_t groups[1024];
    int count = getgroups(1024, groups);

    printf("%s groups:", when);
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    printf("\n%s descriptors: %d\n", when, count_names("/proc/self/fd"));
    printf("%s tasks: %d\n", when, count_names("/proc/self/task"));
    printf("%s mappings: %d\n", when, count_lines("/proc/self/maps"));
    printf("%s heap: %zu\n", when, mallinfo2().uordblks);
}

int
main(int argc, char **argv)
{
    static struct session sessions[MAX_USERS];
    int rounds = 1, count, option;

    while ((option = getopt(argc, argv, "s:n:")) != -1) {
        if (option == 's')
            service = optarg;
        else if (option == 'n')
            rounds = atoi(optarg);
        else
            return 2;
    }
    count = argc - optind;
    if (count < 1 || count > MAX_USERS || rounds < 1) {
        (void)fprintf(stderr,
                      "usage: threads [-s SERVICE] [-n ROUNDS] USER...\n");
        return 2;
    }
    for (int i = 0; i < count; i++)
        sessions[i].user = argv[optind + i];
    if (rounds > 1)
        run_all(sessions, count, 1); /* what libc opens once and for all */
    print_host("before");
    run_all(sessions, count, rounds);
    for (int i = 0; i < count; i++)
        printf("%s failed=%d token=%s\n", sessions[i].user,
               sessions[i].failed, sessions[i].token);
    print_host("after");
    return 0;
}
