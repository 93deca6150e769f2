/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the layout raises an alarm about, and what it must not: links and where
 * they lead, names of any bytes, and the table of findings.
 */
#include <errno.h>

#include "layout.h"
#include "tap.h"

#define GID 1000
#define HEX40 "0123456789abcdef0123456789abcdef01234567"
#define HEX64 HEX40 "0123456789abcdef01234567"
#define REPO "hub/models--a--b"
#define SNAPSHOT REPO "/snapshots/" HEX40

static const struct layout_rules rules = {GID, 02770, LAYOUT_ACL_AUTO};

/* Judge `path`; nothing is ever to be mended here. */
static unsigned
judge(const char *path, struct layout_inode inode)
{
    struct layout_wanted wanted;
    unsigned what = layout_judge(path, &inode, &rules, &wanted);

    if (!CHECK(!layout_is_mendable(&inode, &wanted)))
        tap_note("  of %s", path);
    return what;
}

static unsigned
judge_link(const char *path, const char *target)
{
    return judge(path, (struct layout_inode){.mode = S_IFLNK | 0777,
                                             .nlink = 1,
                                             .young = true,
                                             .target = target});
}

/* --- links --------------------------------------------------------------- */

struct link {
    const char *path, *target;
};

/* Each of them is judged to be `what`. */
static void
check_links(const struct link *links, size_t count, unsigned what)
{
    for (size_t i = 0; i < count; i++)
        if (!CHECK_INT(judge_link(links[i].path, links[i].target), what))
            tap_note("  of %s -> %s", links[i].path,
                     links[i].target ? links[i].target : "(not read)");
}

#define CHECK_LINKS(what, ...)                                                \
    do {                                                                      \
        static const struct link links[] = {__VA_ARGS__};                     \
                                                                              \
        check_links(links, ARRAY_LEN(links), what);                           \
    } while (0)

TEST("links that clients make stay inside")
{
    CHECK_LINKS(
        0, {SNAPSHOT "/model.safetensors", "../../blobs/" HEX64},
        {SNAPSHOT "/a/b/c.json", "../../../../blobs/" HEX40},
        {REPO "/blobs/" HEX64, "../../blobs/3f/" HEX64},
        {REPO "/blobs/." HEX64 ".1a2b3c4d.shared", "../../blobs/3f/" HEX64},
        {SNAPSHOT "/x", NULL}, /* not read: not judged */
        {"hub/tmp1a2b/dummy_file_dst", "dummy_file_src"}, );
}

TEST("a link may lead anywhere in hub/ or datasets/")
{
    CHECK_LINKS(
        0, {SNAPSHOT "/x", "y"}, {SNAPSHOT "/x", "."}, {SNAPSHOT "/x", ".."},
        {SNAPSHOT "/x", "../../.."}, {SNAPSHOT "/x", "../../../"},
        {SNAPSHOT "/x", "../../../models--c"}, {SNAPSHOT "/x", "./y//z/"},
        {SNAPSHOT "/x", "..."}, {SNAPSHOT "/x", "y/..z/..."},
        {SNAPSHOT "/x", "y../z.."}, {SNAPSHOT "/x", "../..//blobs/y..z"},
        {SNAPSHOT "/x", "y/.z/..z"}, {"datasets/a", "..b"},
        {"datasets/a/b", "../c"}, {"datasets/a/b", ".."}, {"datasets/a", "b"},
        {"hub/what/x", "../y"}, );
}

TEST("an alarm: a link that leaves hub/ or datasets/")
{
    CHECK_LINKS(
        LAYOUT_ESCAPE, {SNAPSHOT "/x", "/etc/shadow"}, {SNAPSHOT "/x", "/"},
        {SNAPSHOT "/x", "//y"}, {SNAPSHOT "/x", ""},
        {SNAPSHOT "/x", "../../../.."}, {SNAPSHOT "/x", "../../../../"},
        {SNAPSHOT "/x", "../../../../token"},
        {SNAPSHOT "/x", "../../../../../../../etc/shadow"},
        {SNAPSHOT "/a/x", "../../../../../token"},
        {SNAPSHOT "/a/b/x", "../../../../../../token"},
        {REPO "/blobs/x", "../../.."}, {REPO "/blobs/x", "../../../hub/y"},
        {"datasets/a", ".."}, {"datasets/a", "../hub/models--a"},
        {"datasets/a/b", "../../token"}, {"datasets/a/b", "/srv/x"},
        {"hub/what/x", "../../y"}, );
    CHECK_INT(judge_link(REPO, "/home/alice"), LAYOUT_ESCAPE | LAYOUT_TYPE);
    CHECK_INT(judge_link("hub/blobs", "/home/alice"),
              LAYOUT_ESCAPE | LAYOUT_TYPE);
    CHECK_INT(judge_link("hub/.locks", "../x"), LAYOUT_ESCAPE | LAYOUT_TYPE);
    CHECK_INT(judge_link("hub/x", "../x"), LAYOUT_ESCAPE | LAYOUT_UNKNOWN);
    CHECK_INT(judge_link(REPO "/refs/main", "/etc/x"),
              LAYOUT_ESCAPE | LAYOUT_UNKNOWN);
}

TEST("an alarm: a link up behind a name, which may be a link itself")
{
    CHECK_LINKS(LAYOUT_ESCAPE, {SNAPSHOT "/x", "a/../../.."},
                {SNAPSHOT "/x", "a/.."}, {SNAPSHOT "/x", "../a/../b"},
                {SNAPSHOT "/x", "../a/b/.."}, {SNAPSHOT "/x", "a//../b"},
                {SNAPSHOT "/x", "./../b"}, {SNAPSHOT "/x", "..//../b"},
                {SNAPSHOT "/x", ".x/.../../b"}, {"datasets/a/b", "c/../d"}, );
}

TEST("links of any length and depth")
{
    static char target[8192], path[8192];

    memset(target, 'x', sizeof(target) - 1);
    CHECK_INT(judge_link(SNAPSHOT "/x", target), 0);
    memcpy(target + sizeof(target) - 4, "/..", 3);
    CHECK_INT(judge_link(SNAPSHOT "/x", target), LAYOUT_ESCAPE);
    for (size_t depth = 0; depth < 1000; depth++) {
        size_t length = 0;

        length += (size_t)sprintf(path, "%s", "hub");
        for (size_t i = 0; i < depth; i++)
            length += (size_t)sprintf(path + length, "/f");
        sprintf(path + length, "/x");
        for (size_t i = 0; i < depth; i++)
            memcpy(target + 3 * i, "../", 3);
        strcpy(target + 3 * depth, "y");
        CHECK_INT(judge_link(path, target) & LAYOUT_ALARMS, 0);
        strcpy(target + 3 * depth, "../y");
        CHECK_INT(judge_link(path, target) & LAYOUT_ALARMS, LAYOUT_ESCAPE);
    }
}

TEST("links beside hub/ and datasets/ are not the cache's")
{
    CHECK_LINKS(0, {"xet/x", "/scratch/x"}, {"modules/x", "../../.."},
                {"what/x", "/etc"}, {"sandbox/x", "/y"}, {"assets/x", "/y"},
                {"lerobot/x", "/y"}, {"evaluate/x", "/y"}, {"metrics/x", "/y"},
                {"kernels/x", "/y"}, {"diffusers/x", "/y"},
                {"lost+found/x", "/y"}, {"xet/a/b", "/y"}, );
    CHECK_INT(judge_link("what", "/etc"), LAYOUT_UNKNOWN);
    CHECK_INT(judge_link("hub", "/data/hub"), LAYOUT_TYPE);
}

/* --- other alarms -------------------------------------------------------- */

TEST("each alarm is its own, and several are told together")
{
    struct layout_inode inode = {.mode = S_IFREG | 0440, .gid = GID,
                                 .nlink = 1};

    inode.size = 1;
    CHECK_INT(judge(REPO "/.no_exist/" HEX40 "/a", inode), LAYOUT_MISS);
    inode.nlink = 3;
    inode.mode |= S_ISUID;
    CHECK_INT(judge(REPO "/.no_exist/" HEX40 "/a", inode),
              LAYOUT_MISS | LAYOUT_LINKS | LAYOUT_SETUID);
    CHECK_INT(judge("token", inode),
              LAYOUT_SECRET | LAYOUT_LINKS | LAYOUT_SETUID);
    inode.mode |= S_IWGRP;
    CHECK_INT(judge("modules/a.py", inode),
              LAYOUT_CODE | LAYOUT_LINKS | LAYOUT_SETUID);
    CHECK_INT(judge("xet/a", inode), LAYOUT_LINKS | LAYOUT_SETUID);
    CHECK_INT(judge("hub/what/a", inode), LAYOUT_LINKS | LAYOUT_SETUID);
    inode.mode = S_IFBLK | 06666;
    CHECK_INT(judge("hub/what/a", inode),
              LAYOUT_SPECIAL | LAYOUT_SETUID | LAYOUT_UNKNOWN);
    inode.mode = S_IFDIR | 04770;
    CHECK_INT(judge("hub/what/a", inode), LAYOUT_SETUID);
    CHECK_INT(judge(REPO "/snapshots/a", inode) & LAYOUT_ALARMS,
              LAYOUT_SETUID);
}

TEST("a token is told wherever it is one, and nowhere else")
{
    struct layout_inode inode = {.mode = S_IFREG | 0640, .gid = GID,
                                 .nlink = 1, .size = 37};

    CHECK_INT(judge("token", inode), LAYOUT_SECRET);
    CHECK_INT(judge("stored_tokens", inode), LAYOUT_SECRET);
    CHECK_INT(judge("tokens", inode), LAYOUT_UNKNOWN);
    CHECK_INT(judge("token ", inode), LAYOUT_UNKNOWN);
    CHECK_INT(judge("Token", inode), LAYOUT_UNKNOWN);
    CHECK_INT(judge(SNAPSHOT "/token", inode), 0);
    CHECK_INT(judge("datasets/token", inode), 0);
    CHECK_INT(judge("what/token", inode), 0);
}

/* --- names --------------------------------------------------------------- */

TEST("names of any bytes are judged like others")
{
    static const char *const names[] = {
        "new\nline", "\n", "\x1b[31mred", "\xff\xfe", "\xc3(", "\x80",
        "a\tb",      " ",  "%s%n",        "*",        "**",    "?",
        "[a]",       "\\", "@",           "#",        "$",     "$.json",
        "-rf",       "~",  "\342\200\256drowssap",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct layout_inode inode = {.mode = S_IFREG | 0640, .gid = GID,
                                     .nlink = 1};
        char path[512];

        snprintf(path, sizeof(path), SNAPSHOT "/%s", names[i]);
        CHECK_INT(judge(path, inode), 0);
        CHECK_STR(layout_kind(path, S_IFREG), "snapshot file");
        CHECK_INT(judge_link(path, "../../../../x"), LAYOUT_ESCAPE);
        CHECK_INT(judge_link(path, names[i]), 0);
        snprintf(path, sizeof(path), SNAPSHOT "/%s/x", names[i]);
        CHECK_INT(layout_where(path).place, PLACE_SNAPSHOTS);
        snprintf(path, sizeof(path), "hub/%s", names[i]);
        CHECK_INT(judge(path, inode), LAYOUT_UNKNOWN);
        snprintf(path, sizeof(path), "hub/models--a--%s", names[i]);
        CHECK(strcmp(names[i], "-rf") == 0 ||
              !layout_is_repository(path + strlen("hub/")));
        snprintf(path, sizeof(path), "%s", names[i]);
        CHECK_INT(judge(path, inode), LAYOUT_UNKNOWN);
    }
}

TEST("patterns stand for what they say")
{
    struct layout_inode file = {.mode = S_IFREG | 0660, .nlink = 1,
                                .gid = GID};
    static const struct {
        const char *path, *kind;
    } cases[] = {
        {"hub/.locks/m/.lock", "lock file"},
        {"hub/.locks/m/lock", "other"},
        {"hub/.locks/m/xlock", "other"},
        {"hub/.locks/m/x.lock.lock", "lock file"},
        {"hub/version.txt", "tag"},
        {"hub/version.tx", "other"},
        {"hub/versio.txt", "other"},
        {"hub/versiontxt", "other"},
        {"hub/CACHEDIR.TAG.", "other"},
        {"hub/CACHEDIR.TA", "other"},
        {"hub/tmp", "temporary file"},
        {"hub/tm", "other"},
        {".check_for__done", "time stamp"},
        {".check_for_done", "other"},
        {REPO "/trees/" HEX40 ".json", "tree listing"},
        {REPO "/trees/" HEX40 ".jsonx", "temporary file"},
        {REPO "/trees/" HEX40 "0.json", "temporary file"},
        {REPO "/trees/" HEX40, "temporary file"},
        {REPO "/trees/" HEX40 ".jsox", "temporary file"},
        {REPO "/trees/g123456789abcdef0123456789abcdef01234567.json",
         "temporary file"},
        {REPO "/refs/.tmp", "temporary file"},
        {REPO "/refs/tmp", "reference"},
        {"hub/blobs/.huggingface-shared-blob", "temporary file"},
        {"hub/blobs/3f/.lock", "lock file"},
        {"hub/blobs/g0/x", "other"},
        {"hub/blobs/3fg/x", "other"},
    };
    static const char lock[] = ".lock"; /* what precedes a name is not its */

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK_STR(layout_kind(cases[i].path, file.mode), cases[i].kind))
            tap_note("  of %s", cases[i].path);
    CHECK_STR(layout_kind_in(layout_where("hub/.locks/m/x"), lock + 1, S_IFREG),
              "other");
}

TEST("a repository's name has at most 200 bytes")
{
    char name[LAYOUT_MAX_NAME + 2] = "models--";

    memset(name + strlen(name), 'a', sizeof(name) - 1 - strlen(name));
    CHECK(!layout_is_repository(name));
    name[LAYOUT_MAX_NAME] = '\0';
    CHECK(layout_is_repository(name));
}

/* --- findings ------------------------------------------------------------ */

TEST("each bit has one finding, with all that is to be said of it")
{
    unsigned seen = 0, alarms = 0, notes = 0;

    for (const struct layout_finding *finding = layout_findings; finding->bit;
         finding++) {
        size_t length = strlen(finding->meaning);

        CHECK_INT(finding->bit & (finding->bit - 1), 0);
        CHECK_INT(seen & finding->bit, 0);
        seen |= finding->bit;
        if (finding->severity == LAYOUT_SEVERITY_ALARM)
            alarms |= finding->bit;
        if (finding->severity == LAYOUT_SEVERITY_NOTE)
            notes |= finding->bit;
        CHECK(*finding->word &&
              !finding->word[strspn(finding->word,
                                    "abcdefghijklmnopqrstuvwxyz-")]);
        CHECK(*finding->text && strlen(finding->text) < 40);
        CHECK(length > 30 && finding->meaning[length - 1] == '.');
        for (const struct layout_finding *other = layout_findings;
             other < finding; other++) {
            CHECK(strcmp(other->word, finding->word) != 0);
            CHECK(strcmp(other->text, finding->text) != 0);
        }
    }
    CHECK_INT(seen, (1 << 27) - 1);
    CHECK_INT(alarms, LAYOUT_ALARMS);
    CHECK_INT(notes, LAYOUT_NOTES);
}

TEST("words that programs read stay as they are")
{
    static const struct {
        unsigned bit;
        const char *word, *text;
    } cases[] = {
        {DRIFT_GROUP, "group", "wrong group"},
        {DRIFT_SETGID, "setgid", "setgid lost"},
        {DRIFT_CLOSED, "closed", "bits missing"},
        {DRIFT_OPEN, "open", "too open"},
        {DRIFT_ACL, "acl", "default ACL missing"},
        {DRIFT_LOCK, "lock", "closed locks or listings"},
        {DRIFT_KEPT, "kept", "closed by its owner"},
        {LAYOUT_OWNER, "owner", "not root's"},
        {LAYOUT_STICKY, "sticky", "sticky bit"},
        {LAYOUT_TYPE, "type", "not a folder"},
    };
    const struct layout_finding *finding = layout_findings;

    /* In this order, too. */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        while (finding->bit && finding->bit != cases[i].bit)
            finding++;
        REQUIRE(finding->bit);
        CHECK_STR(finding->word, cases[i].word);
        CHECK_STR(finding->text, cases[i].text);
    }
}

TEST("the gate: what is no folder is told, notes are not")
{
    struct inode_fact hub = {.mode = S_IFDIR | 02770, .gid = GID,
                             .acl = ACL_FACT_2770};
    struct inode_fact fact = hub, absent = {.error = ENOENT};

    CHECK_INT(layout_judge_gate(GATE_BLOBS, &fact, &absent, &rules), 0);
    fact.acl = ACL_FACT_OTHER;
    CHECK_INT(layout_judge_gate(GATE_LOCKS, &fact, &hub, &rules), 0);
    fact.mode = S_IFREG | 0660;
    CHECK_INT(layout_judge_gate(GATE_LOCKS, &fact, &hub, &rules),
              LAYOUT_TYPE);
    CHECK_INT(layout_judge_gate(GATE_BLOBS, &fact, &hub, &rules),
              LAYOUT_TYPE);
}

TAP_MAIN
