/* SPDX-License-Identifier: BSD-3-Clause */
/* Which section of the policy takes which login, and what explain says. */
#include "tap.h"


#include "decision.h"

#define LAB 2000
#define GUESTS 2001

static bool
in_group(const struct subject *subject, const char *name, bool leaves_out)
{
    gid_t gid = strcmp(name, "lab") == 0      ? LAB
                : strcmp(name, "guests") == 0 ? GUESTS
                                              : (gid_t)-1;

    if (strcmp(name, "silent") == 0) /* NSS did not name it among his */
        return leaves_out;
    for (size_t i = 0; i < subject->ngroups; i++) {
        if (subject->groups[i] == gid)
            return true;
    }
    return subject->gid == gid;
}

static const gid_t in_lab[] = {1000, LAB};

static struct subject
alice(void)
{
    return (struct subject){
        .user = "alice",
        .uid = 1000,
        .gid = 1000,
        .home = "/home/alice",
        .service = "sshd",
        .host = "gpu01.example.org",
        .groups = in_lab,
        .ngroups = ARRAY_LEN(in_lab),
        .in_group = in_group,
    };
}

/* The name of the section that takes the subject; "-": none. */
static const char *
taken_by(const char *text, const struct subject *subject)
{
    static char name[64];
    const struct policy_section *section;
    struct policy policy;
    struct err err;

    if (policy_load_text("F", text, strlen(text), &policy, &err) < 0) {
        CHECK_STR(err.text, "a policy that loads");
        return NULL;
    }
    section = decision_section(&policy, subject, NULL);
    snprintf(name, sizeof(name), "%s",
             !section ? "-" : *section->name ? section->name : "cache");
    policy_free(&policy);
    return name;
}

/* Does "users = LIST" take the subject? */
static bool
takes(const char *key, const char *list, const struct subject *subject)
{
    char text[300];
    const char *section;

    snprintf(text, sizeof(text), "[cache]\n%s = %s\n", key, list);
    section = taken_by(text, subject);
    return section && strcmp(section, "cache") == 0;
}

TEST("a list of users takes exactly whom it says")
{
    static const struct {
        const char *list;
        bool takes;
    } cases[] = {
        {"*", true},
        {"alice", true},
        {"Alice", false},
        {"alic", false},
        {"bob", false},
        {"bob, alice", true},
        {"bob alice carol", true},
        {"@lab", true},
        {"@guests", false},
        {"@nosuchgroup", false},
        {"1000", true},
        {"1001", false},
        {"1000-1000", true},
        {"500-999", false},
        {"500-1000", true},
        {"1001-2000", false},
        /* the last match wins */
        {"* !alice", false},
        {"alice !alice", false},
        {"* !@lab", false},
        {"* !@guests", true},
        {"* !@lab alice", true},
        {"* !1000-1999", false},
        {"* !@nosuchgroup", true},
        {"* !@silent", false},
        {"@silent", false},
        {"bob !carol", false},
        /* a list whose first item has ! starts from everyone */
        {"!bob", true},
        {"!alice", false},
        {"!@guests !@other", true},
        {"!@lab", false},
        {"!@lab alice", true},
        {"!bob alice !alice", false},
    };
    struct subject subject = alice();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK_INT(takes("users", cases[i].list, &subject),
                       cases[i].takes))
            tap_note("  with users = %s", cases[i].list);
}

TEST("a primary group counts as a group, also when NSS lists no others")
{
    struct subject subject = alice();

    subject.gid = LAB;
    subject.groups = NULL;
    subject.ngroups = 0;
    CHECK(takes("users", "@lab", &subject));
    CHECK(!takes("users", "@guests", &subject));
}

TEST("a user whose name is a number is not taken for the uid")
{
    struct subject subject = alice();

    subject.user = "2000";
    CHECK(!takes("users", "2000", &subject));
}

static bool
refuse_to_ask(const struct subject *subject, const char *name, bool leaves_out)
{
    CHECK_STR(name, leaves_out ? "not asked, !" : "not asked");
    return subject->uid == 0;
}

TEST("groups are not asked for where services or hosts decide")
{
    static const char text[] =
        "[cache]\npath = /srv/all\n"
        "[cache a]\npath = /srv/a\nusers = * !@lab\nhosts = tpu*\n"
        "[cache b]\npath = /srv/b\nusers = @lab\nservices = su\n";
    struct subject subject = alice();

    subject.in_group = refuse_to_ask;
    CHECK_STR(taken_by(text, &subject), "cache");
}

TEST("services are patterns")
{
    struct subject subject = alice();

    CHECK(takes("services", "sshd", &subject));
    CHECK(takes("services", "ssh*", &subject));
    CHECK(takes("services", "su sudo ss[gh]d", &subject));
    CHECK(!takes("services", "ssh", &subject));
    CHECK(!takes("services", "* !sshd", &subject));
    CHECK(takes("services", "!cron", &subject));
    subject.service = "";
    CHECK(takes("services", "*", &subject));
    CHECK(!takes("services", "sshd", &subject));
}

TEST("a host pattern without a dot is about the first label")
{
    struct subject subject = alice();

    CHECK(takes("hosts", "gpu01", &subject));
    CHECK(takes("hosts", "gpu*", &subject));
    CHECK(takes("hosts", "GPU01", &subject));
    CHECK(takes("hosts", "*.example.org", &subject));
    CHECK(takes("hosts", "gpu01.example.org", &subject));
    CHECK(takes("hosts", "!gpu02", &subject));
    CHECK(!takes("hosts", "gpu0", &subject));
    CHECK(!takes("hosts", "*.example.com", &subject));
    CHECK(!takes("hosts", "example", &subject));
    subject.host = "gpu01";
    CHECK(takes("hosts", "gpu01", &subject));
    CHECK(!takes("hosts", "gpu01.*", &subject));
}

TEST("all three lists must match")
{
    static const char text[] = "[cache]\nusers = alice\nservices = sshd\n"
                               "hosts = gpu01\n";
    struct subject subject = alice();

    CHECK_STR(taken_by(text, &subject), "cache");
    subject.user = "bob";
    CHECK_STR(taken_by(text, &subject), "-");
    subject = alice();
    subject.service = "su";
    CHECK_STR(taken_by(text, &subject), "-");
    subject = alice();
    subject.host = "gpu02";
    CHECK_STR(taken_by(text, &subject), "-");
}

TEST("named sections come first, in the order of their appearance")
{
    static const char text[] = "[cache]\npath = /srv/all\n"
                               "[cache two]\npath = /srv/two\nusers = @lab\n"
                               "[cache one]\npath = /srv/one\nusers = alice\n";
    struct subject subject = alice();

    CHECK_STR(taken_by(text, &subject), "two");
    subject.ngroups = 1;
    CHECK_STR(taken_by(text, &subject), "one");
    subject.user = "bob";
    CHECK_STR(taken_by(text, &subject), "cache");
}

TEST("a section inherits neither users nor services nor hosts")
{
    static const char text[] = "[cache]\nusers = !alice\nservices = su\n"
                               "[cache lab]\npath = /srv/lab\nhosts = gpu*\n";
    struct subject subject = alice();

    CHECK_STR(taken_by(text, &subject), "lab");
}

TEST("uids below min_uid are left alone, each section by its own")
{
    static const char text[] =
        "[cache]\nmin_uid = 500\n"
        "[cache lab]\npath = /srv/lab\nusers = *\nmin_uid = 2000\n";
    struct subject subject = alice();

    CHECK_STR(taken_by("", &subject), "cache");
    subject.uid = 999;
    CHECK_STR(taken_by("", &subject), "-");
    CHECK_STR(taken_by(text, &subject), "cache");
    subject.uid = 499;
    CHECK_STR(taken_by(text, &subject), "-");
    subject.uid = 2000;
    CHECK_STR(taken_by(text, &subject), "lab");
}

TEST("the system's own uids are never served, whatever the policy says")
{
    static const uid_t special[] = {0,     65534, 65535, (uid_t)-1,
                                    61184, 62000, 65519};
    static const uid_t people[] = {1, 999, 1000, 61183, 65520, 65533, 65536,
                                   1000000, 4294967294u};
    struct subject subject = alice();

    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        subject.uid = special[i];
        if (!CHECK_STR(taken_by("[cache]\nmin_uid = 1\n", &subject), "-"))
            tap_note("  with uid %u", special[i]);
        CHECK(decision_uid_is_special(special[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(people); i++) {
        subject.uid = people[i];
        if (!CHECK_STR(taken_by("[cache]\nmin_uid = 1\n", &subject), "cache"))
            tap_note("  with uid %u", people[i]);
        CHECK(!decision_uid_is_special(people[i]));
    }
}

TEST("explain says of each section why it does or doesn't take the login")
{
    static const char text[] =
        "[cache]\nmin_uid = 1500\n"
        "[cache a]\npath = /srv/a\nusers = bob\nmin_uid = 1000\n"
        "[cache b]\npath = /srv/b\nservices = su\nmin_uid = 1000\n"
        "[cache c]\npath = /srv/c\nhosts = tpu*\nmin_uid = 1000\n";
    static const char *const wanted[] = {
        "[cache a] does not: users = bob (F:5)",
        "[cache b] does not: services = su (F:9)",
        "[cache c] does not: hosts = tpu* (F:13)",
        "[cache] does not: uid 1000 is below min_uid = 1500 (F:2)",
    };
    struct subject subject = alice();
    struct lines why = {NULL, 0};
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK(decision_section(&policy, &subject, &why) == NULL);
    REQUIRE_INT(why.count, ARRAY_LEN(wanted));
    for (size_t i = 0; i < why.count; i++)
        CHECK_STR(why.line[i], wanted[i]);
    lines_free(&why);
    subject.user = "bob";
    CHECK(decision_section(&policy, &subject, &why) != NULL);
    REQUIRE_INT(why.count, 1);
    CHECK_STR(why.line[0], "[cache a] takes this login: users, services and "
                           "hosts match (F:3)");
    lines_free(&why);
    subject.uid = 0;
    CHECK(decision_section(&policy, &subject, &why) == NULL);
    REQUIRE_INT(why.count, 1);
    CHECK_STR(why.line[0], "uid 0 is the system's own: never served");
    lines_free(&why);
    policy_free(&policy);
}

static size_t
count_own(const struct verdict *verdict, const struct tree_verdict *tree,
          uid_t uid)
{
    struct own_drifts own;

    decision_own_drifts(verdict, tree, uid, &own);
    for (size_t i = 0; i < own.count; i++)
        CHECK_INT(own.drift[i].owner, uid);
    return own.count;
}

TEST("a user's drifts are those that he owns and did not close himself")
{
    struct drift drifts[] = {
        {"hub/models--a--b", 1000, DRIFT_GROUP},
        {"hub/models--c--d", 1001, DRIFT_SETGID},
        {"hub/.locks/models--a--b", 1000, DRIFT_LOCK},
        {"hub/models--e--f", 1000, DRIFT_LOCK | DRIFT_KEPT},
    };
    struct verdict verdict = {.drifts = drifts, .ndrifts = ARRAY_LEN(drifts)};

    CHECK_INT(count_own(&verdict, NULL, 1000), 2);
    CHECK_INT(count_own(&verdict, NULL, 1001), 1);
    CHECK_INT(count_own(&verdict, NULL, 1002), 0);
    CHECK_INT(count_own(NULL, NULL, 1000), 0);
}

TEST("what a check names counts as well, and each name once")
{
    struct drift near[] = {
        {"hub/models--a--b", 1000, DRIFT_GROUP},
        {"hub/models--c--d", 1001, DRIFT_SETGID},
    };
    struct drift deep[] = {
        {"hub/models--a--b", 1000, DRIFT_SETGID},
        {"hub/models--a--b", 1000, DRIFT_CLOSED | DRIFT_KEPT},
        {"hub/models--c--d", 1000, DRIFT_SETGID},
        {"hub/models--e--f", 1001, DRIFT_CLOSED | DRIFT_KEPT},
        {"hub/models--g--h", 1002, DRIFT_LOCK},
    };
    struct verdict verdict = {.drifts = near, .ndrifts = ARRAY_LEN(near)};
    struct tree_verdict tree = {.named = deep, .nnamed = ARRAY_LEN(deep)};
    struct own_drifts own;

    CHECK_INT(count_own(&verdict, &tree, 1000), 2);
    CHECK_INT(count_own(&verdict, &tree, 1001), 1);
    CHECK_INT(count_own(&verdict, &tree, 1002), 1);
    CHECK_INT(count_own(NULL, &tree, 1000), 2);
    CHECK_INT(count_own(NULL, &tree, 1001), 0);
    decision_own_drifts(&verdict, &tree, 1000, &own);
    CHECK_STR(own.drift[0].name, "hub/models--a--b");
    CHECK_STR(own.drift[1].name, "hub/models--c--d");
}

TEST("more of one user than there is room for is left for another time")
{
    static char names[DECISION_MAX_OWN + 9][20];
    struct drift many[DECISION_MAX_OWN + 9];
    struct tree_verdict tree = {.named = many, .nnamed = ARRAY_LEN(many)};

    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        snprintf(names[i], sizeof(names[i]), "hub/models--%u", i);
        many[i] = (struct drift){names[i], 1000, DRIFT_GROUP};
    }
    CHECK_INT(count_own(NULL, &tree, 1000), DECISION_MAX_OWN);
}

TAP_MAIN
