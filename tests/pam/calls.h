/* SPDX-License-Identifier: BSD-3-Clause */
/* The side of libpam: one handle, its hooks, and all that comes back. */
#ifndef TESTS_PAM_CALLS_H
#define TESTS_PAM_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "script.h"

struct call_lines {
    char **line;
    size_t count;
};

/* Takes %stack, %login, %tty and %preset; false for any other block. */
bool calls_set(const struct block *block);

/*
 * A line of %run: "HOOK(FLAGS) = STATUS", "user NAME" or "end".  NULL if it
 * gave what it says, else what it gave.  Starts a handle when there is none.
 */
const char *calls_step(const char *line);

/* Since the last calls_forget(); the environment is sorted. */
const struct call_lines *calls_environment(void);
const struct call_lines *calls_log(void);
const struct call_lines *calls_notices(void);
void calls_forget(void);

/* End the handle, if there is one. */
void calls_end(void);

#endif
