/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is mounted below a folder, from the kernel's list of mounts.
 */
#include "safefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "safefs_names.h"

#define MAX_MOUNTINFO (64 << 20)

/* The path of what `fd` is open on, as the list of mounts has it. */
static int
find_path(int fd, char ret_path[PATH_MAX])
{
    char link[64];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = safefs_read_link(AT_FDCWD, link, ret_path, PATH_MAX);
    if (length < 0)
        return (int)length;
    if (ret_path[0] != '/')
        return -ENOENT; /* "(unreachable)..." */
    if (length == 1)
        ret_path[0] = '\0'; /* what is below "/" has one slash less */
    return 0;
}

/* Undo "\ooo", which stands for a blank, a tab, a newline, a backslash. */
static void
decode(char *text)
{
    char *out = text;

    while (*text) {
        unsigned value;

        if (*text == '\\' && sscanf(text + 1, "%3o", &value) == 1) {
            *out++ = (char)value;
            text += 4;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}

/*
 * Take one line, "id parent major:minor root PATH options ...": a mount on
 * what `fd` is on, not one beneath another mount, nor one that was covered.
 */
static int
take_line(char *line, uint64_t mount_id, const char *above, char ***names,
          size_t *count)
{
    size_t length = strlen(above);
    unsigned long long parent;
    int at = 0;
    char *path;

    if (sscanf(line, "%*u %llu %*s %*s %n", &parent, &at) != 1 || at == 0 ||
        parent != mount_id)
        return 0;
    path = line + at;
    path[strcspn(path, " ")] = '\0';
    decode(path);
    if (strncmp(path, above, length) != 0 || path[length] != '/' ||
        !path[length + 1])
        return 0;
    return safefs_add_name(names, count, path + length + 1);
}

int
safefs_list_mounts(int fd, char ***ret_names, size_t *ret_count)
{
    CLEANUP_FREE char *data = NULL;
    char above[PATH_MAX];
    char **names = NULL;
    size_t count = 0;
    uint64_t mount_id = 0;
    int r = find_path(fd, above);

    if (r == 0)
        r = safefs_find_mount_id(fd, &mount_id);
    if (r == 0)
        r = safefs_read_system("/proc/self/mountinfo", MAX_MOUNTINFO, &data,
                               NULL);
    for (char *rest = data, *line; r == 0 && (line = strsep(&rest, "\n"));)
        r = take_line(line, mount_id, above, &names, &count);
    return safefs_give_names(r, names, count, ret_names, ret_count);
}

/* Is the mount with this id one of a file system as a whole? */
static bool
is_whole(char *data, uint64_t mount_id)
{
    for (char *line; (line = strsep(&data, "\n"));) {
        unsigned long long id;
        int at = 0;

        if (sscanf(line, "%llu %*u %*s %n", &id, &at) == 1 && at > 0 &&
            id == mount_id)
            return util_has_prefix(line + at, "/ ");
    }
    return false;
}

bool
safefs_is_whole_mount(int fd)
{
    CLEANUP_FREE char *data = NULL;
    struct statx st;

    /* A network's file system is one that others mount elsewhere: no disk. */
    return safefs_look(fd, &st) == 0 && st.stx_dev_major != 0 &&
           st.stx_attributes & STATX_ATTR_MOUNT_ROOT &&
           safefs_read_system("/proc/self/mountinfo", MAX_MOUNTINFO, &data,
                              NULL) == 0 &&
           is_whole(data, st.stx_mnt_id);
}
