/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processes of a user, by what /proc/PID/status tells: which of them have
 * a group.  That file alone is read: unlike a process's memory or command line
 * it never makes the reader wait for the process.
 */
#ifndef HFCACHE_PROCESSES_H
#define HFCACHE_PROCESSES_H

#include "util.h"

#define PROCESSES_NAMED 8

/* The names as the processes chose them: any bytes. */
struct processes {
    char name[PROCESSES_NAMED][64]; /* of the first ones, each once */
    size_t named;
    size_t count; /* of all that were found */
    bool complete; /* false: the time was up, or /proc cannot be read */
};

/*
 * Find the processes whose real uid is `uid`, and which have the group `gid`
 * (`having`) or lack it, for `budget_ms` at most.
 */
void processes_find(uid_t uid, gid_t gid, bool having, int64_t budget_ms,
                    struct processes *ret);

/* Append the names, "bash, tmux: server", safe to print; " and more" if full. */
void processes_add_names(const struct processes *processes, struct text *text);

#endif
