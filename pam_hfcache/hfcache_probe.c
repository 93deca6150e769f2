/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache-probe: the helper that a login starts (see probe.h for how), and
 * the only program of ours that touches the cache because of a login.
 *
 * It sheds what it inherited before it locks or opens anything (shed.c), looks
 * at the cache with a member's eyes and answers (look.c, verdict.c), then lets
 * go of everything and mends the user's own inodes as that user (mender.c); or
 * it makes a user a lasting member (join.c).  Nobody waits for it longer than
 * he wants to: it may be stuck for ever on a dead file server.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decision.h"
#include "errand.h"
#include "join.h"
#include "look.h"
#include "mender.h"
#include "probe.h"
#include "shed.h"
#include "verdict.h"

enum { EXIT_DONE = 0, EXIT_PROBLEM = 1, EXIT_USAGE = 2 };

/* --- arguments ----------------------------------------------------------- */

enum argument {
    ARG_PATH,
    ARG_GID,
    ARG_MODE,
    ARG_ACL,
    ARG_UID,
    ARG_PGID,
    ARG_MEMBER,
    ARG_MEND,
    ARG_USER,
    ARG_GROUP,
    ARG_HOW,
    ARGUMENTS
};

static const char *const argument_names[ARGUMENTS] = {
    "path", "gid",    "mode", "acl",  "uid",   "pgid",
    "member", "mend", "user", "group", "how",
};

#define BIT(argument) (1u << (argument))
#define ERRAND_ARGUMENTS                                                     \
    (BIT(ARG_PATH) | BIT(ARG_GID) | BIT(ARG_MODE) | BIT(ARG_ACL) |           \
     BIT(ARG_UID) | BIT(ARG_PGID) | BIT(ARG_MEMBER) | BIT(ARG_MEND))
#define JOIN_ARGUMENTS                                                       \
    (BIT(ARG_USER) | BIT(ARG_UID) | BIT(ARG_GROUP) | BIT(ARG_GID) |          \
     BIT(ARG_HOW))

/* The values of the arguments of one command. */
struct values {
    const char *value[ARGUMENTS];
};

static int
find_argument(const char *word)
{
    for (int i = 0; i < ARGUMENTS; i++) {
        size_t length = strlen(argument_names[i]);

        if (strncmp(word, argument_names[i], length) == 0 &&
            word[length] == '=')
            return i;
    }
    return -1;
}

/* All of `wanted` once, nothing else. */
static int
collect_values(char *const *words, unsigned wanted, struct values *ret,
               struct err *err)
{
    unsigned seen = 0;

    for (; *words; words++) {
        int i = find_argument(*words);

        if (i < 0 || !(wanted & BIT(i)))
            return err_set(err, EINVAL, "%.100s: not an argument of this "
                           "command", *words);
        if (seen & BIT(i))
            return err_set(err, EINVAL, "%s: given twice", argument_names[i]);
        seen |= BIT(i);
        ret->value[i] = strchr(*words, '=') + 1;
    }
    for (int i = 0; i < ARGUMENTS; i++) {
        if (wanted & ~seen & BIT(i))
            return err_set(err, EINVAL, "%s=: is missing", argument_names[i]);
    }
    return 0;
}

static int
take_number(const struct values *values, enum argument argument, uint64_t max,
            uint32_t *ret, struct err *err)
{
    uint64_t number;

    if (util_parse_number(values->value[argument], max, &number) < 0)
        return err_set(err, EINVAL, "%s=%.100s: a number up to %" PRIu64
                       " is needed", argument_names[argument],
                       values->value[argument], max);
    *ret = (uint32_t)number;
    return 0;
}

/* The index of a value among `choices`, which end with NULL. */
static int
take_choice(const struct values *values, enum argument argument,
            const char *const *choices, int *ret, struct err *err)
{
    for (int i = 0; choices[i]; i++) {
        if (strcmp(values->value[argument], choices[i]) == 0) {
            *ret = i;
            return 0;
        }
    }
    return err_set(err, EINVAL, "%s=%.100s: not one of its values, as %s",
                   argument_names[argument], values->value[argument],
                   choices[0]);
}

/* An id that is not root's and not "none". */
static int
take_id(const struct values *values, enum argument argument, uint32_t *ret,
        struct err *err)
{
    uint32_t id;
    int r = take_number(values, argument, UINT32_MAX - 1, &id, err);

    if (r < 0)
        return r;
    if (id == 0)
        return err_set(err, EINVAL, "%s=0: is root's", argument_names[argument]);
    *ret = id;
    return 0;
}

static int
parse_rules(const struct values *values, struct layout_rules *ret,
            struct err *err)
{
    static const char *const modes[] = {"2770", "2775", NULL};
    static const char *const acls[] = {"auto", "yes", "no", NULL};
    int mode = 0;
    int r = take_id(values, ARG_GID, &ret->gid, err);

    if (r == 0)
        r = take_choice(values, ARG_MODE, modes, &mode, err);
    if (r == 0)
        r = take_choice(values, ARG_ACL, acls, &ret->acl, err);
    ret->mode = mode == 0 ? 02770 : 02775;
    return r;
}

static int
parse_errand(char *const *words, struct errand *ret, struct err *err)
{
    struct values values;
    uint32_t member = 0, mend = 0;
    int r = collect_values(words, ERRAND_ARGUMENTS, &values, err);

    if (r < 0)
        return r;
    ret->path = values.value[ARG_PATH];
    if (ret->path[0] != '/')
        return err_set(err, EINVAL, "path=%.100s: is not absolute", ret->path);
    r = parse_rules(&values, &ret->rules, err);
    if (r == 0)
        r = take_id(&values, ARG_UID, &ret->uid, err);
    if (r == 0)
        r = take_number(&values, ARG_PGID, UINT32_MAX - 1, &ret->pgid, err);
    if (r == 0)
        r = take_number(&values, ARG_MEMBER, 1, &member, err);
    if (r == 0)
        r = take_number(&values, ARG_MEND, 1, &mend, err);
    ret->member = member == 1;
    ret->mend = mend == 1;
    return r;
}

static int
parse_join(char *const *words, struct join *ret, struct err *err)
{
    static const char *const hows[] = {"usermod", "userdb", NULL};
    struct values values;
    int how = 0;
    int r = collect_values(words, JOIN_ARGUMENTS, &values, err);

    if (r < 0)
        return r;
    ret->user = values.value[ARG_USER];
    ret->group = values.value[ARG_GROUP];
    r = take_id(&values, ARG_UID, &ret->uid, err);
    if (r == 0)
        r = take_id(&values, ARG_GID, &ret->gid, err);
    if (r == 0)
        r = take_choice(&values, ARG_HOW, hows, &how, err);
    ret->how = how == 0 ? MEMBERS_USERMOD : MEMBERS_USERDB;
    return r;
}

/* --- answering ----------------------------------------------------------- */

/* Who listened may have gone. */
static void
answer(int fd, const char *data, size_t length)
{
    if (fd < 0)
        return;
    (void)util_write_all(fd, data, length);
    (void)close(fd);
}

/* What kept it from its work: others that are at it already, or an error. */
static void
answer_failure(int fd, int code)
{
    char reason[ERRNO_TEXT_BYTES], buffer[256];
    struct text text = TEXT_INIT(buffer);

    if (code == EBUSY)
        text_add(&text, PROBE_BUSY);
    else
        text_addf(&text, PROBE_FAILED "%s\n",
                  util_describe_errno(code, reason));
    answer(fd, text.data, text.length);
}

static void
answer_verdict(int fd, const struct verdict *verdict,
               const struct errand *errand)
{
    char buffer[PROBE_ANSWER_MAX];
    struct text text = TEXT_INIT(buffer);

    if (verdict_format(verdict, errand->path, errand->rules.gid, false, &text) <
        0)
        text.length = 0;
    answer(fd, text.data, text.length);
}

/* --- looking ------------------------------------------------------------- */

static struct verdict *
read_last(const struct errand *errand)
{
    struct verdict *last = malloc(sizeof(*last));

    if (last && verdict_read(VERDICT_DIR, 0, errand->path, errand->rules.gid,
                             last, NULL) < 0) {
        free(last);
        return NULL;
    }
    return last;
}

static void
free_last(struct verdict *last)
{
    verdict_free(last);
    free(last);
}

typedef void look_at(struct sight *sight, const struct errand *errand);

/* Look with a member's eyes, and be root again. */
static int
look_as_member(struct sight *sight, const struct errand *errand, look_at *look)
{
    int r = shed_look_as(errand->uid, errand->rules.gid);

    if (r < 0)
        return r;
    look(sight, errand);
    return shed_look_as_root();
}

/* A full /run does not stop the answer. */
static void
write_down(const struct sight *sight, const struct errand *errand)
{
    (void)verdict_write(VERDICT_DIR, &sight->verdict, errand->path,
                        errand->rules.gid);
}

/* Or has setup forgotten this look meanwhile, or a later one answered? */
static bool
is_last(const struct sight *sight, const struct errand *errand)
{
    struct verdict *last = read_last(errand);
    bool is_same = last && last->taken_ms == sight->verdict.taken_ms;

    free_last(last);
    return is_same;
}

/* A slot and a sight that goes on from the last one. */
static int
begin_look(const struct errand *errand, int *ret_slot,
           struct sight **ret_sight)
{
    struct verdict *last;
    struct sight *sight;
    int r = verdict_take_slot(VERDICT_DIR, errand->path, errand->rules.gid,
                              ret_slot);

    if (r < 0)
        return r;
    sight = malloc(sizeof(*sight)); /* too large for the stack */
    if (!sight)
        return -ENOMEM;
    last = read_last(errand);
    look_begin(sight, last);
    free_last(last);
    *ret_sight = sight;
    return 0;
}

/*
 * Mend what either verdict names as the user's own.  True if that was done;
 * then a check's names have had their mender, and are taken out.
 */
static bool
mend(const struct errand *errand, const struct verdict *verdict)
{
    gid_t gid = errand->rules.gid;
    struct own_drifts own;
    struct tree_verdict tree;
    bool has_tree = verdict_tree_read(VERDICT_DIR, 0, errand->path, gid, &tree,
                                      NULL) == 0;
    bool done;

    decision_own_drifts(verdict, has_tree ? &tree : NULL, errand->uid, &own);
    done = mender_run(VERDICT_DIR, errand, own.drift, own.count) > 0;
    if (done && has_tree)
        (void)verdict_tree_forget(VERDICT_DIR, errand->path, gid,
                                  tree.taken_ms, own.drift, own.count);
    if (has_tree)
        verdict_tree_free(&tree);
    return done;
}

/*
 * Is no other probe at work?  One that is may wait below the gate for ever: who
 * went there, too, would take a slot from the next looks at the gate.
 */
static bool
is_alone(const struct errand *errand)
{
    struct probe_state state;

    return verdict_probe_state(VERDICT_DIR, 0, errand->path, errand->rules.gid,
                               &state, NULL) < 0 ||
           state.running <= 1;
}

/* What nobody waits for; true if that was done, and it is root again. */
static bool
look_further(struct sight *sight, const struct errand *errand, look_at *look)
{
    if (!is_alone(errand) || look_as_member(sight, errand, look) < 0)
        return false;
    if (is_last(sight, errand))
        write_down(sight, errand);
    return true;
}

/* Mend, and look again, so that what was mended is not named any longer. */
static void
mend_and_look(const struct errand *errand, const struct verdict *verdict)
{
    CLEANUP_FREE struct sight *sight = NULL;
    CLEANUP_CLOSE int slot = -1;

    if (!mend(errand, verdict) || begin_look(errand, &slot, &sight) < 0)
        return;
    if (look_as_member(sight, errand, look_at_gate) == 0) {
        write_down(sight, errand);
        (void)look_further(sight, errand, look_at_named);
    }
    look_end(sight);
}

/* The gate first, and the answer. */
static int
run_look(const struct errand *errand, int answer_fd)
{
    CLEANUP_FREE struct sight *sight = NULL;
    CLEANUP_CLOSE int slot = -1;
    bool mends;
    int r = begin_look(errand, &slot, &sight);

    if (r == 0)
        r = look_as_member(sight, errand, look_at_gate);
    if (r < 0) {
        answer_failure(answer_fd, -r);
        return r;
    }
    write_down(sight, errand);
    answer_verdict(answer_fd, &sight->verdict, errand);
    mends = look_further(sight, errand, look_below) && errand->mend;
    if (sight->root_fd >= 0)
        close(util_steal_fd(&sight->root_fd)); /* the mender opens its own */
    close(util_steal_fd(&slot));
    if (mends)
        mend_and_look(errand, &sight->verdict);
    look_end(sight);
    return 0;
}

static int
run_mend(const struct errand *errand, int answer_fd)
{
    struct verdict *last = read_last(errand);

    answer(answer_fd, "", 0);
    mend_and_look(errand, last);
    free_last(last);
    return 0;
}

static int
run_join(const struct join *join, int answer_fd)
{
    struct err err = {0, ""};
    int r = join_run(join, &err);

    if (r == 0)
        answer(answer_fd, "ok\n", 3);
    else
        answer(answer_fd, err.text, strlen(err.text));
    return r;
}

/* --- entry --------------------------------------------------------------- */

static const char usage[] =
    "hfcache-probe: started by pam_hfcache, not by hand\n"
    "  hfcache-probe look|mend path=P gid=N mode=2770|2775 acl=auto|yes|no\n"
    "                uid=N pgid=N member=0|1 mend=0|1\n"
    "  hfcache-probe join user=NAME uid=N group=NAME gid=N how=usermod|userdb\n"
    "The answer goes to descriptor 3, if that is open.\n";

static int
refuse(const char *why)
{
    fprintf(stderr, "hfcache-probe: %s\n%s", why, usage);
    return EXIT_USAGE;
}

/* Leave the host, then do what was parsed. */
static int
run(bool is_join, bool is_look, const struct errand *errand,
    const struct join *join)
{
    int answer_fd = fcntl(PROBE_ANSWER_FD, F_GETFD) < 0 ? -1 : PROBE_ANSWER_FD;
    int r = shed_host(answer_fd);

    if (r < 0)
        answer_failure(answer_fd, -r);
    else if (is_join)
        r = run_join(join, answer_fd);
    else if (is_look)
        r = run_look(errand, answer_fd);
    else
        r = run_mend(errand, answer_fd);
    return r < 0 ? EXIT_PROBLEM : EXIT_DONE;
}

int
main(int argc, char **argv)
{
    struct errand errand = {.path = ""};
    struct join join = {.user = ""};
    struct err err;
    bool is_join = argc > 1 && strcmp(argv[1], "join") == 0;
    bool is_look = argc > 1 && strcmp(argv[1], "look") == 0;
    int r;

    if (geteuid() != 0)
        return refuse("only root runs it");
    if (!is_join && !is_look && (argc < 2 || strcmp(argv[1], "mend") != 0))
        return refuse("look, mend or join is to be its first argument");
    r = is_join ? parse_join(argv + 2, &join, &err)
                : parse_errand(argv + 2, &errand, &err);
    if (r < 0)
        return refuse(err.text);
    return run(is_join, is_look, &errand, &join);
}
