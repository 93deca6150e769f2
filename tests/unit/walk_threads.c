/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk by several workers, and in a tree that others change meanwhile.
 */
#include "seccomp.h"
#include "walk_seen.h"

#define REPOSITORIES 60
#define ENOUGH 50 /* visits while another worker does nothing */

/* A tree like a cache's: hub/models--N/{blobs,snapshots/x/{deep/deeper,...}} */
static void
make_cache(void)
{
    char path[128];

    REQUIRE_INT(mkdir(tap_in_folder("hub"), 0755), 0);
    for (unsigned i = 0; i < REPOSITORIES; i++) {
        static const char *const folders[] = {
            "", "/blobs", "/refs", "/snapshots", "/snapshots/x",
            "/snapshots/x/deep", "/snapshots/x/deep/deeper"};
        static const char *const files[] = {"/blobs/1", "/blobs/2", "/refs/m",
                                            "/snapshots/x/deep/deeper/f"};

        for (unsigned j = 0; j < ARRAY_LEN(folders); j++) {
            snprintf(path, sizeof(path), "hub/models--%u%s", i, folders[j]);
            REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
        }
        for (unsigned j = 0; j < ARRAY_LEN(files); j++) {
            snprintf(path, sizeof(path), "hub/models--%u%s", i, files[j]);
            tap_write(path, "");
        }
        snprintf(path, sizeof(path), "hub/models--%u/snapshots/x/link", i);
        REQUIRE_INT(symlink("../../blobs/1", tap_in_folder(path)), 0);
    }
}

/* --- the paths that were visited, in their order ------------------------- */

struct visited {
    enum walk_event event;
    char *path;
};

static struct {
    pthread_mutex_t lock;
    struct visited *items;
    size_t count, room;
} visits = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
keep_path(const struct walk_item *item)
{
    pthread_mutex_lock(&visits.lock);
    if (visits.count == visits.room) {
        visits.room = visits.room * 2 + 64;
        visits.items =
            reallocarray(visits.items, visits.room, sizeof(*visits.items));
    }
    visits.items[visits.count++] =
        (struct visited){item->event, strdup(item->path)};
    pthread_mutex_unlock(&visits.lock);
}

static int
compare_visits(const void *a, const void *b)
{
    const struct visited *left = a, *right = b;
    int r = strcmp(left->path, right->path);

    return r ? r : (int)left->event - (int)right->event;
}

/* All that was visited, sorted, as one text; the list is empty then. */
static char *
take_visits(void)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    qsort(visits.items, visits.count, sizeof(*visits.items), compare_visits);
    for (size_t i = 0; i < visits.count; i++) {
        fprintf(out, "%d %s\n", visits.items[i].event, visits.items[i].path);
        free(visits.items[i].path);
    }
    visits.count = 0;
    fclose(out);
    return text;
}

static bool
is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return length == 0 ? *path : strncmp(path, folder, length) == 0 &&
                                     path[length] == '/';
}

/* Nothing comes after a folder that holds it is done, nor before it is told. */
static void
check_order(void)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < visits.count; i++) {
        const struct visited *one = &visits.items[i];

        for (size_t j = 0; j < visits.count; j++) {
            const struct visited *other = &visits.items[j];

            if (is_below(other->path, one->path) &&
                ((one->event == WALK_FOLDER && j < i) ||
                 (one->event == WALK_FOLDER_DONE && j > i)))
                wrong++;
        }
    }
    CHECK_INT(wrong, 0);
}

TEST("several workers visit what one does, in an order that holds")
{
    struct seen alone = SEEN_INIT;
    char *wanted, *taken;

    make_cache();
    alone.act = keep_path;
    CHECK_INT(walk_with("", 1, &alone), 0);
    check_order();
    wanted = take_visits();
    for (unsigned jobs = 2; jobs <= 64; jobs *= 2) {
        struct seen seen = SEEN_INIT;

        seen.act = keep_path;
        CHECK_INT(walk_with("", jobs, &seen), 0);
        check_order();
        taken = take_visits();
        CHECK_STR(taken, wanted);
        free(taken);
        CHECK_INT(seen.marks, alone.marks);
        CHECK_INT(seen.marks, seen.folders + seen.entries + 2 * seen.done);
    }
    free(wanted);
    CHECK_INT(alone.folders, 2 + 7 * REPOSITORIES);
    CHECK_INT(alone.done, alone.folders);
    CHECK_INT(alone.entries, 5 * REPOSITORIES);
}

/* --- workers and each other ---------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned visits; /* of others, while one worker is held */
    bool held;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};

/* The first file holds its worker until the other one has got on. */
static void
hold_first(const struct walk_item *item)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 50; /* then the case has failed: it has 60 */
    pthread_mutex_lock(&gate.lock);
    gate.visits++;
    pthread_cond_broadcast(&gate.changed);
    if (item->event == WALK_ENTRY && !gate.held) {
        gate.held = true;
        gate.visits = 0;
        while (gate.visits < ENOUGH &&
               pthread_cond_timedwait(&gate.changed, &gate.lock, &until) == 0)
            continue;
    }
    pthread_mutex_unlock(&gate.lock);
}

TEST("no worker waits for one that is held in a folder")
{
    struct seen seen = SEEN_INIT;

    make_cache();
    seen.act = hold_first;
    CHECK_INT(walk_with("", 2, &seen), 0);
    CHECK(gate.held && gate.visits > ENOUGH);
    CHECK_INT(seen.workers, 3);
    CHECK_INT(seen.done, 2 + 7 * REPOSITORIES);
}

static unsigned blocked, handled;

static void
check_signals(const struct walk_item *item)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (item->worker > 0)
        __atomic_add_fetch(&blocked, sigismember(&mask, SIGUSR1) == 1,
                           __ATOMIC_RELAXED);
    else if (item->event == WALK_FOLDER)
        kill(getpid(), SIGUSR1);
}

static pthread_t main_thread;

static void
handle(int number)
{
    (void)number;
    handled += pthread_equal(pthread_self(), main_thread) != 0;
}

static unsigned
count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

TEST("signals come to the thread that began the walk, and none is left over")
{
    struct seen first = SEEN_INIT, seen = SEEN_INIT;
    unsigned before;

    make_cache();
    CHECK_INT(walk_with("", 4, &first), 0); /* a sanitizer has a thread, too */
    before = count_threads();
    main_thread = pthread_self();
    signal(SIGUSR1, handle);
    seen.act = check_signals;
    CHECK_INT(walk_with("", 4, &seen), 0);
    CHECK(blocked > 0 || seen.workers == 1);
    CHECK(handled > 0);
    CHECK_INT(count_threads(), before);
}

static int reader = -1; /* the worker that reads hub/ */
static bool stopped;
static unsigned after; /* visits after that */

/* Another worker than the one that has most to do ends the walk. */
static enum walk_next
stop_beside(const struct walk_item *item, void *data)
{
    bool stop;

    (void)data;
    pthread_mutex_lock(&gate.lock);
    if (item->event == WALK_FOLDER && strncmp(item->path, "hub/", 4) == 0 &&
        !strchr(item->path + 4, '/'))
        reader = (int)item->worker;
    after += stopped;
    stop = !stopped && item->event == WALK_ENTRY && (int)item->worker != reader;
    stopped = stopped || stop;
    pthread_mutex_unlock(&gate.lock);
    usleep(50);
    return stop ? WALK_STOP : WALK_ON_DONE;
}

TEST("any worker can end the walk, soon")
{
    struct walk_options options = {.jobs = 2, .until_ms = INT64_MAX};
    int fd;

    make_cache();
    fd = open(tap_folder(), O_PATH);
    CHECK_INT(walk_run(fd, "", &options, stop_beside, NULL), -ECANCELED);
    tap_note("%u visits after that", after);
    CHECK(after < 300); /* of 1,000 */
}

static void
be_slow(const struct walk_item *item)
{
    (void)item;
    usleep(1000);
}

/* --- what is left at the end --------------------------------------------- */

static struct {
    bool is_done_begun, is_stopped, is_top_done;
} meeting;

/* Wait, but not for ever, until another worker's visit has set that. */
static void
wait_for(const bool *set)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    while (!*set && pthread_cond_timedwait(&gate.changed, &gate.lock,
                                           &until) == 0)
        continue;
}

/* One ends the walk in "a" while another one is at the end of "b". */
static enum walk_next
end_while_done(const struct walk_item *item, void *data)
{
    (void)data;
    if (item->event == WALK_FOLDER)
        return WALK_ON_DONE;
    pthread_mutex_lock(&gate.lock);
    if (item->event == WALK_ENTRY) {
        wait_for(&meeting.is_done_begun);
        meeting.is_stopped = true;
    } else if (strcmp(item->path, "b") == 0) {
        meeting.is_done_begun = true;
        pthread_cond_broadcast(&gate.changed);
        wait_for(&meeting.is_stopped);
    } else if (!*item->path) {
        meeting.is_top_done = true;
    }
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
    if (item->event == WALK_ENTRY)
        return WALK_STOP;
    usleep(50000); /* the other one leaves what it has */
    return WALK_ON;
}

TEST("what is above a folder that is left unread is not done for any worker")
{
    struct walk_options options = {.jobs = 2, .until_ms = INT64_MAX};
    unsigned met = 0;
    int root_fd;

    REQUIRE_INT(mkdir(tap_in_folder("a"), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("b"), 0755), 0);
    tap_write("a/x", "");
    root_fd = open(tap_in_folder("."), O_PATH | O_CLOEXEC);
    REQUIRE(root_fd >= 0);
    for (unsigned i = 0; i < 50 && met < 5; i++) {
        memset(&meeting, 0, sizeof(meeting));
        CHECK_INT(walk_run(root_fd, "", &options, end_while_done, NULL),
                  -ECANCELED);
        met += meeting.is_stopped && meeting.is_done_begun;
        CHECK(!meeting.is_top_done);
    }
    CHECK(met > 0);
    close(root_fd);
}

TEST("the deadline ends all workers, and what they had open is closed")
{
    struct walk_options options = {.jobs = 3};
    struct seen seen = SEEN_INIT;

    make_cache();
    options.until_ms = util_monotonic_ms() + 100;
    seen.act = be_slow;
    CHECK_INT(walk_in(NULL, "", &options, &seen), -ETIMEDOUT);
    CHECK(seen.done < seen.folders);
    CHECK(util_monotonic_ms() < options.until_ms + 5000);
}

/* --- others -------------------------------------------------------------- */

static bool over;

/* Rename, replace by links and move out, over and over. */
static void *
make_trouble(void *data)
{
    char one[128], other[128];

    (void)data;
    for (unsigned i = 0; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++) {
        unsigned n = i % REPOSITORIES;

        snprintf(one, sizeof(one), "%s/hub/models--%u", tap_folder(), n);
        snprintf(other, sizeof(other), "%s/out/models--%u", tap_folder(), n);
        rename(one, other); /* out of the tree; a link in its place */
        if (symlink("../out", one) == 0)
            usleep(100);
        unlink(one);
        rename(other, one);
        snprintf(other, sizeof(other), "%s/hub/other--%u", tap_folder(), n);
        rename(one, other);
        mkdir(one, 0755); /* another folder in its place */
        usleep(100);
        rmdir(one);
        rename(other, one);
    }
    return NULL;
}

static void
check_inside(const struct walk_item *item)
{
    if (strstr(item->path, "secret") || strstr(item->path, "/out/"))
        CHECK_STR(item->path, "inside the tree");
}

static void
race(unsigned jobs)
{
    unsigned walks = 0, problems = 0;
    int64_t until_ms;
    pthread_t thread;

    make_cache();
    mkdir(tap_in_folder("out"), 0755);
    mkdir(tap_in_folder("out/secret"), 0755);
    tap_write("out/secret/secret", "");
    REQUIRE_INT(pthread_create(&thread, NULL, make_trouble, NULL), 0);
    until_ms = util_monotonic_ms() + 2000;
    for (; util_monotonic_ms() < until_ms; walks++) {
        struct seen seen = SEEN_INIT;

        seen.act = check_inside;
        CHECK_INT(walk_with("hub", jobs, &seen), 0);
        CHECK(seen.folders >= 7 * REPOSITORIES / 2);
        problems += seen.problems;
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    REQUIRE_INT(pthread_join(thread, NULL), 0);
    tap_note("%u walks, %u problems", walks, problems);
    CHECK(walks > 5);
}

TEST("folders renamed, replaced by links, moved out: nothing outside is seen")
{
    race(1);
}

TEST("nor by several workers")
{
    race(4);
}

TEST("threads that cannot be had are done without")
{
    struct seen seen = SEEN_INIT;

    make_cache();
    forbid(SYS_clone3, EAGAIN);
    forbid(SYS_clone, EAGAIN);
    CHECK_INT(walk_with("", 8, &seen), 0);
    CHECK_INT(seen.workers, 1);
    CHECK_INT(seen.done, 2 + 7 * REPOSITORIES);
    _exit(tap_result->failures != 0); /* a sanitizer would want a thread now */
}

TAP_MAIN
