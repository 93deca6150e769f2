/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for people to read: see membership_names.h.
 */
#include "membership_names.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

/*
 * One thread at a time, in a tool of its own: the simple calls will do.  A list
 * of a whole tree names few owners again and again; each is asked once.
 */
#define ASKED 64

struct asked {
    bool is_set, has_name;
    id_t id;
    char name[64];
};

static bool
answer(const struct asked *asked, char *ret, size_t size)
{
    snprintf(ret, size, "%s", asked->name);
    return asked->has_name;
}

/* Its place, to be filled in if there is another one's answer in it. */
static struct asked *
find(struct asked *table, id_t id, bool *ret_known)
{
    struct asked *asked = &table[id % ASKED];

    *ret_known = asked->is_set && asked->id == id;
    return asked;
}

static void
fill_in(struct asked *asked, id_t id, const char *name)
{
    *asked = (struct asked){.is_set = true, .has_name = name, .id = id};
    if (name)
        snprintf(asked->name, sizeof(asked->name), "%s", name);
    else
        snprintf(asked->name, sizeof(asked->name), "%u", id);
}

bool
membership_user_name(uid_t uid, char *ret, size_t size)
{
    static struct asked users[ASKED];
    const struct passwd *passwd;
    bool is_known;
    struct asked *asked = find(users, uid, &is_known);

    if (!is_known) {
        passwd = getpwuid(uid);
        fill_in(asked, uid, passwd ? passwd->pw_name : NULL);
    }
    return answer(asked, ret, size);
}

bool
membership_group_name(gid_t gid, char *ret, size_t size)
{
    static struct asked groups[ASKED];
    const struct group *group;
    bool is_known;
    struct asked *asked = find(groups, gid, &is_known);

    if (!is_known) {
        group = getgrgid(gid);
        fill_in(asked, gid, group ? group->gr_name : NULL);
    }
    return answer(asked, ret, size);
}
