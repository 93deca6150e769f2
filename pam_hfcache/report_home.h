/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A private cache in a user's own home, which his programs no longer look into
 * once he has the shared one; and variables of his shell by which they do.
 *
 * Only the user himself has it looked at, by his own command: the module never
 * touches a home, and root neither waits for a file server of homes nor counts
 * what a user has put there.
 */
#ifndef HFCACHE_REPORT_HOME_H
#define HFCACHE_REPORT_HOME_H

#include "cli.h"
#include "json.h"

struct home_cache {
    char path[512];
    size_t repositories; /* 0: there is none, or it is not ours to look at */
    uint64_t bytes;      /* on disk, of their blobs */
    bool complete;       /* false: the time was up; there is more */
};

/* ~/.cache/huggingface/hub of the subject, if he is who runs this. */
void report_load_home(const struct subject *subject, struct home_cache *ret);

/* What there is, and what to type; `path` is the shared cache's. */
void report_print_home(const struct home_cache *home, const char *path);

/*
 * What the shell of the subject, if he is who runs this, sets in place of what
 * his login does: profiles and /etc/environment have the last word.
 */
void report_print_shell(const struct subject *subject,
                        const struct environment *environment);

/* "private": {...}, or null. */
void report_write_home(struct json *json, const struct home_cache *home);

#endif
