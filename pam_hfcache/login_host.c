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

/* "-UID.slice", as systemd has for each user, who is not root here. */
static bool
is_slice(const char *text)
{
    size_t digits = *text == '-' ? strspn(text + 1, "0123456789") : 0;

    return digits && strspn(text + 1, "0") != digits &&
           util_has_prefix(text + 1 + digits, ".slice");
}

/* "/NAME/N", as pam_cgfs gives to a user for each session, not root's here. */
static bool
is_session(const char *text)
{
    size_t name = *text == '/' ? strcspn(text + 1, "/\n") : 0;
    size_t digits = name && text[1 + name] == '/'
                        ? strspn(text + 1 + name + 1, "0123456789")
                        : 0;

    return digits && strchr("/ \n", text[1 + name + 1 + digits]) &&
           !util_has_prefix(text, "/root/");
}

/*
 * A user may freeze and end what is in the cgroup of his own manager or session,
 * and has the manager of all stop or end his sessions for him; all are in his
 * slice, or below his name.
 */
bool
login_host_is_users_cgroup(const char *text)
{
    static const char before[] = "/user";

    while ((text = strstr(text, before))) {
        text += strlen(before);
        if (is_slice(text) || is_session(text))
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
    int r = safefs_read_system("/proc/self/cgroup", MAX_CGROUPS, &text, NULL);

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
