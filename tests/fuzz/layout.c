/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging any inode under any name: what layout.h promises of the result.
 *
 * An input is twelve bytes for the inode and the rules, then the path, a NUL,
 * and the target of a link.
 */
#include "fuzz.h"

#include "layout.h"

static struct layout_inode
take_inode(struct fuzz_bytes *bytes)
{
    static const mode_t types[] = {S_IFDIR, S_IFREG, S_IFLNK,  S_IFIFO,
                                   S_IFCHR, S_IFBLK, S_IFSOCK, 0};
    struct layout_inode inode = {.nlink = 1};
    uint64_t bits;

    inode.mode = (mode_t)fuzz_number(bytes, 2) & 07777;
    bits = fuzz_number(bytes, 2);
    inode.mode |= types[bits & 7];
    inode.nlink = bits & 8 ? 2 : 1;
    inode.acl = (enum acl_fact)((bits >> 4) % (ACL_FACT_UNSUPPORTED + 1));
    inode.extended = bits & 0x100;
    inode.young = bits & 0x200;
    inode.gid = bits & 0x400 ? 900 : (gid_t)fuzz_number(bytes, 1);
    inode.uid = (uid_t)fuzz_number(bytes, 1);
    inode.size = (off_t)fuzz_number(bytes, 2);
    return inode;
}

/* --- what was judged ----------------------------------------------------- */

struct judged {
    const char *path, *name;
    struct layout_where where;
    struct layout_inode inode;
    struct layout_rules rules;
    struct layout_wanted wanted;
    unsigned what;
};

static void
check_ways(const struct judged *judged)
{
    struct layout_where where = {*judged->path ? PLACE_ROOT : PLACE_ABOVE, 0};
    struct layout_wanted wanted;

    for (const char *at = judged->path; at < judged->name; where.depth++) {
        char name[4096];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "/"), at);
        where.place = layout_enter(where.place, name);
        MUST(where.place < PLACES);
        at += strcspn(at, "/") + 1;
    }
    MUST(where.place == judged->where.place &&
         where.depth == judged->where.depth);
    MUST(layout_judge_in(where, judged->name, &judged->inode, &judged->rules,
                         &wanted) == judged->what);
    MUST(wanted.mode == judged->wanted.mode &&
         wanted.gid == judged->wanted.gid && wanted.acl == judged->wanted.acl);
    MUST(strcmp(layout_kind(judged->path, judged->inode.mode),
                layout_kind_in(where, judged->name, judged->inode.mode)) == 0);
}

static void
check_words(unsigned what)
{
    enum layout_severity worst = layout_worst(what);
    unsigned known = 0;

    for (const struct layout_finding *finding = layout_findings; finding->bit;
         finding++) {
        known |= finding->bit;
        if (what & finding->bit)
            MUST(finding->severity <= worst);
    }
    MUST(!(what & ~known));
    if (what & LAYOUT_ALARMS)
        MUST(worst == LAYOUT_SEVERITY_ALARM);
}

/* Clients make these closed, or they are the cache's frame. */
static bool
may_be_opened(const struct judged *judged)
{
    static const char *const kinds[] = {"lock file",   "tree listing",
                                        "cache root",  "hub",
                                        "lock folder", "blob store"};
    const char *kind = layout_kind(judged->path, judged->inode.mode);

    if (strcmp(kind, "lock file") == 0 && judged->inode.size > 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* Nobody is given what the layout does not give him. */
static void
check_wanted(const struct judged *judged)
{
    const struct layout_inode *inode = &judged->inode;
    const struct layout_wanted *wanted = &judged->wanted;
    mode_t added = wanted->mode & ~(inode->mode & 07777);
    bool stays = !layout_is_mendable(inode, wanted);

    MUST(!(wanted->mode & ~(mode_t)07777));
    MUST(!(added & (S_IRWXO | S_ISUID | S_ISVTX)));
    MUST(!(added & S_ISGID) || S_ISDIR(inode->mode));
    MUST(wanted->gid == inode->gid || wanted->gid == judged->rules.gid);
    MUST(wanted->acl == inode->acl || wanted->acl == ACL_FACT_2770 ||
         (wanted->acl == ACL_FACT_2775 && judged->rules.mode & 05 &&
          (inode->mode & 05) == 05));
    if (judged->what & (LAYOUT_ALARMS | DRIFT_KEPT) || inode->extended ||
        (inode->nlink > 1 && !S_ISDIR(inode->mode)))
        MUST(stays);
    if (!S_ISDIR(inode->mode) && !S_ISREG(inode->mode))
        MUST(stays);
    if (!stays)
        MUST(judged->what);
    if (layout_is_closed(inode->mode) &&
        !layout_is_closed((inode->mode & S_IFMT) | wanted->mode))
        MUST(may_be_opened(judged));
}

/* What was mended has nothing left that mending could do. */
static void
check_mended(const struct judged *judged)
{
    struct layout_inode mended = judged->inode;
    struct layout_wanted wanted;
    unsigned what;

    if (!layout_is_mendable(&judged->inode, &judged->wanted))
        return;
    mended.mode = (mended.mode & S_IFMT) | judged->wanted.mode;
    mended.gid = judged->wanted.gid;
    mended.acl = judged->wanted.acl;
    what = layout_judge(judged->path, &mended, &judged->rules, &wanted);
    MUST(!layout_is_mendable(&mended, &wanted));
    MUST(!(what & (DRIFT_GROUP | DRIFT_SETGID | DRIFT_OPEN | LAYOUT_STICKY)));
    MUST(!(what & ~judged->what));
}

/* --- links --------------------------------------------------------------- */

/* True if the target, as it reads, leaves the topmost folder. */
static bool
leads_out(const char *target, unsigned depth)
{
    if (!*target || *target == '/')
        return true;
    while (*target) {
        size_t length = strcspn(target, "/");

        if (length == 2 && target[0] == '.' && target[1] == '.') {
            if (depth <= 1)
                return true;
            depth--;
        } else if (length > 0 && !(length == 1 && *target == '.')) {
            depth++;
        }
        target += length;
        target += strspn(target, "/");
    }
    return false;
}

static void
check_link(const struct judged *judged)
{
    enum layout_place place = judged->where.place;

    if (!S_ISLNK(judged->inode.mode) || !judged->inode.target)
        return;
    if ((place == PLACE_OTHER || place >= PLACE_DATASETS) &&
        leads_out(judged->inode.target, judged->where.depth))
        MUST(judged->what & LAYOUT_ESCAPE);
}

/* --- the gate ------------------------------------------------------------ */

static void
check_gate(const struct judged *judged)
{
    struct inode_fact fact = {.error = judged->inode.young ? 2 : 0,
                              .mode = judged->inode.mode,
                              .uid = judged->inode.uid,
                              .gid = judged->inode.gid,
                              .acl = judged->inode.acl};

    for (unsigned gate = 0; gate < GATES; gate++) {
        unsigned what = layout_judge_gate((enum gate)gate, &fact, &fact,
                                          &judged->rules);

        MUST(!(what & LAYOUT_NOTES));
        MUST(!fact.error || !what);
    }
}

FUZZ(data, size)
{
    struct fuzz_bytes bytes = {data, size};
    struct judged judged = {.inode = take_inode(&bytes)};
    uint64_t rules = fuzz_number(&bytes, 1);
    char *path = fuzz_string(&bytes, '\0');
    char *target = fuzz_string(&bytes, '\0');
    const char *slash = strrchr(path, '/');

    judged.rules = (struct layout_rules){.gid = 900,
                                         .mode = rules & 1 ? 02775 : 02770,
                                         .acl = (int)(rules >> 1) % 3};
    judged.inode.target = rules & 0x80 ? NULL : target;
    judged.path = path;
    judged.name = slash ? slash + 1 : path;
    judged.where = layout_where(path);
    judged.what = layout_judge(path, &judged.inode, &judged.rules,
                               &judged.wanted);
    check_ways(&judged);
    check_words(judged.what);
    check_wanted(&judged);
    check_mended(&judged);
    check_link(&judged);
    check_gate(&judged);
    free(path);
    free(target);
}
