/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places as text.  Pure.
 */
#include "look_place.h"

#include <stdio.h>
#include <string.h>

struct look_place
look_place_read(const char *cursor)
{
    struct look_place beginning = {.folder = "hub"};
    struct look_place place = {.folder = ""};
    long long at = 0, inner_at = 0;
    int found = 0;
    int fields = sscanf(cursor, "%15[^:]:%lld:%200[^:]:%lld:%d", place.folder,
                        &at, place.inner, &inner_at, &found);

    if ((fields != 2 && fields != 5) || at < 0 || inner_at < 0 ||
        (strcmp(place.folder, "hub") != 0 &&
         strcmp(place.folder, LOOK_LOCKS) != 0) ||
        (fields == 5 && !layout_is_repository(place.inner)))
        return beginning;
    place.at = (off_t)at;
    place.inner_at = (off_t)inner_at;
    place.inner_found = found != 0;
    return place;
}

void
look_place_write(const struct look_place *place, struct text *text)
{
    text_addf(text, "%s:%lld", place->folder, (long long)place->at);
    if (place->inner[0])
        text_addf(text, ":%s:%lld:%d", place->inner,
                  (long long)place->inner_at, place->inner_found);
}
