/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The look at the gate, and below it as far as the budget goes.
 */
#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "safefs.h"

#define NAMES_BYTES 8192
#define CALLS_A_FOLDER 5 /* open, look, two ACLs, judge the next */
#define LOCKS "hub/.locks"

/* One run below the gate. */
struct run {
    struct sight *sight;
    const struct errand *errand;
    int64_t until_ms;
    unsigned calls;
    /* While files are looked at: what is named for them, and for what. */
    const char *named;
    unsigned bit;
};

/* --- the gate ------------------------------------------------------------ */

static enum acl_fact
look_at_acl(int fd)
{
    enum acl_fact acl;

    return safefs_default_acl(fd, &acl) < 0 ? ACL_FACT_OTHER : acl;
}

static void
look_at_fact(int root_fd, const char *path, struct inode_fact *ret)
{
    CLEANUP_CLOSE int fd = safefs_open_beneath(root_fd, path, SAFEFS_PIN);
    struct statx st;
    int r = fd < 0 ? fd : safefs_look(fd, &st);

    *ret = (struct inode_fact){.error = -r};
    if (r < 0)
        return;
    ret->error = 0;
    ret->mode = st.stx_mode;
    ret->uid = st.stx_uid;
    ret->gid = st.stx_gid;
    if (S_ISDIR(st.stx_mode))
        ret->acl = look_at_acl(fd);
}

void
look_at_gate(struct sight *sight, const struct errand *errand)
{
    static const char *const paths[GATES] = {".", "hub", LOCKS, "hub/blobs"};
    struct verdict *verdict = &sight->verdict;
    struct err err;
    int fd = safefs_open_root(errand->path, sight->way_at, &err);

    verdict->way_error = fd < 0 ? -fd : 0;
    verdict->way_at = fd < 0 ? sight->way_at : "";
    sight->root_fd = fd < 0 ? -1 : fd;
    for (unsigned i = 0; i < GATES; i++) {
        if (fd < 0)
            verdict->gate[i] = (struct inode_fact){.error = ENOENT};
        else
            look_at_fact(fd, paths[i], &verdict->gate[i]);
    }
    verdict->taken_ms = util_boottime_ms();
    verdict->taken_wall = time(NULL);
}

/* --- what is named ------------------------------------------------------- */

static void
free_name(struct drift *drift)
{
    char *name;

    memcpy(&name, &drift->name, sizeof(name)); /* ours, though const */
    free(name);
}

/* Add a drift, or its bits to what is named already. */
static void
add_drift(struct sight *sight, const char *name, uid_t owner, unsigned what)
{
    struct verdict *verdict = &sight->verdict;
    char *copy;

    for (size_t i = 0; i < verdict->ndrifts; i++) {
        if (verdict->drifts[i].owner == owner &&
            strcmp(verdict->drifts[i].name, name) == 0) {
            verdict->drifts[i].what |= what;
            return;
        }
    }
    copy = verdict->ndrifts < VERDICT_MAX_DRIFTS ? strdup(name) : NULL;
    if (!copy) {
        verdict->more_drifts++;
        return;
    }
    verdict->drifts[verdict->ndrifts++] =
        (struct drift){.name = copy, .owner = owner, .what = what};
}

static void
forget_drifts(struct sight *sight, const char *name)
{
    struct verdict *verdict = &sight->verdict;
    size_t kept = 0;

    for (size_t i = 0; i < verdict->ndrifts; i++) {
        if (strcmp(verdict->drifts[i].name, name) == 0)
            free_name(&verdict->drifts[i]);
        else
            verdict->drifts[kept++] = verdict->drifts[i];
    }
    verdict->ndrifts = kept;
}

void
look_begin(struct sight *sight, const struct verdict *last)
{
    *sight = (struct sight){.root_fd = -1};
    sight->verdict.way_at = "";
    sight->verdict.cursor = sight->cursor;
    sight->verdict.drifts = sight->drifts;
    if (!last)
        return;
    snprintf(sight->cursor, sizeof(sight->cursor), "%s", last->cursor);
    sight->verdict.round_wall = last->round_wall;
    sight->verdict.more_drifts = last->more_drifts;
    for (size_t i = 0; i < last->ndrifts; i++)
        add_drift(sight, last->drifts[i].name, last->drifts[i].owner,
                  last->drifts[i].what);
}

void
look_end(struct sight *sight)
{
    for (size_t i = 0; i < sight->verdict.ndrifts; i++)
        free_name(&sight->verdict.drifts[i]);
    sight->verdict.ndrifts = 0;
    if (sight->root_fd >= 0)
        close(util_steal_fd(&sight->root_fd));
}

/* --- below the gate ------------------------------------------------------ */

static bool
is_spent(const struct run *run)
{
    return run->calls >= LOOK_MAX_CALLS ||
           util_monotonic_ms() >= run->until_ms;
}

/* Judge one inode: what is wrong of all that its owner could mend. */
static unsigned
judge(const struct run *run, const char *path, const struct statx *st, int fd)
{
    struct layout_inode inode = {
        .mode = st->stx_mode,
        .uid = st->stx_uid,
        .gid = st->stx_gid,
        .nlink = st->stx_nlink,
        .size = (off_t)st->stx_size,
        .young = true,
    };
    struct layout_wanted wanted;
    unsigned what;

    if (S_ISDIR(st->stx_mode)) {
        inode.acl = look_at_acl(fd);
        inode.extended = safefs_has_access_acl(fd);
    }
    what = layout_judge(path, &inode, &run->errand->rules, &wanted);
    if (!layout_is_mendable(&inode, &wanted))
        return 0;
    return what & DRIFT_ALL ? what & DRIFT_ALL : DRIFT_CLOSED;
}

typedef void take_name(struct run *run, const char *folder, const char *name);

/*
 * Give the names in `path`, an open folder `fd`, to `take` from the place
 * `*place` on until the budget is spent.  True at the folder's end.
 */
static bool
read_folder(struct run *run, int fd, const char *path, off_t *place,
            take_name *take)
{
    char names[NAMES_BYTES] __attribute__((aligned(8)));
    ssize_t got;

    if (*place && lseek(fd, *place, SEEK_SET) < 0)
        return true;
    while ((got = getdents64(fd, names, sizeof(names))) > 0) {
        run->calls++;
        for (ssize_t used = 0; used < got;) {
            const struct dirent64 *entry = (const void *)(names + used);

            if (is_spent(run))
                return false;
            take(run, path, entry->d_name);
            *place = entry->d_off;
            used += entry->d_reclen;
        }
    }
    return true;
}

/* A file that others need and can't use is its owner's to mend. */
static void
take_file(struct run *run, const char *folder, const char *name)
{
    char path[PATH_MAX];
    CLEANUP_CLOSE int fd = -1;
    struct statx st;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    run->calls += 3;
    fd = safefs_open_beneath(run->sight->root_fd, path, SAFEFS_PIN);
    if (fd < 0 || safefs_look(fd, &st) < 0 || !S_ISREG(st.stx_mode))
        return;
    if (judge(run, path, &st, fd))
        add_drift(run->sight, run->named, st.stx_uid, run->bit);
}

/* Look at the files in `path`; `named` is what they are told of as. */
static void
look_into(struct run *run, const char *path, const char *named, unsigned bit)
{
    CLEANUP_CLOSE int fd =
        safefs_open_beneath(run->sight->root_fd, path, SAFEFS_LIST);
    off_t place = 0;

    run->calls += 2;
    run->named = named;
    run->bit = bit;
    if (fd >= 0)
        (void)read_folder(run, fd, path, &place, take_file);
}

/* Look at a repository or lock folder anew; what was said of it is forgotten. */
static void
look_at_folder(struct run *run, const char *path)
{
    CLEANUP_CLOSE int fd =
        safefs_open_beneath(run->sight->root_fd, path, SAFEFS_PIN);
    struct statx st;
    unsigned what;

    run->calls += CALLS_A_FOLDER;
    if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR)
        return;
    forget_drifts(run->sight, path);
    if (fd < 0 || safefs_look(fd, &st) < 0 || !S_ISDIR(st.stx_mode))
        return;
    what = judge(run, path, &st, fd);
    if (what)
        add_drift(run->sight, path, st.stx_uid, what);
    if (util_has_prefix(path, LOCKS "/")) {
        look_into(run, path, path, DRIFT_LOCK);
    } else {
        /* Listings are made 0600: closed ones are made anew for ever. */
        char trees[PATH_MAX];

        snprintf(trees, sizeof(trees), "%s/trees", path);
        look_into(run, trees, path, DRIFT_CLOSED);
    }
}

static void
take_folder(struct run *run, const char *folder, const char *name)
{
    char path[PATH_MAX];
    bool is_locks = strcmp(folder, LOCKS) == 0;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        (!is_locks && !layout_is_repository(name)))
        return;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    look_at_folder(run, path);
}

/* Look again at what the last look named, for half of the budget at most. */
static void
look_again(struct run *run)
{
    const struct verdict *verdict = &run->sight->verdict;
    size_t count = verdict->ndrifts;
    char path[PATH_MAX];

    /* What stays named moves to the end: the next look begins with others. */
    for (size_t i = 0; i < count && verdict->ndrifts; i++) {
        if (run->calls >= LOOK_MAX_CALLS / 2 || is_spent(run))
            return;
        snprintf(path, sizeof(path), "%s", verdict->drifts[0].name);
        look_at_folder(run, path);
        if (verdict->ndrifts && strcmp(verdict->drifts[0].name, path) == 0)
            return; /* it can't be looked at now */
    }
}

/* Where the last look stopped: a folder and a place in it. */
static off_t
find_place(const struct sight *sight, const char *folder)
{
    size_t length = strlen(folder);
    uint64_t place;

    if (strncmp(sight->cursor, folder, length) != 0 ||
        sight->cursor[length] != ':' ||
        util_parse_number(sight->cursor + length + 1, INT64_MAX, &place) < 0)
        return 0;
    return (off_t)place;
}

/* Look at what is in `folder`; true at its end. */
static bool
look_through(struct run *run, const char *folder)
{
    struct sight *sight = run->sight;
    CLEANUP_CLOSE int fd =
        safefs_open_beneath(sight->root_fd, folder, SAFEFS_LIST);
    off_t place = find_place(sight, folder);

    run->calls++;
    if (fd < 0 || read_folder(run, fd, folder, &place, take_folder))
        return true;
    snprintf(sight->cursor, sizeof(sight->cursor), "%s:%" PRId64, folder,
             (int64_t)place);
    return false;
}

static struct run
begin_run(struct sight *sight, const struct errand *errand)
{
    return (struct run){
        .sight = sight,
        .errand = errand,
        .until_ms = util_monotonic_ms() + LOOK_MAX_MS,
    };
}

void
look_at_named(struct sight *sight, const struct errand *errand)
{
    struct run run = begin_run(sight, errand);

    if (sight->root_fd >= 0)
        look_again(&run);
}

void
look_below(struct sight *sight, const struct errand *errand)
{
    struct run run = begin_run(sight, errand);

    if (sight->root_fd < 0)
        return;
    look_again(&run);
    if (!*sight->cursor)
        sight->verdict.more_drifts = 0; /* a new round */
    if (!util_has_prefix(sight->cursor, LOCKS ":") &&
        !look_through(&run, "hub"))
        return;
    if (!look_through(&run, LOCKS))
        return;
    sight->cursor[0] = '\0';
    sight->verdict.round_wall = time(NULL);
}
