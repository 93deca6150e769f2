/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Alice's mender while Mallory, another member, does what he can: DESIGN 2.5.
 */

#include "attack.h"

#define BLOBS "cache/hub/models--a/blobs"

/* Alice's own, open since before anybody raced. */
static int blob_fds[8], folder_fd;

static void
make_blobs(void)
{
    char path[64];

    for (unsigned i = 0; i < ARRAY_LEN(blob_fds); i++) {
        snprintf(path, sizeof(path), BLOBS "/blob%u", i);
        make_file(path, "x", ALICE, GID, 0644);
        blob_fds[i] = open(tap_in_folder(path), O_RDONLY);
        REQUIRE(blob_fds[i] >= 0);
    }
    folder_fd = open(tap_in_folder(BLOBS), O_RDONLY);
    REQUIRE(folder_fd >= 0);
}

/* Alice makes drift all the time, so that there is something to mend. */
static void
drift(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(blob_fds); i++)
        (void)fchmod(blob_fds[i], 0646);
    (void)fchmod(folder_fd, 0770);
    usleep(60000); /* what has just changed is left to settle */
}

/* --- 1 and 6: links and names -------------------------------------------- */

/* The folder is now itself, now a link into Alice's home. */
static void
swap_folder(void)
{
    if (rename(BLOBS, "cache/hub/models--a/aside") == 0) {
        (void)symlink("../../../alice/blobs", BLOBS);
        (void)unlink(BLOBS);
        (void)rename("cache/hub/models--a/aside", BLOBS);
    }
}

TEST("MUST 1: below the root only descriptors: a folder swapped for a link")
{
    struct witness home, folder, file, closed;
    unsigned runs;

    make_world();
    make_blobs();
    make_folder("alice/blobs", ALICE, ALICE, 0755);
    make_file("alice/blobs/blob0", "private", ALICE, ALICE, 0646);
    make_file("alice/blobs/blob1", "private", ALICE, ALICE, 0640);
    home = bear_witness("alice");
    folder = bear_witness("alice/blobs");
    file = bear_witness("alice/blobs/blob0");
    closed = bear_witness("alice/blobs/blob1");
    keep_doing(MALLORY, swap_folder);
    keep_doing(ALICE, drift);
    runs = mend_and_race(10);
    check_race(runs);
    check_untouched(&home);
    check_untouched(&folder);
    check_untouched(&file);
    check_untouched(&closed);
}

/* A blob is now itself, now a link to a file in Alice's home. */
static void
swap_blob(void)
{
    if (rename(BLOBS "/blob0", BLOBS "/aside") == 0) {
        (void)symlink("../../../../alice/file", BLOBS "/blob0");
        (void)rename(BLOBS "/aside", BLOBS "/blob0");
    }
}

TEST("MUST 2: an inode is pinned and looked at again: a file renamed over")
{
    struct witness file;
    unsigned runs;

    make_world();
    make_blobs();
    make_file("alice/file", "private", ALICE, ALICE, 0646);
    file = bear_witness("alice/file");
    keep_doing(MALLORY, swap_blob);
    keep_doing(ALICE, drift);
    runs = mend_and_race(10);
    check_race(runs);
    check_untouched(&file);
}

/* --- 3: hard links ------------------------------------------------------- */

/*
 * Alice's file that Mallory may write, so that the kernel lets him link it, and
 * root's likewise, come and go in the tree.
 */
static void
plant_links(void)
{
    (void)link("alice/open", BLOBS "/planted");
    (void)link("rootfile", BLOBS "/root");
    (void)unlink(BLOBS "/planted");
    (void)unlink(BLOBS "/root");
}

TEST("MUST 3: no hard link to what is elsewhere: Alice's file, root's file")
{
    struct witness open_file, root_file;
    unsigned runs;

    make_world();
    make_blobs();
    make_file("alice/open", "x", ALICE, GID, 0676);
    make_file("rootfile", "x", 0, 0, 0666);
    open_file = bear_witness("alice/open");
    root_file = bear_witness("rootfile");
    keep_doing(MALLORY, plant_links);
    keep_doing(ALICE, drift);
    runs = mend_and_race(10);
    check_race(runs);
    check_witness(&open_file);
    check_witness(&root_file);
}

/* A second link comes and goes: half of the time the file has one only. */
static void
link_and_unlink(void)
{
    note_pause();
    (void)link(BLOBS "/blob0", "mallory/x");
    (void)unlink("mallory/x");
}

static void
widen(void)
{
    (void)fchmod(blob_fds[0], 0666);
    usleep(5000);
}

TEST("MUST 3: a file whose links come and go is left until that is over")
{
    unsigned runs;

    make_world();
    make_blobs();
    REQUIRE_INT(fchmod(blob_fds[0], 0666), 0); /* he may link what he writes */
    keep_doing(MALLORY, link_and_unlink);
    keep_doing(ALICE, widen);
    usleep(100000);
    runs = mend_and_race(0);
    tap_note("%u menders, %u attacks, %u pauses, %zu changes", runs,
             board->rounds, board->pauses, board->mended.changed);
    CHECK(runs > 5 && board->rounds > 100);
    CHECK(board->mended.changed <= 5 + board->pauses);
}

/* --- 4: whose, and what -------------------------------------------------- */

/* Mallory's own inodes are among Alice's, with every mode in turn. */
static void
mix_in(void)
{
    static mode_t mode;

    (void)close(open(BLOBS "/mine", O_CREAT | O_WRONLY, 0600));
    (void)mkdir(BLOBS "/folder", 0700);
    mode = (mode + 1) & 01777;
    (void)chmod(BLOBS "/mine", mode);
    if (__atomic_load_n(&board->rounds, __ATOMIC_SEQ_CST) % 100 == 0) {
        (void)unlink(BLOBS "/mine");
        (void)rmdir(BLOBS "/folder");
    }
}

TEST("MUST 4: only one's own, and nothing to others")
{
    struct witness closed;
    struct stat st;
    unsigned runs;
    char path[64];

    make_world();
    make_blobs();
    make_file(BLOBS "/closed", "secret", ALICE, ALICE, 0600);
    closed = bear_witness(BLOBS "/closed");
    keep_doing(MALLORY, mix_in);
    keep_doing(ALICE, drift);
    runs = mend_and_race(10);
    check_race(runs);
    usleep(100000);
    mend_and_race(0);
    check_untouched(&closed);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), BLOBS "/blob%u", i);
        REQUIRE_INT(lstat(tap_in_folder(path), &st), 0);
        CHECK_INT(st.st_mode & 07777, 0644);
    }
    CHECK_INT(lstat(tap_in_folder(BLOBS), &st), 0);
    CHECK_INT(st.st_mode & 07777, 02770);
}

/* --- what comes into the tree -------------------------------------------- */

#define TREES "cache/hub/models--m/trees"
#define LISTING TREES "/0123456789abcdef0123456789abcdef01234567.json"

/* A folder of Alice's, and in it what she closed to everybody. */
static void
make_private(gid_t gid, mode_t mode)
{
    make_folder("work", ALICE, gid, mode);
    make_folder("work/private", ALICE, ALICE, 0750);
    make_file("work/private/secret", "private", ALICE, ALICE, 0640);
    make_folder("work/closed", ALICE, ALICE, 0700);
    make_file("work/closed/x.lock", "private", ALICE, ALICE, 0644);
}

/* Mallory, who may write both places, moves; then Alice logs in. */
static void
move_and_mend(const char *from, const char *to, const char *name)
{
    pid_t pid;

    REQUIRE_INT(rename(tap_in_folder(from), tap_in_folder(to)), 0);
    pid = fork();
    if (pid == 0)
        mend_name_as_alice(name);
    REQUIRE_INT(waitpid(pid, NULL, 0), pid);
}

/* Can Mallory open any of these below `folder`? */
static void
check_still_private(const char *folder)
{
    static const char *const files[] = {"private/secret", "closed/x.lock", ""};
    char path[PATH_MAX];
    pid_t pid = fork();

    if (pid > 0) {
        REQUIRE_INT(waitpid(pid, NULL, 0), pid);
        return;
    }
    become(MALLORY);
    for (size_t i = 0; i < ARRAY_LEN(files) - 1; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        if (!CHECK_INT(open(tap_in_folder(path), O_RDONLY), -1))
            tap_note("of %s", path);
    }
    _exit(0);
}

TEST("a project's folder moved among the locks stays as closed as it was")
{
    make_world();
    make_private(6000, 0770);
    move_and_mend("work", "cache/hub/.locks/x", "hub/.locks/x");
    check_still_private("cache/hub/.locks/x");
}

TEST("a project's folder moved in as a repository stays as closed as it was")
{
    make_world();
    make_private(6000, 02770);
    move_and_mend("work", "cache/hub/models--x", "hub/models--x");
    check_still_private("cache/hub/models--x");
}

TEST("members' folders moved into a repository stay as closed as they were")
{
    make_world();
    make_private(GID, 02770);
    make_folder("cache/hub/models--a/snapshots", ALICE, GID, 0770);
    move_and_mend("work", "cache/hub/models--a/snapshots/x", "hub/models--a");
    check_still_private("cache/hub/models--a/snapshots/x");
}

TEST("a folder shared by an ACL and moved in stays as closed as it was")
{
    make_world();
    make_private(ALICE, 0770);
    share_with_mallory("work");
    move_and_mend("work", "cache/hub/models--x", "hub/models--x");
    check_still_private("cache/hub/models--x");
}

TEST("a closed file renamed to a listing's name stays closed")
{
    struct stat st;

    make_world();
    make_file(BLOBS "/b", "gated weights", ALICE, GID, 0600);
    make_folder("cache/hub/models--m", MALLORY, GID, 02770);
    make_folder(TREES, MALLORY, GID, 02770);
    move_and_mend(BLOBS "/b", LISTING, "hub/models--m");
    REQUIRE_INT(lstat(tap_in_folder(LISTING), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
}

/* --- a folder that leaves the tree --------------------------------------- */

#define MANY 6000

static unsigned
count_mended(const char *folder)
{
    unsigned count = 0;
    struct stat st;
    char path[64];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "%s/%u", folder, i);
        REQUIRE_INT(lstat(tap_in_folder(path), &st), 0);
        count += (st.st_mode & 07777) == 0644;
    }
    return count;
}

TEST("MUST 1: a folder moved out of the tree is not gone on with")
{
    unsigned before, after;
    struct stat st;
    char path[64];
    pid_t pid;
    int status;

    make_world();
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), BLOBS "/%u", i);
        make_file(path, "", ALICE, GID, 0646);
    }
    pid = fork();
    if (pid == 0)
        mend_as_alice();
    do /* until the mender is at work in it */
        REQUIRE_INT(lstat(tap_in_folder(BLOBS "/0"), &st), 0);
    while (!__atomic_load_n(&board->mended.changed, __ATOMIC_SEQ_CST));
    if (fork() == 0) {
        become(MALLORY);
        _exit(rename(tap_in_folder(BLOBS), tap_in_folder("mallory/blobs")) < 0);
    }
    while (lstat(tap_in_folder("mallory/blobs"), &st) < 0)
        continue;
    kill(pid, SIGSTOP);
    REQUIRE_INT(waitpid(pid, &status, WUNTRACED), pid);
    REQUIRE(WIFSTOPPED(status));
    before = count_mended("mallory/blobs");
    kill(pid, SIGCONT);
    REQUIRE_INT(waitpid(pid, &status, 0), pid);
    after = count_mended("mallory/blobs");
    tap_note("%u of %d mended when it moved, %u in the end", before, MANY,
             after);
    CHECK(before > 0 && before < MANY);
    CHECK(after <= before + 1); /* the one that was pinned already */
}

/* --- 6: special files, depth, names -------------------------------------- */

static void
swap_fifo(void)
{
    if (mkfifo(BLOBS "/fifo", 0646) < 0 && errno != EEXIST)
        return;
    if (rename(BLOBS "/blob1", BLOBS "/aside") == 0) {
        (void)rename(BLOBS "/fifo", BLOBS "/blob1");
        (void)rename(BLOBS "/aside", BLOBS "/blob1");
    }
}

TEST("MUST 6: a FIFO in a file's place delays nobody")
{
    unsigned runs;

    make_world();
    make_blobs();
    keep_doing(MALLORY, swap_fifo);
    keep_doing(ALICE, drift);
    runs = mend_and_race(10);
    check_race(runs);
}

/* Folders in folders, by Alice: 10,000 of them, each with drift. */
static void
dig(void)
{
    for (unsigned i = 0; i < 10000; i++)
        if (mkdir("d", 0755) < 0 || chdir("d") < 0)
            _exit(1);
}

static unsigned
count_deep(const char *path)
{
    unsigned count = 0;
    struct stat st;

    REQUIRE_INT(chdir(path), 0);
    while (chdir("d") == 0) {
        REQUIRE_INT(stat(".", &st), 0);
        count += (st.st_mode & 07777) == 02775 && st.st_gid == GID;
    }
    REQUIRE_INT(chdir("/"), 0);
    return count;
}

TEST("MUST 6: 10,000 folders in each other are mended to the last")
{
    int64_t begun_ms;
    pid_t pid;
    int status;

    make_world();
    /* As Alice moved it in: nobody else can have put anything into it. */
    REQUIRE_INT(chown(tap_in_folder("cache/hub/models--a"), ALICE, ALICE), 0);
    REQUIRE_INT(chmod(tap_in_folder("cache/hub/models--a"), 0755), 0);
    make_folder("cache/hub/models--a/snapshots", ALICE, ALICE, 0755);
    pid = fork();
    if (pid == 0) {
        if (chdir(tap_in_folder("cache/hub/models--a/snapshots")) < 0)
            _exit(1);
        become(ALICE);
        dig();
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    begun_ms = util_monotonic_ms();
    pid = fork();
    if (pid == 0)
        mend_as_alice();
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    tap_note("took %lld ms", (long long)(util_monotonic_ms() - begun_ms));
    CHECK(util_monotonic_ms() - begun_ms < 30000);
    CHECK_INT(count_deep(tap_in_folder("cache/hub/models--a/snapshots")),
              10000);
}

static void
make_odd_names(void)
{
    static const char *const names[] = {
        BLOBS "/new\nline", BLOBS "/\xff\xfe\x01", BLOBS "/-rf", BLOBS "/...",
        BLOBS "/ ", BLOBS "/%s%n", BLOBS "/\\", BLOBS "/$(reboot)",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)close(open(names[i], O_CREAT | O_WRONLY, 0646));
        (void)rename(names[(i + 1) % ARRAY_LEN(names)], names[i]);
        (void)mkdir(names[(i + 3) % ARRAY_LEN(names)], 0700);
        (void)rmdir(names[(i + 3) % ARRAY_LEN(names)]);
    }
}

TEST("MUST 6: any name, coming and going")
{
    unsigned runs;

    make_world();
    make_blobs();
    keep_doing(MALLORY, make_odd_names);
    keep_doing(ALICE, drift);
    runs = mend_and_race(10);
    check_race(runs);
}

TAP_MAIN
