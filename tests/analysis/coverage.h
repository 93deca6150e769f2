/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For builds that measure coverage alone, included before each file: a process
 * that ends at once leaves its counts, too.
 */
#ifndef HFCACHE_COVERAGE_H
#define HFCACHE_COVERAGE_H

#include <unistd.h>

extern void __gcov_dump(void);

/* After `code`, which may be all of a child's work. */
#define _exit(code)                                                           \
    __extension__({                                                           \
        int coverage_code = (code);                                           \
        __gcov_dump();                                                        \
        (_exit)(coverage_code);                                               \
    })

#endif
