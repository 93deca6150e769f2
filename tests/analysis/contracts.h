/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an analyser, which reads one file at a time, cannot know of the others;
 * for the analysers alone, which include it before each file but util.c.
 *
 * err_set() and err_sys() return an error, never 0.
 */
#ifndef HFCACHE_CONTRACTS_H
#define HFCACHE_CONTRACTS_H

#include "util.h"

#define err_set(err, code, ...)                                               \
    ({                                                                        \
        int code_ = (code);                                                   \
        (void)(err_set)(err, code_, __VA_ARGS__);                             \
        __builtin_constant_p(code) ? -code_ : -5;                             \
    })
#define err_sys(err, code, ...)                                               \
    ({                                                                        \
        int code_ = (code);                                                   \
        (void)(err_sys)(err, code_, __VA_ARGS__);                             \
        __builtin_constant_p(code) ? -code_ : -5;                             \
    })

#endif
