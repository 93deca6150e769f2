/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has power over the program that we are in, and so over what it starts.
 */
#include "login_host.h"

#include <string.h>
#include <sys/prctl.h>

#include "safefs.h"
#include "util.h"

#define MAX_CGROUPS 65536 /* bytes: the kernel shows a PATH_MAX each */

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

/* Where there is no /proc, or no cgroups, there is nothing to be had by them. */
static bool
is_in_users_cgroup(void)
{
    CLEANUP_FREE char *text = NULL;
    size_t length;

    return safefs_read_system("/proc/self/cgroup", MAX_CGROUPS, &text, &length,
                              NULL) == 0 &&
           login_host_is_users_cgroup(text);
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
    if (strcmp(service, "systemd-user") == 0 || is_in_users_cgroup())
        return "run in a user's cgroup";
    return NULL;
}
