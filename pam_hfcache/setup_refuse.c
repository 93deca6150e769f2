/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `hfcache setup` must not touch: see setup_refuse.h.
 */
#include "setup_refuse.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "membership.h"
#include "safefs_edit.h"

#define MAX_MOUNTS (16 * 1024 * 1024)
#define MAX_ENTRY  8192

/* --- where it would be --------------------------------------------------- */

/* True if `path` is the folder `mount`, or lies below it. */
static bool
lies_on(const char *path, const char *mount)
{
    size_t length = strlen(mount);

    while (length > 1 && mount[length - 1] == '/')
        length--;
    return length > 1 && strncmp(path, mount, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static bool
is_same_folder(const char *a, const char *b)
{
    return lies_on(a, b) && lies_on(b, a);
}

static bool
is_mounted(const char *folder, char *mounts)
{
    char buffer[MAX_ENTRY];
    struct mntent entry;
    bool found = false;
    FILE *file = fmemopen(mounts, strlen(mounts), "r");

    if (!file)
        return true; /* nothing to be known: let the admin go on */
    while (!found && getmntent_r(file, &entry, buffer, sizeof(buffer)))
        found = is_same_folder(folder, entry.mnt_dir);
    fclose(file);
    return found;
}

int
setup_check_mounts(const char *path, char *fstab, char *mounts, struct err *err)
{
    char buffer[MAX_ENTRY];
    struct mntent entry;
    int r = 0;
    FILE *file = *fstab ? fmemopen(fstab, strlen(fstab), "r") : NULL;

    while (file && r == 0 &&
           getmntent_r(file, &entry, buffer, sizeof(buffer))) {
        if (*entry.mnt_dir != '/' || !lies_on(path, entry.mnt_dir) ||
            is_mounted(entry.mnt_dir, mounts))
            continue;
        r = err_set(err, EPERM,
                    "%s: /etc/fstab mounts %s (%s) on %s, which is not "
                    "mounted now; what is made here would lie hidden below "
                    "it. mount %s, or take the line out of /etc/fstab, then "
                    "run this again",
                    path, entry.mnt_fsname, entry.mnt_type, entry.mnt_dir,
                    entry.mnt_dir);
    }
    if (file)
        fclose(file);
    return r;
}

int
setup_check_place(const char *path, struct err *err)
{
    CLEANUP_FREE char *fstab = NULL, *mounts = NULL;
    char user[256];
    size_t length;

    if (membership_path_holds_home(path, user, sizeof(user)))
        return err_set(err, EPERM,
                       "%s: is the home of %s, or holds it; a cache needs a "
                       "folder of its own, such as /srv/huggingface",
                       path, user);
    if (safefs_read_plain("/etc/fstab", MAX_MOUNTS, &fstab, &length, NULL) < 0)
        return 0;
    if (safefs_read_plain("/proc/self/mounts", MAX_MOUNTS, &mounts, &length,
                          err) < 0)
        return -EPERM;
    return setup_check_mounts(path, fstab, mounts, err);
}

/* --- what it holds ------------------------------------------------------- */

/*
 * What the layout says of `name`, be it a file's or a folder's, in a folder
 * `below` the root or, if that is "", in the root.
 */
static unsigned
judge_name(const char *below, const char *name)
{
    static const struct layout_rules rules = {.mode = 02770};
    struct layout_inode file = {.mode = S_IFREG | 0660};
    struct layout_inode folder = {.mode = S_IFDIR | 0770};
    struct layout_wanted wanted;
    char path[NAME_MAX + 32];
    unsigned as_file, as_folder;

    snprintf(path, sizeof(path), "%s%s%s", below, *below ? "/" : "", name);
    as_file = layout_judge(path, &file, &rules, &wanted);
    as_folder = layout_judge(path, &folder, &rules, &wanted);
    return (as_file & as_folder & LAYOUT_UNKNOWN) |
           ((as_file | as_folder) & (LAYOUT_SECRET | LAYOUT_CODE));
}

const char *
setup_name_warning(const char *name)
{
    unsigned what = judge_name("", name);

    if (what & LAYOUT_SECRET)
        return "a secret that the others must not have";
    return what & LAYOUT_CODE ? "code or settings that every member would run"
                              : NULL;
}

int
setup_check_names(const char *path, char *const *names, size_t count,
                  struct err *err)
{
    char list[200] = "";
    struct text text = TEXT_INIT(list);
    size_t strange = 0;

    for (size_t i = 0; i < count; i++) {
        if (!(judge_name("", names[i]) & LAYOUT_UNKNOWN))
            continue;
        if (strange++ >= 3)
            continue;
        text_add(&text, strange > 1 ? ", " : "");
        text_add_word(&text, names[i]);
    }
    if (strange == 0)
        return 0;
    if (strange > 3)
        text_addf(&text, " and %zu more", strange - 3);
    return err_set(err, ENOTEMPTY,
                   "%s: holds other things (%s), which would be opened to "
                   "the group; move them out of it, or give the cache a folder "
                   "of its own: path = %s/huggingface",
                   path, list, path);
}

/* A lock folder may have any name, but only clients' are believed here. */
static bool
belongs_below(const char *below, const char *name)
{
    if (strcmp(below, "hub/.locks") == 0)
        return layout_is_repository(name);
    return !(judge_name(below, name) & LAYOUT_UNKNOWN);
}

int
setup_check_below(const char *below, const char *path, char *const *names,
                  size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        char word[300] = "";
        struct text text = TEXT_INIT(word);

        if (belongs_below(below, names[i]))
            continue;
        text_add_word(&text, names[i]);
        return err_set(err, ENOTEMPTY,
                       "%s: is not root's and open to the group, and holds what "
                       "no client writes there (%s); somebody may have moved "
                       "it in. Look at it, move it away, then run this again",
                       path, word);
    }
    return 0;
}
