/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose cgroup it is that a login program runs in.
 */
#include "login_host.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tap.h"
#include "util.h"

static bool
is_users(const char *text)
{
    return login_host_is_users_cgroup(text);
}

TEST("2.6.5: a session of a user's and his manager are his")
{
    CHECK(is_users("0::/user.slice/user-1000.slice/session-3.scope\n"));
    CHECK(is_users("0::/user.slice/user-1000.slice/user@1000.service/app.slice"
                   "/tmux.scope\n"));
    CHECK(is_users("0::/user.slice/user-10.slice/session-c1.scope\n"));
    CHECK(is_users("12:pids:/\n1:name=systemd:/user.slice/user-1001.slice/"
                   "session-3.scope\n0::/\n"));
}

TEST("2.6.5: what pam_cgfs gives to a user is his, in whichever hierarchy")
{
    CHECK(is_users("9:freezer:/user/alice/0\n1:name=systemd:/\n0::/\n"));
    CHECK(is_users("0::/\n9:freezer:/lxc/c1/user/alice/12"));
    CHECK(is_users("9:freezer:/user/alice/0/tmux/0\n"));
    CHECK(is_users("9:freezer:/user/alice/0 (deleted)\n"));
    CHECK(is_users("9:freezer:/user/alice/0/user/root/0\n"));
    CHECK(is_users("9:freezer:/user/rooted/0\n"));
    CHECK(!is_users("9:freezer:/user/root/0\n0::/\n"));
    CHECK(!is_users("9:freezer:/user/alice\n"));
    CHECK(!is_users("9:freezer:/user/alice/\n"));
    CHECK(!is_users("9:freezer:/user\n8:pids:/a/0\n"));
    CHECK(!is_users("9:freezer:/user/a\n8:pids:/0\n"));
    CHECK(!is_users("9:freezer:/users/alice/0\n"));
}

TEST("the containers of root's that sshd may run in are no user's")
{
    CHECK(!is_users("12:freezer:/docker/8b0d9e1f2a3c4b5d\n0::/docker/8b0d\n"));
    CHECK(!is_users("0::/system.slice/docker-8b0d9e1f2a3c4b5d.scope\n"));
    CHECK(!is_users("12:freezer:/libpod_parent/libpod-8b0d9e1f2a3c4b5d\n"));
    CHECK(!is_users("0::/machine.slice/libpod-8b0d.scope/container\n"));
    CHECK(!is_users("12:freezer:/lxc/user\n1:name=systemd:/lxc/c1/init\n"));
    CHECK(!is_users("0::/lxc.payload.c1/system.slice/ssh.service\n"));
    CHECK(!is_users("12:freezer:/kubepods/besteffort/pod8b0d/9e1f\n"));
    CHECK(!is_users("0::/machine.slice/systemd-nspawn@c1.service/payload\n"));
    CHECK(!is_users("0::/../../docker/8b0d\n"));
}

TEST("2.6.5: no name below makes his cgroup another's")
{
    CHECK(is_users("0::/user.slice/user-1000.slice/user@1000.service/"
                   "user-0.slice/system.slice/sshd.service\n"));
    CHECK(is_users("0::/user.slice/user-1000.slice/user@1000.service/"
                   "user-.slice/user-x.slice\n"));
}

TEST("the system's services, root's sessions and containers are not a user's")
{
    CHECK(!is_users(""));
    CHECK(!is_users("0::/\n"));
    CHECK(!is_users("0::/system.slice/ssh.service\n"));
    CHECK(!is_users("0::/user.slice/user-0.slice/session-1.scope\n"));
    CHECK(!is_users("0::/user.slice/user-0.slice/user@0.service/init.scope\n"));
    CHECK(!is_users("0::/user.slice\n"));
    CHECK(!is_users("0::/system.slice/user-runtime-dir@1000.service\n"));
    CHECK(!is_users("0::/system.slice/user-1000.service\n"));
    CHECK(!is_users("0::/machine.slice/user-data.slice/x.scope\n"));
}

TEST("systemd's process that is to become a unit's program is told by its name")
{
    const char *names[] = {"(ogram)", "(", "()", "(sd", "sshd", "login)"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CHECK(prctl(PR_SET_NAME, names[i]) == 0);
        CHECK(login_host_is_unit() == (i == 0));
    }
}

/* Of open() here, as kernels before 6.8 do of a cgroup that is too deep. */
TEST("2.6.5: who cannot be told whose cgroup it is in starts nothing as root")
{
    struct rlimit none = {.rlim_cur = 0}, saved;

    if (getuid() != 0)
        SKIP("needs root");
    REQUIRE_INT(getrlimit(RLIMIT_NOFILE, &saved), 0);
    none.rlim_max = saved.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK_STR(login_host_forbids("sshd"), LOGIN_HOST_UNKNOWN);
    CHECK_STR(login_host_forbids("systemd-user"), "run in a user's cgroup");
    CHECK(setrlimit(RLIMIT_NOFILE, &saved) == 0);
}

TAP_MAIN
