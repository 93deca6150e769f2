/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A membership of ours, taken back: see join.h.
 */
#include <errno.h>

#include "join_parts.h"

/* Nobody reads the list as saying that it is ours from now on. */
static int
note_revoked(const struct join *join, struct err *err)
{
    struct members_entry entry = join_entry(join, MEMBERS_REVOKED);
    int r = members_settle(MEMBERS_DIR, join->user);

    if (r == 0)
        r = members_append(MEMBERS_DIR, &entry);
    return r < 0 ? err_sys(err, -r, "%s is out of %s, which cannot be noted in "
                           "%s/%s", join->user, join->group, MEMBERS_DIR,
                           MEMBERS_FILE)
                 : 0;
}

static int
take_drop_in(const struct join *join, bool dry_run, struct err *err)
{
    int r = join_judge_drop_in(join, err);

    if (r < 0 || dry_run)
        return r == -ENOENT ? 0 : r;
    r = join_remove_drop_in(join);
    return r < 0 ? err_sys(err, -r, "the drop-in in %s", JOIN_USERDB_DIR) : 0;
}

/*
 * Also if NSS does not name him: it says the same when it could not read
 * /etc/group.  usermod of shadow before 4.11 cannot take away one group.
 */
static int
take_by_usermod(const struct join *join, struct err *err)
{
    char words[2 * MEMBERS_MAX_NAME + 8] = "";
    struct text text = TEXT_INIT(words);
    struct err why;
    int r = join_usermod(join, "-rG", &why);

    text_add_shell(&text, join->user);
    text_add_char(&text, ' ');
    text_add_shell(&text, join->group);
    return r < 0 ? err_set(err, -r, "%s; by hand: gpasswd -d %s", why.text,
                           words)
                 : 0;
}

/*
 * What may be refused comes before anything is changed.  A drop-in goes whatever
 * has become of its group: the next one of that name would have him.
 */
int
join_leave(const struct join *join, bool is_known, bool dry_run,
           struct err *err)
{
    CLEANUP_CLOSE int turn = dry_run ? -1 : join_take_turn(join);
    gid_t primary = (gid_t)-1;
    bool joined = false;
    int r = is_known ? join_check_user(join, &primary, err) : 0;

    if (turn == -EBUSY)
        return err_set(err, EBUSY, "a login is adding %s to %s at this moment: "
                       "try again when it is done", join->user, join->group);
    if (r == 0 && join->how == MEMBERS_USERDB)
        r = take_drop_in(join, dry_run, err);
    else if (r == 0 && is_known)
        r = join_check_group(join, err);
    if (r < 0 || dry_run)
        return r;
    if (join->how == MEMBERS_USERMOD && is_known)
        r = take_by_usermod(join, err);
    if (r == 0)
        r = note_revoked(join, err);
    if (r == 0 && is_known) {
        r = join_is_member(join, primary, &joined);
        if (r < 0)
            return err_sys(err, -r, "whether %s is still in %s is not known",
                           join->user, join->group);
    }
    if (r == 0 && joined)
        return err_set(err, EEXIST, "%s is in %s all the same, by something "
                       "that hfcache did not do", join->user, join->group);
    return r;
}
