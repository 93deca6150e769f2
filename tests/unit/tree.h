/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A verdict on a tree, for the cases of verdict_tree.c and
 * verdict_tree_named.c.
 */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include "tap.h"
#include "verdict.h"

#define PATH "/srv/hugging face"

static struct drift drifts[] = {
    {.name = "hub/models--a--b", .owner = 1001, .what = DRIFT_GROUP},
    {.name = "hub/models--a--b",
     .owner = 1001,
     .what = DRIFT_CLOSED | DRIFT_KEPT},
    {.name = "hub/.locks/m\n=\xff%", .owner = 0, .what = DRIFT_LOCK},
};

TAP_HELPER struct tree_verdict
make_tree(void)
{
    return (struct tree_verdict){
        .taken_ms = util_boottime_ms(),
        .taken_wall = 1700000000,
        .complete = true,
        .count = {[TREE_ENTRIES] = 1234567,
                  [TREE_ALARMS] = 2,
                  [TREE_DRIFTS] = 5,
                  [TREE_NOTES] = 7,
                  [TREE_REUSED] = 1000000,
                  [TREE_FOLDERS] = 3},
        .oldest_wall = 1690000000,
        .named = drifts,
        .nnamed = ARRAY_LEN(drifts),
        .more_named = 4,
    };
}

/* A group that this process may give a file to. */
TAP_HELPER gid_t
cache_gid(void)
{
    return getuid() == 0 ? 1234 : getegid();
}

TAP_HELPER const char *
folder(void)
{
    return tap_in_folder("run");
}

TAP_HELPER const char *
tree_file(void)
{
    char key[VERDICT_KEY_SIZE], name[64];

    verdict_key(PATH, cache_gid(), key);
    snprintf(name, sizeof(name), "run/%s.tree", key);
    return tap_in_folder(name);
}

TAP_HELPER int
write_tree(const struct tree_verdict *tree)
{
    struct err err = {0};
    int r = verdict_tree_write(folder(), tree, PATH, cache_gid(), &err);

    if (r < 0)
        CHECK(err.text[0]);
    return r;
}

/* What the file says; the case must not go on without. */
TAP_HELPER struct tree_verdict
read_tree(void)
{
    struct tree_verdict got;

    REQUIRE_INT(verdict_tree_read(folder(), getuid(), PATH, cache_gid(), &got,
                                  NULL),
                0);
    return got;
}

/* 0, or why the file is not believed. */
TAP_HELPER int
believe(void)
{
    struct tree_verdict got;
    struct err err;
    int r = verdict_tree_read(folder(), getuid(), PATH, cache_gid(), &got,
                              &err);

    if (r == 0)
        verdict_tree_free(&got);
    else
        CHECK_HAS(err.text, "run");
    return r;
}

#endif
