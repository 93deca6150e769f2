/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache revoke: the memberships that logins gave a user, taken back.
 */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
#include "join.h"
#include "members.h"
#include "membership.h"
#include "membership_names.h"
#include "processes.h"

#define SEARCH_MS 10000 /* for processes, of which there may be many */

/* The user that the command is about, as NSS and the policy have him. */
struct target {
    const struct cli *cli;
    const char *name;
    struct login login; /* his next one by ssh */
    bool is_known;      /* to NSS */
};

/* --- what is told of it -------------------------------------------------- */

static void
print_taken(const struct target *target, const struct members_entry *entry)
{
    char age[64] = "";
    struct text text = TEXT_INIT(age);

    cli_add_since(&text, entry->when);
    printf("%s %s out of %s (gid %u), where a login put him %s ago, by %s\n",
           target->cli->dry_run ? "would take" : "took", entry->user,
           entry->group, entry->gid, age, members_words[entry->how]);
}

/* Who has a group keeps it: the kernel takes it from no process. */
static void
print_processes(const struct target *target, gid_t gid)
{
    uid_t uid = target->login.person.subject.uid;
    struct processes found;
    char user[CLI_WORD_SIZE], names[640] = "";
    struct text text = TEXT_INIT(names);

    processes_find(uid, gid, true, SEARCH_MS, &found);
    if (!found.complete)
        puts("  keep    not all processes could be looked at: others than these "
             "may keep it");
    if (!found.count) {
        puts("  keep    no process of his has the group");
        return;
    }
    processes_add_names(&found, &text);
    printf("  keep    %zu process%s of his %s the group until %s: %s\n",
           found.count, found.count == 1 ? "" : "es",
           found.count == 1 ? "keeps" : "keep",
           found.count == 1 ? "it ends" : "they end", names);
    printf("          to end what he runs: loginctl terminate-user %s, or pkill "
           "-KILL -u %u\n", cli_word(target->name, user), uid);
}

/*
 * Nor from a program with setgid, which he made as a member, or another one made
 * for him.
 */
static void
print_programs(gid_t gid)
{
    printf("  look    for programs that give the group to whoever runs them:\n"
           "          find / -type f -perm -2000 -group %u\n", gid);
}

/* Whether the next login would undo it. */
static void
print_again(const struct target *target, gid_t gid)
{
    const struct login *login = &target->login;
    const struct policy_section *section = login->section;
    char where[512], title[300];

    if (!section || !login->has_gid || login->gid != gid ||
        policy_number(section, KEY_MEMBERSHIP) != MEMBERSHIP_ENSURE)
        return;
    printf("  again   the next login adds him again: membership = ensure (%s)\n",
           cli_origin(&section->value[KEY_MEMBERSHIP].origin, where,
                      sizeof(where)));
    printf("          to keep him out, in %s:\n",
           cli_title(section, title, sizeof(title)));
    printf("          users = %s, !%s\n", policy_text(section, KEY_USERS),
           target->name);
}

/* --- taking it back ------------------------------------------------------ */

static int
take_back(const struct target *target, const struct members_entry *entry)
{
    struct join join = {
        .user = entry->user,
        .uid = entry->uid,
        .group = entry->group,
        .gid = entry->gid,
        .how = entry->how,
    };
    struct err err = {0};
    int r;

    /* The name of a drop-in has no uid in it. */
    if (target->is_known)
        join.uid = target->login.person.subject.uid;
    r = join_leave(&join, target->is_known, target->cli->dry_run, &err);
    if (r == 0 || r == -EEXIST) {
        print_taken(target, entry);
        if (target->is_known) {
            print_processes(target, entry->gid);
            print_programs(entry->gid);
            print_again(target, entry->gid);
        }
    }
    if (r < 0)
        cli_error("%s", err.text);
    return r < 0 ? CLI_UNFINISHED : CLI_FINE;
}

/* Is it his, and can it be taken back? */
static bool
is_his(const struct target *target, const struct members_entry *entry)
{
    if (entry->how == MEMBERS_USERDB)
        return true;
    return target->is_known &&
           entry->uid == target->login.person.subject.uid;
}

static bool
is_by_others(const struct target *target, const struct members *members,
             gid_t gid)
{
    const struct subject *subject = &target->login.person.subject;

    return membership_holds(subject, gid) &&
           !members_find(members, subject->uid, gid);
}

static void
tell_of_other(const struct target *target, gid_t gid)
{
    char group[256], user_word[CLI_WORD_SIZE], group_word[CLI_WORD_SIZE];

    membership_group_name(gid, group, sizeof(group));
    (void)cli_word(target->name, user_word);
    if (target->login.person.subject.gid == gid)
        cli_error("%s is the primary group of %s, which no login gave him: it "
                  "stays; by hand: usermod -g OTHER %s, or in your directory",
                  group, target->name, user_word);
    else if (membership_group_is_local(gid))
        cli_error("%s is in %s by somebody else than hfcache: he stays there; "
                  "by hand: gpasswd -d %s %s", target->name, group, user_word,
                  cli_word(group, group_word));
    else
        cli_error("%s is in %s by your directory: he stays there until it takes "
                  "him out", target->name, group);
}

/*
 * That is no business of ours, but whoever wants him out must hear of it, and
 * of a group that NSS could not be asked for.
 */
static int
tell_of_others(const struct target *target, const struct members *members)
{
    const struct policy *policy = &target->login.policy;
    gid_t gid, told = (gid_t)-1;
    int code = CLI_FINE;

    for (size_t i = 0; i < policy->nsections; i++) {
        struct err err = {0};
        int r = membership_group(&policy->sections[i], &gid, &err);

        if (r < 0 && r != -ENOENT && r != -EPERM) {
            cli_error("%s", err.text);
            code = CLI_UNFINISHED;
        }
        if (r < 0 || gid == told || !is_by_others(target, members, gid))
            continue;
        told = gid;
        tell_of_other(target, gid);
        code = CLI_UNFINISHED;
    }
    return code;
}

static int
revoke_all(const struct target *target)
{
    struct members members;
    struct err err = {0};
    bool found = false;
    int code;

    if (members_load(MEMBERS_DIR, 0, target->name, &members, &err) < 0) {
        cli_error("%s", err.text);
        return CLI_UNFINISHED;
    }
    code = target->is_known ? tell_of_others(target, &members) : CLI_FINE;
    for (size_t i = 0; i < members.count; i++) {
        if (!is_his(target, &members.entry[i]))
            continue;
        found = true;
        if (take_back(target, &members.entry[i]) != CLI_FINE)
            code = CLI_UNFINISHED;
    }
    if (!found && target->is_known)
        printf("nothing to take back: no login on this machine gave %s a "
               "membership that he still has\n", target->name);
    if (!found && !target->is_known) {
        cli_error("user %s is not known to NSS, and no drop-in of ours is left",
                  target->name);
        code = CLI_UNFINISHED;
    }
    members_free(&members);
    return code;
}

int
cmd_revoke(const struct cli *cli)
{
    struct target target = {.cli = cli};
    struct err err = {0};
    int code = CLI_FINE;
    int r;

    if (cli->operands == 0) {
        cli_error("revoke: say whose membership: hfcache revoke USER");
        return CLI_USAGE;
    }
    if (geteuid() != 0) {
        cli_error("revoke: only root may, and only root may read whom logins "
                  "made members: run this with sudo");
        return CLI_UNFINISHED;
    }
    target.name = cli->operand[0];
    r = login_begin(cli->conf, getuid(), target.name, "sshd", &target.login,
                    NULL, &err);
    /* What he has goes, also if NSS cannot say which section takes him. */
    target.is_known = r == 0 || target.login.person.names.error;
    if (target.is_known) /* as logins write it: NSS may find other spellings */
        target.name = target.login.person.subject.user;
    if (r < 0 && (r != -ENOENT || !target.login.policy.sections)) {
        cli_error("%s", err.text);
        code = cli_login_exit(&target.login);
    }
    if (target.is_known || code == CLI_FINE) {
        int rest = revoke_all(&target);

        code = code == CLI_FINE ? rest : code;
    }
    login_free(&target.login);
    return code;
}
