/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who somebody is, and the guarded add, in a world of its own with known users
 * (pam/world.c).  What changes groups needs root; the rest does not.
 */
#include "tap.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>

#include "person.h"

#define HF 900 /* hf-users: carol is in it, erin has it as primary group */

static void
enter_with_groups(void)
{
    enter();
    if (!world_has_groups())
        SKIP("groups cannot be changed without root");
}

static struct policy policy;

/* The only section of a policy "[cache]\nKEYS\n". */
static const struct policy_section *
section(const char *keys)
{
    char text[200];

    snprintf(text, sizeof(text), "[cache]\n%s\n", keys);
    policy_free(&policy);
    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    return &policy.sections[0];
}

TEST("a user is known with ids, home, host and all groups")
{
    struct person *person;

    enter();
    person = load("alice");
    CHECK_STR(person->subject.user, "alice");
    CHECK_INT(person->subject.uid, 1000);
    CHECK_INT(person->subject.gid, 1000);
    CHECK_STR(person->subject.home, "/home/alice");
    CHECK_STR(person->subject.service, "sshd");
    CHECK_STR(person->subject.host, "gpu01.example.org");
    REQUIRE_INT(person->subject.ngroups, 2);
    CHECK(membership_holds(&person->subject, 1000));
    CHECK(membership_holds(&person->subject, 2000));
    CHECK(!membership_holds(&person->subject, HF));
    CHECK(!membership_holds(&person->subject, 0));
    person = load("erin");
    CHECK(membership_holds(&person->subject, HF));
}

TEST("a user that NSS doesn't know is one error, told without control bytes")
{
    struct person person;
    struct err err;

    enter();
    CHECK_INT(membership_load("mallory", "sshd", &person, &err), -ENOENT);
    CHECK_HAS(err.text, "mallory");
    CHECK_INT(membership_load("a\nuser=root", "sshd", &person, &err), -ENOENT);
    CHECK_HAS_NOT(err.text, "\n");
    CHECK_INT(membership_load("", "sshd", &person, &err), -ENOENT);
}

TEST("groups that change are seen when asked again")
{
    static const char more[] = "alice:x:1000:\nhf-users:x:900:bob,alice\n";
    struct person *person;

    enter();
    person = load("alice");
    CHECK(!membership_holds(&person->subject, HF));
    world_write("/etc/group", 0644, more, strlen(more));
    CHECK_INT(membership_reload_groups(person, NULL), 0);
    CHECK(membership_holds(&person->subject, HF));
    CHECK(!membership_holds(&person->subject, 2000));
}

TEST("a group of many members is still found")
{
    static char text[1 << 20];
    size_t used = (size_t)snprintf(text, sizeof(text), "hf-users:x:900:u0");
    struct err err = {0, ""};
    gid_t gid = 0;

    enter();
    for (unsigned i = 1; i < 50000; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ",user%u",
                                 i);
    text[used++] = '\n';
    world_write("/etc/group", 0644, text, used);
    CHECK_INT(membership_group(section(""), &gid, &err), 0);
    CHECK_INT(gid, HF);
}

TEST("the policy's group is found by name or number")
{
    struct err err;
    gid_t gid = 77;

    enter();
    CHECK_INT(membership_group(section(""), &gid, &err), 0);
    CHECK_INT(gid, HF);
    CHECK_INT(membership_group(section("group = 901"), &gid, &err), 0);
    CHECK_INT(gid, 901);
    CHECK_INT(membership_group(section("group = 4711"), &gid, &err), 0);
    CHECK_INT(gid, 4711);
    gid = 77;
    CHECK_INT(membership_group(section("group = nosuch"), &gid, &err),
              -ENOENT);
    CHECK_INT(gid, 77);
    CHECK_STR(err.text, "there is no group \"nosuch\": make it with `hfcache "
                        "setup` or groupadd, or see to your directory");
}

TEST("a group with rights of its own is refused, under any name or number")
{
    static const char groups[] =
        "sudo:x:27:\nharmless:x:0:\nadm:x:4:\ndocker:x:998:\n";
    static const char *const keys[] = {"group = 27", "group = harmless",
                                       "group = 998", "group = 4"};
    struct err err;
    gid_t gid = 77;

    enter();
    world_write("/etc/group", 0644, groups, strlen(groups));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        CHECK_INT(membership_group(section(keys[i]), &gid, &err), -EPERM);
        CHECK_HAS(err.text, "carries rights of its own");
        CHECK_INT(gid, 77);
    }
}

static char group_name[64];
static struct err persist_err;

/* How to persist under these keys, PERSIST_*, or a negative errno. */
static int
persist_how(const char *keys, const char *user, gid_t gid)
{
    int how = -1;
    int r = membership_persist_how(section(keys), user, gid, group_name,
                                   sizeof(group_name), &how, &persist_err);

    return r < 0 ? r : how;
}

TEST("persist is usermod for a group of /etc/group, else userdb")
{
    static const char with_userdb[] = "group: files systemd # x\n";
    static const char commented[] = "group: files # systemd\n"
                                    "passwd: files systemd\n";

    enter();
    CHECK_INT(persist_how("", "alice", HF), PERSIST_USERMOD);
    CHECK_STR(group_name, "hf-users");
    CHECK_INT(persist_how("persist = userdb", "alice", HF), -ENOENT);
    CHECK_HAS(persist_err.text, "/etc/nsswitch.conf");
    world_write("/etc/nsswitch.conf", 0644, commented, strlen(commented));
    CHECK_INT(persist_how("persist = userdb", "alice", HF), -ENOENT);
    world_write("/etc/nsswitch.conf", 0644, with_userdb, strlen(with_userdb));
    CHECK_INT(persist_how("persist = userdb", "alice", HF), PERSIST_USERDB);
    CHECK_INT(persist_how("", "alice", 4711), -ENOENT);
    CHECK_HAS(persist_err.text, "gid 4711 has no name to add a member to: ");
    CHECK_INT(persist_how("", "the eve", HF), -EINVAL);
    CHECK_HAS(persist_err.text, "the eve: not one that a helper is given");
}

TEST("an empty line does not end /etc/group")
{
    static const char groups[] = "root:x:0:\n\nhf-users:x:900:\n";

    enter();
    world_write("/etc/group", 0644, groups, strlen(groups));
    CHECK_INT(persist_how("", "alice", HF), PERSIST_USERMOD);
}

TEST("nsswitch.conf may be a link, as some systems have it")
{
    static const char with_userdb[] = "group: files systemd\n";

    enter();
    world_write("/etc/other/nsswitch.conf", 0644, with_userdb,
                strlen(with_userdb));
    unlink("/etc/nsswitch.conf");
    REQUIRE_INT(symlink("other/nsswitch.conf", "/etc/nsswitch.conf"), 0);
    CHECK_INT(persist_how("persist = userdb", "alice", HF), PERSIST_USERDB);
}

TEST("a path that is or holds somebody's home is known")
{
    char user[64];

    enter();
    CHECK(membership_path_holds_home("/home/alice", user, sizeof(user)));
    CHECK_STR(user, "alice");
    CHECK(membership_path_holds_home("/home", user, sizeof(user)));
    CHECK(!membership_path_holds_home("/home/ali", user, sizeof(user)));
    CHECK(!membership_path_holds_home("/srv/huggingface", user, sizeof(user)));
}

/* --- the guarded add ------------------------------------------------------ */

static void
become(const char *user)
{
    const struct subject *subject = &load(user)->subject;

    REQUIRE_INT(setgid(subject->gid), 0);
    REQUIRE_INT(initgroups(subject->user, subject->gid), 0);
}

/* The process's groups, as "1000 2000". */
static const char *
own_groups(void)
{
    static char buffer[400];
    struct text text = TEXT_INIT(buffer);
    gid_t groups[64];
    int count = getgroups(64, groups);

    buffer[0] = '\0';
    for (int i = 0; i < count; i++)
        text_addf(&text, "%s%u", i ? " " : "", groups[i]);
    return buffer;
}

static enum guard
add(const char *user)
{
    return membership_guarded_add(&load(user)->subject, HF, true, NULL);
}

TEST("a process that has become the user gets the group, once")
{
    enter_with_groups();
    become("alice");
    CHECK_INT(add("alice"), GUARD_ADDED);
    CHECK_STR(own_groups(), "900 1000 2000");
    CHECK_INT(add("alice"), GUARD_PRESENT);
    CHECK_STR(own_groups(), "900 1000 2000");
}

TEST("a process that is still root's, or another user's, is left alone")
{
    static const gid_t root_groups[] = {0};
    enter_with_groups();
    REQUIRE_INT(setgroups(0, NULL), 0);
    CHECK_INT(add("alice"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "");
    REQUIRE_INT(setgroups(1, root_groups), 0);
    CHECK_INT(add("alice"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "0");
    become("bob");
    CHECK_INT(add("alice"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "1001 2000");
}

TEST("root's own group proves nothing, nor does the cache's")
{
    static const gid_t root_groups[] = {0};

    enter_with_groups();
    REQUIRE_INT(setgroups(1, root_groups), 0);
    CHECK_INT(add("fred"), GUARD_CLOSED);
    CHECK_INT(add("erin"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "0");
}

TEST("one group of the user's that is missing keeps the guard closed")
{
    static const gid_t some[] = {1000};

    enter_with_groups();
    REQUIRE_INT(setgroups(1, some), 0);
    CHECK_INT(add("alice"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "1000");
}

TEST("a member by NSS whose process lacks the group gets it, too")
{
    static const gid_t some[] = {1002};

    enter_with_groups();
    REQUIRE_INT(setgroups(1, some), 0);
    CHECK_INT(add("carol"), GUARD_ADDED);
    CHECK_STR(own_groups(), "900 1002");
}

TEST("the effective gid counts as one of the groups")
{
    static const gid_t some[] = {2000};

    enter_with_groups();
    REQUIRE_INT(setgroups(1, some), 0);
    REQUIRE_INT(setegid(1000), 0);
    CHECK_INT(add("alice"), GUARD_ADDED);
    CHECK_STR(own_groups(), "900 2000");
}

TEST("groups that the application has added are kept")
{
    static const gid_t more[] = {29, 44, 1000, 2000};

    enter_with_groups();
    REQUIRE_INT(setgroups(ARRAY_LEN(more), more), 0);
    CHECK_INT(add("alice"), GUARD_ADDED);
    CHECK_STR(own_groups(), "29 44 900 1000 2000");
}

TEST("a shared primary group is enough where it is all that there is")
{
    enter_with_groups();
    become("dave");
    CHECK_INT(add("dave"), GUARD_ADDED);
    CHECK_STR(own_groups(), "100 900");
}

TEST("a primary group that is the cache's is there already")
{
    enter_with_groups();
    become("erin");
    CHECK(add("erin") != GUARD_ADDED);
    CHECK_STR(own_groups(), "900");
}

TEST("who only looks adds nothing")
{
    enter_with_groups();
    become("alice");
    CHECK_INT(membership_guarded_add(&load("alice")->subject, HF, false, NULL),
              GUARD_CLOSED);
    CHECK_STR(own_groups(), "1000 2000");
}

TEST("without privilege nothing is tried")
{
    enter_with_groups();
    become("alice");
    REQUIRE_INT(seteuid(1000), 0);
    CHECK_INT(add("alice"), GUARD_CLOSED);
    REQUIRE_INT(seteuid(0), 0);
    become("carol");
    REQUIRE_INT(seteuid(1002), 0);
    CHECK_INT(add("carol"), GUARD_PRESENT);
    REQUIRE_INT(seteuid(0), 0);
}

TEST("a full list of groups is an error, and stays as it is")
{
    static gid_t groups[65536];
    struct err err = {0, ""};

    enter_with_groups();
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        groups[i] = (gid_t)(1000 + i);
    REQUIRE_INT(setgroups(ARRAY_LEN(groups), groups), 0);
    CHECK_INT(membership_guarded_add(&load("alice")->subject, HF, true, &err),
              GUARD_FAILED);
    CHECK_HAS(err.text, "setgroups: ");
    CHECK_INT(getgroups(0, NULL), ARRAY_LEN(groups));
}

static void *
wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

TEST("with threads the list must be exactly the user's, before it is touched")
{
    static const gid_t more[] = {44, 1000, 2000};
    static const gid_t exact[] = {1000, 2000};
    pthread_t thread;

    enter_with_groups();
    CHECK(membership_single_thread());
    REQUIRE_INT(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    CHECK(!membership_single_thread());
    REQUIRE_INT(setgroups(ARRAY_LEN(more), more), 0);
    CHECK_INT(add("alice"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "44 1000 2000");
    REQUIRE_INT(setgroups(ARRAY_LEN(exact), exact), 0);
    CHECK_INT(add("alice"), GUARD_CLOSED);
    REQUIRE_INT(setegid(1000), 0);
    CHECK_INT(add("alice"), GUARD_ADDED);
    CHECK_STR(own_groups(), "900 1000 2000");
}

TEST("a threaded root with a shared primary group is left alone")
{
    static const gid_t shared[] = {100};
    pthread_t thread;

    enter_with_groups();
    REQUIRE_INT(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    REQUIRE_INT(setgroups(1, shared), 0);
    CHECK_INT(add("dave"), GUARD_CLOSED);
    CHECK_STR(own_groups(), "100");
}

TAP_MAIN
