/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The look below the gate, as far as the budget goes.
 */
#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "look_place.h"
#include "safefs.h"

#define NAMES_BYTES 8192
#define CALLS_A_FOLDER 5   /* open, look, two ACLs, judge the next */
#define CALLS_A_NAMED 100  /* at most, to look again at one that is named */

/* Whose files are closed in one folder. */
struct owners {
    uid_t uid[LOOK_OWNER_DRIFTS];
    size_t count;
};

/* One run below the gate. */
struct run {
    struct sight *sight;
    const struct errand *errand;
    int64_t until_ms;
    unsigned calls;
    unsigned limit;       /* of calls, for what is looked at now */
    struct look_place *place;  /* NULL: what is left over is not gone on with */
    struct owners owners; /* of the files looked at now */
};

/* --- what is named ------------------------------------------------------- */

/*
 * A place in the list for a drift of `owner`, or NULL.  Each owner has a share,
 * and for what no login opens a smaller one.  He for whose login this look is
 * made always finds a place: for what his mender can mend.
 */
static struct drift *
make_place(struct sight *sight, uid_t owner, unsigned what)
{
    struct verdict *verdict = &sight->verdict;
    bool is_kept = what & DRIFT_KEPT;
    size_t of_owner = 0;
    bool is_full;

    for (size_t i = 0; i < verdict->ndrifts; i++)
        of_owner += verdict->drifts[i].owner == owner &&
                    !(verdict->drifts[i].what & DRIFT_KEPT) == !is_kept;
    is_full = of_owner >= (is_kept ? LOOK_OWNER_KEPT : LOOK_OWNER_DRIFTS);
    if (!is_full && verdict->ndrifts < VERDICT_MAX_DRIFTS)
        return &verdict->drifts[verdict->ndrifts++];
    verdict->more_drifts++;
    if (owner != sight->uid || is_kept || what == DRIFT_LOCK)
        return NULL;
    for (size_t i = verdict->ndrifts; i-- > 0;) {
        struct drift *drift = &verdict->drifts[i];

        if (is_full ? drift->owner == owner && drift->what == DRIFT_LOCK
                    : drift->owner != owner) {
            util_free_ptr(&drift->name);
            return drift;
        }
    }
    return NULL;
}

/* Add a drift, or its bits to what is named already. */
static void
add_drift(struct sight *sight, const char *name, uid_t owner, unsigned what)
{
    struct verdict *verdict = &sight->verdict;
    struct drift *drift;
    char *copy;

    for (size_t i = 0; i < verdict->ndrifts; i++) {
        drift = &verdict->drifts[i];
        if (drift->owner == owner && strcmp(drift->name, name) == 0) {
            drift->what |= what;
            return;
        }
    }
    copy = strdup(name);
    drift = copy ? make_place(sight, owner, what) : NULL;
    if (drift)
        *drift = (struct drift){.name = copy, .owner = owner, .what = what};
    else
        free(copy);
}

/* Say no longer of `name` what `what` stands for. */
static void
forget_drifts(struct sight *sight, const char *name, unsigned what)
{
    struct verdict *verdict = &sight->verdict;
    size_t kept = 0;

    for (size_t i = 0; i < verdict->ndrifts; i++) {
        struct drift *drift = &verdict->drifts[i];

        if (strcmp(drift->name, name) == 0)
            drift->what &= ~what;
        if (drift->what)
            verdict->drifts[kept++] = *drift;
        else
            util_free_ptr(&drift->name);
    }
    verdict->ndrifts = kept;
}

void
look_begin(struct sight *sight, const struct verdict *last)
{
    *sight = (struct sight){.root_fd = -1};
    sight->verdict.way_at = "";
    sight->verdict.cursor = sight->cursor;
    sight->verdict.unread_at = sight->unread_at;
    sight->verdict.drifts = sight->drifts;
    if (!last)
        return;
    sight->last_way_error = last->way_error;
    sight->last_since_wall = last->since_wall;
    memcpy(sight->last_gate, last->gate, sizeof(last->gate));
    snprintf(sight->cursor, sizeof(sight->cursor), "%s", last->cursor);
    sight->verdict.round_wall = last->round_wall;
    sight->verdict.unread_error = last->unread_error;
    snprintf(sight->unread_at, sizeof(sight->unread_at), "%s",
             last->unread_at);
    sight->verdict.more_drifts = last->more_drifts;
    for (size_t i = 0; i < last->ndrifts; i++)
        add_drift(sight, last->drifts[i].name, last->drifts[i].owner,
                  last->drifts[i].what);
}

void
look_end(struct sight *sight)
{
    for (size_t i = 0; i < sight->verdict.ndrifts; i++)
        util_free_ptr(&sight->verdict.drifts[i].name);
    sight->verdict.ndrifts = 0;
    if (sight->root_fd >= 0)
        close(util_steal_fd(&sight->root_fd));
}

/* --- below the gate ------------------------------------------------------ */

static bool
is_absence(int r)
{
    return r == -ENOENT || r == -ENOTDIR;
}

/* Keep what could not be read first in this round; what is left goes on. */
static void
note_unread(const struct run *run, const char *path, int error)
{
    struct sight *sight = run->sight;

    if (!run->place || sight->verdict.unread_error)
        return;
    sight->verdict.unread_error = error;
    snprintf(sight->unread_at, sizeof(sight->unread_at), "%s", path);
}

static bool
is_spent(const struct run *run)
{
    return run->calls >= run->limit || util_monotonic_ms() >= run->until_ms;
}

/* Judge one inode: what is wrong that its owner's login could mend, or he. */
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
    if (layout_is_mendable(&inode, &wanted))
        return what & DRIFT_ALL ? what & DRIFT_ALL : DRIFT_CLOSED;
    /* Nobody else can use it, and that is worth knowing. */
    return S_ISDIR(inode.mode) && layout_is_closed(inode.mode)
               ? DRIFT_CLOSED | DRIFT_KEPT
               : 0;
}

typedef void take_name(struct run *run, int fd, const char *folder,
                       const char *name);

/*
 * Give the names in `path`, open on `fd` if that is no errno, to `take` from
 * the place `*place` on until the budget is spent.  0; 1 at the folder's end, or
 * if there is none; or a negative errno.
 */
static int
read_folder(struct run *run, int fd, const char *path, off_t *place,
            take_name *take)
{
    char names[NAMES_BYTES] __attribute__((aligned(8)));
    ssize_t got;

    if (fd < 0)
        return is_absence(fd) ? 1 : fd;
    if (*place && lseek(fd, *place, SEEK_SET) < 0)
        *place = 0;
    while ((got = getdents64(fd, (void *)names, sizeof(names))) > 0) {
        run->calls++;
        for (ssize_t used = 0; used < got;) {
            const struct dirent64 *entry = (const void *)(names + used);

            if (is_spent(run))
                return 0;
            if (!util_is_dots(entry->d_name))
                take(run, fd, path, entry->d_name);
            *place = entry->d_off;
            used += entry->d_reclen;
        }
    }
    return got < 0 ? -errno : 1;
}

/* --- files that others need ---------------------------------------------- */

static void
note_owner(struct owners *owners, uid_t uid)
{
    for (size_t i = 0; i < owners->count; i++) {
        if (owners->uid[i] == uid)
            return;
    }
    if (owners->count < ARRAY_LEN(owners->uid))
        owners->uid[owners->count++] = uid;
}

/* A file that others need and can't use is its owner's to mend. */
static void
take_file(struct run *run, int fd, const char *folder, const char *name)
{
    /* Pinned, since that never enters what may be mounted there. */
    CLEANUP_CLOSE int file_fd = safefs_open_beneath(fd, name, SAFEFS_PIN);
    char path[PATH_MAX];
    struct statx st;

    run->calls += 2;
    if (file_fd < 0 || safefs_look(file_fd, &st) < 0 || !S_ISREG(st.stx_mode))
        return;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (judge(run, path, &st, file_fd))
        note_owner(&run->owners, st.stx_uid);
}

/*
 * Look at the files of the repository or lock folder `path`, whose name is
 * `name`, from `at` on.  `found`: some were closed in earlier looks at it.
 */
static void
look_at_files(struct run *run, const char *path, const char *name, off_t at,
              bool found)
{
    bool is_locks = util_has_prefix(path, LOOK_LOCKS "/");
    bool from_start = at == 0;
    CLEANUP_CLOSE int fd = -1;
    char folder[PATH_MAX];
    int end;

    /* Clients make listings in trees/ 0600, and anew where they can't read. */
    snprintf(folder, sizeof(folder), "%s%s", path, is_locks ? "" : "/trees");
    run->calls += 2;
    run->owners.count = 0;
    fd = safefs_open_beneath(run->sight->root_fd, folder, SAFEFS_LIST);
    end = read_folder(run, fd, folder, &at, take_file);
    if (end < 0 && end != -EACCES) /* its owner closed it: see judge() */
        note_unread(run, folder, -end);
    found = found || run->owners.count > 0;
    if (end > 0 && (from_start || !found))
        forget_drifts(run->sight, path, DRIFT_LOCK);
    for (size_t i = 0; i < run->owners.count; i++)
        add_drift(run->sight, path, run->owners.uid[i], DRIFT_LOCK);
    if (!run->place)
        return;
    snprintf(run->place->inner, sizeof(run->place->inner), "%s",
             end ? "" : name);
    run->place->inner_at = at;
    run->place->inner_found = found;
}

/* --- folders ------------------------------------------------------------- */

/* Look at the repository or lock folder `folder`/`name` anew. */
static void
look_at_folder(struct run *run, const char *folder, const char *name)
{
    char path[PATH_MAX];
    CLEANUP_CLOSE int fd = -1;
    struct statx st;
    unsigned what;
    int r;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    run->calls += CALLS_A_FOLDER;
    fd = safefs_open_beneath(run->sight->root_fd, path, SAFEFS_PIN);
    r = fd < 0 ? fd : safefs_look(fd, &st);
    if (r < 0 && !is_absence(r)) { /* it may still be as it was */
        note_unread(run, path, -r);
        return;
    }
    if (r < 0 || !S_ISDIR(st.stx_mode)) {
        forget_drifts(run->sight, path, DRIFT_ALL);
        return;
    }
    forget_drifts(run->sight, path, DRIFT_ALL & ~(unsigned)DRIFT_LOCK);
    what = judge(run, path, &st, fd);
    if (what)
        add_drift(run->sight, path, st.stx_uid, what);
    look_at_files(run, path, name, 0, false);
}

/* What is below a hub/.locks that is not root's is not mended: see mender.c. */
static bool
are_locks_roots(const struct run *run)
{
    const struct inode_fact *locks = &run->sight->verdict.gate[GATE_LOCKS];

    return !locks->error && locks->uid == run->errand->locks_uid;
}

static void
take_folder(struct run *run, int fd, const char *folder, const char *name)
{
    (void)fd;
    if (layout_is_repository(name))
        look_at_folder(run, folder, name);
}

/* Look again at what the last look named, with at most `limit` calls. */
static void
look_again(struct run *run, unsigned limit)
{
    struct verdict *verdict = &run->sight->verdict;

    for (size_t left = verdict->ndrifts; left && verdict->ndrifts; left--) {
        struct drift first = verdict->drifts[0];
        bool is_locks = util_has_prefix(first.name, LOOK_LOCKS "/");
        const char *slash = strrchr(first.name, '/');
        char name[LAYOUT_MAX_NAME + 1];

        run->limit = limit;
        if (is_spent(run))
            return;
        if (run->calls + CALLS_A_NAMED < limit)
            run->limit = run->calls + CALLS_A_NAMED;
        /* To the end: the next look begins with others. */
        memmove(verdict->drifts, verdict->drifts + 1,
                (verdict->ndrifts - 1) * sizeof(first));
        verdict->drifts[verdict->ndrifts - 1] = first;
        snprintf(name, sizeof(name), "%s", slash ? slash + 1 : first.name);
        if (is_locks && !are_locks_roots(run))
            forget_drifts(run->sight, first.name, DRIFT_ALL);
        else
            look_at_folder(run, is_locks ? LOOK_LOCKS : "hub", name);
    }
}

/* --- where to go on ------------------------------------------------------ */

/* Finish the files among which the last look stopped; true when done. */
static bool
finish_files(struct run *run)
{
    struct look_place *place = run->place;
    struct look_place from = *place;
    char path[PATH_MAX];

    if (!place->inner[0])
        return true;
    snprintf(path, sizeof(path), "%s/%s", from.folder, from.inner);
    look_at_files(run, path, from.inner, from.inner_at, from.inner_found);
    return !place->inner[0];
}

/*
 * Look at what is in the place's folder; true at its end, if it has one, and
 * where nothing more of it can be read.
 */
static bool
look_through(struct run *run)
{
    struct look_place *place = run->place;
    CLEANUP_CLOSE int fd = safefs_open_beneath(run->sight->root_fd,
                                               place->folder, SAFEFS_LIST);
    int end;

    run->calls++;
    end = read_folder(run, fd, place->folder, &place->at, take_folder);
    if (end < 0)
        note_unread(run, place->folder, -end);
    return end && !place->inner[0];
}

/* Once around from where the last look stopped; true if it came to the end. */
static bool
go_on(struct run *run)
{
    struct look_place *place = run->place;

    if (strcmp(place->folder, LOOK_LOCKS) == 0 && !are_locks_roots(run))
        return true;
    if (!finish_files(run) || !look_through(run))
        return false;
    if (strcmp(place->folder, LOOK_LOCKS) == 0 || !are_locks_roots(run))
        return true;
    *place = (struct look_place){.folder = LOOK_LOCKS};
    return look_through(run);
}

static struct run
begin_run(struct sight *sight, const struct errand *errand)
{
    return (struct run){
        .sight = sight,
        .errand = errand,
        .until_ms = util_monotonic_ms() + LOOK_MAX_MS,
        .limit = LOOK_MAX_CALLS,
    };
}

void
look_at_named(struct sight *sight, const struct errand *errand)
{
    struct run run = begin_run(sight, errand);

    if (sight->root_fd >= 0)
        look_again(&run, LOOK_MAX_CALLS);
}

void
look_below(struct sight *sight, const struct errand *errand)
{
    struct run run = begin_run(sight, errand);
    struct look_place place = look_place_read(sight->cursor);

    if (sight->root_fd < 0)
        return;
    look_again(&run, LOOK_MAX_CALLS / 2);
    if (!*sight->cursor) { /* a new round */
        sight->verdict.more_drifts = 0;
        sight->verdict.unread_error = 0;
    }
    run.limit = LOOK_MAX_CALLS;
    run.place = &place;
    if (!go_on(&run)) {
        struct text cursor = TEXT_INIT(sight->cursor);

        look_place_write(&place, &cursor);
        return;
    }
    sight->cursor[0] = '\0';
    if (!sight->verdict.unread_error)
        sight->verdict.round_wall = time(NULL);
}
