/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a login has the helper do.  Both return what probe_run() does.
 */
#ifndef HFCACHE_LOGIN_ASK_H
#define HFCACHE_LOGIN_ASK_H

#include "login.h"

/* Make the membership in `group` last by `how`, a choice of `persist`. */
ssize_t login_ask_to_join(const struct login *login, int how, const char *group,
                          char *answer, struct err *err);

/* `command`: "look" or "mend". */
ssize_t login_start_probe(const struct login *login, const char *command,
                          int64_t deadline_ms, char *answer, struct err *err);

#endif
