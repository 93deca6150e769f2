/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What plant does to an inode.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "plant.h"

/* What an inode is, and is made to drift to: one of two modes. */
static const struct {
    mode_t right, spoilt[2];
    bool group; /* its owner's own group as well */
} rules[KINDS] = {
    [REPOSITORY] = {02770, {0750, 0750}, true},
    [FOLDER] = {02770, {0770, 02750}, false},
    [PLAIN] = {0660, {0660, 0660}, true},
    [LOCK] = {0660, {0640, 0640}, false},
    [PAYLOAD] = {0440, {0440, 0440}, true},
};

int
make(const struct plan *plan, const struct item *item)
{
    int fd;

    if (item->kind <= FOLDER)
        return mkdirat(plan->root, item->path, 0777) < 0 ? -1 : 1;
    if (item->kind == LINK)
        return symlinkat(item->target, plan->root, item->path) < 0 ? -1 : 1;
    fd = openat(plan->root, item->path,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                item->kind == PAYLOAD ? 0440 : 0666);
    return fd < 0 || close(fd) < 0 ? -1 : 1;
}

/* Links cannot drift, so that more of the others have to. */
static bool
drifts(const struct plan *plan, const struct item *item)
{
    return item->kind != LINK &&
           scramble(item->lot) % 1000 < plan->share * 10 / 7;
}

static int
change(const struct plan *plan, const struct item *item, bool spoil)
{
    mode_t right = rules[item->kind].right;
    mode_t spoilt = rules[item->kind].spoilt[item->lot % 2];
    gid_t gid = spoil ? plan->gids[plan->user] : plan->gid;

    if (rules[item->kind].group && fchownat(plan->root, item->path, (uid_t)-1,
                                            gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (spoilt != right &&
        fchmodat(plan->root, item->path, spoil ? spoilt : right, 0) < 0)
        return -1;
    return 1;
}

/* The usual recipe lets people write what nobody may; that ends here. */
static int
close_payload(const struct plan *plan, const struct item *item)
{
    struct stat st;

    if (fstatat(plan->root, item->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if ((st.st_mode & 07777) == rules[PAYLOAD].right)
        return 0;
    return fchmodat(plan->root, item->path, rules[PAYLOAD].right, 0);
}

int
drift(const struct plan *plan, const struct item *item)
{
    if (item->kind == PAYLOAD && close_payload(plan, item) < 0)
        return -1;
    return drifts(plan, item) ? change(plan, item, true) : 0;
}

int
mend(const struct plan *plan, const struct item *item)
{
    return drifts(plan, item) ? change(plan, item, false) : 0;
}

/*
 * What must be known of a file before it is given to a group, and after: that
 * no link led to it, what it is, that no ACL and no capability comes with it.
 */
static int
change_pinned(const struct plan *plan, const struct item *item, int pin)
{
    mode_t right = rules[item->kind].right;
    char path[32];
    struct statx st;
    int fd, r = statx(pin, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", pin);
    fd = r < 0 ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    (void)fgetxattr(fd, "system.posix_acl_access", NULL, 0);
    (void)fgetxattr(fd, "security.capability", NULL, 0);
    if (rules[item->kind].group)
        r = fchown(fd, (uid_t)-1, plan->gid);
    if (r == 0 && rules[item->kind].spoilt[item->lot % 2] != right)
        r = fchmod(fd, right);
    if (r == 0)
        r = statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);
    close(fd);
    return r;
}

int
secure(const struct plan *plan, const struct item *item)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |
                   RESOLVE_NO_MAGICLINKS,
    };
    int pin, r;

    if (!drifts(plan, item))
        return 0;
    pin = (int)syscall(SYS_openat2, plan->root, item->path, &how, sizeof(how));
    r = pin < 0 ? -1 : change_pinned(plan, item, pin);
    if (pin >= 0)
        close(pin);
    return r < 0 ? -1 : 1;
}

int
touch(const struct plan *plan, const struct item *item)
{
    char path[PATH_SIZE + 8];
    int fd;

    if (item->kind > FOLDER || scramble(item->lot) % 1000 >= plan->share)
        return 0;
    snprintf(path, sizeof(path), "%s/tmp_0", item->path);
    fd = openat(plan->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                0660);
    if (fd < 0 || close(fd) < 0 || unlinkat(plan->root, path, 0) < 0)
        return -1;
    return 1;
}
