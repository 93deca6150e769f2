/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout, path by path: what is right, what is not, what it should become.
 */
#include <errno.h>

#include "layout.h"
#include "tap.h"

#define GID 1000
#define D S_IFDIR
#define F S_IFREG
#define HEX40 "0123456789abcdef0123456789abcdef01234567"
#define KEPT (DRIFT_CLOSED | DRIFT_KEPT)

static const struct layout_rules rules = {GID, 02770, LAYOUT_ACL_NO};

/* A path, what it is, what is wrong with it, and the mode it should get. */
struct example {
    const char *path;
    mode_t mode;
    unsigned what;
    mode_t wanted; /* 0: stays */
};

static void
check_example(const struct example *example)
{
    struct layout_inode inode = {.mode = example->mode,
                                 .gid = GID,
                                 .nlink = 1,
                                 /* locks and misses are empty files */
                                 .size = strstr(example->path, "/x.lock")
                                             ? 0
                                             : 10,
                                 .young = true};
    struct layout_wanted wanted;
    unsigned what = layout_judge(example->path, &inode, &rules, &wanted);
    mode_t mode = example->wanted ? example->wanted : example->mode & 07777;

    if (!CHECK_INT(what, example->what) || !CHECK_INT(wanted.mode, mode))
        tap_note("of %s, mode %o", example->path, example->mode);
    CHECK_INT(wanted.gid, GID);
    CHECK_INT(layout_is_mendable(&inode, &wanted), example->wanted != 0);
}

#define CHECK_EXAMPLES(...)                                                  \
    do {                                                                     \
        static const struct example examples[] = {__VA_ARGS__};              \
                                                                             \
        for (size_t i = 0; i < ARRAY_LEN(examples); i++)                     \
            check_example(&examples[i]);                                     \
    } while (0)

TEST("what clients make on purpose is right as it is")
{
    CHECK_EXAMPLES(
        {"", D | 02750, 0, 0}, {"", D | 02755, 0, 0},
        {"hub", D | 02770, 0, 0},
        {"hub/CACHEDIR.TAG", F | 0644, 0, 0},
        {"hub/blobs/.huggingface-shared-blobs", F | 0444, 0, 0},
        {"hub/blobs/.huggingface-shared-blobs", F | 0440, 0, 0},
        {"hub/blobs/3f/" HEX40, F | 0444, 0, 0},
        {"hub/blobs/3f/" HEX40, F | 0440, 0, 0},
        {"hub/blobs/3f/" HEX40 ".lock", F | 0666, 0, 0},
        {"hub/blobs/3f/" HEX40 ".refs", F | 0666, 0, 0},
        {"hub/blobs/3f/" HEX40 ".incomplete", F | 0600, 0, 0},
        {"hub/.locks/models--a--b/x.lock", F | 0664, 0, 0},
        {"hub/.locks/models--a--b/x.lock", F | 0666, 0, 0},
        {"hub/.locks/models--a--b/x.lock", F | 0775, 0, 0},
        {"hub/models--a--b/blobs/" HEX40, F | 0644, 0, 0},
        {"hub/models--a--b/blobs/" HEX40, F | 0664, 0, 0},
        {"hub/models--a--b/blobs/" HEX40, S_IFLNK | 0777, 0, 0},
        {"hub/models--a--b/blobs", D | 03770, 0, 0},
        {"hub/models--a--b/snapshots/x", D | 03770, 0, 0},
        {"hub/models--a--b/blobs/x.1a2b.incomplete", F | 0600, 0, 0},
        {"hub/models--a--b/blobs/tmp_4711", F | 0600, 0, 0},
        {"hub/models--a--b/refs/main", F | 0660, 0, 0},
        {"hub/models--a--b/refs/pr/1", F | 0664, 0, 0},
        {"hub/models--a--b/refs/main.1a2b.tmp", F | 0600, 0, 0},
        {"hub/models--a--b/snapshots/x/y/z", S_IFLNK | 0777, 0, 0},
        {"hub/models--a--b/snapshots/x/sidecar.lock", F | 0644, 0, 0},
        {"hub/models--a--b/snapshots/x/run.sh", F | 0755, 0, 0},
        {"hub/models--a--b/.no_exist/x/x.lock", F | 0640, 0, 0},
        {"hub/models--a--b/trees/tmpab12", F | 0600, 0, 0},
        {"lost+found", D | 0700, 0, 0}, );
}

TEST("folders: setgid and rwx for the group, nothing for writing others")
{
    CHECK_EXAMPLES(
        {"hub/models--a--b", D | 0770, DRIFT_SETGID, 02770},
        {"hub/models--a--b", D | 02755, DRIFT_CLOSED, 02775},
        {"hub/models--a--b", D | 0700,
         DRIFT_CLOSED | DRIFT_SETGID | DRIFT_KEPT, 0},
        {"hub/models--a--b", D | 02777, DRIFT_OPEN, 02775},
        {"hub/datasets--a--b", D | 0770, DRIFT_SETGID, 02770},
        {"hub/spaces--a--b", D | 0770, DRIFT_SETGID, 02770},
        {"hub/kernels--a--b", D | 0770, DRIFT_SETGID, 02770},
        {"hub/models--a--b/refs/pr", D | 0770, DRIFT_SETGID, 02770},
        {"hub/models--a--b/snapshots/x/y", D | 0770, DRIFT_SETGID, 02770},
        {"hub/.locks", D | 0770, DRIFT_SETGID, 02770},
        {"hub/.locks/models--a--b", D | 0770, DRIFT_SETGID, 02770},
        {"hub/models--a--b/refs", D | 03770, LAYOUT_STICKY | DRIFT_CLOSED,
         02770},
        {"hub/.locks", D | 03770, LAYOUT_STICKY | DRIFT_CLOSED, 02770},
        {"", D | 02770, DRIFT_OPEN, 02750},
        {"", D | 0700, DRIFT_CLOSED | DRIFT_SETGID, 02750}, );
}

TEST("hub and its blob store have exactly the policy's mode")
{
    CHECK_EXAMPLES(
        {"hub", D | 02775, DRIFT_OPEN, 02770},
        {"hub", D | 03770, LAYOUT_STICKY | DRIFT_CLOSED, 02770},
        {"hub/blobs", D | 02775, DRIFT_OPEN, 02770},
        {"hub/blobs/3f", D | 02775, DRIFT_OPEN, 02770},
        {"hub/blobs/3f", D | 02750, DRIFT_CLOSED, 02770}, );
}

TEST("files: what the group needs, and no more than the layout names")
{
    CHECK_EXAMPLES(
        {"hub/.locks/models--a--b/x.lock", F | 0644, DRIFT_CLOSED, 0664},
        {"hub/.locks/models--a--b/x.lock", F | 0755, DRIFT_CLOSED, 0775},
        {"hub/models--a--b/refs/main", F | 0644, DRIFT_CLOSED, 0664},
        {"hub/models--a--b/refs/main", F | 0775, DRIFT_OPEN, 0664},
        {"hub/models--a--b/blobs/x", F | 0755, DRIFT_OPEN, 0644},
        {"hub/models--a--b/blobs/x", F | 0646, DRIFT_OPEN, 0644},
        {"hub/models--a--b/blobs/x", F | 02644, DRIFT_OPEN, 0644},
        {"hub/blobs/3f/x", F | 0664, DRIFT_OPEN, 0444},
        {"hub/blobs/3f/x", F | 02474, DRIFT_OPEN, 0444},
        {"hub/blobs/.huggingface-shared-blobs", F | 0644, DRIFT_OPEN, 0444},
        {"hub/models--a--b/snapshots/x/f", F | 0646, DRIFT_OPEN, 0644}, );
}

TEST("a file that its owner closed is told, and stays closed")
{
    CHECK_EXAMPLES({"hub/models--a--b/blobs/x", F | 0600, KEPT, 0},
                   {"hub/models--a--b/blobs/x", F | 0400, KEPT, 0},
                   {"hub/models--a--b/blobs/x", F | 0604, KEPT, 0},
                   {"hub/models--a--b/blobs/x", F | 0710,
                    KEPT | DRIFT_OPEN, 0},
                   {"hub/models--a--b/refs/main", F | 0620, KEPT, 0},
                   {"hub/blobs/3f/x", F | 0400, KEPT, 0},
                   {"hub/models--a--b/refs/main", F | 0600, KEPT, 0},
                   {"hub/models--a--b/.no_exist/x/x.lock", F | 0600, KEPT, 0},
                   {"hub/models--a--b/snapshots/x/f", F | 0600, 0, 0},
                   {"hub/.locks/m/full.lock", F | 0600, KEPT | LAYOUT_FILLED,
                    0}, );
}

TEST("what is called a lock but tells something is left as it is")
{
    struct layout_inode inode = {
        .mode = F | 0640, .gid = 77, .nlink = 1, .size = 5};
    struct layout_wanted wanted;

    (void)layout_judge("hub/.locks/models--a/secret.lock", &inode, &rules,
                       &wanted);
    CHECK(!layout_is_mendable(&inode, &wanted));
    inode.size = 0;
    (void)layout_judge("hub/.locks/models--a/secret.lock", &inode, &rules,
                       &wanted);
    CHECK_INT(wanted.gid, GID);
    CHECK_INT(wanted.mode, 0660);
}

TEST("below a lock folder there are lock files and nothing else")
{
    struct layout_inode inode = {.mode = F | 0640, .gid = 77, .nlink = 1};
    struct layout_wanted wanted;

    CHECK_INT(layout_judge("hub/.locks/models--a/secret.txt", &inode, &rules,
                           &wanted) & LAYOUT_UNKNOWN, LAYOUT_UNKNOWN);
    CHECK(!layout_is_mendable(&inode, &wanted));
    inode.mode = D | 0750;
    CHECK_INT(layout_judge("hub/.locks/models--a/private", &inode, &rules,
                           &wanted) & LAYOUT_UNKNOWN, LAYOUT_UNKNOWN);
    CHECK(!layout_is_mendable(&inode, &wanted));
}

TEST("a folder that its owner closed stays closed")
{
    struct layout_inode inode = {.mode = D | 02700, .gid = GID, .nlink = 2};
    struct layout_wanted wanted;

    (void)layout_judge("hub/models--a", &inode, &rules, &wanted);
    CHECK(!layout_is_mendable(&inode, &wanted));
    (void)layout_judge("hub/.locks/models--a", &inode, &rules, &wanted);
    CHECK(!layout_is_mendable(&inode, &wanted));
}

TEST("what is too long for a reference is left as it is")
{
    struct layout_inode inode = {
        .mode = F | 0444, .gid = GID, .nlink = 1, .size = 41};
    struct layout_wanted wanted;

    (void)layout_judge("hub/models--a/refs/main", &inode, &rules, &wanted);
    CHECK_INT(wanted.mode, 0464);
    inode.size = 4096; /* somebody's payload under another name */
    (void)layout_judge("hub/models--a/refs/main", &inode, &rules, &wanted);
    CHECK(!layout_is_mendable(&inode, &wanted));
}

TEST("hub/.locks is root's")
{
    struct layout_inode inode = {
        .mode = D | 02770, .gid = GID, .uid = 4001, .nlink = 2};
    struct layout_wanted wanted;

    CHECK_INT(layout_judge("hub/.locks", &inode, &rules, &wanted),
              LAYOUT_OWNER);
}

TEST("an empty closed lock and a closed listing are opened to the group")
{
    struct layout_inode lock = {.mode = F | 0600, .gid = GID, .nlink = 1};
    struct layout_wanted wanted;

    CHECK_INT(layout_judge("hub/.locks/m/x.lock", &lock, &rules, &wanted),
              DRIFT_CLOSED);
    CHECK_INT(wanted.mode, 0660);
    CHECK_EXAMPLES(
        {"hub/models--a--b/trees/" HEX40 ".json", F | 0600, LAYOUT_LISTING,
         0640},
        {"hub/models--a--b/trees/short.json", F | 0600, 0, 0}, );
}

TEST("an alarm is told, and nothing is changed")
{
    CHECK_EXAMPLES(
        {"token", F | 0600, LAYOUT_SECRET, 0},
        {"stored_tokens", F | 0644, LAYOUT_SECRET, 0},
        {"modules", D | 02770, LAYOUT_CODE, 0},
        {"modules", D | 0755, 0, 0},
        {"hub/models--a--b/blobs/x", F | 04755, LAYOUT_SETUID | DRIFT_OPEN, 0},
        {"hub/models--a--b/blobs/x", S_IFIFO | 0600,
         LAYOUT_SPECIAL | LAYOUT_UNKNOWN, 0},
        {"hub/models--a--b/x", S_IFCHR | 0600, LAYOUT_SPECIAL | LAYOUT_UNKNOWN,
         0},
        {"hub/models--a--b/what", F | 0600, LAYOUT_UNKNOWN, 0},
        {"hub/models--a--b/blobs/d", D | 0700, LAYOUT_UNKNOWN, 0},
        {"hub/what", D | 0700, LAYOUT_UNKNOWN, 0}, );
}

TEST("a file of two links and an ACL that names people are left alone")
{
    struct layout_inode inode = {.mode = F | 0644, .gid = 7, .nlink = 2};
    struct layout_wanted wanted;

    CHECK_INT(layout_judge("hub/models--a--b/blobs/x", &inode, &rules,
                           &wanted),
              DRIFT_GROUP | LAYOUT_LINKS);
    CHECK(!layout_is_mendable(&inode, &wanted));
    inode.nlink = 1;
    inode.extended = true;
    CHECK_INT(layout_judge("hub/models--a--b/blobs/x", &inode, &rules,
                           &wanted),
              DRIFT_GROUP | LAYOUT_NAMES);
    CHECK(!layout_is_mendable(&inode, &wanted));
    inode.extended = false;
    CHECK_INT(layout_judge("hub/models--a--b/blobs/x", &inode, &rules,
                           &wanted),
              DRIFT_GROUP);
    CHECK_INT(wanted.gid, GID);
    CHECK(layout_is_mendable(&inode, &wanted));
}

/* The default ACL's verdict and what it should become. */
static unsigned
judge_acl(mode_t folder, enum acl_fact acl, mode_t mode, enum layout_acl want,
          enum acl_fact *ret)
{
    struct layout_rules own = {GID, mode, (int)want};
    struct layout_inode inode = {.mode = D | folder, .gid = GID, .acl = acl};
    struct layout_wanted wanted;
    unsigned what = layout_judge("hub/models--a", &inode, &own, &wanted);

    *ret = wanted.acl;
    return what;
}

TEST("default ACLs: missing is drift, others' entries are a note")
{
    enum acl_fact to;

    CHECK_INT(judge_acl(02770, ACL_FACT_NONE, 02770, LAYOUT_ACL_AUTO, &to),
              DRIFT_ACL);
    CHECK_INT(to, ACL_FACT_2770);
    CHECK_INT(judge_acl(02775, ACL_FACT_NONE, 02775, LAYOUT_ACL_AUTO, &to),
              DRIFT_ACL);
    CHECK_INT(to, ACL_FACT_2775);
    CHECK_INT(judge_acl(02770, ACL_FACT_NONE, 02775, LAYOUT_ACL_AUTO, &to),
              DRIFT_ACL);
    CHECK_INT(to, ACL_FACT_2770); /* nothing is given to others */
    CHECK_INT(judge_acl(02770, ACL_FACT_2775, 02770, LAYOUT_ACL_AUTO, &to),
              DRIFT_ACL);
    CHECK_INT(to, ACL_FACT_2770);
    CHECK_INT(judge_acl(02775, ACL_FACT_2770, 02775, LAYOUT_ACL_AUTO, &to), 0);
    CHECK_INT(judge_acl(02770, ACL_FACT_OTHER, 02770, LAYOUT_ACL_YES, &to),
              LAYOUT_OTHER_ACL);
    CHECK_INT(to, ACL_FACT_OTHER);
    CHECK_INT(judge_acl(02770, ACL_FACT_UNSUPPORTED, 02770, LAYOUT_ACL_AUTO,
                        &to),
              0);
    CHECK_INT(judge_acl(02770, ACL_FACT_UNSUPPORTED, 02770, LAYOUT_ACL_YES,
                        &to),
              DRIFT_ACL);
    CHECK_INT(judge_acl(02770, ACL_FACT_NONE, 02770, LAYOUT_ACL_NO, &to), 0);
    CHECK_INT(to, ACL_FACT_NONE);
    CHECK_INT(judge_acl(02770, ACL_FACT_2770, 02770, LAYOUT_ACL_NO, &to),
              LAYOUT_OTHER_ACL);
}

TEST("whatever an inode is, nothing that it should be is more open to others")
{
    static const char *const paths[] = {
        "", "hub", "hub/blobs", "hub/blobs/3f", "hub/blobs/3f/x",
        "hub/blobs/3f/x.lock", "hub/.locks", "hub/.locks/a", "hub/.locks/a/b",
        "hub/models--a", "hub/models--a/blobs/x", "hub/models--a/refs/x",
        "hub/models--a/snapshots/x", "hub/models--a/.no_exist/x/y",
        "hub/models--a/trees/" HEX40 ".json", "datasets/a", "datasets/a.lock",
        "hub/CACHEDIR.TAG", "token", "modules", "x",
    };
    const struct layout_rules wide = {GID, 02775, LAYOUT_ACL_AUTO};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        for (mode_t mode = 0; mode < 2 * 010000; mode++) {
            struct layout_inode inode = {
                .mode = (mode & 010000 ? D : F) | (mode & 07777),
                .gid = 5,
                .nlink = 1};
            struct layout_wanted wanted, again;

            layout_judge(paths[i], &inode, &wide, &wanted);
            if (wanted.mode & 07 & ~mode || wanted.mode & ~mode & S_ISUID)
                tap_check(false, __FILE__, __LINE__, paths[i]);
            if (!layout_is_mendable(&inode, &wanted))
                continue;
            inode.mode = (inode.mode & S_IFMT) | wanted.mode;
            inode.gid = wanted.gid;
            inode.acl = wanted.acl;
            layout_judge(paths[i], &inode, &wide, &again);
            if (layout_is_mendable(&inode, &again))
                tap_check(false, __FILE__, __LINE__, "mended again");
        }
    }
}

TEST("the gate: drift of the four folders, blobs against hub's mode")
{
    struct inode_fact hub = {.mode = D | 02770, .gid = GID};
    struct inode_fact fact = hub;
    struct inode_fact absent = {.error = ENOENT};
    struct inode_fact root = {.mode = D | 02750, .gid = GID};

    CHECK_INT(layout_judge_gate(GATE_HUB, &hub, &hub, &rules), 0);
    CHECK_INT(layout_judge_gate(GATE_ROOT, &root, &hub, &rules), 0);
    CHECK_INT(layout_judge_gate(GATE_BLOBS, &absent, &hub, &rules), 0);
    root.uid = 4001;
    CHECK_INT(layout_judge_gate(GATE_ROOT, &root, &hub, &rules), LAYOUT_OWNER);
    fact.mode = D | 0770;
    CHECK_INT(layout_judge_gate(GATE_LOCKS, &fact, &hub, &rules),
              DRIFT_SETGID);
    fact = hub;
    fact.gid = 7;
    CHECK_INT(layout_judge_gate(GATE_BLOBS, &fact, &hub, &rules), DRIFT_GROUP);
    fact = hub;
    hub.mode = D | 02775;
    CHECK_INT(layout_judge_gate(GATE_BLOBS, &fact, &hub, &rules),
              DRIFT_CLOSED);
    fact.mode = D | 02775;
    CHECK_INT(layout_judge_gate(GATE_BLOBS, &fact, &hub, &rules), 0);
}

TEST("kinds have names")
{
    CHECK_STR(layout_kind("hub/.locks/a/b.lock", F), "lock file");
    CHECK_STR(layout_kind("hub/models--a", D), "repository");
    CHECK_STR(layout_kind("hub/who", D), "other");
    CHECK(layout_is_repository("datasets--a--b"));
    CHECK(!layout_is_repository("models-a"));
}

TAP_MAIN
