/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout table, and how an entry finds its row.
 */
#include "layout_table.h"

#include <string.h>

/* Types, as bits: what else there is has its own, in no row but the last. */
#define TYPE_BIT(mode) (1U << (((mode) & S_IFMT) >> 12))
enum {
    DIR = TYPE_BIT(S_IFDIR),
    FILE = TYPE_BIT(S_IFREG),
    LINK = TYPE_BIT(S_IFLNK),
    ANY = DIR | FILE | LINK,
};

#define STICKY 01000
#define G_RX 02050 /* with setgid, as on every folder */
#define G_RWX 02070
#define O_W 00002
#define X_ALL 00111
#define W_ALL 00222

/* --- the table ----------------------------------------------------------- */

/*
 * The rows stand under the folder that they are in; the first one that fits
 * name and type holds.  In a pattern, "@" is a repository's name, "#" two hex
 * digits, "$.json" a commit's listing, and each other name a glob of one "*" at
 * most.  A folder's last word is the place that it leads to.
 */
#define FOLDER(name, need, deny, flags, kind, leads)                          \
    {name, kind, need, deny, flags, DIR, sizeof(name) - 1, leads}
#define ENTRY(name, types, need, deny, flags, kind)                           \
    {name, kind, need, deny, flags, types, sizeof(name) - 1, PLACE_OTHER}
#define REST ENTRY("*", 0xffff, 0, 0, UNKNOWN, "other")
#define ROWS(...) ((const struct layout_row[]){__VA_ARGS__, REST})

static const struct layout_row *const places[PLACES] = {
    /* what holds the root, whatever name that has there */
    [PLACE_ABOVE] = ROWS(
        FOLDER("*", G_RX, 0022, ROOTS | ACLED, "cache root", PLACE_ROOT)),

    /* the root */
    [PLACE_ROOT] = ROWS(
        FOLDER("hub", 0, 0, EXACT | ACLED, "hub", PLACE_HUB),
        FOLDER("datasets", G_RWX, O_W | STICKY, ACLED, "datasets folder",
               PLACE_DATASETS),

        ENTRY("token", ANY, 0, 0, SECRET, "token"),
        ENTRY("stored_tokens", ANY, 0, 0, SECRET, "token"),
        FOLDER("modules", 0, 0, CODE, "code folder", PLACE_CODE),
        FOLDER("gradio", 0, 0, CODE, "code folder", PLACE_CODE),
        FOLDER("accelerate", 0, 0, CODE, "code folder", PLACE_CODE),
        FOLDER("trackio", 0, 0, CODE, "code folder", PLACE_CODE),

        ENTRY("stored_tokens.lock", FILE, 0, 0, LEFT, "lock file"),
        ENTRY(".check_for_*_done", FILE, 0, 0, LEFT, "time stamp"),
        ENTRY(".agent_harnesses.json", FILE, 0, 0, LEFT, "list of agents"),
        FOLDER("sandbox", 0, 0, LEFT, "sandbox folder", PLACE_ASIDE),
        FOLDER("assets", 0, 0, LEFT, "assets folder", PLACE_ASIDE),
        FOLDER("xet", 0, 0, LEFT, "Xet folder", PLACE_ASIDE),
        FOLDER("lerobot", 0, 0, LEFT, "LeRobot folder", PLACE_ASIDE),
        FOLDER("evaluate", 0, 0, LEFT, "evaluate folder", PLACE_ASIDE),
        FOLDER("metrics", 0, 0, LEFT, "metrics folder", PLACE_ASIDE),
        FOLDER("kernels", 0, 0, LEFT, "kernels folder", PLACE_ASIDE),
        FOLDER("diffusers", 0, 0, LEFT, "diffusers folder", PLACE_ASIDE),
        ENTRY("CACHEDIR.TAG", FILE, 0, 0, WITHIN, "tag"),
        ENTRY("version*.txt", FILE, 0, 0, WITHIN, "tag"),
        FOLDER("lost+found", 0, 0, WITHIN, "system folder", PLACE_ASIDE),
        FOLDER("*", 0, 0, UNKNOWN, "other", PLACE_ASIDE)),

    /* modules/ and the like, and all folders below */
    [PLACE_CODE] = ROWS(
        FOLDER("*", 0, 0, CODE, "code folder", PLACE_CODE),
        ENTRY("*", FILE, 0, 0, CODE, "code file"),
        ENTRY("*", LINK, 0, 0, 0, "code link")),

    /* xet/ and the like, and all folders below */
    [PLACE_ASIDE] = ROWS(
        FOLDER("*", 0, 0, WITHIN, "other", PLACE_ASIDE),
        ENTRY("*", FILE | LINK, 0, 0, WITHIN, "other")),

    /* datasets, and all folders below */
    [PLACE_DATASETS] = ROWS(
        FOLDER("*", G_RWX, O_W | STICKY, ACLED, "datasets folder",
               PLACE_DATASETS),
        ENTRY("*.lock", FILE, 0060, 0, OPENED, "lock file"),
        ENTRY("*.incomplete", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("*", FILE, 0040, O_W, 0, "datasets file"),
        ENTRY("*", LINK, 0, 0, 0, "datasets link")),

    /* hub */
    [PLACE_HUB] = ROWS(
        FOLDER(".locks", G_RWX, O_W | STICKY, ROOTS | ACLED, "lock folder",
               PLACE_LOCKS),
        FOLDER("blobs", 0, 0, EXACT | ACLED, "blob store", PLACE_STORE),
        FOLDER("@", G_RWX, O_W | STICKY, ACLED, "repository", PLACE_REPOSITORY),
        ENTRY("CACHEDIR.TAG", FILE, 0040, 0, NO_GROUP, "tag"),
        ENTRY("version*.txt", FILE, 0040, 0, NO_GROUP, "tag"),
        FOLDER("tmp*", 0, 0, TEMP, "temporary folder", PLACE_TEMPORARY),
        ENTRY("tmp*", FILE | LINK, 0, 0, TEMP, "temporary file")),

    /* hub/.locks */
    [PLACE_LOCKS] = ROWS(
        FOLDER("*", G_RWX, O_W | STICKY, ACLED, "lock folder", PLACE_LOCK)),

    /* hub/.locks/NAME */
    [PLACE_LOCK] = ROWS(
        ENTRY("*.lock", FILE, 0060, 0, OPENED, "lock file")),

    /* hub/blobs, the store that the repositories share */
    [PLACE_STORE] = ROWS(
        FOLDER("#", 0, 0, EXACT | ACLED, "blob store", PLACE_PART),
        ENTRY(".huggingface-shared-blobs", FILE, 0040, W_ALL, 0, "marker"),
        ENTRY(".*", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("tmp*", FILE, 0, 0, TEMP, "temporary file")),

    /* hub/blobs/# */
    [PLACE_PART] = ROWS(
        ENTRY("*.lock", FILE, 0060, 0, 0, "lock file"),
        ENTRY("*.refs", FILE, 0060, 0, 0, "reference list"),
        ENTRY("*.soft", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("*.incomplete", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("tmp*", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY(".*", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("*", FILE, 0040, W_ALL | X_ALL, 0, "shared payload")),

    /* hub/@ */
    [PLACE_REPOSITORY] = ROWS(
        FOLDER("blobs", G_RWX, O_W, ACLED, "blob folder", PLACE_BLOBS),
        FOLDER("refs", G_RWX, O_W | STICKY, ACLED, "reference folder",
               PLACE_REFS),
        FOLDER("snapshots", G_RWX, O_W, ACLED, "snapshot folder",
               PLACE_SNAPSHOTS),
        FOLDER(".no_exist", G_RWX, O_W | STICKY, ACLED, "miss folder",
               PLACE_MISSES),
        FOLDER("trees", G_RWX, O_W | STICKY, ACLED, "tree folder", PLACE_TREES),
        FOLDER("tmp*", 0, 0, TEMP, "temporary folder", PLACE_TEMPORARY),
        ENTRY("tmp*", FILE | LINK, 0, 0, TEMP, "temporary file")),

    /* hub/@/blobs */
    [PLACE_BLOBS] = ROWS(
        ENTRY("*", LINK, 0, 0, 0, "blob link"),
        ENTRY("*.incomplete", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("tmp*", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY(".*", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("*", FILE, 0040, O_W | X_ALL, 0, "blob")),

    /* hub/@/refs, and all folders below */
    [PLACE_REFS] = ROWS(
        FOLDER("*", G_RWX, O_W | STICKY, ACLED, "reference folder", PLACE_REFS),
        ENTRY("*.tmp", FILE, 0, 0, TEMP, "temporary file"),
        ENTRY("*", FILE, 0060, O_W | X_ALL, TINY, "reference")),

    /* hub/@/snapshots, and all folders below */
    [PLACE_SNAPSHOTS] = ROWS(
        ENTRY("*", LINK, 0, 0, 0, "snapshot link"),
        FOLDER("*", G_RWX, O_W, ACLED, "snapshot folder", PLACE_SNAPSHOTS),
        ENTRY("*", FILE, 0, O_W, 0, "snapshot file")),

    /* hub/@/.no_exist, and all folders below */
    [PLACE_MISSES] = ROWS(
        ENTRY("*", FILE, 0040, O_W | X_ALL, EMPTY, "miss"),
        FOLDER("*", G_RWX, O_W | STICKY, ACLED, "miss folder", PLACE_MISSES)),

    /* hub/@/trees */
    [PLACE_TREES] = ROWS(
        ENTRY("$.json", FILE, 0040, O_W | X_ALL, OPENED, "tree listing"),
        ENTRY("*", FILE, 0, 0, TEMP, "temporary file")),

    /* hub/tmp*, hub/@/tmp*, and all folders below */
    [PLACE_TEMPORARY] = ROWS(
        FOLDER("*", 0, 0, TEMP, "temporary folder", PLACE_TEMPORARY),
        ENTRY("*", FILE | LINK, 0, 0, TEMP, "temporary file")),

    /* what else is in hub/ or datasets/, and all folders below */
    [PLACE_OTHER] = ROWS(
        FOLDER("*", 0, 0, WITHIN, "other", PLACE_OTHER),
        ENTRY("*", FILE | LINK, 0, 0, WITHIN, "other")),
};

static const struct layout_row misfit = ENTRY("*", ANY, 0, 0, MISFIT, "other");

/* --- names --------------------------------------------------------------- */

static const char *const repository_prefixes[] = {
    "models--", "datasets--", "spaces--", "kernels--",
};

/* The Hub's own rule for names, so that none needs escaping anywhere. */
static bool
is_hub_name(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return length <= LAYOUT_MAX_NAME && (!name[length] || name[length] == '/');
}

bool
layout_is_repository(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(repository_prefixes); i++) {
        if (util_has_prefix(name, repository_prefixes[i]))
            return is_hub_name(name);
    }
    return false;
}

/* True if the first `count` bytes of `name` are hex digits, and no more. */
static bool
is_hex(const char *name, size_t count)
{
    return strspn(name, "0123456789abcdef") == count;
}

static bool
glob_fits(const struct layout_row *row, const char *name, size_t length)
{
    const char *star = memchr(row->name, '*', row->length);
    size_t head = star ? (size_t)(star - row->name) : row->length;
    size_t tail = star ? row->length - head - 1 : 0;

    if (star ? length < head + tail : length != head)
        return false;
    return memcmp(name, row->name, head) == 0 &&
           memcmp(name + length - tail, row->name + row->length - tail,
                  tail) == 0;
}

/* Does the name end as the pattern does behind its "*", which comes first? */
static bool
tail_fits(const struct layout_row *row, const char *name, size_t length)
{
    size_t tail = row->length - 1U;

    /* What most names end in tells already. */
    return !tail || (length >= tail && name[length - 1] == row->name[tail] &&
                     memcmp(name + length - tail, row->name + 1, tail) == 0);
}

static bool
name_fits(const struct layout_row *row, const char *name, size_t length)
{
    switch (*row->name) {
    case '*':
        return tail_fits(row, name, length);
    case '@':
        return layout_is_repository(name);
    case '#':
        return length == 2 && is_hex(name, 2);
    case '$':
        return length == 45 && is_hex(name, 40) &&
               memcmp(name + 40, ".json", 5) == 0;
    default:
        return *name == *row->name && glob_fits(row, name, length);
    }
}

/* True if members need a folder of this very name. */
/* NOLINTBEGIN(misc-no-recursion): folders have rows, so that is one level */
static bool
is_needed_folder(enum layout_place in, const char *name, size_t length)
{
    const struct layout_row *row = layout_find(in, name, length, S_IFDIR);

    return row->flags & ACLED &&
           (in == PLACE_ABOVE || !strchr(row->name, '*'));
}

const struct layout_row *
layout_find(enum layout_place in, const char *name, size_t length, mode_t mode)
{
    const struct layout_row *row = places[in];
    unsigned type = TYPE_BIT(mode);

    while (!(row->types & type) || !name_fits(row, name, length))
        row++;
    if (row->flags & UNKNOWN && type != DIR &&
        is_needed_folder(in, name, length))
        return &misfit;
    return row;
}
/* NOLINTEND(misc-no-recursion) */
