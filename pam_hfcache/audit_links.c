/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of inodes with several links, filled as their names are met.
 */
#include "audit_links.h"

#include <string.h>

#include "audit_count.h"

#define SLOTS (2 * AUDIT_LINKS) /* half of them stay empty */

struct slot {
    struct slot *next;
    uint64_t inode;
    uint32_t nlink, met;
    struct audit_item item; /* of the first name; strings are owned */
};

struct audit_links {
    size_t count, bytes; /* of the paths */
    uint64_t seed;
    struct slot *newest; /* of all: there are few, most often none */
    struct slot *slots[SLOTS];
};

struct audit_links *
audit_links_begin(void)
{
    struct audit_links *links = calloc(1, sizeof(*links));

    if (links)
        links->seed = util_seed();
    return links;
}

void
audit_links_end(struct audit_links *links)
{
    while (links && links->newest) {
        struct slot *slot = links->newest;

        links->newest = slot->next;
        audit_free_item(&slot->item);
        free(slot);
    }
    free(links);
}

static struct slot **
find(struct audit_links *links, uint64_t inode)
{
    size_t at = (size_t)util_mix(inode ^ links->seed) % SLOTS;

    while (links->slots[at] && links->slots[at]->inode != inode)
        at = (at + 1) % SLOTS;
    return &links->slots[at];
}

bool
audit_links_meet(struct audit_links *links, uint64_t inode, uint32_t nlink,
                 const struct audit_item *item)
{
    struct slot **place = find(links, inode);
    struct slot *slot = *place;

    if (slot) {
        slot->met++;
        return true;
    }
    links->bytes += strlen(item->path);
    if (links->count == AUDIT_LINKS || links->bytes > AUDIT_LINKS_BYTES)
        return false;
    slot = calloc(1, sizeof(*slot));
    if (!slot)
        return false;
    if (!audit_copy_item(&slot->item, item)) {
        free(slot);
        return false;
    }
    slot->inode = inode;
    slot->nlink = nlink;
    slot->met = 1;
    slot->next = links->newest;
    links->newest = slot;
    links->count++;
    *place = slot;
    return true;
}

void
audit_links_tell(const struct audit_links *links, audit_tell *tell, void *data)
{
    for (const struct slot *slot = links->newest; slot; slot = slot->next) {
        struct audit_item item = slot->item;

        if (slot->met >= slot->nlink) {
            item.what &= ~(unsigned)LAYOUT_LINKS;
            item.what |= LAYOUT_INSIDE;
        }
        tell(&item, data);
    }
}
