/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What plant's two parts share: the inodes of its tree, and what can be done to
 * one.
 */
#ifndef TESTS_BENCH_PLANT_H
#define TESTS_BENCH_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_USERS 16
#define PATH_SIZE 512

enum kind { REPOSITORY, FOLDER, PLAIN, LOCK, PAYLOAD, LINK, KINDS };

struct item {
    enum kind kind;
    const char *path;   /* from the tree's root */
    const char *target; /* of a link */
    uint64_t lot;       /* a number that no other item has */
};

struct counts {
    uint64_t kinds[KINDS]; /* that were made or changed */
    uint64_t nanoseconds;
};

struct plan {
    int root;
    gid_t gid;                     /* the cache's */
    size_t repositories, payloads; /* a prefix folder */
    size_t users;
    uid_t uids[MAX_USERS];
    gid_t gids[MAX_USERS];
    unsigned share; /* of 1000 */
    int (*act)(const struct plan *plan, const struct item *item);
    /* what one process works on */
    size_t user; /* whose the present repository is */
    uint64_t lot;
    struct counts *counts;
};

/* The number that lots are drawn with. */
uint64_t scramble(uint64_t x);

/* Each does it: 1, or 0 if this one is left out, or -1 with errno. */
int make(const struct plan *plan, const struct item *item);
int drift(const struct plan *plan, const struct item *item);
int mend(const struct plan *plan, const struct item *item);
int secure(const struct plan *plan, const struct item *item);
int touch(const struct plan *plan, const struct item *item);

#endif
