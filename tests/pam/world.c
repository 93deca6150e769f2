/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine of a PAM script.  Its people: alice and bob, ordinary users;
 * carol, a member of hf-users; dave, whose primary group is the shared one
 * `users`; erin, whose primary group is hf-users; fred, whose primary group is
 * root's; the system's own root, daemon, svc and nobody; and dyn, whose uid
 * systemd would give out.
 */
#include "world.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char passwd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1::/:/bin/false\n"
    "svc:x:998:998::/var/lib/svc:/bin/false\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
    "dyn:x:61200:61200::/:/bin/false\n"
    "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n"
    "bob:x:1001:1001:Bob:/home/bob:/bin/sh\n"
    "carol:x:1002:1002:Carol:/home/carol:/bin/sh\n"
    "dave:x:1003:100:Dave:/home/dave:/bin/sh\n"
    "erin:x:1004:900:Erin:/home/erin:/bin/sh\n"
    "fred:x:1005:0:Fred:/home/fred:/bin/sh\n";

static const char group[] =
    "root:x:0:\ndaemon:x:1:\nsudo:x:27:\nusers:x:100:\nsvc:x:998:\n"
    "nogroup:x:65534:\nalice:x:1000:\nbob:x:1001:\ncarol:x:1002:\n"
    "hf-users:x:900:carol\nhf-lab:x:901:\nlab:x:2000:alice,bob\n";

static const char nsswitch[] = "passwd: files\ngroup: files\nshadow: files\n"
                               "hosts: files\n";

static const char host[] = "gpu01.example.org";

static const char shadow[] = "alice:!:19000:0:99999:7:::\n"
                             "bob:!:19000:0:99999:7:::\n";

/* libpam logs when a service has no stack of a kind and there is no "other". */
static const char other[] = "auth required pam_deny.so\n"
                            "account required pam_deny.so\n"
                            "session required pam_deny.so\n";

static const char *const empty_folders[] = {"/etc", "/home", "/run", "/srv",
                                            "/var/lib"};

static bool has_groups;

bool
world_has_groups(void)
{
    return has_groups;
}

static void
make_folders_above(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

void
world_write(const char *path, mode_t mode, const char *data, size_t length)
{
    char *copy = strdup(path);
    int fd;

    if (!copy)
        abort();
    make_folders_above(copy);
    free(copy);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, length) != (ssize_t)length ||
        fchmod(fd, mode) != 0 || close(fd) != 0) {
        perror(path);
        abort();
    }
}

static void
write_text(const char *path, mode_t mode, const char *text)
{
    world_write(path, mode, text, strlen(text));
}

/* All of a file, or NULL. */
static char *
read_file(const char *path, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *data = NULL;
    ssize_t got = -1;

    if (fd >= 0 && fstat(fd, &st) == 0 &&
        (data = malloc((size_t)st.st_size + 1)))
        got = read(fd, data, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    if (got < 0) {
        free(data);
        return NULL;
    }
    *ret_length = (size_t)got;
    return data;
}

/* In a user namespace this process's own ids become root's. */
static bool
map_ids(uid_t uid, gid_t gid)
{
    char map[64];
    const struct {
        const char *path, *text;
    } files[] = {{"/proc/self/setgroups", "deny"},
                 {"/proc/self/uid_map", map},
                 {"/proc/self/gid_map", map}};

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        int fd = open(files[i].path, O_WRONLY | O_CLOEXEC);
        unsigned id = i == 1 ? uid : gid;
        size_t length;
        bool done;

        snprintf(map, sizeof(map), "0 %u 1", id);
        length = strlen(files[i].text);
        done = fd >= 0 && write(fd, files[i].text, length) == (ssize_t)length;
        if (fd >= 0)
            close(fd);
        if (!done)
            return false;
    }
    return true;
}

static bool
cover(const char *folder)
{
    return mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV,
                 "mode=755") == 0;
}

/* Cover the helper's folder, or what there is of the way to it. */
static bool
cover_way_to(const char *file)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof(path), "%s", file);
    do {
        char *slash = strrchr(path, '/');

        if (!slash || slash == path)
            return false;
        *slash = '\0';
    } while (stat(path, &st) != 0);
    return cover(path);
}

static void
furnish(void)
{
    write_text("/etc/passwd", 0644, passwd);
    write_text("/etc/group", 0644, group);
    write_text("/etc/gshadow", 0640, "");
    write_text("/etc/shadow", 0640, shadow);
    write_text("/etc/nsswitch.conf", 0644, nsswitch);
    write_text("/etc/login.defs", 0644, "");
    write_text("/etc/hosts", 0644, "127.0.0.1 localhost gpu01\n");
    mkdir("/etc/security", 0755);
    write_text(WORLD_CONFDIR "/other", 0644, other);
}

const char *
world_enter(const char *module, const char *helper)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP |
                (uid ? CLONE_NEWUSER : 0);
    size_t module_length = 0, helper_length = 0, cache_length = 0;
    char *module_data = module ? read_file(module, &module_length) : NULL;
    char *helper_data = helper ? read_file(helper, &helper_length) : NULL;
    char *cache = read_file("/etc/ld.so.cache", &cache_length);

    if ((module && !module_data) || (helper && !helper_data))
        return "the module or the helper has not been built";
    if (unshare(flags) != 0 || (uid && !map_ids(uid, gid)))
        return "this machine allows no private namespaces";
    has_groups = uid == 0;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return "mounts cannot be made private here";
    umask(022);
    for (size_t i = 0; i < sizeof(empty_folders) / sizeof(char *); i++)
        if (!cover(empty_folders[i]))
            return "no tmpfs can be mounted here";
    if (!cover_way_to(HFCACHE_HELPER))
        return "the helper's folder cannot be covered";
    if (module)
        world_write(WORLD_MODULE, 0644, module_data, module_length);
    if (helper)
        world_write(HFCACHE_HELPER, 0755, helper_data, helper_length);
    if (cache)
        world_write("/etc/ld.so.cache", 0644, cache, cache_length);
    furnish();
    free(module_data);
    free(helper_data);
    free(cache);
    return sethostname(host, strlen(host)) == 0 ? NULL : "no host name";
}
