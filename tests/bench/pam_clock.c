/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pam_clock.so FILE: appends the hook and the time, in nanoseconds, to FILE at
 * each setcred and open_session.  Before and after other modules' lines it
 * tells what these cost inside a real login program.
 */
#include <fcntl.h>
#include <security/pam_modules.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static int
note(const char *hook, int argc, const char **argv)
{
    struct timespec now;
    char line[64];
    int length, fd;

    clock_gettime(CLOCK_MONOTONIC, &now);
    length = snprintf(line, sizeof(line), "%s %jd\n", hook,
                      (intmax_t)now.tv_sec * 1000000000 + now.tv_nsec);
    fd = argc > 0 ? open(argv[0], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                         0600)
                  : -1;
    if (fd >= 0) {
        if (write(fd, line, (size_t)length) != length)
            length = 0;
        close(fd);
    }
    return PAM_SUCCESS;
}

EXPORTED int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_IGNORE;
}

EXPORTED int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    return note("setcred", argc, argv);
}

EXPORTED int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    return note("open", argc, argv);
}

EXPORTED int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
