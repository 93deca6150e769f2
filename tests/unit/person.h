/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of membership share: a world of its own with known users, and
 * one of them looked up.
 */
#ifndef HFCACHE_PERSON_H
#define HFCACHE_PERSON_H

#include "tap.h"

#include "membership.h"
#include "pam/world.h"

TAP_HELPER void
enter(void)
{
    const char *problem = world_enter(NULL, NULL);

    if (problem)
        SKIP("%s", problem);
}

/* Look up a user; what it points to holds until the next one is loaded. */
TAP_HELPER struct person *
load(const char *user)
{
    static struct person person;
    struct err err;

    membership_free(&person);
    if (membership_load(user, "sshd", &person, &err) < 0) {
        CHECK_STR(err.text, "a known user");
        exit(EXIT_FAILURE);
    }
    return &person;
}

#endif
