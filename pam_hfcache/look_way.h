/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to the cache's root, and what it was like: part of `look`.
 */
#ifndef HFCACHE_LOOK_WAY_H
#define HFCACHE_LOOK_WAY_H

#include "look.h"

/*
 * Open the root as safefs_open_root() does, with the place where it failed in
 * sight->way_at, and keep the steps in the verdict: the first ones, as many as
 * there is room for.
 */
int look_way(struct sight *sight, const char *path);

#endif
