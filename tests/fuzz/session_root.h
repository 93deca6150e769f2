/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rest of session_host.h: who the host is, whom NSS knows, what it starts.
 */
#ifndef HFCACHE_SESSION_ROOT_H
#define HFCACHE_SESSION_ROOT_H

#include "session_host.h"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define HELPER_PID 4711

static const struct {
    const char *name;
    uid_t uid;
} host_users[] = {{"alice", 1000}, {"svc", 500}, {"root", 0},
                  {"nobody", 65534}, {"o'neil", 1001}};

static const struct {
    const char *name;
    gid_t gid;
} host_groups[] = {{"users", 100}, {"hf-users", HOST_GID}, {"sudo", 27},
                   {"team", 50}, {"root", 0}};

/* --- ids, groups, NSS ---------------------------------------------------- */

WRAP(uid_t, getuid, void);
WRAP(uid_t, geteuid, void);
WRAP(gid_t, getegid, void);
WRAP(int, getgroups, int size, gid_t groups[]);
WRAP(int, setgroups, size_t count, const gid_t *groups);
WRAP(int, getpwnam_r, const char *name, struct passwd *entry, char *buffer,
     size_t size, struct passwd **ret);
WRAP(int, getgrnam_r, const char *name, struct group *entry, char *buffer,
     size_t size, struct group **ret);
WRAP(int, getgrgid_r, gid_t gid, struct group *entry, char *buffer, size_t size,
     struct group **ret);
WRAP(int, getgrouplist, const char *user, gid_t primary, gid_t *groups,
     int *count);

uid_t
__wrap_getuid(void)
{
    return !host.active ? __real_getuid() : host.bits & HOST_OF_USER ? 1000 : 0;
}

uid_t
__wrap_geteuid(void)
{
    return !host.active                ? __real_geteuid()
           : host.bits & HOST_IS_USER ? 1000
                                       : 0;
}

gid_t
__wrap_getegid(void)
{
    return !host.active               ? __real_getegid()
           : host.bits & HOST_BECAME ? 100
                                      : 0;
}

static bool
host_has(gid_t gid)
{
    for (size_t i = 0; i < host.nown; i++)
        if (host.own[i] == gid)
            return true;
    return gid == (host.bits & HOST_BECAME ? 100 : 0);
}

int
__wrap_getgroups(int size, gid_t groups[])
{
    if (!host.active)
        return __real_getgroups(size, groups);
    if (host_fails())
        return -1;
    MUST(size == 0 || (size_t)size >= host.nown);
    if (size > 0)
        memcpy(groups, host.own, host.nown * sizeof(*groups));
    return (int)host.nown;
}

/* One more, no other and none less; and only where the process is the user's. */
int
__wrap_setgroups(size_t count, const gid_t *groups)
{
    MUST(host.active && count == host.nown + 1 && count <= HOST_MAX_GROUPS);
    MUST(!(host.bits & HOST_IS_USER) && host.bits & HOST_BECAME);
    MUST(memcmp(groups, host.own, host.nown * sizeof(*groups)) == 0);
    MUST(groups[host.nown] != 0 && groups[host.nown] != 27);
    MUST(host_has(100) && (!(host.bits & HOST_THREADS) ||
                           !(host.bits & HOST_OTHER_GROUP)));
    if (host_fails())
        return -1;
    host.own[host.nown++] = groups[count - 1];
    host.added++;
    return 0;
}

int
__wrap_getpwnam_r(const char *name, struct passwd *entry, char *buffer,
                  size_t size, struct passwd **ret)
{
    *ret = NULL;
    if (host_fails())
        return host.error;
    for (size_t i = 0; i < ARRAY_LEN(host_users); i++) {
        if (strcmp(name, host_users[i].name) != 0)
            continue;
        if ((size_t)snprintf(buffer, size, "/home/%s", name) >= size)
            return ERANGE;
        *entry = (struct passwd){.pw_name = buffer + strlen("/home/"),
                                 .pw_dir = buffer,
                                 .pw_uid = host_users[i].uid,
                                 .pw_gid = 100};
        *ret = entry;
    }
    return 0;
}

static int
host_find_group(const char *name, gid_t gid, struct group *entry, char *buffer,
                size_t size, struct group **ret)
{
    *ret = NULL;
    if (host_fails()) {
        host.is_cut = host.is_cut || name;
        return host.error;
    }
    for (size_t i = 0; i < ARRAY_LEN(host_groups); i++) {
        if (name ? strcmp(name, host_groups[i].name) != 0
                 : gid != host_groups[i].gid)
            continue;
        MUST((size_t)snprintf(buffer, size, "%s", host_groups[i].name) < size);
        *entry = (struct group){.gr_name = buffer, .gr_gid = host_groups[i].gid};
        *ret = entry;
    }
    return 0;
}

int
__wrap_getgrnam_r(const char *name, struct group *entry, char *buffer,
                  size_t size, struct group **ret)
{
    return host_find_group(name, 0, entry, buffer, size, ret);
}

int
__wrap_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size,
                  struct group **ret)
{
    return host_find_group(NULL, gid, entry, buffer, size, ret);
}

/* libc gives what it has when it could not have all. */
int
__wrap_getgrouplist(const char *user, gid_t primary, gid_t *groups, int *count)
{
    int room = *count;

    (void)user;
    MUST(room >= 3);
    *count = 0;
    groups[(*count)++] = primary;
    host.is_cut = host.is_cut || host_fails();
    if (host.is_cut)
        return *count;
    groups[(*count)++] = 50;
    if (host.member)
        groups[(*count)++] = HOST_GID;
    return *count;
}

/* --- processes and time -------------------------------------------------- */

WRAP(int, prctl, int option, ...);
WRAP(int, pipe2, int fds[2], int flags);
WRAP(int, poll, struct pollfd *fds, nfds_t count, int timeout);
WRAP(void *, mmap64, void *at, size_t size, int protection, int flags, int fd,
     off64_t offset);
WRAP(int, clone, int (*run)(void *), void *stack, int flags, void *argument, ...);
WRAP(pid_t, waitpid, pid_t pid, int *status, int options);
WRAP(int, posix_spawn, pid_t *pid, const char *path,
     const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *with,
     char *const argv[], char *const environment[]);
WRAP(int, posix_spawn_file_actions_adddup2, posix_spawn_file_actions_t *actions,
     int fd, int as);
WRAP(int, clock_gettime, clockid_t clock, struct timespec *ret);
WRAP(mode_t, umask, mode_t mask);

int
__wrap_prctl(int option, ...)
{
    va_list args;
    unsigned long argument;

    va_start(args, option);
    argument = va_arg(args, unsigned long);
    va_end(args);
    if (!host.active)
        return __real_prctl(option, argument, 0L, 0L, 0L);
    MUST(option == PR_GET_CHILD_SUBREAPER || option == PR_GET_NAME);
    /* NOLINTBEGIN(performance-no-int-to-ptr) */
    if (option == PR_GET_NAME)
        strcpy((char *)argument, host.bits & HOST_UNIT ? "(sshd)" : "sshd");
    else
        *(int *)argument = (host.bits & HOST_REAPER) != 0;
    /* NOLINTEND(performance-no-int-to-ptr) */
    return host_fails() ? -1 : 0;
}

int
__wrap_pipe2(int fds[2], int flags)
{
    return host_fails() ? -1 : __real_pipe2(fds, flags);
}

int
__wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (host_fails())
        return -1;
    if (host.active && host.bits & HOST_SLOW)
        return 0;
    return __real_poll(fds, count, timeout);
}

void *
__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
              off64_t offset)
{
    return host_fails() ? MAP_FAILED
                        : __real_mmap64(at, size, protection, flags, fd, offset);
}

int
__wrap_clone(int (*run)(void *), void *stack, int flags, void *argument, ...)
{
    MUST(host.active && stack && (flags & 0xff) == 0);
    if (host_fails())
        return -1;
    host.status = run(argument);
    return HELPER_PID;
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
    if (!host.active)
        return __real_waitpid(pid, status, options);
    MUST(pid == HELPER_PID && (unsigned)options & (unsigned)__WCLONE);
    if (host_fails())
        return -1;
    *status = host.status << 8;
    return pid;
}

int
__wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions,
                                        int fd, int as)
{
    host.answer_fd = fd;
    return host_fails() ? host.error
                        : __real_posix_spawn_file_actions_adddup2(actions, fd, as);
}

/* The helper: by root alone, and all that it needs to know in its arguments. */
int
__wrap_posix_spawn(pid_t *pid, const char *path,
                   const posix_spawn_file_actions_t *actions,
                   const posix_spawnattr_t *with, char *const argv[],
                   char *const environment[])
{
    size_t length = strlen(host.answer);

    (void)actions;
    (void)with;
    MUST(host.active && strcmp(path, HFCACHE_HELPER) == 0 && !*environment);
    MUST(!(host.bits & (HOST_OF_USER | HOST_IS_USER | HOST_REAPER)));
    MUST(strcmp(argv[0], "hfcache-probe") == 0 && argv[1] && argv[2]);
    if (host_fails())
        return host.error;
    host.spawned++;
    *pid = HELPER_PID + 1;
    if (strcmp(argv[1], "join") == 0) {
        MUST(strcmp(argv[2], "user=alice") == 0 ||
             strcmp(argv[2], "user=o'neil") == 0);
        host.member = host.member || host.bits & HOST_JOINS;
    }
    if (host.answer_fd >= 0)
        MUST(write(host.answer_fd, host.answer, length) == (ssize_t)length);
    host.answer_fd = -1;
    return 0;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (!host.active)
        return __real_clock_gettime(clock, ret);
    host.now_ms++;
    *ret = (struct timespec){host.now_ms / 1000, host.now_ms % 1000 * 1000000};
    return 0;
}

mode_t
__wrap_umask(mode_t mask)
{
    if (!host.active)
        return __real_umask(mask);
    MUST((mask == 002 || mask == 007) && !(host.bits & HOST_THREADS));
    host.masked++;
    return 022;
}

#endif
