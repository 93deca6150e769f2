/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of KEY.tree, which each login reads.  Not believed, or a verdict
 * that is the same when it is written and read again, and of which a mender
 * takes out what it was given and nothing else.
 */
#include "verdict_input.h"

#include <errno.h>

#include "decision.h"

static int
read_tree(struct tree_verdict *ret, struct err *err)
{
    return verdict_tree_read(fuzz_folder(), geteuid(), INPUT_PATH, getegid(),
                             ret, err);
}

static void
check_tree(const struct tree_verdict *tree)
{
    struct own_drifts own;

    MUST(tree->nnamed <= VERDICT_TREE_NAMED);
    MUST(tree->count[TREE_REUSED] <= tree->count[TREE_ENTRIES]);
    MUST(util_age_ms(tree->taken_ms) >= 0);
    for (size_t i = 0; i < tree->nnamed; i++)
        check_drift(&tree->named[i]);
    decision_own_drifts(NULL, tree, tree->nnamed ? tree->named[0].owner : 0,
                        &own);
    MUST(own.count <= DECISION_MAX_OWN);
    for (size_t i = 0; i < own.count; i++)
        MUST(!(own.drift[i].what & DRIFT_KEPT));
}

static bool
is_named(const struct tree_verdict *tree, const struct drift *drift)
{
    for (size_t i = 0; i < tree->nnamed; i++)
        if (tree->named[i].owner == drift->owner &&
            tree->named[i].what == drift->what &&
            strcmp(tree->named[i].name, drift->name) == 0)
            return true;
    return false;
}

/* Write it, read it: the same counts, and no name that was not there. */
static void
check_again(const struct tree_verdict *tree)
{
    struct tree_verdict again;

    MUST(verdict_tree_write(fuzz_folder(), tree, INPUT_PATH, getegid(), NULL) ==
         0);
    MUST(read_tree(&again, NULL) == 0);
    MUST(memcmp(tree->count, again.count, sizeof(tree->count)) == 0);
    MUST(tree->complete == again.complete &&
         tree->taken_ms == again.taken_ms &&
         tree->oldest_wall == again.oldest_wall &&
         tree->interrupted_wall == again.interrupted_wall);
    MUST(again.nnamed + again.more_named == tree->nnamed + tree->more_named ||
         again.more_named == UINT32_MAX);
    for (size_t i = 0; i < again.nnamed; i++)
        MUST(is_named(tree, &again.named[i]));
    verdict_tree_free(&again);
}

/* A mender is given the first: it goes, unless only its owner can open it. */
static void
check_forgotten(const struct tree_verdict *tree)
{
    struct tree_verdict before, after;

    MUST(read_tree(&before, NULL) == 0);
    MUST(verdict_tree_forget(fuzz_folder(), INPUT_PATH, getegid(),
                             tree->taken_ms, tree->named, 1) == 0);
    MUST(read_tree(&after, NULL) == 0);
    for (size_t i = 0; i < before.nnamed; i++) {
        const struct drift *drift = &before.named[i];
        bool is_given = drift->owner == tree->named[0].owner &&
                        strcmp(drift->name, tree->named[0].name) == 0 &&
                        !(drift->what & DRIFT_KEPT);

        MUST(is_named(&after, drift) == !is_given);
    }
    verdict_tree_free(&before);
    verdict_tree_free(&after);
}

FUZZ(data, size)
{
    struct tree_verdict tree = {.nnamed = 77};
    struct err err = {0};
    char name[VERDICT_NAME_SIZE];
    char *text = input_text(data, &size);
    int r;

    verdict_name(INPUT_PATH, getegid(), "tree", name);
    fuzz_write(name, text, size);
    r = read_tree(&tree, &err);
    if (r == 0) {
        check_tree(&tree);
        check_again(&tree);
        if (tree.nnamed > 0)
            check_forgotten(&tree);
        verdict_tree_free(&tree);
    } else {
        MUST(r == -EINVAL || r == -ESTALE || r == -EFBIG);
        MUST(*err.text && tree.nnamed == 77);
    }
    free(text);
}
