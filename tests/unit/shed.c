/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who the helper is after shedding its host, and who the mender is; and which
 * names it hands on.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>

#include "join.h"
#include "seccomp.h"
#include "shed.h"
#include "tap.h"

#define NEEDS_ROOT                                                           \
    if (getuid() != 0)                                                       \
    SKIP("needs root")

static char status[4096];

static void
read_status(void)
{
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t length = read(fd, status, sizeof(status) - 1);

    REQUIRE(length > 0);
    status[length] = '\0';
    close(fd);
}

TEST("nothing of the host is left")
{
    struct rlimit limit;
    gid_t groups[] = {7, 8};
    sigset_t mask;
    mode_t old;
    bool niced;

    NEEDS_ROOT;
    signal(SIGTERM, SIG_IGN);
    sigfillset(&mask);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    umask(077);
    REQUIRE_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1000; /* a hard limit only a capability raises again */
    REQUIRE_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    REQUIRE_INT(setgroups(2, groups), 0);
    REQUIRE_INT(chdir("/tmp"), 0);
    REQUIRE_INT(dup2(2, 3), 3);
    REQUIRE_INT(dup2(1, 77), 77);
    niced = setpriority(PRIO_PROCESS, 0, 7) == 0 &&
            sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}) == 0;
    if (fork() != 0)
        return; /* the rest is no group leader */
    REQUIRE_INT(shed_host(3), 0);
    REQUIRE_INT(dup2(3, 2), 2); /* for what the checks say */
    read_status();
    CHECK_HAS(status, "Groups:\t \n");
    CHECK_HAS(status, "SigBlk:\t0000000000000000");
    /* SIGPIPE and SIGXFSZ; 32 and 33 are libc's own, which it lets nobody change. */
    CHECK_INT(strtoull(strstr(status, "SigIgn:\t") + 8, NULL, 16) &
                  ~0x180000000ull,
              0x1001000);
    old = umask(0);
    CHECK_INT(old, 022);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK(limit.rlim_cur > 1000 && limit.rlim_cur == limit.rlim_max);
    CHECK(niced);
    CHECK_INT(getpriority(PRIO_PROCESS, 0), 0);
    CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
    CHECK_INT(getsid(0), getpid());
    CHECK(fcntl(3, F_GETFD) == FD_CLOEXEC);
    CHECK_INT(fcntl(77, F_GETFD), -1);
    CHECK_INT(write(1, "x", 1), 1); /* /dev/null: no line of TAP */
    exit(0);
}

TEST("nor is a descriptor where close_range() is missing")
{
    NEEDS_ROOT;
    REQUIRE_INT(dup2(1, 77), 77);
    REQUIRE_INT(dup2(1, 3), 3);
    forbid(SYS_close_range, ENOSYS);
    if (fork() != 0)
        return;
    REQUIRE_INT(shed_host(3), 0);
    CHECK(fcntl(3, F_GETFD) >= 0);
    CHECK_INT(fcntl(4, F_GETFD), -1);
    CHECK_INT(fcntl(77, F_GETFD), -1);
    exit(0);
}

TEST("a member's eyes see what a member sees, and root's come back")
{
    char secret[512];

    NEEDS_ROOT;
    snprintf(secret, sizeof(secret), "%s", tap_write("secret", "x"));
    chmod(tap_folder(), 0755);
    chmod(secret, 0600);
    REQUIRE_INT(shed_look_as(4001, 5555), 0);
    CHECK_INT(open(secret, O_RDONLY), -1);
    CHECK_INT(errno, EACCES);
    REQUIRE_INT(shed_look_as_root(), 0);
    REQUIRE_INT(chown(secret, 0, 5555), 0);
    chmod(secret, 0640);
    REQUIRE_INT(shed_look_as(4001, 5555), 0);
    CHECK(open(secret, O_RDONLY) >= 0);
    REQUIRE_INT(shed_look_as_root(), 0);
    CHECK_INT(getgroups(0, NULL), 0);
}

TEST("the mender is the user for good")
{
    gid_t gid = 5555;

    NEEDS_ROOT;
    REQUIRE_INT(dup2(1, 9), 9);
    REQUIRE_INT(shed_to_user(4001, 4002, &gid), 0);
    CHECK_INT(fcntl(9, F_GETFD), -1);
    read_status();
    CHECK_HAS(status, "Uid:\t4001\t4001\t4001\t4001");
    CHECK_HAS(status, "Gid:\t4002\t4002\t4002\t4002");
    CHECK_HAS(status, "Groups:\t5555 \n");
    CHECK_HAS(status, "CapInh:\t0000000000000000");
    CHECK_HAS(status, "CapPrm:\t0000000000000000");
    CHECK_HAS(status, "CapEff:\t0000000000000000");
    CHECK_HAS(status, "CapAmb:\t0000000000000000");
    CHECK_HAS(status, "NoNewPrivs:\t1");
    CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    CHECK_INT(setuid(0), -1);
    CHECK_INT(setgid(0), -1);
}

TEST("a mender of somebody who is no member has no group of the cache")
{
    NEEDS_ROOT;
    REQUIRE_INT(shed_to_user(4001, 4002, NULL), 0);
    read_status();
    CHECK_HAS(status, "Groups:\t \n");
}

TEST("nobody mends as root")
{
    gid_t root_gid = 0;

    NEEDS_ROOT;
    CHECK_INT(shed_to_user(0, 4002, NULL), -EPERM);
    CHECK_INT(shed_to_user(4001, 0, NULL), -EPERM);
    CHECK_INT(shed_to_user(4001, 4002, &root_gid), -EPERM);
}

/* glibc's numbers of calls that take ids, on each processor. */
#ifdef SYS_setresuid32
#define CALL(name) SYS_##name##32
#else
#define CALL(name) SYS_##name
#endif

static int
shed_to_alice(void)
{
    gid_t gid = 5555;

    return shed_to_user(4001, 4002, &gid);
}

static int
shed_to_root(void)
{
    return shed_host(3);
}

static int
shed_to_eyes(void)
{
    return shed_look_as(4001, 5555);
}

/* True if `shed` says that it failed where `call` comes to `error`; 0: a lie. */
static bool
fails_with(unsigned call, unsigned error, int (*shed)(void))
{
    pid_t pid = fork();
    int end = 0;

    if (pid == 0) {
        forbid(call, error);
        _exit(shed() < 0 ? 7 : 0);
    }
    REQUIRE(pid > 0 && waitpid(pid, &end, 0) == pid);
    return WIFEXITED(end) && WEXITSTATUS(end) == 7;
}

TEST("whatever call fails, or lies, nobody goes on as somebody else")
{
    static const struct {
        unsigned call, error;
        int (*shed)(void);
    } cases[] = {
        {CALL(setgroups), EPERM, shed_to_alice},
        {CALL(setgroups), 0, shed_to_alice},
        {CALL(setresgid), EPERM, shed_to_alice},
        {CALL(setresgid), 0, shed_to_alice},
        {CALL(setresuid), EAGAIN, shed_to_alice},
        {CALL(setresuid), 0, shed_to_alice},
        {CALL(getresuid), EPERM, shed_to_alice},
        {CALL(getresgid), EPERM, shed_to_alice},
        {CALL(getgroups), EPERM, shed_to_alice},
        {SYS_capset, EPERM, shed_to_alice},
        {SYS_capget, EPERM, shed_to_alice},
        {SYS_prctl, EINVAL, shed_to_alice},
        {CALL(setgroups), EPERM, shed_to_root},
        {CALL(setresgid), EPERM, shed_to_root},
        {CALL(setresuid), EAGAIN, shed_to_root},
        {CALL(setfsuid), 77, shed_to_root},
        {SYS_chdir, EACCES, shed_to_root},
        {CALL(setgroups), EPERM, shed_to_eyes},
        {CALL(setfsuid), 0, shed_to_eyes},
        {CALL(setfsgid), 0, shed_to_eyes},
    };
    gid_t group = 7;

    NEEDS_ROOT;
    REQUIRE_INT(setgroups(1, &group), 0);
    REQUIRE_INT(dup2(2, 3), 3);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK(fails_with(cases[i].call, cases[i].error, cases[i].shed)))
            tap_note("case %zu", i);
}

TEST("nobody joins as root, into root's group, or under another's name")
{
    struct join root = {"root", 0, "daemon", 1, MEMBERS_USERMOD};
    struct join into_root = {"daemon", 1, "root", 0, MEMBERS_USERMOD};
    struct join other = {"daemon", 4001, "bin", 2, MEMBERS_USERMOD};
    struct join digits = {"daemon", 1, "27", 4001, MEMBERS_USERMOD};
    struct err err;

    CHECK_INT(join_run(&root, &err), -ENOENT);
    CHECK_INT(join_run(&into_root, &err), -ENOENT);
    CHECK_INT(join_run(&other, &err), -ENOENT);
    CHECK_HAS(err.text, "is not uid 4001");
    CHECK_INT(join_run(&digits, &err), -EINVAL);
}

TAP_MAIN
