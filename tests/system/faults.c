/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faults SERVICE USER: one login through libpam by a host that is root, as su
 * makes it: initgroups, setcred and open_session.  Prints what came of it, a line
 * each: their return codes, what the module logged (caught, as this is linked
 * with -rdynamic), PAM's environment, and in what the host is not as it was.
 *
 * What happens between access("begin") and access("end") is the module's: a
 * tracer makes calls fail there.  So nothing here allocates meanwhile.
 */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "converse.h"
#include "../pam/log.h"
#include "../pam/snapshot.h"

#define MAX_LINES 8

static char lines[MAX_LINES][2048];
static int count;

static void
take_log(int priority, const char *format, va_list args)
{
    (void)priority;
    if (count < MAX_LINES)
        (void)vsnprintf(lines[count], sizeof(lines[count]), format, args);
    count++;
}

static void
tell(const char *before, const char *after)
{
    printf("changed %s %s\n", before ? "-" : "+", before ? before : after);
}

int
main(int argc, char **argv)
{
    static const struct pam_conv conversation = {converse, NULL};
    const struct passwd *pw = argc == 3 ? getpwnam(argv[2]) : NULL;
    pam_handle_t *pamh = NULL;
    char *before, *after, **list;
    int set, opened;

    if (!pw || initgroups(pw->pw_name, pw->pw_gid) != 0 ||
        setgid(pw->pw_gid) != 0 ||
        pam_start(argv[1], argv[2], &conversation, &pamh) != PAM_SUCCESS)
        return 2;
    free(snapshot_take()); /* what is opened once and for all */
    before = snapshot_take();
    (void)access("begin", F_OK);
    set = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    opened = pam_open_session(pamh, 0);
    (void)access("end", F_OK);
    after = snapshot_take();
    printf("setcred %d\nopen_session %d\n", set, opened);
    for (int i = 0; i < count && i < MAX_LINES; i++)
        printf("log %s\n", lines[i]);
    fflush(stdout);
    list = pam_getenvlist(pamh);
    for (int i = 0; list && list[i]; i++)
        printf("env %s\n", list[i]);
    (void)snapshot_compare(before, after, tell);
    return pam_end(pamh, PAM_SUCCESS);
}
