/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of the memberships that we gave: see members.h.
 */
#include "members.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "safefs.h"

#define MAX_LIST_BYTES (64u << 20) /* a million lines */
#define FIELDS 6

const char *const members_words[] = {
    [MEMBERS_USERMOD] = "usermod",
    [MEMBERS_USERDB] = "userdb",
    [MEMBERS_REVOKED] = "revoked",
};

int
members_append(const char *dir, const struct members_entry *entry)
{
    struct err err;
    CLEANUP_CLOSE int dir_fd = safefs_open_state_folder(dir, 0755, 0, &err);
    char line[512];
    int length = snprintf(line, sizeof(line), "%" PRId64 " %s %s %s %u %u\n",
                          entry->when, entry->user, entry->group,
                          members_words[entry->how], entry->uid, entry->gid);

    if (length < 0 || (size_t)length >= sizeof(line))
        return -ENAMETOOLONG;
    return dir_fd < 0 ? dir_fd
                      : safefs_append_line(dir_fd, MEMBERS_FILE, line);
}

/* Parse one line in place; false: it is none of ours. */
static bool
parse_line(char *line, struct members_entry *ret)
{
    uint64_t when, uid, gid;
    char *field[FIELDS];
    size_t how = 0;

    for (size_t i = 0; i < FIELDS; i++)
        if (!(field[i] = strsep(&line, " ")))
            return false;
    while (how < ARRAY_LEN(members_words) &&
           strcmp(field[3], members_words[how]) != 0)
        how++;
    if (line || how == ARRAY_LEN(members_words) ||
        util_parse_number(field[0], INT64_MAX, &when) < 0 ||
        util_parse_number(field[4], UINT32_MAX, &uid) < 0 ||
        util_parse_number(field[5], UINT32_MAX, &gid) < 0)
        return false;
    *ret = (struct members_entry){(int64_t)when, field[1], field[2],
                                  (enum members_how)how, (uid_t)uid,
                                  (gid_t)gid};
    return true;
}

/* A drop-in is of a name, whichever uid that has had. */
static bool
is_of_same(const struct members_entry *earlier,
           const struct members_entry *entry)
{
    return strcmp(earlier->group, entry->group) == 0 &&
           (earlier->uid == entry->uid || earlier->how == MEMBERS_USERDB);
}

/* Let this line take the place of the earlier ones that it is about. */
static int
take_entry(struct members *members, const struct members_entry *entry)
{
    struct members_entry *grown;
    size_t kept = 0;

    for (size_t i = 0; i < members->count; i++)
        if (!is_of_same(&members->entry[i], entry))
            members->entry[kept++] = members->entry[i];
    members->count = kept;
    if (entry->how == MEMBERS_REVOKED)
        return 0;
    grown = reallocarray(members->entry, members->count + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    members->entry = grown;
    grown[members->count++] = *entry;
    return 0;
}

int
members_load(const char *dir, uid_t trusted_uid, const char *user,
             struct members *ret, struct err *err)
{
    CLEANUP_FREE char *path = util_format("%s/%s", dir, MEMBERS_FILE);
    struct members_entry entry;
    size_t length;
    char *rest, *line;
    int r;

    *ret = (struct members){.entry = NULL};
    if (!path)
        return err_sys(err, ENOMEM, "%s/%s", dir, MEMBERS_FILE);
    r = safefs_read_state(path, trusted_uid, MAX_LIST_BYTES, &ret->buffer,
                          &length, err);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    rest = ret->buffer;
    while (r == 0 && (line = strsep(&rest, "\n")) && rest)
        if (parse_line(line, &entry) && strcmp(entry.user, user) == 0)
            r = take_entry(ret, &entry);
    if (r < 0) {
        members_free(ret);
        return err_sys(err, -r, "%s", path);
    }
    return 0;
}

void
members_free(struct members *members)
{
    free(members->entry);
    free(members->buffer);
    *members = (struct members){.entry = NULL};
}

const struct members_entry *
members_find(const struct members *members, uid_t uid, gid_t gid)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct members_entry *entry = &members->entry[i];

        if (entry->gid == gid &&
            (entry->uid == uid || entry->how == MEMBERS_USERDB))
            return entry;
    }
    return NULL;
}
