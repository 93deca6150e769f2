/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Snapshots that are not believed: of something else, planted, damaged.
 */
#include "snapshot_file.h"
#include "snapshot_format.h"

#define DAMAGES 10000

/* --- what is not believed ------------------------------------------------ */

static int
try(const struct snapshot_of *other)
{
    struct snapshot *snapshot = NULL;
    int r = snapshot_open(file(), getuid(), other, &snapshot);

    if (r == 0)
        snapshot_close(snapshot);
    return r;
}

TEST("MUST: of this path, these rules and this root")
{
    struct snapshot_of others[] = {of, of, of, of, of, of, of, of, of, of};

    write_snapshot(FOLDERS, 1);
    others[0].path = "/srv/cache2";
    others[1].path = "/srv/cach";
    others[2].gid++;
    others[3].mode = 02775;
    others[4].acl++;
    others[5].rules++;
    others[6].device_major++;
    others[7].device_minor++;
    others[8].inode++;
    others[9].path = "";
    CHECK_INT(try(&of), 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (!CHECK_INT(try(&others[i]), -EINVAL))
            tap_note("of %zu", i);
}

TEST("of another version, or a machine of another order")
{
    static const size_t places[] = {
        0, offsetof(struct snapshot_header, magic) + 7,
        offsetof(struct snapshot_header, order),
        offsetof(struct snapshot_header, version)};

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int fd;

        write_snapshot(FOLDERS, 1);
        CHECK_INT(try(&of), 0);
        fd = open(file(), O_WRONLY);
        REQUIRE_INT(pwrite(fd, "\2", 1, (off_t)places[i]), 1);
        close(fd);
        if (!CHECK_INT(try(&of), -EINVAL))
            tap_note("of byte %zu", places[i]);
    }
}

TEST("MUST: regular, of one link, not writable by others")
{
    write_snapshot(FOLDERS, 1);
    REQUIRE_INT(link(file(), tap_in_folder("second")), 0);
    CHECK_INT(try(&of), -EPERM);
    REQUIRE_INT(unlink(tap_in_folder("second")), 0);
    CHECK_INT(try(&of), 0);
    chmod(file(), 0660);
    CHECK_INT(try(&of), -EPERM);
    chmod(file(), 0606);
    CHECK_INT(try(&of), -EPERM);
    chmod(file(), 0600);
    REQUIRE_INT(rename(file(), tap_in_folder("real")), 0);
    REQUIRE_INT(symlink("real", file()), 0);
    CHECK_INT(try(&of), -ELOOP);
    REQUIRE_INT(unlink(file()), 0);
    REQUIRE_INT(mkdir(file(), 0700), 0);
    CHECK_INT(try(&of), -EINVAL);
    REQUIRE_INT(rmdir(file()), 0);
    REQUIRE_INT(mkfifo(file(), 0600), 0);
    CHECK_INT(try(&of), -EINVAL);
}

TEST("MUST: the trusted user's")
{
    struct snapshot *snapshot;

    if (getuid() != 0)
        SKIP("needs root to be another user");
    write_snapshot(FOLDERS, 1);
    REQUIRE_INT(chown(file(), 4001, 0), 0);
    CHECK_INT(try(&of), -EPERM);
    REQUIRE_INT(snapshot_open(file(), 4001, &of, &snapshot), 0);
    snapshot_close(snapshot);
}

/* --- damage -------------------------------------------------------------- */

static char *image;
static size_t image_length;

static void
read_image(void)
{
    write_snapshot(FOLDERS, 1);
    REQUIRE_INT(util_read_all(open(file(), O_RDONLY), 1 << 20, &image,
                              &image_length),
                0);
}

/* Put this in the file's place; how many folders are known then, or -1. */
static int
count_after(const char *data, size_t length)
{
    int fd = open(file(), O_WRONLY | O_TRUNC);
    struct snapshot *snapshot = NULL;
    int known = -1;

    REQUIRE_INT(util_write_all(fd, data, length), 0);
    close(fd);
    if (snapshot_open(file(), getuid(), &of, &snapshot) == 0) {
        known = (int)count_known(snapshot, FOLDERS);
        snapshot_close(snapshot);
    }
    return known;
}

TEST("MUST: truncated at any length, nothing is known")
{
    read_image();
    CHECK_INT(count_after(image, image_length), FOLDERS);
    for (size_t length = 0; length < image_length; length++)
        if (!CHECK_INT(count_after(image, length), -1))
            tap_note("of %zu bytes", length);
    image = realloc(image, image_length + 1);
    image[image_length] = 0;
    CHECK_INT(count_after(image, image_length + 1), -1);
}

TEST("MUST: any byte flipped, all is refused or that folder is not known")
{
    unsigned refused = 0, lost = 0;

    read_image();
    for (size_t i = 0; i < image_length; i++) {
        int known;

        image[i] = (char)(image[i] ^ (1 << i % 8));
        known = count_after(image, image_length);
        image[i] = (char)(image[i] ^ (1 << i % 8));
        refused += known == -1;
        lost += known == FOLDERS - 1;
        /* In the header there is also how long the index is. */
        if (!CHECK(known == -1 || known >= FOLDERS - 1 ||
                   i < sizeof(struct snapshot_header)))
            tap_note("of byte %zu", i);
    }
    tap_note("%zu bytes: %u refused, %u lost a folder", image_length, refused,
             lost);
    CHECK(refused > sizeof(struct snapshot_header) / 2);
    CHECK(lost > FOLDERS * sizeof(struct snapshot_record));
}

TEST("MUST: however damaged, nothing is known that was not so")
{
    uint64_t random = 88172645463325252;
    unsigned opened = 0;

    read_image();
    for (unsigned i = 0; i < DAMAGES; i++) {
        char damaged[8192];

        REQUIRE(image_length <= sizeof(damaged));
        memcpy(damaged, image, image_length);
        for (unsigned j = 0; j <= i % 4; j++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            /* Mostly in the header, where places and lengths are. */
            damaged[(random >> 16) % (i % 2 ? sizeof(struct snapshot_header)
                                            : image_length)] = (char)random;
        }
        opened += count_after(damaged, image_length) >= 0;
    }
    tap_note("%u of %u opened", opened, DAMAGES);
    CHECK(opened > 0);
}

TEST("MUST: a list that leads nowhere ends")
{
    static const char *const names[] = {"", "/", "a/b", ".", "..", "/etc"};
    char list[64];
    uint32_t number;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *at = list;

        snapshot_put_name(list, names[i], strlen(names[i]), 1);
        CHECK(!snapshot_next(
            &at, list + snapshot_name_bytes(strlen(names[i])), &number));
    }
    for (size_t length = 0; length < snapshot_name_bytes(4); length++) {
        const char *at = list;

        snapshot_put_name(list, "name", 4, 1);
        CHECK(!snapshot_next(&at, list + length, &number));
    }
}

TAP_MAIN
