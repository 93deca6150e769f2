/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The look at the gate: the way to the root, the root, and what all need.
 */
#include "look.h"

#include <errno.h>
#include <time.h>

#include "look_place.h"
#include "safefs.h"

enum acl_fact
look_at_acl(int fd)
{
    enum acl_fact acl;

    return safefs_default_acl(fd, &acl) < 0 ? ACL_FACT_OTHER : acl;
}

static void
look_at_fact(int root_fd, const char *path, struct inode_fact *ret)
{
    CLEANUP_CLOSE int fd = safefs_open_beneath(root_fd, path, SAFEFS_PIN);
    struct statx st;
    unsigned group = 0;
    int r = fd < 0 ? fd : safefs_look(fd, &st);

    *ret = (struct inode_fact){.error = -r};
    if (r < 0)
        return;
    ret->error = 0;
    ret->mode = st.stx_mode;
    ret->uid = st.stx_uid;
    ret->gid = st.stx_gid;
    if (S_ISDIR(st.stx_mode))
        ret->acl = look_at_acl(fd);
    r = safefs_group_bits(fd, &group);
    if (r == 0)
        ret->mode = (ret->mode & ~(mode_t)070) | (mode_t)group << 3;
}

void
look_at_gate(struct sight *sight, const struct errand *errand)
{
    static const char *const paths[GATES] = {".", "hub", LOOK_LOCKS,
                                             "hub/blobs"};
    struct verdict *verdict = &sight->verdict;
    struct err err;
    int fd = safefs_open_root(errand->path, sight->way_at, &err);

    sight->uid = errand->uid;
    verdict->way_error = fd < 0 ? -fd : 0;
    verdict->way_at = fd < 0 ? sight->way_at : "";
    sight->root_fd = fd < 0 ? -1 : fd;
    for (unsigned i = 0; i < GATES; i++) {
        if (fd < 0)
            verdict->gate[i] = (struct inode_fact){.error = ENOENT};
        else
            look_at_fact(fd, paths[i], &verdict->gate[i]);
    }
    verdict->taken_ms = util_boottime_ms();
    verdict->taken_wall = time(NULL);
}
