/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PAM scripts: text files that say what the world is, what is called, and
 * everything that must come of it.  The first line, a comment, is the test's
 * name.  Then blocks: a line "%WORD ARGUMENTS" and the lines that follow it
 * but for empty ones and those that start with "# ".  In order, as they stand:
 *
 *   %policy                /etc/security/hfcache.conf
 *   %file PATH [MODE]      any file of the world; mode 0644 unless said; the
 *                          path @HELPER@ replaces the helper
 *   %login USER [SERVICE]  whom the following %run logs in; service: sshd
 *   %stack                 that service's PAM lines; @MODULE@ is ours; unless
 *                          given ours and pam_permit in each part
 *   %tty NAME              PAM_TTY
 *   %preset                PAM environment before the login
 *   %shell                 commands that prepare something, as root; they and
 *                          %check have the functions of prelude.sh
 *   %host WORD...          become:USER (his groups, as initgroups and setgid
 *                          do it), ruid:USER (sudo and su by a user),
 *                          threads:N, blocked (all signals), closed (0-2),
 *                          terminal (0-2), named:NAME, sigchld:ignored|handled, umask:NNN,
 *                          timer (signals all the time), alarm (one pending, one
 *                          due in an hour), stack:BYTES, limits by name: nofile:N,
 *                          fsize:N, nproc:N, as:N ...; for good: calls:ENOSYS|EPERM
 *                          (statx, openat2 and the like fail), userns (root alone
 *                          has an id), chroot:FOLDER, no-proc
 *   %needs WORD            skip where it is not to be had. groups: changing
 *                          groups and owners; plain: a build without
 *                          sanitizers; glibc: makecontext(), and memory
 *                          that was freed for what the test itself needs
 *   %run                   lines "HOOK(FLAGS) = STATUS"; "user NAME" changes
 *                          PAM_USER on the handle; "end" is pam_end
 *
 * After a %run comes what it must have led to; a missing block means that
 * there must have been nothing of the kind, or no change:
 *
 *   %env      PAM's environment      %log     "PRIORITY text"
 *   %notice   "INFO text"            %groups  gids of the process, sorted
 *   %umask NNNN                      %within DURATION, as in 300ms
 *   %check    commands that succeed, at the latest half a minute later
 *
 * A line /EXPRESSION/, or PRIORITY /EXPRESSION/, is an extended regular one.
 */
#ifndef TESTS_PAM_SCRIPT_H
#define TESTS_PAM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct block {
    char word[16];
    char *arguments;
    char **line; /* its lines */
    size_t count;
    unsigned number; /* the block's line in the script */
};

struct script {
    const char *path;
    char *name; /* a sentence */
    struct block *block;
    size_t count;
};

/* Read a script; false and a remark on standard error when it is none. */
bool script_read(const char *path, struct script *ret);

/* The lines of a block as one text; the caller frees it. */
char *script_text(const struct block *block);

/* The value of the PAM constant `name`, with or without "PAM_", or -1. */
int script_constant(const char *name);

/* True if `got` is what the line `wanted` says. */
bool script_matches(const char *wanted, const char *got);

#endif
