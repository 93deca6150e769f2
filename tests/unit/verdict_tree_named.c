/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is named in the verdict on the whole tree, and when no longer.
 */
#include <errno.h>

#include "tree.h"

#define MANY 3000

/* --- shares -------------------------------------------------------------- */

static struct drift many[MANY];
static char names[MANY][320];

/* The drift `i` in `many`, with a name of its own. */
static void
set_drift(unsigned i, uid_t owner, unsigned what, int length)
{
    snprintf(names[i], sizeof(names[i]), "hub/models--%0*u", length, i);
    many[i] = (struct drift){names[i], owner, what};
}

static size_t
count_of(const struct tree_verdict *tree, uid_t owner, unsigned kept)
{
    size_t count = 0;

    for (size_t i = 0; i < tree->nnamed; i++)
        count += tree->named[i].owner == owner &&
                 (tree->named[i].what & DRIFT_KEPT) == kept;
    return count;
}

/* Write the first `count` of `many`, and read what became of it. */
static struct tree_verdict
write_many(size_t count, int64_t taken_ms)
{
    struct tree_verdict tree = make_tree(), got;

    tree.named = many;
    tree.nnamed = count;
    tree.more_named = 0;
    tree.taken_ms = taken_ms;
    REQUIRE_INT(write_tree(&tree), 0);
    got = read_tree();
    CHECK_INT(got.nnamed + got.more_named, count);
    return got;
}

TEST("nobody's drift hides another's: each owner has a share")
{
    struct tree_verdict got;

    for (unsigned i = 0; i < MANY; i++)
        set_drift(i, 1001, i % 2 ? DRIFT_GROUP : DRIFT_CLOSED | DRIFT_KEPT, 4);
    set_drift(MANY - 1, 1002, DRIFT_LOCK, 4);
    set_drift(MANY - 2, 1002, DRIFT_CLOSED | DRIFT_KEPT, 4);
    got = write_many(MANY, 1);
    CHECK_INT(count_of(&got, 1001, 0), VERDICT_TREE_OWNER);
    CHECK_INT(count_of(&got, 1001, DRIFT_KEPT), VERDICT_TREE_KEPT);
    CHECK_INT(count_of(&got, 1002, 0), 1);
    CHECK_INT(count_of(&got, 1002, DRIFT_KEPT), 1);
    verdict_tree_free(&got);
}

TEST("each of 1000 owners finds a place, however much the first have")
{
    struct tree_verdict got;

    for (unsigned i = 0; i < 2000; i++)
        set_drift(i, 1000 + i / 100, DRIFT_GROUP, 20);
    for (unsigned i = 2000; i < 2980; i++)
        set_drift(i, i, DRIFT_GROUP, 20);
    got = write_many(2980, 1);
    for (unsigned i = 0; i < 20; i++)
        CHECK(count_of(&got, 1000 + i, 0) >= 1);
    for (unsigned i = 2000; i < 2980; i++)
        CHECK_INT(count_of(&got, i, 0), 1);
    verdict_tree_free(&got);
}

TEST("190 owners of the longest names find a place each")
{
    struct tree_verdict got;

    for (unsigned i = 0; i < 1900; i++)
        set_drift(i, 1000 + i % 190, DRIFT_GROUP, 300 - 12);
    got = write_many(1900, 1);
    for (unsigned i = 0; i < 190; i++)
        CHECK(count_of(&got, 1000 + i, 0) >= 1);
    verdict_tree_free(&got);
}

TEST("a name longer than clients make is counted, and takes nobody's place")
{
    struct tree_verdict got;

    set_drift(0, 1001, DRIFT_GROUP, 301 - 12);
    set_drift(1, 1001, DRIFT_GROUP, 300 - 12);
    got = write_many(2, 1);
    CHECK_INT(got.nnamed, 1);
    CHECK_INT(strlen(got.named[0].name), 300);
    CHECK_INT(got.more_named, 1);
    verdict_tree_free(&got);
}

/* Note in `seen` which of `many` are named by checks of so many moments. */
static size_t
see_many(size_t count, int64_t checks)
{
    static bool seen[MANY];
    size_t seen_count = 0;

    for (int64_t check = 1; check <= checks; check++) {
        struct tree_verdict got = write_many(count, check);

        for (size_t i = 0; i < got.nnamed; i++)
            seen[atoi(got.named[i].name + strlen("hub/models--"))] = true;
        verdict_tree_free(&got);
    }
    for (size_t i = 0; i < count; i++)
        seen_count += seen[i];
    return seen_count;
}

TEST("whoever is left out of one check is named in another")
{
    for (unsigned i = 0; i < MANY; i++)
        set_drift(i, i, DRIFT_GROUP, 30);
    CHECK(see_many(MANY, 1) < MANY / 2);
    CHECK_INT(see_many(MANY, 60), MANY);
}

TEST("what its owner closed has its turn, too, whatever others have to mend")
{
    for (unsigned i = 0; i < 2200; i++)
        set_drift(i, i / 2, i % 2 ? DRIFT_GROUP : DRIFT_CLOSED | DRIFT_KEPT,
                  30);
    CHECK_INT(see_many(2200, 200), 2200);
}

TEST("what is beyond an owner's share comes in another check")
{
    for (unsigned i = 0; i < 100; i++)
        set_drift(i, 1001, DRIFT_GROUP, 30);
    CHECK_INT(see_many(100, 1), VERDICT_TREE_OWNER);
    CHECK_INT(see_many(100, 60), 100);
}

TEST("bits that are no drift are left out, and what has no others")
{
    struct tree_verdict got;

    set_drift(0, 1001, DRIFT_GROUP | 1 << 20, 4);
    set_drift(1, 1002, 1 << 20, 4);
    got = write_many(2, 1);
    REQUIRE_INT(got.nnamed, 1);
    CHECK_INT(got.named[0].what, DRIFT_GROUP);
    verdict_tree_free(&got);
}

/* --- taking out ---------------------------------------------------------- */

static struct drift given = {"hub/models--a--b", 1001, DRIFT_GROUP};

static int
forget(int64_t taken_ms, const struct drift *what)
{
    return verdict_tree_forget(folder(), PATH, cache_gid(), taken_ms, what, 1);
}

TEST("what a mender was given is named no longer; all else is as it was")
{
    struct tree_verdict tree = make_tree(), got;
    struct stat st;

    REQUIRE_INT(write_tree(&tree), 0);
    CHECK_INT(forget(tree.taken_ms, &given), 0);
    got = read_tree();
    REQUIRE_INT(got.nnamed, 2);
    CHECK_INT(count_of(&got, 1001, 0), 0);
    CHECK_INT(count_of(&got, 1001, DRIFT_KEPT), 1);
    CHECK_INT(count_of(&got, 0, 0), 1);
    CHECK_INT(got.count[TREE_GIVEN], 1);
    CHECK_INT(got.more_named, 4);
    CHECK_INT(got.taken_ms, tree.taken_ms);
    CHECK_INT(got.count[TREE_DRIFTS], 5);
    verdict_tree_free(&got);
    REQUIRE_INT(stat(tree_file(), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    CHECK_INT(st.st_gid, cache_gid());
}

TEST("of another owner, or by another name, nothing is taken out")
{
    struct tree_verdict tree = make_tree(), got;
    struct drift other = given;

    REQUIRE_INT(write_tree(&tree), 0);
    other.owner = 1002;
    CHECK_INT(forget(tree.taken_ms, &other), 0);
    other = given;
    other.name = "hub/models--a--c";
    CHECK_INT(forget(tree.taken_ms, &other), 0);
    got = read_tree();
    CHECK_INT(got.nnamed, 3);
    CHECK_INT(got.count[TREE_GIVEN], 0);
    verdict_tree_free(&got);
}

TEST("a later check's names stay")
{
    struct tree_verdict tree = make_tree(), got;

    REQUIRE_INT(write_tree(&tree), 0);
    CHECK_INT(forget(tree.taken_ms - 1, &given), 0);
    got = read_tree();
    CHECK_INT(got.nnamed, 3);
    verdict_tree_free(&got);
}

TEST("nothing is made where there is no verdict, or a forged one")
{
    struct tree_verdict tree = make_tree();
    struct stat before, after;

    CHECK(forget(tree.taken_ms, &given) < 0);
    REQUIRE_INT(write_tree(&tree), 0);
    chmod(tree_file(), 0666);
    REQUIRE_INT(stat(tree_file(), &before), 0);
    CHECK_INT(forget(tree.taken_ms, &given), -EPERM);
    REQUIRE_INT(stat(tree_file(), &after), 0);
    CHECK_INT(before.st_ino, after.st_ino);
    REQUIRE_INT(unlink(tree_file()), 0);
    CHECK_INT(forget(tree.taken_ms, &given), -ENOENT);
    CHECK(access(tree_file(), F_OK) != 0);
}

TEST("helpers and a check at once: no change of one is lost to another")
{
    struct tree_verdict got;
    struct drift *own = many;

    for (unsigned i = 0; i < 40; i++)
        set_drift(i, 1000 + i, DRIFT_GROUP, 4);
    got = write_many(40, 1);
    verdict_tree_free(&got);
    for (unsigned i = 0; i < 40; i++) {
        if (fork() == 0) {
            CHECK_INT(forget(1, &own[i]), 0);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        continue;
    got = read_tree();
    CHECK_INT(got.nnamed, 0);
    CHECK_INT(got.count[TREE_GIVEN], 40);
    verdict_tree_free(&got);
}

TEST("a check's verdict is never lost to a helper that read an older one")
{
    struct tree_verdict tree = make_tree(), got;
    int64_t until_ms = util_monotonic_ms() + 1500;

    REQUIRE_INT(write_tree(&tree), 0);
    for (int64_t taken = 1; util_monotonic_ms() < until_ms; taken += 2) {
        pid_t pid;

        tree.taken_ms = taken;
        REQUIRE_INT(write_tree(&tree), 0);
        pid = fork();
        if (pid == 0)
            _exit(forget(taken, &given) < 0);
        tree.taken_ms = taken + 1;
        REQUIRE_INT(write_tree(&tree), 0);
        REQUIRE_INT(waitpid(pid, NULL, 0), pid);
        got = read_tree();
        CHECK_INT(got.taken_ms, taken + 1);
        CHECK_INT(got.nnamed, 3);
        verdict_tree_free(&got);
    }
}

TEST("a reader sees the old verdict or the new one, never half of one")
{
    struct tree_verdict tree = make_tree();
    int64_t until_ms = util_monotonic_ms() + 1000;

    REQUIRE_INT(write_tree(&tree), 0);
    if (fork() == 0) {
        while (util_monotonic_ms() < until_ms)
            REQUIRE_INT(write_tree(&tree), 0);
        _exit(0);
    }
    while (util_monotonic_ms() < until_ms)
        REQUIRE_INT(believe(), 0);
}

TAP_MAIN
