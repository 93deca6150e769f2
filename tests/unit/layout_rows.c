/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout, row by row: an inode as it should be, and the same with each bit
 * flipped, another group, owner, ACL, size, age or type.
 */
#include "layout.h"
#include "tap.h"

#define GID 1000
#define D S_IFDIR
#define F S_IFREG
#define L S_IFLNK
#define HEX40 "0123456789abcdef0123456789abcdef01234567"
#define HEX64 HEX40 "0123456789abcdef01234567"
#define REPO "hub/models--a--b"

static const struct layout_rules rules = {GID, 02770, LAYOUT_ACL_AUTO};

/* What a row asks for beyond bits, a letter each. */
#define HAS(row, letter) (strchr((row)->also, letter) != NULL)

/*
 * The rows that ask for bits.  Letters: a has the default ACL, g of any group,
 * r root's, f the frame of the cache, which is nobody's own, o an empty lock
 * that is opened to the group, l a listing that is, e an empty file, t a file
 * of 64 bytes at most.
 */
static const struct row {
    const char *path;
    const char *kind;
    mode_t right;
    mode_t need, deny;
    const char *also;
} rows[] = {
    {"", "cache root", D | 02750, 02050, 0022, "arf"},
    {"datasets", "datasets folder", D | 02770, 02070, 01002, "a"},
    {"datasets/x/y", "datasets folder", D | 02775, 02070, 01002, "a"},
    {"datasets/x.lock", "lock file", F | 0666, 0060, 02000, "o"},
    {"datasets/x/y.lock", "lock file", F | 0660, 0060, 02000, "o"},
    {"datasets/x/y.arrow", "datasets file", F | 0640, 0040, 02002, ""},
    {"hub", "hub", D | 02770, 02770, 05007, "af"},
    {"hub/CACHEDIR.TAG", "tag", F | 0644, 0040, 02000, "g"},
    {"hub/version.txt", "tag", F | 0644, 0040, 02000, "g"},
    {"hub/version_diffusers.txt", "tag", F | 0644, 0040, 02000, "g"},
    {"hub/.locks", "lock folder", D | 02770, 02070, 01002, "arf"},
    {"hub/.locks/models--a", "lock folder", D | 02770, 02070, 01002, "a"},
    {"hub/.locks/m/x.lock", "lock file", F | 0664, 0060, 02000, "o"},
    {"hub/blobs", "blob store", D | 02770, 02770, 05007, "af"},
    {"hub/blobs/3f", "blob store", D | 02770, 02770, 05007, "af"},
    {"hub/blobs/.huggingface-shared-blobs", "marker", F | 0444, 0040, 02222,
     ""},
    {"hub/blobs/3f/" HEX64, "shared payload", F | 0440, 0040, 02333, ""},
    {"hub/blobs/3f/" HEX64 ".lock", "lock file", F | 0666, 0060, 02000, ""},
    {"hub/blobs/3f/" HEX64 ".refs", "reference list", F | 0666, 0060, 02000,
     ""},
    {REPO, "repository", D | 02770, 02070, 01002, "a"},
    {"hub/datasets--a", "repository", D | 02770, 02070, 01002, "a"},
    {"hub/spaces--a", "repository", D | 02770, 02070, 01002, "a"},
    {"hub/kernels--a", "repository", D | 02770, 02070, 01002, "a"},
    {REPO "/blobs", "blob folder", D | 02770, 02070, 0002, "a"},
    {REPO "/blobs/" HEX64, "blob", F | 0640, 0040, 02113, ""},
    {REPO "/refs", "reference folder", D | 02770, 02070, 01002, "a"},
    {REPO "/refs/pr", "reference folder", D | 02770, 02070, 01002, "a"},
    {REPO "/refs/main", "reference", F | 0660, 0060, 02113, "t"},
    {REPO "/refs/pr/1", "reference", F | 0660, 0060, 02113, "t"},
    {REPO "/snapshots", "snapshot folder", D | 02770, 02070, 0002, "a"},
    {REPO "/snapshots/" HEX40 "/a", "snapshot folder", D | 02770, 02070, 0002,
     "a"},
    {REPO "/snapshots/" HEX40 "/a/b", "snapshot file", F | 0644, 0, 02002,
     ""},
    {REPO "/.no_exist", "miss folder", D | 02770, 02070, 01002, "a"},
    {REPO "/.no_exist/" HEX40, "miss folder", D | 02770, 02070, 01002, "a"},
    {REPO "/.no_exist/" HEX40 "/a/b", "miss", F | 0640, 0040, 02113, "e"},
    {REPO "/trees", "tree folder", D | 02770, 02070, 01002, "a"},
    {REPO "/trees/" HEX40 ".json", "tree listing", F | 0640, 0040, 02113, "l"},
};

static struct layout_inode
right_inode(const struct row *row)
{
    return (struct layout_inode){
        .mode = row->right,
        .gid = GID,
        .nlink = S_ISDIR(row->right) ? 7 : 1,
        .size = HAS(row, 'o') || HAS(row, 'e') ? 0 : 40,
        .acl = S_ISDIR(row->right) ? ACL_FACT_2770 : ACL_FACT_NONE,
    };
}

/* Judge step by step from the root, as a walk does. */
static unsigned
judge_stepwise(const char *path, const struct layout_inode *inode,
               struct layout_wanted *wanted, const char **kind)
{
    struct layout_where where = {PLACE_ABOVE, 0};
    char copy[4096], *name = copy, *slash;

    snprintf(copy, sizeof(copy), "%s", path);
    if (*path)
        where.place = layout_enter(where.place, "");
    while ((slash = strchr(name, '/'))) {
        *slash = '\0';
        where.place = layout_enter(where.place, name);
        where.depth++;
        name = slash + 1;
    }
    CHECK_INT(layout_where(path).place, where.place);
    CHECK_INT(layout_where(path).depth, where.depth);
    *kind = layout_kind_in(where, name, inode->mode);
    return layout_judge_in(where, name, inode, &rules, wanted);
}

/*
 * What is wrong is `what`, and mending makes `mode` of it, in group `gid`.
 * By the path and step by step it is all the same.
 */
static void
check(const char *path, const struct layout_inode *inode, unsigned what,
      mode_t mode, gid_t gid)
{
    struct layout_wanted wanted, again;
    const char *kind;
    bool good = CHECK_INT(layout_judge(path, inode, &rules, &wanted), what);

    good = CHECK_INT(wanted.mode, mode & 07777) && good;
    good = CHECK_INT(wanted.gid, gid) && good;
    good = CHECK_INT(layout_is_mendable(inode, &wanted),
                     mode != inode->mode || gid != inode->gid ||
                         wanted.acl != inode->acl) && good;
    good = CHECK_INT(judge_stepwise(path, inode, &again, &kind), what) && good;
    good = CHECK_INT(memcmp(&wanted, &again, sizeof(wanted)), 0) && good;
    good = CHECK_STR(layout_kind(path, inode->mode), kind) && good;
    if (!good)
        tap_note("  of %s, mode %o, uid %u, gid %u", path, inode->mode,
                 inode->uid, inode->gid);
}

/* It is left as it is. */
static void
check_left(const char *path, const struct layout_inode *inode, unsigned what)
{
    check(path, inode, what, inode->mode, inode->gid);
}

#define FOR_EACH_ROW(row)                                                     \
    for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++)

TEST("what is as its row says is right")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);

        check_left(row->path, &inode, 0);
        CHECK_STR(layout_kind(row->path, row->right), row->kind);
        CHECK_INT(row->right & row->need, row->need);
        CHECK_INT(row->right & row->deny, 0);
    }
}

/* What a missing bit is called; of what its owner closed, that too. */
static unsigned
name_missing(const struct row *row, mode_t bit, mode_t left)
{
    if (bit == 02000)
        return DRIFT_SETGID;
    if (HAS(row, 'l'))
        return LAYOUT_LISTING;
    return !layout_is_closed(left) || HAS(row, 'f') || HAS(row, 'o')
               ? DRIFT_CLOSED
               : DRIFT_CLOSED | DRIFT_KEPT;
}

static void
check_bit(const struct row *row, mode_t bit)
{
    struct layout_inode inode = right_inode(row);
    unsigned what = bit == 01000 ? LAYOUT_STICKY | DRIFT_CLOSED : DRIFT_OPEN;

    inode.mode ^= bit;
    if (bit == 04000)
        check_left(row->path, &inode,
                   LAYOUT_SETUID | (row->deny & bit ? DRIFT_OPEN : 0));
    else if (row->deny & bit)
        check(row->path, &inode, what, row->right, GID);
    else if (!(row->need & bit))
        check_left(row->path, &inode, 0);
    else if (name_missing(row, bit, inode.mode) & DRIFT_KEPT)
        check_left(row->path, &inode, name_missing(row, bit, inode.mode));
    else
        check(row->path, &inode, name_missing(row, bit, inode.mode),
              row->right, GID);
}

TEST("each bit is needed, forbidden, or nobody's business")
{
    FOR_EACH_ROW(row)
        for (mode_t bit = 1; bit <= 04000; bit <<= 1)
            check_bit(row, bit);
}

TEST("what its owner closed to the group stays closed")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);
        bool is_opened = HAS(row, 'o') || HAS(row, 'l') || HAS(row, 'f');
        unsigned what = HAS(row, 'g') ? 0 : DRIFT_GROUP;

        inode.mode &= ~(mode_t)077;
        inode.gid = 7;
        if (is_opened)
            check(row->path, &inode,
                  what | (HAS(row, 'l') ? LAYOUT_LISTING : DRIFT_CLOSED),
                  inode.mode | (row->need & 070), GID);
        else
            check_left(row->path, &inode,
                       what | DRIFT_KEPT |
                           (row->need & 070 ? DRIFT_CLOSED : 0));
    }
}

TEST("2.5.5: what a repair was cut off at is not closed: the next one goes on")
{
    FOR_EACH_ROW(row)
        for (mode_t bits = 0; bits < 01000; bits++) {
            struct layout_inode inode = right_inode(row);
            struct layout_wanted wanted, again;

            inode.mode = (inode.mode & S_IFMT) | bits;
            inode.gid = 7;
            (void)layout_judge(row->path, &inode, &rules, &wanted);
            if (!layout_is_mendable(&inode, &wanted))
                continue;
            inode.mode &= S_IFMT | wanted.mode;
            for (unsigned step = 0; step < 2; step++) {
                (void)layout_judge(row->path, &inode, &rules, &again);
                if (!CHECK_INT(again.mode, wanted.mode) ||
                    !CHECK_INT(again.gid, wanted.gid))
                    tap_note("%s %o", row->path, bits);
                inode.gid = wanted.gid;
            }
        }
}

TEST("the group is the cache's, but of tags")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);

        inode.gid = 7;
        if (HAS(row, 'g'))
            check_left(row->path, &inode, 0);
        else
            check(row->path, &inode, DRIFT_GROUP, row->right, GID);
    }
}

TEST("the root and hub/.locks are root's, all else is anybody's")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);

        inode.uid = 4001;
        check_left(row->path, &inode, HAS(row, 'r') ? LAYOUT_OWNER : 0);
    }
}

TEST("folders have the default ACL")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);
        struct layout_wanted wanted;

        inode.acl = ACL_FACT_NONE;
        CHECK_INT(HAS(row, 'a'), S_ISDIR(row->right));
        CHECK_INT(layout_judge(row->path, &inode, &rules, &wanted),
                  HAS(row, 'a') ? DRIFT_ACL : 0);
        CHECK_INT(wanted.acl, HAS(row, 'a') ? ACL_FACT_2770 : ACL_FACT_NONE);
        CHECK_INT(layout_is_mendable(&inode, &wanted), HAS(row, 'a'));
        inode.acl = ACL_FACT_OTHER;
        check_left(row->path, &inode, HAS(row, 'a') ? LAYOUT_OTHER_ACL : 0);
    }
}

TEST("a second link, an ACL with names: whatever else is wrong stays so")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);
        unsigned what = HAS(row, 'g') ? 0 : DRIFT_GROUP;

        inode.gid = 7;
        inode.extended = true;
        check_left(row->path, &inode, what | LAYOUT_NAMES);
        if (S_ISDIR(row->right))
            continue;
        inode.extended = false;
        inode.nlink = 2;
        check_left(row->path, &inode, what | LAYOUT_LINKS);
    }
}

TEST("locks, misses and references hold next to nothing")
{
    FOR_EACH_ROW(row)
    {
        struct layout_inode inode = right_inode(row);
        bool is_empty = HAS(row, 'o') || HAS(row, 'e');

        inode.size = is_empty ? 1 : 65;
        check_left(row->path, &inode, HAS(row, 'e') ? LAYOUT_MISS : 0);
        inode.gid = 7;
        if (HAS(row, 'o') || HAS(row, 't'))
            check_left(row->path, &inode, DRIFT_GROUP | LAYOUT_FILLED);
        else if (HAS(row, 'e'))
            check_left(row->path, &inode, DRIFT_GROUP | LAYOUT_MISS);
        else if (!HAS(row, 'g'))
            check(row->path, &inode, DRIFT_GROUP, row->right, GID);
        inode.size = is_empty ? 0 : 64;
        if (!HAS(row, 'g'))
            check(row->path, &inode, DRIFT_GROUP, row->right, GID);
    }
}

TEST("pipes, sockets and devices stand nowhere")
{
    static const mode_t types[] = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK};

    FOR_EACH_ROW(row)
        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
            struct layout_inode inode = right_inode(row);
            struct layout_wanted wanted;

            inode.mode = types[i] | 0600;
            CHECK_INT(layout_judge(row->path, &inode, &rules, &wanted) &
                          LAYOUT_ALARMS,
                      LAYOUT_SPECIAL);
            CHECK(!layout_is_mendable(&inode, &wanted));
        }
}

/* --- what is not judged by its bits -------------------------------------- */

/* Whatever it is, it is left; `what` is wrong with it when it is a day old. */
static const struct loose {
    const char *path;
    const char *kind;
    mode_t type;
    unsigned what;
} loose_rows[] = {
    {"datasets/x.incomplete", "temporary file", F, LAYOUT_OLD},
    {"datasets/x/y", "datasets link", L, 0},
    {"hub/tmp1a2b", "temporary folder", D, LAYOUT_OLD},
    {"hub/tmp1a2b", "temporary file", F, LAYOUT_OLD},
    {"hub/tmp1a2b", "temporary file", L, LAYOUT_OLD},
    {"hub/tmp1a2b/a", "temporary file", F, LAYOUT_OLD},
    {"hub/tmp1a2b/a", "temporary file", L, LAYOUT_OLD},
    {"hub/tmp1a2b/a/b", "temporary folder", D, LAYOUT_OLD},
    {"hub/blobs/tmp_1a", "temporary file", F, LAYOUT_OLD},
    {"hub/blobs/.huggingface-shared-blobs.1a2b3c4d.tmp", "temporary file", F,
     LAYOUT_OLD},
    {"hub/blobs/3f/" HEX64 ".incomplete", "temporary file", F, LAYOUT_OLD},
    {"hub/blobs/3f/" HEX64 ".lock.soft", "temporary file", F, LAYOUT_OLD},
    {"hub/blobs/3f/tmp_1a", "temporary file", F, LAYOUT_OLD},
    {"hub/blobs/3f/.x", "temporary file", F, LAYOUT_OLD},
    {REPO "/tmp1a2b", "temporary folder", D, LAYOUT_OLD},
    {REPO "/tmp1a2b", "temporary file", F, LAYOUT_OLD},
    {REPO "/tmp1a2b", "temporary file", L, LAYOUT_OLD},
    {REPO "/tmp1a2b/a", "temporary file", F, LAYOUT_OLD},
    {REPO "/blobs/" HEX64 ".1a2b3c4d.incomplete", "temporary file", F,
     LAYOUT_OLD},
    {REPO "/blobs/tmp_1a", "temporary file", F, LAYOUT_OLD},
    {REPO "/blobs/.x", "temporary file", F, LAYOUT_OLD},
    {REPO "/blobs/." HEX64 ".1a2b3c4d.shared", "blob link", L, 0},
    {REPO "/blobs/" HEX64, "blob link", L, 0},
    {REPO "/refs/main.1a2b3c4d.tmp", "temporary file", F, LAYOUT_OLD},
    {REPO "/refs/pr/1.1a2b3c4d.tmp", "temporary file", F, LAYOUT_OLD},
    {REPO "/snapshots/" HEX40 "/a/b", "snapshot link", L, 0},
    {REPO "/trees/tmp1a2b", "temporary file", F, LAYOUT_OLD},
    {REPO "/trees/0123.json", "temporary file", F, LAYOUT_OLD},
    {"lost+found", "system folder", D, 0},
    {"CACHEDIR.TAG", "tag", F, 0},
    {"version_x.txt", "tag", F, 0},
    {"token", "token", F, LAYOUT_SECRET},
    {"token", "token", D, LAYOUT_SECRET},
    {"token", "token", L, LAYOUT_SECRET},
    {"stored_tokens", "token", F, LAYOUT_SECRET},
    {"stored_tokens", "token", D, LAYOUT_SECRET},
    {"stored_tokens", "token", L, LAYOUT_SECRET},
    {"token/x", "other", F, 0},
    {"stored_tokens.lock", "lock file", F, LAYOUT_LEFT},
    {".check_for_update_done", "time stamp", F, LAYOUT_LEFT},
    {".check_for_skill_update_done", "time stamp", F, LAYOUT_LEFT},
    {".agent_harnesses.json", "list of agents", F, LAYOUT_LEFT},
    {"sandbox", "sandbox folder", D, LAYOUT_LEFT},
    {"assets", "assets folder", D, LAYOUT_LEFT},
    {"xet", "Xet folder", D, LAYOUT_LEFT},
    {"lerobot", "LeRobot folder", D, LAYOUT_LEFT},
    {"evaluate", "evaluate folder", D, LAYOUT_LEFT},
    {"metrics", "metrics folder", D, LAYOUT_LEFT},
    {"kernels", "kernels folder", D, LAYOUT_LEFT},
    {"diffusers", "diffusers folder", D, LAYOUT_LEFT},
    {"xet/logs", "other", D, 0}, /* what is in such a folder is its part */
    {"xet/logs/x.log", "other", F, 0},
    {"sandbox/pools", "other", D, 0},
    {"assets/x", "other", D, 0},
    {"lerobot/x", "other", D, 0},
    {"evaluate/x", "other", D, 0},
    {"metrics/x", "other", D, 0},
    {"kernels/x", "other", D, 0},
    {"diffusers/x", "other", D, 0},
    {"lost+found/#1", "other", D, 0},
    {"modules", "code folder", D, LAYOUT_CODE},
    {"gradio", "code folder", D, LAYOUT_CODE},
    {"accelerate", "code folder", D, LAYOUT_CODE},
    {"trackio", "code folder", D, LAYOUT_CODE},
    {"modules/x", "code folder", D, LAYOUT_CODE},
    {"gradio/frpc/x", "code file", F, LAYOUT_CODE},
    {"accelerate/x.yaml", "code file", F, LAYOUT_CODE},
    {"trackio/frpc/x", "code file", F, LAYOUT_CODE},
    {"modules/x/y.py", "code file", F, LAYOUT_CODE},
    {"modules/x/y", "code link", L, 0},
    {"modules", "other", L, LAYOUT_UNKNOWN},
    {"xet", "other", L, LAYOUT_UNKNOWN},
    {"datasets", "other", L, LAYOUT_TYPE},
    {"", "other", F, LAYOUT_TYPE},
    {"hub", "other", F, LAYOUT_TYPE},
    {"hub/blobs", "other", L, LAYOUT_TYPE},
    {"hub/blobs/3f", "other", F, LAYOUT_TYPE},
    {REPO, "other", L, LAYOUT_TYPE},
    {REPO "/refs", "other", F, LAYOUT_TYPE},
    {"what", "other", D, LAYOUT_UNKNOWN},
    {"what", "other", F, LAYOUT_UNKNOWN},
    {"what/else", "other", F, 0},
    {"hub/what", "other", D, LAYOUT_UNKNOWN},
    {"hub/what/else", "other", D, 0},
    {"hub/what/else/again", "other", F, 0},
    {"hub/what/else/again", "other", L, 0},
    {"hub/version.txt.x", "other", F, LAYOUT_UNKNOWN},
    {"hub/models--a b", "other", D, LAYOUT_UNKNOWN},
    {"hub/.locks/x", "other", F, LAYOUT_UNKNOWN},
    {"hub/.locks/m/x.locks", "other", F, LAYOUT_UNKNOWN},
    {"hub/.locks/m/x", "other", D, LAYOUT_UNKNOWN},
    {"hub/blobs/3F", "other", D, LAYOUT_UNKNOWN},
    {"hub/blobs/3fa", "other", D, LAYOUT_UNKNOWN},
    {REPO "/blobs/x", "other", D, LAYOUT_UNKNOWN},
    {REPO "/refs/x", "other", L, LAYOUT_UNKNOWN},
    {REPO "/.no_exist/x", "other", L, LAYOUT_UNKNOWN},
    {REPO "/trees/x", "other", D, LAYOUT_UNKNOWN},
    {REPO "/what", "other", D, LAYOUT_UNKNOWN},
};

TEST("what is not judged by its bits is left, whatever they are")
{
    for (size_t i = 0; i < ARRAY_LEN(loose_rows); i++) {
        const struct loose *row = &loose_rows[i];

        CHECK_STR(layout_kind(row->path, row->type), row->kind);
        for (mode_t mode = 0; mode < 04000; mode += 11) {
            struct layout_inode inode = {.mode = row->type | mode,
                                         .uid = 4001,
                                         .gid = 7,
                                         .nlink = 1,
                                         .size = 5};

            check_left(row->path, &inode, row->what);
            inode.young = true;
            check_left(row->path, &inode, row->what & ~(unsigned)LAYOUT_OLD);
        }
    }
}

TEST("code is right if root alone can change it")
{
    for (size_t i = 0; i < ARRAY_LEN(loose_rows); i++) {
        const struct loose *row = &loose_rows[i];
        struct layout_inode inode = {.mode = row->type | 0755, .nlink = 1};

        if (row->what != LAYOUT_CODE)
            continue;
        check_left(row->path, &inode, 0);
        inode.mode = row->type | 0775;
        check_left(row->path, &inode, LAYOUT_CODE);
        inode.mode = row->type | 0757;
        check_left(row->path, &inode, LAYOUT_CODE);
        inode.mode = row->type | 0755;
        inode.uid = 4001;
        check_left(row->path, &inode, LAYOUT_CODE);
    }
}

TAP_MAIN
