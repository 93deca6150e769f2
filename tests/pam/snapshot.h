/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a host may expect to find unchanged after a module ran in it: threads,
 * ids, groups, capabilities, signal dispositions and mask, timers, limits,
 * umask, descriptors, children, environment, working folder, locale.
 */
#ifndef TESTS_PAM_SNAPSHOT_H
#define TESTS_PAM_SNAPSHOT_H

/* One thing a line; the caller frees it. */
char *snapshot_take(void);

/*
 * The snapshot with the rest of the line that starts with `name` replaced by
 * `value`; frees the old one.
 */
char *snapshot_with(char *snapshot, const char *name, const char *value);

/*
 * Counts the lines that differ, and calls `tell` with each pair; a line that
 * is missing on one side is NULL.
 */
unsigned snapshot_compare(const char *before, const char *after,
                          void (*tell)(const char *before, const char *after));

/* How many SIGCHLD came to a handler of snapshot_count_sigchld(). */
void snapshot_count_sigchld(void);

#endif
