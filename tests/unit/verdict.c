/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict: text and back, and what is not believed.
 */
#include <errno.h>
#include <fcntl.h>

#include "tap.h"
#include "verdict.h"

#define PATH "/srv/hugging face"
#define GID 1234

static struct drift drifts[] = {
    {.name = "hub/models--a--b", .owner = 1001, .what = DRIFT_GROUP},
    {.name = "hub/.locks/m\n=\xff%", .owner = 0, .what = DRIFT_LOCK},
};

static struct way_step steps[] = {
    {"/", S_IFDIR | 0755, 0, 0},
    {"/srv", S_IFLNK | 0777, 1001, GID},
    {"/d\n=\xff% ", S_IFDIR | 0700, 0, 0},
};

static struct verdict
make_verdict(void)
{
    return (struct verdict){
        .way_at = "",
        .steps = steps,
        .nsteps = 3,
        .gate = {[GATE_ROOT] = {0, S_IFDIR | 02750, 0, GID, ACL_FACT_2770},
                 [GATE_HUB] = {0, S_IFDIR | 02770, 0, GID, ACL_FACT_2775},
                 [GATE_LOCKS] = {EACCES, 0, 0, 0, ACL_FACT_NONE},
                 [GATE_BLOBS] = {ENOENT, 0, 0, 0, ACL_FACT_NONE}},
        .taken_ms = util_boottime_ms(),
        .taken_wall = 1700000000,
        .since_wall = 1600000000,
        .cursor = "hub:42",
        .round_wall = 5,
        .unread_error = EIO,
        .unread_at = "hub/.locks",
        .drifts = drifts,
        .ndrifts = 2,
        .more_drifts = 3,
    };
}

static char buffer[VERDICT_MAX_BYTES];

static size_t
format(const struct verdict *verdict, bool with_drifts)
{
    struct text text = TEXT_INIT(buffer);

    REQUIRE_INT(verdict_format(verdict, PATH, GID, with_drifts, &text), 0);
    return text.length;
}

TEST("a verdict survives being written as text")
{
    struct verdict verdict = make_verdict(), got;
    size_t length = format(&verdict, true);

    REQUIRE_INT(verdict_parse(buffer, length, PATH, GID, &got, NULL), 0);
    CHECK_INT(got.way_error, 0);
    CHECK_STR(got.way_at, "");
    REQUIRE_INT(got.nsteps, 3);
    CHECK_STR(got.steps[1].path, "/srv");
    CHECK_INT(got.steps[1].mode, S_IFLNK | 0777);
    CHECK_INT(got.steps[1].uid, 1001);
    CHECK_INT(got.steps[1].gid, GID);
    CHECK_STR(got.steps[2].path, steps[2].path);
    CHECK_INT(memcmp(got.gate, verdict.gate, sizeof(got.gate)), 0);
    CHECK_INT(got.taken_ms, verdict.taken_ms);
    CHECK_INT(got.taken_wall, 1700000000);
    CHECK_INT(got.since_wall, 1600000000);
    CHECK_STR(got.cursor, "hub:42");
    CHECK_INT(got.round_wall, 5);
    CHECK_INT(got.unread_error, EIO);
    CHECK_STR(got.unread_at, "hub/.locks");
    REQUIRE_INT(got.ndrifts, 2);
    CHECK_STR(got.drifts[0].name, drifts[0].name);
    CHECK_STR(got.drifts[1].name, drifts[1].name);
    CHECK_INT(got.drifts[0].owner, 1001);
    CHECK_INT(got.drifts[1].what, DRIFT_LOCK);
    CHECK_INT(got.more_drifts, 3);
    verdict_free(&got);
}

TEST("an answer has no drifts and fits into a pipe")
{
    struct verdict verdict = make_verdict(), got;
    size_t length;

    verdict.way_error = ELOOP;
    verdict.way_at = "/srv/a link";
    length = format(&verdict, false);
    CHECK(length < 4096);
    REQUIRE_INT(verdict_parse(buffer, length, PATH, GID, &got, NULL), 0);
    CHECK_INT(got.ndrifts, 0);
    CHECK_INT(got.nsteps, 0);
    CHECK_INT(got.way_error, ELOOP);
    CHECK_STR(got.way_at, "/srv/a link");
    verdict_free(&got);
}

TEST("a text cut anywhere is none")
{
    struct verdict verdict = make_verdict(), got;
    size_t length = format(&verdict, true);

    for (size_t i = 0; i < length; i++)
        CHECK(verdict_parse(buffer, i, PATH, GID, &got, NULL) < 0);
}

/* Parse the formatted text with `from` replaced by `to`. */
static int
parse_changed(const char *from, const char *to)
{
    struct verdict verdict = make_verdict(), got;
    char changed[VERDICT_MAX_BYTES], *place;
    int r;

    format(&verdict, true);
    place = strstr(buffer, from);
    REQUIRE(place != NULL);
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - buffer),
             buffer, to, place + strlen(from));
    r = verdict_parse(changed, strlen(changed), PATH, GID, &got, NULL);
    if (r == 0)
        verdict_free(&got);
    return r;
}

TEST("more steps than there is room for are refused")
{
    char many[VERDICT_MAX_BYTES] = "";
    struct text text = TEXT_INIT(many);

    for (unsigned i = 0; i < VERDICT_MAX_STEPS - 3; i++)
        text_add(&text, "step=40755 0 0 /a\n");
    text_add(&text, "root=0");
    CHECK_INT(parse_changed("root=0", many), 0);
    text.length = 0;
    for (unsigned i = 0; i < VERDICT_MAX_STEPS - 2; i++)
        text_add(&text, "step=40755 0 0 /a\n");
    text_add(&text, "root=0");
    CHECK_INT(parse_changed("root=0", many), -EINVAL);
}

TEST("what nobody of ours would write is refused")
{
    CHECK_INT(parse_changed("gid=", "gid="), 0);
    CHECK_INT(parse_changed("verdict=1", "verdict=2"), -EINVAL);
    CHECK_INT(parse_changed("gid=1234", "gid=1235"), -EINVAL);
    CHECK_INT(parse_changed("gid=1234", "gid=01234"), -EINVAL);
    CHECK_INT(parse_changed("gid=1234", "gid=-1"), -EINVAL);
    CHECK_INT(parse_changed("gid=1234", "gid= 1234"), -EINVAL);
    CHECK_INT(parse_changed("/srv/", "/srw/"), -EINVAL);
    CHECK_INT(parse_changed("%20", "%2"), -EINVAL);
    CHECK_INT(parse_changed("%0a", "%00"), -EINVAL);
    CHECK_INT(parse_changed("42770", "42780"), -EINVAL);
    CHECK_INT(parse_changed("42770", "4242770"), -EINVAL);
    CHECK_INT(parse_changed("42770", ""), -EINVAL);
    CHECK_INT(parse_changed("0 0 /\n", "0 0 srv\n"), -EINVAL);
    CHECK_INT(parse_changed("0 0 /\n", "0 0 \n"), -EINVAL);
    CHECK_INT(parse_changed("0 0 /\n", "0 0\n"), -EINVAL);
    CHECK_INT(parse_changed("step=40755", "step=40785"), -EINVAL);
    CHECK_INT(parse_changed("since=", "since=-"), -EINVAL);
    CHECK_INT(parse_changed("since=", "since=1\nsince="), -EINVAL);
    CHECK_INT(parse_changed("step=40755", "step=40755 -1"), -EINVAL);
    CHECK_INT(parse_changed("hub/models--a--b", "hub/../b"), -EINVAL);
    CHECK_INT(parse_changed("hub/models--a--b", "/etc/passwd"), -EINVAL);
    CHECK_INT(parse_changed("hub/models--a--b", ""), -EINVAL);
    CHECK_INT(parse_changed("drift=1001 1 ", "drift=1001 64 "), -EINVAL);
    CHECK_INT(parse_changed("drift=1001 1 ", "drift=-1 1 "), -EINVAL);
    CHECK_INT(parse_changed("more=", "less="), -EINVAL);
    CHECK_INT(parse_changed("end=\n", "end=\nmore=1\n"), -EINVAL);
    CHECK_INT(parse_changed("end=\n", "end=\n\n"), -EINVAL);
    CHECK_INT(parse_changed("round=5", "round=5\nround=5"), -EINVAL);
    CHECK_INT(parse_changed("unread=5", "unread=-5"), -EINVAL);
    CHECK_INT(parse_changed("unread_at=", "unread="), -EINVAL);
}

TEST("bytes of chance are refused without harm")
{
    struct verdict verdict = make_verdict(), got;
    size_t length = format(&verdict, true);
    unsigned seed = 1;

    for (unsigned i = 0; i < 200000; i++) {
        size_t place = (size_t)rand_r(&seed) % length;
        char saved = buffer[place];

        buffer[place] = (char)rand_r(&seed);
        if (verdict_parse(buffer, length, PATH, GID, &got, NULL) == 0)
            verdict_free(&got);
        buffer[place] = saved;
    }
}

TEST("another boot's verdict and one from the future are stale")
{
    struct verdict verdict = make_verdict(), got;
    size_t length = format(&verdict, true);
    char *boot = strstr(buffer, "boot=") + 5;

    *boot = *boot == '0' ? '1' : '0';
    CHECK_INT(verdict_parse(buffer, length, PATH, GID, &got, NULL), -ESTALE);
    verdict.taken_ms += 60000;
    length = format(&verdict, true);
    CHECK_INT(verdict_parse(buffer, length, PATH, GID, &got, NULL), -ESTALE);
}

TEST("more drifts than fit are counted, and the text stays whole")
{
    static struct drift many[VERDICT_MAX_DRIFTS];
    struct verdict verdict = make_verdict(), got;
    char name[250];

    memset(name, '\n', sizeof(name) - 1);
    memcpy(name, "hub/", 4);
    name[sizeof(name) - 1] = '\0';
    for (unsigned i = 0; i < VERDICT_MAX_DRIFTS; i++)
        many[i] = (struct drift){name, 1, 1};
    verdict.drifts = many;
    verdict.ndrifts = VERDICT_MAX_DRIFTS;
    REQUIRE_INT(verdict_parse(buffer, format(&verdict, true), PATH, GID, &got,
                              NULL),
                0);
    CHECK(got.ndrifts > 50 && got.ndrifts < VERDICT_MAX_DRIFTS);
    CHECK_INT(got.ndrifts + got.more_drifts, VERDICT_MAX_DRIFTS + 3);
    verdict_free(&got);
}

/* --- the file ------------------------------------------------------------ */

static const char *
gate_file(void)
{
    char key[VERDICT_KEY_SIZE], name[64];

    verdict_key(PATH, GID, key);
    snprintf(name, sizeof(name), "run/%s.gate", key);
    return tap_in_folder(name);
}

static void
write_file(void)
{
    struct verdict verdict = make_verdict();

    REQUIRE_INT(verdict_write(tap_in_folder("run"), &verdict, PATH, GID),
                0);
}

static int
read_file(void)
{
    struct verdict got;
    struct err err;
    int r = verdict_read(tap_in_folder("run"), getuid(), PATH, GID, &got,
                         &err);

    if (r == 0)
        verdict_free(&got);
    else
        CHECK_HAS(err.text, "run");
    return r;
}

TEST("the file is written for all to read, under a key of path and gid")
{
    char a[VERDICT_KEY_SIZE], b[VERDICT_KEY_SIZE], c[VERDICT_KEY_SIZE];
    struct stat st;

    umask(077);
    mkdir(tap_in_folder("run"), 0755);
    CHECK_INT(read_file(), -ENOENT);
    write_file();
    CHECK_INT(read_file(), 0);
    REQUIRE_INT(stat(gate_file(), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0644);
    verdict_key(PATH, GID, a);
    verdict_key(PATH "x", GID, b);
    verdict_key(PATH, GID + 1, c);
    CHECK_INT(strlen(a), 16);
    CHECK(strcmp(a, b) != 0 && strcmp(a, c) != 0 && strcmp(b, c) != 0);
}

TEST("a state file that is a link is not believed")
{
    umask(022);
    write_file();
    REQUIRE_INT(rename(gate_file(), tap_in_folder("elsewhere")), 0);
    REQUIRE_INT(symlink("../elsewhere", gate_file()), 0);
    CHECK_INT(read_file(), -ELOOP);
}

TEST("a state file with a second link is not believed")
{
    umask(022);
    write_file();
    REQUIRE_INT(link(gate_file(), tap_in_folder("second")), 0);
    CHECK_INT(read_file(), -EPERM);
}

TEST("a state file that others can write is not believed")
{
    umask(022);
    write_file();
    chmod(gate_file(), 0664);
    CHECK_INT(read_file(), -EPERM);
    chmod(gate_file(), 0646);
    CHECK_INT(read_file(), -EPERM);
}

TEST("a state file of another user is not believed")
{
    if (getuid() != 0)
        SKIP("needs root to make another's file");
    umask(022);
    write_file();
    REQUIRE_INT(chown(gate_file(), 4001, 0), 0);
    CHECK_INT(read_file(), -EPERM);
}

TEST("a state file that is a FIFO or too large is not believed")
{
    int fd;

    umask(022);
    write_file();
    fd = open(gate_file(), O_WRONLY);
    REQUIRE_INT(ftruncate(fd, VERDICT_MAX_BYTES + 1), 0);
    CHECK_INT(read_file(), -EFBIG);
    REQUIRE_INT(unlink(gate_file()), 0);
    REQUIRE_INT(mkfifo(gate_file(), 0644), 0);
    alarm(5);
    CHECK_INT(read_file(), -EINVAL);
}

TEST("a state file on another path or gid is not believed")
{
    struct verdict verdict = make_verdict(), got;
    char key[VERDICT_KEY_SIZE], name[64];

    umask(022);
    write_file();
    verdict_key("/srv/other", GID, key);
    snprintf(name, sizeof(name), "run/%s.gate", key);
    REQUIRE_INT(rename(gate_file(), tap_in_folder(name)), 0);
    CHECK_INT(verdict_read(tap_in_folder("run"), getuid(), "/srv/other", GID,
                           &got, NULL),
              -EINVAL);
    (void)verdict;
}

TEST("a reader sees the old verdict or the new one, never half of one")
{
    int64_t until_ms = util_monotonic_ms() + 1000;

    umask(022);
    write_file();
    if (fork() == 0) {
        while (util_monotonic_ms() < until_ms)
            write_file();
        _exit(0);
    }
    while (util_monotonic_ms() < until_ms)
        REQUIRE_INT(read_file(), 0);
}

TEST("freshness is the same for one host, and differs between hosts by 20 %")
{
    struct verdict verdict = make_verdict();
    unsigned fresh = 0;

    verdict.taken_ms = util_boottime_ms() - 60000;
    for (unsigned i = 0; i < 1000; i++) {
        char host[16];

        snprintf(host, sizeof(host), "gpu%03u", i);
        fresh += verdict_is_fresh(&verdict, 60000, host);
        CHECK(verdict_is_fresh(&verdict, 76000, host));
        CHECK(!verdict_is_fresh(&verdict, 49000, host));
    }
    CHECK(fresh > 400 && fresh < 600);
    CHECK(util_age_ms(verdict.taken_ms) >= 60000);
    CHECK(!verdict_is_fresh(&verdict, 0, "gpu"));
}

TAP_MAIN
