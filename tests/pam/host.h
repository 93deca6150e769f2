/* SPDX-License-Identifier: BSD-3-Clause */
/* What kind of program the module finds itself in: %host of a PAM script. */
#ifndef TESTS_PAM_HOST_H
#define TESTS_PAM_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Takes a %host block's words; false if `word` is another block's. */
bool host_set(const char *word, const char *arguments);

/* Around a %run: become that program, and stop being it (but for its ids). */
void host_enter(void);
void host_leave(void);

/* Run the hooks, on the stack that such a program has. */
void host_call(void (*run)(void *), void *argument);

/* In a child: all signals as a shell expects them. */
void host_reset_signals(void);

int64_t host_now_ms(void);

#endif
