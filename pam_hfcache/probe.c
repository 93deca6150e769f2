/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starts the helper so that the host never owns a child, and reads its answer.
 *
 * Why not fork or posix_spawn alone: fork copies the page tables of a host
 * that may be large; any child of the host may be taken by its wait(NULL) for
 * the session's own (login, cron), and sends it a SIGCHLD.  A clone without an
 * exit signal sends none and is seen by no wait() but one with __WCLONE, and
 * what it spawns is init's as soon as it has ended.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define MIDDLE_STACK_BYTES (64 * 1024)

/* What the middle process needs; all of it prepared before it exists. */
struct spawn {
    const char *helper;
    char *const *argv;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

/* The middle process: spawn and end.  The exit status is the errno. */
static int
run_middle(void *argument)
{
    struct spawn *spawn = argument;
    char *environment[] = {NULL};
    pid_t pid;

    return posix_spawn(&pid, spawn->helper, &spawn->actions,
                       &spawn->attributes, spawn->argv, environment);
}

/* Default dispositions, nothing blocked: what the host did is not inherited. */
static int
prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    if (posix_spawnattr_setsigdefault(attributes, &all) != 0 ||
        posix_spawnattr_setsigmask(attributes, &none) != 0 ||
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETSIGMASK) != 0)
        return EINVAL;
    return 0;
}

/* Descriptor 3 of the helper: the pipe, or /dev/null if nobody listens. */
static int
prepare_actions(posix_spawn_file_actions_t *actions, int answer_fd)
{
    if (answer_fd >= 0)
        return posix_spawn_file_actions_adddup2(actions, answer_fd,
                                                PROBE_ANSWER_FD);
    return posix_spawn_file_actions_addopen(actions, PROBE_ANSWER_FD,
                                            "/dev/null", O_WRONLY, 0);
}

static int
wait_for_middle(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, (int)__WCLONE) < 0) {
        if (errno != EINTR)
            return errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/* Run the middle process to its end; 0 or a positive errno. */
static int
clone_middle(struct spawn *spawn)
{
    sigset_t all, saved;
    char *stack;
    pid_t pid;
    int error;

    stack = mmap(NULL, MIDDLE_STACK_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return errno;
    /* No handler of the host may run in a process that shares its memory. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    pid = clone(run_middle, stack + MIDDLE_STACK_BYTES, CLONE_VM | CLONE_VFORK,
                spawn);
    error = pid < 0 ? errno : wait_for_middle(pid);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    munmap(stack, MIDDLE_STACK_BYTES);
    return error;
}

static int
start_helper(const char *helper, const char *const *argv, int answer_fd)
{
    struct spawn spawn = {.helper = helper};
    int error;

    memcpy(&spawn.argv, &argv, sizeof(spawn.argv)); /* exec takes no const */
    error = posix_spawn_file_actions_init(&spawn.actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&spawn.attributes);
    if (!error) {
        error = prepare_actions(&spawn.actions, answer_fd);
        if (!error)
            error = prepare_attributes(&spawn.attributes);
        if (!error)
            error = clone_middle(&spawn);
        posix_spawnattr_destroy(&spawn.attributes);
    }
    posix_spawn_file_actions_destroy(&spawn.actions);
    return error;
}

/* Wait until `fd` can be read: 1, 0 when the deadline passed, or -errno. */
static int
wait_readable(int fd, int64_t until_ms)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left = until_ms - util_monotonic_ms();
        int ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);

        if (ready >= 0)
            return ready > 0;
        if (errno != EINTR)
            return -errno;
    }
}

/* All that the helper says until it closes, or -ETIMEDOUT. */
static ssize_t
read_answer(int fd, int64_t until_ms, char *answer)
{
    size_t length = 0;

    while (length < PROBE_ANSWER_MAX) {
        int ready = wait_readable(fd, until_ms);
        ssize_t got;

        if (ready <= 0)
            return ready < 0 ? ready : -ETIMEDOUT;
        got = read(fd, answer + length, PROBE_ANSWER_MAX - length);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        if (got > 0)
            length += (size_t)got;
    }
    answer[length] = '\0';
    return (ssize_t)length;
}

ssize_t
probe_run(const char *helper, const char *const argv[], int64_t deadline_ms,
          char *answer, struct err *err)
{
    int64_t until_ms = util_monotonic_ms() + deadline_ms;
    CLEANUP_CLOSE int read_fd = -1;
    CLEANUP_CLOSE int write_fd = -1;
    ssize_t length;
    int error;

    if (deadline_ms >= 0) {
        int pipe_fds[2];

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
            return err_sys(err, errno, "pipe for %s", helper);
        read_fd = pipe_fds[0];
        write_fd = pipe_fds[1];
    }
    error = start_helper(helper, argv, write_fd);
    if (error)
        return err_sys(err, error, "%s", helper);
    if (deadline_ms < 0)
        return 0;
    close(util_steal_fd(&write_fd));
    length = read_answer(read_fd, until_ms, answer);
    if (length < 0)
        err_sys(err, (int)-length, "answer of %s", helper);
    return length;
}
