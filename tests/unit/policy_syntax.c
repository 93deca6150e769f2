/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a policy file may look like.  Most cases are things that inih cuts,
 * joins or passes over without a word: each must be refused, with its line.
 */
#include "tap.h"

#include <errno.h>

#include "policy.h"

/* The sentence with which `data` is refused; "" if it is accepted. */
static const char *
refusal_of(const char *data, size_t length)
{
    static struct err err;
    struct policy policy, untouched;
    int result;

    memset(&policy, 0x5a, sizeof(policy));
    untouched = policy;
    err = (struct err){0, ""};
    result = policy_load_text("F", data, length, &policy, &err);
    if (result == 0) {
        policy_free(&policy);
        return "";
    }
    CHECK_INT(result, -EINVAL);
    CHECK_INT(err.code, EINVAL);
    CHECK(memcmp(&policy, &untouched, sizeof(policy)) == 0);
    CHECK_INT(policy_load_text("F", data, length, &policy, NULL), -EINVAL);
    return err.text;
}

static const char *
refusal(const char *text)
{
    return refusal_of(text, strlen(text));
}

static const char not_a_line[] =
    "F:2: this is neither a [section] nor KEY = VALUE nor a comment";

/* "[cache]\nusers = aa...a\n" with a line of `length` bytes. */
static const char *
with_line_of(size_t length)
{
    static char text[1024];
    size_t start = strlen("[cache]\n");

    memset(text, 'a', sizeof(text));
    memcpy(text, "[cache]\n", start);
    memcpy(text + start, "users = ", 8);
    strcpy(text + start + length, "\n[env]\n");
    return text;
}

TEST("an empty file is a policy of defaults")
{
    CHECK_STR(refusal(""), "");
    CHECK_STR(refusal("\n\n"), "");
    CHECK_STR(refusal("# a comment\n; another\n  \n\t\n"), "");
}

TEST("an ordinary file is accepted")
{
    CHECK_STR(refusal("# ours\n[cache]\npath = /srv/hf\ngroup=hf\n\n"
                      "[cache lab]\npath   =   /srv/lab   \nusers=@lab\n"
                      "[env]\nHF_HUB_DISABLE_TELEMETRY = 1\n"
                      "[env lab]\nHF_HUB_ETAG_TIMEOUT = 5\n"),
              "");
}

TEST("a last line without its newline counts like any other")
{
    CHECK_STR(refusal("[cache]\nmode = 2775"), "");
    CHECK_STR(refusal("[cache]\nmode = 2776"),
              "F:2: mode \"2776\" is not known: give one of 2770, 2775");
    CHECK_STR(refusal("[cache]\nmode"), not_a_line);
}

TEST("a line of 195 bytes is the longest")
{
    CHECK_STR(refusal(with_line_of(195)), "");
    CHECK_STR(refusal(with_line_of(196)),
              "F:2: the line is longer than 195 bytes: shorten it (@group "
              "stands for many users)");
    CHECK_HAS(refusal(with_line_of(197)), "F:2: the line is longer than");
    CHECK_HAS(refusal(with_line_of(198)), "F:2: the line is longer than");
    CHECK_HAS(refusal(with_line_of(199)), "F:2: the line is longer than");
    CHECK_HAS(refusal(with_line_of(200)), "F:2: the line is longer than");
    CHECK_HAS(refusal(with_line_of(800)), "F:2: the line is longer than");
}

TEST("the longest line arrives whole")
{
    const char *text = with_line_of(195);
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK_INT(strlen(policy_text(&policy.sections[0], KEY_USERS)), 187);
    policy_free(&policy);
}

TEST("lines after the longest one keep their numbers")
{
    char text[1200];

    snprintf(text, sizeof(text), "%s[cache]\n", with_line_of(195));
    CHECK_HAS(refusal(text), "F:4: [cache] stands in this file twice");
}

TEST("a comment may not be over-long either: inih would read its tail")
{
    char text[600] = "#";

    memset(text + 1, 'x', 300);
    strcpy(text + 301, "\n");
    CHECK_HAS(refusal(text), "F:1: the line is longer than 195 bytes");
}

TEST("a section's title has at most 48 bytes")
{
    char text[200];

    snprintf(text, sizeof(text), "[cache %042d]\npath=/srv/x\nusers=*\n", 1);
    CHECK_STR(refusal(text), "");
    snprintf(text, sizeof(text), "[cache %043d]\npath=/srv/x\nusers=*\n", 1);
    CHECK_STR(refusal(text), "F:1: the section's title is longer than 48 "
                             "bytes");
}

TEST("two long titles that differ at their end stay two")
{
    char text[300];
    struct policy policy;

    snprintf(text, sizeof(text),
             "[cache %041d1]\npath=/srv/x\nusers=*\n"
             "[cache %041d2]\npath=/srv/y\nusers=*\n",
             0, 0);
    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK_INT(policy.nsections, 3);
    policy_free(&policy);
}

TEST("a section without its ] is refused, not passed over")
{
    CHECK_STR(refusal("[env]\n[cache\npath = /srv/x\n"),
              "F:2: the section's ] is missing");
    CHECK_STR(refusal("[cache"), "F:1: the section's ] is missing");
}

TEST("nothing follows the ] of a section")
{
    CHECK_STR(refusal("[cache] x\n"),
              "F:1: nothing may follow the ] of a section's title");
    CHECK_STR(refusal("[cache] path = /srv/x\n"),
              "F:1: nothing may follow the ] of a section's title");
    CHECK_STR(refusal("[cache]]\n"),
              "F:1: nothing may follow the ] of a section's title");
    CHECK_STR(refusal("[cache] ; comment\n"),
              "F:1: nothing may follow the ] of a section's title");
    CHECK_STR(refusal("[cache]  \t\n"), "");
}

TEST("an indented line is refused, not joined to the one before")
{
    CHECK_STR(refusal("[cache]\nusers = alice\n  bob\n"),
              "F:3: the line is indented: start it in the first column");
    CHECK_STR(refusal("[cache]\n\tmode = 2775\n"),
              "F:2: the line is indented: start it in the first column");
    CHECK_STR(refusal(" [cache]\n"),
              "F:1: the line is indented: start it in the first column");
}

TEST("a comment may be indented")
{
    CHECK_STR(refusal("[cache]\nmode = 2775\n   # why\n\t; why\n"), "");
}

TEST("a comment behind a value is refused, be it ; or #")
{
    static const char wanted[] =
        "F:2: a comment stands on a line of its own: remove what follows the "
        "blank before ; or #";

    CHECK_STR(refusal("[cache]\npath = /srv/x ; here\n"), wanted);
    CHECK_STR(refusal("[cache]\npath = /srv/x # here\n"), wanted);
    CHECK_STR(refusal("[cache]\npath = /srv/x\t;here\n"), wanted);
    CHECK_STR(refusal("[cache]\npath = ;here\n"), wanted);
    CHECK_STR(refusal("[cache]\npath = #here\n"), wanted);
}

TEST("a ; or # inside a word is part of it")
{
    static const char text[] = "[cache]\npath = /srv/a;b#c\n";
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK_STR(policy_text(&policy.sections[0], KEY_PATH), "/srv/a;b#c");
    policy_free(&policy);
}

TEST("only = divides a key from its value")
{
    CHECK_STR(refusal("[cache]\npath: /srv/x\n"), not_a_line);
    CHECK_STR(refusal("[cache]\npath:/srv/a=b\n"), not_a_line);
    CHECK_STR(refusal("[cache]\npath /srv/x\n"), not_a_line);
    CHECK_STR(refusal("[cache]\nmode\n"), not_a_line);
    CHECK_STR(refusal("[cache]\n= x\n"), not_a_line);
    CHECK_STR(refusal("[cache]\nmo de = 2770\n"), not_a_line);
    CHECK_STR(refusal("[cache]\n\"mode\" = 2770\n"), not_a_line);
    CHECK_STR(refusal("[cache]\nm\xc3\xb6" "de = 2770\n"), not_a_line);
}

TEST("a value may contain = and :")
{
    static const char text[] = "[cache]\npath = /srv/a=b:c\n";
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK_STR(policy_text(&policy.sections[0], KEY_PATH), "/srv/a=b:c");
    policy_free(&policy);
}

TEST("a key before the first section is refused")
{
    CHECK_STR(refusal("path = /srv/x\n[cache]\n"),
              "F:1: a key stands before the first [section]: write [cache] "
              "above it");
}

TEST("a section of another name, or with odd blanks, is refused with its line")
{
    static const char *const titles[] = {
        "Cache",   "cache ",    " cache",    "caches",  "",
        "cache  a", "cache a b", "cache\ta", "env ",    "cache a/b",
        "cache *", "envs",      "cache \"a\"", "global", "cache m\xc3\xbc",
    };
    char text[100], wanted[300];

    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        snprintf(text, sizeof(text), "# x\n\n[%s]\n", titles[i]);
        snprintf(wanted, sizeof(wanted),
                 "F:3: section \"[%s]\" is not known: give [cache], [env], "
                 "[cache NAME] or [env NAME], one blank between, NAME of "
                 "letters, digits, _ . -",
                 titles[i]);
        CHECK_STR(refusal(text), wanted);
    }
}

TEST("an unknown section is refused even when it is empty and the last line")
{
    CHECK_HAS(refusal("[cache]\n[nonsense]"), "F:2: section \"[nonsense]\"");
}

TEST("an unknown key is refused, and the known ones are named")
{
    CHECK_STR(refusal("[cache]\nmode = 2770\ngrup = hf\n"),
              "F:3: key \"grup\" is not known: give one of path, group, mode, "
              "home, datasets, membership, persist, users, services, hosts, "
              "min_uid, umask, acl, verify, deadline, fresh, "
              "persist_deadline, repair, unusable, notify");
    CHECK_HAS(refusal("[cache]\nMode = 2770\n"), "F:2: key \"Mode\"");
    CHECK_HAS(refusal("[cache]\nHF_HUB_OFFLINE = 1\n"),
              "F:2: key \"HF_HUB_OFFLINE\"");
}

TEST("a key twice in a section of one file is refused")
{
    CHECK_STR(refusal("[cache]\nmode = 2770\n\nmode = 2770\n"),
              "F:4: mode stands in this section twice, first in line 2: keep "
              "one");
    CHECK_STR(refusal("[env]\nHF_X = 1\nHF_X = 2\n"),
              "F:3: HF_X stands in this section twice, first in line 2: keep "
              "one");
}

TEST("a section twice in one file is refused, also when one is empty")
{
    static const char *const titles[] = {"cache", "env", "cache a", "env a"};
    char text[300], wanted[200];

    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        snprintf(text, sizeof(text), "[%s]\n# nothing\n[%s]\n", titles[i],
                 titles[i]);
        snprintf(wanted, sizeof(wanted),
                 "F:3: [%s] stands in this file twice, first in line 1: put "
                 "all its keys there",
                 titles[i]);
        CHECK_STR(refusal(text), wanted);
    }
}

TEST("a NUL byte is refused wherever it is")
{
    static const char wanted[] =
        "the line holds a NUL byte: save the file as plain text";
    static const struct {
        const char *data;
        size_t length;
        unsigned line;
    } cases[] = {
        {"[cache]\nmode = 2770\0evil\n", 25, 2},
        {"[cache]\n\0\n", 10, 2},
        {"[cache]\n# \0\n", 12, 2},
        {"\0", 1, 1},
        {"[ca\0che]\n", 9, 1},
    };
    char full[200];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(full, sizeof(full), "F:%u: %s", cases[i].line, wanted);
        CHECK_STR(refusal_of(cases[i].data, cases[i].length), full);
    }
}

TEST("DOS line ends are refused")
{
    CHECK_STR(refusal("[cache]\r\nmode = 2770\r\n"),
              "F:1: the line ends as on DOS: save the file with Unix line "
              "ends");
    CHECK_HAS(refusal("[cache]\nmode = 2770\r\n"), "F:2: the line ends as");
    CHECK_HAS(refusal("[cache]\rmode = 2770\r"), "F:1: the line ends as");
}

TEST("a byte order mark is refused")
{
    CHECK_STR(refusal("\xef\xbb\xbf[cache]\n"),
              "F:1: the file begins with a byte order mark: save it as plain "
              "UTF-8");
    CHECK_HAS(refusal("\xef\xbb\xbf# comment\n"), "F:1: the file begins");
    CHECK_HAS(refusal("\xef\xbb\xbf"), "F:1: the file begins");
    CHECK_HAS(refusal("\xff\xfe[\0c"), "F:1: ");
}

TEST("a control character is refused, a tab is a blank")
{
    static const char wanted[] =
        "F:2: the line holds a control character: save the file as plain text";

    CHECK_STR(refusal("[cache]\npath = /srv/a\x1b[2J\n"), wanted);
    CHECK_STR(refusal("[cache]\npath = /srv/a\x7f\n"), wanted);
    CHECK_STR(refusal("[cache]\n# a comment may: \x01\n"), "");
    CHECK_STR(refusal("[cache]\nmode\t=\t2770\t\n"), "");
}

TEST("a value keeps its inner blanks and loses the outer ones")
{
    static const char text[] = "[cache]\nusers \t=  alice \t bob  \n";
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    CHECK_STR(policy_text(&policy.sections[0], KEY_USERS), "alice \t bob");
    policy_free(&policy);
}

TEST("reading stops at the first error")
{
    CHECK_HAS(refusal("[cache]\nmode = 1\nhome = 2\n[nonsense]\n"), "F:2: ");
    CHECK_HAS(refusal("[nonsense]\n[cache]\nmode = 1\n"), "F:1: ");
    CHECK_HAS(refusal("[cache]\nmode = 2770\nmode = 2770\nx\n"), "F:3: ");
}

TEST("text that ends where it is told to is not read beyond")
{
    static const char text[] = "[cache]\nmode = 2770XXXX\n[nonsense]\n";

    CHECK_STR(refusal_of(text, strlen("[cache]\nmode = 2770")), "");
}

TEST("a policy with a great many sections is refused, not half read")
{
    static char text[40000];
    size_t used = 0;

    for (int i = 0; i < 300; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "[cache s%d]\npath=/srv/s%d\nusers=u%d\n", i,
                                 i, i);
    CHECK_STR(refusal(text), "F:766: there are more than 256 sections");
}

TAP_MAIN
