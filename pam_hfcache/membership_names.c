/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for people to read: see membership_names.h.
 */
#include "membership_names.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

/* One thread, a tool of its own: the simple calls will do. */

bool
membership_user_name(uid_t uid, char *ret, size_t size)
{
    const struct passwd *passwd = getpwuid(uid);

    if (passwd)
        snprintf(ret, size, "%s", passwd->pw_name);
    else
        snprintf(ret, size, "%u", uid);
    return passwd != NULL;
}

bool
membership_group_name(gid_t gid, char *ret, size_t size)
{
    const struct group *group = getgrgid(gid);

    if (group)
        snprintf(ret, size, "%s", group->gr_name);
    else
        snprintf(ret, size, "%u", gid);
    return group != NULL;
}
