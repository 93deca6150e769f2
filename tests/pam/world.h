/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small machine for one PAM script: namespaces of its own, in which /etc,
 * /home, /run, /srv, /var/lib and the helper's folder are empty but for what
 * a login needs.  Works for root and, by a user namespace, for everybody.
 */
#ifndef TESTS_PAM_WORLD_H
#define TESTS_PAM_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#define WORLD_MODULE "/run/test/pam_hfcache.so"
#define WORLD_CONFDIR "/run/test/pam.d"

/*
 * Enter a new world with copies of the module and the helper in it (without,
 * where one is NULL).  NULL, or why this machine can't make one.
 */
const char *world_enter(const char *module, const char *helper);

/* True if groups and owners can be changed: not in a user namespace. */
bool world_has_groups(void);

/* Write a file, making the folders above it; aborts when it cannot. */
void world_write(const char *path, mode_t mode, const char *data,
                 size_t length);

#endif
