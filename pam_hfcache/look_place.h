/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a look below hub/ stopped, as the verdict keeps it for the next one.
 */
#ifndef HFCACHE_LOOK_PLACE_H
#define HFCACHE_LOOK_PLACE_H

#include "layout.h"

#define LOOK_LOCKS "hub/.locks"

/*
 * Where a look stopped: in a folder of folders and, if it was among the files
 * of one of these, where there, and whether any was closed so far.
 */
struct look_place {
    char folder[16];
    off_t at;
    char inner[LAYOUT_MAX_NAME + 1]; /* "": between two of them */
    off_t inner_at;
    bool inner_found;
};

/*
 * From "FOLDER:AT" or "FOLDER:AT:NAME:AT:FOUND"; anything else is the
 * beginning of hub/.
 */
struct look_place look_place_read(const char *cursor);

/* The same back into text. */
void look_place_write(const struct look_place *place, struct text *text);

#endif
