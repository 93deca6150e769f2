/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host without memory: each allocation of a step fails once, the first, the
 * second, and so on.  In a build whose allocator is not glibc's NO_MEMORY is
 * not defined, and there is nothing to fail.
 */
#ifndef TESTS_UNIT_NO_MEMORY_H
#define TESTS_UNIT_NO_MEMORY_H

#include "tap.h"

#include <errno.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(SANITIZED) || !defined(__GLIBC__)

TEST("an allocation that fails is an error and nothing more")
{
    SKIP("this build's allocator is the sanitizer's, or not glibc's");
}

#else

#define NO_MEMORY 1
#define ALLOCATOR __attribute__((visibility("default")))

/* glibc's own, behind the names that everything here calls. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *pointer);

static long until_failure = -1; /* that many succeed; -1: all */
static long live;               /* allocations not yet freed */

static bool
is_to_fail(void)
{
    errno = ENOMEM;
    return until_failure >= 0 && until_failure-- == 0;
}

static void *
count(void *pointer)
{
    live += pointer != NULL;
    return pointer;
}

ALLOCATOR void *
malloc(size_t size)
{
    return is_to_fail() ? NULL : count(__libc_malloc(size));
}

ALLOCATOR void *
calloc(size_t number, size_t size)
{
    return is_to_fail() ? NULL : count(__libc_calloc(number, size));
}

ALLOCATOR void *
aligned_alloc(size_t alignment, size_t size)
{
    return is_to_fail() ? NULL : count(__libc_memalign(alignment, size));
}

ALLOCATOR void *
realloc(void *pointer, size_t size)
{
    void *grown;

    if (is_to_fail())
        return NULL;
    grown = __libc_realloc(pointer, size);
    live += !pointer && grown;
    return grown;
}

ALLOCATOR void
free(void *pointer)
{
    live -= pointer != NULL;
    __libc_free(pointer);
}

/* --- each step, once with each allocation failing ------------------------- */

/* 0 if the step succeeded (and was undone), else its negative errno. */
typedef int step(void);

/*
 * Each time the step ends with -ENOMEM, or with 0 if it `can_do_without`, gives
 * back what it had, and the next try succeeds.
 */
static void
fail_each_of(step *run, bool can_do_without)
{
    long failing = 0;
    bool has_failed;

    REQUIRE_INT(run(), 0);
    do {
        long before = live;
        int result;

        until_failure = failing++;
        result = run();
        has_failed = until_failure < 0;
        until_failure = -1;
        if (result != (has_failed ? -ENOMEM : 0) &&
            !(can_do_without && result == 0) && !CHECK_INT(result, -ENOMEM))
            tap_note("  when allocation %ld failed", failing);
        if (!CHECK_INT(live, before))
            tap_note("  left when allocation %ld failed", failing);
        REQUIRE(failing < 10000);
    } while (has_failed);
    CHECK(failing > 2);
    CHECK_INT(run(), 0);
}

TAP_HELPER void
fail_each(step *run)
{
    fail_each_of(run, false);
}

#endif
#endif
