/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of one pinned inode: group, bits, default ACL; and new folders.
 */
#include "safefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_ACCESS "system.posix_acl_access"

/* An ACL as the kernel keeps it: a version, then entries; little-endian. */
#define ACL_ENTRIES 3
#define ACL_BYTES (4 + 8 * ACL_ENTRIES)
enum { TAG_USER = 0x01, TAG_GROUP = 0x04, TAG_MASK = 0x10, TAG_OTHER = 0x20 };

/* A name for what is behind a descriptor, for calls that want a path. */
#define FD_PATH_BYTES 32

static void
name_fd(int fd, char path[FD_PATH_BYTES])
{
    snprintf(path, FD_PATH_BYTES, "/proc/self/fd/%d", fd);
}

/* --- ACLs ---------------------------------------------------------------- */

static void
put_entry(unsigned char *out, unsigned tag, unsigned bits)
{
    out[0] = (unsigned char)tag;
    out[1] = 0;
    out[2] = (unsigned char)bits;
    out[3] = 0;
    memset(out + 4, 0xff, 4); /* no id */
}

static void
build_acl(enum acl_fact acl, unsigned char out[ACL_BYTES])
{
    static const unsigned char version[4] = {2, 0, 0, 0};

    memcpy(out, version, sizeof(version));
    put_entry(out + 4, TAG_USER, 07);
    put_entry(out + 12, TAG_GROUP, 07);
    put_entry(out + 20, TAG_OTHER, acl == ACL_FACT_2775 ? 05 : 0);
}

/* The ids of unnamed entries mean nothing: they are left out of comparing. */
static bool
equals_acl(const unsigned char *data, enum acl_fact acl)
{
    unsigned char wanted[ACL_BYTES];

    build_acl(acl, wanted);
    if (memcmp(data, wanted, 4) != 0)
        return false;
    for (unsigned i = 4; i < ACL_BYTES; i += 8) {
        if (memcmp(data + i, wanted + i, 4) != 0)
            return false;
    }
    return true;
}

/* An attribute of what `fd` is open on, or pins: that takes a path. */
static ssize_t
get_attribute(int fd, const char *name, void *data, size_t size)
{
    ssize_t length = fgetxattr(fd, name, data, size);
    char path[FD_PATH_BYTES];

    if (length >= 0 || errno != EBADF)
        return length;
    name_fd(fd, path);
    return getxattr(path, name, data, size);
}

int
safefs_default_acl(int fd, enum acl_fact *ret)
{
    unsigned char data[ACL_BYTES];
    ssize_t length = get_attribute(fd, ACL_DEFAULT, data, sizeof(data));

    if (length < 0 && errno == EOPNOTSUPP)
        *ret = ACL_FACT_UNSUPPORTED;
    else if (length == 0 || (length < 0 && errno == ENODATA))
        *ret = ACL_FACT_NONE;
    else if (length < 0 && errno != ERANGE)
        return -errno;
    else if (length == ACL_BYTES && equals_acl(data, ACL_FACT_2770))
        *ret = ACL_FACT_2770;
    else if (length == ACL_BYTES && equals_acl(data, ACL_FACT_2775))
        *ret = ACL_FACT_2775;
    else
        *ret = ACL_FACT_OTHER;
    return 0;
}

/* True, too, if that cannot be found out. */
static bool
has_attribute(int fd, const char *name)
{
    ssize_t length = get_attribute(fd, name, NULL, 0);

    return length > 0 ||
           (length < 0 && errno != ENODATA && errno != EOPNOTSUPP);
}

bool
safefs_has_access_acl(int fd)
{
    return has_attribute(fd, ACL_ACCESS);
}

int
safefs_group_bits(int fd, unsigned *ret_bits)
{
    unsigned char data[4096];
    unsigned group = 0, mask = 07;
    ssize_t length = get_attribute(fd, ACL_ACCESS, data, sizeof(data));

    if (length < 0)
        return -errno;
    if (length < 4)
        return -ENODATA;
    for (ssize_t i = 4; i + 8 <= length; i += 8) {
        unsigned tag = data[i] | (unsigned)data[i + 1] << 8;

        if (tag == TAG_GROUP)
            group = data[i + 2];
        else if (tag == TAG_MASK)
            mask = data[i + 2];
    }
    *ret_bits = group & mask & 07;
    return 0;
}

static int
set_default_acl(int fd, enum acl_fact acl)
{
    unsigned char data[ACL_BYTES];
    char path[FD_PATH_BYTES];

    build_acl(acl, data);
    name_fd(fd, path);
    return setxattr(path, ACL_DEFAULT, data, sizeof(data), 0) < 0 ? -errno : 0;
}

int
safefs_drop_access_acl(int fd)
{
    char path[FD_PATH_BYTES];

    name_fd(fd, path);
    if (removexattr(path, ACL_ACCESS) == 0)
        return 0;
    return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

/* --- one inode ----------------------------------------------------------- */

static int
set_mode(int fd, mode_t mode)
{
    char path[FD_PATH_BYTES];

    if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    name_fd(fd, path);
    return chmod(path, mode) < 0 ? -errno : 0;
}

static int
set_group(int fd, gid_t gid)
{
    return fchownat(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int
safefs_give_to_root(int fd)
{
    return fchownat(fd, "", 0, (gid_t)-1, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static bool
looks_as_before(const struct statx *now, const struct statx *seen)
{
    return safefs_is_same(now, seen) && now->stx_mode == seen->stx_mode &&
           now->stx_uid == seen->stx_uid && now->stx_gid == seen->stx_gid &&
           (S_ISDIR(now->stx_mode) || now->stx_nlink == seen->stx_nlink);
}

/* What no caller may change, whatever it thinks it saw. */
static int
refuse_odd(int fd, const struct statx *now, struct err *err)
{
    if (!S_ISREG(now->stx_mode) && !S_ISDIR(now->stx_mode))
        return err_set(err, EPERM, "is neither a file nor a folder");
    if (now->stx_mode & S_ISUID)
        return err_set(err, EPERM, "is setuid");
    if (S_ISDIR(now->stx_mode))
        return 0;
    if (now->stx_nlink != 1)
        return err_set(err, EPERM, "has %u links", now->stx_nlink);
    if (has_attribute(fd, "security.capability"))
        return err_set(err, EPERM, "has file capabilities");
    return 0;
}

/*
 * Narrow, give to the group, widen.  A folder's setgid survives the change of
 * its group; it is among the bits that are set last.
 */
static int
apply(int fd, const struct statx *now, mode_t mode, gid_t gid)
{
    mode_t has = now->stx_mode & 07777;
    mode_t narrow = has & mode;
    int r = 0;

    if (narrow != has)
        r = set_mode(fd, narrow);
    if (r == 0 && now->stx_gid != gid)
        r = set_group(fd, gid);
    if (r == 0 && narrow != mode)
        r = set_mode(fd, mode);
    return r;
}

/* Look once more: a kernel drops setgid silently for a non-member. */
static int
confirm(int fd, mode_t mode, gid_t gid, struct err *err)
{
    struct statx now;
    int r = safefs_look(fd, &now);

    if (r < 0)
        return err_sys(err, -r, "cannot be looked at again");
    if ((now.stx_mode & 07777) == mode && now.stx_gid == gid)
        return 0;
    return err_set(err, EPERM,
                   "is %04o of group %u after the change to %04o of group %u",
                   now.stx_mode & 07777, now.stx_gid, mode, gid);
}

int
safefs_change(int fd, const struct statx *seen, mode_t mode, gid_t gid,
              enum acl_fact acl, struct err *err)
{
    bool sets_acl = acl == ACL_FACT_2770 || acl == ACL_FACT_2775;
    enum acl_fact has = ACL_FACT_UNSUPPORTED;
    struct statx now;
    int r = safefs_look(fd, &now);

    if (r < 0)
        return err_sys(err, -r, "cannot be looked at");
    if (!looks_as_before(&now, seen))
        return err_set(err, ESTALE, "has changed meanwhile");
    r = refuse_odd(fd, &now, err);
    if (r < 0)
        return r;
    r = apply(fd, &now, mode, gid);
    if (r < 0)
        return err_sys(err, -r, "cannot be changed");
    if (sets_acl && S_ISDIR(now.stx_mode)) {
        r = safefs_default_acl(fd, &has);
        if (r == 0 && has != acl && has != ACL_FACT_UNSUPPORTED)
            r = set_default_acl(fd, acl);
        if (r < 0)
            return err_sys(err, -r, "its default ACL cannot be set");
    }
    return confirm(fd, mode, gid, err);
}

/*
 * Is this what we have just made?  Where others may rename, it may be another
 * one of our own by now, which must not be opened; but one that is empty has
 * nothing to open.
 */
static int
check_made(int fd, const char *name, const struct statx *st, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    int r = 0;

    if (!S_ISDIR(st->stx_mode) || st->stx_uid != geteuid())
        r = -ESTALE;
    if (r == 0)
        r = safefs_list_folder(fd, &names, &count);
    safefs_free_names(names, count);
    if (r == -ESTALE || count > 0)
        return err_set(err, ESTALE, "%s: was replaced while it was made", name);
    return r < 0 ? err_sys(err, -r, "%s: cannot be listed", name) : 0;
}

int
safefs_make_folder(int dir_fd, const char *name, mode_t mode, gid_t gid,
                   enum acl_fact acl, struct err *err)
{
    CLEANUP_CLOSE int fd = -1;
    struct err inner;
    /* One that all may enter is that at once, should we be killed. */
    mode_t first = (mode & 05) == 05 ? mode & 0755 : 0700;
    struct statx st;
    int r;

    if (mkdirat(dir_fd, name, first) < 0)
        return err_sys(err, errno, "%s: cannot be made", name);
    fd = safefs_open_beneath(dir_fd, name, SAFEFS_PIN);
    if (fd < 0)
        return err_sys(err, -fd, "%s: cannot be opened", name);
    r = safefs_look(fd, &st);
    if (r < 0)
        return err_sys(err, -r, "%s: cannot be looked at", name);
    r = check_made(fd, name, &st, err);
    if (r < 0)
        return r;
    r = safefs_change(fd, &st, mode, gid, acl, &inner);
    if (r < 0)
        return err_set(err, -r, "%s: %s", name, inner.text);
    return util_steal_fd(&fd);
}
