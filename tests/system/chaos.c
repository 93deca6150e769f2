/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chaos: until a SIGTERM, does to every process of the machine, in turn and as
 * fast as it can, all that one may do to another: trace, read and write its
 * memory, take its descriptors, limit, renice, bind to one CPU, idle, stop,
 * continue, kill.  Prints what of this the kernel allowed: "COMM CALL COUNT", a
 * line for each.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ALLOWED 512

static struct {
    char comm[32];
    const char *call;
    unsigned count;
} allowed[MAX_ALLOWED];

static unsigned rounds;
static volatile sig_atomic_t has_ended;

/* Before the attack: afterwards there may be no such process any longer. */
static void
read_comm(pid_t pid, char comm[32])
{
    char path[64];
    int fd;
    ssize_t got = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, comm, 31);
        (void)close(fd);
    }
    comm[got > 0 ? got : 0] = '\0';
    comm[strcspn(comm, "\n")] = '\0';
}

static void
note(const char *comm, const char *call, bool done)
{
    if (!done)
        return;
    for (unsigned i = 0; i < MAX_ALLOWED; i++) {
        if (!allowed[i].call) {
            (void)snprintf(allowed[i].comm, sizeof(allowed[i].comm), "%s",
                           comm);
            allowed[i].call = call;
        }
        if (allowed[i].call == call && strcmp(allowed[i].comm, comm) == 0) {
            allowed[i].count++;
            return;
        }
    }
}

static bool
can_open(pid_t pid, const char *name, int flags)
{
    char path[64];
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, flags | O_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static bool
trace(pid_t pid)
{
    bool done = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;

    if (done)
        (void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
    if (done && rounds % 2) {
        (void)waitpid(pid, NULL, __WALL | WNOHANG);
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    return done;
}

static bool
take_descriptor(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0);

    if (pidfd >= 0)
        (void)close(pidfd);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static bool
limit(pid_t pid)
{
    static const enum __rlimit_resource which[] = {
        RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_AS, RLIMIT_CPU};
    struct rlimit none = {0, 0};

    return prlimit(pid, which[rounds % 5], &none, NULL) == 0;
}

static bool
slow_down(pid_t pid)
{
    const struct sched_param none = {0};
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    return (setpriority(PRIO_PROCESS, (id_t)pid, 19) == 0) |
           (sched_setscheduler(pid, SCHED_IDLE, &none) == 0) |
           (sched_setaffinity(pid, sizeof(one), &one) == 0);
}

static void
attack(pid_t pid)
{
    static const int signals[] = {SIGSTOP, SIGTSTP, SIGCONT, SIGTERM,
                                  SIGALRM, SIGHUP,  SIGXCPU, SIGKILL};
    char comm[32];

    read_comm(pid, comm);
    note(comm, "slow-down", slow_down(pid));
    note(comm, "trace", trace(pid));
    note(comm, "memory", can_open(pid, "mem", O_RDWR));
    note(comm, "environ", can_open(pid, "environ", O_RDONLY));
    note(comm, "descriptors", can_open(pid, "fd", O_RDONLY | O_DIRECTORY));
    note(comm, "take", take_descriptor(pid));
    note(comm, "limit", limit(pid));
    note(comm, "signal", kill(pid, signals[rounds % 8]) == 0);
}

static void
attack_all(pid_t self)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0])
                        ? (pid_t)atoi(entry->d_name)
                        : 0;

        if (pid > 1 && pid != self && pid != getppid())
            attack(pid);
    }
    if (folder)
        (void)closedir(folder);
}

static void
end(int number)
{
    (void)number;
    has_ended = 1;
}

int
main(void)
{
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGTERM, end);
    for (; !has_ended; rounds++)
        attack_all(getpid());
    printf("rounds - %u\n", rounds);
    for (unsigned i = 0; i < MAX_ALLOWED && allowed[i].call; i++)
        printf("%s %s %u\n", allowed[i].comm, allowed[i].call,
               allowed[i].count);
    return 0;
}
