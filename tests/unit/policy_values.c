/* SPDX-License-Identifier: BSD-3-Clause */
/* What each key may be set to, and what a person reads who set it wrong. */
#include "tap.h"

#include <errno.h>

#include "policy.h"

/* Load "[cache]\nKEY = VALUE\n"; "" or the sentence behind "F:2: ". */
static const char *
refusal(const char *key, const char *value, int64_t *ret_number)
{
    static struct err err;
    struct policy policy;
    char text[512];

    snprintf(text, sizeof(text), "[cache]\n%s = %s\n", key, value);
    err = (struct err){0, ""};
    if (policy_load_text("F", text, strlen(text), &policy, &err) < 0) {
        CHECK_INT(err.code, EINVAL);
        if (strncmp(err.text, "F:2: ", 5) == 0)
            return err.text + 5;
        return err.text;
    }
    for (size_t i = 0; i < POLICY_KEYS; i++) {
        if (strcmp(policy_keys[i].name, key) != 0)
            continue;
        CHECK_STR(policy.sections[0].value[i].text, value);
        CHECK_INT(policy.sections[0].value[i].origin.line, 2);
        CHECK_STR(policy.sections[0].value[i].origin.file, "F");
        *ret_number = policy.sections[0].value[i].number;
    }
    policy_free(&policy);
    return "";
}

static void
accepts(const char *key, const char *value, int64_t number)
{
    int64_t got = -77;

    if (!CHECK_STR(refusal(key, value, &got), "") ||
        !CHECK_INT(got, number))
        tap_note("  with %s = %s", key, value);
}

static void
refuses(const char *key, const char *value, const char *sentence)
{
    int64_t unused;

    if (!CHECK_STR(refusal(key, value, &unused), sentence))
        tap_note("  with %s = %s", key, value);
}

TEST("the table has a row for each key, with a default that it accepts")
{
    for (size_t i = 0; i < POLICY_KEYS; i++) {
        const struct policy_key_info *key = &policy_keys[i];
        int64_t number;

        REQUIRE(key->name && key->fallback && key->help);
        CHECK((key->type == TYPE_CHOICE) == (key->choices != NULL));
        CHECK_STR(refusal(key->name, key->fallback, &number), "");
        if (key->choices)
            CHECK_STR(key->choices[0], key->fallback);
    }
}

TEST("the defaults are those that the contract names")
{
    static const struct {
        enum policy_key key;
        const char *text;
        int64_t number;
    } defaults[] = {
        {KEY_PATH, "/srv/huggingface", 16},
        {KEY_GROUP, "hf-users", -1},
        {KEY_MODE, "2770", MODE_2770},
        {KEY_HOME, "shared", HOME_SHARED},
        {KEY_DATASETS, "private", DATASETS_PRIVATE},
        {KEY_MEMBERSHIP, "ensure", MEMBERSHIP_ENSURE},
        {KEY_PERSIST, "auto", PERSIST_AUTO},
        {KEY_USERS, "*", 0},
        {KEY_SERVICES, "*", 0},
        {KEY_HOSTS, "*", 0},
        {KEY_MIN_UID, "1000", 1000},
        {KEY_UMASK, "keep", UMASK_KEEP},
        {KEY_ACL, "auto", ACL_AUTO},
        {KEY_VERIFY, "login", VERIFY_LOGIN},
        {KEY_DEADLINE, "300ms", 300},
        {KEY_FRESH, "60s", 60000},
        {KEY_PERSIST_DEADLINE, "5s", 5000},
        {KEY_REPAIR, "owner", REPAIR_OWNER},
        {KEY_UNUSABLE, "omit", UNUSABLE_OMIT},
        {KEY_NOTIFY, "problems", NOTIFY_PROBLEMS},
    };
    struct policy policy;

    REQUIRE_INT(ARRAY_LEN(defaults), POLICY_KEYS);
    REQUIRE_INT(policy_load_text("F", "", 0, &policy, NULL), 0);
    REQUIRE_INT(policy.nsections, 1);
    CHECK_STR(policy.sections[0].name, "");
    CHECK_INT(policy.sections[0].origin.line, 0);
    CHECK_INT(policy_mode(&policy.sections[0]), 02770);
    for (size_t i = 0; i < POLICY_KEYS; i++) {
        const struct policy_value *value =
            &policy.sections[0].value[defaults[i].key];

        CHECK_STR(value->text, defaults[i].text);
        CHECK_INT(value->number, defaults[i].number);
        CHECK_INT(value->origin.line, 0);
        CHECK(value->origin.file == NULL);
    }
    policy_free(&policy);
}

TEST("each choice is accepted, and nothing else")
{
    static const struct {
        const char *key, *sentence;
    } keys[] = {
        {"mode", "mode \"x\" is not known: give one of 2770, 2775"},
        {"home", "home \"x\" is not known: give one of shared, private"},
        {"datasets",
         "datasets \"x\" is not known: give one of private, shared"},
        {"membership", "membership \"x\" is not known: give one of ensure, "
                       "session, require, off"},
        {"persist",
         "persist \"x\" is not known: give one of auto, usermod, userdb"},
        {"umask", "umask \"x\" is not known: give one of keep, 002, 007"},
        {"acl", "acl \"x\" is not known: give one of auto, yes, no"},
        {"verify", "verify \"x\" is not known: give one of login, off"},
        {"repair", "repair \"x\" is not known: give one of owner, off"},
        {"unusable", "unusable \"x\" is not known: give one of omit, export"},
        {"notify", "notify \"x\" is not known: give one of problems, never"},
    };
    size_t choices = 0;

    for (size_t i = 0; i < POLICY_KEYS; i++) {
        for (int64_t j = 0; policy_keys[i].choices; j++) {
            if (!policy_keys[i].choices[j])
                break;
            accepts(policy_keys[i].name, policy_keys[i].choices[j], j);
        }
        choices += policy_keys[i].choices != NULL;
    }
    CHECK_INT(choices, ARRAY_LEN(keys));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        refuses(keys[i].key, "x", keys[i].sentence);
    refuses("mode", "02770",
            "mode \"02770\" is not known: give one of 2770, 2775");
    refuses("verify", "OFF",
            "verify \"OFF\" is not known: give one of login, off");
    refuses("umask", "002 007",
            "umask \"002 007\" is not known: give one of keep, 002, 007");
}

TEST("a key without a value is refused, and its default named")
{
    refuses("mode", "", "mode has no value: give one (the default is 2770), or "
                        "leave the key out");
    refuses("users", "", "users has no value: give one (the default is *), or "
                         "leave the key out");
    refuses("deadline", "", "deadline has no value: give one (the default is "
                            "300ms), or leave the key out");
}

TEST("a cache's path is absolute and plain")
{
    static const char *const bad[] = {
        "srv/x", "/srv//x", "/srv/x/", "/srv/./x", "/srv/../x", "/srv/x/..",
        "/",     "//",      "x",       "~/x",      "/srv/x/.",  "//srv/x",
    };
    char sentence[300];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(sentence, sizeof(sentence),
                 "path \"%s\" must be absolute and plain: no //, no . or .., "
                 "no / at the end",
                 bad[i]);
        refuses("path", bad[i], sentence);
    }
    accepts("path", "/srv/x", sizeof("/srv/x") - 1);
    accepts("path", "/srv/...x/..y", sizeof("/srv/...x/..y") - 1);
    accepts("path", "/srv/with blank", sizeof("/srv/with blank") - 1);
    accepts("path", "/data/\xc3\xbc", sizeof("/data/\xc3\xbc") - 1);
}

TEST("a cache's path has two components or more")
{
    refuses("path", "/srv", "path \"/srv\" must have two components or more, "
                            "like /srv/huggingface");
    refuses("path", "/data", "path \"/data\" must have two components or more, "
                             "like /srv/huggingface");
}

TEST("a cache does not lie in a system folder or be a home")
{
    static const char *const bad[] = {
        "/etc/x",    "/usr/x",     "/usr/local/share/hf", "/bin/x",
        "/sbin/x",   "/lib/x",     "/lib64/x",            "/boot/x",
        "/dev/shm",  "/dev/shm/x", "/proc/1",             "/sys/x",
        "/run/x",    "/root/hf",   "/tmp/hf",             "/var/tmp/hf",
        "/var/run/x",
    };
    char sentence[200];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(sentence, sizeof(sentence),
                 "path \"%s\" must not lie in a system folder; "
                 "/srv/huggingface is a good place",
                 bad[i]);
        refuses("path", bad[i], sentence);
    }
    refuses("path", "/var/lib", "path \"/var/lib\" must not be a system "
                                "folder; /var/lib/huggingface is one level "
                                "down");
    refuses("path", "/home/alice", "path \"/home/alice\" must not be a home "
                                   "folder; /srv/huggingface is a good place");
    accepts("path", "/var/lib/huggingface", sizeof("/var/lib/huggingface") - 1);
    accepts("path", "/home/shared/huggingface", sizeof("/home/shared/huggingface") - 1);
    accepts("path", "/data/hf", sizeof("/data/hf") - 1);
    accepts("path", "/etcetera/hf", sizeof("/etcetera/hf") - 1);
    accepts("path", "/mnt/nfs/hf", sizeof("/mnt/nfs/hf") - 1);
}

TEST("a group is a name or a gid, and carries no rights of its own")
{
    static const char *const reserved[] = {
        "root", "wheel", "sudo", "adm", "shadow", "disk", "docker", "lxd",
        "0",    "65534", "65535", "kvm", "kmem",  "tty",  "libvirt", "nogroup",
    };
    char sentence[200];

    accepts("group", "hf-users", -1);
    accepts("group", "2000", 2000);
    accepts("group", "4294967294", 4294967294);
    accepts("group", "domain users", -1);
    accepts("group", "DOMAIN\\hf", -1);
    accepts("group", "hf-users@example.org", -1);
    accepts("group", "rooters", -1);
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        snprintf(sentence, sizeof(sentence),
                 "group \"%s\" carries rights of its own: give a group made "
                 "for the cache, like hf-users",
                 reserved[i]);
        refuses("group", reserved[i], sentence);
    }
    refuses("group", "4294967295",
            "group \"4294967295\" is no gid: give a group's name or a number "
            "from 1 to 4294967294");
    refuses("group", "007", "group \"007\" is no gid: give a group's name or a "
                            "number from 1 to 4294967294");
    refuses("group", "00", "group \"00\" is no gid: give a group's name or a "
                           "number from 1 to 4294967294");
    refuses("group", "a:b", "group \"a:b\" is no group's name: it must not "
                            "begin with @ nor contain any of : , / ! *");
    refuses("group", "@lab", "group \"@lab\" is no group's name: it must not "
                             "begin with @ nor contain any of : , / ! *");
    refuses("group", "a,b", "group \"a,b\" is no group's name: it must not "
                            "begin with @ nor contain any of : , / ! *");
}

TEST("a list of users holds names, groups, uids and a lone star")
{
    static const char *const no_range[] = {
        "2000-1000", "1000-", "0x10",  "01000", "4294967296", "1-2-3",
        "1000-0x7d0", "1-+2",  "1_000",
    };

    accepts("users", "*", 0);
    accepts("users", "alice,bob carol", 0);
    accepts("users", "!alice", 0);
    accepts("users", "@lab, !@guests, 1000-1999 !1500 alice.b+c_d-e", 0);
    accepts("users", "* !@hf-no", 0);
    accepts("users", "eve@corp.example, !@lab@corp.example CORP\\dave", 0);
    accepts("users", "4294967295", 0);
    accepts("users", "1000-1000", 0);
    refuses("users", "al*", "users: in item \"al*\": a user is named exactly: "
                            "only a lone * stands for everyone");
    refuses("users", "alice !", "users: in item \"!\": ! wants an item right "
                                "behind it");
    refuses("users", "! alice", "users: in item \"!\": ! wants an item right "
                                "behind it");
    refuses("users", "!!alice", "users: in item \"!!alice\": a user is named "
                                "exactly: only a lone * stands for everyone");
    refuses("users", "@", "users: in item \"@\": @ wants a group's name");
    refuses("users", "!@", "users: in item \"!@\": @ wants a group's name");
    refuses("users", "@@lab", "users: in item \"@@lab\": @ wants a group's "
                              "name");
    refuses("users", "@la*", "users: in item \"@la*\": @ wants a group's name");
    for (size_t i = 0; i < ARRAY_LEN(no_range); i++) {
        char sentence[200];

        snprintf(sentence, sizeof(sentence),
                 "users: in item \"%s\": a uid is N or N-M, N not above M",
                 no_range[i]);
        refuses("users", no_range[i], sentence);
    }
    refuses("users", "1000 - 2000", "users: in item \"-\": a uid is N or N-M, "
                                    "without blanks, N not above M");
    refuses("users", ",", "users is empty: write * for all, or leave the key "
                          "out");
    refuses("users", "a/b", "users: in item \"a/b\": a user is named exactly: "
                            "only a lone * stands for everyone");
}

TEST("a list of services or hosts holds patterns")
{
    accepts("services", "sshd su* !cron", 0);
    accepts("services", "login,ss[ht]d", 0);
    accepts("hosts", "gpu*.example.org, !gpu07", 0);
    refuses("services", "!", "services: in item \"!\": ! wants an item right "
                             "behind it");
    refuses("hosts", "a!b", "hosts: in item \"a!b\": ! stands only before an "
                            "item");
    refuses("hosts", ", ,", "hosts is empty: write * for all, or leave the key "
                            "out");
}

TEST("min_uid is a uid from 1 on")
{
    accepts("min_uid", "1", 1);
    accepts("min_uid", "500", 500);
    accepts("min_uid", "4294967294", 4294967294);
    refuses("min_uid", "0", "min_uid \"0\" is no uid: give a number from 1 to "
                            "4294967294");
    refuses("min_uid", "-1", "min_uid \"-1\" is no uid: give a number from 1 "
                             "to 4294967294");
    refuses("min_uid", "4294967295", "min_uid \"4294967295\" is no uid: give "
                                     "a number from 1 to 4294967294");
    refuses("min_uid", "alice", "min_uid \"alice\" is no uid: give a number "
                                "from 1 to 4294967294");
}

TEST("a duration is a whole number and its unit, within bounds")
{
    accepts("deadline", "1ms", 1);
    accepts("deadline", "1s", 1000);
    accepts("deadline", "1min", 60000);
    accepts("fresh", "0s", 0);
    accepts("fresh", "24h", 86400000);
    accepts("persist_deadline", "60s", 60000);
    refuses("deadline", "300", "deadline \"300\" is no duration: give a whole "
                               "number and ms, s, min or h, like 300ms");
    refuses("deadline", "300 ms", "deadline \"300 ms\" is no duration: give a "
                                  "whole number and ms, s, min or h, like "
                                  "300ms");
    refuses("deadline", "0.3s", "deadline \"0.3s\" is no duration: give a "
                                "whole number and ms, s, min or h, like "
                                "300ms");
    refuses("deadline", "-1s", "deadline \"-1s\" is no duration: give a whole "
                               "number and ms, s, min or h, like 300ms");
    refuses("fresh", "1d", "fresh \"1d\" is no duration: give a whole number "
                           "and ms, s, min or h, like 60s");
    refuses("fresh", "ms", "fresh \"ms\" is no duration: give a whole number "
                           "and ms, s, min or h, like 60s");
    refuses("fresh", "010s", "fresh \"010s\" is no duration: give a whole "
                             "number and ms, s, min or h, like 60s");
    refuses("deadline", "0ms",
            "deadline \"0ms\" is out of range: give 1ms to 60s");
    refuses("deadline", "61s",
            "deadline \"61s\" is out of range: give 1ms to 60s");
    refuses("deadline", "1000000000h",
            "deadline \"1000000000h\" is out of range: give 1ms to 60s");
    refuses("persist_deadline", "2min",
            "persist_deadline \"2min\" is out of range: give 1ms to 60s");
    refuses("fresh", "25h", "fresh \"25h\" is out of range: give 0ms to "
                            "86400s");
}

TEST("a list is walked item by item")
{
    const char *list = " alice,, !@lab\t5-9 ";
    char item[8] = "";
    bool negated = true;

    CHECK(policy_next_item(&list, item, sizeof(item), &negated));
    CHECK_STR(item, "alice");
    CHECK(!negated);
    CHECK(policy_next_item(&list, item, sizeof(item), &negated));
    CHECK_STR(item, "@lab");
    CHECK(negated);
    CHECK(policy_next_item(&list, item, sizeof(item), &negated));
    CHECK_STR(item, "5-9");
    CHECK(!negated);
    CHECK(!policy_next_item(&list, item, sizeof(item), &negated));
}

TEST("groups with rights are known by gid and by name")
{
    CHECK(policy_group_is_reserved(NULL, 0));
    CHECK(policy_group_is_reserved("anything", 0));
    CHECK(policy_group_is_reserved("docker", (gid_t)-1));
    CHECK(policy_group_is_reserved("docker", 1234));
    CHECK(!policy_group_is_reserved("hf-users", 1234));
    CHECK(!policy_group_is_reserved(NULL, (gid_t)-1));
}

TEST("mode 2775 is what it says")
{
    static const char text[] = "[cache]\nmode = 2775\n";
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK_INT(policy_mode(&policy.sections[0]), 02775);
    policy_free(&policy);
}

TAP_MAIN
