/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lasting membership, by usermod or by a userdb drop-in.
 *
 * usermod is never killed: it would leave locks behind.  Who waits for the
 * answer walks away instead; what was begun lands for the next login.
 */
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "safefs.h"
#include "verdict.h"

#define USERMOD "/usr/sbin/usermod"
#define USERDB_DIR "/etc/userdb"
#define DROP_IN "{}\n"
#define RECORD_DIR "/var/lib/hfcache"
#define RECORD_FILE "members"
#define MAX_NAME 100 /* directories have long ones: name@domain */
#define MAX_GROUPS 65536
#define MAX_COMPLAINT 300
#define USUAL_MS 1000   /* who joins at the same moment waits so long */
#define SLOW_MS 2000    /* a failure that took longer is not tried again */
#define RETRY_MS 600000 /* by each login, but after so long */

bool
join_name_is_safe(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_";
    size_t length = strlen(name);
    size_t plain;

    if (length == 0 || length > MAX_NAME || !strchr(letters, name[0]))
        return false;
    plain = strspn(name, letters);
    while (name[plain] && strchr(".-@", name[plain]))
        plain += 1 + strspn(name + plain + 1, letters);
    return plain == length || (name[plain] == '$' && plain == length - 1);
}

/* --- what NSS says ------------------------------------------------------- */

/* All groups of the user, with those NSS learnt of meanwhile. */
static int
load_groups(const struct join *join, gid_t primary, gid_t **ret_groups,
            int *ret_count)
{
    int room = 64;

    for (;;) {
        CLEANUP_FREE gid_t *groups = calloc((size_t)room, sizeof(*groups));
        int count = room;

        if (!groups)
            return -ENOMEM;
        if (getgrouplist(join->user, primary, groups, &count) >= 0) {
            *ret_groups = groups;
            groups = NULL;
            *ret_count = count;
            return 0;
        }
        if (room >= MAX_GROUPS)
            return -E2BIG;
        room = count > room ? count : room * 2;
    }
}

static int
is_member(const struct join *join, gid_t primary, bool *ret)
{
    CLEANUP_FREE gid_t *groups = NULL;
    int count = 0;
    int r = load_groups(join, primary, &groups, &count);

    if (r < 0)
        return r;
    *ret = false;
    for (int i = 0; i < count; i++) {
        if (groups[i] == join->gid)
            *ret = true;
    }
    return 0;
}

/* The arguments are root's; what they say must still be so. */
static int
check_names(const struct join *join, gid_t *ret_primary, struct err *err)
{
    const struct passwd *user;
    const struct group *group;

    if (!join_name_is_safe(join->user))
        return err_set(err, EINVAL, "user name %.64s: not one that can be "
                       "handed on", join->user);
    /* usermod would take digits for a gid. */
    if (!join_name_is_safe(join->group) ||
        !join->group[strspn(join->group, "0123456789")])
        return err_set(err, EINVAL, "group name %.64s: not one that can be "
                       "handed on", join->group);
    user = getpwnam(join->user);
    if (!user || user->pw_uid != join->uid || join->uid == 0)
        return err_set(err, ENOENT, "user %s: is not uid %u", join->user,
                       join->uid);
    *ret_primary = user->pw_gid;
    group = getgrnam(join->group);
    if (!group || group->gr_gid != join->gid || join->gid == 0)
        return err_set(err, ENOENT, "group %s: is not gid %u", join->group,
                       join->gid);
    return 0;
}

/* --- usermod ------------------------------------------------------------- */

/* Start usermod with its complaints going to `write_fd`. */
static int
spawn_usermod(const struct join *join, int write_fd, pid_t *ret_pid)
{
    char option[] = "-aG", name[] = "usermod", path[] = "PATH=/usr/sbin:/usr/bin"
                                                        ":/sbin:/bin";
    char user[MAX_NAME + 1], group[MAX_NAME + 1];
    char *argv[] = {name, option, group, user, NULL};
    char *environment[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int error;

    snprintf(user, sizeof(user), "%s", join->user);
    snprintf(group, sizeof(group), "%s", join->group);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_fd, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn(ret_pid, USERMOD, &actions, &attributes, argv,
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

static int
run_usermod(const struct join *join, struct err *err)
{
    char complaint[MAX_COMPLAINT] = "";
    CLEANUP_CLOSE int read_fd = -1;
    int fds[2], status = 0;
    pid_t pid = -1;
    int r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_sys(err, errno, "pipe for %s", USERMOD);
    read_fd = fds[0];
    r = spawn_usermod(join, fds[1], &pid);
    close(fds[1]);
    if (r < 0)
        return err_sys(err, -r, "%s", USERMOD);
    read_complaint(read_fd, complaint);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return err_set(err, EIO, "%s was ended by signal %d", USERMOD,
                       WTERMSIG(status));
    return err_set(err, EIO, "%s ended with %d: %s", USERMOD,
                   WEXITSTATUS(status), complaint);
}

/* --- userdb -------------------------------------------------------------- */

static void
name_drop_in(const struct join *join, char *ret, size_t size)
{
    snprintf(ret, size, "%s:%s.membership", join->user, join->group);
}

/* Write the drop-in, unless there is one: then it is not ours to remove. */
static int
write_drop_in(const struct join *join, bool *ret_made, struct err *err)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(USERDB_DIR, 0755, 0, err);
    char name[NAME_MAX + 1];
    struct statx st;
    int r;

    if (dir_fd < 0)
        return dir_fd;
    name_drop_in(join, name, sizeof(name));
    if (safefs_look_at(dir_fd, name, &st) == 0)
        return 0;
    /* Not empty: an empty file masks instead of adding (systemd < 258). */
    r = safefs_replace_file(dir_fd, name, 0644, true, DROP_IN,
                            strlen(DROP_IN));
    if (r < 0)
        return err_sys(err, -r, "%s/%s", USERDB_DIR, name);
    *ret_made = true;
    return 0;
}

/* Is it as we write it?  Whatever else it holds is somebody's. */
static bool
looks_like_ours(const struct join *join)
{
    CLEANUP_FREE char *text = NULL;
    char name[NAME_MAX + 1], path[PATH_MAX];
    size_t length;

    name_drop_in(join, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s", USERDB_DIR, name);
    return safefs_read_state(path, 0, strlen(DROP_IN), &text, &length, NULL) ==
               0 &&
           strcmp(text, DROP_IN) == 0;
}

static int
remove_drop_in(const struct join *join)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(USERDB_DIR, 0, 0, NULL);
    char name[NAME_MAX + 1];

    name_drop_in(join, name, sizeof(name));
    return dir_fd < 0 ? dir_fd : safefs_remove_file(dir_fd, name);
}

/* --- joining ------------------------------------------------------------- */

/* Keep a record of whom we added, for whoever takes members away again. */
static void
record(const struct join *join)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(RECORD_DIR, 0755, 0, NULL);
    char line[256];

    snprintf(line, sizeof(line), "%lld %s %s %s\n", (long long)time(NULL),
             join->user, join->group,
             join->how == JOIN_USERDB ? "userdb" : "usermod");
    if (dir_fd >= 0)
        (void)safefs_append_line(dir_fd, RECORD_FILE, line);
}

/* --- one after another --------------------------------------------------- */

/*
 * The lock file of a user's joins says when the one that holds it began, or
 * when the last one failed: 'b' or 'f' and milliseconds since boot.  It is empty
 * when all is done, so that 'b' without a holder tells that it was cut off.
 */
enum note { NOTE_BEGAN = 'b', NOTE_FAILED = 'f' };

static void
name_lock(const struct join *join, char *ret, size_t size)
{
    snprintf(ret, size, "join-%u.lock", join->uid);
}

/* Milliseconds since what a note of this kind tells; -1: there is none. */
static int64_t
read_note(const struct join *join, enum note kind)
{
    CLEANUP_FREE char *note = NULL;
    char name[32], path[64];
    uint64_t then_ms;
    size_t length;

    name_lock(join, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s", VERDICT_DIR, name);
    if (safefs_read_state(path, 0, 32, &note, &length, NULL) < 0 ||
        note[0] != (char)kind ||
        util_parse_number(note + 1, INT64_MAX, &then_ms) < 0)
        return -1;
    return util_boottime_ms() - (int64_t)then_ms;
}

/* Without room for a note the next login learns nothing from this one. */
static void
write_note(int turn, enum note kind)
{
    char note[32];
    int length = snprintf(note, sizeof(note), "%c%" PRId64, (int)kind,
                          util_boottime_ms());

    if (turn >= 0 && ftruncate(turn, 0) == 0 &&
        pwrite(turn, note, (size_t)length, 0) != length)
        errno = 0;
}

static void
clear_note(int turn)
{
    if (turn >= 0 && ftruncate(turn, 0) < 0)
        errno = 0;
}

/*
 * The lock that makes one join a user at a time.  One that has just begun is
 * waited for, so that logins at the same moment all see it done; -EBUSY behind
 * one that takes long.  Without a lock to be had (a full /run) it goes on.
 */
static int
take_turn(const struct join *join)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(VERDICT_DIR, 0755, 0, NULL);
    struct timespec pause = {.tv_nsec = 10000000};
    int64_t began_ms = util_monotonic_ms();
    char name[32];

    if (dir_fd < 0)
        return dir_fd;
    name_lock(join, name, sizeof(name));
    for (;;) {
        int turn = safefs_lock_file(dir_fd, name, false);

        if (turn != -EBUSY || read_note(join, NOTE_BEGAN) > USUAL_MS ||
            util_monotonic_ms() - began_ms > USUAL_MS)
            return turn;
        (void)nanosleep(&pause, NULL);
    }
}

static int
tell_without_effect(const struct join *join, struct err *err)
{
    return err_set(err, EIO, "%s without effect: NSS does not name %s in %s",
                   join->how == JOIN_USERDB ? "a drop-in in " USERDB_DIR
                                            : USERMOD,
                   join->user, join->group);
}

/* `was_cut`: a join that was cut off may have written the drop-in. */
static int
join_and_see(const struct join *join, gid_t primary, bool was_cut,
             struct err *err)
{
    bool joined = false, made = false;
    int r = join->how == JOIN_USERDB ? write_drop_in(join, &made, err)
                                     : run_usermod(join, err);
    int removed = 0;

    if (r < 0)
        return r;
    r = is_member(join, primary, &joined);
    if (r == 0 && joined) {
        record(join);
        return 0;
    }
    if (made || (was_cut && join->how == JOIN_USERDB && looks_like_ours(join)))
        removed = remove_drop_in(join);
    if (removed < 0)
        return err_sys(err, -removed, "a drop-in in " USERDB_DIR " for %s in %s "
                       "has no effect and cannot be taken back",
                       join->user, join->group);
    if (r < 0)
        return err_sys(err, -r, "the groups of %s cannot be asked for",
                       join->user);
    return tell_without_effect(join, err);
}

int
join_run(const struct join *join, struct err *err)
{
    int64_t begun_ms = util_monotonic_ms();
    CLEANUP_CLOSE int turn = -1;
    gid_t primary = 0;
    bool joined = false, was_cut;
    int64_t age_ms;
    int r = check_names(join, &primary, err);

    if (r < 0)
        return r;
    turn = take_turn(join);
    if (is_member(join, primary, &joined) == 0 && joined)
        return 0;
    if (turn == -EBUSY)
        return err_set(err, EBUSY, "an earlier login is still adding %s to %s",
                       join->user, join->group);
    age_ms = read_note(join, NOTE_FAILED);
    if (age_ms >= 0 && age_ms < RETRY_MS)
        return err_set(err, EAGAIN, "failed after a long wait %" PRId64
                       " s ago; the next try is in %" PRId64 " s",
                       age_ms / 1000, (RETRY_MS - age_ms) / 1000);
    was_cut = turn >= 0 && read_note(join, NOTE_BEGAN) >= 0;
    write_note(turn, NOTE_BEGAN);
    r = join_and_see(join, primary, was_cut, err);
    if (r < 0 && util_monotonic_ms() - begun_ms > SLOW_MS)
        write_note(turn, NOTE_FAILED);
    else
        clear_note(turn);
    return r;
}
