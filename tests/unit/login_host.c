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
