/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of the layout, and which of them an entry is: for layout.c alone.
 */
#ifndef HFCACHE_LAYOUT_TABLE_H
#define HFCACHE_LAYOUT_TABLE_H

#include "layout.h"

/* What a row says beyond bits. */
enum layout_flag {
    EXACT = 1 << 0,    /* all 12 bits as the policy's mode says */
    ROOTS = 1 << 1,    /* belongs to root */
    ACLED = 1 << 2,    /* has the default ACL, if the policy wants it */
    NO_GROUP = 1 << 3, /* of any group */
    OPENED = 1 << 4,   /* clients make it closed; it is opened to the group */
    TEMP = 1 << 5,     /* in progress: nobody's business while it is young */
    TINY = 1 << 6,     /* a commit's name: what is longer is something else */
    EMPTY = 1 << 7,    /* tells by its name alone */

    /* What is looked at for alarms only, and never mended. */
    SECRET = 1 << 8,   /* must not be here */
    CODE = 1 << 9,     /* run by others: members must not write it */
    LEFT = 1 << 10,    /* one user's, and kept elsewhere by our variables */
    UNKNOWN = 1 << 11, /* the layout does not have it */
    MISFIT = 1 << 12,  /* in the place of a folder that members need */
    WITHIN = 1 << 13,  /* of what has been told, or is not ours to judge */
    LOOSE = SECRET | CODE | LEFT | UNKNOWN | MISFIT | WITHIN,
};

/* Strings and small numbers, no pointers: nothing for a loader to relocate. */
struct layout_row {
    char name[28]; /* a pattern: see layout_table.c */
    char kind[20];
    uint16_t need; /* bits that must be set */
    uint16_t deny; /* bits that must not */
    uint16_t flags;
    uint16_t types;
    uint8_t length; /* of the pattern */
    uint8_t leads;  /* a folder: enum layout_place */
};

/* The row of what has this name, of so many bytes, and this type. */
const struct layout_row *layout_find(enum layout_place in, const char *name,
                                     size_t length, mode_t mode);

#endif
