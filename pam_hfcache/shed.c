/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of the helper's own identity.
 */
#include "shed.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MAX_DESCRIPTORS 256
#define MAX_CPU_SECONDS 300

static int
become_root(void)
{
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
        setresuid(0, 0, 0) < 0)
        return -errno;
    return shed_look_as_root();
}

static void
reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, &action, NULL); /* two of them cannot be set */
    action.sa_handler = SIG_IGN; /* what fails says so by its result */
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGXFSZ, &action, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What a user's limits would do to root's work must not happen. */
static void
reset_limits(void)
{
    static const struct {
        unsigned char resource; /* an int, or an enum's */
        rlim_t limit;
    } limits[] = {
        {RLIMIT_FSIZE, RLIM_INFINITY},    {RLIMIT_AS, RLIM_INFINITY},
        {RLIMIT_DATA, RLIM_INFINITY},     {RLIMIT_NPROC, RLIM_INFINITY},
        {RLIMIT_STACK, 8 << 20},          {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, MAX_DESCRIPTORS}, {RLIMIT_CPU, MAX_CPU_SECONDS},
    };

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct rlimit limit = {limits[i].limit, limits[i].limit};

        if (setrlimit(limits[i].resource, &limit) == 0)
            continue;
        if (getrlimit(limits[i].resource, &limit) == 0) {
            limit.rlim_cur = limit.rlim_max;
            (void)setrlimit(limits[i].resource, &limit);
        }
    }
}

/*
 * Nor his niceness: what holds a lock must not starve behind him.  Who refuses
 * this to root leaves things as they are.
 */
static void
reset_scheduling(void)
{
    const struct sched_param none = {0};
    cpu_set_t all;

    memset(&all, 0xff, sizeof(all));
    (void)sched_setscheduler(0, SCHED_OTHER, &none);
    (void)sched_setaffinity(0, sizeof(all), &all);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0);
}

static int
open_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_NOCTTY);

    if (fd < 0)
        return -errno;
    for (int i = 0; i <= 2; i++) {
        if (fd != i && dup2(fd, i) < 0)
            return -errno;
    }
    if (fd > 2)
        close(fd);
    return 0;
}

static void
close_from(unsigned first)
{
    if (syscall(SYS_close_range, first, ~0u, 0u) == 0)
        return;
    for (int fd = (int)first; fd < 65536; fd++)
        (void)close(fd);
}

int
shed_host(int keep_fd)
{
    int r = become_root();

    if (r < 0)
        return r;
    (void)setsid(); /* fails for a session's leader, which is as good */
    reset_signals();
    reset_limits();
    reset_scheduling();
    (void)umask(022);
    if (chdir("/") < 0)
        return -errno;
    r = open_null();
    if (r < 0)
        return r;
    if (keep_fd >= 0 && fcntl(keep_fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    close_from(keep_fd >= 0 ? 4 : 3);
    return 0;
}

/* setfsuid() and setfsgid() tell nothing: what they did is asked for. */
static int
set_fs_ids(uid_t uid, gid_t gid)
{
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid)
        return -EPERM;
    return 0;
}

int
shed_look_as(uid_t uid, gid_t gid)
{
    if (setgroups(1, &gid) < 0)
        return -errno;
    return set_fs_ids(uid, gid);
}

int
shed_look_as_root(void)
{
    int r = set_fs_ids(0, 0);

    if (r == 0 && setgroups(0, NULL) < 0)
        r = -errno;
    return r;
}

static bool
has_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0)
        return true;
    return data[0].effective || data[0].permitted || data[0].inheritable ||
           data[1].effective || data[1].permitted || data[1].inheritable;
}

/* Inherited capabilities would survive in the inheritable set. */
static int
drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};

    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static bool
is_user(uid_t uid, gid_t pgid, const gid_t *gid)
{
    uid_t uids[3];
    gid_t gids[3], group;
    int count = gid ? 1 : 0;

    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        if (uids[i] != uid || gids[i] != pgid)
            return false;
    }
    return getgroups(0, NULL) == count &&
           (!gid || (getgroups(1, &group) == 1 && group == *gid)) &&
           (uid_t)setfsuid((uid_t)-1) == uid &&
           (gid_t)setfsgid((gid_t)-1) == pgid;
}

int
shed_to_user(uid_t uid, gid_t pgid, const gid_t *gid)
{
    int r;

    close_from(3);
    if (uid == 0 || pgid == 0 || (gid && *gid == 0))
        return -EPERM;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    if (setgroups(gid ? 1 : 0, gid) < 0 || setresgid(pgid, pgid, pgid) < 0 ||
        setresuid(uid, uid, uid) < 0)
        return -errno;
    r = drop_capabilities();
    if (r < 0)
        return r;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    if (!is_user(uid, pgid, gid) || has_capabilities() ||
        setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
        return -EPERM;
    return 0;
}
