/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PAM's configuration, read as libpam reads it: which lines run for a service,
 * in which order, includes followed; and whether ours is among them.
 */
#ifndef HFCACHE_PAMSTACK_H
#define HFCACHE_PAMSTACK_H

#include "util.h"

#define PAMSTACK_MODULE    "pam_hfcache.so"
#define PAMSTACK_MAX_BYTES (1024 * 1024)

/* Where libpam looks for a service, in this order; NULL-terminated. */
extern const char *const pamstack_folders[];

/* One module or substack in the order in which libpam runs them. */
struct pamentry {
    const char *file; /* owned by the stack */
    unsigned number;  /* line of that file */
    unsigned top;     /* line of the service's own file that leads here */
    unsigned depth;   /* of substacks around it */
    char *control;
    char *module; /* "" for the head of a substack */
    char *arguments;
};

struct pamstack {
    struct pamentry *entry;
    size_t count;
    bool from_other; /* the service has none of this type: `other` serves */
    char **files;    /* paths read; the service's own first, if it has one */
    size_t nfiles;
    bool has_own; /* the service has a file of its own */
    char problem[512]; /* a control that libpam does not know; "": none */
};

/*
 * The entries of `type` ("auth" or "session") that libpam runs for `service`,
 * looked for in `folders`.  0 and the caller frees with pamstack_free();
 * -ENOENT: neither the service nor `other` has a file; -EINVAL: libpam would
 * refuse it (an include that is nowhere, too deep, a trailing backslash), with
 * "FILE:LINE: ..." in `err`; or another negative errno.
 */
int pamstack_load(const char *const *folders, const char *service,
                  const char *type, struct pamstack *ret, struct err *err);
void pamstack_free(struct pamstack *stack);

/*
 * The last entry that a jump at `at` passes over; `at` itself if none.  A jump
 * beyond the last one, which libpam refuses, would pass over whatever came to
 * stand there: then it is the number of entries.
 */
size_t pamstack_jump_end(const struct pamstack *stack, size_t at);

/* The index of the first entry of `module`, else count. */
size_t pamstack_find(const struct pamstack *stack, const char *module);

/*
 * The first earlier entry that can keep libpam from running the entry `at` in
 * a login that succeeds ("sufficient", a "done", a jump); `at` if none can.
 */
size_t pamstack_passed_by(const struct pamstack *stack, size_t at);

#endif
