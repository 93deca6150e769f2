/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout table and how it is read.
 */
#include "layout.h"

#include <string.h>

/* Types, as bits. */
enum { DIR = 1, FILE = 2, LINK = 4, ANY = 7 };

/* What a row says beyond bits. */
enum {
    EXACT = 1,     /* all 12 bits as the policy's mode says */
    ROOTS = 2,     /* belongs to root */
    ACLED = 4,     /* a folder with the default ACL, if the policy wants it */
    NO_GROUP = 8,  /* of any group */
    OPENED = 16,   /* clients make it closed; it is opened to the group */
    TEMP = 32,     /* in progress: nobody's business while it is young */
    SECRET = 64,   /* must not be here */
    CODE = 128,    /* run by others: members must not write it */
    UNKNOWN = 256, /* the layout does not have it */
    TINY = 512,    /* a commit's name: what is longer is something else */
};

#define HEX "0123456789abcdef"
#define STICKY 01000
#define G_RX 02050 /* with setgid, as on every folder */
#define G_RWX 02070
#define O_W 00002
#define X_ALL 00111
#define W_ALL 00222
#define MAX_TINY 64 /* bytes */

/*
 * The layout.  The first row that fits path and type holds.  In a pattern, "@"
 * is a repository's name, "#" two hex digits, "$.json" a commit's listing, "**"
 * one or more names, and each other name a glob.
 */
static const struct row {
    const char *path;
    unsigned types;
    mode_t need; /* bits that must be set */
    mode_t deny; /* bits that must not */
    unsigned flags;
    const char *kind;
} rows[] = {
    /* path, types, need, deny, flags, kind */
    {"", DIR, G_RX, 0022, ROOTS | ACLED, "cache root"},
    {"token", ANY, 0, 0, SECRET, "token"},
    {"stored_tokens", ANY, 0, 0, SECRET, "token"},
    {"modules", ANY, 0, 0022, CODE | NO_GROUP, "code folder"},
    {"gradio", ANY, 0, 0022, CODE | NO_GROUP, "code folder"},
    {"accelerate", ANY, 0, 0022, CODE | NO_GROUP, "code folder"},
    {"trackio", ANY, 0, 0022, CODE | NO_GROUP, "code folder"},
    {"lost+found", ANY, 0, 0, NO_GROUP, "system folder"},

    {"datasets", DIR, G_RWX, O_W | STICKY, ACLED, "datasets folder"},
    {"datasets/**", DIR, G_RWX, O_W | STICKY, ACLED, "datasets folder"},
    {"datasets/**/*.lock", FILE, 0060, 0, OPENED, "lock file"},
    {"datasets/*.lock", FILE, 0060, 0, OPENED, "lock file"},
    {"datasets/**", FILE, 0040, O_W, 0, "datasets file"},
    {"datasets/**", LINK, 0, 0, NO_GROUP, "datasets link"},

    {"hub", DIR, G_RWX, 0, EXACT | ACLED, "hub"},
    {"hub/CACHEDIR.TAG", FILE, 0040, 0, NO_GROUP, "tag"},
    {"hub/version*.txt", FILE, 0040, 0, NO_GROUP, "tag"},
    {"hub/tmp*", ANY, 0, 0, TEMP | NO_GROUP, "temporary file"},

    {"hub/.locks", DIR, G_RWX, O_W | STICKY, ROOTS | ACLED, "lock folder"},
    {"hub/.locks/*", DIR, G_RWX, O_W | STICKY, ACLED, "lock folder"},
    {"hub/.locks/*/*.lock", FILE, 0060, 0, OPENED, "lock file"},

    {"hub/blobs", DIR, G_RWX, 0, EXACT | ACLED, "blob store"},
    {"hub/blobs/.huggingface-shared-blobs", FILE, 0040, W_ALL, 0, "marker"},
    {"hub/blobs/#", DIR, G_RWX, 0, EXACT | ACLED, "blob store"},
    {"hub/blobs/#/*.lock", FILE, 0060, 0, 0, "lock file"},
    {"hub/blobs/#/*.refs", FILE, 0060, 0, 0, "reference list"},
    {"hub/blobs/#/*.incomplete", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/blobs/**/tmp*", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/blobs/tmp*", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/blobs/#/.*", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/blobs/#/*", FILE, 0040, W_ALL | X_ALL, 0, "shared payload"},

    {"hub/@", DIR, G_RWX, O_W | STICKY, ACLED, "repository"},
    {"hub/@/tmp*", ANY, 0, 0, TEMP | NO_GROUP, "temporary file"},
    {"hub/@/blobs", DIR, G_RWX, O_W, ACLED, "blob folder"},
    {"hub/@/blobs/*.incomplete", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/@/blobs/tmp*", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/@/blobs/.*", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/@/blobs/*", FILE, 0040, O_W | X_ALL, 0, "blob"},
    {"hub/@/blobs/*", LINK, 0, 0, NO_GROUP, "blob link"},
    {"hub/@/refs", DIR, G_RWX, O_W | STICKY, ACLED, "reference folder"},
    {"hub/@/refs/**", DIR, G_RWX, O_W | STICKY, ACLED, "reference folder"},
    {"hub/@/refs/**/*.tmp", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/@/refs/*.tmp", FILE, 0, 0, TEMP, "temporary file"},
    {"hub/@/refs/**", FILE, 0060, O_W | X_ALL, TINY, "reference"},
    {"hub/@/snapshots", DIR, G_RWX, O_W, ACLED, "snapshot folder"},
    {"hub/@/snapshots/**", DIR, G_RWX, O_W, ACLED, "snapshot folder"},
    {"hub/@/snapshots/**", LINK, 0, 0, NO_GROUP, "snapshot link"},
    {"hub/@/snapshots/**", FILE, 0, O_W, 0, "snapshot file"},
    {"hub/@/.no_exist", DIR, G_RWX, O_W | STICKY, ACLED, "miss folder"},
    {"hub/@/.no_exist/**", DIR, G_RWX, O_W | STICKY, ACLED, "miss folder"},
    {"hub/@/.no_exist/**", FILE, 0040, O_W | X_ALL, 0, "miss"},
    {"hub/@/trees", DIR, G_RWX, O_W | STICKY, ACLED, "tree folder"},
    {"hub/@/trees/$.json", FILE, 0040, O_W | X_ALL, OPENED, "tree listing"},
    {"hub/@/trees/*", FILE, 0, 0, TEMP, "temporary file"},

    {"**", ANY, 0, 0, UNKNOWN | NO_GROUP, "other"},
};

static const char *const repository_prefixes[] = {
    "models--", "datasets--", "spaces--", "kernels--",
};

/* The Hub's own rule for names, so that none needs escaping anywhere. */
static bool
is_hub_name(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return length <= LAYOUT_MAX_NAME && (!name[length] || name[length] == '/');
}

bool
layout_is_repository(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(repository_prefixes); i++) {
        if (util_has_prefix(name, repository_prefixes[i]))
            return is_hub_name(name);
    }
    return false;
}

/* --- finding the row ----------------------------------------------------- */

/* One name of a path or pattern. */
struct name {
    const char *start;
    size_t length;
};

static struct name
first_name(const char *path)
{
    return (struct name){path, strcspn(path, "/")};
}

static const char *
after_name(struct name name)
{
    return name.start + name.length + (name.start[name.length] == '/');
}

/* A glob of this table has one "*" at most. */
static bool
glob_fits(struct name glob, struct name name)
{
    const char *star = memchr(glob.start, '*', glob.length);
    size_t head = star ? (size_t)(star - glob.start) : glob.length;
    size_t tail = star ? glob.length - head - 1 : 0;

    if (star ? name.length < head + tail : name.length != head)
        return false;
    return memcmp(name.start, glob.start, head) == 0 &&
           (!tail || memcmp(name.start + name.length - tail, star + 1, tail) ==
                         0);
}

static bool
name_fits(struct name pattern, struct name name)
{
    switch (*pattern.start) {
    case '@':
        return layout_is_repository(name.start);
    case '#':
        return name.length == 2 && strspn(name.start, HEX) == 2;
    case '$':
        return strspn(name.start, HEX) == 40 && name.length == 45 &&
               memcmp(name.start + 40, ".json", 5) == 0;
    default:
        return glob_fits(pattern, name);
    }
}

/* The last name of a path, which is not empty. */
static struct name
last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return first_name(slash ? slash + 1 : path);
}

static bool
path_fits(const char *pattern, const char *path)
{
    while (*pattern && *path) {
        struct name want = first_name(pattern);
        struct name have = first_name(path);
        bool is_rest = want.length == 2 && memcmp(want.start, "**", 2) == 0;

        pattern = after_name(want);
        if (is_rest && !*pattern)
            return true;
        if (is_rest) /* "**" then one name: the last of at least two */
            return *after_name(have) &&
                   name_fits(first_name(pattern), last_name(path));
        if (!name_fits(want, have))
            return false;
        path = after_name(have);
    }
    return !*pattern && !*path;
}

static unsigned
type_bit(mode_t mode)
{
    if (S_ISDIR(mode))
        return DIR;
    if (S_ISREG(mode))
        return FILE;
    return S_ISLNK(mode) ? LINK : 0;
}

static const struct row *
find_row(const char *path, mode_t mode)
{
    unsigned type = type_bit(mode);
    size_t last = ARRAY_LEN(rows) - 1;

    for (size_t i = 0; i < last; i++) {
        if (rows[i].types & type && path_fits(rows[i].path, path))
            return &rows[i];
    }
    return &rows[last];
}

const char *
layout_kind(const char *path, mode_t mode)
{
    return find_row(path, mode)->kind;
}

/* --- judging ------------------------------------------------------------- */

static mode_t
needed_bits(const struct row *row, const struct layout_rules *rules)
{
    return row->flags & EXACT ? rules->mode & 07777 : row->need;
}

static mode_t
denied_bits(const struct row *row, mode_t mode,
            const struct layout_rules *rules)
{
    if (row->flags & EXACT)
        return 07777 & ~rules->mode;
    /* Setgid belongs on folders alone; setuid raises an alarm instead. */
    return row->deny | (S_ISDIR(mode) ? 0 : 02000);
}

static unsigned
judge_bits(mode_t missing, mode_t surplus)
{
    unsigned what = 0;

    if (missing & 02000)
        what |= DRIFT_SETGID;
    if (missing & 0777)
        what |= DRIFT_CLOSED;
    if (surplus & 06777)
        what |= DRIFT_OPEN;
    if (surplus & STICKY)
        what |= LAYOUT_STICKY | DRIFT_CLOSED;
    return what;
}

/* Bits and group; others are never given any. */
static unsigned
judge_access(const struct row *row, const struct layout_inode *inode,
             const struct layout_rules *rules, struct layout_wanted *wanted)
{
    mode_t mode = inode->mode & 07777;
    mode_t missing = needed_bits(row, rules) & ~mode;
    mode_t surplus = mode & denied_bits(row, inode->mode, rules);
    unsigned what = judge_bits(missing, surplus);

    wanted->mode = (mode | (missing & ~(mode_t)07)) & ~surplus;
    if (!(row->flags & NO_GROUP) && inode->gid != rules->gid) {
        what |= DRIFT_GROUP;
        wanted->gid = rules->gid;
    }
    return what;
}

/* What the default ACL of a folder should be made, if it has none. */
static enum acl_fact
choose_acl(mode_t mode, const struct layout_rules *rules)
{
    bool for_others = (rules->mode & 05) == 05 && (mode & 05) == 05;

    return for_others ? ACL_FACT_2775 : ACL_FACT_2770;
}

static unsigned
judge_acl(const struct layout_inode *inode, const struct layout_rules *rules,
          struct layout_wanted *wanted)
{
    bool has_none = inode->acl == ACL_FACT_NONE ||
                    inode->acl == ACL_FACT_UNSUPPORTED;

    if (rules->acl == LAYOUT_ACL_NO)
        return has_none ? 0 : LAYOUT_NOTE;
    switch (inode->acl) {
    case ACL_FACT_NONE:
        wanted->acl = choose_acl(inode->mode, rules);
        return DRIFT_ACL;
    case ACL_FACT_2770:
        return 0;
    case ACL_FACT_2775:
        if (rules->mode & 05)
            return 0;
        wanted->acl = ACL_FACT_2770;
        return DRIFT_ACL;
    case ACL_FACT_OTHER:
        return LAYOUT_NOTE;
    case ACL_FACT_UNSUPPORTED:
        break;
    }
    return rules->acl == LAYOUT_ACL_YES ? DRIFT_ACL : 0;
}

/*
 * A file that its owner closed to the group, not one that clients close; or
 * what is called a lock but tells something, whoever put it there.
 */
static bool
is_private_file(const struct row *row, const struct layout_inode *inode)
{
    if (!S_ISREG(inode->mode))
        return false;
    if (row->flags & OPENED && row->need & 020)
        return inode->size != 0;
    if (row->flags & TINY && inode->size > MAX_TINY)
        return true;
    return !(inode->mode & 070) && !(row->flags & OPENED);
}

/*
 * A folder that its owner closed to the group, or that somebody else may have
 * moved here in that state.  The frame of the cache is nobody's own.
 */
static bool
is_private_folder(const struct row *row, const struct layout_inode *inode)
{
    return S_ISDIR(inode->mode) && !(inode->mode & 070) &&
           !(row->flags & (ROOTS | EXACT));
}

/* What no mending touches. */
static unsigned
judge_oddity(const struct row *row, const struct layout_inode *inode)
{
    unsigned what = 0;

    if (!type_bit(inode->mode) || inode->mode & S_ISUID)
        what |= LAYOUT_ALARM;
    if (row->flags & SECRET)
        what |= LAYOUT_ALARM;
    if (row->flags & CODE && inode->mode & 0022)
        what |= LAYOUT_ALARM;
    if (S_ISREG(inode->mode) && inode->nlink > 1)
        what |= LAYOUT_LINKS;
    if (inode->extended)
        what |= LAYOUT_NOTE;
    return what;
}

static struct layout_wanted
leave_as_it_is(const struct layout_inode *inode)
{
    return (struct layout_wanted){.mode = inode->mode & 07777,
                                  .gid = inode->gid,
                                  .acl = inode->acl};
}

unsigned
layout_judge(const char *path, const struct layout_inode *inode,
             const struct layout_rules *rules,
             struct layout_wanted *ret_wanted)
{
    const struct row *row = find_row(path, inode->mode);
    struct layout_wanted wanted = leave_as_it_is(inode);
    unsigned odd = judge_oddity(row, inode);
    unsigned what = 0;

    *ret_wanted = wanted;
    if (S_ISLNK(inode->mode) || row->flags & (UNKNOWN | CODE | SECRET))
        return odd | (row->flags & UNKNOWN ? LAYOUT_UNKNOWN : 0);
    if (row->flags & TEMP)
        return odd | (inode->young ? 0 : LAYOUT_NOTE);
    if (row->flags & ROOTS && inode->uid != 0)
        what |= LAYOUT_OWNER;
    what |= judge_access(row, inode, rules, &wanted);
    if (row->flags & ACLED)
        what |= judge_acl(inode, rules, &wanted);
    if (row->flags & OPENED && !(row->need & 020) && what == DRIFT_CLOSED)
        what = LAYOUT_NOTE; /* clients make listings 0600 */
    if (!odd && !is_private_file(row, inode) &&
        !is_private_folder(row, inode))
        *ret_wanted = wanted;
    return odd | what;
}

bool
layout_is_mendable(const struct layout_inode *inode,
                   const struct layout_wanted *wanted)
{
    return wanted->mode != (inode->mode & 07777) ||
           wanted->gid != inode->gid || wanted->acl != inode->acl;
}

unsigned
layout_judge_gate(enum gate gate, const struct inode_fact *fact,
                  const struct inode_fact *hub,
                  const struct layout_rules *rules)
{
    static const char *const paths[GATES] = {"", "hub", "hub/.locks",
                                             "hub/blobs"};
    struct layout_rules its_rules = *rules;
    struct layout_inode inode = {
        .mode = fact->mode,
        .uid = fact->uid,
        .gid = fact->gid,
        .nlink = 1,
        .acl = fact->acl,
    };
    struct layout_wanted wanted;

    if (fact->error)
        return 0;
    if (gate == GATE_BLOBS && !hub->error)
        its_rules.mode = hub->mode & 07777;
    return layout_judge(paths[gate], &inode, &its_rules, &wanted) &
           ~(unsigned)LAYOUT_NOTE;
}
