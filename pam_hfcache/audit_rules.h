/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an audit may mend, and what a folder tells of what is in it.
 */
#ifndef HFCACHE_AUDIT_RULES_H
#define HFCACHE_AUDIT_RULES_H

#include "audit_visit.h"

/* What the visit of a folder leaves for the visits of what is in it. */
struct audit_mark {
    struct layout_where where; /* of what is in it */
    enum mend_trust trust;
    uid_t uid; /* with MEND_ALONE: whose doing all in it is */
};

/* As the walk keeps it. */
uint64_t audit_pack(const struct audit_mark *mark);

/* The mark of what holds `start`, from which the walk begins. */
uint64_t audit_first_mark(const char *start);

/* The mark of what holds the item; that which holds the start has none. */
struct audit_mark audit_holder(const struct audit_work *work,
                               const struct walk_item *item);

/* The mark of the folder `item`, as far as it follows from its name. */
struct audit_mark audit_enter(const struct audit_mark *holder,
                              const struct walk_item *item);

/* How far what is in a folder can be believed to be the doing of `uid`. */
enum mend_trust audit_trust_in(const struct audit_mark *holder, uid_t uid);

/* The trust in what is in the folder `item`. */
enum mend_trust audit_trust_folder(const struct audit_work *work,
                                   const struct walk_item *item,
                                   const struct audit_mark *holder,
                                   const struct owner *owner);

/*
 * NULL if the inode may be mended, else why not, and in *ret_help what would
 * mend it; `trust` of a folder's own.  A check answers for root's repair,
 * whoever runs it.
 */
const char *audit_refuse(const struct audit_work *work,
                         const struct walk_item *item,
                         const struct audit_mark *holder,
                         const struct owner *owner, enum mend_trust trust,
                         enum audit_help *ret_help);

#endif
