/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where our lines belong in a service's PAM file, and the file's text with and
 * without them.  Pure but for reading: writing is `safefs`'s, speaking is the
 * command's.
 *
 * An edit never changes what any other line does: a line that would come to
 * stand within the reach of another's jump ("success=1") goes before that one,
 * and a line that another jumps over is not taken out.
 */
#ifndef HFCACHE_PAMEDIT_H
#define HFCACHE_PAMEDIT_H

#include "util.h"

#define PAMEDIT_SESSION     "-session optional pam_hfcache.so"
#define PAMEDIT_AUTH        "-auth optional pam_hfcache.so"
#define PAMEDIT_MAX_CHANGES 16

/* One line that an edit adds or takes out. */
struct pamchange {
    char sign;       /* '+' or '-' */
    unsigned number; /* where it stands: after the edit for '+', else before */
    size_t begin, end; /* its bytes, in the new text for '+', else in the old */
};

struct pamedit {
    char *before, *after; /* the file's text; owned */
    size_t before_length, after_length;
    struct pamchange change[PAMEDIT_MAX_CHANGES]; /* from top to bottom */
    size_t count;                                 /* 0: nothing to do */
    bool untouched;       /* `before` has no line of ours */
    char reached_by[300]; /* enable: "FILE:LINE" if an included file has it */
};

/*
 * Add the session line, and the auth line if `auth`, to the file of `service`
 * in folders[0].  0 and the caller frees with pamedit_free(); -ENOENT: no such
 * service; -EPERM: another program writes that file; -EINVAL: cannot be done
 * without changing what PAM does; each with a sentence that says what to do
 * instead; or another negative errno.
 */
int pamedit_add(const char *const *folders, const char *service, bool auth,
                struct pamedit *ret, struct err *err);

/* Take out the lines whose module is ours; errors as pamedit_add(). */
int pamedit_remove(const char *const *folders, const char *service,
                   struct pamedit *ret, struct err *err);

void pamedit_free(struct pamedit *edit);

/* True if the file of `service`, be it a link or managed, has our line. */
bool pamedit_has_line(const char *const *folders, const char *service);

/* NULL if `service` can be a service's name, else what is wrong with it. */
const char *pamedit_name_problem(const char *service);

#endif
