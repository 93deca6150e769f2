/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Root's repair, with one thread and with four, while Mallory, a member, does
 * what he can at full speed: DESIGN 2.5, 1 to 4 and 6.  audit_moves.c has what
 * he moves in, audit_stop.c what is stopped, audit_large.c what is large.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "repair.h"

#define BLOBS REPO "/blobs"
#define NESTED REPO "/snapshots/s/t"

/* Alice's own, open since before anybody raced. */
static int files[12], folders[4];

static const char *const places[] = {REPO, REPO "/snapshots",
                                     REPO "/snapshots/s", NESTED};
static const char *const mirrors[] = {"alice/a", "alice/a/snapshots",
                                      "alice/a/snapshots/s",
                                      "alice/a/snapshots/s/t"};

/* Alice's repository, in which there is drift at each depth. */
static void
make_repository(void)
{
    char path[64];

    make_members();
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (i > 0)
            make_folder(places[i], ALICE, GID, 02770);
        folders[i] = open(tap_in_folder(places[i]), O_RDONLY);
        REQUIRE(folders[i] >= 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s/f%u", i < 8 ? BLOBS : NESTED, i);
        make_file(path, "x", ALICE, GID, 0644);
        files[i] = open(tap_in_folder(path), O_RDONLY);
        REQUIRE(files[i] >= 0);
    }
}

/* Alice makes drift all the time, so that there is something to mend. */
static void
drift(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(files); i++)
        (void)fchmod(files[i], 0646);
    for (unsigned i = 0; i < ARRAY_LEN(folders); i++)
        (void)fchmod(folders[i], 0770);
    usleep(60000); /* what has just changed is left to settle */
}

/* Mallory attacks, Alice makes drift, root repairs; and there was a race. */
static void
race(void (*attack)(void))
{
    keep_doing(MALLORY, attack);
    keep_doing(ALICE, drift);
    repair_and_race();
}

/* --- 1: below the root only descriptors ---------------------------------- */

/* A folder is now itself, now a link to Alice's home, at each depth in turn. */
static void
swap_folders(void)
{
    static unsigned round;
    const char *place = places[round % ARRAY_LEN(places)];
    const char *mirror = mirrors[round % ARRAY_LEN(places)];
    char aside[64], target[600];

    round++;
    snprintf(aside, sizeof(aside), "%s.aside", place);
    snprintf(target, sizeof(target), "%s/%s", tap_folder(), mirror);
    if (rename(place, aside) == 0) {
        (void)symlink(target, place);
        usleep((useconds_t)rand() % 200);
        (void)unlink(place);
        (void)rename(aside, place);
        usleep((useconds_t)rand() % 200);
    }
}

TEST("MUST 1: below the root only descriptors: links for folders, at any depth")
{
    char path[64];
    uint64_t sum;

    make_repository();
    for (size_t i = 0; i < ARRAY_LEN(mirrors); i++) {
        make_folder(mirrors[i], ALICE, GID, 0770);
        snprintf(path, sizeof(path), "%s/f9", mirrors[i]);
        make_file(path, "private", ALICE, GID, 0646);
    }
    sum = take_sum("alice");
    race(swap_folders);
    CHECK(take_sum("alice") == sum);
}

/* --- what leaves the tree ------------------------------------------------ */

#define LEAVING REPO "/snapshots/m"
#define OUTSIDE "mallory/m"
#define LEAVES 40

static void
look_outside(mode_t modes[LEAVES])
{
    char path[64];
    struct stat st;

    for (unsigned i = 0; i < LEAVES; i++) {
        snprintf(path, sizeof(path), OUTSIDE "/%u", i);
        modes[i] = lstat(path, &st) == 0 ? st.st_mode : 0;
    }
}

/* His own folder, with drift in it, leaves the tree, and comes back. */
static void
leave_and_return(void)
{
    mode_t before[LEAVES], after[LEAVES];
    char path[64];

    for (unsigned i = 0; i < LEAVES; i++) {
        snprintf(path, sizeof(path), LEAVING "/%u", i);
        (void)chmod(path, 0646);
    }
    usleep(22000 + (useconds_t)rand() % 2000); /* until it may be mended */
    if (rename(LEAVING, OUTSIDE) < 0)
        return;
    usleep(1000); /* what was pinned already may be changed yet */
    look_outside(before);
    usleep(2000);
    look_outside(after);
    if (memcmp(before, after, sizeof(before)) != 0)
        __atomic_add_fetch(&board->strays, 1, __ATOMIC_SEQ_CST);
    (void)rename(OUTSIDE, LEAVING);
}

TEST("mend.h: pinned by its whole path: what left the tree is let be")
{
    char path[64];

    make_repository();
    make_folder(LEAVING, MALLORY, GID, 02770);
    for (unsigned i = 0; i < LEAVES; i++) {
        snprintf(path, sizeof(path), LEAVING "/%u", i);
        make_file(path, "", MALLORY, GID, 0646);
    }
    race(leave_and_return);
    CHECK(board->mended.vanished > 10); /* root was at work in it */
    CHECK_INT(board->strays, 0);
}

/* --- 2: pinned, looked at, looked at once more --------------------------- */

static void
exchange(const char *a, const char *b)
{
    (void)renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

/* Alice's files and folders of the project and of the cache change places. */
static void
exchange_all(void)
{
    exchange(BLOBS "/f0", "work/secret");
    exchange(NESTED "/f9", "work/open");
    exchange(REPO "/snapshots/s", "work/folder");
    exchange(HUB "/models--a", "work/folder");
    exchange(HUB "/models--a", "work/folder");
    exchange(REPO "/snapshots/s", "work/folder");
    exchange(NESTED "/f9", "work/open");
    exchange(BLOBS "/f0", "work/secret");
}

TEST("MUST 2: an inode is pinned and looked at again: all exchanged at once")
{
    make_repository();
    make_folder("work", ALICE, PROJECT, 02770);
    make_folder("work/folder", ALICE, PROJECT, 02770);
    make_folder("work/folder/t", ALICE, PROJECT, 02770);
    make_folder("work/folder/blobs", ALICE, ALICE, 0750);
    make_file("work/secret", "private", ALICE, PROJECT, 0640);
    make_file("work/open", "private", ALICE, PROJECT, 0660);
    make_file("work/folder/t/f9", "private", ALICE, PROJECT, 0640);
    make_file("work/folder/blobs/f0", "private", ALICE, ALICE, 0640);
    watch_inode("work/secret");
    watch_inode("work/open");
    watch_inode("work/folder");
    watch_inode("work/folder/t");
    watch_inode("work/folder/t/f9");
    watch_inode("work/folder/blobs");
    watch_inode("work/folder/blobs/f0");
    race(exchange_all);
    check_watched();
}

/* His own file and a link of his are renamed over Alice's. */
static void
rename_over(void)
{
    (void)close(open(BLOBS "/mine", O_CREAT | O_WRONLY, 0600));
    (void)link(BLOBS "/f1", BLOBS "/kept"); /* fails, but if it is 0666 */
    (void)rename(BLOBS "/f1", BLOBS "/kept");
    (void)rename(BLOBS "/mine", BLOBS "/f1");
    (void)symlink("../../../../alice/f1", BLOBS "/link");
    (void)rename(BLOBS "/link", BLOBS "/f1");
    (void)rename(BLOBS "/kept", BLOBS "/f1");
}

TEST("MUST 2: files renamed over each other")
{
    uint64_t sum;

    make_repository();
    make_file("alice/f1", "private", ALICE, GID, 0646);
    sum = take_sum("alice");
    race(rename_over);
    CHECK(take_sum("alice") == sum);
}

/* --- 3: hard links, setuid ----------------------------------------------- */

/* He may link what he may write: root's and Alice's; sometimes it stays. */
static void
plant_links(void)
{
    static unsigned round;

    (void)link("roots/file", BLOBS "/root");
    (void)link("work/file", BLOBS "/planted");
    (void)link("work/file", REPO "/refs/planted");
    usleep(round++ % 100 ? 0 : 40000);
    (void)unlink(BLOBS "/root");
    (void)unlink(BLOBS "/planted");
    (void)unlink(REPO "/refs/planted");
}

/* What must not be changed: root's, or with the rights of its owner. */
static void
make_powerful(void)
{
    unsigned char none[20] = {0, 0, 0, 2}; /* version 2, no capability */

    make_file(BLOBS "/setuid", "x", ALICE, GID, 04757);
    make_file(BLOBS "/both", "x", MALLORY, GID, 06757);
    make_folder(BLOBS "/d", ALICE, GID, 04777);
    make_file(BLOBS "/capable", "x", ALICE, GID, 0646);
    REQUIRE_INT(setxattr(tap_in_folder(BLOBS "/capable"), "security.capability",
                         none, sizeof(none), 0),
                0);
    watch_inode(BLOBS "/setuid");
    watch_inode(BLOBS "/both");
    watch_inode(BLOBS "/d");
    watch_inode(BLOBS "/capable");
}

TEST("MUST 3: no link that leads out of the tree, no setuid, no capabilities")
{
    uint64_t sum;

    make_repository();
    make_folder(REPO "/refs", ALICE, GID, 02770);
    make_folder("roots", 0, 0, 0755);
    make_folder("work", ALICE, PROJECT, 02770);
    make_file("roots/file", "x", 0, 0, 0666);
    make_file("work/file", "x", ALICE, GID, 0676);
    watch_inode("roots/file");
    watch_inode("work/file");
    make_powerful();
    make_file("alice/f", "x", ALICE, GID, 0646);
    sum = take_sum("alice");
    options.foreign = true;
    race(plant_links);
    check_watched();
    CHECK(take_sum("alice") == sum);
}

/* A second link comes and goes: half of the time the file has one only. */
static void
link_and_unlink(void)
{
    static int64_t last_ms;
    int64_t now_ms = util_monotonic_ms();

    if (last_ms && now_ms - last_ms > 18)
        __atomic_store_n(&board->paused, 1, __ATOMIC_SEQ_CST);
    last_ms = now_ms;
    (void)link(BLOBS "/linked", "mallory/x");
    (void)unlink("mallory/x");
}

TEST("MUST 3: a file whose links come and go is left until that is over")
{
    struct stat st;

    make_repository();
    make_file(BLOBS "/linked", "x", ALICE, GID, 0666); /* he may link that */
    watch_inode(BLOBS "/linked");
    (void)setpriority(PRIO_PROCESS, 0, -19); /* he is not to be kept waiting */
    keep_doing(MALLORY, link_and_unlink);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    usleep(10000);
    race(link_and_unlink);
    REQUIRE_INT(lstat(tap_in_folder(BLOBS "/linked"), &st), 0);
    if (board->paused && (st.st_mode & 07777) == 0664)
        SKIP("the machine made him pause: it was over, and rightly mended");
    check_watched();
    usleep(30000);
    repair(1);
    check_is(BLOBS "/linked", 0664, ALICE, GID);
}

/* --- 4: whose, and what -------------------------------------------------- */

/* Mallory's own are among Alice's, with every mode in turn. */
static void
mix_own_in(void)
{
    static mode_t mode;

    (void)close(open(BLOBS "/mine", O_CREAT | O_WRONLY, 0600));
    (void)mkdir(BLOBS "/folder", 0700);
    mode = (mode + 1) & 07777;
    (void)chmod(BLOBS "/mine", mode);
    (void)chmod(BLOBS "/folder", mode);
    if (mode % 100 == 0) {
        (void)unlink(BLOBS "/mine");
        (void)rmdir(BLOBS "/folder");
    }
}

static void
make_clean(void)
{
    make_folder(HUB "/models--c", ALICE, GID, 02770);
    make_folder(HUB "/models--c/blobs", ALICE, GID, 02775);
    make_file(HUB "/models--c/blobs/x", "x", ALICE, GID, 0640);
    make_file(HUB "/models--c/blobs/y", "x", CAROL, GID, 0644);
    make_file(HUB "/models--c/blobs/kept", "x", ALICE, GID, 0600);
    make_folder(HUB "/models--c/refs", ALICE, GID, 02770);
    make_file(HUB "/models--c/refs/main", HEX40, ALICE, GID, 0664);
    make_folder(HUB "/blobs", ALICE, GID, 02770);
    make_folder(HUB "/blobs/3f", ALICE, GID, 02770);
    make_file(HUB "/blobs/3f/x", "x", ALICE, GID, 0444);
    make_file(HUB "/blobs/3f/x.lock", "", ALICE, GID, 0666);
}

TEST("MUST 4: nothing to others, what is clean is not touched at all")
{
    uint64_t clean, store;
    struct stat st;

    make_repository();
    make_clean();
    clean = take_sum(HUB "/models--c");
    store = take_sum(HUB "/blobs");
    race(mix_own_in);
    CHECK(take_sum(HUB "/models--c") == clean);
    CHECK(take_sum(HUB "/blobs") == store);
    options.rules.mode = 02775; /* which others have not all, nor get it */
    usleep(30000);
    repair(4);
    CHECK(take_sum(HUB "/blobs") == store);
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        REQUIRE_INT(fstat(files[i], &st), 0);
        CHECK_INT(st.st_mode & 07777, 0644);
        CHECK_INT(st.st_uid, ALICE);
    }
    for (unsigned i = 0; i < ARRAY_LEN(folders); i++) {
        REQUIRE_INT(fstat(folders[i], &st), 0);
        CHECK_INT(st.st_mode & 07777, 02770);
    }
}

/* --- 6: special files, names --------------------------------------------- */

static void
make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    (void)bind(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
}

/* In the place of a file and of a folder: a FIFO, a socket. */
static void
swap_special(void)
{
    (void)mkfifo(BLOBS "/fifo", 0646);
    make_socket(BLOBS "/socket");
    exchange(BLOBS "/f0", BLOBS "/fifo");
    exchange(NESTED, BLOBS "/socket");
    exchange(NESTED, BLOBS "/socket");
    exchange(BLOBS "/f0", BLOBS "/fifo");
    if (board->rounds % 50 == 0) {
        (void)unlink(BLOBS "/fifo");
        (void)unlink(BLOBS "/socket");
    }
}

TEST("MUST 6: FIFOs and sockets in the place of files and folders")
{
    make_repository();
    race(swap_special);
}

static char long_name[64 + NAME_MAX] = BLOBS "/";

static void
make_odd_names(void)
{
    static const char *const names[] = {
        BLOBS "/new\nline", BLOBS "/\xff\xfe\x01", BLOBS "/-rf", BLOBS "/...",
        BLOBS "/\033[2J\033]0;x\a", BLOBS "/%s%n", BLOBS "/\\",
        BLOBS "/$(reboot)",
        BLOBS "/\xed\xa0\x80", BLOBS "/\xc0\xaf", long_name,
    };

    memset(long_name + strlen(BLOBS "/"), 'x', NAME_MAX);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)close(open(names[i], O_CREAT | O_WRONLY, 0646));
        (void)rename(names[(i + 1) % ARRAY_LEN(names)], names[i]);
        (void)mkdir(names[(i + 3) % ARRAY_LEN(names)], 0700);
        (void)rmdir(names[(i + 3) % ARRAY_LEN(names)]);
    }
}

TEST("MUST 6: any name, coming and going")
{
    make_repository();
    race(make_odd_names);
}

/* --- 6: mounts, links ----------------------------------------------------- */

static unsigned told[32]; /* how often each bit of what is wrong */

static void
count_told(const struct audit_item *item, void *data)
{
    (void)data;
    for (unsigned bit = 0; bit < ARRAY_LEN(told); bit++)
        told[bit] += item->what >> bit & 1;
}

static unsigned
times_told(unsigned bit)
{
    return told[__builtin_ctz(bit)];
}

TEST("MUST 6: mounts, special files, escaping links are reported, not entered")
{
    uint64_t sum;

    make_repository();
    make_folder("alice/mounted", ALICE, GID, 0777);
    make_file("alice/mounted/f", "x", ALICE, GID, 0646);
    make_folder(REPO "/snapshots/mount", ALICE, GID, 02770);
    sum = take_sum("alice");
    REQUIRE_INT(mount(tap_in_folder("alice/mounted"),
                      tap_in_folder(REPO "/snapshots/mount"), NULL, MS_BIND,
                      NULL),
                0);
    REQUIRE_INT(symlink("../../../../alice/mounted",
                        tap_in_folder(REPO "/snapshots/link")),
                0);
    REQUIRE_INT(mkfifo(tap_in_folder(BLOBS "/fifo"), 0666), 0);
    options.tell = count_told;
    options.foreign = true;
    repair(1);
    repair(4);
    CHECK(take_sum("alice") == sum);
    CHECK_INT(times_told(LAYOUT_MOUNT), 2);
    CHECK_INT(times_told(LAYOUT_ESCAPE), 2);
    CHECK_INT(times_told(LAYOUT_SPECIAL), 2);
}

TAP_MAIN
