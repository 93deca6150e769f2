/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict on the whole tree: written by a check, read by every login,
 * shortened by the helper when an owner's mender has had what is named of his.
 */
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "safefs.h"
#include "verdict_text.h"

#define KIND "hfcache-tree"
#define SUFFIX "tree"
#define NAME_BYTES 300 /* as text: what clients make is shorter */

const char *const verdict_tree_words[TREE_COUNTS] = {
    [TREE_ENTRIES] = "entries", [TREE_ALARMS] = "alarms",
    [TREE_DRIFTS] = "drifts",   [TREE_NOTES] = "notes",
    [TREE_REUSED] = "reused",   [TREE_FOLDERS] = "folders",
    [TREE_GIVEN] = "given",
};

/* --- which drifts fit ---------------------------------------------------- */

/* A drift that wants to be named, and when it is its turn. */
struct place {
    const struct drift *drift;
    size_t rank;   /* among what is its owner's, of its sort */
    uint32_t turn; /* among those of one rank */
};

static bool
is_kept(const struct place *place)
{
    return place->drift->what & DRIFT_KEPT;
}

static int
compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By owner and sort, then as they were given. */
static int
compare_owners(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int r = compare(a->drift->owner, b->drift->owner);

    if (r == 0)
        r = compare(is_kept(a), is_kept(b));
    return r ? r : compare((uintptr_t)a->drift, (uintptr_t)b->drift);
}

static int
compare_turns(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int r = compare(a->rank, b->rank);

    return r ? r : compare(a->turn, b->turn);
}

/* All bits of the result depend on all of `x`; no two give the same. */
static uint32_t
mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x85ebca6b; /* the end of MurmurHash3 */
    x = (x ^ x >> 13) * 0xc2b2ae35;
    return x ^ x >> 16;
}

/*
 * Number what is of one owner and sort, beginning anywhere.  What logins mend
 * comes before seven in eight of what they do not, but never before all of it.
 */
static void
give_ranks(struct place *places, size_t count, uint32_t seed)
{
    size_t end = 0;

    for (size_t start = 0; start < count; start = end) {
        uid_t owner = places[start].drift->owner;
        bool kept = is_kept(&places[start]);

        while (end < count && places[end].drift->owner == owner &&
               is_kept(&places[end]) == kept)
            end++;
        for (size_t i = start; i < end; i++) {
            places[i].rank = (i - start + seed) % (end - start);
            places[i].turn = mix(owner ^ seed) >> (kept ? 0 : 3);
        }
    }
}

/* All that is named in the order of its turns: NULL without memory. */
static struct place *
make_places(const struct tree_verdict *tree)
{
    struct place *places = calloc(tree->nnamed + 1, sizeof(*places));

    for (size_t i = 0; places && i < tree->nnamed; i++)
        places[i].drift = &tree->named[i];
    if (!places || !tree->nnamed)
        return places;
    qsort(places, tree->nnamed, sizeof(*places), compare_owners);
    give_ranks(places, tree->nnamed, mix((uint32_t)tree->taken_ms));
    qsort(places, tree->nnamed, sizeof(*places), compare_turns);
    return places;
}

/* Add one drift if it is within its owner's share and fits. */
static bool
add_place(struct text *text, const struct place *place)
{
    struct drift drift = *place->drift;

    drift.what &= DRIFT_ALL;
    return drift.what &&
           place->rank < (is_kept(place) ? VERDICT_TREE_KEPT
                                         : VERDICT_TREE_OWNER) &&
           verdict_encoded_length(drift.name) <= NAME_BYTES &&
           verdict_add_drift(text, &drift);
}

/* --- to text ------------------------------------------------------------- */

static int
format(const struct tree_verdict *tree, const char *path, gid_t gid,
       struct text *text, struct err *err)
{
    CLEANUP_FREE struct place *places = make_places(tree);
    size_t added = 0;
    int r = places ? 0 : err_set(err, ENOMEM, "out of memory");

    if (r == 0)
        r = verdict_add_head(text, KIND, path, gid, tree->taken_ms,
                             tree->taken_wall, err);
    if (r < 0)
        return r;
    verdict_add_string(text, "ended", tree->complete ? "complete"
                                                     : "interrupted");
    for (unsigned i = 0; i < TREE_COUNTS; i++)
        text_addf(text, "%s=%" PRIu64 "\n", verdict_tree_words[i], tree->count[i]);
    text_addf(text, "oldest=%" PRId64 "\n", tree->oldest_wall);
    if (tree->interrupted_wall)
        text_addf(text, "interrupted=%" PRId64 "\n", tree->interrupted_wall);
    for (size_t i = 0; i < tree->nnamed && added < VERDICT_TREE_NAMED; i++)
        added += add_place(text, &places[i]);
    return verdict_add_end(text, tree->nnamed - added + tree->more_named, path,
                           err);
}

/* With the lock held, which keeps a check and helpers from each other's file. */
static int
replace(int dir_fd, const struct tree_verdict *tree, const char *path,
        gid_t gid, struct err *err)
{
    CLEANUP_FREE char *buffer = malloc(VERDICT_MAX_BYTES);
    struct text text = {buffer, VERDICT_MAX_BYTES, 0, false};
    char name[VERDICT_NAME_SIZE];
    int r;

    if (!buffer)
        return err_set(err, ENOMEM, "out of memory");
    r = format(tree, path, gid, &text, err);
    if (r < 0)
        return r;
    verdict_name(path, gid, SUFFIX, name);
    r = safefs_replace_file_of(dir_fd, name, 0640, gid, text.data, text.length);
    return r < 0 ? err_sys(err, -r, "%s: cannot be written", name) : 0;
}

/* The lock, which goes with the descriptor. */
static int
take_lock(int dir_fd, const char *path, gid_t gid, struct err *err)
{
    char name[VERDICT_NAME_SIZE];
    int fd;

    verdict_name(path, gid, SUFFIX ".lock", name);
    fd = safefs_lock_file(dir_fd, name, true);
    return fd < 0 ? err_sys(err, -fd, "%s: cannot be locked", name) : fd;
}

/* --- from text ----------------------------------------------------------- */

static bool
take_ended(struct verdict_reader *reader)
{
    const char *ended = verdict_take(reader, "ended");

    if (strcmp(ended, "complete") == 0)
        return true;
    if (strcmp(ended, "interrupted") != 0)
        reader->failed = true;
    return false;
}

static int
take_named(struct verdict_reader *reader, struct tree_verdict *tree)
{
    if (reader->failed || !util_has_prefix(reader->next, "drift="))
        return 0;
    tree->named = calloc(VERDICT_TREE_NAMED, sizeof(*tree->named));
    if (!tree->named)
        return -ENOMEM;
    tree->nnamed =
        verdict_take_drifts(reader, tree->named, VERDICT_TREE_NAMED);
    return 0;
}

static int
parse(const char *path, gid_t gid, struct tree_verdict *tree, struct err *err)
{
    struct verdict_reader reader = {.next = tree->buffer};
    int r = verdict_take_head(&reader, KIND, path, gid, &tree->taken_ms,
                              &tree->taken_wall, err);

    if (r < 0)
        return r;
    tree->complete = take_ended(&reader);
    for (unsigned i = 0; i < TREE_COUNTS; i++)
        tree->count[i] = (uint64_t)verdict_take_number(
            &reader, verdict_tree_words[i], INT64_MAX);
    tree->oldest_wall = verdict_take_number(&reader, "oldest", INT64_MAX);
    if (util_has_prefix(reader.next, "interrupted="))
        tree->interrupted_wall =
            verdict_take_number(&reader, "interrupted", INT64_MAX);
    if (tree->count[TREE_REUSED] > tree->count[TREE_ENTRIES])
        reader.failed = true;
    if (take_named(&reader, tree) < 0)
        return err_set(err, ENOMEM, "out of memory");
    return verdict_take_end(&reader, tree->taken_ms, &tree->more_named, err);
}

int
verdict_tree_read(const char *dir, uid_t trusted_uid, const char *path,
                  gid_t gid, struct tree_verdict *ret, struct err *err)
{
    struct tree_verdict tree = {.nnamed = 0};
    char file[PATH_MAX];
    struct err inner;
    size_t length;
    int r = verdict_read_text(dir, trusted_uid, path, gid, SUFFIX, file,
                              &tree.buffer, &length, err);

    if (r < 0)
        return r;
    if (memchr(tree.buffer, '\0', length))
        r = err_set(&inner, EINVAL, "is no text of a verdict");
    else
        r = parse(path, gid, &tree, &inner);
    if (r < 0) {
        verdict_tree_free(&tree);
        return err_set(err, -r, "%s: %s", file, inner.text);
    }
    *ret = tree;
    return 0;
}

void
verdict_tree_free(struct tree_verdict *tree)
{
    free(tree->buffer);
    free(tree->named);
    *tree = (struct tree_verdict){.nnamed = 0};
}

/* --- when a check has ended ----------------------------------------------- */

static bool
is_named(const struct tree_verdict *tree, const struct drift *drift)
{
    for (size_t i = 0; i < tree->nnamed; i++) {
        const struct drift *known = &tree->named[i];

        if (known->owner == drift->owner &&
            !(known->what & DRIFT_KEPT) == !(drift->what & DRIFT_KEPT) &&
            strcmp(known->name, drift->name) == 0)
            return true;
    }
    return false;
}

/* Into `tree`, which is not complete, what the last one says beyond it. */
static void
add_last(struct tree_verdict *tree, const struct tree_verdict *last,
         struct drift *named)
{
    size_t count = tree->nnamed;

    if (count > 0)
        memcpy(named, tree->named, count * sizeof(*named));
    for (size_t i = 0; i < last->nnamed; i++) {
        if (!is_named(tree, &last->named[i]))
            named[count++] = last->named[i];
    }
    tree->named = named;
    tree->nnamed = count;
    if (last->more_named > tree->more_named)
        tree->more_named = last->more_named;
    for (unsigned i = 0; i < TREE_COUNTS; i++) {
        if (last->count[i] > tree->count[i])
            tree->count[i] = last->count[i];
    }
    if (!tree->oldest_wall ||
        (last->oldest_wall && last->oldest_wall < tree->oldest_wall))
        tree->oldest_wall = last->oldest_wall;
    if (!last->complete)
        return;
    tree->complete = true;
    tree->interrupted_wall = tree->taken_wall;
    tree->taken_ms = last->taken_ms;
    tree->taken_wall = last->taken_wall;
}

/* With the lock held. */
static int
replace_partly(const char *dir, int dir_fd, const struct tree_verdict *tree,
               const char *path, gid_t gid, struct err *err)
{
    CLEANUP_FREE struct drift *named = NULL;
    struct tree_verdict last, both = *tree;
    int r = verdict_tree_read(dir, geteuid(), path, gid, &last, err);

    if (r < 0 && r != -ENOMEM)
        return replace(dir_fd, tree, path, gid, err);
    if (r < 0)
        return r;
    named = calloc(tree->nnamed + last.nnamed + 1, sizeof(*named));
    if (named) {
        add_last(&both, &last, named);
        r = replace(dir_fd, &both, path, gid, err);
    } else {
        r = err_set(err, ENOMEM, "out of memory");
    }
    verdict_tree_free(&last);
    return r;
}

int
verdict_tree_write(const char *dir, const struct tree_verdict *tree,
                   const char *path, gid_t gid, struct err *err)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(dir, 0755, geteuid(), err);
    CLEANUP_CLOSE int lock_fd = -1;

    if (dir_fd < 0)
        return dir_fd;
    lock_fd = take_lock(dir_fd, path, gid, err);
    if (lock_fd < 0)
        return lock_fd;
    return tree->complete ? replace(dir_fd, tree, path, gid, err)
                          : replace_partly(dir, dir_fd, tree, path, gid, err);
}

/* --- when a mender has run ----------------------------------------------- */

static bool
is_among(const struct drift *drift, const struct drift *given, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (given[i].owner == drift->owner &&
            strcmp(given[i].name, drift->name) == 0)
            return !(drift->what & DRIFT_KEPT); /* which no mender opens */
    }
    return false;
}

/* Take out what is among `given`; how many. */
static size_t
take_out(struct tree_verdict *tree, const struct drift *given, size_t count)
{
    size_t left = 0, taken;

    for (size_t i = 0; i < tree->nnamed; i++) {
        if (!is_among(&tree->named[i], given, count))
            tree->named[left++] = tree->named[i];
    }
    taken = tree->nnamed - left;
    tree->nnamed = left;
    tree->count[TREE_GIVEN] += taken;
    return taken;
}

int
verdict_tree_forget(const char *dir, const char *path, gid_t gid,
                    int64_t taken_ms, const struct drift *given, size_t count)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(dir, 0, geteuid(), NULL);
    CLEANUP_CLOSE int lock_fd = -1;
    struct tree_verdict tree;
    int r;

    if (dir_fd < 0)
        return dir_fd;
    lock_fd = take_lock(dir_fd, path, gid, NULL);
    if (lock_fd < 0)
        return lock_fd;
    r = verdict_tree_read(dir, geteuid(), path, gid, &tree, NULL);
    if (r < 0)
        return r;
    if (tree.taken_ms == taken_ms && take_out(&tree, given, count) > 0)
        r = replace(dir_fd, &tree, path, gid, NULL);
    verdict_tree_free(&tree);
    return r;
}
