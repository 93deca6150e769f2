/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads USER...: a host like a web hub that logs users in by PAM from its
 * threads: root, one thread a user, all at once, with the groups that it was
 * started with.  Prints these before and after, and each session's return
 * codes and HF_TOKEN_PATH.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <security/pam_appl.h>

static pthread_barrier_t start;

struct session {
    pthread_t thread;
    const char *user;
    int setcred;
    int opened;
    char token[256];
};

static int
converse(int count, const struct pam_message **messages,
         struct pam_response **responses, void *data)
{
    (void)messages;
    (void)data;
    *responses = calloc((size_t)count, sizeof **responses);
    return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void *
run_session(void *data)
{
    static const struct pam_conv conversation = {converse, NULL};
    struct session *session = data;
    pam_handle_t *pamh = NULL;
    const char *token;

    pthread_barrier_wait(&start);
    if (pam_start("su", session->user, &conversation, &pamh) != PAM_SUCCESS)
        return NULL;
    session->setcred = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    session->opened = pam_open_session(pamh, 0);
    token = pam_getenv(pamh, "HF_TOKEN_PATH");
    (void)snprintf(session->token, sizeof session->token, "%s",
                   token != NULL ? token : "none");
    (void)pam_close_session(pamh, 0);
    (void)pam_end(pamh, PAM_SUCCESS);
    return NULL;
}

static void
print_groups(const char *when)
{
    gid_t groups[1024];
    int count = getgroups(1024, groups);

    printf("%s:", when);
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    printf("\n");
}

int
main(int argc, char **argv)
{
    struct session sessions[64] = {0};

    if (argc < 2 || argc > 65) {
        (void)fprintf(stderr, "usage: threads USER...\n");
        return 2;
    }
    print_groups("before");
    (void)pthread_barrier_init(&start, NULL, (unsigned)argc - 1);
    for (int i = 1; i < argc; i++) {
        sessions[i - 1].user = argv[i];
        if (pthread_create(&sessions[i - 1].thread, NULL, run_session,
                           &sessions[i - 1]) != 0)
            return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct session *session = &sessions[i - 1];

        (void)pthread_join(session->thread, NULL);
        printf("%s setcred=%d open=%d token=%s\n", session->user,
               session->setcred, session->opened, session->token);
    }
    print_groups("after");
    return 0;
}
