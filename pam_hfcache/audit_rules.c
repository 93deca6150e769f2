/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an audit may mend, and what a folder tells of what is in it.
 */
#include "audit_rules.h"

#include <string.h>

/* --- what a folder leaves for what is in it ------------------------------ */

#define MAX_DEPTH 0xffff

uint64_t
audit_pack(const struct audit_mark *mark)
{
    return (uint64_t)mark->uid << 32 | (uint64_t)mark->where.depth << 16 |
           (uint64_t)mark->where.place << 8 | (uint64_t)mark->trust;
}

static struct audit_mark
unpack(uint64_t packed)
{
    return (struct audit_mark){
        .where = {.place = (enum layout_place)(packed >> 8 & 0xff),
                  .depth = (unsigned)(packed >> 16 & MAX_DEPTH)},
        .trust = (enum mend_trust)(packed & 0xff),
        .uid = (uid_t)(packed >> 32),
    };
}

struct audit_mark
audit_holder(const struct audit_work *work, const struct walk_item *item)
{
    return unpack(item->holder ? item->holder : work->first);
}

struct audit_mark
audit_enter(const struct audit_mark *holder, const struct walk_item *item)
{
    return (struct audit_mark){
        .where = {.place = layout_enter(holder->where.place,
                                        walk_last_name(item)),
                  .depth = holder->where.place == PLACE_ABOVE ? 0
                           : holder->where.depth < MAX_DEPTH
                               ? holder->where.depth + 1
                               : MAX_DEPTH},
        .uid = item->stat->stx_uid,
    };
}

/*
 * What holds a start below the root is not looked at: what is in it is mended
 * as far as it needs no trust in the folders above, which lock folders do.
 */
uint64_t
audit_first_mark(const char *start)
{
    struct audit_mark mark = {.where = layout_where(start)};
    bool is_locks = mark.where.place == PLACE_LOCKS ||
                    mark.where.place == PLACE_LOCK;

    mark.trust = is_locks ? MEND_BARRED : MEND_SHARED;
    return audit_pack(&mark);
}

/* --- what a repair may do ------------------------------------------------ */

/* The frame of the cache, which is root's: the root, hub/, hub/.locks/. */
static bool
is_frame(const struct layout_where *where, const char *name)
{
    return where->place == PLACE_ABOVE ||
           (where->place == PLACE_ROOT && strcmp(name, "hub") == 0) ||
           (where->place == PLACE_HUB && strcmp(name, ".locks") == 0);
}

/* What is another's in a folder of somebody's alone he may have moved there. */
enum mend_trust
audit_trust_in(const struct audit_mark *holder, uid_t uid)
{
    if (holder->trust == MEND_ALONE && holder->uid != uid)
        return MEND_SHARED;
    return holder->trust;
}

static bool
is_roots(const struct audit_work *work, const struct statx *st)
{
    return st->stx_uid == 0 && st->stx_gid == work->mend.rules->gid;
}

/*
 * Members may write hub/, and could put a folder of somebody else's in the
 * place of hub/.locks.
 */
enum mend_trust
audit_trust_folder(const struct audit_work *work, const struct walk_item *item,
                   const struct audit_mark *holder, const struct owner *owner)
{
    const struct statx *st = item->stat;
    struct mend_owner who = {st->stx_uid, owner->own_gid};

    if (is_frame(&holder->where, walk_last_name(item)))
        return holder->where.place == PLACE_HUB && !is_roots(work, st)
                   ? MEND_BARRED
                   : MEND_SHARED;
    if (holder->where.place == PLACE_HUB ||
        (holder->where.place == PLACE_DATASETS && holder->where.depth == 1))
        return mend_trust_folder(&work->mend, item, st, &who, MEND_ALONE);
    return mend_trust_folder(&work->mend, item, st, &who,
                             audit_trust_in(holder, st->stx_uid));
}

/* In hub/ members give names, and could give them to a closed folder. */
static const char *
refuse_frame(const struct statx *st, const struct audit_mark *holder)
{
    if (st->stx_uid != 0)
        return "is to be root's: hfcache setup";
    if (holder->where.place == PLACE_HUB && layout_is_closed(st->stx_mode))
        return "closed, and perhaps another folder: hfcache setup";
    return NULL;
}

/*
 * NULL if what this owner has may be mended, else why not.  Root's folder that
 * shows by its group whose doing the files in it are goes with these.
 */
static const char *
refuse_owner(const struct audit_work *work, const struct statx *st,
             const struct owner *owner, enum mend_trust trust,
             enum audit_help *ret_help)
{
    bool is_folder = S_ISDIR(st->stx_mode);

    if (owner->is_member ||
        (st->stx_uid == 0 && is_folder && trust != MEND_ALONE))
        return NULL;
    if (st->stx_uid != 0 && owner->error)
        return "NSS did not say who its owner is";
    if (st->stx_uid != 0 && owner->is_known)
        return "its owner is no member: make him one, or chown it";
    if (work->options->foreign)
        return NULL;
    *ret_help = AUDIT_HELP_FOREIGN;
    if (st->stx_uid != 0)
        return "its owner has no name: --foreign mends it";
    return is_folder ? "a folder of root's: --foreign mends it"
                     : "a file of root's: --foreign mends it";
}

/* What has the right group wants other bits. */
static const char *
refuse_moved(const struct audit_work *work, const struct statx *st,
             enum audit_help *ret_help)
{
    *ret_help = AUDIT_HELP_BY_HAND;
    return st->stx_gid == work->mend.rules->gid
               ? "may have been moved in by another: chmod by hand"
               : "may have been moved in by another: chgrp by hand";
}

const char *
audit_refuse(const struct audit_work *work, const struct walk_item *item,
             const struct audit_mark *holder, const struct owner *owner,
             enum mend_trust trust, enum audit_help *ret_help)
{
    const struct statx *st = item->stat;
    bool is_user = work->options->repair && geteuid() != 0;

    *ret_help = AUDIT_HELP_NONE;
    if (work->is_bare)
        return "no cache without hub/: see there";
    if (is_user && st->stx_uid != geteuid())
        return "somebody else's";
    if (is_frame(&holder->where, walk_last_name(item)))
        return refuse_frame(st, holder);
    if (S_ISREG(st->stx_mode) && !work->mend.links_protected &&
        !work->mend.is_own_mount)
        return "others may hard-link it: set fs.protected_hardlinks = 1";
    if (S_ISREG(st->stx_mode)
            ? !mend_trusts_file(&work->mend, st, audit_trust_in(holder, st->stx_uid))
            : trust == MEND_BARRED)
        return refuse_moved(work, st, ret_help);
    return is_user ? NULL : refuse_owner(work, st, owner, trust, ret_help);
}
