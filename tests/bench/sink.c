/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sink SOCKET: takes what programs log to the datagram socket SOCKET, and drops
 * it.  For the bench of logins: what a collector does with a line is not their
 * affair, but a slow one would hold them up, and take a processor from them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[8192];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (argc != 2 || fd < 0 || strlen(argv[1]) >= sizeof(address.sun_path)) {
        fprintf(stderr, "usage: sink SOCKET\n");
        return EXIT_FAILURE;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    strcpy(address.sun_path, argv[1]);
    (void)unlink(argv[1]);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    while (recv(fd, line, sizeof(line), 0) >= 0)
        continue;
    return EXIT_FAILURE;
}
