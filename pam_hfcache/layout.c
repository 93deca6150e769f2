/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging one inode by its row: what is wrong, and what it should become.
 */
#include "layout.h"

#include <string.h>

#include "layout_table.h"

#define STICKY 01000
#define MAX_TINY 64 /* bytes */

/* --- alarms -------------------------------------------------------------- */

/* Where a link must stay in the folder of the root that it is in. */
static bool
is_kept_within(enum layout_place place)
{
    return place == PLACE_OTHER || place >= PLACE_DATASETS;
}

/*
 * May this target, of a link so many folders below the root, lead out of the
 * topmost of them?  It leads up first, and then down: what ".." means behind a
 * name is anybody's guess, since the name may be a link.
 */
static bool
may_escape(const char *target, unsigned depth)
{
    if (!*target || *target == '/')
        return true;
    while (target[0] == '.' && target[1] == '.' &&
           (!target[2] || target[2] == '/')) {
        if (depth-- <= 1)
            return true;
        target += target[2] ? 3 : 2;
    }
    for (const char *dot = target; (dot = strchr(dot, '.')); dot++) {
        if (dot > target && dot[-1] == '/' && dot[1] == '.' &&
            (!dot[2] || dot[2] == '/'))
            return true;
    }
    return false;
}

static unsigned
judge_link(struct layout_where where, const struct layout_inode *inode)
{
    return inode->target && is_kept_within(where.place) &&
                   may_escape(inode->target, where.depth)
               ? LAYOUT_ESCAPE
               : 0;
}

static unsigned
judge_file(const struct layout_row *row, const struct layout_inode *inode)
{
    unsigned what = 0;

    if (inode->nlink > 1)
        what |= LAYOUT_LINKS;
    if (row->flags & EMPTY && inode->size > 0)
        what |= LAYOUT_MISS;
    return what;
}

/* What is odd with an inode of any kind: no mending touches it. */
static unsigned
judge_oddity(const struct layout_row *row, struct layout_where where,
             const struct layout_inode *inode)
{
    unsigned what = inode->extended ? LAYOUT_NAMES : 0;

    if (inode->mode & S_ISUID)
        what |= LAYOUT_SETUID;
    if (S_ISREG(inode->mode))
        return what | judge_file(row, inode);
    if (S_ISDIR(inode->mode))
        return what;
    if (S_ISLNK(inode->mode))
        return what | judge_link(where, inode);
    return what | LAYOUT_SPECIAL;
}

/* What an entry is that has no business with the cache. */
static unsigned
judge_loose(const struct layout_row *row, const struct layout_inode *inode)
{
    if (row->flags & SECRET)
        return LAYOUT_SECRET;
    if (row->flags & LEFT)
        return LAYOUT_LEFT;
    if (row->flags & UNKNOWN)
        return LAYOUT_UNKNOWN;
    if (row->flags & MISFIT)
        return LAYOUT_TYPE;
    return row->flags & CODE && (inode->mode & 0022 || inode->uid != 0)
               ? LAYOUT_CODE
               : 0;
}

/* --- bits, group, ACL ---------------------------------------------------- */

static mode_t
needed_bits(const struct layout_row *row, const struct layout_rules *rules)
{
    return row->flags & EXACT ? rules->mode & 07777 : row->need;
}

static mode_t
denied_bits(const struct layout_row *row, mode_t mode,
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
judge_access(const struct layout_row *row, const struct layout_inode *inode,
             const struct layout_rules *rules, struct layout_wanted *wanted)
{
    mode_t mode = inode->mode & 07777;
    mode_t missing = needed_bits(row, rules) & ~mode;
    mode_t surplus = mode & denied_bits(row, inode->mode, rules);
    unsigned what = 0;

    if (missing | surplus) {
        what = judge_bits(missing, surplus);
        wanted->mode = (mode | (missing & ~(mode_t)07)) & ~surplus;
    }
    if (inode->gid != rules->gid && !(row->flags & NO_GROUP)) {
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
        return has_none ? 0 : LAYOUT_OTHER_ACL;
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
        return LAYOUT_OTHER_ACL;
    case ACL_FACT_UNSUPPORTED:
        break;
    }
    return rules->acl == LAYOUT_ACL_YES ? DRIFT_ACL : 0;
}

/* --- what its owner keeps to himself ------------------------------------- */

bool
layout_is_closed(mode_t mode)
{
    return !(mode & (S_ISDIR(mode) ? S_IRWXG : S_IRGRP));
}

/* What is called a lock or a reference but tells more, whoever put it there. */
static bool
is_filled(const struct layout_row *row, const struct layout_inode *inode)
{
    if (!S_ISREG(inode->mode))
        return false;
    if (row->flags & OPENED && row->need & 020)
        return inode->size != 0;
    return row->flags & TINY && inode->size > MAX_TINY;
}

/*
 * Closed to the group by its owner, or perhaps moved here by somebody else in
 * that state; but not a file that clients close, nor the frame of the cache,
 * which is nobody's own.
 */
static bool
is_private(const struct layout_row *row, const struct layout_inode *inode)
{
    unsigned of_clients = S_ISDIR(inode->mode) ? ROOTS | EXACT : OPENED;

    return layout_is_closed(inode->mode) && !(row->flags & of_clients);
}

/* Why what is wrong with an inode is left as it is; 0: it is mended. */
static unsigned
judge_privacy(const struct layout_row *row, const struct layout_inode *inode)
{
    unsigned what = is_private(row, inode) ? DRIFT_KEPT : 0;

    if (is_filled(row, inode))
        what |= LAYOUT_FILLED |
                (layout_is_closed(inode->mode) ? DRIFT_KEPT : 0);
    return what;
}

/* --- one inode ----------------------------------------------------------- */

static struct layout_wanted
leave_as_it_is(const struct layout_inode *inode)
{
    return (struct layout_wanted){.mode = inode->mode & 07777,
                                  .gid = inode->gid,
                                  .acl = inode->acl};
}

unsigned
layout_judge_in(struct layout_where where, const char *name,
                const struct layout_inode *inode,
                const struct layout_rules *rules,
                struct layout_wanted *ret_wanted)
{
    const struct layout_row *row =
        layout_find(where.place, name, strlen(name), inode->mode);
    unsigned odd = judge_oddity(row, where, inode);
    unsigned what, why;

    *ret_wanted = leave_as_it_is(inode);
    if (row->flags & LOOSE)
        return odd | judge_loose(row, inode);
    if (row->flags & TEMP)
        return odd | (inode->young ? 0 : LAYOUT_OLD);
    if (S_ISLNK(inode->mode))
        return odd;
    what = judge_access(row, inode, rules, ret_wanted);
    if (row->flags & ROOTS && inode->uid != 0)
        what |= LAYOUT_OWNER;
    if (row->flags & ACLED)
        what |= judge_acl(inode, rules, ret_wanted);
    if (!what)
        return odd;
    if (row->flags & OPENED && !(row->need & 020) && what & DRIFT_CLOSED)
        what ^= DRIFT_CLOSED | LAYOUT_LISTING; /* clients make it 0600 */
    why = judge_privacy(row, inode);
    if (odd || why)
        *ret_wanted = leave_as_it_is(inode);
    return odd | what | why;
}

const char *
layout_kind_in(struct layout_where where, const char *name, mode_t mode)
{
    return layout_find(where.place, name, strlen(name), mode)->kind;
}

bool
layout_is_mendable(const struct layout_inode *inode,
                   const struct layout_wanted *wanted)
{
    return wanted->mode != (inode->mode & 07777) ||
           wanted->gid != inode->gid || wanted->acl != inode->acl;
}

/* --- paths --------------------------------------------------------------- */

enum layout_place
layout_enter(enum layout_place in, const char *name)
{
    return layout_find(in, name, strlen(name), S_IFDIR)->leads;
}

/* The folder that holds `path`, whose last name is at *ret_name. */
static struct layout_where
find_holder(const char *path, const char **ret_name)
{
    struct layout_where where = {*path ? PLACE_ROOT : PLACE_ABOVE, 0};
    const char *slash;

    while ((slash = strchr(path, '/'))) {
        where.place = (enum layout_place)layout_find(
            where.place, path, (size_t)(slash - path), S_IFDIR)->leads;
        where.depth++;
        path = slash + 1;
    }
    *ret_name = path;
    return where;
}

struct layout_where
layout_where(const char *path)
{
    const char *name;

    return find_holder(path, &name);
}

unsigned
layout_judge(const char *path, const struct layout_inode *inode,
             const struct layout_rules *rules,
             struct layout_wanted *ret_wanted)
{
    const char *name;
    struct layout_where where = find_holder(path, &name);

    return layout_judge_in(where, name, inode, rules, ret_wanted);
}

const char *
layout_kind(const char *path, mode_t mode)
{
    const char *name;
    struct layout_where where = find_holder(path, &name);

    return layout_kind_in(where, name, mode);
}

const char *const layout_gate_paths[GATES] = {
    [GATE_ROOT] = "",
    [GATE_HUB] = "hub",
    [GATE_LOCKS] = "hub/.locks",
    [GATE_BLOBS] = "hub/blobs",
};

unsigned
layout_judge_gate(enum gate gate, const struct inode_fact *fact,
                  const struct inode_fact *hub,
                  const struct layout_rules *rules)
{
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
    return layout_judge(layout_gate_paths[gate], &inode, &its_rules, &wanted) &
           ~(unsigned)LAYOUT_NOTES;
}
