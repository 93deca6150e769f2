/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of a user's groups a policy means by a name, whatever NSS keeps back.
 */
#include "tap.h"

#include <errno.h>

#include "person.h"

/* Is he in the group, by what the policy calls it? */
static bool
is_in(struct person *person, const char *name)
{
    return person->subject.in_group(&person->subject, name, false);
}

/* The same of one that is to leave him out. */
static bool
is_out_by(struct person *person, const char *name)
{
    return person->subject.in_group(&person->subject, name, true);
}

/* From now on NSS has no answer when it is asked for groups. */
static void
silence_nss(void)
{
    char name[32];

    REQUIRE_INT(unlink("/etc/group"), 0);
    REQUIRE_INT(mkdir("/etc/group", 0755), 0); /* can be opened, and not read */
    if (membership_gid_name(2000, name, sizeof(name)) == -ENOENT)
        SKIP("this C library takes it for an empty file");
}

TEST("a user may be in a thousand groups, which are not all asked for")
{
    static char text[60000];
    size_t used = 0;
    struct person *person;

    enter();
    for (unsigned i = 0; i < 1000; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "g%u:x:%u:bob,alice\n", i, 5000 + i);
    world_write("/etc/group", 0644, text, used);
    person = load("alice");
    CHECK_INT(person->subject.ngroups, 1001);
    CHECK(membership_holds(&person->subject, 5999));
    CHECK(is_in(person, "g999"));
    CHECK(!is_in(person, "nobody-has-it"));
    CHECK(!person->names.is_loaded);
    CHECK_INT(person->names.error, 0);
}

TEST("a group of the user's is known by each name that it has")
{
    static const char text[] = "lab:x:2000:alice\nsame:x:2000:\nx:x:7:bob\n";
    struct person *person;

    enter();
    world_write("/etc/group", 0644, text, strlen(text));
    person = load("alice"); /* whose own group, 1000, has none */
    CHECK(is_in(person, "lab"));
    CHECK(is_in(person, "same"));
    CHECK(!is_in(person, "x"));
    CHECK(!is_in(person, "nobody-has-it"));
    CHECK_INT(person->names.error, 0);
}

TEST("whoever is in a group that leaves him out is so, also if NSS kept it back")
{
    static const char text[] = "lab:x:2000:alice\nlate:x:7:bob,alice\n";
    struct person *person;

    enter();
    person = load("alice");
    CHECK(is_in(person, "lab"));
    world_write("/etc/group", 0644, text, strlen(text)); /* it answers now */
    CHECK(!is_in(person, "late"));
    CHECK(is_out_by(person, "late"));
    CHECK(!is_out_by(person, "nobody-has-it"));
    CHECK_INT(person->names.error, 0);
    silence_nss();
    CHECK(!is_out_by(person, "late"));
    CHECK(person->names.error > 0);
}

TEST("groups that NSS cannot name are an error, and no group that he is not in")
{
    struct person *person;

    enter();
    person = load("alice");
    silence_nss();
    CHECK(!is_in(person, "lab"));
    CHECK(person->names.error > 0);
}

TAP_MAIN
