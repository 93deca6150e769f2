/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start the helper `hfcache-probe` and wait for its answer until a deadline.
 *
 * The host (sshd, login, cron, ...) never gets a child of its own out of it:
 * a middle process that shares its memory (clone with CLONE_VM and
 * CLONE_VFORK, and no exit signal) spawns the helper and ends at once, so that
 * the helper belongs to init from its first instruction, no SIGCHLD is sent,
 * and no wait() of the host ever sees anything.
 *
 * Contract of the helper's arguments, all of them NAME=VALUE but the first:
 *
 *   hfcache-probe look path=P gid=N mode=2770|2775 acl=auto|yes|no uid=N
 *                      pgid=N member=0|1 mend=0|1
 *       look at the gate with fsuid uid, fsgid gid; write KEY.gate; send the
 *       gate's verdict text down descriptor 3 and close it; then look below
 *       hub/; then, if mend=1, mend what is uid's own.  If no slot is to be
 *       had, send PROBE_BUSY instead; if anything else is in its way, a
 *       sentence that begins with PROBE_FAILED.
 *   hfcache-probe mend (same arguments)
 *       mend only: what the last verdicts name as uid's own.
 *   hfcache-probe join user=NAME uid=N group=NAME gid=N how=usermod|userdb
 *       make the user a lasting member; then send "ok\n", or a sentence that
 *       says why not, down descriptor 3 and close it.
 */
#ifndef HFCACHE_PROBE_H
#define HFCACHE_PROBE_H

#include "util.h"

#define PROBE_ANSWER_FD 3
#define PROBE_ANSWER_MAX 4096 /* PIPE_BUF: an answer is one write */
#define PROBE_BUSY "busy\n"
#define PROBE_FAILED "hfcache-probe: "

/*
 * Start `helper` (an absolute path) with `argv` (NULL-terminated, argv[0]
 * included) and an empty environment.  With `deadline_ms` >= 0 waits that long
 * for all of its answer, which is put NUL-terminated into `answer` (of
 * PROBE_ANSWER_MAX + 1 bytes); with a negative one it does not wait and
 * `answer` may be NULL.
 *
 * Returns the answer's length (0: the helper closed without a word, or was not
 * waited for), -ETIMEDOUT if the deadline passed first, or another negative
 * errno if it could not be started.  The helper is never killed.
 */
ssize_t probe_run(const char *helper, const char *const argv[],
                  int64_t deadline_ms, char *answer, struct err *err);

#endif
