/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration files of the machine: see safefs_edit.h.
 */
#include "safefs_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "safefs.h"
#include "safefs_names.h"

#define MAX_ATTRIBUTES 65536 /* the kernel's XATTR_LIST_MAX and _SIZE_MAX */

/* --- reading ------------------------------------------------------------- */

static int
open_regular(const char *path, int flags, int *ret_fd, struct stat *ret_stat,
             struct err *err)
{
    CLEANUP_CLOSE int fd =
        open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);

    if (fd < 0 && errno == ELOOP)
        return err_set(err, ELOOP,
                       "%s: is a symbolic link; edit what it points to, or "
                       "put a file in its place first",
                       path);
    if (fd < 0)
        return err_sys(err, errno, "%s", path);
    if (fstat(fd, ret_stat) < 0)
        return err_sys(err, errno, "%s", path);
    if (!S_ISREG(ret_stat->st_mode))
        return err_set(err, EINVAL, "%s: is not a regular file", path);
    *ret_fd = util_steal_fd(&fd);
    return 0;
}

static int
open_editable(const char *path, int *ret_fd, struct stat *ret_stat,
              struct err *err)
{
    int r = open_regular(path, O_NOFOLLOW, ret_fd, ret_stat, err);

    if (r < 0 || ret_stat->st_nlink == 1)
        return r;
    close(*ret_fd);
    return err_set(err, EMLINK,
                   "%s: has %lu names (hard links), and an edit would part "
                   "them; leave it one name first",
                   path, (unsigned long)ret_stat->st_nlink);
}

static int
read_open(const char *path, int fd, size_t max, char **ret_data,
          size_t *ret_length, struct err *err)
{
    int r = util_read_all(fd, max, ret_data, ret_length);

    return r < 0 ? err_sys(err, -r, "%s", path) : 0;
}

int
safefs_read_plain(const char *path, size_t max, char **ret_data,
                  size_t *ret_length, struct err *err)
{
    CLEANUP_CLOSE int fd = -1;
    struct stat st;
    int r = open_regular(path, 0, &fd, &st, err);

    return r < 0 ? r : read_open(path, fd, max, ret_data, ret_length, err);
}

int
safefs_read_editable(const char *path, size_t max, char **ret_data,
                     size_t *ret_length, struct err *err)
{
    CLEANUP_CLOSE int fd = -1;
    struct stat st;
    int r = open_editable(path, &fd, &st, err);

    return r < 0 ? r : read_open(path, fd, max, ret_data, ret_length, err);
}

bool
safefs_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* --- replacing ----------------------------------------------------------- */

static int
copy_attribute(int from, int to, const char *name)
{
    CLEANUP_FREE char *value = malloc(MAX_ATTRIBUTES);
    ssize_t size;

    if (!value)
        return -ENOMEM;
    size = fgetxattr(from, name, value, MAX_ATTRIBUTES);
    if (size < 0)
        return errno == ENODATA ? 0 : -errno;
    return fsetxattr(to, name, value, (size_t)size, 0) < 0 ? -errno : 0;
}

static int
copy_attributes(int from, int to)
{
    CLEANUP_FREE char *names = malloc(MAX_ATTRIBUTES);
    ssize_t size;
    int r = 0;

    if (!names)
        return -ENOMEM;
    size = flistxattr(from, names, MAX_ATTRIBUTES);
    if (size < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (char *at = names; at < names + size && r == 0; at += strlen(at) + 1)
        r = copy_attribute(from, to, at);
    return r;
}

/* Make `to` what `from` is but for its contents, which are `text`. */
static int
fill_like(int to, int from, const struct stat *st,
          const struct safefs_text *text)
{
    int r;

    if (fchown(to, st->st_uid, st->st_gid) < 0)
        return -errno;
    r = copy_attributes(from, to);
    if (r < 0)
        return r;
    if (fchmod(to, st->st_mode & 07777) < 0)
        return -errno;
    r = util_write_all(to, text->data, text->length);
    if (r == 0 && fsync(to) < 0)
        r = -errno;
    return r;
}

/* Open the folder of `path`; *ret_name is the rest. */
static int
open_parent(const char *path, int *ret_fd, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *folder = NULL;
    int fd;

    if (!slash)
        return -EINVAL;
    folder = strndup(path, slash > path ? (size_t)(slash - path) : 1);
    if (!folder)
        return -ENOMEM;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    *ret_name = slash + 1;
    return 0;
}

/*
 * Write `text` under another name in `folder`, make it like `from` in all
 * else, and rename it to `name`.
 */
static int
write_beside(int folder, const char *name, int from, const struct stat *st,
             const struct safefs_text *text)
{
    CLEANUP_CLOSE int fd = -1;
    char prefix[NAME_MAX + 1], temporary[NAME_MAX + 1];
    int r;

    snprintf(prefix, sizeof(prefix), ".%.200s.hfcache-", name);
    fd = safefs_open_temp(folder, prefix, temporary);
    if (fd < 0)
        return fd;
    r = fill_like(fd, from, st, text);
    if (r == 0 && renameat(folder, temporary, folder, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(folder, temporary, 0);
    else
        (void)fsync(folder);
    return r;
}

int
safefs_replace(const char *path, const struct safefs_text *before,
               const struct safefs_text *after, struct err *err)
{
    CLEANUP_CLOSE int fd = -1, folder = -1;
    CLEANUP_FREE char *now = NULL;
    const char *name = NULL;
    struct stat st;
    size_t length;
    int r = open_editable(path, &fd, &st, err);

    if (r < 0)
        return r;
    r = read_open(path, fd, before->length + 1, &now, &length, NULL);
    if (r < 0 || length != before->length ||
        memcmp(now, before->data, length) != 0)
        return err_set(err, EBUSY,
                       "%s: somebody else has just changed it; run this again",
                       path);
    r = open_parent(path, &folder, &name);
    if (r == 0)
        r = write_beside(folder, name, fd, &st, after);
    return r < 0 ? err_sys(err, -r, "%s: not changed", path) : 0;
}

/* --- copies -------------------------------------------------------------- */

int
safefs_keep_copy(const char *parent, const char *folder, const char *name,
                 const struct safefs_text *text, struct err *err)
{
    CLEANUP_CLOSE int parent_fd =
        safefs_open_state_folder(parent, 0755, 0, err);
    CLEANUP_CLOSE int fd = -1;
    int r;

    if (parent_fd < 0)
        return parent_fd;
    fd = safefs_open_state_folder(folder, 0755, 0, err);
    if (fd < 0)
        return fd;
    r = safefs_replace_file(fd, name, 0644, true, text->data, text->length);
    return r < 0 ? err_sys(err, -r, "%s/%s: no copy kept", folder, name) : 0;
}

static int
remove_empty(const char *folder)
{
    if (rmdir(folder) == 0 || errno == ENOTEMPTY || errno == EEXIST ||
        errno == ENOENT)
        return 0;
    return -errno;
}

int
safefs_drop_copy(const char *parent, const char *folder, const char *name)
{
    CLEANUP_CLOSE int fd =
        open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r;

    if (fd < 0 && errno != ENOENT)
        return -errno;
    if (fd >= 0 && unlinkat(fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    r = remove_empty(folder);
    return r == 0 ? remove_empty(parent) : r;
}
