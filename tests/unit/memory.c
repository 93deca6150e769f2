/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A login without memory: each of its steps succeeds, or leaves its results
 * alone.
 */
#include "no_memory.h"

#include "decision.h"
#include "verdict.h"

#ifdef NO_MEMORY

static const char policy_text_[] =
    "[cache]\nmode = 2775\n[cache lab]\npath = /srv/lab\nusers = @lab, !bob\n"
    "[env]\nHF_A = 1\n[env lab]\nHF_B = %u\nHF_A =\n";

static int
load_policy(void)
{
    struct policy policy = {.nsections = 77};
    struct err err;
    int result = policy_load_text("F", policy_text_, strlen(policy_text_),
                                  &policy, &err);

    if (result == 0)
        policy_free(&policy);
    else
        CHECK_INT(policy.nsections, 77);
    return result;
}

TEST("a policy is loaded whole or not at all")
{
    fail_each(load_policy);
}

static struct policy policy;
static const struct subject subject = {
    .user = "alice", .uid = 1000, .gid = 1000, .home = "/home/alice"};

static int
make_environment(void)
{
    struct environment environment = {.count = 0};
    struct err err;
    int result = decision_environment(&policy, &policy.sections[0], &subject,
                                      &environment, &err);

    if (result != 0)
        CHECK_INT(environment.count, 0);
    decision_free_environment(&environment);
    return result;
}

TEST("the variables are made whole or not at all")
{
    REQUIRE_INT(policy_load_text("F", policy_text_, strlen(policy_text_),
                                 &policy, NULL),
                0);
    fail_each(make_environment);
    policy_free(&policy);
}

static char verdict_text_[8192];
static size_t verdict_length;

static int
parse_verdict(void)
{
    struct verdict verdict = {.ndrifts = 77};
    struct err err;
    int result = verdict_parse(verdict_text_, verdict_length,
                               "/srv/huggingface", 900, &verdict, &err);

    if (result == 0)
        verdict_free(&verdict);
    else
        CHECK_INT(verdict.ndrifts, 77);
    return result;
}

TEST("a verdict is read whole or not at all")
{
    struct drift drift = {"hub/models--a--b", 1000, DRIFT_GROUP};
    struct verdict verdict = {
        .way_at = "", .cursor = "", .drifts = &drift, .ndrifts = 1};
    struct text text = TEXT_INIT(verdict_text_);

    REQUIRE_INT(verdict_format(&verdict, "/srv/huggingface", 900, true, &text),
                0);
    verdict_length = text.length;
    fail_each(parse_verdict);
}

static int
read_tree(void)
{
    struct tree_verdict tree = {.nnamed = 77};
    struct err err;
    int result = verdict_tree_read(tap_folder(), getuid(), "/srv/huggingface",
                                   getegid(), &tree, &err);

    if (result == 0)
        verdict_tree_free(&tree);
    else
        CHECK_INT(tree.nnamed, 77);
    return result;
}

TEST("a check's verdict is read whole or not at all")
{
    struct drift drift = {"hub/models--a--b", 1000, DRIFT_GROUP};
    struct tree_verdict tree = {.named = &drift, .nnamed = 1};

    REQUIRE_INT(verdict_tree_write(tap_folder(), &tree, "/srv/huggingface",
                                   getegid(), NULL),
                0);
    fail_each(read_tree);
}

TEST("a line that finds no memory is left out, and the others stay")
{
    struct lines lines = {NULL, 0};
    size_t before;

    lines_add(&lines, "first");
    for (long failing = 0; lines.count < 2; failing++) {
        REQUIRE(failing < 100);
        before = (size_t)live;
        until_failure = failing;
        lines_add(&lines, "second");
        until_failure = -1;
        CHECK(lines.count == 2 || (size_t)live == before);
    }
    CHECK_STR(lines.line[0], "first");
    CHECK_STR(lines.line[1], "second");
    lines_free(&lines);
    CHECK_INT(lines.count, 0);
}

#endif

TAP_MAIN
