/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Root at work in a cache while Mallory, a member, does what he can: what
 * `hfcache setup` is built of, the look of the helper, and the mender's keeper.
 */
#include <sys/ptrace.h>

#include "attack.h"
#include "look.h"

/* Root's work, over and over for RACE_MS at least; how often. */
static unsigned
work_and_race(void (*work)(int root_fd))
{
    int64_t start_ms = util_monotonic_ms(), took_ms = 0;
    int fd = safefs_open_root(tap_in_folder("cache"), NULL);
    unsigned runs = 0;

    REQUIRE(fd >= 0);
    for (; took_ms < RACE_MS || (took_ms < RACE_MOST_MS &&
                                 (runs <= 30 || board->rounds <= 30));
         runs++) {
        work(fd);
        took_ms = util_monotonic_ms() - start_ms;
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_SEQ_CST);
    close(fd);
    tap_note("%u runs, %u attacks, %zu changes", runs, board->rounds,
             board->mended.changed);
    CHECK(runs > 30 && board->rounds > 30);
    return runs;
}

/* --- making a folder where Mallory may rename ---------------------------- */

#define MADE "cache/hub/made"

/* Take the new folder away, put another there: his own, or a link. */
static void
replace_made(void)
{
    if (rename(MADE, "cache/hub/taken") == 0) {
        (void)rename("mallory/own", MADE);
        usleep(50); /* root goes on, and finds it */
        (void)rename(MADE, "mallory/own");
        (void)symlink("../../rootdir", MADE);
        (void)unlink(MADE);
        (void)rmdir("cache/hub/taken");
    }
    (void)unlink(MADE);
}

static void
make_and_remove(int root_fd)
{
    int hub_fd = safefs_open_beneath(root_fd, "hub", SAFEFS_PIN);
    int fd = safefs_make_folder(hub_fd, "made", 02770, GID, ACL_FACT_2770,
                                NULL);

    if (fd >= 0)
        close(fd);
    board->mended.changed += fd >= 0;
    (void)unlinkat(hub_fd, "made", AT_REMOVEDIR);
    close(hub_fd);
}

TEST("a folder that root makes is never another one")
{
    struct witness own, root_dir;

    make_world();
    make_folder("rootdir", 0, 0, 0755);
    make_folder("mallory/own", MALLORY, MALLORY, 0755);
    make_file("mallory/own/f", "", MALLORY, MALLORY, 0644); /* not to remove */
    own = bear_witness("mallory/own");
    root_dir = bear_witness("rootdir");
    share_one_cpu();
    keep_doing(MALLORY, replace_made);
    work_and_race(make_and_remove);
    CHECK(board->mended.changed > 10);
    usleep(100000);
    check_witness(&own);
    check_untouched(&root_dir);
}

/* --- changing what Mallory may rename ------------------------------------ */

#define LOCKS "cache/hub/.locks"

/* The lock folder is now itself, now a link to root's, now his own. */
static void
swap_locks(void)
{
    if (rename(LOCKS, "cache/hub/aside") == 0) {
        (void)symlink("../../rootdir", LOCKS);
        (void)unlink(LOCKS);
        (void)rename("mallory/own", LOCKS);
        (void)rename(LOCKS, "mallory/own");
        (void)rename("cache/hub/aside", LOCKS);
    }
}

/* What setup does with a folder that is there: only root's is changed. */
static void
pin_and_change(int root_fd)
{
    static mode_t mode = 02770;
    int fd = safefs_open_beneath(root_fd, "hub/.locks", SAFEFS_PIN);
    struct statx st;

    mode ^= 05;
    if (fd >= 0 && safefs_look(fd, &st) == 0 && S_ISDIR(st.stx_mode) &&
        st.stx_uid == 0 &&
        safefs_change(fd, &st, mode, GID, ACL_FACT_NONE, NULL) == 0)
        board->mended.changed++;
    if (fd >= 0)
        close(fd);
}

TEST("MUST 2: root changes what it pinned, whatever the name leads to now")
{
    struct witness own, root_dir;

    make_world();
    make_folder("rootdir", 0, 0, 0755);
    make_folder("mallory/own", MALLORY, MALLORY, 0755);
    own = bear_witness("mallory/own");
    root_dir = bear_witness("rootdir");
    keep_doing(MALLORY, swap_locks);
    work_and_race(pin_and_change);
    CHECK(board->mended.changed > 10);
    usleep(100000);
    check_witness(&own);
    check_untouched(&root_dir);
}

/* --- MUST 5: stopped at any point ---------------------------------------- */

static int file_fd;

/* Root's file goes from 0666 of one group to 0640 of another, and back. */
static void
narrow(int root_fd)
{
    struct statx st;
    int fd = safefs_open_beneath(root_fd, "hub/file", SAFEFS_PIN);

    REQUIRE(fd >= 0);
    REQUIRE(fchown(file_fd, 0, GID) == 0 && fchmod(file_fd, 0600) == 0 &&
            safefs_look(fd, &st) == 0);
    /* 0600 of GID -> 0640 of 4999: GID must never get the group's bits. */
    CHECK_INT(safefs_change(fd, &st, 0640, 4999, ACL_FACT_NONE, NULL), 0);
    REQUIRE_INT(safefs_look(fd, &st), 0);
    /* 0640 of 4999 -> 0600 of GID: likewise on the way back. */
    CHECK_INT(safefs_change(fd, &st, 0600, GID, ACL_FACT_NONE, NULL), 0);
    close(fd);
}

/* Mallory is in GID: he must never be able to open it. */
static void
try_to_read(void)
{
    int fd = open("cache/hub/file", O_RDONLY);

    if (fd >= 0)
        board->mended.failed++;
    if (fd >= 0)
        close(fd);
}

TEST("MUST 5: narrower first, wider last: nobody gets in between")
{
    make_world();
    make_file("cache/hub/file", "x", 0, GID, 0600);
    file_fd = open(tap_in_folder("cache/hub/file"), O_RDONLY);
    REQUIRE(file_fd >= 0);
    keep_doing(MALLORY, try_to_read);
    work_and_race(narrow);
    tap_note("%zu times he got in", board->mended.failed);
    /*
     * The kernel itself looks at mode and group one after the other, and may
     * see the mode of before with the group of after: once in 250,000.  In the
     * wrong order he gets in each sixth time.
     */
    CHECK(board->mended.failed * 1000 <= board->rounds);
}

/* --- the look ------------------------------------------------------------ */

#define REPO "cache/hub/models--a"

static void
swap_repository(void)
{
    if (rename(REPO, "cache/hub/aside") == 0) {
        (void)symlink("../../secret", REPO);
        (void)unlink(REPO);
        (void)mkfifo(REPO, 0666);
        (void)unlink(REPO);
        (void)rename("cache/hub/aside", REPO);
    }
}

static void
look_around(int root_fd)
{
    static const struct errand errand = {.rules = {GID, 02770, LAYOUT_ACL_NO},
                                         .uid = ALICE};
    static struct sight sight;

    look_begin(&sight, NULL);
    sight.root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    REQUIRE_INT(shed_look_as(ALICE, GID), 0);
    look_below(&sight, &errand);
    REQUIRE_INT(shed_look_as_root(), 0);
    for (size_t i = 0; i < sight.verdict.ndrifts; i++)
        CHECK_INT(sight.drifts[i].owner, ALICE);
    board->mended.changed += sight.verdict.ndrifts > 0;
    look_end(&sight);
}

TEST("what is looked at is in the tree, or nothing")
{
    struct witness secret;

    make_world();
    make_folder("secret", 0, 0, 0755); /* of root, as no drift must be */
    REQUIRE_INT(chmod(tap_in_folder(REPO), 0770), 0);
    secret = bear_witness("secret");
    keep_doing(MALLORY, swap_repository);
    work_and_race(look_around);
    CHECK(board->mended.changed > 10);
    check_untouched(&secret);
}

/* --- the mender's keeper ------------------------------------------------- */

static struct errand errand;

/* Run the real mender in a child of its own; its pid is the child's child. */
static pid_t
keep_a_mender(void)
{
    static struct drift drift = {"hub/models--a", ALICE, DRIFT_SETGID};
    pid_t pid = fork();

    errand = errand_of_alice;
    errand.path = tap_in_folder("cache");
    if (pid == 0)
        _exit(mender_run(tap_in_folder("run"), &errand, &drift, 1) < 0);
    return pid;
}

static pid_t
find_child(pid_t parent)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
    for (unsigned i = 0; i < 2000 && !child; i++) {
        FILE *file = fopen(path, "r");

        if (file && fscanf(file, "%d", &child) != 1)
            usleep(500);
        if (file)
            fclose(file);
    }
    return child;
}

#define MUCH 6000

/* Enough to do that the mender can be met at work. */
static void
make_much_work(void)
{
    char path[64];

    for (unsigned i = 0; i < MUCH; i++) {
        snprintf(path, sizeof(path), REPO "/blobs/%u", i);
        make_file(path, "", ALICE, GID, 0646);
    }
    usleep(30000); /* what has just changed is left to settle */
}

static unsigned
count_unmended(void)
{
    unsigned count = 0;
    struct stat st;
    char path[64];

    for (unsigned i = 0; i < MUCH; i++) {
        snprintf(path, sizeof(path), REPO "/blobs/%u", i);
        REQUIRE_INT(lstat(tap_in_folder(path), &st), 0);
        count += st.st_mode & S_IWOTH ? 1 : 0;
    }
    return count;
}

static bool
is_stopped_as_alice(pid_t pid)
{
    char path[64], line[256];
    bool is_stopped = false, is_alices = false;
    unsigned uid;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        is_stopped = is_stopped || strncmp(line, "State:\tT", 8) == 0;
        is_alices = is_alices ||
                    (sscanf(line, "Uid: %u", &uid) == 1 && uid == ALICE);
    }
    if (file)
        fclose(file);
    return is_stopped && is_alices;
}

/* Stop a mender that has become Alice, and has not done yet. */
static pid_t
hold_a_mender(pid_t *ret_keeper)
{
    pid_t mender;

    *ret_keeper = keep_a_mender();
    mender = find_child(*ret_keeper);
    REQUIRE(mender > 0);
    for (;;) {
        REQUIRE_INT(kill(mender, SIGSTOP), 0);
        for (unsigned i = 0; i < 20; i++) { /* it is stopped when it is met */
            if (is_stopped_as_alice(mender))
                return mender;
            usleep(100);
        }
        kill(mender, SIGCONT);
        usleep(100);
    }
}

TEST("2.6.5: a user can kill his mender, and root's keeper ends with it")
{
    int64_t begun_ms;
    pid_t keeper, mender;
    int status;

    make_world();
    make_much_work();
    begun_ms = util_monotonic_ms();
    keeper = keep_a_mender();
    mender = find_child(keeper);
    REQUIRE(mender > 0);
    if (fork() == 0) {
        become(ALICE);
        for (unsigned i = 0; i < 20000; i++) {
            if (kill(keeper, SIGKILL) == 0)
                _exit(1); /* root's must not be his to end */
            if (kill(mender, SIGKILL) == 0)
                _exit(0);
            usleep(1000); /* not his yet */
        }
        _exit(2);
    }
    REQUIRE_INT(waitpid(keeper, &status, 0), keeper);
    CHECK_INT(status, 0);
    CHECK(util_monotonic_ms() - begun_ms < MENDER_MAX_MS);
    REQUIRE(wait(&status) > 0);
    CHECK_INT(status, 0);
}

TEST("2.6.5: a user can neither trace his mender nor read what it has")
{
    pid_t keeper, mender;
    char path[64];
    int status;

    make_world();
    make_much_work();
    mender = hold_a_mender(&keeper);
    if (fork() == 0) {
        become(ALICE);
        CHECK(ptrace(PTRACE_ATTACH, mender, NULL, NULL) < 0);
        CHECK_INT(errno, EPERM);
        snprintf(path, sizeof(path), "/proc/%d/mem", mender);
        CHECK(open(path, O_RDWR) < 0);
        snprintf(path, sizeof(path), "/proc/%d/fd", mender);
        CHECK(open(path, O_RDONLY) < 0);
        snprintf(path, sizeof(path), "/proc/%d/environ", mender);
        CHECK(open(path, O_RDONLY) < 0);
        CHECK(kill(mender, 0) == 0); /* it is his all the same */
        _exit(0);
    }
    REQUIRE(wait(&status) > 0);
    kill(mender, SIGCONT);
    waitpid(keeper, NULL, 0);
}

TEST("one mender a user at a time")
{
    pid_t first, second, mender;
    unsigned before;
    int status;

    make_world();
    make_much_work();
    mender = hold_a_mender(&first);
    before = count_unmended();
    CHECK(before > 0);
    second = keep_a_mender();
    REQUIRE_INT(waitpid(second, &status, 0), second);
    CHECK_INT(status, 0);
    CHECK_INT(count_unmended(), before);
    kill(mender, SIGCONT);
    waitpid(first, NULL, 0);
    CHECK_INT(count_unmended(), 0);
}

/* --- 2.6.4: state files --------------------------------------------------- */

TEST("2.6.4: nothing is written through what is planted in the state folder")
{
    struct verdict verdict = {.way_at = "", .cursor = ""};
    struct witness victim;
    char key[VERDICT_KEY_SIZE], path[128];
    int fd = -1;

    make_world();
    make_file("victim", "precious", 0, 0, 0600);
    victim = bear_witness("victim");
    make_folder("run", 0, 0, 0755);
    verdict_key("/srv/x", GID, key);
    snprintf(path, sizeof(path), "run/%s.gate", key);
    REQUIRE_INT(symlink(tap_in_folder("victim"), tap_in_folder(path)), 0);
    snprintf(path, sizeof(path), "run/%s.slot0", key);
    REQUIRE_INT(symlink(tap_in_folder("victim"), tap_in_folder(path)), 0);
    CHECK_INT(verdict_write(tap_in_folder("run"), &verdict, "/srv/x", GID), 0);
    CHECK(verdict_take_slot(tap_in_folder("run"), "/srv/x", GID, &fd) < 0);
    check_untouched(&victim);
    REQUIRE_INT(chmod(tap_in_folder("run"), 0777), 0);
    CHECK(verdict_write(tap_in_folder("run"), &verdict, "/srv/x", GID) < 0);
    check_untouched(&victim);
}

TAP_MAIN
