/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache explain: the next login of a user.  Who is served, in which state
 * the cache is and which variables follow is decided by login.c, as in the
 * module; this file adds whether the service's PAM stack gets there at all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "explain_json.h"
#include "membership.h"
#include "report.h"

/* --- text ---------------------------------------------------------------- */

static void
print_heading(const struct cli *cli, const char *heading)
{
    printf("\n%s%s%s\n", cli_paint(cli, PAINT_BOLD), heading,
           cli_paint(cli, PAINT_NONE));
}

static void
print_side_line(const struct cli *cli, const struct pamside *side)
{
    const struct pamentry *entry = &side->stack.entry[side->at];
    const struct pamentry *by = &side->stack.entry[side->passed_by];

    printf("  %-8s %s:%u: %s %s%s", side->type, entry->file, entry->number,
           entry->control, entry->module, *entry->arguments ? " " : "");
    cli_print_safe(entry->arguments);
    printf("%s\n", side->stack.from_other ? "  (the service has none of its "
                                            "own: \"other\" serves)"
                                          : "");
    if (*side->ignored) {
        printf("           %signored: ", cli_paint(cli, PAINT_WARN));
        cli_print_safe(side->ignored);
        printf("; give " LOGIN_ARGUMENTS "%s\n",
               cli_paint(cli, PAINT_NONE));
    }
    if (by != entry)
        printf("           %spassed over if %s:%u (%s %s) says so%s\n",
               cli_paint(cli, PAINT_WARN), by->file, by->number, by->control,
               by->module, cli_paint(cli, PAINT_NONE));
}

static void
print_side(const struct cli *cli, const struct pamside *side,
           const char *without)
{
    if (side->has_line)
        print_side_line(cli, side);
    else if (!*side->problem)
        printf("  %-8s %s\n", side->type, without);
    if (*side->problem)
        printf("  %-8s %s%s%s\n", side->has_line ? "" : side->type,
               cli_paint(cli, PAINT_BAD), side->problem,
               cli_paint(cli, PAINT_NONE));
}

static void
print_pam(const struct explanation *it)
{
    const struct cli *cli = it->cli;
    bool own = it->session.stack.has_own || it->auth.stack.has_own;

    printf("%sPAM: %s%s%s\n", cli_paint(cli, PAINT_BOLD), it->service,
           cli_paint(cli, PAINT_NONE),
           own || *it->session.problem
               ? ""
               : "  (has no file: libpam takes those of \"other\")");
    print_side(cli, &it->session, "no line");
    print_side(cli, &it->auth,
               it->needs_auth ? "no line, and membership = session needs one"
                              : "no line, none needed");
}

static void
print_policy(const struct explanation *it, const struct lines *why)
{
    const struct policy *policy = &it->login->policy;

    print_heading(it->cli, "Policy");
    for (size_t i = 0; i < policy->nfiles; i++)
        printf("  %s\n", policy->files[i]);
    if (policy->nfiles == 0)
        printf("  %s does not exist: built-in defaults\n", POLICY_DEFAULT_FILE);
    for (size_t i = 0; i < it->policy_lines; i++)
        printf("  %s\n", why->line[i]);
}

/* "by usermod", or why it can't last. */
static void
print_persist(const struct login *login)
{
    char group[256], where[512];
    struct err err = {0};
    int how;

    if (membership_persist_how(login->section, login->person.subject.user,
                               login->gid, group, sizeof(group), &how,
                               &err) < 0)
        printf("  cannot be made lasting: %s\n", err.text);
    else
        printf("  made lasting by %s (persist = %s, %s)\n",
               policy_keys[KEY_PERSIST].choices[how],
               policy_text(login->section, KEY_PERSIST),
               cli_origin(&login->section->value[KEY_PERSIST].origin, where,
                          sizeof(where)));
}

/* By whom he is a member. */
static void
print_giver(const struct explanation *it)
{
    const struct giver *giver = &it->giver;
    char user[CLI_WORD_SIZE], age[64] = "";
    struct text text = TEXT_INIT(age);

    switch (giver->who) {
    case GIVER_UNASKED:
        break;
    case GIVER_PRIMARY:
        puts("  given by passwd: it is the primary group");
        break;
    case GIVER_HFCACHE:
        cli_add_since(&text, giver->since);
        printf("  given by hfcache, in a login %s ago, by %s; sudo hfcache "
               "revoke %s takes it back\n",
               age, members_words[giver->how], cli_word(it->user, user));
        break;
    case GIVER_OTHERS:
        puts("  given by others than hfcache: the system, its admin, a "
             "directory");
        break;
    case GIVER_UNKNOWN:
        printf("  given by whom is not to be had: %s\n", giver->problem);
        break;
    }
}

static void
print_group(const struct explanation *it)
{
    const struct login *login = it->login;
    const struct policy_section *section = login->section;
    const struct policy_value *wanted = &section->value[KEY_MEMBERSHIP];
    static const char *const words[] = {
        [MEMBER_NO] = "is not a member, and is not added",
        [MEMBER_YES] = "is a member",
        [MEMBER_ADDED] = "is not a member yet, and will be added",
        [MEMBER_PROMISED] = "is not a member yet, and will be added",
        [MEMBER_UNASKED] = "is not asked about",
    };
    char where[512];

    print_heading(it->cli, "Group");
    if (!login->has_gid) {
        printf("  %s\n", login->problem);
        return;
    }
    printf("  %s (gid %u): %s %s\n", policy_text(section, KEY_GROUP),
           login->gid, it->user, words[login->member]);
    print_giver(it);
    printf("  membership = %s (%s)\n", wanted->text,
           cli_origin(&wanted->origin, where, sizeof(where)));
    if (!login->lasting && wanted->number == MEMBERSHIP_ENSURE)
        print_persist(login);
}

static void
print_cache(const struct explanation *it)
{
    const struct login *login = it->login;
    const char *path = policy_text(login->section, KEY_PATH);
    char age[64] = "";
    struct text text = TEXT_INIT(age);

    if (login->verdict) {
        text_add(&text, ", looked at ");
        cli_add_duration(&text, login->age_ms);
        text_add(&text, " ago");
    }
    print_heading(it->cli, "Cache");
    printf("  %s: %s%s%s%s", path,
           cli_paint(it->cli, report_paint(&login->view)),
           decision_state_name(login->view.state),
           login->view.drift ? ", with drift" : "",
           cli_paint(it->cli, PAINT_NONE));
    printf("%s\n", age);
    if (*login->view.why && login->has_gid)
        printf("  %s\n", login->view.why);
    if (*login->problem && login->has_gid &&
        strcmp(login->problem, login->view.why) != 0)
        printf("  %s\n", login->problem);
    if (login->verdict && !login->verdict->way_error)
        report_print_way(it->cli, login->section, login->verdict, 4);
    if (login->verdict)
        report_print_gate(it->cli, login->section, login->gid, login->verdict,
                          4);
    if (login->own_drifts > 0)
        printf("  of %s to be mended below hub/: %zu; %s\n", it->user,
               login->own_drifts,
               policy_number(login->section, KEY_REPAIR) == REPAIR_OWNER
                   ? "the login does what it may"
                   : "repair = off, so it stays");
    if (login->tree_error == EACCES)
        printf("  what the last check found is for root and members of %s to "
               "read\n",
               policy_text(login->section, KEY_GROUP));
}

static void
print_variables(const struct explanation *it)
{
    const struct login *login = it->login;
    const struct environment *environment = &login->environment;
    const struct policy_value *mask = &login->section->value[KEY_UMASK];
    char where[512];
    int width = 0;

    if (!login->exports)
        return;
    print_heading(it->cli, "Variables");
    for (size_t i = 0; i < environment->count; i++) {
        int length = (int)strlen(environment->variable[i].assignment);

        width = length > width && length < 60 ? length : width;
    }
    for (size_t i = 0; i < environment->count; i++) {
        const struct variable *variable = &environment->variable[i];

        cli_origin(&variable->origin, where, sizeof(where));
        printf("  %-*s  %s%s%s\n", width, variable->assignment,
               cli_paint(it->cli, PAINT_DIM), where,
               cli_paint(it->cli, PAINT_NONE));
    }
    if (mask->number != UMASK_KEEP)
        printf("  umask %s  %s%s%s\n", mask->text,
               cli_paint(it->cli, PAINT_DIM),
               cli_origin(&mask->origin, where, sizeof(where)),
               cli_paint(it->cli, PAINT_NONE));
}

/* How he becomes a member, where no login makes him one. */
static void
add_membership_advice(const struct explanation *it, struct text *text)
{
    const char *group = policy_text(it->login->section, KEY_GROUP);
    const char *user = it->login->person.subject.user;
    char user_word[CLI_WORD_SIZE], group_word[CLI_WORD_SIZE];

    if (membership_group_is_local(it->login->gid))
        text_addf(text, "sudo usermod -aG %s %s", cli_word(group, group_word),
                  cli_word(user, user_word));
    else
        text_addf(text, "add %s to %s in your directory", user, group);
}

/* What to type, if there is something: "" if not. */
static void
choose_advice(const struct explanation *it, struct text *text)
{
    const struct login *login = it->login;
    const char *advice;

    if (!login->section)
        return;
    if (*it->session.problem)
        text_add(text, "see to what is said of its lines above");
    else if (!it->session.has_line && !it->session.stack.has_own)
        text_add(text, "name a service that is in /etc/pam.d");
    else if (!it->session.has_line || (it->needs_auth && !it->auth.has_line))
        text_addf(text, "sudo hfcache enable %s%s",
                  it->needs_auth && !it->auth.has_line ? "--auth " : "",
                  it->service);
    if (!login->has_gid)
        advice = report_group_advice(login->group_error);
    else
        advice = report_advice(login->view.state, login->view.drift);
    if (advice)
        text_addf(text, "%s%s", text->length ? "; " : "", advice);
    /* Why `ensure` cannot do it is told with what helps. */
    if (login->has_gid && login->member == MEMBER_NO && !it->needs_auth &&
        policy_number(login->section, KEY_MEMBERSHIP) != MEMBERSHIP_ENSURE) {
        text_add(text, text->length ? "; " : "");
        add_membership_advice(it, text);
    }
}

/* The last word, and what to type if it is not a good one. */
static void
print_conclusion(const struct explanation *it, const struct lines *why)
{
    const struct login *login = it->login;
    char advice[512] = "";
    struct text text = TEXT_INIT(advice);
    bool good = it->session.reached && login->exports;

    printf("\n%s%s", cli_paint(it->cli, PAINT_BOLD),
           cli_paint(it->cli, good ? PAINT_GOOD : PAINT_BAD));
    if (!login->section)
        printf("%s is left alone: no section takes this login", it->user);
    else if (!it->session.reached)
        printf("%s does not reach the module: nothing of this happens",
               it->service);
    else if (login->exports)
        printf("%zu variables will be set", login->environment.count);
    else
        printf("The variables will be left out");
    printf("%s\n", cli_paint(it->cli, PAINT_NONE));
    for (size_t i = it->policy_lines; i < why->count; i++)
        printf("%s\n", why->line[i]);
    choose_advice(it, &text);
    if (*advice)
        printf("To mend it: %s\n", advice);
}

static void
print_text(const struct explanation *it, const struct lines *why)
{
    print_pam(it);
    print_policy(it, why);
    if (it->login->section) {
        print_group(it);
        print_cache(it);
        print_variables(it);
    }
    print_conclusion(it, why);
    if (!it->login->section)
        return;
    if (it->login->exports)
        report_print_shell(&it->login->person.subject,
                           &it->login->environment);
    report_print_home(&it->home, policy_text(it->login->section, KEY_PATH));
}

/* --- the command --------------------------------------------------------- */

/* libpam lowers a service's name before it looks for its file. */
static void
choose_service(const struct cli *cli, char *ret, size_t size)
{
    snprintf(ret, size, "%s", cli->service ? cli->service : "sshd");
    for (char *at = ret; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
}

/*
 * The policy that the login will read: --conf, or what the module's line in
 * the stack says, believed on the module's terms.
 */
static const char *
choose_conf(const struct cli *cli, const struct pamside *session,
            uid_t *ret_trusted)
{
    *ret_trusted = cli->conf ? getuid() : 0;
    return !cli->conf && *session->conf ? session->conf : cli->conf;
}

/* Who gave the membership that there is. */
static void
find_giver(const struct login *login, struct giver *ret)
{
    const struct subject *subject = &login->person.subject;
    const struct members_entry *entry;
    struct members members;
    struct err err = {0};
    int r;

    if (!login->section || !login->has_gid || !login->lasting)
        return;
    if (subject->gid == login->gid) {
        ret->who = GIVER_PRIMARY;
        return;
    }
    r = members_load(MEMBERS_DIR, 0, subject->user, &members, &err);
    if (r < 0) {
        ret->who = GIVER_UNKNOWN;
        snprintf(ret->problem, sizeof(ret->problem), "%s",
                 r == -EACCES ? "the list is root's to read" : err.text);
        return;
    }
    entry = members_find(&members, subject->uid, login->gid);
    ret->who = entry ? GIVER_HFCACHE : GIVER_OTHERS;
    if (entry) {
        ret->since = entry->when;
        ret->how = entry->how;
    }
    members_free(&members);
}

static int
explain(const struct cli *cli, const char *user, struct explanation *it,
        struct lines *why)
{
    uid_t trusted;
    struct err err = {0};
    const char *file = choose_conf(cli, &it->session, &trusted);
    int r = login_begin(file, trusted, user, it->service, it->login, why, &err);

    it->policy_lines = why->count;
    if (r == 0 && it->login->section) {
        login_foretell(it->login, it->auth.reached);
        login_decide(it->login, why);
    }
    if (r == 0)
        find_giver(it->login, &it->giver);
    if (r == 0 && it->login->exports)
        report_load_home(&it->login->person.subject, &it->home);
    it->needs_auth = r == 0 && login_needs_auth_line(it->login);
    if (r < 0) {
        if (!cli->json)
            print_pam(it);
        cli_error("%s", err.text);
        return cli_login_exit(it->login);
    }
    if (cli->json)
        explain_write_json(it, why);
    else
        print_text(it, why);
    return it->session.reached && it->login->exports ? CLI_FINE : CLI_FOUND;
}

int
cmd_explain(const struct cli *cli)
{
    char user[256], service[256];
    struct login login = {0};
    struct lines why = {0};
    struct explanation it = {
        .cli = cli, .user = user, .service = service, .login = &login};
    int code = cli_find_user(cli, user, sizeof(user));

    if (code != CLI_FINE)
        return code;
    choose_service(cli, service, sizeof(service));
    if (!*service || strchr(service, '/')) {
        cli_error("explain: --service takes a name, such as sshd");
        return CLI_USAGE;
    }
    explain_stack(service, "session", &it.session);
    explain_stack(service, "auth", &it.auth);
    code = explain(cli, user, &it, &why);
    pamstack_free(&it.session.stack);
    pamstack_free(&it.auth.stack);
    login_free(&login);
    lines_free(&why);
    return code;
}
