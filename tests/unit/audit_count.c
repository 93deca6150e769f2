/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an audit adds up: findings, samples, repositories, links; bounded.
 */
#include <errno.h>
#include <time.h>

#include "audit_count.h"
#include "audit_links.h"
#include "tap.h"

static struct audit audit;

static struct audit_item
item_of(const char *path, unsigned what, uid_t uid)
{
    return (struct audit_item){.path = path, .kind = "blob", .what = what,
                               .mode = S_IFREG | 0600, .has_owner = true,
                               .uid = uid, .gid = 5, .why = ""};
}

static void
count(const char *path, unsigned what, uid_t uid, enum audit_fate fate)
{
    struct audit_item item = item_of(path, what, uid);

    item.fate = fate;
    audit_count(&audit, &item);
}

static const struct audit_kind *
kind_of(unsigned bit)
{
    for (size_t i = 0; i < audit.nkinds; i++) {
        if (audit.kinds[i].finding->bit == bit)
            return &audit.kinds[i];
    }
    abort();
}

TEST("an inode counts once, by its worst finding, and in each of its findings")
{
    REQUIRE_INT(audit_count_begin(&audit), 0);
    count("hub/models--a/b", DRIFT_GROUP | LAYOUT_SETUID | LAYOUT_OLD, 7,
          AUDIT_TOLD);
    count("hub/models--a/c", DRIFT_GROUP | LAYOUT_OLD, 7, AUDIT_NEEDED);
    count("hub/models--a/d", LAYOUT_OLD, 7, AUDIT_TOLD);
    audit_count_end(&audit);
    CHECK_INT(audit.alarms, 1);
    CHECK_INT(audit.drifts, 1);
    CHECK_INT(audit.notes, 1);
    CHECK_INT(audit.needed, 1);
    CHECK_INT(kind_of(DRIFT_GROUP)->count, 2);
    CHECK_INT(kind_of(LAYOUT_OLD)->count, 3);
    REQUIRE_INT(audit.nrepositories, 1);
    CHECK_STR(audit.repositories[0].name, "hub/models--a");
    CHECK_INT(audit.repositories[0].alarms, 1);
    CHECK_INT(audit.repositories[0].mendable, DRIFT_GROUP);
    CHECK(!audit_is_healthy(&audit));
    audit_free(&audit);
}

TEST("of what a repair has left the first are kept, then of what it mended")
{
    REQUIRE_INT(audit_count_begin(&audit), 0);
    for (char path[] = "a"; *path < 'h'; ++*path)
        count(path, DRIFT_GROUP, 7, AUDIT_MENDED);
    count("z", DRIFT_GROUP, 7, AUDIT_TOLD);
    count("y", DRIFT_GROUP, 7, AUDIT_FAILED);
    audit_count_end(&audit);
    REQUIRE_INT(kind_of(DRIFT_GROUP)->nsamples, AUDIT_SAMPLES);
    CHECK_STR(kind_of(DRIFT_GROUP)->sample[0].path, "y");
    CHECK_STR(kind_of(DRIFT_GROUP)->sample[1].path, "z");
    CHECK_STR(kind_of(DRIFT_GROUP)->sample[2].path, "a");
    audit_free(&audit);
}

TEST("what was mended or is gone is no longer wrong; what failed is")
{
    REQUIRE_INT(audit_count_begin(&audit), 0);
    count("hub/models--a/b", DRIFT_GROUP, 7, AUDIT_MENDED);
    count("hub/models--a/c", DRIFT_GROUP, 7, AUDIT_GONE);
    CHECK(audit_is_healthy(&audit));
    CHECK_INT(audit.nrepositories, 0);
    count("hub/models--a/d", DRIFT_GROUP, 7, AUDIT_FAILED);
    audit_count_end(&audit);
    CHECK(!audit_is_healthy(&audit));
    CHECK_INT(audit.mended, 1);
    CHECK_INT(audit.gone, 1);
    CHECK_INT(audit.failed, 1);
    REQUIRE_INT(audit.nrepositories, 1); /* its owner's login tries again */
    CHECK_INT(audit.repositories[0].mendable, DRIFT_GROUP);
    audit_free(&audit);
}

TEST("notes leave a cache healthy; an audit that did not end does not")
{
    REQUIRE_INT(audit_count_begin(&audit), 0);
    count("hub/x", LAYOUT_UNKNOWN, 7, AUDIT_TOLD);
    CHECK(audit_is_healthy(&audit));
    audit.result = -ECANCELED;
    CHECK(!audit_is_healthy(&audit));
    audit_free(&audit);
}

TEST("of each finding the first paths are kept, in order, whatever comes first")
{
    static const char *const paths[] = {"f", "b", "g", "a", "e", "c", "d"};
    static const char *const wanted[] = {"a", "b", "c", "d", "e"};

    REQUIRE_INT(audit_count_begin(&audit), 0);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        count(paths[i], DRIFT_GROUP, 7, AUDIT_TOLD);
    REQUIRE_INT(kind_of(DRIFT_GROUP)->nsamples, AUDIT_SAMPLES);
    for (size_t i = 0; i < AUDIT_SAMPLES; i++)
        CHECK_STR(kind_of(DRIFT_GROUP)->sample[i].path, wanted[i]);
    audit_free(&audit);
}

TEST("what is left is kept before what was mended or is gone")
{
    static const char *const wanted[] = {"e", "f", "g", "a", "b"};

    REQUIRE_INT(audit_count_begin(&audit), 0);
    count("g", DRIFT_GROUP, 7, AUDIT_FAILED);
    for (char path[] = "a"; *path < 'e'; ++*path)
        count(path, DRIFT_GROUP, 7, *path == 'a' ? AUDIT_GONE : AUDIT_MENDED);
    count("f", DRIFT_GROUP, 7, AUDIT_TOLD);
    count("e", DRIFT_GROUP, 7, AUDIT_NEEDED);
    REQUIRE_INT(kind_of(DRIFT_GROUP)->nsamples, AUDIT_SAMPLES);
    for (size_t i = 0; i < AUDIT_SAMPLES; i++)
        CHECK_STR(kind_of(DRIFT_GROUP)->sample[i].path, wanted[i]);
    audit_free(&audit);
}

TEST("the repository or folder of the frame that a path is in")
{
    static const struct {
        const char *path;
        size_t length;
    } cases[] = {
        {"", 0}, {"hub", 3}, {"token", 5}, {"hub/models--a", 13},
        {"hub/models--a/blobs/x", 13}, {"hub/.locks", 10},
        {"hub/.locks/models--a/x.lock", 20}, {"hub/blobs/3f/x", 9},
        {"datasets/x/y", 10}, {"modules/x/y", 7},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_INT(audit_top_length(cases[i].path), cases[i].length);
}

TEST("the worst repositories come first, each owner for himself")
{
    REQUIRE_INT(audit_count_begin(&audit), 0);
    count("hub/models--a/x", DRIFT_GROUP, 7, AUDIT_TOLD);
    count("hub/models--b/x", DRIFT_GROUP, 7, AUDIT_TOLD);
    count("hub/models--b/y", DRIFT_GROUP, 7, AUDIT_TOLD);
    count("hub/models--c/y", LAYOUT_SETUID, 7, AUDIT_TOLD);
    count("hub/models--a/y", DRIFT_GROUP, 8, AUDIT_TOLD);
    audit_count_end(&audit);
    REQUIRE_INT(audit.nrepositories, 4);
    CHECK_STR(audit.repositories[0].name, "hub/models--c");
    CHECK_STR(audit.repositories[1].name, "hub/models--b");
    CHECK_STR(audit.repositories[2].name, "hub/models--a");
    CHECK_INT(audit.repositories[2].uid, 7);
    CHECK_INT(audit.repositories[3].uid, 8);
    audit_free(&audit);
}

TEST("more repositories than are kept are counted all the same")
{
    char path[64];

    REQUIRE_INT(audit_count_begin(&audit), 0);
    for (unsigned i = 0; i < AUDIT_REPOSITORIES + 10; i++) {
        snprintf(path, sizeof(path), "hub/models--%u", i);
        count(path, DRIFT_GROUP, 7, AUDIT_TOLD);
    }
    audit_count_end(&audit);
    CHECK_INT(audit.drifts, AUDIT_REPOSITORIES + 10);
    CHECK_INT(audit.nrepositories, AUDIT_REPOSITORIES);
    CHECK_INT(audit.more_items, 10);
    audit_free(&audit);
}

TEST("who fills the list with his own hides neither drift nor closed of others")
{
    static const uid_t many = 7, other = 8;
    bool drift = false, kept = false;
    char path[64];

    REQUIRE_INT(audit_count_begin(&audit), 0);
    for (unsigned i = 0; i < AUDIT_REPOSITORIES + AUDIT_RESERVED; i++) {
        snprintf(path, sizeof(path), "hub/models--%u", i);
        count(path, DRIFT_GROUP, many, AUDIT_NEEDED);
    }
    count("hub/models--x", DRIFT_GROUP, other, AUDIT_NEEDED);
    count("hub/models--y", DRIFT_CLOSED | DRIFT_KEPT, other, AUDIT_TOLD);
    audit_count_end(&audit);
    CHECK_INT(audit.nrepositories, AUDIT_REPOSITORIES + AUDIT_SHARE + 2);
    for (size_t i = 0; i < audit.nrepositories; i++) {
        drift |= strcmp(audit.repositories[i].name, "hub/models--x") == 0;
        kept |= strcmp(audit.repositories[i].name, "hub/models--y") == 0;
    }
    CHECK(drift);
    CHECK(kept);
    audit_free(&audit);
}

/* --- what somebody chose, that it be slow -------------------------------- */

#define NAMES 64

/* Where in the table the repositories are. */
static void
find_places(size_t places[NAMES])
{
    char path[32];

    REQUIRE_INT(audit_count_begin(&audit), 0);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(path, sizeof(path), "hub/models--%u", i);
        count(path, DRIFT_GROUP, 7, AUDIT_TOLD);
        for (places[i] = 0; !audit.repositories[places[i]].name ||
                            strcmp(audit.repositories[places[i]].name, path);)
            places[i]++;
    }
    audit_count_end(&audit);
    audit_free(&audit);
}

TEST("nobody chooses names of repositories that meet in one slot")
{
    size_t places[NAMES], others[NAMES];

    find_places(places);
    find_places(others);
    CHECK(memcmp(places, others, sizeof(places)) != 0);
}

/* The time that 500 further names take, beside 20,000 files. */
static int64_t
time_links(bool chosen)
{
    struct audit_links *links = audit_links_begin();
    struct audit_item item = item_of("a", LAYOUT_LINKS, 7);
    struct timespec begun, ended;
    uint64_t inode = 0;

    REQUIRE(links != NULL);
    for (unsigned kept = 0; kept < 20000; inode++) {
        if (chosen && (inode * 0x9e3779b97f4a7c15u >> 40) % (2 * AUDIT_LINKS) > 63)
            continue;
        REQUIRE(audit_links_meet(links, inode, 3, &item));
        kept++;
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
    for (unsigned i = 0; i < 500; i++)
        CHECK(audit_links_meet(links, inode - 1, 3, &item));
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    audit_links_end(links);
    return (ended.tv_sec - begun.tv_sec) * 1000000 +
           (ended.tv_nsec - begun.tv_nsec) / 1000;
}

TEST("nor inodes with several links")
{
    int64_t any_us = time_links(false), chosen_us = time_links(true);

    tap_note("%lld us, %lld us", (long long)any_us, (long long)chosen_us);
    CHECK(chosen_us < 10 * any_us + 2000);
}

/* --- links --------------------------------------------------------------- */

static void
take(const struct audit_item *item, void *data)
{
    struct audit_item *last = data;

    CHECK(last->path == NULL);
    *last = *item;
}

TEST("a file whose names are all in the cache is a note, else an alarm")
{
    for (uint32_t nlink = 2; nlink <= 3; nlink++) {
        struct audit_links *links = audit_links_begin();
        struct audit_item first = item_of("a", LAYOUT_LINKS | DRIFT_GROUP, 7);
        struct audit_item second = item_of("b", LAYOUT_LINKS, 7);
        struct audit_item told = {.path = NULL};

        REQUIRE(links != NULL);
        CHECK(audit_links_meet(links, 42, nlink, &first));
        CHECK(audit_links_meet(links, 42, nlink, &second));
        audit_links_tell(links, take, &told);
        CHECK_STR(told.path, "a");
        CHECK_INT(told.what, DRIFT_GROUP | (nlink == 2 ? LAYOUT_INSIDE
                                                       : LAYOUT_LINKS));
        audit_links_end(links);
    }
}

TEST("links beyond those that are kept are told at once")
{
    struct audit_links *links = audit_links_begin();
    struct audit_item item = item_of("a", LAYOUT_LINKS, 7);

    REQUIRE(links != NULL);
    for (uint64_t i = 0; i < AUDIT_LINKS; i++)
        REQUIRE(audit_links_meet(links, i << 20, 2, &item));
    CHECK(!audit_links_meet(links, 1, 2, &item));
    CHECK(audit_links_meet(links, 0, 2, &item));
    audit_links_end(links);
}

TAP_MAIN
