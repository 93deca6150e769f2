/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways into a tree that others can write: to its root, and beneath it.
 */
#include "safefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "safefs_names.h"

#define MAX_LINKS 40   /* as the kernel's */
#define MAX_RETRIES 64 /* of openat2() while something is being renamed */

_Static_assert(offsetof(struct statx, stx_mnt_id) == 0x90,
               "the mount is where the kernel puts it");

/* --- to the root --------------------------------------------------------- */

/* Where the way to the root stands. */
struct way {
    int fd;               /* the folder reached */
    char *at;             /* its path, PATH_MAX bytes */
    char rest[PATH_MAX];  /* still to go */
    unsigned links;       /* followed so far */
    bool roots;           /* only root writes any folder on the way */
    safefs_seen *seen;    /* NULL: nobody wants to know */
    void *ctx;            /* seen's */
};

/* Only root can add, remove or replace names in this folder. */
static bool
is_roots_alone(const struct stat *st)
{
    return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static void
tell_seen(const struct way *way, const struct stat *st)
{
    if (way->seen)
        way->seen(way->ctx, *way->at ? way->at : "/", st);
}

static int
restart_way(struct way *way)
{
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (way->fd >= 0)
        close(way->fd);
    way->fd = fd;
    way->at[0] = '\0';
    if (fstat(fd, &st) == 0)
        tell_seen(way, &st);
    return 0;
}

/* Cut the next component off what is left to go; false at the end. */
static bool
next_component(struct way *way, char name[NAME_MAX + 1])
{
    char *start = way->rest + strspn(way->rest, "/");
    size_t length = strcspn(start, "/");

    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(way->rest, start + length, strlen(start + length) + 1);
    return true;
}

static int
extend_at(struct way *way, const char *name)
{
    size_t length = strlen(way->at);

    if (length + strlen(name) + 2 > PATH_MAX)
        return -ENAMETOOLONG;
    way->at[length] = '/';
    strcpy(way->at + length + 1, name);
    return 0;
}

static void
cut_at(struct way *way)
{
    char *slash = strrchr(way->at, '/');

    if (slash)
        *slash = '\0';
}

/* Follow the link `link_fd`, met in the folder way->fd. */
static int
follow_link(struct way *way, int link_fd, const struct stat *st)
{
    char target[PATH_MAX], rest[PATH_MAX];
    struct stat folder;
    ssize_t length;

    if (fstat(way->fd, &folder) < 0)
        return -errno;
    if (st->st_uid != 0 || !is_roots_alone(&folder) ||
        ++way->links > MAX_LINKS)
        return -ELOOP;
    length = readlinkat(link_fd, "", target, sizeof(target) - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    strcpy(rest, way->rest);
    if ((size_t)snprintf(way->rest, sizeof(way->rest), "%s/%s", target,
                         rest) >= sizeof(way->rest))
        return -ENAMETOOLONG;
    cut_at(way);
    return target[0] == '/' ? restart_way(way) : 0;
}

/*
 * Enter `name`.  O_DIRECTORY makes an automounter mount what belongs here;
 * only if that fails is the name looked at as a link.
 */
static int
enter_component(struct way *way, const char *name)
{
    CLEANUP_CLOSE int fd = openat(
        way->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_folder = fd >= 0;
    struct stat st;

    if (!is_folder && (errno == ENOTDIR || errno == ELOOP))
        fd = openat(way->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    tell_seen(way, &st);
    if (!is_folder)
        return S_ISLNK(st.st_mode) ? follow_link(way, fd, &st) : -ENOTDIR;
    way->roots = way->roots && is_roots_alone(&st);
    close(way->fd);
    way->fd = util_steal_fd(&fd);
    return 0;
}

static int
step(struct way *way, const char *name)
{
    int r;

    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") != 0) {
        r = extend_at(way, name);
        return r < 0 ? r : enter_component(way, name);
    }
    /* Out of a link's target; where others write, it could lead anywhere. */
    if (!way->roots)
        return -ELOOP;
    cut_at(way);
    return enter_component(way, name);
}

int
safefs_open_root(const char *path, struct err *err)
{
    char at[PATH_MAX];

    return safefs_open_root_seen(path, at, NULL, NULL, err);
}

int
safefs_open_root_seen(const char *path, char *ret_at, safefs_seen *seen,
                      void *ctx, struct err *err)
{
    struct way way = {
        .fd = -1, .at = ret_at, .roots = true, .seen = seen, .ctx = ctx};
    char name[NAME_MAX + 1];
    int r;

    ret_at[0] = '\0';
    if (path[0] != '/' || strlen(path) >= sizeof(way.rest))
        return err_set(err, EINVAL, "%.200s: is no absolute path", path);
    strcpy(way.rest, path);
    r = restart_way(&way);
    while (r == 0 && next_component(&way, name))
        r = step(&way, name);
    if (r == 0 && way.rest[strspn(way.rest, "/")])
        r = -ENAMETOOLONG;
    if (r == 0)
        return way.fd;
    if (way.fd >= 0)
        close(way.fd);
    if (r == -ELOOP)
        return err_set(err, ELOOP, "%.200s: is a symbolic link that is not "
                       "root's alone; name the folder itself", ret_at);
    return err_sys(err, -r, "%.200s", ret_at);
}

/* --- beneath it ---------------------------------------------------------- */

#define BENEATH                                                               \
    (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |                \
     RESOLVE_NO_MAGICLINKS)

static const struct open_how hows[] = {
    [SAFEFS_PIN] = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                    .resolve = BENEATH},
    [SAFEFS_PIN_FOLDER] = {.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW |
                                    O_CLOEXEC,
                           .resolve = BENEATH},
    [SAFEFS_LIST] = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                              O_NONBLOCK | O_CLOEXEC,
                     .resolve = BENEATH},
};

static int
flags_of(enum safefs_open how)
{
    return (int)hows[how].flags;
}

/* Again, while something is being renamed; else without openat2(). */
static int
open_otherwise(int dir_fd, const char *path, enum safefs_open how)
{
    for (unsigned i = 0; i < MAX_RETRIES; i++) {
        long fd;

        if (errno == ENOSYS || errno == EPERM)
            return safefs_open_stepwise(dir_fd, path, how);
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        fd = syscall(SYS_openat2, dir_fd, path, &hows[how], sizeof(*hows));
        if (fd >= 0)
            return (int)fd;
    }
    return -EAGAIN;
}

static int
open_beneath(int dir_fd, const char *path, enum safefs_open how)
{
    long fd = syscall(SYS_openat2, dir_fd, path, &hows[how], sizeof(*hows));

    return fd >= 0 ? (int)fd : open_otherwise(dir_fd, path, how);
}

/* A path longer than the kernel takes: each piece from the last one's end. */
static int
open_in_pieces(int dir_fd, const char *path, enum safefs_open how)
{
    CLEANUP_CLOSE int fd = -1;
    const char *end = path + strlen(path);
    char piece[PATH_MAX];

    while ((size_t)(end - path) >= sizeof(piece)) {
        const char *slash =
            memrchr(path, '/', sizeof(piece)); /* none: a name too long */
        int next;

        if (!slash)
            return -ENAMETOOLONG;
        memcpy(piece, path, (size_t)(slash - path));
        piece[slash - path] = '\0';
        next = open_beneath(fd < 0 ? dir_fd : fd, piece, SAFEFS_PIN_FOLDER);
        if (next < 0)
            return next;
        if (fd >= 0)
            close(fd);
        fd = next;
        path = slash + 1;
    }
    return open_beneath(fd < 0 ? dir_fd : fd, path, how);
}

int
safefs_open_beneath(int dir_fd, const char *path, enum safefs_open how)
{
    int fd = open_beneath(dir_fd, path, how);

    return fd == -ENAMETOOLONG ? open_in_pieces(dir_fd, path, how) : fd;
}

/* The id of the mount that `fd` is on, where statx() does not tell. */
static int
read_mount_id(int fd, uint64_t *ret_id)
{
    CLEANUP_CLOSE int info_fd = -1;
    char path[64], text[512];
    const char *line;
    ssize_t got;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    info_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (info_fd < 0)
        return -errno;
    got = read(info_fd, text, sizeof(text) - 1);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    line = strstr(text, "mnt_id:");
    if (!line)
        return -ENODATA;
    *ret_id = strtoull(line + strlen("mnt_id:"), NULL, 10);
    return 0;
}

int
safefs_find_mount_id(int fd, uint64_t *ret_id)
{
    struct statx st;

    /* Neither asks the mounted file system, which may not answer. */
    if (read_mount_id(fd, ret_id) == 0)
        return 0;
    if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
              STATX_MNT_ID, &st) < 0)
        return -errno;
    if (!(st.stx_mask & STATX_MNT_ID))
        return -ENOSYS;
    *ret_id = st.stx_mnt_id;
    return 0;
}

/* One step: `name` in `dir_fd`, which must be on the mount `mount_id`. */
static int
open_step(int dir_fd, const char *name, int flags, uint64_t mount_id)
{
    CLEANUP_CLOSE int fd = -1;
    uint64_t id = 0;
    int r;

    if (!*name || strcmp(name, "..") == 0)
        return -EXDEV;
    fd = openat(dir_fd, name, O_PATH | (flags & ~O_ACCMODE));
    if (fd < 0)
        return errno == ENOTDIR && flags & O_DIRECTORY && flags & O_PATH
                   ? -ELOOP
                   : -errno;
    r = safefs_find_mount_id(fd, &id);
    if (r < 0)
        return r;
    if (id != mount_id)
        return -EXDEV;
    if (flags & O_PATH)
        return util_steal_fd(&fd);
    r = openat(fd, ".", flags); /* known now not to be another's mount */
    return r < 0 ? -errno : r;
}

int
safefs_open_stepwise(int dir_fd, const char *path, enum safefs_open how)
{
    CLEANUP_CLOSE int fd = -1;
    char name[NAME_MAX + 1];
    uint64_t mount_id;
    int r = safefs_find_mount_id(dir_fd, &mount_id);

    while (r == 0) {
        size_t length = strcspn(path, "/");
        bool is_last = !path[length];
        int next;

        if (length > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, path, length);
        name[length] = '\0';
        next = open_step(fd < 0 ? dir_fd : fd, name,
                         is_last ? flags_of(how)
                                 : flags_of(SAFEFS_PIN) | O_DIRECTORY,
                         mount_id);
        if (next < 0 || is_last)
            return next;
        if (fd >= 0)
            close(fd);
        fd = next;
        path += length + 1;
    }
    return r;
}
