/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only files that open by path or change owner, mode, ACL or names.
 * safefs.c: files believed because of their owner; safefs_tree.c: the way
 * into the cache's tree, which others can write; safefs_look.c: what is there;
 * safefs_mounts.c: what is mounted in it; safefs_change.c: changes in it;
 * safefs_edit.c, with a header of its own: PAM files.
 *
 * MUST, in the tree (each has a test named after it):
 *  - the root is reached component by component; a symbolic link is followed
 *    only if it is root's, in a folder that only root writes;
 *  - below the root there are descriptors only: nothing above the root, behind
 *    a link or on another mount is ever reached;
 *  - an inode is pinned (O_PATH), looked at again, changed through that
 *    descriptor only, narrower first and wider last, and looked at once more.
 */
#ifndef HFCACHE_SAFEFS_H
#define HFCACHE_SAFEFS_H

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "util.h"

/* Where the C library's struct statx ends before the mount; see safefs_tree.c. */
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#define STATX_ATTR_MOUNT_ROOT 0x2000
#define stx_mnt_id __pad1[0]
#endif

/*
 * Read a configuration file: opened without following a final link and
 * without blocking, then judged by its descriptor: regular, owned by root or
 * `trusted_uid`, not writable by group or others, at most `max` bytes.
 * 0 and the caller frees *ret_data (NUL-terminated); -ENOENT if it is absent;
 * else a negative errno and a sentence "FILE: what, and what would be right".
 */
int safefs_read_trusted(const char *path, uid_t trusted_uid, size_t max,
                        char **ret_data, size_t *ret_length, struct err *err);

/* The same for a state file, which also has no second link. */
int safefs_read_state(const char *path, uid_t trusted_uid, size_t max,
                      char **ret_data, size_t *ret_length, struct err *err);

/* The same, but only opened: the descriptor, and how long the file is. */
int safefs_open_state(const char *path, uid_t trusted_uid, size_t max,
                      size_t *ret_size, struct err *err);

/*
 * Read a text of the system's that libc itself trusts, as /etc/nsswitch.conf:
 * links are followed (authselect makes it one), nothing is judged but its size.
 */
int safefs_read_system(const char *path, size_t max, char **ret_data,
                       struct err *err);

/*
 * The names in the folder `path` that match fnmatch(3) `pattern`, in bytewise
 * order.  The folder is judged like a configuration file.  0 and the caller
 * frees with safefs_free_names(); an absent folder gives no names.
 */
int safefs_list_trusted(const char *path, const char *pattern,
                        uid_t trusted_uid, char ***ret_names,
                        size_t *ret_count, struct err *err);

void safefs_free_names(char **names, size_t count);

/*
 * Open a folder of state files, `path`, after making it with `mode` if that
 * is not 0.  It is judged like a configuration file.  The descriptor, which
 * the caller closes, or a negative errno.
 */
int safefs_open_state_folder(const char *path, mode_t mode, uid_t trusted_uid,
                             struct err *err);

/*
 * Make `data` the content of the file `name` in the folder `dir_fd`, which
 * only its owner can write: a temporary file, synced if it is to be durable,
 * then renamed, so that a reader sees the old content or the new one.  0 or a
 * negative errno; then nothing has changed and nothing is left behind.
 */
int safefs_replace_file(int dir_fd, const char *name, mode_t mode, bool durable,
                        const char *data, size_t length);

/* The same, not durable, for a file of the group `gid`. */
int safefs_replace_file_of(int dir_fd, const char *name, mode_t mode, gid_t gid,
                           const char *data, size_t length);

/*
 * The same for a file that is written bit by bit: begin makes the temporary
 * file, whose name is *ret_temp, and returns its descriptor, open for writing;
 * commit gives it its name.  The descriptor stays the caller's to close.  When
 * commit fails, and after safefs_remove_file() of the temporary one, nothing is
 * left behind.
 */
int safefs_begin_file(int dir_fd, const char *name,
                      char ret_temp[NAME_MAX + 1]);
int safefs_commit_file(int dir_fd, const char *temp, int fd, const char *name,
                       mode_t mode, bool durable);

/* Remove the file `name` from a folder of state files. */
int safefs_remove_file(int dir_fd, const char *name);

/*
 * Open (making it if need be) the lock file `name`, 0600, in a folder of state
 * files and take the lock on it, which goes with the descriptor; `wait` false:
 * -EBUSY if another holds it.  The descriptor, which the caller closes.
 */
int safefs_lock_file(int dir_fd, const char *name, bool wait);

/* Append `line` to the file `name`, 0600, in a folder of state files. */
int safefs_append_line(int dir_fd, const char *name, const char *line);

/* --- the tree: safefs_tree.c --------------------------------------------- */

/*
 * Open the folder `path` (absolute) as a root: O_PATH, component by component.
 * The descriptor, which the caller closes; or a negative errno, -ELOOP for a
 * symbolic link that is not root's alone.
 */
int safefs_open_root(const char *path, struct err *err);

/* Is told of each folder and link on the way to a root, when it is reached. */
typedef void safefs_seen(void *ctx, const char *path, const struct stat *st);

/*
 * The same; `seen` may be NULL.  Where it fails `ret_at` (PATH_MAX bytes) holds
 * the path as far as the component that failed.
 */
int safefs_open_root_seen(const char *path, char *ret_at, safefs_seen *seen,
                          void *ctx, struct err *err);

/* How to open something beneath a root. */
enum safefs_open {
    SAFEFS_PIN,        /* O_PATH; of a link the link itself */
    SAFEFS_PIN_FOLDER, /* O_PATH of a folder */
    SAFEFS_LIST,       /* a folder, for reading its names */
};

/*
 * Open `path`, relative and without "." and ".." ("." alone is the folder
 * itself), beneath the folder `dir_fd`: not through links, not on another
 * mount.  It may be longer than PATH_MAX.  The descriptor, which the caller
 * closes, or a negative errno: -ELOOP for a link on the way, -EXDEV for another
 * mount or a path that leads out.
 */
int safefs_open_beneath(int dir_fd, const char *path, enum safefs_open how);

/* The same by component, for kernels or containers without openat2(). */
int safefs_open_stepwise(int dir_fd, const char *path, enum safefs_open how);

/* What an inode is, by its descriptor or by name without following a link. */
int safefs_look(int fd, struct statx *ret);
int safefs_look_at(int dir_fd, const char *name, struct statx *ret);

/* The same, after statx() has failed, where a filter may forbid it. */
int safefs_look_otherwise(int dir_fd, const char *name, int flags,
                          struct statx *ret);

/*
 * The same for some fields, STATX_*, and the mount; `how` is 0, or
 * AT_STATX_DONT_SYNC where no other host changes anything: then nobody's server
 * is asked, should something have been mounted there.  A walk asks this of each
 * inode of a tree, so it is not even a call.
 */
static inline int
safefs_look_for(int dir_fd, const char *name, unsigned fields, int how,
                struct statx *ret)
{
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | how;

    return statx(dir_fd, name, flags, fields | STATX_MNT_ID, ret) < 0
               ? safefs_look_otherwise(dir_fd, name, flags, ret)
               : 0;
}

/*
 * The target of the link `name`, NUL-terminated: its length; -ENAMETOOLONG if
 * that is `size` or more; or another negative errno.
 */
ssize_t safefs_read_link(int dir_fd, const char *name, char *buffer,
                         size_t size);

/*
 * The paths, from the folder `fd` on, where other mounts are attached below
 * it, bytewise sorted.  None of them is touched.  0 and the caller frees with
 * safefs_free_names(), or a negative errno where that cannot be found out.
 */
int safefs_list_mounts(int fd, char ***ret_names, size_t *ret_count);

/*
 * True if the folder `fd` is the root of a file system of its own on a disk,
 * mounted as a whole: nothing can be moved into it from elsewhere.
 */
bool safefs_is_whole_mount(int fd);

/*
 * Exchange *fd, which pins the regular file or folder `st`, for a descriptor of
 * the same inode that can be read, too: it is asked in fewer steps.  0; -EAGAIN
 * if somebody holds a lease to write; or another negative errno; *fd is the pin
 * still then.
 */
int safefs_open_pinned(int *fd, const struct statx *st);

/*
 * Read up to `size` bytes from the start of a regular file.  The count or a
 * negative errno: -EBADF of a pin.
 */
ssize_t safefs_read_head(int fd, char *buffer, size_t size);

/*
 * True if somebody has the regular file `fd`, not a pin, open for writing.
 * Only its owner and root are told; false where the file system does not tell.
 */
bool safefs_is_being_written(int fd);

/* True if both are of the same inode on the same mount. */
bool safefs_is_same(const struct statx *a, const struct statx *b);

/* All names in the folder `dir_fd` (any descriptor of it), bytewise sorted. */
int safefs_list_folder(int dir_fd, char ***ret_names, size_t *ret_count);

/* --- changes in it: safefs_change.c -------------------------------------- */

/* What a folder's default ACL is, as far as the layout cares. */
enum acl_fact {
    ACL_FACT_NONE,        /* the file system has ACLs, the folder has none */
    ACL_FACT_2770,        /* exactly u::rwx,g::rwx,o::--- */
    ACL_FACT_2775,        /* exactly u::rwx,g::rwx,o::r-x */
    ACL_FACT_OTHER,       /* any other */
    ACL_FACT_UNSUPPORTED, /* the file system has none */
};

/* The default ACL of the folder `fd` (any descriptor of it). */
int safefs_default_acl(int fd, enum acl_fact *ret);

/*
 * True if the inode `fd` has an access ACL that names users or groups, or if
 * that cannot be found out: then nothing is to be opened that it may close.
 */
bool safefs_has_access_acl(int fd);

/*
 * What the access ACL of the inode `fd` lets its group do: rwx bits.  Its mode
 * does not tell, those of the group are the ACL's mask there.  0; -ENODATA if
 * it has no access ACL; or another negative errno.
 */
int safefs_group_bits(int fd, unsigned *ret_bits);

/*
 * Make the inode behind `fd`, which was `seen`, one of group `gid`, with the 12
 * bits `mode` and, if `acl` is ACL_FACT_2770 or ACL_FACT_2775, that default
 * ACL.  Owner and content stay.  What is right already is not touched.
 *
 * 0; -ESTALE if the inode is no longer as `seen` (judge it again); -EPERM if
 * it must not be changed (neither folder nor regular file, setuid, with file
 * capabilities, a file of several links) or the kernel refused or dropped a
 * bit; or another negative errno.  At every point in between the inode is open
 * to nobody to whom it is not open before or after.
 */
int safefs_change(int fd, const struct statx *seen, mode_t mode, gid_t gid,
                  enum acl_fact acl, struct err *err);

/* For setup: give the inode `fd` (any descriptor of it) to root. */
int safefs_give_to_root(int fd);

/* Take its access ACL off; its 12 bits stay. */
int safefs_drop_access_acl(int fd);

/*
 * Make the folder `name` in `dir_fd` with this group, mode and default ACL
 * (where the file system has them), owned by the caller.  A descriptor
 * (O_PATH) of it, which the caller closes; -EEXIST if the name is taken;
 * -ESTALE if somebody put another inode in its place meanwhile; or another
 * negative errno.
 */
int safefs_make_folder(int dir_fd, const char *name, mode_t mode, gid_t gid,
                       enum acl_fact acl, struct err *err);

#endif
