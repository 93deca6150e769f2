/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has power over the program that we are in, and so over what it starts.
 */
#include "login_host.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "safefs.h"
#include "util.h"

#define MAX_CGROUPS 65536 /* bytes: the kernel shows a PATH_MAX each */
#define IN_USERS_CGROUP "run in a user's cgroup"

/*
 * A user may freeze and end what is in the cgroup of his own manager, and has
 * the manager of all stop or end his sessions for him; all are in his slice.
 */
bool
login_host_is_users_cgroup(const char *text)
{
    static const char before[] = "/user-", after[] = ".slice";

    while ((text = strstr(text, before))) {
        const char *uid = text + strlen(before);
        size_t digits = strspn(uid, "0123456789");

        text = uid + digits;
        if (digits && util_has_prefix(text, after) &&
            strspn(uid, "0") != digits)
            return true;
    }
    return false;
}

/*
 * Where there is no /proc, or no cgroups, or the host forbids a look, there is
 * nothing to be had by them.  All else may be a caller's doing: kernels before
 * 6.8 have no answer for a cgroup that he has nested deeper than a PATH_MAX.
 */
static const char *
judge_cgroup(void)
{
    CLEANUP_FREE char *text = NULL;
    size_t length;
    int r = safefs_read_system("/proc/self/cgroup", MAX_CGROUPS, &text, &length,
                               NULL);

    if (r == -ENOENT || r == -EACCES || r == -EPERM)
        return NULL;
    if (r < 0)
        return LOGIN_HOST_UNKNOWN;
    return login_host_is_users_cgroup(text) ? IN_USERS_CGROUP : NULL;
}

const char *
login_host_forbids(const char *service)
{
    int is_reaper = 0;

    if (getuid() != 0 || geteuid() != 0)
        return "run by a user";
    if (prctl(PR_GET_CHILD_SUBREAPER, &is_reaper) < 0)
        return LOGIN_HOST_UNKNOWN;
    if (getpid() == 1 || is_reaper)
        return "orphans come back to it";
    if (strcmp(service, "systemd-user") == 0)
        return IN_USERS_CGROUP;
    return judge_cgroup();
}

/* Until then systemd names it by the last letters of its program: "(ogram)". */
bool
login_host_is_unit(void)
{
    char name[16] = ""; /* as PR_GET_NAME wants it */
    size_t length;

    if (prctl(PR_GET_NAME, name) < 0)
        return false;
    length = strnlen(name, sizeof(name));
    return length > 2 && name[0] == '(' && name[length - 1] == ')';
}
