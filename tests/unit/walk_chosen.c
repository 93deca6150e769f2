/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a walk keeps in mind of folders that change meanwhile, where somebody
 * chose them so that it should not: by their inodes, or by making many.
 */
#include "tap.h"
#include "walk_state.h"

#define MOVER 123457 /* the inode of a folder that is moved again and again */

static struct walk walk;

static void
begin(void)
{
    walk.met = calloc(WALK_MET, sizeof(*walk.met));
    REQUIRE(walk.met);
    walk.seed = util_seed();
}

static int
meet(uint64_t inode)
{
    struct statx stat = {.stx_ino = inode};

    return walk_meet(&walk, &stat);
}

/* Where a folder would be kept if its inode alone told. */
static size_t
slot_of(uint64_t inode)
{
    return (size_t)(inode * 0x9e3779b97f4a7c15u >> 32) % WALK_MET;
}

TEST("nobody takes the place of a folder by inodes that he chose")
{
    size_t place = slot_of(MOVER);
    unsigned chosen = 0;

    begin();
    for (uint64_t inode = MOVER + 1; chosen < 400; inode++) {
        if ((slot_of(inode) - place) % WALK_MET >= 64)
            continue;
        CHECK_INT(meet(inode), 0);
        chosen++;
    }
    CHECK_INT(meet(MOVER), 0);
    CHECK_INT(meet(MOVER), -ENOENT);
}

TEST("nor by making more of them than are kept in mind")
{
    unsigned kept = 0;

    begin();
    for (uint64_t inode = 1; inode <= 4 * WALK_MET; inode++)
        kept += meet(inode << 20) == 0;
    tap_note("%u of %u kept", kept, 4 * WALK_MET);
    CHECK(kept <= WALK_MET);
    CHECK(meet(MOVER) == 0 ? meet(MOVER) == -ENOENT : meet(MOVER) == -EBUSY);
}

TAP_MAIN
