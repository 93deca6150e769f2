/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The folders above a cache that is being set up.
 */
#ifndef HFCACHE_SETUP_WAY_H
#define HFCACHE_SETUP_WAY_H

#include "setup_folder.h"

/*
 * Look at all folders on the way to the root, as far as there are any, root's
 * links followed.  0, and said if members may not enter one; -EPERM if others
 * than root could replace the cache, or another negative errno, with a sentence
 * in setup->err.
 */
int setup_check_way(struct setup *setup);

/*
 * Open the folder that holds the root, making what is missing on the way.  0
 * and a descriptor that the caller closes, -1 if a dry run would make it; or a
 * negative errno with a sentence in setup->err.
 */
int setup_open_parent(struct setup *setup, int *ret_fd);

/*
 * Fill in path and name of `folder`, the component of the cache's path that ends
 * `length` bytes into it; its name is put into `name`.
 */
void setup_name_component(const struct setup *setup, size_t length,
                          struct folder *folder, char name[NAME_MAX + 1]);

/*
 * Returns `r`, which safefs_open_root_seen() said of a path; if that is
 * -ENOTDIR, which it met at `at`, with what helps in setup->err.
 */
int setup_explain_no_folder(struct setup *setup, int r, const char *at);

#endif
