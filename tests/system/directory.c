/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An NSS service like that of a directory: it knows whom /etc/far/passwd and
 * /etc/far/group have, if it is asked for one, and lists nobody.  While there is
 * a file /etc/far/silent it says "try again".  Each question is a byte more in
 * /tmp/far.asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE 65536

static FILE *
open_list(const char *path, enum nss_status *ret, int *ret_errno)
{
    int asked = open("/tmp/far.asked", O_WRONLY | O_APPEND | O_CLOEXEC);
    FILE *list;

    if (asked >= 0 && write(asked, "?", 1) < 0)
        errno = 0;
    close(asked);
    *ret = NSS_STATUS_TRYAGAIN;
    *ret_errno = EAGAIN;
    if (access("/etc/far/silent", F_OK) == 0)
        return NULL;
    list = fopen(path, "re");
    *ret = list ? NSS_STATUS_NOTFOUND : NSS_STATUS_UNAVAIL;
    *ret_errno = ENOENT;
    return list;
}

/* What came of reading: a line that does not fit is asked for once more. */
static enum nss_status
close_list(FILE *list, int error, enum nss_status status, int *ret_errno)
{
    fclose(list);
    if (error != ERANGE)
        return status;
    *ret_errno = ERANGE;
    return NSS_STATUS_TRYAGAIN;
}

static enum nss_status
find_user(const char *name, uid_t uid, struct passwd *ret, char *buffer,
          size_t size, int *ret_errno)
{
    enum nss_status status;
    FILE *list = open_list("/etc/far/passwd", &status, ret_errno);
    struct passwd *found;
    int error = 0;

    if (!list)
        return status;
    while (status != NSS_STATUS_SUCCESS &&
           (error = fgetpwent_r(list, ret, buffer, size, &found)) == 0) {
        if (name ? strcmp(ret->pw_name, name) == 0 : ret->pw_uid == uid)
            status = NSS_STATUS_SUCCESS;
    }
    return close_list(list, error, status, ret_errno);
}

static enum nss_status
find_group(const char *name, gid_t gid, struct group *ret, char *buffer,
           size_t size, int *ret_errno)
{
    enum nss_status status;
    FILE *list = open_list("/etc/far/group", &status, ret_errno);
    struct group *found;
    int error = 0;

    if (!list)
        return status;
    while (status != NSS_STATUS_SUCCESS &&
           (error = fgetgrent_r(list, ret, buffer, size, &found)) == 0) {
        if (name ? strcmp(ret->gr_name, name) == 0 : ret->gr_gid == gid)
            status = NSS_STATUS_SUCCESS;
    }
    return close_list(list, error, status, ret_errno);
}

enum nss_status
_nss_far_getpwnam_r(const char *name, struct passwd *ret, char *buffer,
                    size_t size, int *ret_errno)
{
    return find_user(name, 0, ret, buffer, size, ret_errno);
}

enum nss_status
_nss_far_getpwuid_r(uid_t uid, struct passwd *ret, char *buffer, size_t size,
                    int *ret_errno)
{
    return find_user(NULL, uid, ret, buffer, size, ret_errno);
}

enum nss_status
_nss_far_getgrnam_r(const char *name, struct group *ret, char *buffer,
                    size_t size, int *ret_errno)
{
    return find_group(name, 0, ret, buffer, size, ret_errno);
}

enum nss_status
_nss_far_getgrgid_r(gid_t gid, struct group *ret, char *buffer, size_t size,
                    int *ret_errno)
{
    return find_group(NULL, gid, ret, buffer, size, ret_errno);
}

/* Add `gid` to the caller's list, which may have to grow. */
static int
add_group(gid_t gid, long *start, long *size, gid_t **groups)
{
    gid_t *grown = *groups;

    if (*start == *size)
        grown = realloc(grown, (size_t)(*size * 2 + 1) * sizeof(*grown));
    if (!grown)
        return -1;
    if (*start == *size)
        *size = *size * 2 + 1;
    *groups = grown;
    grown[(*start)++] = gid;
    return 0;
}

enum nss_status
_nss_far_initgroups_dyn(const char *user, gid_t primary, long *start,
                        long *size, gid_t **groups, long limit, int *ret_errno)
{
    static _Thread_local char buffer[MAX_LINE];
    enum nss_status status;
    FILE *list = open_list("/etc/far/group", &status, ret_errno);
    struct group group, *found;

    (void)limit;
    if (!list)
        return status;
    while (fgetgrent_r(list, &group, buffer, sizeof(buffer), &found) == 0) {
        for (char **member = group.gr_mem; *member; member++)
            if (strcmp(*member, user) == 0 && group.gr_gid != primary &&
                add_group(group.gr_gid, start, size, groups) == 0)
                status = NSS_STATUS_SUCCESS;
    }
    return close_list(list, 0, status, ret_errno);
}
