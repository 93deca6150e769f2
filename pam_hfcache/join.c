/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lasting membership, by usermod or by a userdb drop-in.
 *
 * usermod is never killed: it would leave locks behind.  Who waits for the
 * answer walks away instead; what was begun lands for the next login.
 */
#include "join.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "join_parts.h"
#include "membership.h"
#include "safefs.h"
#include "verdict.h"

#define USUAL_MS 1000   /* who joins at the same moment waits so long */
#define SLOW_MS 2000    /* a failure that took longer is not tried again */
#define RETRY_MS 600000 /* by each login, but after so long */

/* --- what NSS says ------------------------------------------------------- */

int
join_is_member(const struct join *join, gid_t primary, bool *ret)
{
    struct person person = {.subject = {.user = join->user, .gid = primary}};
    int r = membership_reload_groups(&person, NULL);

    if (r == 0)
        *ret = membership_holds(&person.subject, join->gid);
    membership_free(&person);
    return r;
}

/* The arguments are root's; what they say must still be so. */
int
join_check_user(const struct join *join, gid_t *ret_primary, struct err *err)
{
    const struct passwd *user;

    if (!members_name_is_safe(join->user))
        return err_set(err, EINVAL, "user name %.64s: not one that can be "
                       "handed on", join->user);
    /* usermod would take digits for a gid. */
    if (!members_name_is_safe(join->group) ||
        !join->group[strspn(join->group, "0123456789")])
        return err_set(err, EINVAL, "group name %.64s: not one that can be "
                       "handed on", join->group);
    user = getpwnam(join->user);
    if (!user || user->pw_uid != join->uid || join->uid == 0)
        return err_set(err, ENOENT, "user %s: is not uid %u", join->user,
                       join->uid);
    *ret_primary = user->pw_gid;
    return 0;
}

int
join_check_group(const struct join *join, struct err *err)
{
    const struct group *group = getgrnam(join->group);

    if (!group || group->gr_gid != join->gid || join->gid == 0)
        return err_set(err, ENOENT, "group %s: is not gid %u", join->group,
                       join->gid);
    return 0;
}

struct members_entry
join_entry(const struct join *join, enum members_how how)
{
    return (struct members_entry){
        .when = time(NULL),
        .user = join->user,
        .group = join->group,
        .how = how,
        .uid = join->uid,
        .gid = join->gid,
    };
}

/* --- one after another --------------------------------------------------- */

/*
 * The lock file of a user's joins says when the one that holds it began, or
 * when the last one failed: 'b' or 'f', and milliseconds since boot.  It is
 * empty when all is done.
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
    if (safefs_read_state(path, 0, 40, &note, &length, NULL) < 0 ||
        note[0] != (char)kind ||
        util_parse_number(note + 1, INT64_MAX, &then_ms) < 0)
        return -1;
    return util_boottime_ms() - (int64_t)then_ms;
}

/* Without room for a note the next login learns nothing from this one. */
static void
write_note(int turn, enum note kind)
{
    char note[40];
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

int
join_take_turn(const struct join *join)
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

/* --- joining ------------------------------------------------------------- */

static int
tell_without_effect(const struct join *join, struct err *err)
{
    return err_set(err, EIO, "%s without effect: NSS does not name %s in %s",
                   join->how == MEMBERS_USERDB
                       ? "a drop-in in " JOIN_USERDB_DIR
                       : JOIN_USERMOD_PATH,
                   join->user, join->group);
}

/* Is the drop-in ours?  One that was cut off may have written it. */
static bool
is_ours(const struct join *join, bool made, bool was_cut)
{
    return join->how == MEMBERS_USERMOD || made ||
           (was_cut && join_judge_drop_in(join, NULL) == 0);
}

/* What could not be begun, as on a full disk, may have room in the list. */
static void
note_joined(const struct join *join, int begun)
{
    struct members_entry entry = join_entry(join, join->how);

    if (begun < 0)
        (void)members_append(MEMBERS_DIR, &entry);
    else
        (void)members_settle(MEMBERS_DIR, join->user);
}

/*
 * Join, and ask NSS, whose answer counts whatever usermod said.  What it cannot
 * be asked stays begun, and so does what another one began, if this one was not
 * (`begun` < 0).
 */
static int
join_and_see(const struct join *join, gid_t primary, int begun,
             struct err *err)
{
    bool joined = false, made = false;
    int r = join->how == MEMBERS_USERDB ? join_write_drop_in(join, &made, err)
                                        : join_usermod(join, "-aG", err);
    int asked = join_is_member(join, primary, &joined);
    bool ours = is_ours(join, made, begun > 0);
    int removed = 0;

    if (joined && ours)
        note_joined(join, begun);
    else if (!joined && ours && join->how == MEMBERS_USERDB)
        removed = join_remove_drop_in(join);
    if (begun >= 0 && asked == 0 && removed == 0 && !(joined && ours))
        members_drop(MEMBERS_DIR, join->user);
    if (joined)
        return 0;
    if (removed < 0)
        return err_sys(err, -removed, "a drop-in in " JOIN_USERDB_DIR
                       " for %s in %s has no effect and cannot be taken back",
                       join->user, join->group);
    if (r < 0)
        return r;
    if (asked < 0)
        return err_sys(err, -asked, "the groups of %s cannot be asked for",
                       join->user);
    return tell_without_effect(join, err);
}

int
join_run(const struct join *join, struct err *err)
{
    int64_t begun_ms = util_monotonic_ms();
    CLEANUP_CLOSE int turn = -1;
    struct members_entry entry = join_entry(join, join->how);
    gid_t primary = 0;
    bool joined = false;
    int64_t age_ms;
    int r = join_check_user(join, &primary, err);

    if (r == 0)
        r = join_check_group(join, err);
    if (r < 0)
        return r;
    turn = join_take_turn(join);
    if (join_is_member(join, primary, &joined) == 0 && joined)
        return 0;
    if (turn == -EBUSY)
        return err_set(err, EBUSY, "an earlier login is still adding %s to %s",
                       join->user, join->group);
    age_ms = read_note(join, NOTE_FAILED);
    if (age_ms >= 0 && age_ms < RETRY_MS)
        return err_set(err, EAGAIN, "failed after a long wait %" PRId64
                       " s ago; the next try is in %" PRId64 " s",
                       age_ms / 1000, (RETRY_MS - age_ms) / 1000);
    write_note(turn, NOTE_BEGAN);
    r = join_and_see(join, primary, members_begin(MEMBERS_DIR, &entry), err);
    if (r < 0 && util_monotonic_ms() - begun_ms > SLOW_MS)
        write_note(turn, NOTE_FAILED);
    else
        clear_note(turn);
    return r;
}
