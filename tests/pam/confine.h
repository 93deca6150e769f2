/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Machines and containers that keep something from a login program: system
 * calls, /proc, the rest of the file system, ids, stack.
 */
#ifndef TESTS_PAM_CONFINE_H
#define TESTS_PAM_CONFINE_H

#include <features.h> /* __GLIBC__ */
#include <stdbool.h>
#include <stddef.h>

/* Each for good, for this process and what it starts; false if not to be had. */

/* The calls that an old kernel or a strict filter lacks fail with `error`. */
bool confine_calls(int error);

/* Another user namespace, in which there is root alone, without setgroups(). */
bool confine_ids(void);

/* `folder`, made if need be, becomes the root; nothing outside is open. */
bool confine_root(const char *folder);

/* An empty folder covers /proc. */
bool confine_proc(void);

/* musl has no makecontext(). */
#ifdef __GLIBC__
#define CONFINE_HAS_STACKS true
#else
#define CONFINE_HAS_STACKS false
#endif

/* Call `run` on a stack of `bytes`, below which nothing is mapped. */
bool confine_stack(size_t bytes, void (*run)(void *), void *argument);

#endif
