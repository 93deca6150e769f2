/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to a cache's root that is being set up: who could replace what is on
 * it, who may enter, and what of it is to be made.
 */
#include "setup_way.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "membership.h"

/* What is wrong with the way: the first folder of each kind. */
struct way {
    const struct setup *setup;
    struct err unsafe;
    struct err closed;
};

/* Whoever can rename what a folder holds could put his own in its place. */
static void
tell_unsafe(const char *path, const struct stat *st, struct err *err)
{
    char user[256];

    if (membership_path_holds_home(path, user, sizeof(user)))
        (void)err_set(err, EPERM,
                      "%s: is the home of %s, or holds it, and who owns it "
                      "could replace the whole cache; choose another path, "
                      "such as /srv/huggingface",
                      path, user);
    else
        (void)err_set(err, EPERM,
                      "%s: others than root can replace what it holds (owner "
                      "uid %u, mode %04o), and so could the whole cache be; "
                      "chown root %s && chmod go-w %s, or choose another path",
                      path, st->st_uid, st->st_mode & 07777u, path, path);
}

static bool
can_members_enter(const struct way *way, const char *path,
                  const struct stat *st)
{
    mode_t enter = st->st_gid == way->setup->gid ? S_IXGRP : S_IXOTH;
    CLEANUP_CLOSE int fd = -1;

    if (st->st_mode & enter)
        return true;
    fd = safefs_open_root(path, NULL);
    return fd >= 0 && safefs_has_access_acl(fd); /* which may let them */
}

/*
 * `ctx` is a struct way.  Whose "/" is has /etc, too; in a user namespace that
 * may be somebody without a number there.
 */
static void
check_step(void *ctx, const char *path, const struct stat *st)
{
    struct way *way = ctx;

    if (!S_ISDIR(st->st_mode) || strcmp(path, "/") == 0)
        return;
    if (!way->unsafe.code &&
        (st->st_uid != 0 ||
         (st->st_mode & (S_IWGRP | S_IWOTH) && !(st->st_mode & S_ISVTX))))
        tell_unsafe(path, st, &way->unsafe);
    if (!way->closed.code && !can_members_enter(way, path, st))
        (void)err_set(&way->closed, EACCES,
                      "%s: members may not enter it (mode %04o), and so cannot "
                      "reach the cache: chmod o+x %s",
                      path, st->st_mode & 07777u, path);
}

int
setup_explain_no_folder(struct setup *setup, int r, const char *at)
{
    if (r != -ENOTDIR)
        return r;
    return err_set(&setup->err, ENOTDIR,
                   "%s: is no folder; move it away, or choose another path", at);
}

/*
 * Open the last folder on the way to the root that there is already, judging
 * what is passed unless `way` is NULL; the path's first `*ret_length` bytes
 * name it.
 */
static int
open_way(struct setup *setup, struct way *way, size_t *ret_length)
{
    char at[PATH_MAX], path[PATH_MAX];
    size_t length = (size_t)(strrchr(setup->path, '/') - setup->path);
    int fd;

    for (;;) {
        snprintf(path, sizeof(path), "%.*s", (int)length, setup->path);
        fd = safefs_open_root_seen(length > 0 ? path : "/", at,
                                   way ? check_step : NULL, way, &setup->err);
        if (fd != -ENOENT)
            break;
        while (length > 0 && setup->path[--length] != '/')
            continue;
    }
    *ret_length = length;
    return setup_explain_no_folder(setup, fd, at);
}

int
setup_check_way(struct setup *setup)
{
    struct way way = {.setup = setup};
    size_t length;
    CLEANUP_CLOSE int fd = open_way(setup, &way, &length);

    if (fd < 0)
        return fd;
    if (way.unsafe.code) {
        setup->err = way.unsafe;
        return -way.unsafe.code;
    }
    if (way.closed.code) /* only said: the way is the admin's */
        cli_error("%s", way.closed.text);
    return 0;
}

void
setup_name_component(const struct setup *setup, size_t length,
                     struct folder *folder, char name[NAME_MAX + 1])
{
    const char *slash;

    snprintf(folder->path, sizeof(folder->path), "%.*s", (int)length,
             setup->path);
    slash = strrchr(folder->path, '/');
    snprintf(name, NAME_MAX + 1, "%s", slash + 1);
    folder->name = name;
}

int
setup_open_parent(struct setup *setup, int *ret_fd)
{
    size_t end = (size_t)(strrchr(setup->path, '/') - setup->path);
    char name[NAME_MAX + 1];
    size_t done;
    int fd = open_way(setup, NULL, &done);
    int r = 0;

    if (fd < 0)
        return fd;
    while (r == 0 && done < end) {
        struct folder folder = {.parent = fd, .mode = 0755};
        int next;

        done += 1 + strcspn(setup->path + done + 1, "/");
        setup_name_component(setup, done, &folder, name);
        r = setup_make_folder(setup, &folder, &next);
        if (fd >= 0)
            close(fd);
        fd = r == 0 ? next : -1;
    }
    if (r < 0 && fd >= 0)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}
