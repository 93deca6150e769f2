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
    char name[MEMBERSHIP_NAME_SIZE];
};

/* Write the name of `id`, as `table` has it by now, or `ask` says. */
static bool
find(struct asked *table, id_t id, const char *(*ask)(id_t id), char *ret,
     size_t size)
{
    struct asked *asked = &table[id % ASKED];

    if (!asked->is_set || asked->id != id) {
        const char *name = ask(id);

        *asked = (struct asked){.is_set = true, .has_name = name, .id = id};
        if (name)
            snprintf(asked->name, sizeof(asked->name), "%s", name);
        else
            snprintf(asked->name, sizeof(asked->name), "%u", id);
    }
    snprintf(ret, size, "%s", asked->name);
    return asked->has_name;
}

static const char *
ask_for_user(id_t uid)
{
    const struct passwd *passwd = getpwuid(uid);

    return passwd ? passwd->pw_name : NULL;
}

static const char *
ask_for_group(id_t gid)
{
    const struct group *group = getgrgid(gid);

    return group ? group->gr_name : NULL;
}

bool
membership_user_name(uid_t uid, char *ret, size_t size)
{
    static struct asked users[ASKED];

    return find(users, uid, ask_for_user, ret, size);
}

bool
membership_group_name(gid_t gid, char *ret, size_t size)
{
    static struct asked groups[ASKED];

    return find(groups, gid, ask_for_group, ret, size);
}
