/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for session.c that is not there: its memory and its files; ids, NSS,
 * helper and clock are in session_root.h.  They are what an input says, and the
 * calls fail that an input says.  Linked in the place of the C library's
 * functions: tests.mk finds their names in both.
 *
 * What is asked of the host is checked as it is asked: no path but those that a
 * login may look at, no group but the one that is due, no helper but by root.
 */
#ifndef HFCACHE_SESSION_HOST_H
#define HFCACHE_SESSION_HOST_H

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util.h"

#define HOST_GID 900
#define HOST_MAX_GROUPS 8

/* The bits of an input. */
enum {
    HOST_OF_USER = 1 << 0,     /* real uid: su, sudo */
    HOST_IS_USER = 1 << 1,     /* effective uid as well */
    HOST_THREADS = 1 << 2,
    HOST_REAPER = 1 << 3,
    HOST_TTY = 1 << 4,
    HOST_SILENT = 1 << 5,      /* PAM_SILENT */
    HOST_SETCRED = 1 << 6,     /* before open_session */
    HOST_BECAME = 1 << 7,      /* the user's groups are the process's */
    HOST_OTHER_GROUP = 1 << 8, /* and one that is not his */
    HOST_DEBUG = 1 << 9,
    HOST_SHORT_READS = 1 << 10,
    HOST_MEMBER = 1 << 11,
    HOST_JOINS = 1 << 12,      /* the helper makes him a member */
    HOST_SLOW = 1 << 13,       /* the helper says nothing in time */
    HOST_AGAIN = 1 << 14,      /* a second session on the handle */
    HOST_TWICE = 1 << 15,      /* setcred once more */
    HOST_BARRED = 1 << 16,     /* the policy is one that leaves alice out */
    HOST_UNIT = 1 << 17,       /* by its name a unit of systemd */
};

static struct {
    bool active; /* within a hook: else all is the C library's */
    unsigned bits;
    unsigned calls, first, every; /* which calls fail, and how */
    int error;
    gid_t own[HOST_MAX_GROUPS + 1];
    size_t nown;
    bool member, is_cut; /* groups or the policy were not to be had */
    unsigned added, spawned, masked;
    int answer_fd, status;
    char *answer;
    int64_t now_ms;
} host;

#define WRAP(type, name, ...)                                                 \
    type __real_##name(__VA_ARGS__);                                          \
    type __wrap_##name(__VA_ARGS__)

/* Count a call that may fail; true if this one does. */
static bool
host_fails(void)
{
    bool fails = false;

    if (!host.active)
        return false;
    host.calls++;
    if (host.first)
        fails = host.calls == host.first ||
                (host.every && host.calls > host.first &&
                 (host.calls - host.first) % host.every == 0);
    if (fails)
        errno = host.error;
    return fails;
}

/* --- memory -------------------------------------------------------------- */

WRAP(void *, malloc, size_t size);
WRAP(void *, calloc, size_t count, size_t size);
WRAP(void *, realloc, void *old, size_t size);
WRAP(void *, reallocarray, void *old, size_t count, size_t size);
WRAP(char *, strdup, const char *text);
WRAP(int, vasprintf, char **ret, const char *format, va_list args);
WRAP(FILE *, fmemopen, void *buffer, size_t size, const char *mode);

void *
__wrap_malloc(size_t size)
{
    return host_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return host_fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return host_fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return host_fails() ? NULL : __real_reallocarray(old, count, size);
}

char *
__wrap_strdup(const char *text)
{
    return host_fails() ? NULL : __real_strdup(text);
}

int
__wrap_vasprintf(char **ret, const char *format, va_list args)
{
    return host_fails() ? -1 : __real_vasprintf(ret, format, args);
}

FILE *
__wrap_fmemopen(void *buffer, size_t size, const char *mode)
{
    return host_fails() ? NULL : __real_fmemopen(buffer, size, mode);
}

/* --- files --------------------------------------------------------------- */

WRAP(int, open64, const char *path, int flags, ...);
WRAP(int, openat64, int dir_fd, const char *name, int flags, ...);
WRAP(int, close, int fd);
WRAP(ssize_t, read, int fd, void *buffer, size_t size);
WRAP(ssize_t, pread64, int fd, void *buffer, size_t size, off64_t offset);
WRAP(int, fstat64, int fd, struct stat64 *ret);
WRAP(int, stat64, const char *path, struct stat64 *ret);
WRAP(int, fcntl64, int fd, int command, ...);
WRAP(DIR *, opendir, const char *path);
WRAP(DIR *, fdopendir, int fd);
WRAP(struct dirent64 *, readdir64, DIR *dir);
WRAP(int, mkdir, const char *path, mode_t mode);

/* Where the file is that stands for `path`: never one of the cache. */
static const char *
host_path(const char *path, char buffer[PATH_MAX])
{
    static const char *const allowed[] = {
        "/etc/security/hfcache.conf", "/etc/group", "/etc/nsswitch.conf",
        "/run/hfcache", "/proc"};
    bool is_allowed = false;

    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        is_allowed = is_allowed || util_has_prefix(path, allowed[i]);
    MUST(is_allowed);
    if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
        return path;
    snprintf(buffer, PATH_MAX, "%s%s", fuzz_folder(), path);
    return buffer;
}

int
__wrap_open64(const char *path, int flags, ...)
{
    char buffer[PATH_MAX];
    mode_t mode = 0;
    va_list args;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    if (!host.active)
        return __real_open64(path, flags, mode);
    MUST(!(flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR)));
    if (!host_fails())
        return __real_open64(host_path(path, buffer), flags);
    host.is_cut = host.is_cut || host.error == ENOENT; /* then it is not there */
    return -1;
}

int
__wrap_openat64(int dir_fd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    MUST(!host.active || (*name != '/' && !(flags & (O_CREAT | O_TRUNC))));
    return host_fails() ? -1 : __real_openat64(dir_fd, name, flags, mode);
}

int
__wrap_close(int fd)
{
    int saved = errno, r = __real_close(fd);

    MUST(!host.active || r == 0);
    errno = saved;
    return host_fails() ? -1 : r;
}

ssize_t
__wrap_read(int fd, void *buffer, size_t size)
{
    if (host_fails())
        return -1;
    if (host.active && host.bits & HOST_SHORT_READS && size > 37)
        size = 37;
    return __real_read(fd, buffer, size);
}

ssize_t
__wrap_pread64(int fd, void *buffer, size_t size, off64_t offset)
{
    return host_fails() ? -1 : __real_pread64(fd, buffer, size, offset);
}

/* All files are root's. */
int
__wrap_fstat64(int fd, struct stat64 *ret)
{
    int r = host_fails() ? -1 : __real_fstat64(fd, ret);

    if (r == 0 && host.active)
        ret->st_uid = 0;
    return r;
}

int
__wrap_stat64(const char *path, struct stat64 *ret)
{
    if (!host.active)
        return __real_stat64(path, ret);
    MUST(strcmp(path, "/proc/self/task") == 0);
    *ret = (struct stat64){.st_mode = S_IFDIR | 0555,
                           .st_nlink = host.bits & HOST_THREADS ? 4 : 3};
    return host_fails() ? -1 : 0;
}

int
__wrap_fcntl64(int fd, int command, ...)
{
    va_list args;
    void *argument;

    va_start(args, command);
    argument = va_arg(args, void *);
    va_end(args);
    return host_fails() ? -1 : __real_fcntl64(fd, command, argument);
}

DIR *
__wrap_opendir(const char *path)
{
    char buffer[PATH_MAX];

    if (!host.active)
        return __real_opendir(path);
    return host_fails() ? NULL : __real_opendir(host_path(path, buffer));
}

DIR *
__wrap_fdopendir(int fd)
{
    return host_fails() ? NULL : __real_fdopendir(fd);
}

struct dirent64 *
__wrap_readdir64(DIR *dir)
{
    return host_fails() ? NULL : __real_readdir64(dir);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
    MUST(!host.active); /* the helper makes folders, a login none */
    return __real_mkdir(path, mode);
}

#endif
