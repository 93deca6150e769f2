/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PAM hooks: arguments and subject in, the steps of login.h, and out of
 * them variables, a notice, and one line in the log.  No hook ever refuses a
 * login: whatever goes wrong is logged and the login goes on without us.
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "login.h"
#include "processes.h"

#define EXPORTED __attribute__((visibility("default")))
#define MARK "pam_hfcache_setcred"
#define SETCRED_PROBLEM "pam_hfcache_problem"
#define SEARCH_MS 50 /* for the user's processes, in the login that adds him */

/* The words of our line in the PAM stack, and what the handle tells. */
struct call {
    pam_handle_t *pamh;
    const char *conf; /* NULL: the default */
    bool debug;
    const char *service;
};

/* `loud`: say which arguments are not known (once a login is enough). */
static void
read_arguments(struct call *call, bool loud, int argc, const char **argv)
{
    for (int i = 0; i < argc; i++)
        if (!login_take_argument(argv[i], &call->conf, &call->debug) && loud)
            pam_syslog(call->pamh, LOG_ERR,
                       "argument \"%s\" is not known, ignoring it: give "
                       LOGIN_ARGUMENTS,
                       argv[i]);
}

/* A PAM item that is a string; "" if it is not set. */
static const char *
get_item(pam_handle_t *pamh, int item)
{
    const void *value = NULL;

    if (pam_get_item(pamh, item, &value) != PAM_SUCCESS || !value)
        return "";
    return value;
}

static void
free_problem(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    free(data);
}

/*
 * What setcred could not do is told in the one line of open_session, which may
 * do it instead.  "": it could.
 */
static void
leave_problem(const struct call *call, const char *problem)
{
    static const char no_memory[] = "setcred: Cannot allocate memory";
    const void *old = NULL;
    bool has_old =
        pam_get_data(call->pamh, SETCRED_PROBLEM, &old) == PAM_SUCCESS;
    char *copy = *problem ? util_format("setcred: %s", problem) : NULL;
    /* libpam takes no const.  NOLINTNEXTLINE(performance-no-int-to-ptr) */
    void *kept = *problem && !copy ? (void *)(uintptr_t)no_memory : copy;

    if ((kept || has_old) &&
        pam_set_data(call->pamh, SETCRED_PROBLEM, kept,
                     copy ? free_problem : NULL) != PAM_SUCCESS)
        free(copy);
}

/* What open_session itself found wrong comes first. */
static void
take_problem(const struct call *call, struct login *login)
{
    const void *data = NULL;

    if (!*login->problem &&
        pam_get_data(call->pamh, SETCRED_PROBLEM, &data) == PAM_SUCCESS && data)
        snprintf(login->problem, sizeof(login->problem), "%s",
                 (const char *)data);
}

/*
 * Read what this call is about and begin the login.  False if there is nothing
 * to do; what went wrong is logged, or if not `loud` left to open_session.
 */
static bool
begin(struct call *call, struct login *login, bool loud)
{
    struct lines why = {NULL, 0};
    struct err err;
    int result;

    call->service = get_item(call->pamh, PAM_SERVICE);
    result = login_begin(call->conf, 0, get_item(call->pamh, PAM_USER),
                         call->service, login, call->debug ? &why : NULL, &err);
    for (size_t i = 0; i < why.count; i++)
        pam_syslog(call->pamh, LOG_DEBUG, "%s", why.line[i]);
    lines_free(&why);
    if (result == 0 && login->section)
        return true;
    if (result < 0 && !loud)
        leave_problem(call, err.text);
    if (result < 0 && (loud || call->debug))
        pam_syslog(call->pamh, result == -ENOENT ? LOG_NOTICE : LOG_ERR,
                   "%s; this login goes on without the shared cache", err.text);
    login_free(login);
    return false;
}

/*
 * setcred was reached on this handle for this user: the application will call
 * it again in the user's own process.
 */
static void
leave_mark(const struct call *call, uid_t uid)
{
    /* A number is all that the mark holds. */
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    (void)pam_set_data(call->pamh, MARK, (void *)((uintptr_t)uid + 1), NULL);
}

static bool
has_mark(const struct call *call, uid_t uid)
{
    const void *data = NULL;

    return pam_get_data(call->pamh, MARK, &data) == PAM_SUCCESS &&
           (uintptr_t)data == (uintptr_t)uid + 1;
}

/* True if PAM's environment holds `name` with a value that is not ours. */
static bool
is_foreign(const struct call *call, const struct environment *environment,
           const char *name)
{
    const char *value = pam_getenv(call->pamh, name);
    const char *ours = decision_find_value(environment, name);

    return value && (!ours || strcmp(ours, value) != 0);
}

/* Take back what a failed putenv left behind. */
static void
take_back(const struct call *call, const struct environment *environment,
          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *assignment = environment->variable[i].assignment;

        assignment[strcspn(assignment, "=")] = '\0';
        (void)pam_putenv(call->pamh, assignment);
    }
}

/* Set all variables or none; the word for the log. */
static const char *
export_variables(const struct call *call, struct login *login)
{
    struct environment *environment = &login->environment;
    int status;

    if (!login->exports)
        return "omitted";
    if (is_foreign(call, environment, "HF_HOME") ||
        is_foreign(call, environment, "HF_HUB_CACHE")) {
        if (!*login->view.why)
            snprintf(login->view.why, sizeof(login->view.why),
                     "HF_HOME or HF_HUB_CACHE is set before us, as by pam_env "
                     "from /etc/environment");
        return "foreign";
    }
    for (size_t i = 0; i < environment->count; i++) {
        status = pam_putenv(call->pamh, environment->variable[i].assignment);
        if (status == PAM_SUCCESS)
            continue;
        take_back(call, environment, i);
        if (!*login->problem)
            snprintf(login->problem, sizeof(login->problem), "pam_putenv: %s",
                     pam_strerror(call->pamh, status));
        return "failed";
    }
    return "set";
}

/* umask is the process's own: only where no other thread can mind. */
static void
apply_umask(const struct login *login)
{
    static const mode_t masks[] = {[UMASK_002] = 002, [UMASK_007] = 007};
    int64_t choice = policy_number(login->section, KEY_UMASK);

    if (choice != UMASK_KEEP && membership_single_thread())
        (void)umask(masks[choice]);
}

/*
 * A person may be there to read.  sshd calls every terminal "ssh", and drops
 * what is said if there is none; elsewhere a pipe must stay clean.
 */
static bool
has_reader(const struct call *call, int flags)
{
    const char *tty = get_item(call->pamh, PAM_TTY);

    if ((unsigned)flags & PAM_SILENT)
        return false;
    if (strcmp(tty, "ssh") == 0)
        return true;
    if (util_has_prefix(tty, "/dev/"))
        tty += strlen("/dev/");
    return (util_has_prefix(tty, "pts/") || util_has_prefix(tty, "tty")) &&
           isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

/*
 * Once, in the login that made the user a member: what he started before goes
 * on without the group, a user manager, tmux or an editor's server for weeks.
 */
static void
tell_of_membership(const struct call *call, const struct login *login)
{
    struct processes old;
    char sentence[720] = "";
    struct text text = TEXT_INIT(sentence);

    processes_find(login->person.subject.uid, login->gid, false, SEARCH_MS,
                   &old);
    if (old.named) {
        text_add(&text, " Restart what still runs without it: ");
        processes_add_names(&old, &text);
        text_add(&text, ".");
    } else if (!old.complete) {
        text_add(&text, " Restart tmux, VS Code server and the like that still "
                        "run.");
    }
    (void)pam_info(call->pamh,
                   "hfcache: you are now in group %s.%s What you downloaded "
                   "before stays where it is: see \"hfcache explain\".",
                   policy_text(login->section, KEY_GROUP), sentence);
}

static void
notify(const struct call *call, const struct login *login, int flags)
{
    if (policy_number(login->section, KEY_NOTIFY) == NOTIFY_NEVER ||
        !has_reader(call, flags))
        return;
    if (!login->exports)
        (void)pam_info(call->pamh,
                       "hfcache: the shared Hugging Face cache is left out of "
                       "this session: %s",
                       *login->view.why ? login->view.why : login->problem);
    if (login->persist_added)
        tell_of_membership(call, login);
    if (login->mending)
        (void)pam_info(call->pamh,
                       "hfcache: %zu of your folders in the shared cache lost "
                       "group or bits; what a login may mend is being mended.",
                       login->own_drifts);
}

/* What this login did: words joined by "+". */
static void
add_actions(const struct login *login, struct text *line)
{
    const struct {
        bool done;
        const char *word;
    } actions[] = {
        {login->member == MEMBER_ADDED, "add"},
        {login->persist_added, "persist"},
        {login->mending, "mend"},
    };
    size_t start;

    text_add(line, " action=");
    start = line->length;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (actions[i].done)
            text_addf(line, "%s%s", line->length > start ? "+" : "",
                      actions[i].word);
    }
    if (line->length == start)
        text_add(line, "none");
}

static void
add_field(struct text *line, const char *name, const char *value)
{
    text_addf(line, "%s%s=", line->length ? " " : "", name);
    text_add_word(line, value);
}

static const char *
persist_word(const struct login *login)
{
    if (*login->persist)
        return login->persist;
    return login->lasting ? "lasting" : "no";
}

static int
log_level(const struct login *login, const char *env)
{
    if (*login->problem || strcmp(env, "failed") == 0)
        return LOG_ERR;
    if (login->view.basis != STATE_USABLE &&
        login->view.basis != STATE_UNVERIFIED)
        return LOG_NOTICE;
    return login->view.drift ? LOG_NOTICE : LOG_INFO;
}

/* The one line of this login. */
static void
log_login(const struct call *call, const struct login *login, const char *env,
          int64_t took_ms)
{
    char buffer[1800] = "";
    struct text line = TEXT_INIT(buffer);
    const char *name = login->section->name;

    add_field(&line, "user", login->person.subject.user);
    text_addf(&line, " uid=%u", login->person.subject.uid);
    add_field(&line, "service", call->service);
    add_field(&line, "cache", policy_text(login->section, KEY_PATH));
    add_field(&line, "section", *name ? name : "cache");
    add_actions(login, &line);
    add_field(&line, "member", decision_member_name(login->member));
    add_field(&line, "persist", persist_word(login));
    add_field(&line, "state", decision_state_name(login->view.state));
    add_field(&line, "env", env);
    text_addf(&line, " age_ms=%lld took_ms=%lld", (long long)login->age_ms,
              (long long)took_ms);
    add_field(&line, "why",
              *login->problem ? login->problem : login->view.why);
    pam_syslog(call->pamh, log_level(login, env), "%s", buffer);
}

EXPORTED int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    /* Never a reason to let anybody in, nor to keep anybody out. */
    return PAM_IGNORE;
}

EXPORTED int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct call call = {.pamh = pamh};
    struct login login;

    if ((unsigned)flags & PAM_DELETE_CRED)
        return PAM_IGNORE;
    read_arguments(&call, false, argc, argv);
    if (!begin(&call, &login, false))
        return PAM_IGNORE;
    login_join(&login, false);
    leave_problem(&call, login.problem);
    if (geteuid() == 0 && login.has_gid)
        leave_mark(&call, login.person.subject.uid);
    if (call.debug)
        pam_syslog(pamh, LOG_DEBUG, "setcred: member=%s %s",
                   decision_member_name(login.member), login.problem);
    login_free(&login);
    return PAM_SUCCESS;
}

EXPORTED int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    int64_t start_ms = util_monotonic_ms();
    struct call call = {.pamh = pamh};
    struct login login;
    const char *env;

    read_arguments(&call, true, argc, argv);
    if (!begin(&call, &login, true))
        return PAM_SUCCESS;
    take_problem(&call, &login);
    login_join(&login, has_mark(&call, login.person.subject.uid));
    login_persist(&login);
    login_verify(&login);
    login_decide(&login, NULL);
    env = export_variables(&call, &login);
    apply_umask(&login);
    notify(&call, &login, flags);
    log_login(&call, &login, env, util_monotonic_ms() - start_ms);
    login_free(&login);
    return PAM_SUCCESS;
}

/*
 * A line of a type that we have nothing for.  Without a hook libpam would take
 * it for a refusal of every login; ignored, it lets nobody in by itself.
 */
static int
ignore_line(pam_handle_t *pamh, const char *type)
{
    pam_syslog(pamh, LOG_ERR,
               "a line of type %s does nothing, and is ignored: take it out, "
               "and have `hfcache enable %s` add the line that is needed",
               type, get_item(pamh, PAM_SERVICE));
    return PAM_IGNORE;
}

EXPORTED int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    (void)argc;
    (void)argv;
    return ignore_line(pamh, "account");
}

EXPORTED int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    (void)argc;
    (void)argv;
    return ignore_line(pamh, "password");
}

EXPORTED int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    /* May run as the user, or on another handle: there is nothing to undo. */
    return PAM_SUCCESS;
}
