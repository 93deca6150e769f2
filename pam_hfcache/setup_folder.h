/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One folder of a cache that is being set up: made if it is missing, mended
 * where it differs, left alone if it is right.  Each change is said by the
 * branch that makes it, or in a dry run would.
 */
#ifndef HFCACHE_SETUP_FOLDER_H
#define HFCACHE_SETUP_FOLDER_H

#include <limits.h>

#include "cli.h"
#include "safefs.h"

/* One cache on its way to be set up. */
struct setup {
    const struct cli *cli;
    const struct policy_section *section;
    const char *path;
    int width;         /* of the column of paths */
    gid_t gid;         /* (gid_t)-1: a dry run would make the group */
    enum acl_fact acl; /* wanted on folders; ACL_FACT_NONE: none */
    bool datasets;     /* the cache has a datasets/ of its own */
    bool dry_run;      /* say what would be done, and don't */
    bool silent;       /* don't even say it: only count */
    unsigned changes;
    struct err err;
};

/* A folder that is to be: its place, and what it is to be like. */
struct folder {
    int parent;        /* descriptor; -1: a dry run would make it */
    const char *name;  /* in there */
    const char *below; /* "hub", ...; NULL: holds what it may */
    char path[PATH_MAX];
    mode_t mode;
    bool is_cache; /* group and ACL of the cache; else root's, on the way */
};

/* What a change is called, done and in a dry run. */
enum setup_verb { SETUP_MADE, SETUP_SET };

/* Count and say a change that has been made, or in a dry run would be. */
void setup_tell(struct setup *setup, enum setup_verb verb, const char *what);

/*
 * Make the folder.  0 and a descriptor (O_PATH; -1 in a dry run) that the
 * caller closes; or a negative errno with a sentence in setup->err.
 */
int setup_make_folder(struct setup *setup, const struct folder *folder,
                      int *ret_fd);

/* Mend the folder behind `fd` (any descriptor of it); 0 or as above. */
int setup_mend_folder(struct setup *setup, const struct folder *folder, int fd);

/* Make it or mend it; as setup_make_folder(). */
int setup_ensure_folder(struct setup *setup, const struct folder *folder,
                        int *ret_fd);

#endif
