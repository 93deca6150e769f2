/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the system calls without which a cache cannot be judged, and judges
 * nothing: the floor under `hfcache check --full` on this kernel and disk.
 *
 *   floor JOBS HUB
 *
 * Of each folder it opens: what it is, both ACLs, and its names; of a file, what
 * it is; of a link, where it leads.  Threads share the repositories, the lock
 * folders and those of the blob store.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_JOBS     256
#define NAMES_BYTES  (64 << 10)
#define FIELDS       (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | \
                      STATX_GID | STATX_MTIME | STATX_CTIME | STATX_INO | \
                      STATX_SIZE | STATX_MNT_ID)

struct share {
    int dir_fd;
    char *name;
};

static struct share *shares;
static size_t count, room;
static atomic_size_t next;

static void
fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static int
open_folder(int dir_fd, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |
                   RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

    if (fd < 0)
        fail(name);
    return fd;
}

static bool
is_dot(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static void
look_at(int fd)
{
    struct statx st;
    char acl[64];

    if (statx(fd, "", AT_EMPTY_PATH, FIELDS, &st) < 0)
        fail("statx");
    (void)fgetxattr(fd, "system.posix_acl_default", acl, sizeof(acl));
    (void)fgetxattr(fd, "system.posix_acl_access", NULL, 0);
}

static void read_folder(int fd);

static void
ask(int fd, const struct dirent64 *entry)
{
    char target[4096];
    struct statx st;
    int r = 0;

    if (is_dot(entry->d_name))
        return;
    if (entry->d_type == DT_DIR)
        read_folder(open_folder(fd, entry->d_name));
    else if (entry->d_type == DT_LNK)
        r = (int)readlinkat(fd, entry->d_name, target, sizeof(target));
    else
        r = statx(fd, entry->d_name, AT_SYMLINK_NOFOLLOW, FIELDS, &st);
    if (r < 0)
        fail(entry->d_name);
}

/* Ask everything in the folder, which is closed. */
static void
read_folder(int fd)
{
    char *names = malloc(NAMES_BYTES);
    ssize_t got = 0;

    look_at(fd);
    while (names && (got = getdents64(fd, names, NAMES_BYTES)) > 0) {
        for (ssize_t at = 0; at < got;) {
            const struct dirent64 *entry = (const void *)(names + at);

            ask(fd, entry);
            at += entry->d_reclen;
        }
    }
    if (!names || got < 0)
        fail("getdents64");
    free(names);
    close(fd);
}

/* Ask what is in the folder, and put down its folders for whoever has time. */
static void
share_out(int fd)
{
    DIR *dir = fdopendir(dup(fd));
    struct dirent64 *entry;

    look_at(fd);
    while (dir && (entry = readdir64(dir))) {
        if (entry->d_type != DT_DIR)
            ask(fd, entry);
        if (entry->d_type != DT_DIR || is_dot(entry->d_name) ||
            strcmp(entry->d_name, ".locks") == 0 ||
            strcmp(entry->d_name, "blobs") == 0)
            continue;
        if (count == room)
            shares = reallocarray(shares, room = 2 * room + 64,
                                  sizeof(*shares));
        if (!shares)
            fail("memory");
        shares[count++] = (struct share){fd, strdup(entry->d_name)};
    }
    if (!dir)
        fail("fdopendir");
    closedir(dir);
}

static void *
work(void *unused)
{
    size_t i;

    while ((i = atomic_fetch_add(&next, 1)) < count)
        read_folder(open_folder(shares[i].dir_fd, shares[i].name));
    return unused;
}

int
main(int argc, char *argv[])
{
    pthread_t threads[MAX_JOBS];
    int hub, jobs;

    jobs = argc == 3 ? atoi(argv[1]) : 0;
    if (jobs < 1 || jobs > MAX_JOBS) {
        fprintf(stderr, "usage: floor JOBS HUB\n");
        return EXIT_FAILURE;
    }
    hub = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (hub < 0)
        fail(argv[2]);
    share_out(hub);
    share_out(open_folder(hub, ".locks"));
    share_out(open_folder(hub, "blobs"));
    for (int i = 1; i < jobs; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            fail("pthread_create");
    }
    work(NULL);
    for (int i = 1; i < jobs; i++)
        pthread_join(threads[i], NULL);
    return EXIT_SUCCESS;
}
