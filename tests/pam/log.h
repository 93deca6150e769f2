/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The module's log, instead of syslog: pam_syslog() and pam_vsyslog(), which the
 * module finds in a program that is linked with -rdynamic.  Who includes this
 * defines take_log().
 */
#ifndef TESTS_PAM_LOG_H
#define TESTS_PAM_LOG_H

#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <stdarg.h>

#define EXPORTED __attribute__((visibility("default")))

/* Keep one message. */
static void take_log(int priority, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

EXPORTED void
pam_vsyslog(const pam_handle_t *pamh, int priority, const char *format,
            va_list args)
{
    (void)pamh;
    take_log(priority, format, args);
}

EXPORTED void
pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
    va_list args;

    (void)pamh;
    va_start(args, format);
    take_log(priority, format, args);
    va_end(args);
}

#endif
