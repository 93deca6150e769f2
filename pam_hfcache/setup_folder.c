/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One folder of a cache that is being set up: see setup_folder.h.
 */
#include "setup_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "layout.h"
#include "membership_names.h"
#include "setup_refuse.h"

void
setup_tell(struct setup *setup, enum setup_verb verb, const char *what)
{
    static const char *const done[] = {"made", "set "};
    static const char *const would[] = {"would make", "would set "};
    const struct cli *cli = setup->cli;

    setup->changes++;
    if (setup->silent)
        return;
    printf("%s%s%s  %s\n", cli_paint(cli, PAINT_GOOD),
           setup->dry_run ? would[verb] : done[verb],
           cli_paint(cli, PAINT_NONE), what);
}

static gid_t
wanted_gid(const struct setup *setup, const struct folder *folder)
{
    return folder->is_cache ? setup->gid : 0;
}

static enum acl_fact
wanted_acl(const struct setup *setup, const struct folder *folder)
{
    return folder->is_cache ? setup->acl : ACL_FACT_NONE;
}

int
setup_make_folder(struct setup *setup, const struct folder *folder, int *ret_fd)
{
    enum acl_fact acl = wanted_acl(setup, folder);
    char what[PATH_MAX + 256];
    int fd = -1;

    if (!setup->dry_run) {
        fd = safefs_make_folder(folder->parent, folder->name, folder->mode,
                                wanted_gid(setup, folder), acl, &setup->err);
        if (fd < 0)
            return fd;
    }
    snprintf(what, sizeof(what), "%-*s  root:%s %04o%s%s", setup->width,
             folder->path,
             folder->is_cache ? policy_text(setup->section, KEY_GROUP) : "root",
             (unsigned)folder->mode,
             acl == ACL_FACT_NONE ? "" : ", default ACL ",
             acl == ACL_FACT_NONE ? "" : layout_acl_text(acl));
    setup_tell(setup, SETUP_MADE, what);
    *ret_fd = fd;
    return 0;
}

/* Owner first: whoever owns it could change back what follows. */
static int
mend_owner(struct setup *setup, const struct folder *folder, int fd,
           struct statx *st)
{
    char what[PATH_MAX + 128], name[64];
    uid_t uid = st->stx_uid;
    int r = 0;

    if (uid == 0)
        return 0;
    if (!setup->dry_run)
        r = safefs_give_to_root(fd);
    if (r == 0)
        r = safefs_look(fd, st);
    if (r < 0)
        return err_sys(&setup->err, -r, "%s: owner not changed", folder->path);
    membership_user_name(uid, name, sizeof(name));
    snprintf(what, sizeof(what), "%-*s  owner root, was %s", setup->width,
             folder->path, name);
    setup_tell(setup, SETUP_SET, what);
    return 0;
}

/*
 * Is it as we set it up, and not another one to which a member gave its name?
 * In the root only root gives names.
 */
static bool
is_set_up(const struct setup *setup, const struct folder *folder,
          const struct statx *st)
{
    return st->stx_uid == 0 && st->stx_gid == setup->gid &&
           (st->stx_mode & S_IRWXG || strcmp(folder->below, "hub") == 0);
}

/*
 * A folder that was not set up by us, where members can rename: before it is
 * opened to all of them, it must look like what its name says.
 */
static int
check_contents(struct setup *setup, const struct folder *folder, int fd,
               const struct statx *st)
{
    char **names = NULL;
    size_t count = 0;
    int r;

    if (!folder->below || is_set_up(setup, folder, st))
        return 0;
    r = safefs_list_folder(fd, &names, &count);
    if (r < 0)
        return err_sys(&setup->err, -r, "%s", folder->path);
    r = setup_check_below(folder->below, folder->path, names, count,
                          &setup->err);
    safefs_free_names(names, count);
    return r;
}

/* What of group, mode and ACL differs, as text; "" if nothing. */
static void
compare_folder(const struct setup *setup, const struct folder *folder,
               const struct statx *st, enum acl_fact has, struct text *text)
{
    enum acl_fact wanted = wanted_acl(setup, folder);
    mode_t mode = st->stx_mode & 07777;
    char name[64];

    membership_group_name(st->stx_gid, name, sizeof(name));
    if (st->stx_gid != wanted_gid(setup, folder))
        text_addf(text, " group %s, was %s",
                  policy_text(setup->section, KEY_GROUP), name);
    if (mode != folder->mode)
        text_addf(text, "%s mode %04o, was %04o", text->length ? "," : "",
                  (unsigned)folder->mode, (unsigned)mode);
    if (wanted != ACL_FACT_NONE && has != wanted)
        text_addf(text, "%s default ACL %s, was %s", text->length ? "," : "",
                  layout_acl_text(wanted), layout_acl_text(has));
}

/*
 * An access ACL says more than the mode shows, and may close the folder to its
 * group.  Closed to all first: without it the mode's bits count at once.
 */
static int
drop_access_acl(int fd, struct statx *st, struct err *err)
{
    mode_t closed = st->stx_mode & 07777 & ~(mode_t)077;
    int r = safefs_change(fd, st, closed, st->stx_gid, ACL_FACT_NONE, err);

    if (r < 0)
        return r;
    r = safefs_drop_access_acl(fd);
    if (r == 0)
        r = safefs_look(fd, st);
    return r < 0 ? err_sys(err, -r, "its access ACL stays") : 0;
}

/* Look at it; *ret_acl gets its default ACL. */
static int
look_at_folder(struct setup *setup, const struct folder *folder, int fd,
               struct statx *ret, enum acl_fact *ret_acl)
{
    int r = safefs_look(fd, ret);

    if (r == 0 && !S_ISDIR(ret->stx_mode))
        return err_set(
            &setup->err, ENOTDIR,
            "%s: is %s; a cache needs a folder itself there", folder->path,
            S_ISLNK(ret->stx_mode) ? "a symbolic link" : "not a folder");
    if (r == 0)
        r = safefs_default_acl(fd, ret_acl);
    return r < 0 ? err_sys(&setup->err, -r, "%s", folder->path) : 0;
}

/* Group, mode and ACLs; the owner is root by now. */
static int
mend_bits(struct setup *setup, const struct folder *folder, int fd,
          struct statx *st, enum acl_fact acl)
{
    bool closed = safefs_has_access_acl(fd);
    char difference[300] = "", what[PATH_MAX + 320];
    struct text text = TEXT_INIT(difference);
    struct err inner = {0};
    int r = 0;

    compare_folder(setup, folder, st, acl, &text);
    if (closed)
        text_addf(&text, "%s no access ACL, had one", text.length ? "," : "");
    if (text.length == 0)
        return 0;
    if (!setup->dry_run && closed)
        r = drop_access_acl(fd, st, &inner);
    if (!setup->dry_run && r == 0)
        r = safefs_change(fd, st, folder->mode, setup->gid,
                          wanted_acl(setup, folder), &inner);
    if (r < 0)
        return err_set(&setup->err, -r, "%s: %s", folder->path, inner.text);
    snprintf(what, sizeof(what), "%-*s %s", setup->width, folder->path,
             difference);
    setup_tell(setup, SETUP_SET, what);
    return 0;
}

int
setup_mend_folder(struct setup *setup, const struct folder *folder, int fd)
{
    enum acl_fact acl = ACL_FACT_NONE;
    struct statx st;
    int r = look_at_folder(setup, folder, fd, &st, &acl);

    if (r == 0)
        r = check_contents(setup, folder, fd, &st);
    if (r == 0)
        r = mend_owner(setup, folder, fd, &st);
    return r == 0 ? mend_bits(setup, folder, fd, &st, acl) : r;
}

/* Make or mend; *ret_fd is -1 where a dry run has nothing to show. */
int
setup_ensure_folder(struct setup *setup, const struct folder *folder,
                    int *ret_fd)
{
    CLEANUP_CLOSE int fd = -1;
    int r = 0;

    if (folder->parent >= 0)
        fd = safefs_open_beneath(folder->parent, folder->name, SAFEFS_PIN);
    if (fd == -ENOENT || folder->parent < 0)
        return setup_make_folder(setup, folder, ret_fd);
    if (fd < 0)
        r = err_set(&setup->err, -fd, "%s: %s", folder->path,
                    fd == -ELOOP   ? "is a symbolic link; a cache needs the "
                                     "folder itself there"
                    : fd == -EXDEV ? "is a mount of its own; mount it on the "
                                     "cache's root instead"
                                   : strerror(-fd));
    else
        r = setup_mend_folder(setup, folder, fd);
    *ret_fd = util_steal_fd(&fd);
    return r;
}
