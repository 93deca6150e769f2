/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One INI file -> calls of a sink, by inih.  Whatever inih would cut, join or
 * pass over in silence is refused before inih sees the line.
 */
#ifndef HFCACHE_POLICY_FILE_H
#define HFCACHE_POLICY_FILE_H

#include "util.h"

/*
 * The longest line that inih takes without cutting it, without its end: inih
 * reads at most 199 bytes a line, the newline included.
 */
#define POLICY_FILE_MAX_LINE 195

/*
 * Receives what the file says.  Each returns 0, or a negative errno with "what,
 * and what would be right" in `err` (the reader puts FILE:LINE before it).
 * `section` is told for every header, also of a section without keys.
 */
struct policy_sink {
    int (*section)(void *ctx, const char *title, unsigned line,
                   struct err *err);
    int (*pair)(void *ctx, const char *name, const char *value, unsigned line,
                struct err *err);
    void *ctx;
};

/*
 * Read `data` (of `length` bytes) as the file called `file`.  0, or a negative
 * errno with "FILE:LINE: ..." in `err`; stops at the first error.
 */
int policy_file_read(const char *file, const char *data, size_t length,
                     const struct policy_sink *sink, struct err *err);

#endif
