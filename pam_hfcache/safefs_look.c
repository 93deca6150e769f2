/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an inode of the tree is and holds.
 */
#include "safefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "safefs_names.h"

/*
 * Without the mount's id, as libc does it where the kernel lacks statx(); what
 * an old filter answers for calls that it does not know is EPERM.
 */
int
safefs_look_otherwise(int dir_fd, const char *name, int flags,
                      struct statx *ret)
{
    struct stat st;

    if (errno != EPERM || fstatat(dir_fd, name, &st, flags) < 0)
        return -errno;
    *ret = (struct statx){
        .stx_mask = STATX_BASIC_STATS,
        .stx_mode = (uint16_t)st.st_mode,
        .stx_uid = st.st_uid,
        .stx_gid = st.st_gid,
        .stx_nlink = (uint32_t)st.st_nlink,
        .stx_ino = st.st_ino,
        .stx_size = (uint64_t)st.st_size,
        .stx_blocks = (uint64_t)st.st_blocks,
        .stx_mtime = {.tv_sec = st.st_mtim.tv_sec,
                      .tv_nsec = (uint32_t)st.st_mtim.tv_nsec},
        .stx_ctime = {.tv_sec = st.st_ctim.tv_sec,
                      .tv_nsec = (uint32_t)st.st_ctim.tv_nsec},
        .stx_dev_major = major(st.st_dev),
        .stx_dev_minor = minor(st.st_dev),
    };
    return 0;
}

int
safefs_look(int fd, struct statx *ret)
{
    int flags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT;

    return statx(fd, "", flags, STATX_BASIC_STATS | STATX_MNT_ID, ret) < 0
               ? safefs_look_otherwise(fd, "", flags, ret)
               : 0;
}

int
safefs_look_at(int dir_fd, const char *name, struct statx *ret)
{
    return safefs_look_for(dir_fd, name, STATX_BASIC_STATS, 0, ret);
}

ssize_t
safefs_read_link(int dir_fd, const char *name, char *buffer, size_t size)
{
    ssize_t length = readlinkat(dir_fd, name, buffer, size);

    if (length < 0)
        return -errno;
    if ((size_t)length >= size)
        return -ENAMETOOLONG;
    buffer[length] = '\0';
    return length;
}

int
safefs_open_pinned(int *fd, const struct statx *st)
{
    char path[64];
    int reading;

    if (S_ISDIR(st->stx_mode)) {
        reading = openat(*fd, ".",
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    } else {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
        reading = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (reading < 0)
        return -errno;
    close(*fd);
    *fd = reading;
    return 0;
}

ssize_t
safefs_read_head(int fd, char *buffer, size_t size)
{
    ssize_t got = pread(fd, buffer, size, 0);

    return got < 0 ? -errno : got;
}

bool
safefs_is_being_written(int fd)
{
    /* Who opens it meanwhile is told of to us, by a signal that does nothing. */
    if (fcntl(fd, F_SETSIG, SIGURG) < 0)
        return false;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

bool
safefs_is_same(const struct statx *a, const struct statx *b)
{
    return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
           a->stx_dev_minor == b->stx_dev_minor &&
           a->stx_mnt_id == b->stx_mnt_id &&
           (a->stx_mode & S_IFMT) == (b->stx_mode & S_IFMT);
}

int
safefs_list_folder(int dir_fd, char ***ret_names, size_t *ret_count)
{
    int fd = safefs_open_beneath(dir_fd, ".", SAFEFS_LIST);
    DIR *dir;
    int r;

    if (fd < 0)
        return fd;
    dir = fdopendir(fd);
    if (!dir) {
        r = -errno;
        close(fd);
        return r;
    }
    r = safefs_collect_names(dir, NULL, ret_names, ret_count);
    closedir(dir);
    return r;
}
