/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host without memory: each allocation of a login's steps fails once, the
 * first, the second, and so on.  Each time the step ends with -ENOMEM, leaves
 * its results alone, gives back what it had, and the next try succeeds.
 */
#include "tap.h"

#include <errno.h>

#include "decision.h"
#include "verdict.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED

TEST("an allocation that fails is an error and nothing more")
{
    SKIP("this build's allocator is the sanitizer's");
}

#else

/* glibc's own, behind the names that everything here calls. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void __libc_free(void *pointer);

static long until_failure = -1; /* that many succeed; -1: all */
static long live;               /* allocations not yet freed */

static bool
is_to_fail(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

static void *
count(void *pointer)
{
    live += pointer != NULL;
    return pointer;
}

__attribute__((visibility("default"))) void *
malloc(size_t size)
{
    errno = ENOMEM;
    return is_to_fail() ? NULL : count(__libc_malloc(size));
}

__attribute__((visibility("default"))) void *
calloc(size_t number, size_t size)
{
    errno = ENOMEM;
    return is_to_fail() ? NULL : count(__libc_calloc(number, size));
}

__attribute__((visibility("default"))) void *
realloc(void *pointer, size_t size)
{
    void *grown;

    errno = ENOMEM;
    if (is_to_fail())
        return NULL;
    grown = __libc_realloc(pointer, size);
    live += !pointer && grown;
    return grown;
}

__attribute__((visibility("default"))) void
free(void *pointer)
{
    live -= pointer != NULL;
    __libc_free(pointer);
}

/* --- each step, once with each allocation failing ------------------------- */

/* 0 if the step succeeded (and was undone), else its negative errno. */
typedef int step(void);

static void
fail_each(step *run)
{
    long failing = 0, before;
    int result;

    REQUIRE_INT(run(), 0);
    do {
        before = live;
        until_failure = failing++;
        result = run();
        until_failure = -1;
        if (result != 0 && !CHECK_INT(result, -ENOMEM))
            tap_note("  when allocation %ld failed", failing);
        if (!CHECK_INT(live, before))
            tap_note("  left when allocation %ld failed", failing);
        REQUIRE(failing < 10000);
    } while (result != 0);
    CHECK(failing > 2);
    CHECK_INT(run(), 0);
}

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

    REQUIRE_INT(verdict_format(&verdict, "/srv/huggingface", 900, true, &text,
                               NULL),
                0);
    verdict_length = text.length;
    fail_each(parse_verdict);
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
