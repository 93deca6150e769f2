/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counting what was found: by finding, and by repository and owner.
 */
#include "audit_count.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* --- by finding ---------------------------------------------------------- */

int
audit_count_begin(struct audit *audit)
{
    while (layout_findings[audit->nkinds].bit)
        audit->nkinds++;
    audit->seed = util_seed();
    audit->kinds = calloc(audit->nkinds, sizeof(*audit->kinds));
    if (!audit->kinds)
        return -ENOMEM;
    for (size_t i = 0; i < audit->nkinds; i++)
        audit->kinds[i].finding = &layout_findings[i];
    return 0;
}

void
audit_free_item(struct audit_item *item)
{
    util_free_ptr(&item->path);
    util_free_ptr(&item->why);
}

bool
audit_copy_item(struct audit_item *copy, const struct audit_item *item)
{
    char *path = strdup(item->path);
    char *why = path ? strdup(item->why) : NULL;

    if (!why) {
        free(path);
        return false;
    }
    *copy = *item;
    copy->path = path;
    copy->why = why;
    return true;
}

/* What was mended is no longer there to be found. */
static bool
is_left(const struct audit_item *item)
{
    return item->fate != AUDIT_MENDED && item->fate != AUDIT_GONE;
}

static bool
comes_before(const struct audit_item *item, const struct audit_item *other)
{
    if (is_left(item) != is_left(other))
        return is_left(item);
    return strcmp(item->path, other->path) < 0;
}

/* Keep the item if it is among the first; `kind` owns the copy. */
static void
keep_sample(struct audit_kind *kind, const struct audit_item *item)
{
    size_t place = kind->nsamples;
    struct audit_item copy;

    while (place > 0 && comes_before(item, &kind->sample[place - 1]))
        place--;
    if (place == AUDIT_SAMPLES || !audit_copy_item(&copy, item))
        return;
    if (kind->nsamples == AUDIT_SAMPLES)
        audit_free_item(&kind->sample[--kind->nsamples]);
    memmove(&kind->sample[place + 1], &kind->sample[place],
            (kind->nsamples - place) * sizeof(kind->sample[0]));
    kind->sample[place] = copy;
    kind->nsamples++;
}

/* --- by repository ------------------------------------------------------- */

size_t
audit_top_length(const char *path)
{
    static const char *const holders[] = {"hub/.locks/", "hub/", "datasets/"};

    for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
        if (util_has_prefix(path, holders[i])) {
            size_t head = strlen(holders[i]);

            return head + strcspn(path + head, "/");
        }
    }
    return strcspn(path, "/");
}

#define SLOTS (2 * (AUDIT_REPOSITORIES + AUDIT_RESERVED)) /* half stay empty */

static bool
is_mended_by_login(const struct audit_item *item)
{
    return item->fate == AUDIT_NEEDED || item->fate == AUDIT_FAILED;
}

/* Do logins tell of it by name, as of what they mend or its owner closed? */
static bool
is_told_by_login(const struct audit_item *item)
{
    return is_mended_by_login(item) || item->what & DRIFT_KEPT;
}

/* Is there room for one more repository, with this item in it? */
static bool
take_room(struct audit *audit, const struct audit_item *item)
{
    uint8_t *used = &audit->reserved[item->uid % ARRAY_LEN(audit->reserved)];

    if (audit->nrepositories < AUDIT_REPOSITORIES)
        return true;
    if (audit->nrepositories == AUDIT_REPOSITORIES + AUDIT_RESERVED ||
        !is_told_by_login(item) || *used == AUDIT_SHARE)
        return false;
    ++*used;
    return true;
}

/* Where to begin to look for it. */
static size_t
find_slot(const struct audit *audit, const struct audit_item *item,
          size_t length)
{
    uint64_t sum = audit->seed ^ item->uid;

    for (size_t i = 0; i < length; i++)
        sum = util_mix(sum ^ (unsigned char)item->path[i]);
    return (size_t)sum % SLOTS;
}

static struct audit_repository *
find_repository(struct audit *audit, const struct audit_item *item)
{
    size_t length = audit_top_length(item->path);
    size_t slot;

    if (!audit->repositories) {
        audit->repositories = calloc(SLOTS, sizeof(*audit->repositories));
        if (!audit->repositories)
            return NULL;
    }
    slot = find_slot(audit, item, length);
    while (audit->repositories[slot].name) {
        struct audit_repository *found = &audit->repositories[slot];

        if (found->uid == item->uid && found->has_owner == item->has_owner &&
            strncmp(found->name, item->path, length) == 0 &&
            !found->name[length])
            return found;
        slot = (slot + 1) % SLOTS;
    }
    if (!take_room(audit, item))
        return NULL;
    audit->repositories[slot] = (struct audit_repository){
        .name = strndup(item->path, length),
        .uid = item->uid,
        .has_owner = item->has_owner,
    };
    if (!audit->repositories[slot].name)
        return NULL;
    audit->nrepositories++;
    return &audit->repositories[slot];
}

static void
add_to_repository(struct audit *audit, const struct audit_item *item,
                  enum layout_severity severity)
{
    struct audit_repository *repository = find_repository(audit, item);

    if (!repository) {
        audit->more_items++;
        return;
    }
    repository->what |= item->what;
    if (is_mended_by_login(item))
        repository->mendable |= item->what & DRIFT_ALL;
    repository->alarms += severity == LAYOUT_SEVERITY_ALARM;
    repository->drifts += severity == LAYOUT_SEVERITY_DRIFT;
    repository->notes += severity == LAYOUT_SEVERITY_NOTE;
}

/* Alarms before drifts before notes, many before few, then by name. */
static int
compare(const void *a, const void *b)
{
    const struct audit_repository *left = a, *right = b;

    if (left->alarms != right->alarms)
        return left->alarms < right->alarms ? 1 : -1;
    if (left->drifts != right->drifts)
        return left->drifts < right->drifts ? 1 : -1;
    if (left->notes != right->notes)
        return left->notes < right->notes ? 1 : -1;
    if (strcmp(left->name, right->name) != 0)
        return strcmp(left->name, right->name);
    return left->uid < right->uid ? -1 : left->uid > right->uid;
}

void
audit_count_end(struct audit *audit)
{
    size_t kept = 0;

    for (size_t i = 0; audit->repositories && i < SLOTS; i++) {
        struct audit_repository repository = audit->repositories[i];

        audit->repositories[i].name = NULL;
        if (repository.name)
            audit->repositories[kept++] = repository;
    }
    if (kept)
        qsort(audit->repositories, kept, sizeof(*audit->repositories), compare);
}

/* --- both ---------------------------------------------------------------- */

static void
count_severity(struct audit *audit, enum layout_severity severity)
{
    audit->alarms += severity == LAYOUT_SEVERITY_ALARM;
    audit->drifts += severity == LAYOUT_SEVERITY_DRIFT;
    audit->notes += severity == LAYOUT_SEVERITY_NOTE;
}

void
audit_count(struct audit *audit, const struct audit_item *item)
{
    enum layout_severity severity = layout_worst(item->what);
    bool is_shown = strlen(item->path) < PATH_MAX; /* of megabytes: counted */

    audit->needed += item->fate == AUDIT_NEEDED;
    audit->mended += item->fate == AUDIT_MENDED || item->fate == AUDIT_PART;
    audit->failed += item->fate == AUDIT_FAILED;
    audit->gone += item->fate == AUDIT_GONE;
    audit->foreign += item->help == AUDIT_HELP_FOREIGN;
    audit->by_hand += item->help == AUDIT_HELP_BY_HAND;
    for (size_t i = 0; i < audit->nkinds; i++) {
        if (!(item->what & audit->kinds[i].finding->bit))
            continue;
        audit->kinds[i].count++;
        if (is_shown)
            keep_sample(&audit->kinds[i], item);
    }
    if (!is_left(item))
        return;
    count_severity(audit, severity);
    add_to_repository(audit, item, severity);
}

void
audit_free(struct audit *audit)
{
    for (size_t i = 0; audit->kinds && i < audit->nkinds; i++) {
        for (size_t k = 0; k < audit->kinds[i].nsamples; k++)
            audit_free_item(&audit->kinds[i].sample[k]);
    }
    free(audit->kinds);
    for (size_t i = 0; audit->repositories && i < SLOTS; i++)
        free(audit->repositories[i].name);
    free(audit->repositories);
    *audit = (struct audit){.result = 0};
}
