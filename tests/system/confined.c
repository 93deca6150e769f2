/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confined ENOSYS|EPERM COMMAND...: runs COMMAND where statx(2), openat2(2) and
 * the like fail so, as on an old kernel or under an old container's filter.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../pam/confine.h"

int
main(int argc, char **argv)
{
    int error = argc > 1 && strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: confined ENOSYS|EPERM COMMAND...\n");
        return 2;
    }
    if (!confine_calls(error)) {
        perror("confined");
        return 2;
    }
    (void)execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}
