/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that are believed because of who owns them: the policy, its drop-ins,
 * state files.  Opened first, judged by the descriptor, and only then read.
 */
#include "safefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "safefs_names.h"

/* Open for reading without following a final link and without blocking. */
static int
open_quietly(const char *path, int flags, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                            O_CLOEXEC | flags);

    if (fd >= 0)
        return fd;
    if (errno == ELOOP)
        return err_set(err, ELOOP,
                       "%s: is a symbolic link; put the file itself there",
                       path);
    if (errno == ENXIO)
        return err_set(err, EINVAL, "%s: is a socket or a device; a regular "
                       "file is needed", path);
    return err_sys(err, errno, "%s: cannot be opened", path);
}

/* A file that could be opened is not absent, whatever its file system says. */
static int
open_error(int error)
{
    return error == ENOENT ? ESTALE : error;
}

/* Owned by root or `trusted_uid` and closed to other writers. */
static int
judge_owner(const struct stat *st, const char *path, uid_t trusted_uid,
            struct err *err)
{
    if (st->st_uid != 0 && st->st_uid != trusted_uid)
        return err_set(err, EPERM,
                       "%s: belongs to uid %u; it must belong to root: "
                       "chown root %s",
                       path, st->st_uid, path);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return err_set(err, EPERM,
                       "%s: others than its owner can write it (mode %04o): "
                       "chmod go-w %s",
                       path, st->st_mode & 07777, path);
    return 0;
}

static int
judge_file(int fd, const char *path, uid_t trusted_uid, size_t max,
           struct stat *ret_st, struct err *err)
{
    if (fstat(fd, ret_st) < 0)
        return err_sys(err, open_error(errno), "%s: cannot be examined", path);
    if (!S_ISREG(ret_st->st_mode))
        return err_set(err, EINVAL, "%s: is %s; a regular file is needed", path,
                       S_ISDIR(ret_st->st_mode) ? "a folder"
                                                : "no regular file");
    if (ret_st->st_size < 0 || (uintmax_t)ret_st->st_size > max)
        return err_set(err, EFBIG, "%s: holds %jd bytes; at most %zu are read",
                       path, (intmax_t)ret_st->st_size, max);
    return judge_owner(ret_st, path, trusted_uid, err);
}

static int
read_judged(int fd, const char *path, size_t max, char **ret_data,
            size_t *ret_length, struct err *err)
{
    int r = util_read_all(fd, max, ret_data, ret_length);

    if (r == -EFBIG)
        return err_set(err, EFBIG, "%s: holds more than the %zu bytes that "
                       "are read", path, max);
    if (r < 0)
        return err_sys(err, open_error(-r), "%s: cannot be read", path);
    return 0;
}

/*
 * Open and judge by the descriptor.  With `one_link` no other name has it: it
 * has no name at all while it is just being replaced.
 */
static int
open_owned(const char *path, uid_t trusted_uid, bool one_link, size_t max,
           size_t *ret_size, struct err *err)
{
    CLEANUP_CLOSE int fd = open_quietly(path, 0, err);
    struct stat st;
    int r;

    if (fd < 0)
        return fd;
    r = judge_file(fd, path, trusted_uid, max, &st, err);
    if (r < 0)
        return r;
    if (one_link && st.st_nlink > 1)
        return err_set(err, EPERM, "%s: has %ju links; one is right: rm %s",
                       path, (uintmax_t)st.st_nlink, path);
    *ret_size = (size_t)st.st_size;
    return util_steal_fd(&fd);
}

static int
read_owned(const char *path, uid_t trusted_uid, bool one_link, size_t max,
           char **ret_data, size_t *ret_length, struct err *err)
{
    size_t size;
    CLEANUP_CLOSE int fd =
        open_owned(path, trusted_uid, one_link, max, &size, err);

    return fd < 0 ? fd
                  : read_judged(fd, path, max, ret_data, ret_length, err);
}

int
safefs_read_trusted(const char *path, uid_t trusted_uid, size_t max,
                    char **ret_data, size_t *ret_length, struct err *err)
{
    return read_owned(path, trusted_uid, false, max, ret_data, ret_length,
                      err);
}

int
safefs_read_state(const char *path, uid_t trusted_uid, size_t max,
                  char **ret_data, size_t *ret_length, struct err *err)
{
    return read_owned(path, trusted_uid, true, max, ret_data, ret_length, err);
}

int
safefs_open_state(const char *path, uid_t trusted_uid, size_t max,
                  size_t *ret_size, struct err *err)
{
    return open_owned(path, trusted_uid, true, max, ret_size, err);
}

int
safefs_read_system(const char *path, size_t max, char **ret_data,
                   struct err *err)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    size_t length;

    if (fd < 0)
        return err_sys(err, errno, "%s: cannot be opened", path);
    return read_judged(fd, path, max, ret_data, &length, err);
}

/* --- the names in a trusted folder --------------------------------------- */

int
safefs_add_name(char ***names, size_t *count, const char *name)
{
    char **grown = reallocarray(*names, *count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    *names = grown;
    grown[*count] = strdup(name);
    if (!grown[*count])
        return -ENOMEM;
    ++*count;
    return 0;
}

static int
compare_names(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;

    return strcmp(*left, *right);
}

int
safefs_give_names(int r, char **names, size_t count, char ***ret_names,
                  size_t *ret_count)
{
    if (r < 0) {
        safefs_free_names(names, count);
        return r;
    }
    if (count)
        qsort(names, count, sizeof(*names), compare_names);
    *ret_names = names;
    *ret_count = count;
    return 0;
}

static bool
is_wanted(const char *name, const char *pattern)
{
    return !util_is_dots(name) &&
           (!pattern || fnmatch(pattern, name, 0) == 0);
}

int
safefs_collect_names(DIR *dir, const char *pattern, char ***ret_names,
                     size_t *ret_count)
{
    struct dirent *entry;
    char **names = NULL;
    size_t count = 0;
    int r = 0;

    for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0) {
        if (is_wanted(entry->d_name, pattern))
            r = safefs_add_name(&names, &count, entry->d_name);
    }
    if (r == 0 && errno)
        r = -errno;
    return safefs_give_names(r, names, count, ret_names, ret_count);
}

/* Judge the open folder and make a stream of it, which takes `*fd`. */
static int
open_stream(int *fd, const char *path, uid_t trusted_uid, DIR **ret_dir,
            struct err *err)
{
    struct stat st;
    int r;

    if (fstat(*fd, &st) < 0)
        return err_sys(err, open_error(errno), "%s: cannot be examined", path);
    r = judge_owner(&st, path, trusted_uid, err);
    if (r < 0)
        return r;
    *ret_dir = fdopendir(*fd);
    if (!*ret_dir)
        return err_sys(err, errno, "%s: cannot be listed", path);
    (void)util_steal_fd(fd);
    return 0;
}

int
safefs_list_trusted(const char *path, const char *pattern, uid_t trusted_uid,
                    char ***ret_names, size_t *ret_count, struct err *err)
{
    struct err open_err;
    CLEANUP_CLOSE int fd = open_quietly(path, O_DIRECTORY, &open_err);
    DIR *dir = NULL;
    int r;

    if (fd == -ENOENT) {
        *ret_names = NULL;
        *ret_count = 0;
        return 0;
    }
    if (fd < 0)
        return err_set(err, open_err.code, "%s", open_err.text);
    r = open_stream(&fd, path, trusted_uid, &dir, err);
    if (!dir)
        return r;
    r = safefs_collect_names(dir, pattern, ret_names, ret_count);
    closedir(dir);
    return r < 0 ? err_sys(err, open_error(-r), "%s: cannot be listed", path)
                 : 0;
}

void
safefs_free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* --- writing as root ----------------------------------------------------- */

/* Has the process gone whose number stands behind `prefix`, or is it this? */
static bool
is_left_over(const char *name, const char *prefix)
{
    uint64_t pid;

    if (!util_has_prefix(name, prefix) ||
        util_parse_number(name + strlen(prefix), INT_MAX, &pid) < 0 || pid == 0)
        return false;
    return (pid_t)pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

/* What was being written when somebody was killed; nobody else needs it. */
static void
remove_left_over(int dir_fd, const char *prefix)
{
    char **names;
    size_t count;

    if (safefs_list_folder(dir_fd, &names, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (is_left_over(names[i], prefix))
            (void)unlinkat(dir_fd, names[i], 0);
    }
    safefs_free_names(names, count);
}

int
safefs_open_temp(int dir_fd, const char *prefix, char ret_temp[NAME_MAX + 1])
{
    int r = snprintf(ret_temp, NAME_MAX + 1, "%s%d", prefix, getpid());
    int fd;

    if (r < 0 || r > NAME_MAX)
        return -ENAMETOOLONG;
    remove_left_over(dir_fd, prefix);
    fd = openat(dir_fd, ret_temp,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

int
safefs_begin_file(int dir_fd, const char *name, char ret_temp[NAME_MAX + 1])
{
    char prefix[NAME_MAX + 1];

    if (snprintf(prefix, sizeof(prefix), ".%s.", name) > NAME_MAX)
        return -ENAMETOOLONG;
    return safefs_open_temp(dir_fd, prefix, ret_temp);
}

/* The mode is set on the descriptor, so that no umask has a say. */
int
safefs_commit_file(int dir_fd, const char *temp, int fd, const char *name,
                   mode_t mode, bool durable)
{
    int r = 0;

    if (fchmod(fd, mode) < 0 ||
        (durable && fsync(fd) < 0 && errno != EINVAL) ||
        renameat(dir_fd, temp, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, temp, 0);
    else if (durable)
        (void)fsync(dir_fd); /* what comes next may count on the name */
    return r;
}

static int
replace(int dir_fd, const char *name, mode_t mode, gid_t gid, bool durable,
        const char *data, size_t length)
{
    char temp[NAME_MAX + 1];
    CLEANUP_CLOSE int fd = safefs_begin_file(dir_fd, name, temp);
    int r;

    if (fd < 0)
        return fd;
    r = util_write_all(fd, data, length);
    /* Before its mode is set, so that it is never open to another group. */
    if (r == 0 && gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) < 0)
        r = -errno;
    if (r == 0)
        return safefs_commit_file(dir_fd, temp, fd, name, mode, durable);
    (void)unlinkat(dir_fd, temp, 0);
    return r;
}

int
safefs_replace_file(int dir_fd, const char *name, mode_t mode, bool durable,
                    const char *data, size_t length)
{
    return replace(dir_fd, name, mode, (gid_t)-1, durable, data, length);
}

int
safefs_replace_file_of(int dir_fd, const char *name, mode_t mode, gid_t gid,
                       const char *data, size_t length)
{
    return replace(dir_fd, name, mode, gid, false, data, length);
}

int
safefs_open_state_folder(const char *path, mode_t mode, uid_t trusted_uid,
                         struct err *err)
{
    CLEANUP_CLOSE int fd = -1;
    struct stat st;
    int r;

    if (mode && mkdir(path, mode) < 0 && errno != EEXIST)
        return err_sys(err, errno, "%s: cannot be made", path);
    fd = open_quietly(path, O_DIRECTORY, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "%s: cannot be examined", path);
    r = judge_owner(&st, path, trusted_uid, err);
    if (r < 0)
        return r;
    return util_steal_fd(&fd);
}

int
safefs_lock_file(int dir_fd, const char *name, bool wait)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CLEANUP_CLOSE int fd = openat(
        dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
        0600);

    if (fd < 0)
        return -errno;
    while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return -EBUSY;
        if (errno != EINTR)
            return -errno;
    }
    return util_steal_fd(&fd);
}

/* Was the last line written to its end?  A full disk may have cut it short. */
static bool
ends_a_line(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    char last = '\n';

    return end <= 0 || pread(fd, &last, 1, end - 1) != 1 || last == '\n';
}

int
safefs_append_line(int dir_fd, const char *name, const char *line)
{
    CLEANUP_CLOSE int fd = openat(
        dir_fd, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
        0600);
    int r = 0;

    if (fd < 0)
        return -errno;
    if (!ends_a_line(fd))
        r = util_write_all(fd, "\n", 1);
    if (r == 0)
        r = util_write_all(fd, line, strlen(line));
    return r == 0 && fsync(fd) < 0 && errno != EINVAL ? -errno : r;
}

int
safefs_remove_file(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}
