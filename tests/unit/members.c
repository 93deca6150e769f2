/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the list of the memberships that we gave says of a user.
 */
#include "members.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

/* The list with these lines, and what it says of alice. */
static struct members
load(const char *lines)
{
    struct members members;
    struct err err = {0, ""};

    (void)tap_write(MEMBERS_FILE, lines);
    CHECK_INT(members_load(tap_folder(), getuid(), "alice", &members, &err), 0);
    return members;
}

TEST("the last line of each group counts, of each uid that the name had")
{
    struct members members = load("1 alice a usermod 1001 70\n"
                                  "2 alice b usermod 1001 71\n"
                                  "3 bob b usermod 1001 71\n"
                                  "4 alice a usermod 1002 70\n"
                                  "5 alice b revoked 1001 71\n"
                                  "6 alice a usermod 1001 70\n");

    if (CHECK_INT(members.count, 2)) {
        CHECK_INT(members.entry[0].when, 4);
        CHECK_INT(members.entry[1].when, 6);
        CHECK(members_find(&members, 1002, 70) == &members.entry[0]);
    }
    CHECK(!members_find(&members, 1001, 71));
    CHECK(!members_find(&members, 1003, 70));
    members_free(&members);
}

TEST("a drop-in counts for whoever has the name, and is taken back from him")
{
    struct members members = load("1 alice a userdb 1001 70\n");

    CHECK(members_find(&members, 1002, 70) != NULL);
    members_free(&members);
    members = load("1 alice a userdb 1001 70\n"
                   "2 alice a revoked 1002 70\n");
    CHECK_INT(members.count, 0);
    members_free(&members);
    members = load("1 alice a userdb 1001 70\n"
                   "2 alice a userdb 1002 70\n");
    CHECK_INT(members.count, 1);
    members_free(&members);
}

TEST("a line that was cut short, or is none of ours, says nothing")
{
    struct members members = load("1 alice a usermod 1001 7\n"
                                  "1 alice a usermod 1001\n"
                                  "1 alice a usermod\n"
                                  "1 alice a given 1001 70\n"
                                  "1 alice a usermod 1001 70 x\n"
                                  "1 alice a usermod -1 70\n"
                                  "1 alice a usermod 1001 7x\n"
                                  "now alice a usermod 1001 70\n"
                                  "\n"
                                  "1 alice a usermod 1001 8");

    if (CHECK_INT(members.count, 1))
        CHECK_INT(members.entry[0].gid, 7);
    members_free(&members);
}

TEST("a line that was cut short takes none of those after it along")
{
    const struct members_entry entry = {
        5, "alice", "a", MEMBERS_REVOKED, 1001, 70};
    struct members members = load("1 alice a usermod 1001 70\n"
                                  "2 bob a userm");
    struct err err;

    if (getuid() != 0)
        SKIP("needs root, whose the list is");
    CHECK_INT(members.count, 1);
    members_free(&members);
    CHECK(chmod(tap_folder(), 0755) == 0);
    CHECK_INT(members_append(tap_folder(), &entry), 0);
    CHECK_INT(members_load(tap_folder(), getuid(), "alice", &members, &err), 0);
    CHECK_INT(members.count, 0);
    members_free(&members);
}

/* --- in two steps -------------------------------------------------------- */

static const struct members_entry one = {5, "alice", "a", MEMBERS_USERMOD,
                                         1001, 70};

/* What is known of alice, who is a member of so many groups by us. */
static size_t
count_known(void)
{
    struct members members;
    struct err err;
    size_t count;

    CHECK_INT(members_load(tap_folder(), 0, "alice", &members, &err), 0);
    count = members.count;
    members_free(&members);
    return count;
}

static bool
has_root(void)
{
    CHECK(chmod(tap_folder(), 0755) == 0);
    return getuid() == 0;
}

TEST("what was begun counts, whoever was cut off, until it is dropped")
{
    if (!has_root())
        SKIP("needs root, whose the list is");
    CHECK_INT(members_begin(tap_folder(), &one), 0);
    CHECK_INT(count_known(), 1);
    members_drop(tap_folder(), "alice");
    CHECK_INT(count_known(), 0);
    CHECK_INT(members_settle(tap_folder(), "alice"), 0);
    CHECK_INT(count_known(), 0);
}

TEST("what was begun comes into the list, once, and can be revoked there")
{
    struct members_entry revoked = one;
    struct stat st;

    if (!has_root())
        SKIP("needs root, whose the list is");
    CHECK_INT(members_begin(tap_folder(), &one), 0);
    CHECK_INT(members_settle(tap_folder(), "alice"), 0);
    CHECK_INT(members_settle(tap_folder(), "alice"), 0);
    CHECK_INT(count_known(), 1);
    CHECK_INT(stat(tap_in_folder(MEMBERS_FILE), &st), 0);
    CHECK_INT(st.st_size, strlen("5 alice a usermod 1001 70\n"));
    revoked.how = MEMBERS_REVOKED;
    CHECK_INT(members_append(tap_folder(), &revoked), 0);
    CHECK_INT(count_known(), 0);
}

static bool is_settling;

/* Settle as soon as all of the list has been read. */
ssize_t
read(int fd, void *buffer, size_t size)
{
    ssize_t got = syscall(SYS_read, fd, buffer, size);
    char link[32], path[PATH_MAX] = "";

    sprintf(link, "/proc/self/fd/%d", fd);
    if (is_settling && got == 0 && readlink(link, path, sizeof(path) - 1) > 0 &&
        strcmp(path, tap_in_folder(MEMBERS_FILE)) == 0) {
        is_settling = false;
        CHECK_INT(members_settle(tap_folder(), "alice"), 0);
    }
    return got;
}

TEST("what is settled while it is looked for is found")
{
    const struct members_entry other = {4, "bob", "a", MEMBERS_USERMOD,
                                        1002, 70};

    if (!has_root())
        SKIP("needs root, whose the list is");
    CHECK_INT(members_append(tap_folder(), &other), 0);
    CHECK_INT(members_begin(tap_folder(), &one), 0);
    is_settling = true;
    CHECK_INT(count_known(), 1);
    CHECK(!is_settling);
    CHECK_INT(count_known(), 1);
}

TEST("the next to begin settles what was cut off, and is told of its own")
{
    struct members_entry other = one;

    other.group = "b";
    other.gid = 71;
    if (!has_root())
        SKIP("needs root, whose the list is");
    CHECK_INT(members_begin(tap_folder(), &one), 0);
    CHECK_INT(members_begin(tap_folder(), &other), 0);
    CHECK_INT(members_begin(tap_folder(), &other), 1);
    members_drop(tap_folder(), "alice");
    CHECK_INT(count_known(), 1);
}

TEST("what cannot be put down is not said to be")
{
    char group[1000];
    struct members_entry long_one = one;

    memset(group, 'g', sizeof(group) - 1);
    group[sizeof(group) - 1] = '\0';
    long_one.group = group;
    if (!has_root())
        SKIP("needs root, whose the list is");
    CHECK_INT(members_begin(tap_folder(), &long_one), -ENAMETOOLONG);
    CHECK_INT(members_append(tap_folder(), &long_one), -ENAMETOOLONG);
    CHECK_INT(count_known(), 0);
    CHECK(members_begin(tap_in_folder("no/folder"), &one) < 0);
    CHECK(members_append(tap_in_folder("no/folder"), &one) < 0);
    members_drop(tap_in_folder("no/folder"), "alice");
}

TEST("what others can write, or what is no file, is neither begun nor listed")
{
    struct members members;
    struct err err;

    if (!has_root())
        SKIP("needs root, whose the list is");
    tap_write("begun-alice", "5 alice a usermod 1001 70\n");
    REQUIRE_INT(chmod(tap_in_folder("begun-alice"), 0666), 0);
    CHECK(members_load(tap_folder(), 0, "alice", &members, &err) < 0);
    CHECK(members_settle(tap_folder(), "alice") < 0);
    CHECK(members_begin(tap_folder(), &one) < 0);
    REQUIRE_INT(chmod(tap_in_folder("begun-alice"), 0600), 0);
    CHECK_INT(count_known(), 1);
    REQUIRE_INT(mkdir(tap_in_folder(MEMBERS_FILE), 0755), 0);
    CHECK(members_load(tap_folder(), 0, "alice", &members, &err) < 0);
    CHECK(members_settle(tap_folder(), "alice") < 0);
    REQUIRE_INT(rmdir(tap_in_folder(MEMBERS_FILE)), 0);
    CHECK_INT(members_settle(tap_folder(), "alice"), 0);
    CHECK_INT(count_known(), 1);
}

TEST("only names that cannot be taken for anything else are handed on")
{
    static const char *const good[] = {"a", "_x", "alice", "a.b-c_d", "A1",
                                       "1a", "machine$", "a..b", "x-",
                                       "alice.a@corp.example", "EX\\bob",
                                       "EX-1\\bob.x",
                                       "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {
        "", "-a", "--root=/x", ".a", "a b", "a/b", "../a", "a:b", "a\nb",
        "a$b", "$", "\\a", "a\\", "a\\-b", "a\\\\b", "a\\b\\c", "\xc3\xa4", "a\x7f", "a,b", "@a"};
    char name[102] = "";

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!CHECK(members_name_is_safe(good[i])))
            tap_note("%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(!members_name_is_safe(bad[i])))
            tap_note("%s", bad[i]);
    memset(name, 'a', 100);
    CHECK(members_name_is_safe(name));
    name[100] = 'a';
    CHECK(!members_name_is_safe(name));
}

TAP_MAIN
