/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For builds that measure coverage alone, included before each file: a process
 * that ends at once leaves its counts, too.
 */
#ifndef HFCACHE_COVERAGE_H
#define HFCACHE_COVERAGE_H

#include <unistd.h>

extern void __gcov_dump(void);

#define _exit(code) (__gcov_dump(), (_exit)(code))

#endif
