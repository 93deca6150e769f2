/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a look sees: the gate, what it names below, where it goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "decision.h"
#include "look.h"
#include "seccomp.h"
#include "tap.h"

static struct errand errand;
static struct sight sight;

static void
make_folder(const char *path, mode_t mode)
{
    REQUIRE_INT(mkdir(tap_in_folder(path), 0700), 0);
    REQUIRE_INT(chmod(tap_in_folder(path), mode), 0);
}

/* A healthy cache but for ACLs, which these cases leave out. */
static void
make_cache(void)
{
    errand = (struct errand){
        .path = tap_folder(),
        .rules = {getegid(), 02770, LAYOUT_ACL_NO},
        .uid = getuid(),
        .locks_uid = getuid(),
    };
    make_folder("hub", 02770);
    make_folder("hub/.locks", 02770);
}

/* One run of the helper: begins with what the last one left. */
static void
look(void)
{
    struct verdict *last = &sight.verdict;
    struct sight next;

    look_begin(&next, last->cursor ? last : NULL);
    look_at_gate(&next, &errand);
    look_below(&next, &errand);
    if (last->cursor)
        look_end(&sight);
    sight = next;
    sight.verdict.cursor = sight.cursor;
    sight.verdict.drifts = sight.drifts;
    if (*next.verdict.way_at)
        sight.verdict.way_at = sight.way_at;
}

static const struct drift *
find_drift(const char *name, uid_t owner)
{
    for (size_t i = 0; i < sight.verdict.ndrifts; i++)
        if (sight.drifts[i].owner == owner &&
            strcmp(sight.drifts[i].name, name) == 0)
            return &sight.drifts[i];
    return NULL;
}

TEST("the gate's facts")
{
    const struct inode_fact *gate = sight.verdict.gate;

    make_cache();
    make_folder("hub/blobs", 02775);
    chmod(tap_folder(), 02750);
    look();
    CHECK_INT(sight.verdict.way_error, 0);
    CHECK_INT(gate[GATE_ROOT].mode, S_IFDIR | 02750);
    CHECK_INT(gate[GATE_HUB].mode, S_IFDIR | 02770);
    CHECK_INT(gate[GATE_BLOBS].mode, S_IFDIR | 02775);
    CHECK_INT(gate[GATE_HUB].uid, getuid());
    CHECK_INT(gate[GATE_LOCKS].gid, getegid());
    CHECK(sight.verdict.taken_ms > 0 && sight.verdict.round_wall > 0);
    CHECK_INT(sight.verdict.ndrifts, 0);
}

TEST("the way is kept step by step, as far as it was gone")
{
    char path[PATH_MAX];
    const struct way_step *last;

    make_cache();
    look();
    last = &sight.steps[sight.verdict.nsteps - 1];
    CHECK_STR(sight.steps[0].path, "/");
    CHECK_STR(last->path, tap_folder());
    CHECK(S_ISDIR(last->mode));
    CHECK_INT(last->uid, getuid());
    snprintf(path, sizeof(path), "%s", tap_in_folder("hub/none/below"));
    errand.path = path;
    look();
    CHECK_INT(sight.verdict.way_error, ENOENT);
    CHECK_STR(sight.verdict.way_at, tap_in_folder("hub/none"));
    last = &sight.steps[sight.verdict.nsteps - 1];
    CHECK_STR(last->path, tap_in_folder("hub"));
}

TEST("since when it is so stays while nothing changes, and begins anew if it does")
{
    int64_t first;

    make_cache();
    look();
    first = sight.verdict.since_wall;
    CHECK_INT(first, sight.verdict.taken_wall);
    sight.verdict.since_wall = first - 3600;
    look();
    CHECK_INT(sight.verdict.since_wall, first - 3600);
    REQUIRE_INT(chmod(tap_in_folder("hub"), 0770), 0);
    look();
    CHECK(sight.verdict.since_wall >= first);
    sight.verdict.since_wall = first - 3600;
    errand.path = tap_in_folder("none");
    look();
    CHECK(sight.verdict.since_wall >= first);
}

TEST("a way of more steps than there is room for is kept as far as there is")
{
    char path[PATH_MAX];
    size_t length;

    make_cache();
    snprintf(path, sizeof(path), "%s", tap_folder());
    for (unsigned i = 0; i < 2 * VERDICT_MAX_STEPS; i++) {
        length = strlen(path);
        snprintf(path + length, sizeof(path) - length, "/d");
        REQUIRE_INT(mkdir(path, 0755), 0);
    }
    errand.path = path;
    look();
    CHECK_INT(sight.verdict.way_error, 0);
    CHECK_INT(sight.verdict.nsteps, VERDICT_MAX_STEPS);
}

TEST("an access ACL hides nothing: the gate tells what the group may do")
{
    /* u::rwx g::--- mask::rwx u:4001:rwx o::---, as the kernel has it */
    static const unsigned char acl[] = {
        2, 0, 0, 0,  1,  0, 7, 0, 255,  255, 255, 255, 2, 0,
        7, 0, 0xa1, 0xf, 0, 0, 4, 0,   0,   0,   255, 255, 255, 255,
        16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255};
    struct stat st;

    make_cache();
    if (setxattr(tap_in_folder("hub/.locks"), "system.posix_acl_access", acl,
                 sizeof(acl), 0) < 0)
        SKIP("this file system has no ACLs");
    REQUIRE_INT(stat(tap_in_folder("hub/.locks"), &st), 0);
    CHECK_INT(st.st_mode & 0770, 0770);
    look();
    CHECK_INT(sight.verdict.gate[GATE_LOCKS].mode & 0770, 0700);
}

TEST("an absent cache, an absent hub, a hub that is a link")
{
    errand = (struct errand){.path = tap_in_folder("none")};
    look();
    CHECK_INT(sight.verdict.way_error, ENOENT);
    CHECK_STR(sight.verdict.way_at, tap_in_folder("none"));
    errand.path = tap_folder();
    look();
    CHECK_INT(sight.verdict.way_error, 0);
    CHECK_INT(sight.verdict.gate[GATE_HUB].error, ENOENT);
    make_folder("real", 02770);
    REQUIRE_INT(symlink("real", tap_in_folder("hub")), 0);
    look();
    CHECK(S_ISLNK(sight.verdict.gate[GATE_HUB].mode));
    CHECK_INT(sight.verdict.gate[GATE_LOCKS].error, ELOOP);
}

TEST("drift below is named until it is mended or gone")
{
    const struct drift *drift;

    make_cache();
    make_folder("hub/models--good", 02770);
    make_folder("hub/models--moved", 0755);
    make_folder("hub/models--gone", 02755);
    make_folder("hub/other", 0700);
    look();
    CHECK_INT(sight.verdict.ndrifts, 2);
    drift = find_drift("hub/models--moved", getuid());
    REQUIRE(drift != NULL);
    CHECK_INT(drift->what, DRIFT_SETGID | DRIFT_CLOSED);
    drift = find_drift("hub/models--gone", getuid());
    REQUIRE(drift != NULL);
    CHECK_INT(drift->what, DRIFT_CLOSED);
    chmod(tap_in_folder("hub/models--moved"), 02775);
    REQUIRE_INT(rmdir(tap_in_folder("hub/models--gone")), 0);
    look();
    CHECK_INT(sight.verdict.ndrifts, 0);
}

TEST("a lock that not everybody can take is named for its owner")
{
    const struct drift *drift;

    make_cache();
    make_folder("hub/.locks/models--a", 02770);
    tap_write("hub/.locks/models--a/good.lock", "");
    chmod(tap_in_folder("hub/.locks/models--a/good.lock"), 0664);
    look();
    CHECK_INT(sight.verdict.ndrifts, 0);
    tap_write("hub/.locks/models--a/bad.lock", "");
    look();
    drift = find_drift("hub/.locks/models--a", getuid());
    REQUIRE(drift != NULL);
    CHECK_INT(drift->what, DRIFT_LOCK);
    if (getuid() != 0)
        SKIP("the rest needs root to make another's lock");
    tap_write("hub/.locks/models--a/worse.lock", "");
    REQUIRE_INT(lchown(tap_in_folder("hub/.locks/models--a/worse.lock"), 4002,
                       0),
                0);
    look();
    CHECK_INT(sight.verdict.ndrifts, 2);
    CHECK(find_drift("hub/.locks/models--a", 4002) != NULL);
}

TEST("a large cache is seen whole in several looks")
{
    char name[64];
    unsigned looks = 0;

    make_cache();
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "hub/models--m%u", i);
        make_folder(name, i % 50 ? 02770 : 0770);
        snprintf(name, sizeof(name), "hub/.locks/models--m%u", i);
        make_folder(name, 02770);
    }
    do {
        int64_t begun_ms = util_monotonic_ms();

        look();
        CHECK(util_monotonic_ms() - begun_ms < LOOK_MAX_MS + 500);
        looks++;
    } while (!sight.verdict.round_wall && looks < 100);
    CHECK(looks > 3 && looks < 30);
    CHECK_INT(sight.verdict.ndrifts, 10);
    for (unsigned i = 0; i < 500; i += 50) {
        snprintf(name, sizeof(name), "hub/models--m%u", i);
        CHECK(find_drift(name, getuid()) != NULL);
    }
}

TEST("more drift of one owner than is named comes in its turn")
{
    char name[64];
    unsigned looks = 0;

    make_cache();
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "hub/models--m%u", i);
        make_folder(name, 0770);
    }
    look();
    CHECK_INT(sight.verdict.ndrifts, LOOK_OWNER_DRIFTS);
    CHECK(sight.verdict.more_drifts > 0);
    while (sight.verdict.ndrifts && looks++ < 10) {
        for (size_t i = 0; i < sight.verdict.ndrifts; i++)
            chmod(tap_in_folder(sight.drifts[i].name), 02770);
        look();
    }
    CHECK_INT(looks, 4);
    look();
    CHECK_INT(sight.verdict.more_drifts, 0);
}

TEST("nobody's drift keeps another's from being named")
{
    char name[64];

    if (getuid() != 0)
        SKIP("needs root to make another's folder");
    make_cache();
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "hub/models--m%u", i);
        make_folder(name, 0770);
        REQUIRE_INT(lchown(tap_in_folder(name), 4001, (gid_t)-1), 0);
    }
    make_folder("hub/models--other", 0770);
    REQUIRE_INT(lchown(tap_in_folder("hub/models--other"), 4002, (gid_t)-1),
                0);
    for (unsigned i = 0; i < 6; i++)
        look();
    CHECK(find_drift("hub/models--other", 4002) != NULL);
}

TEST("what its owner closed is named, but not for his login to open")
{
    const struct drift *drift;
    struct own_drifts own;

    make_cache();
    make_folder("hub/models--mine", 02700);
    look();
    drift = find_drift("hub/models--mine", getuid());
    REQUIRE(drift != NULL);
    CHECK_INT(drift->what, DRIFT_CLOSED | DRIFT_KEPT);
    decision_own_drifts(&sight.verdict, NULL, getuid(), &own);
    CHECK_INT(own.count, 0);
}

TEST("what an owner closed does not hide what his login would mend")
{
    char name[64];

    make_cache();
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "hub/models--closed%u", i);
        make_folder(name, 02700);
    }
    make_folder("hub/models--moved", 0770);
    look();
    CHECK(find_drift("hub/models--moved", getuid()) != NULL);
    CHECK_INT(sight.verdict.ndrifts, LOOK_OWNER_KEPT + 1);
}

TEST("he who logs in finds a place, whoever filled the list")
{
    char name[64];

    if (getuid() != 0)
        SKIP("needs root to make others' folders");
    make_cache();
    errand.uid = 4999;
    for (unsigned i = 0; i < 320; i++) {
        snprintf(name, sizeof(name), "hub/models--m%u", i);
        make_folder(name, 0770);
        REQUIRE_INT(lchown(tap_in_folder(name), 4000 + i / 16, (gid_t)-1), 0);
    }
    for (unsigned i = 0; i < 8; i++)
        look();
    CHECK_INT(sight.verdict.ndrifts, VERDICT_MAX_DRIFTS);
    make_folder("hub/models--mine", 0770);
    REQUIRE_INT(lchown(tap_in_folder("hub/models--mine"), 4999, (gid_t)-1), 0);
    for (unsigned i = 0; i < 8 && !find_drift("hub/models--mine", 4999); i++)
        look();
    CHECK(find_drift("hub/models--mine", 4999) != NULL);
}

TEST("a name that the Hub does not allow is no repository")
{
    make_cache();
    make_folder("hub/models--a b", 0770);
    make_folder("hub/models--\xc3\xa4", 0770);
    look();
    CHECK_INT(sight.verdict.ndrifts, 0);
}

/* Folder `name` of .locks with `count` locks, of which `closed` is 0600. */
static void
make_locks(const char *name, unsigned count, unsigned closed)
{
    make_folder(name, 02770);
    REQUIRE_INT(chdir(tap_in_folder(name)), 0);
    for (unsigned i = 0; i < count; i++) {
        char lock[32];

        snprintf(lock, sizeof(lock), "%u.lock", i);
        REQUIRE_INT(mknod(lock, S_IFREG, 0), 0);
        chmod(lock, i == closed ? 0600 : 0664);
    }
}

TEST("one closed lock among many is found, and forgotten once mended")
{
    make_cache();
    for (unsigned closed = 0; closed < 900; closed += 299) {
        char name[64];

        snprintf(name, sizeof(name), "hub/.locks/models--%u", closed);
        make_locks(name, 900, closed);
        for (unsigned i = 0; i < 40 && !find_drift(name, getuid()); i++)
            look();
        CHECK(find_drift(name, getuid()) != NULL);
        snprintf(name, sizeof(name), "hub/.locks/models--%u/%u.lock", closed,
                 closed);
        chmod(tap_in_folder(name), 0660);
    }
    for (unsigned i = 0; i < 60; i++)
        look();
    CHECK_INT(sight.verdict.ndrifts, 0);
}

TEST("below a hub/.locks that is not root's nothing is named")
{
    make_cache();
    make_folder("hub/.locks/models--a", 0770);
    look();
    CHECK_INT(sight.verdict.ndrifts, 1);
    errand.locks_uid = getuid() + 1;
    look();
    CHECK_INT(sight.verdict.ndrifts, 0);
    CHECK(sight.verdict.round_wall > 0);
}

TEST("a lock folder with drift does not stop the look")
{
    make_cache();
    make_locks("hub/.locks/models--a", 3000, 7);
    chmod(tap_in_folder("hub/.locks/models--a"), 0755);
    make_folder("hub/.locks/models--z", 0770);
    make_folder("hub/models--new", 0770);
    for (unsigned i = 0; i < 8; i++)
        look();
    CHECK(find_drift("hub/models--new", getuid()) != NULL);
    CHECK(find_drift("hub/.locks/models--a", getuid()) != NULL);
    CHECK(find_drift("hub/.locks/models--z", getuid()) != NULL);
    CHECK(sight.verdict.round_wall > 0);
}

TEST("a folder that cannot be read is told, and stops no later look")
{
    make_cache();
    make_folder("hub/models--a", 0770);
    look();
    CHECK_INT(sight.verdict.unread_error, 0);
    sight.verdict.round_wall = 1;
    forbid(SYS_getdents64, EIO);
    for (unsigned i = 0; i < 2; i++) {
        look();
        CHECK_INT(sight.verdict.unread_error, EIO);
        CHECK_STR(sight.unread_at, "hub");
        CHECK_STR(sight.cursor, "");
        CHECK_INT(sight.verdict.round_wall, 1);
        CHECK(find_drift("hub/models--a", getuid()) != NULL);
    }
}

TEST("a closed listing is named for its owner")
{
    const struct drift *drift;

    make_cache();
    make_folder("hub/models--a", 02770);
    make_folder("hub/models--a/trees", 02770);
    tap_write("hub/models--a/trees/0123456789012345678901234567890123456789"
              ".json", "{}");
    chmod(tap_in_folder("hub/models--a/trees/"
                        "0123456789012345678901234567890123456789.json"),
          0600);
    look();
    drift = find_drift("hub/models--a", getuid());
    REQUIRE(drift != NULL);
    CHECK_INT(drift->what, DRIFT_LOCK);
}

TEST("a lock folder that never ends does not stop the look")
{
    char name[64];

    make_cache();
    make_folder("hub/.locks/models--a", 02770);
    REQUIRE_INT(chdir(tap_in_folder("hub/.locks/models--a")), 0);
    for (unsigned i = 0; i < 1500; i++) {
        snprintf(name, sizeof(name), "%u.lock", i);
        REQUIRE_INT(mknod(name, S_IFREG, 0), 0);
        chmod(name, 0664);
    }
    make_folder("hub/.locks/models--z", 0770);
    for (unsigned i = 0; i < 10; i++)
        look();
    CHECK(find_drift("hub/.locks/models--z", getuid()) != NULL);
    CHECK(sight.verdict.round_wall > 0);
}

TAP_MAIN
