/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to the cache's root, and the look at the gate: see look.h.
 */
#include "look.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "safefs.h"

/* --- the way ------------------------------------------------------------- */

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

/*
 * Open the root, with the place where that failed in sight->way_at, and keep
 * the first steps, as many as there is room for.
 */
static int
open_root(struct sight *sight, const char *path)
{
    sight->step_bytes = 0;
    sight->verdict.steps = sight->steps;
    sight->verdict.nsteps = 0;
    return safefs_open_root_seen(path, sight->way_at, keep_step, sight, NULL);
}

/* --- the gate ------------------------------------------------------------ */

enum acl_fact
look_at_acl(int fd)
{
    enum acl_fact acl;

    return safefs_default_acl(fd, &acl) < 0 ? ACL_FACT_OTHER : acl;
}

static void
look_at_fact(int root_fd, const char *path, struct inode_fact *ret)
{
    CLEANUP_CLOSE int fd =
        safefs_open_beneath(root_fd, *path ? path : ".", SAFEFS_PIN);
    struct statx st;
    unsigned group = 0;
    int r = fd < 0 ? fd : safefs_look(fd, &st);

    *ret = (struct inode_fact){.error = -r};
    if (r < 0)
        return;
    ret->mode = st.stx_mode;
    ret->uid = st.stx_uid;
    ret->gid = st.stx_gid;
    if (S_ISDIR(st.stx_mode))
        ret->acl = look_at_acl(fd);
    if (safefs_group_bits(fd, &group) == 0)
        ret->mode = (ret->mode & ~(mode_t)070) | (mode_t)group << 3;
}

/* Is all as the last look found it? */
static bool
is_as_before(const struct sight *sight)
{
    const struct verdict *verdict = &sight->verdict;

    return sight->last_since_wall &&
           verdict->way_error == sight->last_way_error &&
           memcmp(verdict->gate, sight->last_gate, sizeof(verdict->gate)) == 0;
}

void
look_at_gate(struct sight *sight, const struct errand *errand)
{
    struct verdict *verdict = &sight->verdict;
    int fd = open_root(sight, errand->path);

    sight->uid = errand->uid;
    verdict->way_error = fd < 0 ? -fd : 0;
    verdict->way_at = fd < 0 ? sight->way_at : "";
    sight->root_fd = fd < 0 ? -1 : fd;
    for (unsigned i = 0; i < GATES; i++) {
        if (fd < 0)
            verdict->gate[i] = (struct inode_fact){.error = ENOENT};
        else
            look_at_fact(fd, layout_gate_paths[i], &verdict->gate[i]);
    }
    verdict->taken_ms = util_boottime_ms();
    verdict->taken_wall = time(NULL);
    verdict->since_wall = is_as_before(sight) ? sight->last_since_wall
                                              : verdict->taken_wall;
}
