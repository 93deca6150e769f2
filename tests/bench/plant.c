/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plants a large Hub cache, and changes it, for tests/bench/tree.
 *
 *   plant grow    TREE COUNT USER[,USER...]
 *       COUNT inodes below TREE/hub, which `hfcache setup` has made: for every
 *       hundred a repository with its lock folder, 11 folders, 59 files, 30
 *       links, and a small store of shared blobs.  Each user owns his share
 *       and makes it himself, so that group, modes, setgid and ACLs are what
 *       clients get; all files are empty
 *   plant drift   TREE COUNT USER[,USER...] PERCENT
 *       spoils that share of them: files get their owner's own group, lock
 *       files lose g+w, folders setgid or g+w, and repositories all of it
 *   plant mend    TREE COUNT USER[,USER...] PERCENT
 *       the opposite of drift, by name and without any care
 *   plant secure  TREE COUNT USER[,USER...] PERCENT
 *       the same with the system calls that it takes where others can write
 *   plant touch   TREE COUNT USER[,USER...] PERCENT
 *       makes and removes a file in that share of the folders
 *
 * COUNT, users and share say which inodes these are: there is no list.  Prints
 * how many folders, files and links were made or changed, and the milliseconds
 * that the system calls for it took in all.  JOBS in the environment: by so
 * many processes, instead of one for each processor.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plant.h"

#define PREFIXES     256 /* folders of the shared store */
#define BLOBS        26  /* of a repository */
#define LARGE        4   /* of them: with the longer name of a large file */
#define A_REPOSITORY 100 /* inodes */

static void
fail(const char *what)
{
    fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* splitmix64: numbers in a row come out as if drawn by lot. */
uint64_t
scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static void
write_hex(char *buffer, size_t digits, uint64_t seed)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < digits; i++) {
        if (i % 16 == 0)
            bits = scramble(seed * 5 + i / 16);
        buffer[i] = "0123456789abcdef"[bits & 15];
        bits >>= 4;
    }
    buffer[digits] = '\0';
}

/* --- the tree, inode by inode --------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void
inode(struct plan *plan, enum kind kind, const char *target, const char *format,
      ...)
{
    char path[PATH_SIZE];
    struct item item = {kind, path, target, plan->lot++};
    uint64_t start;
    va_list args;
    int r;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    start = now_ns();
    r = plan->act(plan, &item);
    if (r < 0)
        fail(path);
    if (r > 0) {
        plan->counts->kinds[kind]++;
        plan->counts->nanoseconds += now_ns() - start;
    }
}

static void
name_blob(char blob[65], size_t repository, unsigned number)
{
    write_hex(blob, number < LARGE ? 64 : 40,
              repository * A_REPOSITORY + number);
}

/* A link to a blob, from so many folders below the repository. */
static void
link_blob(struct plan *plan, size_t repository, unsigned number, const char *up,
          const char *folder)
{
    char blob[65], target[128];

    name_blob(blob, repository, number);
    snprintf(target, sizeof(target), "%sblobs/%s", up, blob);
    inode(plan, LINK, target, "%s/file-%05u-of-%05u.safetensors", folder,
          number, BLOBS);
}

/* One commit: `count` links, of which the last four may lie a folder deeper. */
static void
snapshot(struct plan *plan, size_t repository, const char *name,
         const char *commit, unsigned count, unsigned deeper)
{
    char folder[PATH_SIZE / 2];

    snprintf(folder, sizeof(folder), "%s/snapshots/%s", name, commit);
    inode(plan, FOLDER, NULL, "%s", folder);
    for (unsigned i = 0; i < count - deeper; i++)
        link_blob(plan, repository, i, "../../", folder);
    if (deeper == 0)
        return;
    snprintf(folder, sizeof(folder), "%s/snapshots/%s/onnx", name, commit);
    inode(plan, FOLDER, NULL, "%s", folder);
    for (unsigned i = count - deeper; i < count; i++)
        link_blob(plan, repository, i, "../../../", folder);
}

static void
misses(struct plan *plan, const char *name, const char *commit)
{
    inode(plan, FOLDER, NULL, "%s/.no_exist", name);
    inode(plan, FOLDER, NULL, "%s/.no_exist/%s", name, commit);
    for (unsigned i = 0; i < 4; i++)
        inode(plan, PLAIN, NULL, "%s/.no_exist/%s/adapter_config-%u.json", name,
              commit, i);
}

static void
listings(struct plan *plan, const char *name, char commits[2][41])
{
    inode(plan, FOLDER, NULL, "%s/trees", name);
    for (unsigned i = 0; i < 2; i++)
        inode(plan, PLAIN, NULL, "%s/trees/%s.json", name, commits[i]);
}

/* A_REPOSITORY inodes, the folder of its locks and these included. */
static void
repository(struct plan *plan, size_t number)
{
    char name[64], locks[96], commits[2][41], blob[65];

    snprintf(name, sizeof(name), "hub/models--org%02zu--model-%06zu",
             number % 100, number);
    snprintf(locks, sizeof(locks), "hub/.locks/%s", name + strlen("hub/"));
    for (unsigned i = 0; i < 2; i++)
        write_hex(commits[i], 40, number * A_REPOSITORY + 90 + i);
    inode(plan, REPOSITORY, NULL, "%s", name);
    inode(plan, FOLDER, NULL, "%s", locks);
    inode(plan, FOLDER, NULL, "%s/blobs", name);
    for (unsigned i = 0; i < BLOBS; i++) {
        name_blob(blob, number, i);
        inode(plan, LOCK, NULL, "%s/%s.lock", locks, blob);
        inode(plan, PLAIN, NULL, "%s/blobs/%s", name, blob);
    }
    inode(plan, FOLDER, NULL, "%s/refs", name);
    inode(plan, PLAIN, NULL, "%s/refs/main", name);
    inode(plan, FOLDER, NULL, "%s/snapshots", name);
    snapshot(plan, number, name, commits[0], 16, 4);
    snapshot(plan, number, name, commits[1], 14, 0);
    misses(plan, name, commits[1]);
    listings(plan, name, commits);
}

/* One prefix of the shared store. */
static void
shared_blobs(struct plan *plan, size_t prefix)
{
    char blob[65];

    inode(plan, FOLDER, NULL, "hub/blobs/%02zx", prefix);
    for (size_t i = 0; i < plan->payloads; i++) {
        write_hex(blob, 64, ((uint64_t)1 << 40) + prefix * 1000 + i);
        inode(plan, PAYLOAD, NULL, "hub/blobs/%02zx/%s", prefix, blob);
        inode(plan, LOCK, NULL, "hub/blobs/%02zx/%s.lock", prefix, blob);
        inode(plan, PLAIN, NULL, "hub/blobs/%02zx/%s.refs", prefix, blob);
    }
}

/* --- who does it ---------------------------------------------------------- */

/* What users make they make as themselves; what is spoilt is spoilt by root. */
static void
become(struct plan *plan, size_t unit)
{
    plan->user = unit % plan->users;
    plan->lot = unit * 1000;
    if (plan->act != make)
        return;
    if (seteuid(0) != 0 || setegid(plan->gids[plan->user]) != 0 ||
        seteuid(plan->uids[plan->user]) != 0)
        fail("seteuid");
}

static void
work(struct plan *plan, size_t job, size_t jobs)
{
    size_t units = plan->repositories + PREFIXES;

    for (size_t unit = job; unit < units; unit += jobs) {
        become(plan, unit);
        if (unit < plan->repositories)
            repository(plan, unit);
        else
            shared_blobs(plan, unit - plan->repositories);
    }
}

/* The store's own folder, before several processes need it. */
static void
store(struct plan *plan)
{
    become(plan, plan->repositories + PREFIXES);
    inode(plan, FOLDER, NULL, "hub/blobs");
    inode(plan, PAYLOAD, NULL, "hub/blobs/.huggingface-shared-blobs");
    if (seteuid(0) != 0)
        fail("seteuid");
}

static void
run(struct plan *plan, size_t jobs)
{
    struct counts *all = plan->counts;
    int status, failed = 0;

    store(plan);
    for (size_t job = 0; job < jobs; job++) {
        pid_t pid = fork();

        if (pid < 0)
            fail("fork");
        if (pid > 0)
            continue;
        plan->counts = &all[job + 1];
        work(plan, job, jobs);
        exit(EXIT_SUCCESS);
    }
    while (wait(&status) > 0)
        failed |= status;
    if (failed)
        exit(EXIT_FAILURE);
    for (size_t job = 1; job <= jobs; job++) {
        for (size_t i = 0; i < KINDS; i++)
            all[0].kinds[i] += all[job].kinds[i];
        all[0].nanoseconds += all[job].nanoseconds;
    }
}

/* --- the command line ----------------------------------------------------- */

static void
read_users(struct plan *plan, char *list)
{
    char *rest = NULL;

    for (char *name = strtok_r(list, ",", &rest);
         name && plan->users < MAX_USERS; name = strtok_r(NULL, ",", &rest)) {
        const struct passwd *user = getpwnam(name);

        if (!user) {
            errno = ENOENT;
            fail(name);
        }
        plan->uids[plan->users] = user->pw_uid;
        plan->gids[plan->users++] = user->pw_gid;
    }
}

static void
open_tree(struct plan *plan, const char *tree, size_t count)
{
    struct stat st;
    size_t store;

    plan->root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (plan->root < 0 || fstatat(plan->root, "hub", &st, 0) < 0 ||
        setgroups(1, &st.st_gid) != 0)
        fail(tree);
    plan->gid = st.st_gid;
    plan->payloads = 1 + count / 200000;
    store = PREFIXES * (1 + 3 * plan->payloads);
    plan->repositories = count > store ? (count - store) / A_REPOSITORY : 0;
}

/* How many processes: as many as there are processors, or JOBS. */
static size_t
choose_jobs(void)
{
    const char *asked = getenv("JOBS");
    long jobs = asked ? atol(asked) : sysconf(_SC_NPROCESSORS_ONLN);

    return jobs < 1 ? 1 : (size_t)jobs;
}

static void
choose_act(struct plan *plan, int argc, char *argv[])
{
    static const struct {
        const char *name;
        int (*act)(const struct plan *plan, const struct item *item);
        int arguments;
    } acts[] = {{"grow", make, 5},
                {"drift", drift, 6},
                {"mend", mend, 6},
                {"secure", secure, 6},
                {"touch", touch, 6}};

    for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
        if (argc == acts[i].arguments && strcmp(argv[1], acts[i].name) == 0)
            plan->act = acts[i].act;
    }
    if (plan->act)
        return;
    fprintf(stderr, "usage: plant grow TREE COUNT USERS\n"
                    "       plant drift|mend|secure|touch TREE COUNT USERS PERCENT\n");
    exit(EXIT_FAILURE);
}

int
main(int argc, char *argv[])
{
    struct plan plan = {.root = -1};
    size_t jobs = choose_jobs();
    struct counts *counts =
        mmap(NULL, (jobs + 1) * sizeof(*counts), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    choose_act(&plan, argc, argv);
    umask(007);
    open_tree(&plan, argv[2], strtoul(argv[3], NULL, 10));
    read_users(&plan, argv[4]);
    plan.share = argc > 5 ? (unsigned)(10 * atoi(argv[5])) : 0;
    plan.counts = counts;
    if (counts == MAP_FAILED || plan.users == 0)
        fail("memory");
    run(&plan, jobs);
    printf("%ju %ju %ju %ju\n",
           (uintmax_t)(counts->kinds[REPOSITORY] + counts->kinds[FOLDER]),
           (uintmax_t)(counts->kinds[PLAIN] + counts->kinds[LOCK] +
                       counts->kinds[PAYLOAD]),
           (uintmax_t)counts->kinds[LINK],
           (uintmax_t)(counts->nanoseconds / 1000000));
    return EXIT_SUCCESS;
}
