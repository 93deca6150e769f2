/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a walk visited: counts, and for small trees one line of paths.
 */
#ifndef WALK_SEEN_H
#define WALK_SEEN_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "safefs.h"
#include "tap.h"
#include "walk.h"

#define LONG_TIME (util_monotonic_ms() + 50000)

struct seen {
    pthread_mutex_t lock;
    char log[4096]; /* "<path" and ">path" for folders, "=path" if they are as
                       they were known, "!path" problems, " path" else */
    unsigned folders, done, entries, reused, problems;
    uint64_t known_entries; /* in folders as they were known */
    uint64_t workers;       /* that visited something: a bit for each */
    unsigned most_fds;
    int error;                /* of the last problem */
    struct statx problem;     /* what it was, if that was told */
    const char *skip, *stop;  /* paths to answer so */
    const char *find;         /* the path of an entry that there's a word to say of */
    void (*act)(const struct walk_item *item); /* what else happens */
    uint64_t marks;           /* holders' marks that were as left */
};

#define SEEN_INIT {.lock = PTHREAD_MUTEX_INITIALIZER}

static inline unsigned
count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    if (!dir)
        return 0; /* all are taken */
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static inline void
note_in_log(struct seen *seen, const struct walk_item *item)
{
    static const char marks[] = {'<', '>', ' ', '=', '!'};
    unsigned *const counters[] = {&seen->folders, &seen->done, &seen->entries,
                                  &seen->reused, &seen->problems};
    size_t length;

    ++*counters[item->event];
    seen->workers |= UINT64_C(1) << item->worker;
    length = seen->entries < 1000 ? strlen(seen->log) : sizeof(seen->log);
    if (length + 250 < sizeof(seen->log) && strlen(item->path) < 200)
        sprintf(seen->log + length, "%c%s", marks[item->event], item->path);
    if (item->event == WALK_REUSED)
        seen->known_entries += item->known->entries;
    if (item->event == WALK_PROBLEM) {
        seen->error = item->error;
        if (item->stat)
            seen->problem = *item->stat;
    }
    if ((seen->folders + seen->done) % 64 == 0) {
        unsigned fds = count_fds();

        seen->most_fds = fds > seen->most_fds ? fds : seen->most_fds;
    }
}

/* A folder's mark is one more than that of the folder that holds it. */
static inline void
leave_marks(struct seen *seen, const struct walk_item *item)
{
    size_t depth = *item->path ? 1 : 0;

    for (const char *at = item->path; *at; at++)
        depth += *at == '/';
    seen->marks += item->holder == depth;
    if (item->event == WALK_FOLDER || item->event == WALK_REUSED)
        *item->mark = item->holder + 1;
    else if (item->event == WALK_FOLDER_DONE)
        seen->marks += *item->mark == item->holder + 1;
}

static enum walk_next
visit(const struct walk_item *item, void *data)
{
    struct seen *seen = data;

    pthread_mutex_lock(&seen->lock);
    note_in_log(seen, item);
    leave_marks(seen, item);
    pthread_mutex_unlock(&seen->lock);
    if (seen->act)
        seen->act(item);
    if (seen->find && item->found && strcmp(item->path, seen->find) == 0)
        *item->found = true;
    if (seen->stop && strcmp(item->path, seen->stop) == 0)
        return WALK_STOP;
    if (seen->skip && strcmp(item->path, seen->skip) == 0)
        return WALK_SKIP;
    return item->event == WALK_FOLDER || item->event == WALK_REUSED
               ? WALK_ON_DONE
               : WALK_ON;
}

/* Walk below `start` in the case's folder, or in `root` if that is not NULL. */
static inline int
walk_in(const char *root, const char *start, const struct walk_options *options,
        struct seen *seen)
{
    int fd = safefs_open_root(root ? root : tap_folder(), NULL);
    unsigned before;
    int r;

    REQUIRE(fd >= 0);
    before = count_fds();
    r = walk_run(fd, start, options, visit, seen);
    if (!options->record)
        CHECK_INT(count_fds(), before);
    close(fd);
    return r;
}

static inline int
walk_with(const char *start, unsigned jobs, struct seen *seen)
{
    struct walk_options options = {.jobs = jobs, .until_ms = LONG_TIME};

    return walk_in(NULL, start, &options, seen);
}

/* `levels` folders in each other, each with a file and a second folder. */
TAP_HELPER void
make_deep(const char *top, unsigned levels)
{
    REQUIRE_INT(mkdir(top, 0755), 0);
    REQUIRE_INT(chdir(top), 0);
    for (unsigned i = 0; i < levels; i++) {
        REQUIRE_INT(mkdir("d", 0755), 0);
        REQUIRE_INT(mkdir("z", 0755), 0);
        REQUIRE_INT(close(open("f", O_CREAT | O_WRONLY, 0644)), 0);
        REQUIRE_INT(chdir("d"), 0);
    }
    REQUIRE_INT(chdir("/"), 0);
}

#endif
