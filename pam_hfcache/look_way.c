/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to the cache's root, and what it was like: see look_way.h.
 */
#include "look_way.h"

#include <string.h>

#include "safefs.h"

static void
keep_step(void *ctx, const char *path, const struct stat *st)
{
    struct sight *sight = ctx;
    struct verdict *verdict = &sight->verdict;
    size_t length = strlen(path) + 1;
    char *copy = sight->step_paths + sight->step_bytes;

    if (verdict->nsteps == VERDICT_MAX_STEPS ||
        length > sizeof(sight->step_paths) - sight->step_bytes)
        return;
    memcpy(copy, path, length);
    sight->step_bytes += length;
    verdict->steps[verdict->nsteps++] =
        (struct way_step){copy, st->st_mode, st->st_uid, st->st_gid};
}

int
look_way(struct sight *sight, const char *path)
{
    struct err err;

    sight->step_bytes = 0;
    sight->verdict.steps = sight->steps;
    sight->verdict.nsteps = 0;
    return safefs_open_root_seen(path, sight->way_at, keep_step, sight, &err);
}
