/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The folder of the case stands for /etc/pam.d, with Debian's files in it.
 */
#ifndef HFCACHE_PAM_FOLDER_H
#define HFCACHE_PAM_FOLDER_H

#include "tap.h"

/* As /etc/pam.d/sshd and common-session of Debian, without the talk. */
#define SSHD                                                                  \
    "# PAM configuration for the Secure Shell service\n"                      \
    "@include common-auth\n"                                                  \
    "account    required     pam_nologin.so\n"                                \
    "session    required     pam_loginuid.so\n"                               \
    "\n"                                                                      \
    "# Standard Un*x session setup and teardown.\n"                           \
    "@include common-session\n"                                               \
    "session    required     pam_limits.so\n"                                 \
    "@include common-password\n"
#define COMMON_SESSION                                                        \
    "session\t[default=1]\t\t\tpam_permit.so\n"                               \
    "session\trequisite\t\t\tpam_deny.so\n"                                   \
    "session\trequired\t\t\tpam_permit.so\n"                                  \
    "session\trequired\tpam_unix.so \n"                                       \
    "session\toptional\tpam_systemd.so \n"
#define COMMON_AUTH                                                           \
    "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"                  \
    "auth\trequisite\tpam_deny.so\n"                                          \
    "auth\trequired\tpam_permit.so\n"

TAP_HELPER const char *
folder_of_case(void)
{
    return tap_in_folder("");
}

TAP_HELPER const char *const *
folders(void)
{
    static const char *list[2];

    list[0] = folder_of_case();
    return list;
}

TAP_HELPER void
write_debian(void)
{
    tap_write("sshd", SSHD);
    tap_write("common-auth", COMMON_AUTH);
    tap_write("common-session", COMMON_SESSION);
    tap_write("common-password", "password required pam_unix.so\n");
    tap_write("other", "@include common-auth\n@include common-session\n");
}

#endif
