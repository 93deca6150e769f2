/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a membership is written down: see join_parts.h.
 */
#include "join_parts.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "safefs.h"

#define MAX_COMPLAINT 300

/* Not empty: an empty file masks instead of adding (systemd < 258). */
#define DROP_IN "{}\n"

/* --- usermod ------------------------------------------------------------- */

/* Start usermod with its complaints going to `write_fd`. */
static int
spawn_usermod(const struct join *join, const char *flags, int write_fd,
              pid_t *ret_pid)
{
    char option[8], name[] = "usermod";
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char user[MEMBERS_MAX_NAME + 1], group[MEMBERS_MAX_NAME + 1];
    char *argv[] = {name, option, group, user, NULL};
    char *environment[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int error;

    snprintf(option, sizeof(option), "%s", flags);
    snprintf(user, sizeof(user), "%s", join->user);
    snprintf(group, sizeof(group), "%s", join->group);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_fd, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    /* ^C of who runs `revoke` is not for usermod, which would leave locks. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    error = posix_spawn(ret_pid, JOIN_USERMOD_PATH, &actions, &attributes, argv,
                        environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Keep the start of what it says, and read on until it has said all. */
static void
read_complaint(int fd, char complaint[MAX_COMPLAINT])
{
    struct text text = {complaint, MAX_COMPLAINT, 0, false};
    char chunk[256];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        for (ssize_t i = 0; i < got; i++)
            text_add_char(&text, chunk[i] >= ' ' ? chunk[i] : ' ');
    }
}

int
join_usermod(const struct join *join, const char *flags, struct err *err)
{
    char complaint[MAX_COMPLAINT] = "";
    CLEANUP_CLOSE int read_fd = -1;
    int fds[2], status = 0;
    pid_t pid = -1;
    int r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_sys(err, errno, "pipe for %s", JOIN_USERMOD_PATH);
    read_fd = fds[0];
    r = spawn_usermod(join, flags, fds[1], &pid);
    close(fds[1]);
    if (r < 0)
        return err_sys(err, -r, "%s", JOIN_USERMOD_PATH);
    read_complaint(read_fd, complaint);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return err_set(err, EIO, "%s was ended by signal %d", JOIN_USERMOD_PATH,
                       WTERMSIG(status));
    return err_set(err, EIO, "%s ended with %d: %s", JOIN_USERMOD_PATH,
                   WEXITSTATUS(status), complaint);
}

/* --- userdb -------------------------------------------------------------- */

static void
name_drop_in(const struct join *join, char *ret, size_t size)
{
    snprintf(ret, size, "%s:%s.membership", join->user, join->group);
}

int
join_write_drop_in(const struct join *join, bool *ret_made, struct err *err)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(JOIN_USERDB_DIR, 0755, 0, err);
    char name[NAME_MAX + 1];
    struct statx st;
    int r;

    if (dir_fd < 0)
        return dir_fd;
    name_drop_in(join, name, sizeof(name));
    if (safefs_look_at(dir_fd, name, &st) == 0)
        return 0;
    r = safefs_replace_file(dir_fd, name, 0644, true, DROP_IN,
                            strlen(DROP_IN));
    if (r < 0)
        return err_sys(err, -r, "%s/%s", JOIN_USERDB_DIR, name);
    *ret_made = true;
    return 0;
}

int
join_remove_drop_in(const struct join *join)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(JOIN_USERDB_DIR, 0, 0, NULL);
    char name[NAME_MAX + 1];
    int r;

    name_drop_in(join, name, sizeof(name));
    r = dir_fd < 0 ? dir_fd : safefs_remove_file(dir_fd, name);
    return r == -ENOENT ? 0 : r;
}

int
join_judge_drop_in(const struct join *join, struct err *err)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *data = NULL;
    char name[NAME_MAX + 1];
    size_t length;
    int r;

    name_drop_in(join, name, sizeof(name));
    path = util_format("%s/%s", JOIN_USERDB_DIR, name);
    if (!path)
        return err_sys(err, ENOMEM, "%s", name);
    r = safefs_read_state(path, 0, 4096, &data, &length, err);
    if (r < 0)
        return r;
    if (strcmp(data, DROP_IN) != 0)
        return err_set(err, EPERM, "%s is not as a login wrote it: somebody "
                       "else's by now", path);
    return 0;
}
