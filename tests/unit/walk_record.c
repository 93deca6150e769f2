/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshots that walks leave: of folders with many names, and of trees that
 * are changed while they are recorded.
 */
#include "walk_check.h"

/* --- many names ---------------------------------------------------------- */

static void
make_many(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        char path[64];

        snprintf(path, sizeof(path), "tree/folder %u", i);
        REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
    }
}

static void
remove_many(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        char path[64];

        snprintf(path, sizeof(path), "tree/folder %u", i);
        REQUIRE_INT(rmdir(tap_in_folder(path)), 0);
    }
}

TEST("of many names only those that were not there before are read")
{
    struct seen seen;

    REQUIRE_INT(mkdir(state(), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("tree"), 0755), 0);
    make_many(0, 1000);
    CHECK_INT(check().folders, 1001);
    make_many(1000, 7);
    remove_many(200, 300);
    seen = check();
    CHECK_INT(seen.folders, 1 + 7);
    CHECK_INT(seen.reused, 700);
    remove_many(500, 507);
    make_many(5000, 500);
    seen = check();
    CHECK_INT(seen.folders, 1 + 500);
    CHECK_INT(seen.reused, 200);
    CHECK_INT(check().folders, 0);
}

/* Make the root's names those of a folder that had them the other way round. */
static void
reverse_names(void)
{
    struct snapshot_of of = describe_root(tap_in_folder("tree"));
    struct snapshot_writer *writer;
    struct snapshot_folder root;
    struct snapshot *known;
    const char *at, *name;
    uint32_t number;
    size_t end;
    char *list;

    REQUIRE_INT(snapshot_open(file(), getuid(), &of, &known), 0);
    REQUIRE(snapshot_get(known, SNAPSHOT_ROOT, &root));
    REQUIRE_INT(snapshot_begin(open(state(), O_RDONLY), "snapshot", &of, known,
                               1, &writer),
                0);
    list = malloc(root.names_length);
    end = root.names_length;
    at = root.names;
    while ((name = snapshot_next(&at, root.names + root.names_length,
                                 &number))) {
        end -= snapshot_name_bytes(strlen(name));
        snapshot_put_name(list + end, name, strlen(name), number);
        snapshot_keep(writer, number);
    }
    REQUIRE_INT(end, 0);
    root.names = list;
    root.ctime_ns++; /* so that it will be read */
    snapshot_add(writer, 0, SNAPSHOT_ROOT, &root);
    REQUIRE_INT(snapshot_commit(writer), 0);
    snapshot_end(writer);
    snapshot_close(known);
    free(list);
}

TEST("names that all come in another order are found")
{
    struct seen seen;

    REQUIRE_INT(mkdir(state(), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("tree"), 0755), 0);
    make_many(0, 1000);
    CHECK_INT(check().folders, 1001);
    reverse_names();
    seen = check();
    CHECK_INT(seen.folders, 1);
    CHECK_INT(seen.reused, 1000);
    CHECK_INT(check().folders, 0);
}

TEST("a folder of too many names is read each time, its folders are not lost")
{
    char name[256];
    struct seen seen;

    REQUIRE_INT(mkdir(state(), 0755), 0);
    tap_own_mounts();
    REQUIRE_INT(mkdir(tap_in_folder("tree"), 0755), 0);
    REQUIRE_INT(mount("tmpfs", tap_in_folder("tree"), "tmpfs", 0,
                      "nr_inodes=0"),
                0);
    make_many(0, 3);
    REQUIRE_INT(mkdir(tap_in_folder("tree/folder 0/many"), 0755), 0);
    REQUIRE_INT(chdir(tap_in_folder("tree/folder 0/many")), 0);
    memset(name, 'x', 255);
    name[255] = '\0';
    for (unsigned i = 0; i < 66000; i++) { /* of 260 bytes: more than 16 MB */
        sprintf(name, "%08u", i);
        name[8] = 'x';
        REQUIRE_INT(mkdir(name, 0755), 0);
    }
    REQUIRE_INT(chdir("/"), 0);
    CHECK_INT(check().folders, 66005);
    seen = check();
    CHECK_INT(seen.folders, 66001);
    CHECK_INT(seen.reused, 4);
    CHECK_INT(seen.problems, 0);
    REQUIRE_INT(umount2(tap_in_folder("tree"), MNT_DETACH), 0);
}

/* --- others -------------------------------------------------------------- */

#define GROUPS 20
#define MEMBERS 20

static bool over;

/* One change in each folder at some time: a file more, or a folder more. */
static void *
change_each(void *data)
{
    unsigned step = *(unsigned *)data;

    for (unsigned i = 0; i < GROUPS * MEMBERS; i++) {
        unsigned n = i * 7 % (GROUPS * MEMBERS);
        char path[128];

        snprintf(path, sizeof(path), "%s/tree/%u/%u/new %u", tap_folder(),
                 n / MEMBERS, n % MEMBERS, step);
        if (n % 2)
            REQUIRE_INT(mkdir(path, 0755), 0);
        else
            REQUIRE_INT(close(open(path, O_CREAT | O_WRONLY, 0644)), 0);
        if (i % 16 == 0)
            usleep(500);
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    return NULL;
}

static void
make_groups(void)
{
    char path[64];

    REQUIRE_INT(mkdir(state(), 0755), 0);
    REQUIRE_INT(mkdir(tap_in_folder("tree"), 0755), 0);
    for (unsigned i = 0; i < GROUPS * (MEMBERS + 1); i++) {
        snprintf(path, sizeof(path), i < GROUPS ? "tree/%u" : "tree/%u/%u",
                 i % GROUPS, i / GROUPS - 1);
        REQUIRE_INT(mkdir(tap_in_folder(path), 0755), 0);
    }
}

static unsigned wrong; /* folders with other contents than was told */
static unsigned made;  /* by change_each() */

static unsigned
count_entries(int dir_fd, const char *name)
{
    DIR *dir = fdopendir(openat(dir_fd, name, O_RDONLY));
    unsigned entries = 0;
    struct dirent *entry;

    while ((entry = readdir(dir)))
        entries += entry->d_type != DT_DIR;
    closedir(dir);
    return entries;
}

/* What is told of a folder as known must be so: entries, and later folders. */
static void
compare_with_tree(const struct walk_item *item)
{
    if (item->event != WALK_FOLDER && item->event != WALK_REUSED)
        return;
    if (strstr(item->path, "new"))
        __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    if (item->known &&
        item->known->entries != count_entries(item->dir_fd, item->name))
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void
check_while_changed(unsigned workers)
{
    struct seen seen = SEEN_INIT;
    unsigned walks = 0;
    pthread_t thread;

    jobs = workers;
    ahead = 0; /* it must know by itself what has settled */
    make_groups();
    for (unsigned step = 0; step < 2; step++) {
        usleep(2300000);
        CHECK(check().folders > 0);
        usleep(10000);
        over = false;
        REQUIRE_INT(pthread_create(&thread, NULL, change_each, &step), 0);
        for (; !__atomic_load_n(&over, __ATOMIC_RELAXED); walks++)
            (void)check();
        REQUIRE_INT(pthread_join(thread, NULL), 0);
        made = 0;
        seen.act = compare_with_tree;
        (void)check_at(tap_in_folder("tree"), seen);
        CHECK_INT(made, (step + 1) * GROUPS * MEMBERS / 2);
    }
    CHECK_INT(wrong, 0);
    tap_note("%u walks", walks);
}

TEST("what is changed while it is recorded is found the next time")
{
    check_while_changed(1);
}

TEST("so it is by several workers")
{
    check_while_changed(3);
}

TAP_MAIN
