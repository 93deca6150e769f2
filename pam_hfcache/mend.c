/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pin, look, judge, change, look again; and the rules of trust.
 */
#include "mend.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "safefs.h"

#define MAX_ATTEMPTS 3 /* while somebody changes what is being changed */
#define COMMIT_DIGITS 40
#define TICK_MS 20     /* more than a tick of any kernel's clock for files */
#define MAX_WAITS 400  /* for so long in a run: 10 s in all */

/* --- what holds for a run ------------------------------------------------ */

/* Can nobody hard-link files that he can't write anyway?  0, or as mend_begin() */
static int
find_links_protected(bool *ret)
{
    static const char file[] = "/proc/sys/fs/protected_hardlinks";
    CLEANUP_FREE char *data = NULL;
    size_t length;
    int r = safefs_read_trusted(file, 0, 64, &data, &length, NULL);

    *ret = r == 0 && strcmp(data, "1\n") == 0;
    return mend_is_short(-r) ? r : 0;
}

/* A folder in the root that members may have access to, and that is no cache. */
static bool
is_beside_cache(int root_fd, const char *name)
{
    struct statx st;

    if (strcmp(name, "hub") == 0 || strcmp(name, "datasets") == 0 ||
        safefs_look_at(root_fd, name, &st) < 0)
        return false;
    return S_ISDIR(st.stx_mode) &&
           (st.stx_uid != 0 || st.stx_mode & (S_IRWXG | S_IRWXO));
}

/*
 * Is all that can be moved in the file system of the cache a part of it?  Only
 * root gives names in the root.
 */
static bool
is_own_mount(int root_fd)
{
    char **names = NULL;
    size_t count = 0;
    bool is_own = safefs_is_whole_mount(root_fd) &&
                  safefs_list_folder(root_fd, &names, &count) == 0;

    for (size_t i = 0; is_own && i < count; i++)
        is_own = !is_beside_cache(root_fd, names[i]);
    safefs_free_names(names, count);
    return is_own;
}

int
mend_begin(const struct layout_rules *rules, int root_fd, struct mend *ret)
{
    *ret = (struct mend){
        .rules = rules,
        .is_own_mount = is_own_mount(root_fd),
        .now = time(NULL),
    };
    return find_links_protected(&ret->links_protected);
}

struct layout_inode
mend_describe(const struct mend *mend, const struct statx *st)
{
    return (struct layout_inode){
        .mode = st->stx_mode,
        .uid = st->stx_uid,
        .gid = st->stx_gid,
        .nlink = st->stx_nlink,
        .size = (off_t)st->stx_size,
        .young = st->stx_mtime.tv_sec > mend->now - MEND_YOUNG_SECONDS,
    };
}

/* --- trust --------------------------------------------------------------- */

/* Could nobody but its owner have put anything into this folder? */
static bool
is_owners_alone(const struct walk_item *item, const struct statx *st,
                const struct mend_owner *owner)
{
    CLEANUP_CLOSE int fd = -1;
    struct statx now;

    if (st->stx_uid != owner->uid || st->stx_mode & S_IWOTH ||
        (st->stx_mode & S_IWGRP && st->stx_gid != owner->own_gid))
        return false;
    if (item->fd >= 0)
        return !safefs_has_access_acl(item->fd);
    fd = safefs_open_beneath(item->dir_fd, item->name, SAFEFS_PIN);
    return fd >= 0 && safefs_look(fd, &now) == 0 &&
           safefs_is_same(&now, st) && !safefs_has_access_acl(fd);
}

/*
 * Who may write a folder can move it, with all that is in it, from elsewhere
 * into the cache; nobody's repair must open what came that way.
 */
enum mend_trust
mend_trust_folder(const struct mend *mend, const struct walk_item *item,
                  const struct statx *st, const struct mend_owner *owner,
                  enum mend_trust holder)
{
    if (holder == MEND_BARRED || layout_is_closed(st->stx_mode))
        return MEND_BARRED; /* or its owner closed it, whatever its name says */
    if (st->stx_gid == mend->rules->gid)
        return MEND_SHARED;
    if (holder == MEND_ALONE && is_owners_alone(item, st, owner))
        return MEND_ALONE;
    return mend->is_own_mount ? MEND_SHARED : MEND_BARRED;
}

/* What all can read is no secret, nor is what is empty. */
bool
mend_trusts_file(const struct mend *mend, const struct statx *st,
                 enum mend_trust holder)
{
    if (!mend->links_protected && !mend->is_own_mount)
        return false;
    return holder != MEND_BARRED &&
           (st->stx_gid == mend->rules->gid || holder == MEND_ALONE ||
            mend->is_own_mount || st->stx_mode & S_IROTH || st->stx_size == 0);
}

/* --- mending ------------------------------------------------------------- */

/*
 * Pin what the item names, by its whole path, so that what was moved out of the
 * tree is let be.  A path that the kernel does not take at once would have to
 * be walked anew for each inode below it: there it is by the folder that holds
 * it.  The descriptor, which the caller closes, or a negative errno.
 */
static int
pin(const struct walk_item *item)
{
    if (item->dir_fd >= 0 && strlen(item->path) >= PATH_MAX)
        return safefs_open_beneath(item->dir_fd, item->name, SAFEFS_PIN);
    return safefs_open_beneath(item->root_fd, *item->path ? item->path : ".",
                               SAFEFS_PIN);
}

/*
 * Is this closed file in trees/ a listing, as clients write it?  Its name and
 * place may be somebody else's choice, its content is not.
 */
static bool
is_listing(int fd)
{
    static const char head[] = "{\n \"format_version\": ";
    char buffer[sizeof(head) - 1];

    return safefs_read_head(fd, buffer, sizeof(buffer)) == sizeof(buffer) &&
           memcmp(buffer, head, sizeof(buffer)) == 0;
}

/* Does this reference hold a commit's name, and nothing else? */
static bool
is_commit_name(int fd)
{
    char buffer[COMMIT_DIGITS + 3];
    ssize_t got = safefs_read_head(fd, buffer, sizeof(buffer) - 1);

    if (got < COMMIT_DIGITS)
        return false;
    buffer[got] = '\0';
    return strspn(buffer, "0123456789abcdef") == COMMIT_DIGITS &&
           (got == COMMIT_DIGITS || strcmp(buffer + COMMIT_DIGITS, "\n") == 0);
}

/*
 * What in a folder that others can write somebody may have brought there, under
 * a name of his choice, nobody gets the right to change: but empty locks, and
 * references that hold a commit's name.  True if that is why not.
 */
static bool
withhold_writing(int fd, const struct statx *now, enum mend_trust holder,
                 struct layout_wanted *wanted)
{
    bool had = now->stx_mode & S_IWOTH ||
               (now->stx_mode & S_IWGRP && now->stx_gid == wanted->gid);

    if (!S_ISREG(now->stx_mode) || holder == MEND_ALONE || had ||
        !(wanted->mode & S_IWGRP) || now->stx_size == 0 || is_commit_name(fd))
        return false;
    wanted->mode &= ~(mode_t)S_IWGRP;
    return true;
}

/*
 * What is empty is no secret, but may become one that its group can read, when
 * somebody has made a file for himself and is about to write.
 */
static bool
may_be_filled(int fd, const struct statx *now,
              const struct layout_wanted *wanted)
{
    bool can_read = now->stx_mode & S_IROTH ||
                    (now->stx_mode & S_IRGRP && now->stx_gid == wanted->gid);

    return S_ISREG(now->stx_mode) && now->stx_size == 0 && !can_read &&
           safefs_is_being_written(fd);
}

static int64_t
to_ms(int64_t seconds, int64_t nanoseconds)
{
    return seconds * 1000 + nanoseconds / 1000000;
}

static int64_t
wall_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return to_ms(now.tv_sec, now.tv_nsec);
}

/*
 * 0 if nothing has been done to the file since before it was pinned.  Then the
 * name that led to it still does, and if it has one link only, it is that one:
 * a hard link that somebody plants and removes meanwhile changes the ctime.
 * -EAGAIN if the ctime is so young that another change may hide in the same
 * tick of the clock; -ENOENT if the file has changed since it was visited.
 * A folder's ctime changes with what is in it; but it is trusted because of its
 * group and bits, and those must be what they were.
 */
static int
check_settled(const struct statx *now, const struct statx *visited,
              int64_t pinned_ms)
{
    int64_t ctime_ms = to_ms(now->stx_ctime.tv_sec, now->stx_ctime.tv_nsec);

    if (!S_ISREG(now->stx_mode))
        return now->stx_gid == visited->stx_gid &&
                       now->stx_mode == visited->stx_mode
                   ? 0
                   : -ENOENT;
    if (now->stx_ctime.tv_sec != visited->stx_ctime.tv_sec ||
        now->stx_ctime.tv_nsec != visited->stx_ctime.tv_nsec)
        return -ENOENT;
    return ctime_ms + TICK_MS < pinned_ms ? 0 : -EAGAIN;
}

/*
 * Pin what the path names, see that it is what was visited and the same
 * owner's, and has not been touched since.  The descriptor, which the caller
 * closes, and what it is *now; or as mend_inode().
 */
static int
open_visited(const struct walk_item *item, const struct statx *visited,
             struct statx *now, struct err *err)
{
    int64_t pinned_ms = wall_ms();
    CLEANUP_CLOSE int fd = pin(item);
    int r = fd < 0 ? fd : safefs_look(fd, now);

    if (r < 0)
        return err_sys(err, -r, "cannot be looked at");
    if (!safefs_is_same(now, visited) || now->stx_uid != visited->stx_uid)
        return -ENOENT;
    r = check_settled(now, visited, pinned_ms);
    if (r < 0)
        return r;
    if (safefs_open_pinned(&fd, now) == -EAGAIN)
        return err_set(err, EBUSY, "is open for writing");
    return util_steal_fd(&fd);
}

/* Nothing is done, for a reason that may be told. */
static int
leave(struct mend_report *report, const char *why)
{
    (void)err_set(&report->err, 0, "%s", why);
    return 0;
}

/*
 * Judge it anew and change it.  As mend_inode(), and -ESTALE if it changed
 * meanwhile.
 */
static int
mend_once(const struct mend *mend, const struct walk_item *item,
          struct layout_where where, enum mend_trust holder,
          const struct statx *visited, struct mend_report *ret)
{
    struct layout_wanted *wanted = &ret->wanted;
    struct layout_inode inode;
    struct statx now;
    CLEANUP_CLOSE int fd = open_visited(item, visited, &now, &ret->err);
    int r = 0;

    if (fd < 0)
        return fd;
    inode = mend_describe(mend, &now);
    inode.extended = safefs_has_access_acl(fd);
    if (S_ISDIR(now.stx_mode))
        r = safefs_default_acl(fd, &inode.acl);
    if (r < 0)
        return err_sys(&ret->err, -r, "its default ACL cannot be read");
    ret->what = layout_judge_in(where, walk_last_name(item), &inode,
                                mend->rules, wanted);
    ret->is_withheld = withhold_writing(fd, &now, holder, wanted);
    if (!layout_is_mendable(&inode, wanted))
        return leave(ret, ret->is_withheld
                              ? "may have been moved in by another: chmod by "
                                "hand"
                              : "");
    if (S_ISREG(inode.mode) && layout_is_closed(inode.mode) &&
        inode.size > 0 && !is_listing(fd))
        return leave(ret, "closed by its owner");
    if (may_be_filled(fd, &now, wanted))
        return err_set(&ret->err, EBUSY, "is open for writing");
    r = safefs_change(fd, &now, wanted->mode, wanted->gid,
                      inode.acl == wanted->acl ? ACL_FACT_NONE : wanted->acl,
                      &ret->err);
    return r < 0 ? r : 1;
}

bool
mend_is_short(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/*
 * Wait until what is done to a file shows in its ctime.  False when this has
 * been done so often that somebody seems to touch his files to delay us.
 */
static bool
wait_a_tick(struct mend *mend)
{
    const struct timespec tick = {.tv_nsec = (TICK_MS + 5) * 1000000};

    if (__atomic_fetch_add(&mend->waits, 1, __ATOMIC_RELAXED) >= MAX_WAITS)
        return false;
    (void)nanosleep(&tick, NULL);
    return true;
}

int
mend_inode(struct mend *mend, const struct walk_item *item,
           struct layout_where where, enum mend_trust holder,
           const struct statx *visited, struct mend_report *ret)
{
    int r = -ESTALE;

    for (unsigned i = 0; i < MAX_ATTEMPTS; i++) {
        *ret = (struct mend_report){.what = 0};
        r = mend_once(mend, item, where, holder, visited, ret);
        if (r != -ESTALE && (r != -EAGAIN || !wait_a_tick(mend)))
            break;
    }
    if (r == -ESTALE)
        r = -EAGAIN;
    if (r == -ENOTDIR || r == -ELOOP)
        r = -ENOENT;
    if (r == -EAGAIN)
        err_set(&ret->err, EAGAIN, "changes all the time");
    return r;
}
