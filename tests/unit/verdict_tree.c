/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of the verdict on the whole tree: what is written, for whom, and
 * what is not believed.  Who is named in it: verdict_tree_named.c.
 */
#include <errno.h>
#include <fcntl.h>

#include "tree.h"

/* Write the usual verdict and get its text. */
static size_t
write_usual(char *text, size_t size)
{
    struct tree_verdict tree = make_tree();
    FILE *file;
    size_t length;

    umask(022);
    REQUIRE_INT(write_tree(&tree), 0);
    file = fopen(tree_file(), "r");
    REQUIRE(file != NULL);
    length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length;
}

static void
put(const char *text, size_t length)
{
    int fd = open(tree_file(), O_WRONLY | O_TRUNC);

    REQUIRE(fd >= 0 && write(fd, text, length) == (ssize_t)length);
    close(fd);
}

TEST("a tree's verdict survives being written")
{
    struct tree_verdict tree = make_tree(), got;
    bool kept_seen = false;

    CHECK_INT(believe(), -ENOENT);
    REQUIRE_INT(write_tree(&tree), 0);
    got = read_tree();
    CHECK_INT(got.taken_ms, tree.taken_ms);
    CHECK_INT(got.taken_wall, 1700000000);
    CHECK(got.complete);
    CHECK_INT(memcmp(got.count, tree.count, sizeof(got.count)), 0);
    CHECK_INT(got.oldest_wall, 1690000000);
    CHECK_INT(got.more_named, 4);
    REQUIRE_INT(got.nnamed, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct drift *like = &drifts[2];

        if (got.named[i].owner == 1001)
            like = got.named[i].what & DRIFT_KEPT ? &drifts[1] : &drifts[0];
        kept_seen |= like == &drifts[1];
        CHECK_STR(got.named[i].name, like->name);
        CHECK_INT(got.named[i].owner, like->owner);
        CHECK_INT(got.named[i].what, like->what);
    }
    CHECK(kept_seen);
    CHECK(util_age_ms(got.taken_ms) < 60000);
    CHECK_INT(got.interrupted_wall, 0);
    verdict_tree_free(&got);
}

TEST("a check that was interrupted takes nothing from the last one")
{
    struct drift seen[] = {
        {.name = "hub/models--a--b", .owner = 1001, .what = DRIFT_ACL},
        {.name = "hub/models--new", .owner = 1002, .what = DRIFT_GROUP},
    };
    struct tree_verdict last = make_tree(), got;
    struct tree_verdict tree = {.taken_ms = last.taken_ms,
                                .taken_wall = 1700000100,
                                .count = {[TREE_ALARMS] = 9, [TREE_DRIFTS] = 1},
                                .named = seen,
                                .nnamed = ARRAY_LEN(seen)};
    size_t kept = 0, found = 0, old = 0;

    last.taken_ms -= last.taken_ms > 50 ? 50 : 0;
    REQUIRE_INT(write_tree(&last), 0);
    REQUIRE_INT(write_tree(&tree), 0);
    got = read_tree();
    CHECK(got.complete);
    CHECK_INT(got.taken_ms, last.taken_ms);
    CHECK_INT(got.taken_wall, 1700000000);
    CHECK_INT(got.interrupted_wall, 1700000100);
    CHECK_INT(got.count[TREE_ENTRIES], 1234567);
    CHECK_INT(got.count[TREE_ALARMS], 9);
    CHECK_INT(got.count[TREE_DRIFTS], 5);
    CHECK_INT(got.oldest_wall, 1690000000);
    CHECK_INT(got.more_named, 4);
    CHECK_INT(got.nnamed, 4);
    for (size_t i = 0; i < got.nnamed; i++) {
        kept += got.named[i].what == (DRIFT_CLOSED | DRIFT_KEPT);
        found += got.named[i].what == DRIFT_ACL || got.named[i].owner == 1002;
        old += got.named[i].what == DRIFT_LOCK;
    }
    CHECK(kept == 1 && found == 2 && old == 1);
    verdict_tree_free(&got);
    last.nnamed = last.more_named = 0;
    REQUIRE_INT(write_tree(&last), 0); /* a whole one begins anew */
    got = read_tree();
    CHECK_INT(got.nnamed, 0);
    CHECK_INT(got.interrupted_wall, 0);
    CHECK_INT(got.count[TREE_ALARMS], 2);
    verdict_tree_free(&got);
}

TEST("of checks that were interrupted, what all of them found")
{
    struct tree_verdict tree = make_tree(), got;

    tree.complete = false;
    REQUIRE_INT(write_tree(&tree), 0);
    tree = (struct tree_verdict){.taken_ms = tree.taken_ms, .taken_wall = 1800000000};
    REQUIRE_INT(write_tree(&tree), 0);
    got = read_tree();
    CHECK(!got.complete);
    CHECK_INT(got.taken_wall, 1800000000);
    CHECK_INT(got.interrupted_wall, 0);
    CHECK_INT(got.nnamed, 3);
    CHECK_INT(got.count[TREE_DRIFTS], 5);
    verdict_tree_free(&got);
}

TEST("members and root may read it, nobody else")
{
    struct tree_verdict tree = make_tree(), got;
    struct stat st;

    umask(0);
    REQUIRE_INT(write_tree(&tree), 0);
    REQUIRE_INT(stat(tree_file(), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    CHECK_INT(st.st_gid, cache_gid());
    CHECK_INT(st.st_uid, getuid());
    if (getuid() != 0)
        SKIP("needs root to be somebody else");
    chmod(tap_folder(), 0755);
    REQUIRE(setegid(4002) == 0 && seteuid(4001) == 0);
    CHECK_INT(verdict_tree_read(folder(), 0, PATH, cache_gid(), &got, NULL),
              -EACCES);
    REQUIRE_INT(seteuid(0), 0);
}

TEST("it is not written where that group can't be given")
{
    struct tree_verdict tree = make_tree();

    chmod(tap_folder(), 0777);
    if (getuid() == 0)
        REQUIRE(setegid(4002) == 0 && seteuid(4001) == 0);
    CHECK_INT(verdict_tree_write(tap_in_folder("own"), &tree, PATH, 4003, NULL),
              -EPERM);
    REQUIRE_INT(seteuid(getuid()), 0);
}

TEST("a verdict cut anywhere is none")
{
    char text[4096];
    size_t length = write_usual(text, sizeof(text));

    CHECK_INT(believe(), 0);
    for (size_t i = 0; i < length; i++) {
        REQUIRE_INT(truncate(tree_file(), 0), 0);
        put(text, i);
        CHECK(believe() < 0);
    }
}

/* Is it believed with `from` replaced by `to`? */
static int
believe_changed(const char *from, const char *to)
{
    char text[4096], changed[8192], *place;

    write_usual(text, sizeof(text));
    place = strstr(text, from);
    REQUIRE(place != NULL);
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - text), text,
             to, place + strlen(from));
    put(changed, strlen(changed));
    return believe();
}

TEST("each field is checked")
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"tree=1", "tree=2"},
        {"hfcache-tree", "hfcache-verdict"},
        {"boot=", "root="},
        {"path=/srv/", "path=/srw/"},
        {"%20", "%2"},
        {"gid=", "gid=0"},
        {"gid=", "gid=1"},
        {"taken=", "taken=-"},
        {"taken=", "taken=x"},
        {"wall=17", "wall=-17"},
        {"wall=1700000000", "wall="},
        {"wall=1700000000\n", ""},
        {"ended=complete", "ended=Complete"},
        {"ended=complete", "ended="},
        {"entries=", "entries=+"},
        {"entries=1234567", "entries=99999999999999999999"},
        {"entries=1234567", "entries=999999"}, /* fewer than are reused */
        {"alarms=2", "alarms=02"},
        {"drifts=5", "drifts=5 "},
        {"drifts=5\n", "drifts=5\ndrifts=5\n"},
        {"notes=7", "notes="},
        {"notes=7\n", ""},
        {"reused=1000000", "reused=1e6"},
        {"folders=3", "folders=0x3"},
        {"given=0", "given=none"},
        {"oldest=1690000000", "oldest=-1"},
        {"drift=1001 1 ", "drift=1001 64 "},
        {"drift=1001 1 ", "drift=1001 8193 "},
        {"drift=1001 1 ", "drift=-1 1 "},
        {"drift=1001 1 ", "drift=4294967296 1 "},
        {"drift=1001 1 ", "drift=1001 "},
        {"drift=1001 1 hub/models--a--b", "drift=1001 1 hub/../b"},
        {"drift=1001 1 hub/models--a--b", "drift=1001 1 /etc/passwd"},
        {"drift=1001 1 hub/models--a--b", "drift=1001 1 "},
        {"%0a", "%00"},
        {"%ff", "\xff"},
        {"more=4", "more=-4"},
        {"more=", "less="},
        {"end=\n", "end=x\n"},
        {"end=\n", "end=\nend=\n"},
        {"end=\n", "end=\n\n"},
    };

    CHECK_INT(believe_changed("gid=", "gid="), 0);
    CHECK_INT(believe_changed("drifts=5", "drifts=6"), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!CHECK_INT(believe_changed(cases[i].from, cases[i].to), -EINVAL))
            tap_note("with %s for %s", cases[i].to, cases[i].from);
    }
}

TEST("zero bytes, and bytes of chance, are refused without harm")
{
    char text[4096], saved;
    size_t length = write_usual(text, sizeof(text));
    struct tree_verdict got;
    unsigned seed = 1;

    for (unsigned i = 0; i < 5000; i++) {
        size_t place = (size_t)rand_r(&seed) % length;

        saved = text[place];
        text[place] = (char)rand_r(&seed);
        put(text, length);
        if (verdict_tree_read(folder(), getuid(), PATH, cache_gid(), &got,
                              NULL) == 0)
            verdict_tree_free(&got);
        text[place] = saved;
    }
    put(text, length);
    CHECK_INT(believe(), 0);
    put(text, length + 1); /* with the zero byte behind it */
    CHECK_INT(believe(), -EINVAL);
}

TEST("another boot's verdict and one from the future are stale")
{
    struct tree_verdict tree = make_tree();
    char text[4096], *boot;
    size_t length = write_usual(text, sizeof(text));

    boot = strstr(text, "boot=") + 5;
    *boot = *boot == '0' ? '1' : '0';
    put(text, length);
    CHECK_INT(believe(), -ESTALE);
    tree.taken_ms += 60000;
    REQUIRE_INT(write_tree(&tree), 0);
    CHECK_INT(believe(), -ESTALE);
}

TEST("another gid's or path's verdict is not believed under our name")
{
    struct tree_verdict got;
    char text[4096], key[VERDICT_KEY_SIZE], name[64];

    write_usual(text, sizeof(text));
    verdict_key("/srv/other", cache_gid(), key);
    snprintf(name, sizeof(name), "run/%s.tree", key);
    REQUIRE_INT(rename(tree_file(), tap_in_folder(name)), 0);
    CHECK_INT(verdict_tree_read(folder(), getuid(), "/srv/other", cache_gid(),
                                &got, NULL),
              -EINVAL);
    verdict_key(PATH, 77, key);
    snprintf(name, sizeof(name), "run/%s.tree", key);
    write_usual(text, sizeof(text));
    REQUIRE_INT(rename(tree_file(), tap_in_folder(name)), 0);
    CHECK_INT(verdict_tree_read(folder(), getuid(), PATH, 77, &got, NULL),
              -EINVAL);
}

TEST("a forged file is not believed: links, modes, kinds, size")
{
    char text[4096];
    int fd;

    write_usual(text, sizeof(text));
    chmod(tree_file(), 0660);
    CHECK_INT(believe(), -EPERM);
    chmod(tree_file(), 0642);
    CHECK_INT(believe(), -EPERM);
    chmod(tree_file(), 0640);
    REQUIRE_INT(link(tree_file(), tap_in_folder("second")), 0);
    CHECK_INT(believe(), -EPERM);
    REQUIRE_INT(unlink(tap_in_folder("second")), 0);
    CHECK_INT(believe(), 0);
    REQUIRE_INT(rename(tree_file(), tap_in_folder("away")), 0);
    REQUIRE_INT(symlink("../away", tree_file()), 0);
    CHECK_INT(believe(), -ELOOP);
    REQUIRE_INT(unlink(tree_file()), 0);
    REQUIRE_INT(mkfifo(tree_file(), 0640), 0);
    alarm(5);
    CHECK_INT(believe(), -EINVAL);
    REQUIRE_INT(unlink(tree_file()), 0);
    write_usual(text, sizeof(text));
    fd = open(tree_file(), O_WRONLY);
    REQUIRE_INT(ftruncate(fd, VERDICT_MAX_BYTES + 1), 0);
    CHECK_INT(believe(), -EFBIG);
}

TEST("a file of another user is not believed")
{
    char text[4096];

    if (getuid() != 0)
        SKIP("needs root to make another's file");
    write_usual(text, sizeof(text));
    REQUIRE_INT(chown(tree_file(), 4001, cache_gid()), 0);
    CHECK_INT(believe(), -EPERM);
}

TEST("more names than are ever written are refused")
{
    static char text[VERDICT_MAX_BYTES];
    char usual[4096], *place;
    struct text all = TEXT_INIT(text);

    write_usual(usual, sizeof(usual));
    place = strstr(usual, "more=");
    text_addf(&all, "%.*s", (int)(strstr(usual, "drift=") - usual), usual);
    for (unsigned i = 0; i < VERDICT_TREE_NAMED; i++)
        text_addf(&all, "drift=%u 1 hub/x\n", i);
    text_add(&all, place);
    put(text, all.length);
    CHECK_INT(believe(), 0);
    all.length -= strlen(place);
    text_addf(&all, "drift=1 1 hub/x\n%s", place);
    put(text, all.length);
    CHECK_INT(believe(), -EINVAL);
}

TAP_MAIN
