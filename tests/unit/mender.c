/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mender without an attacker: what it mends, what it leaves.  As root each
 * case becomes a user of its own; without root it is who runs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "mender.h"
#include "safefs.h"
#include "tap.h"

#define UID 4001
#define GID 5555
#define LISTING "{\n \"format_version\": 1,\n \"files\": {}\n}"
#define HEX40 "0123456789abcdef0123456789abcdef01234567"

static struct errand errand = {.rules = {GID, 02770, LAYOUT_ACL_AUTO},
                               .own_group = true};
static struct mended mended;

/* Become who mends: what is made from here on is his. */
static void
become_user(void)
{
    gid_t gid = GID;

    errand.rules.gid = getuid() == 0 ? GID : getegid();
    errand.locks_uid = getuid() == 0 ? UID : getuid();
    if (getuid() != 0)
        return;
    REQUIRE_INT(chown(tap_folder(), UID, UID), 0);
    chmod(tap_folder(), 0755);
    REQUIRE(setgroups(1, &gid) == 0 && setresgid(UID, UID, UID) == 0 &&
            setresuid(UID, UID, UID) == 0);
}

/* The same, where the cache's group must not be the user's own. */
static void
become_user_of_two_groups(void)
{
    if (getuid() != 0)
        SKIP("needs a group of its own");
    become_user();
}

static void
make_folder(const char *path, mode_t mode)
{
    REQUIRE_INT(mkdir(tap_in_folder(path), 0700), 0);
    REQUIRE_INT(chmod(tap_in_folder(path), mode), 0);
}

static void
make_file(const char *path, const char *text, mode_t mode)
{
    REQUIRE_INT(chmod(tap_write(path, text), mode), 0);
}

/* A repository as mv leaves it: modes of a umask of 022, no group. */
static void
make_moved(void)
{
    make_folder("hub", 0755);
    make_folder("hub/.locks", 0755);
    REQUIRE_INT(chown(tap_in_folder("hub/.locks"), (uid_t)-1,
                      errand.rules.gid),
                0);
    make_folder("hub/.locks/models--a", 0755);
    REQUIRE_INT(chown(tap_in_folder("hub/.locks/models--a"), (uid_t)-1,
                      errand.rules.gid),
                0);
    make_file("hub/.locks/models--a/x.lock", "", 0644);
    make_folder("hub/models--a", 0755);
    make_folder("hub/models--a/blobs", 0755);
    make_file("hub/models--a/blobs/x", "data", 0644);
    make_folder("hub/models--a/refs", 0755);
    make_file("hub/models--a/refs/main", HEX40, 0644);
    make_folder("hub/models--a/trees", 0755);
    make_file("hub/models--a/trees/" HEX40 ".json", LISTING, 0600);
    make_folder("hub/models--a/snapshots", 0755);
    REQUIRE_INT(symlink("../blobs/x", tap_in_folder("hub/models--a/snapshots/"
                                                    "x")),
                0);
}

static int
run_mender(const char *name, int64_t time_ms)
{
    int fd = safefs_open_root(tap_folder(), NULL);
    int r;

    REQUIRE(fd >= 0);
    mended = (struct mended){0, 0, 0};
    r = mender_mend(fd, name, &errand, util_monotonic_ms() + time_ms, &mended);
    close(fd);
    return r;
}

static void
check_inode(const char *path, mode_t mode, gid_t gid)
{
    struct stat st;

    REQUIRE_INT(lstat(tap_in_folder(path), &st), 0);
    if (!CHECK_INT(st.st_mode & 07777, mode) || !CHECK_INT(st.st_gid, gid))
        tap_note("of %s", path);
}

TEST("a repository moved in is mended whole")
{
    enum acl_fact acl;
    int fd;

    become_user();
    make_moved();
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    CHECK_INT(mended.failed, 0);
    check_inode("hub/models--a", 02775, errand.rules.gid);
    check_inode("hub/models--a/blobs", 02775, errand.rules.gid);
    check_inode("hub/models--a/blobs/x", 0644, errand.rules.gid);
    check_inode("hub/models--a/refs/main", 0664, errand.rules.gid);
    check_inode("hub/models--a/trees/" HEX40 ".json", 0640, errand.rules.gid);
    check_inode("hub/.locks/models--a", 0755, errand.rules.gid);
    fd = open(tap_in_folder("hub/models--a/blobs"), O_PATH);
    CHECK_INT(safefs_default_acl(fd, &acl), 0);
    CHECK(acl == ACL_FACT_2770 || acl == ACL_FACT_UNSUPPORTED);
    CHECK_INT(run_mender("hub/.locks/models--a", 10000), 0);
    check_inode("hub/.locks/models--a", 02775, errand.rules.gid);
    check_inode("hub/.locks/models--a/x.lock", 0664, errand.rules.gid);
    check_inode("hub", 0755, getegid());
}

TEST("what is mended is not touched again")
{
    struct stat before, after;

    become_user();
    make_moved();
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    CHECK(mended.changed >= 7);
    REQUIRE_INT(stat(tap_in_folder("hub/models--a/blobs"), &before), 0);
    usleep(20000);
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    CHECK_INT(mended.changed, 0);
    CHECK_INT(mended.failed, 0);
    REQUIRE_INT(stat(tap_in_folder("hub/models--a/blobs"), &after), 0);
    CHECK_INT(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
    CHECK_INT(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

TEST("a file that its owner closed to the group stays closed")
{
    become_user();
    make_moved();
    make_file("hub/models--a/blobs/secret", "x", 0600);
    make_file("hub/models--a/blobs/sealed", "x", 0400);
    make_file("hub/models--a/snapshots/secret", "x", 0600);
    make_file("hub/models--a/trees/notes.txt", "x", 0600);
    make_file("hub/.locks/models--a/closed.lock", "", 0600);
    make_file("hub/.locks/models--a/secret.lock", "x", 0600);
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    CHECK_INT(run_mender("hub/.locks/models--a", 10000), 0);
    check_inode("hub/models--a/blobs/secret", 0600, getegid());
    check_inode("hub/models--a/blobs/sealed", 0400, getegid());
    check_inode("hub/models--a/snapshots/secret", 0600, getegid());
    check_inode("hub/models--a/trees/notes.txt", 0600, getegid());
    check_inode("hub/.locks/models--a/secret.lock", 0600, getegid());
    check_inode("hub/.locks/models--a/closed.lock", 0660, errand.rules.gid);
}

TEST("nothing is given to others, what the layout forbids them is taken")
{
    become_user();
    make_moved();
    make_folder("hub/models--a/.no_exist", 0770);
    make_file("hub/models--a/.no_exist/y", "", 0640);
    make_file("hub/models--a/blobs/wide", "x", 0666);
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    check_inode("hub/models--a/.no_exist", 02770, errand.rules.gid);
    check_inode("hub/models--a/.no_exist/y", 0640, errand.rules.gid);
    check_inode("hub/models--a/blobs/wide", 0664, errand.rules.gid);
}

TEST("other users' inodes, second links, links and FIFOs are left alone")
{
    if (getuid() != 0)
        SKIP("needs root to make another's inodes");
    make_folder("other", 0755);
    REQUIRE_INT(chown(tap_in_folder("other"), 4002, 4002), 0);
    tap_write("otherfile", "");
    REQUIRE_INT(chown(tap_in_folder("otherfile"), 4002, 4002), 0);
    become_user();
    make_moved();
    make_file("hub/models--a/blobs/linked", "x", 0644);
    REQUIRE_INT(link(tap_in_folder("hub/models--a/blobs/linked"),
                     tap_in_folder("elsewhere")),
                0);
    REQUIRE_INT(mkfifo(tap_in_folder("hub/models--a/blobs/fifo"), 0644), 0);
    REQUIRE_INT(rename(tap_in_folder("otherfile"),
                       tap_in_folder("hub/models--a/blobs/other")),
                0);
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    check_inode("hub/models--a/blobs/linked", 0644, UID);
    check_inode("hub/models--a/blobs/fifo", 0644, UID);
    check_inode("hub/models--a/blobs/other", 0644, 4002);
    check_inode("hub/models--a/snapshots/x", 0777, UID);
    check_inode("hub/models--a", 02775, GID);
    CHECK_INT(mended.failed, 0);
}

TEST("where others may hard-link any file, files are left and folders mended")
{
    tap_own_mounts();
    REQUIRE_INT(mount(tap_write("zero", "0\n"),
                      "/proc/sys/fs/protected_hardlinks", NULL, MS_BIND, NULL),
                0);
    become_user();
    make_moved();
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    check_inode("hub/models--a/blobs", 02775, GID);
    check_inode("hub/models--a/refs/main", 0644, UID);
    check_inode("hub/models--a/trees/" HEX40 ".json", 0600, UID);
}

TEST("nothing but a repository or a lock folder is entered")
{
    static const char *const names[] = {
        "", ".", "..", "hub", "hub/", "hub/..", "hub/what", "hub/.locks",
        "hub/.locks/", "hub/.locks/..", "hub/models--a/blobs",
        "hub/.locks/models--a/x", "/etc", "../hub/models--a", "models--a",
        "hub/blobs",
    };

    become_user();
    make_moved();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!CHECK_INT(run_mender(names[i], 10000), -EINVAL))
            tap_note("of %s", names[i]);
    CHECK_INT(run_mender("hub/models--none", 10000), -ENOENT);
}

TEST("children first, the named folder last: a stopped run is seen again")
{
    become_user();
    make_moved();
    CHECK_INT(run_mender("hub/models--a", -1), -ETIMEDOUT);
    check_inode("hub/models--a", 0755, getegid());
}

/* Nanoseconds. */
static int64_t
ctime_of(const char *name)
{
    struct stat st;

    REQUIRE_INT(stat(tap_in_folder(name), &st), 0);
    return st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
}

/* Files that are so young are waited for: longer than a tick of the clock. */
TEST("children first, the named folder last: none changes after it")
{
    static const char *const below[] = {
        "blobs", "blobs/x", "refs", "refs/main", "trees",
        "trees/" HEX40 ".json", "snapshots"};
    char name[128];

    become_user();
    make_moved();
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    CHECK(mended.changed >= 7);
    for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
        snprintf(name, sizeof(name), "hub/models--a/%s", below[i]);
        if (!CHECK(ctime_of(name) <= ctime_of("hub/models--a")))
            tap_note("after its folder: %s", name);
    }
}

static gid_t
gid_of(const char *path)
{
    struct stat st;

    REQUIRE_INT(lstat(tap_in_folder(path), &st), 0);
    return st.st_gid;
}

TEST("children first: no folder is opened before a child, for want of means")
{
    struct rlimit limit, low;
    int r = -1, stopped = 0;

    if (getuid() != 0)
        SKIP("needs root: a user of his own, and a group");
    become_user();
    make_moved();
    REQUIRE_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (low = limit, low.rlim_cur = 5; r != 0 && low.rlim_cur < 64;
         low.rlim_cur++) {
        REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
        r = run_mender("hub/models--a", 10000);
        REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
        stopped += r == -ECANCELED;
        if (gid_of("hub/models--a/blobs") == GID)
            CHECK_INT(gid_of("hub/models--a/blobs/x"), GID);
    }
    CHECK(r == 0 && stopped > 0);
}

TEST("who is not in the group mends what he can and gives nothing away")
{
    struct stat st;

    if (getuid() != 0)
        SKIP("needs root to be in no group");
    become_user();
    make_moved();
    errand.rules.gid = 5556; /* not his */
    make_file("hub/models--a/blobs/wide", "x", 0666);
    CHECK_INT(run_mender("hub/models--a", 10000), 0);
    CHECK(mended.failed > 0);
    check_inode("hub/models--a/blobs/wide", 0664, UID);
    REQUIRE_INT(stat(tap_in_folder("hub/models--a"), &st), 0);
    CHECK_INT(st.st_mode & 022, 0);
}

/* What somebody else could bring: a folder of Alice's, of another group. */
static void
make_brought(const char *top, mode_t mode)
{
    char path[200];

    make_folder(top, mode);
    snprintf(path, sizeof(path), "%s/private", top);
    make_folder(path, 0750);
    snprintf(path, sizeof(path), "%s/private/secret", top);
    make_file(path, "secret", 0640);
}

TEST("what others could have moved in stays closed: a folder they write")
{
    become_user_of_two_groups();
    make_folder("hub", 0755);
    make_brought("hub/models--a", 0777);
    make_folder("hub/models--b", 02770);
    REQUIRE_INT(chown(tap_in_folder("hub/models--b"), (uid_t)-1, GID), 0);
    chmod(tap_in_folder("hub/models--b"), 02770);
    make_brought("hub/models--b/snapshots", 0750);
    CHECK_INT(chown(tap_in_folder("hub/models--b/snapshots"), (uid_t)-1, UID),
              0);
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    CHECK_INT(run_mender("hub/models--b", 5000), 0);
    check_inode("hub/models--a", 0777, UID);
    check_inode("hub/models--a/private", 0750, UID);
    check_inode("hub/models--a/private/secret", 0640, UID);
    check_inode("hub/models--b/snapshots", 0750, UID);
    check_inode("hub/models--b/snapshots/private/secret", 0640, UID);
}

TEST("what others could have moved in stays closed: a group with others")
{
    errand.own_group = false;
    become_user_of_two_groups();
    make_folder("hub", 0755);
    make_brought("hub/models--a", 0770);
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    check_inode("hub/models--a", 0770, UID);
    check_inode("hub/models--a/private/secret", 0640, UID);
}

/* user::rwx,user:OTHER:rwx,group::---,mask::rwx,other::--- */
static void
share_with_other(const char *path)
{
    static const unsigned char acl[] = {
        2,    0, 0, 0, 1,   0,   7,   0,   255, 255, 255, 255, 2,   0,   7,
        0,    0xa2, 0x0f, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255, 0x10, 0,
        7,    0, 255, 255, 255, 255, 0x20, 0, 0, 0, 255, 255, 255, 255};

    if (setxattr(tap_in_folder(path), "system.posix_acl_access", acl,
                 sizeof(acl), 0) < 0)
        SKIP("the file system of /tmp has no ACLs");
}

TEST("what others could have moved in stays closed: an ACL")
{
    become_user_of_two_groups();
    make_folder("hub", 0755);
    make_folder("hub/models--a", 0770);
    make_folder("hub/models--a/blobs", 0750);
    make_file("hub/models--a/blobs/x", "secret", 0640);
    share_with_other("hub/models--a");
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    check_inode("hub/models--a", 0770, UID);
    check_inode("hub/models--a/blobs", 0750, UID);
    check_inode("hub/models--a/blobs/x", 0640, UID);
}

/* A folder of the cache's group: whoever is in it may have put things there. */
static void
make_shared(const char *path, mode_t mode)
{
    make_folder(path, 0700);
    REQUIRE_INT(chown(tap_in_folder(path), (uid_t)-1, GID), 0);
    REQUIRE_INT(chmod(tap_in_folder(path), mode), 0);
}

TEST("what others could have moved in stays closed: a file")
{
    become_user_of_two_groups();
    make_folder("hub", 0755);
    make_shared("hub/models--a", 02770);
    make_shared("hub/models--a/blobs", 02770);
    make_file("hub/models--a/blobs/closed", "secret", 0640);
    make_file("hub/models--a/blobs/open", "known to all", 0644);
    REQUIRE_INT(chown(tap_in_folder("hub/models--a/blobs/closed"), (uid_t)-1,
                      UID),
                0);
    REQUIRE_INT(chown(tap_in_folder("hub/models--a/blobs/open"), (uid_t)-1,
                      UID),
                0);
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    check_inode("hub/models--a/blobs/closed", 0640, UID);
    check_inode("hub/models--a/blobs/open", 0644, GID);
}

TEST("a folder that its owner closed to the group is left with all in it")
{
    become_user_of_two_groups();
    make_folder("hub", 0755);
    make_shared("hub/models--a", 02770);
    make_shared("hub/models--a/blobs", 0700);
    make_file("hub/models--a/blobs/x", "data", 0646);
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    check_inode("hub/models--a/blobs", 0700, GID);
    check_inode("hub/models--a/blobs/x", 0646, UID);
}

TEST("below hub/.locks a folder of another group is left with all in it")
{
    become_user_of_two_groups();
    make_moved();
    make_folder("hub/.locks/models--b", 0750);
    make_file("hub/.locks/models--b/x.lock", "", 0600);
    CHECK_INT(run_mender("hub/.locks/models--b", 5000), 0);
    check_inode("hub/.locks/models--b", 0750, UID);
    check_inode("hub/.locks/models--b/x.lock", 0600, UID);
}

TEST("a group of the user's own is nobody else's")
{
    become_user_of_two_groups();
    make_folder("hub", 0755);
    make_folder("hub/models--a", 0775);
    make_folder("hub/models--a/blobs", 0775);
    make_file("hub/models--a/blobs/x", "data", 0664);
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    check_inode("hub/models--a", 02775, GID);
    check_inode("hub/models--a/blobs", 02775, GID);
    check_inode("hub/models--a/blobs/x", 0664, GID);
}

TEST("below a hub/.locks that somebody put there nothing is mended")
{
    become_user();
    make_moved();
    errand.locks_uid = getuid() + 1;
    CHECK_INT(run_mender("hub/.locks/models--a", 5000), -EPERM);
    check_inode("hub/.locks/models--a", 0755, errand.rules.gid);
    errand.locks_uid = getuid();
    errand.rules.gid = getegid() + 1;
    CHECK_INT(run_mender("hub/.locks/models--a", 5000), -EPERM);
}

TEST("a closed file in trees/ is opened only if it is a listing")
{
    become_user();
    make_moved();
    make_file("hub/models--a/trees/" HEX40 ".json", "{\"secret\": 1}", 0600);
    CHECK_INT(run_mender("hub/models--a", 5000), 0);
    check_inode("hub/models--a/trees/" HEX40 ".json", 0600,
                getegid());
}

TAP_MAIN
