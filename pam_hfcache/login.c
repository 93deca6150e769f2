/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps of a login, in the order in which the module calls them.  What a
 * step finds wrong goes into login->problem or the view: no step fails.
 */
#include "login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "login_ask.h"
#include "login_host.h"
#include "probe.h"

bool
login_take_argument(const char *word, const char **conf, bool *debug)
{
    if (util_has_prefix(word, "conf=/"))
        *conf = word + strlen("conf=");
    else if (strcmp(word, "debug") == 0)
        *debug = true;
    else
        return false;
    return true;
}

/* Keep the first problem: what follows is often its consequence. */
static void
note_problem(struct login *login, const char *what)
{
    if (!*login->problem)
        snprintf(login->problem, sizeof(login->problem), "%s", what);
}

/* Why no helper may be started; NULL: one may.  The host is judged once. */
static const char *
forbids_helpers(struct login *login)
{
    if (!login->host_judged) {
        login->host_judged = true;
        login->forbidden = login_host_forbids(login->person.subject.service);
    }
    if (login->forbidden && strcmp(login->forbidden, LOGIN_HOST_UNKNOWN) == 0)
        note_problem(login, login->forbidden);
    return login->forbidden;
}

/* May a helper be started that calls the cache, and may not come back? */
static bool
may_touch_cache(struct login *login)
{
    return !forbids_helpers(login) && !login_host_is_unit();
}

int
login_begin(const char *conf, uid_t trusted_uid, const char *user,
            const char *service, struct login *ret, struct lines *why,
            struct err *err)
{
    struct err group_err;
    int result;

    *ret = (struct login){.age_ms = -1, .member = MEMBER_NO};
    result = policy_load(conf, trusted_uid, &ret->policy, err);
    if (result < 0)
        return result;
    result = membership_load(user, service, &ret->person, err);
    if (result < 0)
        return result;
    ret->section = decision_section(&ret->policy, &ret->person.subject, why);
    /* "!@GROUP" that is not known to be true lets nobody in. */
    if (ret->person.names.error)
        return err_sys(err, ret->person.names.error,
                       "which groups uid %u is in", ret->person.subject.uid);
    if (!ret->section)
        return 0;
    if (membership_group(ret->section, &ret->gid, &group_err) == 0) {
        ret->has_gid = true;
        ret->lasting = membership_holds(&ret->person.subject, ret->gid);
    } else {
        ret->group_error = group_err.code;
        note_problem(ret, group_err.text);
    }
    return 0;
}

void
login_free(struct login *login)
{
    policy_free(&login->policy);
    membership_free(&login->person);
    verdict_free(login->verdict);
    free(login->verdict);
    login->verdict = NULL;
    decision_free_environment(&login->environment);
}

static int64_t
wanted_membership(const struct login *login)
{
    return policy_number(login->section, KEY_MEMBERSHIP);
}

static bool
wants_to_add(const struct login *login)
{
    return wanted_membership(login) == MEMBERSHIP_ENSURE ||
           wanted_membership(login) == MEMBERSHIP_SESSION;
}

/* What a closed guard leaves: NSS's word, or the promise of setcred. */
static enum member
member_without_guard(const struct login *login, bool promised)
{
    if (login->lasting)
        return MEMBER_YES;
    return promised && wants_to_add(login) ? MEMBER_PROMISED : MEMBER_NO;
}

void
login_join(struct login *login, bool promised)
{
    struct err err;
    enum guard guard;

    if (!login->has_gid)
        return;
    if (wanted_membership(login) == MEMBERSHIP_OFF) {
        login->member = MEMBER_UNASKED;
        return;
    }
    guard = membership_guarded_add(&login->person.subject, login->gid,
                                   wants_to_add(login), &err);
    if (guard == GUARD_FAILED)
        note_problem(login, err.text);
    if (guard == GUARD_ADDED)
        login->member = MEMBER_ADDED;
    else if (guard == GUARD_PRESENT)
        login->member = MEMBER_YES;
    else
        login->member = member_without_guard(login, promised);
}

/* One line for the log of how asking went. */
static void
describe_persist(struct login *login, int how, ssize_t result, char *answer,
                 const struct err *err)
{
    const char *name = policy_keys[KEY_PERSIST].choices[how];

    if (result > 0)
        answer[strcspn(answer, "\n")] = '\0';
    if (login->lasting)
        snprintf(login->persist, sizeof(login->persist), "%s", name);
    else if (result == -ETIMEDOUT)
        snprintf(login->persist, sizeof(login->persist),
                 "%s: not done within %s, goes on without us", name,
                 policy_text(login->section, KEY_PERSIST_DEADLINE));
    else if (result > 0 && strcmp(answer, "ok") != 0)
        snprintf(login->persist, sizeof(login->persist), "%.16s: %.400s",
                 name, answer);
    else
        snprintf(login->persist, sizeof(login->persist), "%.16s: %.400s",
                 name,
                 result < 0    ? err->text
                 : result == 0 ? "the helper ended without a word"
                               : "without effect");
}

void
login_persist(struct login *login)
{
    char group[256] = "", answer[PROBE_ANSWER_MAX + 1];
    const char *forbidden;
    struct err err, group_err;
    ssize_t result;
    int how = PERSIST_USERMOD;
    int reloaded;

    if (!login->has_gid || login->lasting ||
        wanted_membership(login) != MEMBERSHIP_ENSURE)
        return;
    forbidden = forbids_helpers(login);
    if (forbidden) {
        snprintf(login->persist, sizeof(login->persist), "no: %s", forbidden);
        return;
    }
    if (membership_persist_how(login->section, login->person.subject.user,
                               login->gid, group, sizeof(group), &how,
                               &err) < 0) {
        snprintf(login->persist, sizeof(login->persist), "%s", err.text);
        note_problem(login, err.text);
        return;
    }
    result = login_ask_to_join(login, how, group, answer, &err);
    reloaded = membership_reload_groups(&login->person, &group_err);
    if (reloaded == 0) {
        login->lasting =
            membership_holds(&login->person.subject, login->gid);
    } else if (result >= 0) { /* what came of it is not known */
        result = reloaded;
        err = group_err;
    }
    describe_persist(login, how, result, answer, &err);
    login->persist_added = login->lasting;
    if (!login->lasting)
        note_problem(login, login->persist);
    else if (login->member == MEMBER_NO || login->member == MEMBER_PROMISED)
        login->member = MEMBER_YES; /* the application's initgroups sees it */
}

/* Take over `verdict`, in place of the one there was. */
static void
keep_verdict(struct login *login, struct verdict *verdict)
{
    if (!login->verdict)
        login->verdict = calloc(1, sizeof(*login->verdict));
    if (!login->verdict) {
        note_problem(login, "no memory for a verdict");
        verdict_free(verdict);
        return;
    }
    verdict_free(login->verdict);
    *login->verdict = *verdict;
    login->age_ms = util_age_ms(verdict->taken_ms);
}

static void
read_verdict(struct login *login)
{
    struct verdict verdict;
    struct err err;
    int result = verdict_read(VERDICT_DIR, 0,
                              policy_text(login->section, KEY_PATH),
                              login->gid, &verdict, &err);

    if (result == 0)
        keep_verdict(login, &verdict);
    else if (result != -ENOENT && result != -ESTALE)
        note_problem(login, err.text);
}

/*
 * What this user's mender would have to do, by both verdicts.  The check's is
 * there to help: that it is not to be had is no problem of a login's.
 */
static void
count_own_drifts(struct login *login)
{
    struct own_drifts own;
    struct tree_verdict tree;

    login->tree_error =
        -verdict_tree_read(VERDICT_DIR, 0,
                           policy_text(login->section, KEY_PATH), login->gid,
                           &tree, NULL);
    decision_own_drifts(login->verdict, login->tree_error ? NULL : &tree,
                        login->person.subject.uid, &own);
    login->own_drifts = own.count;
    if (!login->tree_error)
        verdict_tree_free(&tree);
}

/* Run a probe and take its answer as the verdict.  False: none is at work. */
static bool
probe_now(struct login *login, struct knowledge *known)
{
    bool is_hung = known->waiting_ms > VERDICT_HUNG_MS;
    char answer[PROBE_ANSWER_MAX + 1];
    struct verdict verdict;
    struct err err;
    ssize_t length;

    /* While one hangs, a further one is sent to see, but not waited for. */
    length = login_start_probe(
        login, "look",
        is_hung ? -1 : policy_number(login->section, KEY_DEADLINE), answer,
        &err);
    known->timed_out = length == -ETIMEDOUT;
    if (known->timed_out || (length == 0 && is_hung))
        return true;
    if (length > 0 && strcmp(answer, PROBE_BUSY) == 0)
        return false;
    if (length == 0) {
        err_set(&err, EIO, "%s ended without a word", HFCACHE_HELPER);
    } else if (length > 0 && util_has_prefix(answer, PROBE_FAILED)) {
        answer[strcspn(answer, "\n")] = '\0';
        err_set(&err, EIO, "%s", answer);
    } else if (length > 0 &&
               verdict_parse(answer, (size_t)length,
                             policy_text(login->section, KEY_PATH), login->gid,
                             &verdict, &err) == 0) {
        keep_verdict(login, &verdict);
        return true;
    }
    note_problem(login, err.text);
    return false;
}

/*
 * What is known without acting: the last verdict, the probes that run.  True if
 * a further one is due and would be let in.
 */
static bool
gather(struct login *login, struct knowledge *known, struct probe_state *ret)
{
    struct err err;

    read_verdict(login);
    count_own_drifts(login);
    if (login->verdict &&
        verdict_is_fresh(login->verdict,
                         policy_number(login->section, KEY_FRESH),
                         login->person.subject.host))
        return false;
    if (verdict_probe_state(VERDICT_DIR, 0,
                            policy_text(login->section, KEY_PATH), login->gid,
                            ret, &err) < 0) {
        note_problem(login, err.text);
        return false;
    }
    known->waiting_ms = verdict_waiting_ms(ret, login->verdict);
    return ret->may_start;
}

static void
judge(struct login *login, struct knowledge *known)
{
    known->gid = login->gid;
    known->member = login->member;
    known->verdict = login->verdict;
    known->age_ms = login->age_ms;
    decision_judge(login->section, known, &login->view);
    if (!login->has_gid)
        snprintf(login->view.why, sizeof(login->view.why), "%.199s",
                 login->problem);
}

static bool
wants_verdict(const struct login *login)
{
    return login->has_gid &&
           policy_number(login->section, KEY_VERIFY) == VERIFY_LOGIN;
}

/*
 * Is a mender due?  Not while a probe runs that may hang, of those `before` this
 * login's own or since: it would hang, too.
 */
static bool
wants_mender(struct login *login, bool probing, const struct knowledge *known,
             const struct probe_state *before)
{
    struct probe_state state = {.running = 1};
    struct err err;

    if (login->own_drifts == 0 ||
        policy_number(login->section, KEY_REPAIR) != REPAIR_OWNER ||
        !may_touch_cache(login))
        return false;
    if (probing)
        return !known->timed_out && before->running == 0;
    if (verdict_probe_state(VERDICT_DIR, 0,
                            policy_text(login->section, KEY_PATH), login->gid,
                            &state, &err) < 0)
        note_problem(login, err.text);
    return state.running == 0;
}

void
login_verify(struct login *login)
{
    struct knowledge known = {0};
    struct probe_state state = {0};
    bool probing = false;
    struct err err;

    if (wants_verdict(login))
        probing = gather(login, &known, &state) && may_touch_cache(login) &&
                  probe_now(login, &known);
    login->mending = wants_mender(login, probing, &known, &state);
    if (login->mending && !probing && /* a probe that looked mends by itself */
        login_start_probe(login, "mend", -1, NULL, &err) < 0) {
        login->mending = false;
        note_problem(login, err.text);
    }
    judge(login, &known);
}

/* Services that open the session before they become the user's groups. */
static bool
opens_early(const char *service)
{
    static const char *const early[] = {"sshd", "cron", "crond", "login"};

    for (size_t i = 0; i < ARRAY_LEN(early); i++) {
        if (strcmp(service, early[i]) == 0)
            return true;
    }
    return false;
}

bool
login_needs_auth_line(const struct login *login)
{
    return login->section &&
           wanted_membership(login) == MEMBERSHIP_SESSION &&
           opens_early(login->person.subject.service);
}

/* Could a membership be made to last? */
static bool
can_last(const struct login *login)
{
    char group[256];
    int how;

    return wanted_membership(login) == MEMBERSHIP_ENSURE &&
           membership_persist_how(login->section, login->person.subject.user,
                                  login->gid, group, sizeof(group), &how,
                                  NULL) == 0;
}

static enum member
foretell_member(const struct login *login, bool auth_line)
{
    bool is_added = auth_line || !opens_early(login->person.subject.service);

    if (!login->has_gid)
        return MEMBER_NO;
    if (wanted_membership(login) == MEMBERSHIP_OFF)
        return MEMBER_UNASKED;
    if (login->lasting)
        return MEMBER_YES;
    return wants_to_add(login) && (is_added || can_last(login)) ? MEMBER_ADDED
                                                                : MEMBER_NO;
}

void
login_foretell(struct login *login, bool auth_line)
{
    struct knowledge known = {0};
    struct probe_state state = {0};

    login->member = foretell_member(login, auth_line);
    if (wants_verdict(login))
        (void)gather(login, &known, &state);
    judge(login, &known);
}

void
login_decide(struct login *login, struct lines *why)
{
    struct err err;

    login->exports = decision_exports(login->section, &login->view);
    if (!login->exports)
        lines_add(why, "unusable = %s: the variables are left out",
                  policy_text(login->section, KEY_UNUSABLE));
    else if (decision_environment(&login->policy, login->section,
                                  &login->person.subject,
                                  &login->environment, &err) < 0) {
        login->exports = false;
        note_problem(login, err.text);
        lines_add(why, "no variables: %s", err.text);
    }
}
