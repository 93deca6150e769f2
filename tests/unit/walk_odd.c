/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk on file systems that say less, or more, or nothing any more.
 */
#include "walk_check.h"

/* What getdents64() does to what the kernel said, in the folder `victim`. */
static enum { AS_IT_IS, NO_TYPES, LONG_NAMES, NO_MORE } oddity;
static ino_t victim; /* 0: in each */
static unsigned char type = DT_REG; /* of LONG_NAMES */

#define LONG 4000

/* One entry more, of a name longer than any that can be asked for. */
static ssize_t
add_long_name(char *buffer, ssize_t length)
{
    struct dirent64 *entry = (void *)(buffer + length);

    memset(entry, 0, LONG + 40);
    entry->d_ino = 1;
    entry->d_off = 1;
    entry->d_type = type;
    entry->d_reclen = (unsigned short)((offsetof(struct dirent64, d_name) +
                                        LONG + 8) & ~(size_t)7);
    memset((char *)entry + offsetof(struct dirent64, d_name), 'x', LONG);
    return length + entry->d_reclen;
}

static void
forget_types(char *buffer, ssize_t length)
{
    for (ssize_t at = 0; at < length;) {
        struct dirent64 *entry = (void *)(buffer + at);

        entry->d_type = DT_UNKNOWN;
        at += entry->d_reclen;
    }
}

/* As the C library declares it. */
#ifdef __GLIBC__
#define LENGTH ssize_t
#define NAMES void
#else
#define LENGTH int
#define NAMES struct dirent
#endif

LENGTH
getdents64(int fd, NAMES *buffer, size_t size)
{
    bool odd = oddity == LONG_NAMES || oddity == NO_MORE;
    ssize_t length;
    struct stat st;

    length = syscall(SYS_getdents64, fd, buffer, odd ? size / 2 : size);
    REQUIRE_INT(fstat(fd, &st), 0);
    if (length <= 0 || (victim && victim != st.st_ino))
        return (LENGTH)length;
    if (oddity == NO_TYPES)
        forget_types((void *)buffer, length);
    if (oddity == LONG_NAMES)
        return (LENGTH)add_long_name((void *)buffer, length);
    if (oddity != NO_MORE)
        return (LENGTH)length;
    errno = EIO;
    return -1;
}

static const char *untouchable; /* a name that must not be looked at */

int
statx(int fd, const char *restrict name, int flags, unsigned mask,
      struct statx *restrict ret)
{
    if (untouchable && strcmp(name, untouchable) == 0)
        CHECK_STR(name, "not looked at");
    return (int)syscall(SYS_statx, fd, name, flags, mask, ret);
}

static void
make_tree(void)
{
    mkdir(state(), 0755);
    mkdir(tap_in_folder("tree"), 0755);
    mkdir(tap_in_folder("tree/a"), 0755);
    mkdir(tap_in_folder("tree/a/b"), 0755);
    tap_write("tree/a/f", "");
    tap_write("tree/a/b/g", "");
    REQUIRE_INT(symlink("f", tap_in_folder("tree/a/link")), 0);
    REQUIRE_INT(mkfifo(tap_in_folder("tree/a/b/fifo"), 0600), 0);
}

static void
check_type(const struct walk_item *item)
{
    struct stat st;

    if (item->event == WALK_FOLDER_DONE)
        return;
    REQUIRE_INT(fstatat(item->dir_fd, item->name, &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_INT(item->type, st.st_mode & S_IFMT);
    CHECK_STR(item->target, S_ISLNK(st.st_mode) ? "f" : NULL);
}

TEST("where names have no types, they are found out")
{
    struct walk_options options = {.until_ms = INT64_MAX, .targets = true};
    struct seen typed = SEEN_INIT, seen = SEEN_INIT;

    make_tree();
    CHECK_INT(walk_with("tree", 1, &typed), 0);
    oddity = NO_TYPES;
    seen.act = check_type;
    CHECK_INT(walk_in(NULL, "tree", &options, &seen), 0);
    /* In any order: that goes by inodes, as far as they lie apart. */
    CHECK_INT(strlen(seen.log), strlen(typed.log));
    CHECK(strstr(seen.log, " tree/a/link") && strstr(seen.log, " tree/a/f"));
    CHECK_INT(seen.folders, 3);
    CHECK_INT(seen.entries, 4);
    CHECK_INT(check().folders, 3);
    CHECK_INT(check().reused, 3);
}

static void
check_untouched(void)
{
    struct seen seen = SEEN_INIT;

    tap_own_mounts();
    make_tree();
    REQUIRE_INT(mount("tmpfs", tap_in_folder("tree/a/b"), "tmpfs", 0, NULL),
                0);
    REQUIRE_INT(mount("/dev/null", tap_in_folder("tree/a/f"), NULL, MS_BIND,
                      NULL),
                0);
    untouchable = "b";
    CHECK_INT(walk_with("tree", 1, &seen), 0);
    untouchable = "f";
    CHECK_INT(walk_with("tree", 1, &seen), 0);
    CHECK_INT(seen.error, EXDEV);
    CHECK_INT(seen.problems, 4);
    CHECK_INT(seen.folders, 4);
    REQUIRE_INT(umount(tap_in_folder("tree/a/b")), 0);
    REQUIRE_INT(umount(tap_in_folder("tree/a/f")), 0);
}

TEST("no call is made on a mount")
{
    check_untouched();
}

TEST("not even to find out its type")
{
    oddity = NO_TYPES;
    check_untouched();
}

TEST("names longer than any are problems, the rest is visited")
{
    struct seen seen = SEEN_INIT;

    make_tree();
    oddity = LONG_NAMES;
    CHECK_INT(walk_with("tree", 1, &seen), 0);
    CHECK_INT(seen.error, ENAMETOOLONG);
    CHECK_INT(seen.problems, 3);
    CHECK_INT(seen.folders, 3);
    CHECK_INT(seen.entries, 4);
    CHECK_INT(seen.done, 3);
}

TEST("nor are folders with such folders taken for known")
{
    make_tree();
    oddity = LONG_NAMES;
    type = DT_DIR;
    CHECK_INT(check().folders, 3);
    CHECK_INT(check().folders, 3);
    CHECK_INT(check().problems, 3);
    CHECK_INT(check().error, ENAMETOOLONG);
}

TEST("a folder that cannot be read is told, and not taken for known")
{
    struct seen seen;
    struct stat st;

    make_tree();
    REQUIRE_INT(stat(tap_in_folder("tree/a"), &st), 0);
    victim = st.st_ino;
    oddity = NO_MORE;
    seen = check();
    CHECK_STR(seen.log, "<<a!a>a>");
    CHECK_INT(seen.error, EIO);
    CHECK_INT(check().problems, 1);
    oddity = AS_IT_IS;
    seen = check();
    CHECK_INT(seen.reused, 1);
    CHECK_INT(seen.folders, 2);
    CHECK_INT(seen.entries, 4);
    CHECK_INT(seen.problems, 0);
}

TAP_MAIN
