/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a membership is to last: by usermod or by a userdb drop-in.
 */
#include "membership.h"

#include <errno.h>
#include <string.h>

#include "members.h"
#include "safefs.h"

#define MAX_GROUP_FILE (64u << 20)

/*
 * The name that /etc/group gives to `gid`: 1; 0 if it gives none; or a negative
 * errno, as when it could not be read: then who knows whether it does.
 */
static int
find_in_etc_group(gid_t gid, char *ret_name, size_t size, struct err *err)
{
    CLEANUP_FREE char *data = NULL;
    int r = safefs_read_system("/etc/group", MAX_GROUP_FILE, &data, err);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    for (char *rest = data, *line; (line = strsep(&rest, "\n"));) {
        char *fields[3];
        uint64_t number;

        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            fields[i] = strsep(&line, ":");
        if (fields[2] &&
            util_parse_number(fields[2], UINT32_MAX, &number) == 0 &&
            number == gid && strlen(fields[0]) < size) {
            strcpy(ret_name, fields[0]);
            return 1;
        }
    }
    return 0;
}

bool
membership_group_is_local(gid_t gid)
{
    char name[256];

    return find_in_etc_group(gid, name, sizeof(name), NULL) > 0;
}

/* Does nsswitch.conf's line of groups name `systemd`? */
static bool
has_userdb(void)
{
    CLEANUP_FREE char *data = NULL;

    if (safefs_read_system("/etc/nsswitch.conf", 1u << 20, &data, NULL) < 0)
        return false;
    for (char *rest = data, *line; (line = strsep(&rest, "\n"));) {
        char *word;

        line += strspn(line, " \t");
        if (!util_has_prefix(line, "group:"))
            continue;
        line += strlen("group:");
        while ((word = strsep(&line, " \t"))) {
            if (*word == '#')
                break;
            if (strcmp(word, "systemd") == 0)
                return true;
        }
    }
    return false;
}

int
membership_persist_how(const struct policy_section *section, const char *user,
                       gid_t gid, char *ret_name, size_t size, int *ret_how,
                       struct err *err)
{
    int how = (int)policy_number(section, KEY_PERSIST);
    int is_local = find_in_etc_group(gid, ret_name, size, err);

    if (is_local < 0)
        return is_local;
    if (!is_local && membership_gid_name(gid, ret_name, size) < 0)
        return err_set(err, ENOENT,
                       "gid %u has no name to add a member to: give it one "
                       "with groupadd --gid %u NAME",
                       gid, gid);
    if (!members_name_is_safe(user))
        return err_set(err, EINVAL,
                       "user name %.64s: not one that a helper is given: add "
                       "the member by hand or in your directory, or set "
                       "membership = session",
                       user);
    if (how == PERSIST_AUTO)
        how = is_local ? PERSIST_USERMOD : PERSIST_USERDB;
    if (how == PERSIST_USERMOD && !is_local)
        return err_set(err, ENOENT,
                       "group %s is not in /etc/group: add the member in your "
                       "directory, or set persist = userdb",
                       ret_name);
    if (how == PERSIST_USERDB && !has_userdb())
        return err_set(err, ENOENT,
                       "group %s %s: add the member in your directory, or "
                       "append \"systemd\" to the line \"group:\" of "
                       "/etc/nsswitch.conf",
                       ret_name,
                       is_local ? "is to be extended by userdb, which NSS does "
                                  "not ask"
                                : "is not in /etc/group");
    *ret_how = how;
    return 0;
}
