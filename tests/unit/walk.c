/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk: what it visits, in which order, and what it never enters.
 */
#include "walk_seen.h"

/* Beside the tree. */
static const char *
elsewhere(void)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s-elsewhere", tap_folder());
    return path;
}

static const char *moved; /* the path that is moved there when it is visited */

static void
move_elsewhere(const struct walk_item *item)
{
    if (item->event == WALK_FOLDER && strcmp(item->path, moved) == 0)
        REQUIRE_INT(rename(tap_in_folder(moved), elsewhere()), 0);
}

/* a/b/f */
static void
make_small(void)
{
    REQUIRE_INT(mkdir(tap_in_folder("a"), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("a/b"), 0755), 0);
    tap_write("a/b/f", "");
}

TEST("a folder is told before and after what is in it")
{
    struct seen seen = SEEN_INIT;

    make_small();
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b a/b/f>a/b>a");
}

static void
check_item(const struct walk_item *item)
{
    struct stat st, named;

    REQUIRE_INT(fstatat(item->dir_fd, item->name, &named, AT_SYMLINK_NOFOLLOW),
                0);
    CHECK_INT(named.st_ino, item->stat->stx_ino);
    CHECK_INT(named.st_mode & S_IFMT, item->type);
    CHECK_INT(named.st_mode, item->stat->stx_mode);
    CHECK_INT(named.st_uid, item->stat->stx_uid);
    CHECK_INT(named.st_ctim.tv_nsec, item->stat->stx_ctime.tv_nsec);
    if (item->event == WALK_FOLDER) {
        REQUIRE_INT(fstat(item->fd, &st), 0);
        CHECK_INT(st.st_ino, item->stat->stx_ino);
        CHECK_INT(fcntl(item->fd, F_GETFL) & O_PATH, 0);
    } else {
        CHECK_INT(item->fd, -1);
    }
    CHECK_INT(!item->found, item->event == WALK_FOLDER_DONE);
    CHECK_INT(!item->mark, item->event == WALK_ENTRY);
}

TEST("an item is what it says: name, folder, descriptor, stat, mark")
{
    struct seen seen = SEEN_INIT;

    make_small();
    seen.act = check_item;
    CHECK_INT(walk_with("", 1, &seen), 0);
    CHECK_STR(seen.log, "<<a<a/b a/b/f>a/b>a>");
    CHECK_INT(seen.marks, 7 + 3);
}

TEST("a start that is deeper, the root itself, and none")
{
    struct seen deeper = SEEN_INIT, whole = SEEN_INIT, none = SEEN_INIT;

    make_small();
    CHECK_INT(walk_with("a/b", 1, &deeper), 0);
    CHECK_STR(deeper.log, "<a/b a/b/f>a/b");
    CHECK_INT(walk_with("", 1, &whole), 0);
    CHECK_STR(whole.log, "<<a<a/b a/b/f>a/b>a>");
    CHECK_INT(walk_with("a/c", 1, &none), -ENOENT);
    CHECK_INT(walk_with("a/b/f", 1, &none), -ENOTDIR);
    CHECK_STR(none.log, "");
}

static char target[64];

static void
keep_target(const struct walk_item *item)
{
    if (item->event != WALK_ENTRY)
        return;
    CHECK_INT(item->type, S_IFLNK);
    CHECK(!item->stat);
    snprintf(target, sizeof(target), "%s",
             item->target ? item->target : "(not read)");
}

TEST("links are told, never entered, nor is a start behind one")
{
    struct seen seen = SEEN_INIT, behind = SEEN_INIT;

    make_small();
    mkdir(tap_in_folder("out"), 0755);
    mkdir(tap_in_folder("out/sub"), 0755);
    REQUIRE_INT(symlink("../../out", tap_in_folder("a/b/link")), 0);
    REQUIRE_INT(unlink(tap_in_folder("a/b/f")), 0);
    seen.act = keep_target;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b a/b/link>a/b>a");
    CHECK_STR(target, "(not read)");
    CHECK(walk_with("a/b/link", 1, &behind) < 0);
    CHECK_INT(walk_with("a/b/link/sub", 1, &behind), -ELOOP);
    CHECK_STR(behind.log, "");
}

TEST("links' targets are read if that is asked for")
{
    struct walk_options options = {.until_ms = INT64_MAX, .targets = true};
    struct seen seen = SEEN_INIT;

    mkdir(tap_in_folder("a"), 0755);
    REQUIRE_INT(symlink("where/ever", tap_in_folder("a/link")), 0);
    seen.act = keep_target;
    CHECK_INT(walk_in(NULL, "a", &options, &seen), 0);
    CHECK_STR(target, "where/ever");
}

TEST("any name is a name")
{
    static const char *const names[] = {"new\nline", "\xff\xfe", "-rf", " ",
                                        "...", "%s", "\x01", "..a"};
    char long_name[256];
    struct seen seen = SEEN_INIT;

    mkdir(tap_in_folder("a"), 0755);
    memset(long_name, 'x', 255);
    long_name[255] = '\0';
    REQUIRE_INT(chdir(tap_in_folder("a")), 0);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        REQUIRE_INT(mkdir(names[i], 0755), 0);
        REQUIRE_INT(chdir(names[i]), 0);
        REQUIRE_INT(close(open(names[i], O_CREAT | O_WRONLY, 0600)), 0);
        REQUIRE_INT(chdir(".."), 0);
    }
    REQUIRE_INT(mkdir(long_name, 0755), 0);
    REQUIRE_INT(chdir(long_name), 0);
    REQUIRE_INT(mkdir(long_name, 0755), 0);
    long_name[0] = 'y';
    REQUIRE_INT(close(open(long_name, O_CREAT | O_WRONLY, 0600)), 0);
    REQUIRE_INT(chdir("/"), 0);
    seen.act = check_item;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_INT(seen.done, ARRAY_LEN(names) + 3);
    CHECK_INT(seen.entries, ARRAY_LEN(names) + 1);
    CHECK_INT(seen.problems, 0);
}

TEST("a folder that is skipped is not entered and not told again")
{
    struct seen seen = SEEN_INIT;

    make_small();
    seen.skip = "a/b";
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b>a");
}

TEST("a visit can end the walk, whatever it is told")
{
    struct seen folder = SEEN_INIT, entry = SEEN_INIT;

    make_small();
    folder.stop = "a/b";
    CHECK_INT(walk_with("a", 1, &folder), -ECANCELED);
    CHECK_STR(folder.log, "<a<a/b");
    entry.stop = "a/b/f";
    CHECK_INT(walk_with("a", 1, &entry), -ECANCELED);
    CHECK_STR(entry.log, "<a<a/b a/b/f");
}

static enum walk_next
stop_when_done(const struct walk_item *item, void *data)
{
    (void)visit(item, data);
    return item->event == WALK_FOLDER ? WALK_ON_DONE
           : item->event == WALK_FOLDER_DONE ? WALK_STOP
                                             : WALK_ON;
}

TEST("a visit can end the walk when a folder is done")
{
    struct walk_options options = {.until_ms = INT64_MAX};
    struct seen seen = SEEN_INIT;
    int fd;

    make_small();
    fd = open(tap_folder(), O_PATH);
    CHECK_INT(walk_run(fd, "a", &options, stop_when_done, &seen), -ECANCELED);
    CHECK_STR(seen.log, "<a<a/b a/b/f>a/b");
}

TEST("the deadline ends the walk, and so does the flag")
{
    atomic_bool stop = true;
    struct walk_options late = {.until_ms = util_monotonic_ms() - 1};
    struct walk_options stopped = {.until_ms = INT64_MAX, .stop = &stop};
    struct seen seen = SEEN_INIT;

    make_small();
    CHECK_INT(walk_in(NULL, "a", &late, &seen), -ETIMEDOUT);
    CHECK_INT(walk_in(NULL, "a", &stopped, &seen), -ECANCELED);
    CHECK_STR(seen.log, "");
}

static atomic_bool stop_now;

static void
stop_at_f(const struct walk_item *item)
{
    stop_now = stop_now || item->event == WALK_FOLDER;
}

TEST("a flag that is set on the way ends the walk soon")
{
    struct walk_options options = {.until_ms = INT64_MAX, .stop = &stop_now};
    struct seen seen = SEEN_INIT;

    make_deep(tap_in_folder("a"), 200);
    seen.act = stop_at_f;
    CHECK_INT(walk_in(NULL, "a", &options, &seen), -ECANCELED);
    CHECK(seen.folders < 66);
}

TEST("a folder that is moved away while it is read is read on")
{
    struct seen seen = SEEN_INIT;

    make_small();
    moved = "a/b";
    seen.act = move_elsewhere;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_STR(seen.log, "<a<a/b a/b/f>a/b>a");
    REQUIRE_INT(rename(elsewhere(), tap_in_folder("back")), 0);
}

TEST("a deep folder that was moved out of the tree is not gone on with")
{
    struct seen seen = SEEN_INIT;
    char path[512] = "a";

    make_deep(tap_in_folder("a"), 200);
    for (unsigned i = 0; i < 100; i++)
        strcat(path, "/d");
    moved = path;
    seen.act = move_elsewhere;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK(seen.problems > 0);
    CHECK_INT(seen.error, ENOENT);
    CHECK(seen.done < seen.folders);
    REQUIRE_INT(rename(elsewhere(), tap_in_folder("back")), 0);
}

static void
replace_deep(const struct walk_item *item)
{
    move_elsewhere(item);
    if (item->event == WALK_FOLDER && strcmp(item->path, moved) == 0)
        make_deep(tap_in_folder(moved), 150);
}

TEST("a deep folder that was replaced by another is not gone on with")
{
    struct seen seen = SEEN_INIT;
    char path[512] = "a";

    make_deep(tap_in_folder("a"), 200);
    for (unsigned i = 0; i < 50; i++)
        strcat(path, "/d");
    moved = path;
    seen.act = replace_deep;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK(seen.problems > 0);
    CHECK_INT(seen.error, ENOENT);
    CHECK(seen.folders <= 401);
    REQUIRE_INT(rename(elsewhere(), tap_in_folder("back")), 0);
}

TEST("an unreadable folder is a problem, the rest is visited")
{
    struct seen seen = SEEN_INIT;

    mkdir(tap_in_folder("a"), 0755);
    mkdir(tap_in_folder("a/b"), 0000);
    if (getuid() == 0) {
        chmod(tap_folder(), 0755);
        REQUIRE(setresuid(4001, 4001, 4001) == 0);
    }
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_STR(seen.log, "<a!a/b>a");
    CHECK_INT(seen.error, EACCES);
    CHECK_INT(seen.problem.stx_mode, S_IFDIR); /* it could be looked at */
}

static void
remove_rest(const struct walk_item *item)
{
    if (item->event == WALK_FOLDER && strcmp(item->path, "a") == 0) {
        REQUIRE_INT(unlink(tap_in_folder("a/b/f")), 0);
        REQUIRE_INT(rmdir(tap_in_folder("a/b")), 0);
    } else if (item->event == WALK_ENTRY) {
        (void)unlink(tap_in_folder("a/x"));
        (void)unlink(tap_in_folder("a/y"));
    }
}

TEST("what vanishes before it is looked at is a problem, the rest is visited")
{
    struct seen seen = SEEN_INIT;

    make_small();
    tap_write("a/x", "");
    tap_write("a/y", "");
    seen.act = remove_rest;
    CHECK_INT(walk_with("a", 1, &seen), 0);
    CHECK_INT(seen.entries, 1);
    CHECK_INT(seen.problems, 1); /* a/b was gone before a was read */
    CHECK_INT(seen.error, ENOENT);
    CHECK_INT(seen.done, 1);
}

TAP_MAIN
