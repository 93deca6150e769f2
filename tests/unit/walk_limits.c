/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk where there is much of something, or little: depth, width,
 * descriptors, system calls; and mounts.
 */
#include <sys/resource.h>

#include "seccomp.h"
#include "walk_seen.h"

/* A file system in memory, in which a million names are quickly made. */
static const char *
mount_memory(void)
{
    const char *path = tap_in_folder("memory");

    tap_own_mounts();
    REQUIRE_INT(mkdir(path, 0755), 0);
    REQUIRE_INT(mount("tmpfs", path, "tmpfs", 0, "nr_inodes=0,mode=755"), 0);
    return path;
}

static int
walk_memory(unsigned jobs, struct seen *seen)
{
    struct walk_options options = {.jobs = jobs, .until_ms = INT64_MAX};

    return walk_in(tap_in_folder("memory"), "", &options, seen);
}

/* Sanitizers need time and memory of their own. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define LEVELS 2000
#define MOST_KB LONG_MAX
#else
#define LEVELS 10000
#define MOST_KB 16384
#endif

static long
peak_kb(void)
{
    struct rusage usage;

    REQUIRE_INT(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* --- depth --------------------------------------------------------------- */

TEST("a deep tree is visited whole with few descriptors")
{
    struct seen seen = SEEN_INIT;

    make_deep(tap_in_folder("a"), 500);
    CHECK_INT(walk_with("", 1, &seen), 0);
    CHECK_INT(seen.folders, 1002);
    CHECK_INT(seen.done, 1002);
    CHECK_INT(seen.entries, 500);
    CHECK_INT(seen.problems, 0);
    CHECK_INT(seen.marks, 1002 + 500 + 2 * 1002);
    CHECK(seen.most_fds > WALK_MAX_FDS / 2);
    CHECK(seen.most_fds <= WALK_MAX_FDS + 12);
}

TEST("so is one of 10,000 levels, by one worker or by several")
{
    int64_t begun_ms;
    long before_kb;

    (void)mount_memory();
    make_deep(tap_in_folder("memory/a"), LEVELS);
    begun_ms = util_monotonic_ms();
    before_kb = peak_kb();
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        struct seen seen = SEEN_INIT;
        CHECK_INT(walk_memory(jobs, &seen), 0);
        CHECK_INT(seen.folders, 2 * LEVELS + 2);
        CHECK_INT(seen.done, 2 * LEVELS + 2);
        CHECK_INT(seen.entries, LEVELS);
        CHECK_INT(seen.problems, 0);
    }
    tap_note("took %lld ms, %ld KB", (long long)(util_monotonic_ms() - begun_ms),
             peak_kb() - before_kb);
    CHECK(peak_kb() - before_kb < MOST_KB);
    REQUIRE_INT(umount2(tap_in_folder("memory"), MNT_DETACH), 0);
}

/* --- what is moved before the walk -------------------------------------- */

/* Whoever is about to read "top/c": it is turned round with what holds it. */
static void
turn_round(const struct walk_item *item)
{
    if (item->event != WALK_FOLDER || strcmp(item->name, "c") != 0)
        return;
    REQUIRE_INT(rename("top/c", "other"), 0);
    REQUIRE_INT(rename("top", "other/c"), 0);
    REQUIRE_INT(rename("other", "top"), 0);
}

TEST("two folders that are moved into each other by turns are left")
{
    REQUIRE_INT(chdir(tap_folder()), 0);
    REQUIRE_INT(mkdir("top", 0755), 0);
    REQUIRE_INT(mkdir("top/c", 0755), 0);
    for (unsigned jobs = 1; jobs <= 2; jobs++) {
        struct seen seen = SEEN_INIT;

        seen.act = turn_round;
        CHECK_INT(walk_with("", jobs, &seen), 0);
        CHECK(seen.folders <= 5); /* each before and after it is moved */
        CHECK_INT(seen.problems, 1);
        CHECK_INT(seen.error, ENOENT);
    }
}

#define ROW 20

static char row[ROW][8]; /* folders, in the order in which they are read */
static ino_t mover;
static unsigned met_mover;

/* Whoever has opened the mover: it takes the place of the next one. */
static void
move_ahead(const struct walk_item *item)
{
    if (item->event != WALK_FOLDER || item->stat->stx_ino != mover)
        return;
    met_mover++;
    for (unsigned i = 0; i + 1 < ROW; i++)
        if (strcmp(row[i], item->name) == 0)
            REQUIRE_INT(rename(row[i], row[i + 1]), 0);
}

TEST("a folder that is moved before what is read next is left")
{
    struct seen seen = SEEN_INIT;
    struct dirent *entry;
    unsigned count = 0;
    struct stat st;
    DIR *dir;

    REQUIRE_INT(chdir(tap_folder()), 0);
    for (unsigned i = 0; i < ROW; i++) {
        snprintf(row[i], sizeof(row[i]), "d%u", i);
        REQUIRE_INT(mkdir(row[i], 0755), 0);
    }
    dir = opendir(".");
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            strcpy(row[count++], entry->d_name);
    closedir(dir);
    REQUIRE_INT(count, ROW);
    REQUIRE_INT(stat(row[0], &st), 0);
    mover = st.st_ino;
    seen.act = move_ahead;
    CHECK_INT(walk_with("", 1, &seen), 0);
    CHECK(met_mover <= 2); /* before and after it is moved */
    CHECK_INT(seen.error, ENOENT);
}

/* --- width --------------------------------------------------------------- */

TEST("a wide folder is visited whole, each name once")
{
    struct seen seen = SEEN_INIT;

    REQUIRE_INT(mkdir(tap_in_folder("a"), 0755), 0);
    REQUIRE_INT(chdir(tap_in_folder("a")), 0);
    for (unsigned i = 0; i < 2000; i++) {
        char name[40];

        sprintf(name, "a name of some length %u", i);
        REQUIRE_INT(i % 2 ? mkdir(name, 0755) : mknod(name, S_IFREG, 0), 0);
    }
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_INT(seen.entries, 1000);
    CHECK_INT(seen.folders, 1001);
    CHECK_INT(seen.done, 1001);
}

static unsigned char *met; /* of "N": how often it was visited */

static void
count_name(const struct walk_item *item)
{
    if (*item->path && item->event != WALK_FOLDER_DONE)
        __atomic_add_fetch(&met[strtoul(item->name, NULL, 16)], 1,
                           __ATOMIC_RELAXED);
}

/* Make `count` names in the folder in memory, then walk. */
static void
check_width(unsigned count, int (*make)(const char *name), unsigned jobs)
{
    struct seen seen = SEEN_INIT;
    unsigned wrong = 0;
    long before_kb;

    met = calloc(count, 1);
    REQUIRE_INT(chdir(mount_memory()), 0);
    for (unsigned i = 0; i < count; i++) {
        char name[20];

        sprintf(name, "%08x", i);
        REQUIRE_INT(make(name), 0);
    }
    REQUIRE_INT(chdir("/"), 0);
    before_kb = peak_kb();
    seen.act = count_name;
    seen.skip = ""; /* so that nothing is visited: */
    CHECK_INT(walk_memory(jobs, &seen), 0);
    seen.skip = NULL;
    memset(met, 0, count);
    CHECK_INT(walk_memory(jobs, &seen), 0);
    CHECK_INT(seen.problems, 0);
    for (unsigned i = 0; i < count; i++)
        wrong += met[i] != 1;
    CHECK_INT(wrong, 0);
    tap_note("%ld KB", peak_kb() - before_kb);
    CHECK(peak_kb() - before_kb < MOST_KB);
    REQUIRE_INT(umount2(tap_in_folder("memory"), MNT_DETACH), 0);
}

static int
make_link(const char *name)
{
    static bool made;

    if (made)
        return link("00000000", name);
    made = true;
    return mknod(name, S_IFREG | 0644, 0);
}

static int
make_subfolder(const char *name)
{
    return mkdir(name, 0755);
}

TEST("a million entries in one folder are visited, each once")
{
    check_width(1000000, make_link, 2);
}

TEST("100,000 folders in one folder are visited, each once")
{
    check_width(100000, make_subfolder, 1);
}

TEST("so are they by several workers")
{
    check_width(100000, make_subfolder, 8);
}

/* --- descriptors and system calls ---------------------------------------- */

TEST("with few descriptors to be had, fewer are used and nothing fails")
{
    static const unsigned jobs[] = {1, 2, 8, 64};
    static const rlim_t limits[] = {64, 40, 24, 256};

    make_deep(tap_in_folder("a"), 300);
    for (unsigned i = 0; i < ARRAY_LEN(jobs) * ARRAY_LEN(limits); i++) {
        struct rlimit limit = {limits[i / ARRAY_LEN(jobs)], 1024};
        struct seen seen = SEEN_INIT;

        REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK_INT(walk_with("a", jobs[i % ARRAY_LEN(jobs)], &seen), 0);
        CHECK_INT(seen.problems, 0);
        CHECK_INT(seen.folders, 601);
        CHECK_INT(seen.done, 601);
        CHECK_INT(seen.entries, 300);
    }
}

TEST("where all descriptors are taken meanwhile, some are given up")
{
    struct rlimit limit = {64, 64};
    struct seen seen = SEEN_INIT;

    make_deep(tap_in_folder("a"), 100);
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (unsigned i = 0; i < 50; i++)
        REQUIRE(dup(0) > 0);
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_INT(seen.problems, 0);
    CHECK_INT(seen.done, 201);
}

/* Somebody else takes what the walk gives back, all but a few. */
static void
take_some(const struct walk_item *item)
{
    unsigned taken = count_fds(); /* 0: that took the last one */

    if (item->event != WALK_FOLDER_DONE || strcmp(item->name, "d") != 0)
        return;
    for (; taken && taken < 56; taken++)
        REQUIRE(dup(0) > 0);
}

TEST("where they are taken on the way back up, fewer are opened again")
{
    struct rlimit limit = {64, 64};
    struct seen seen = SEEN_INIT;
    int fd = safefs_open_root(tap_folder(), NULL);
    struct walk_options options = {.jobs = 1, .until_ms = LONG_TIME};

    make_deep(tap_in_folder("a"), 100);
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    seen.act = take_some;
    CHECK_INT(walk_run(fd, "a", &options, visit, &seen), 0);
    CHECK_INT(seen.problems, 0);
    CHECK_INT(seen.done, 201);
}

/* Walk a tree of that depth, then without that call: the same is told. */
static void
check_without(unsigned call, unsigned depth, struct seen *seen)
{
    struct seen before = SEEN_INIT;

    make_deep(tap_in_folder("a"), depth);
    tap_write("a/z/x", "");
    REQUIRE_INT(symlink("../..", tap_in_folder("a/z/link")), 0);
    CHECK_INT(walk_with("a", 1, &before), 0);
    forbid(call, ENOSYS);
    CHECK_INT(walk_with("a", 1, seen), 0);
    CHECK_STR(seen->log, before.log);
    CHECK_INT(seen->problems, 0);
}

TEST("without openat2() the same is visited")
{
    struct seen seen = SEEN_INIT;

    check_without(SYS_openat2, 120, &seen);
    CHECK_INT(seen.done, 241);
    CHECK_INT(seen.entries, 122);
}

TEST("without statx() the same is visited")
{
    struct seen seen = SEEN_INIT;

    check_without(SYS_statx, 20, &seen);
    CHECK(seen.entries > 20);
}

/* --- mounts -------------------------------------------------------------- */

/* a/m, a/n/f and a/file, over which `outside` is mounted; outside/f. */
static void
make_mountable(void)
{
    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/m"), 0755);
    mkdir(tap_in_folder("a/n"), 0755);
    tap_write("a/file", "");
    mkdir(tap_in_folder("outside"), 0755);
    tap_write("outside/f", "");
}

static void
mount_all(void)
{
    REQUIRE_INT(mount(tap_in_folder("outside"), tap_in_folder("a/m"), NULL,
                      MS_BIND, NULL),
                0);
    REQUIRE_INT(mount("tmpfs", tap_in_folder("a/n"), "tmpfs", 0, NULL), 0);
    REQUIRE_INT(mount(tap_in_folder("outside/f"), tap_in_folder("a/file"),
                      NULL, MS_BIND, NULL),
                0);
}

static void
unmount_all(void)
{
    REQUIRE_INT(umount(tap_in_folder("a/m")), 0);
    REQUIRE_INT(umount(tap_in_folder("a/n")), 0);
    REQUIRE_INT(umount(tap_in_folder("a/file")), 0);
}

static void
check_mounts(struct seen *seen)
{
    CHECK_INT(seen->folders, 1);
    CHECK_INT(seen->done, 1);
    CHECK_INT(seen->entries, 0);
    CHECK_INT(seen->problems, 3);
    CHECK_INT(seen->error, EXDEV);
    CHECK_HAS(seen->log, "!a/m");
    CHECK_HAS(seen->log, "!a/n");
    CHECK_HAS(seen->log, "!a/file");
}

TEST("another mount is told, not entered: a folder, a file, a tmpfs")
{
    struct seen seen = SEEN_INIT;

    tap_own_mounts();
    make_mountable();
    mount_all();
    CHECK_INT(walk_with("a", 1, &seen), 0);
    check_mounts(&seen);
    CHECK_INT(seen.problem.stx_mode, 0); /* not even looked at */
    unmount_all();
}

static void
mount_late(const struct walk_item *item)
{
    if (item->event == WALK_FOLDER && strcmp(item->path, "a") == 0)
        mount_all();
}

TEST("nor is one that comes while the walk is under way")
{
    struct seen seen = SEEN_INIT;

    tap_own_mounts();
    make_mountable();
    seen.act = mount_late;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    check_mounts(&seen);
    unmount_all();
}

TEST("nor without openat2()")
{
    struct seen seen = SEEN_INIT;

    tap_own_mounts();
    make_mountable();
    seen.act = mount_late;
    forbid(SYS_openat2, ENOSYS);
    CHECK_INT(walk_with("a", 1, &seen), 0);
    check_mounts(&seen);
    unmount_all();
}

TEST("a name that a covered mount has is no mount")
{
    struct seen seen = SEEN_INIT;

    tap_own_mounts();
    make_mountable();
    mount_all();
    /* Over all of it the same folder again, without what is mounted in it. */
    REQUIRE_INT(mount(tap_folder(), tap_folder(), NULL, MS_BIND, NULL), 0);
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_INT(seen.problems, 0);
    CHECK_INT(seen.folders, 3);
    CHECK_INT(seen.entries, 1);
    REQUIRE_INT(umount2(tap_folder(), MNT_DETACH), 0);
    unmount_all();
}

TEST("mounts with odd names are known, and those elsewhere are not")
{
    static const char *const odd[] = {"a/ \t\n\\040", "a/x/deep"};
    struct seen seen = SEEN_INIT;

    tap_own_mounts();
    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("ax"), 0755);
    mkdir(tap_in_folder("a/x"), 0755);
    mkdir(tap_in_folder("a/x/other"), 0755);
    for (unsigned i = 0; i < ARRAY_LEN(odd); i++) {
        mkdir(tap_in_folder(odd[i]), 0755);
        REQUIRE_INT(mount("tmpfs", tap_in_folder(odd[i]), "tmpfs", 0, NULL), 0);
    }
    REQUIRE_INT(mount("tmpfs", tap_in_folder("ax"), "tmpfs", 0, NULL), 0);
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_INT(seen.problems, 2);
    CHECK_INT(seen.error, EXDEV);
    CHECK_INT(seen.problem.stx_mode, 0);
    CHECK_HAS(seen.log, "!a/ \t\n\\040");
    CHECK_HAS(seen.log, "!a/x/deep");
    CHECK_HAS(seen.log, "<a/x/other");
    REQUIRE_INT(umount(tap_in_folder("ax")), 0);
    for (unsigned i = 0; i < ARRAY_LEN(odd); i++)
        REQUIRE_INT(umount(tap_in_folder(odd[i])), 0);
}

TAP_MAIN
