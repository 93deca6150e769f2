/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of states: what the cache is to a user, and what follows. */
#include "tap.h"

#include <errno.h>

#include "decision.h"

#define GID 900
#define SETUP "; `hfcache setup` mends it or says why not"

static struct inode_fact
folder(mode_t mode)
{
    return (struct inode_fact){
        .mode = S_IFDIR | mode, .uid = 0, .gid = GID, .acl = ACL_FACT_2770};
}

static struct verdict
healthy(void)
{
    return (struct verdict){
        .way_at = "",
        .cursor = "",
        .gate = {[GATE_ROOT] = folder(02750),
                 [GATE_HUB] = folder(02770),
                 [GATE_LOCKS] = folder(02770),
                 [GATE_BLOBS] = folder(02770)},
    };
}

/* A login of a member on `verdict`, taken a second ago. */
static struct knowledge
member_knows(const struct verdict *verdict)
{
    return (struct knowledge){.gid = GID,
                              .member = MEMBER_YES,
                              .verdict = verdict,
                              .age_ms = verdict ? 1000 : -1};
}

static struct policy policy;

/* decision_judge() under the policy "[cache]\n" and `keys`. */
static struct view
judge_under(const char *keys, const struct knowledge *known)
{
    char text[200];
    struct view view;

    snprintf(text, sizeof(text), "[cache]\n%s\n", keys);
    policy_free(&policy);
    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    memset(&view, 0x5a, sizeof(view));
    decision_judge(&policy.sections[0], known, &view);
    return view;
}

static struct view
judge(const struct knowledge *known)
{
    return judge_under("", known);
}

/* Why the state is what it is; kept until the next call. */
static const char *
why_of(const struct knowledge *known)
{
    static struct view view;

    view = judge(known);
    return view.why;
}

/* The state's name of a member's login on `verdict`. */
static const char *
state_of(const struct verdict *verdict)
{
    struct knowledge known = member_knows(verdict);
    struct view view = judge(&known);

    return decision_state_name(view.state);
}

TEST("a healthy gate is usable, without a word")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);
    struct view view = judge(&known);

    CHECK_STR(decision_state_name(view.state), "usable");
    CHECK_INT(view.basis, STATE_USABLE);
    CHECK(!view.drift);
    CHECK_STR(view.why, "");
    CHECK(decision_exports(&policy.sections[0], &view));
}

TEST("who is no member is told so, whatever the cache is like")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);
    struct view view;

    known.member = MEMBER_NO;
    view = judge(&known);
    CHECK_STR(decision_state_name(view.state), "not-member");
    CHECK_STR(view.why, "the user is not in group hf-users (gid 900)");
    CHECK(!decision_exports(&policy.sections[0], &view));
    known.verdict = NULL;
    known.waiting_ms = 20000;
    known.timed_out = true;
    CHECK_INT(judge(&known).state, STATE_NOT_MEMBER);
    CHECK_INT(judge_under("verify = off", &known).state, STATE_NOT_MEMBER);
}

TEST("added, promised and unasked count as members")
{
    static const enum member members[] = {MEMBER_YES, MEMBER_ADDED,
                                          MEMBER_PROMISED, MEMBER_UNASKED};
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        known.member = members[i];
        CHECK_INT(judge(&known).state, STATE_USABLE);
    }
}

TEST("an error on the way to the root decides")
{
    static const struct {
        int error;
        const char *state, *why; /* NULL: the path and what the errno means */
    } cases[] = {
        {ENOENT, "absent", "/srv/huggingface: No such file or directory" SETUP},
        {ENOTDIR, "absent", NULL},
        {EACCES, "closed", "/srv/huggingface: Permission denied" SETUP},
        {EPERM, "closed", NULL},
        {ELOOP, "closed",
         "/srv/huggingface is a symbolic link that is not root's alone" SETUP},
        {EIO, "error", NULL},
        {ESTALE, "error", NULL},
        {ETIMEDOUT, "error", NULL},
        {ENOTCONN, "error", NULL},
        {EHOSTDOWN, "error", NULL},
        {ENOMEM, "error", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict verdict = healthy();
        struct knowledge known = member_knows(&verdict);
        struct view view;
        char why[200];

        verdict.way_error = cases[i].error;
        verdict.way_at = "/srv/huggingface";
        view = judge(&known);
        snprintf(why, sizeof(why), "/srv/huggingface: %s%s",
                 strerror(cases[i].error),
                 strcmp(cases[i].state, "error") == 0 ? "" : SETUP);
        CHECK_STR(decision_state_name(view.state), cases[i].state);
        CHECK_STR(view.why, cases[i].why ? cases[i].why : why);
        CHECK(!decision_exports(&policy.sections[0], &view));
    }
}

TEST("an error at a folder of the gate decides likewise")
{
    struct verdict verdict = healthy();

    verdict.gate[GATE_HUB] = (struct inode_fact){.error = ENOENT};
    CHECK_STR(state_of(&verdict), "absent");
    verdict.gate[GATE_HUB] = (struct inode_fact){.error = EACCES};
    CHECK_STR(state_of(&verdict), "closed");
    verdict.gate[GATE_HUB] = (struct inode_fact){.error = EIO};
    CHECK_STR(state_of(&verdict), "error");
    verdict = healthy();
    verdict.gate[GATE_LOCKS] = (struct inode_fact){.error = ESTALE};
    CHECK_STR(state_of(&verdict), "error");
}

TEST("lock and blob folders may be absent: clients make them")
{
    struct verdict verdict = healthy();

    verdict.gate[GATE_LOCKS] = (struct inode_fact){.error = ENOENT};
    verdict.gate[GATE_BLOBS] = (struct inode_fact){.error = ENOENT};
    CHECK_STR(state_of(&verdict), "usable");
}

TEST("what is no folder is as good as absent")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);

    verdict.gate[GATE_HUB].mode = S_IFREG | 0660;
    CHECK_STR(state_of(&verdict), "absent");
    CHECK_STR(why_of(&known), "hub/ is no folder" SETUP);
    verdict.gate[GATE_HUB].mode = S_IFLNK | 0777;
    CHECK_STR(state_of(&verdict), "absent");
}

TEST("a blob store that can't be used is drift and no more")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);

    verdict.gate[GATE_BLOBS].mode = S_IFDIR | 0700;
    CHECK_STR(state_of(&verdict), "usable");
    CHECK(judge(&known).drift);
    verdict.gate[GATE_BLOBS].mode = S_IFREG | 0660;
    CHECK_STR(state_of(&verdict), "usable");
    CHECK(judge(&known).drift);
}

TEST("the group needs r-x of the root and rwx of hub/ and .locks/")
{
    static const struct {
        enum gate gate;
        mode_t mode;
        const char *state;
    } cases[] = {
        {GATE_ROOT, 02750, "usable"},  {GATE_ROOT, 02770, "usable"},
        {GATE_ROOT, 02740, "closed"},  {GATE_ROOT, 02710, "closed"},
        {GATE_ROOT, 02700, "closed"},  {GATE_ROOT, 02707, "closed"},
        {GATE_HUB, 02770, "usable"},   {GATE_HUB, 02750, "closed"},
        {GATE_HUB, 02760, "closed"},   {GATE_HUB, 02700, "closed"},
        {GATE_HUB, 02707, "closed"},   {GATE_LOCKS, 02770, "usable"},
        {GATE_LOCKS, 02750, "closed"}, {GATE_LOCKS, 00700, "closed"},
        /* Clients do without hub/blobs: it is drift, whoever closed it. */
        {GATE_BLOBS, 02770, "usable"}, {GATE_BLOBS, 02700, "usable"},
        {GATE_HUB, 0770, "usable"},    {GATE_HUB, 02777, "usable"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict verdict = healthy();

        verdict.gate[cases[i].gate].mode = S_IFDIR | cases[i].mode;
        if (!CHECK_STR(state_of(&verdict), cases[i].state))
            tap_note("  with gate %d mode %04o", (int)cases[i].gate,
                     cases[i].mode);
    }
}

TEST("a closed folder is named with its bits and those it needs")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);

    verdict.gate[GATE_HUB] =
        (struct inode_fact){.mode = S_IFDIR | 0700, .uid = 1000, .gid = 1000};
    CHECK_STR(why_of(&known),
              "hub/ is closed to the group: mode 0700, owner 1000, group 1000, "
              "where group 900 needs rwx" SETUP);
    verdict = healthy();
    verdict.gate[GATE_ROOT].mode = S_IFDIR | 0700;
    CHECK_STR(why_of(&known),
              "the cache's root is closed to the group: mode 0700, owner 0, "
              "group 900, where group 900 needs r-x" SETUP);
}

TEST("a folder of another group is open only by the bits of others")
{
    struct verdict verdict = healthy();

    verdict.gate[GATE_HUB].gid = 1000;
    CHECK_STR(state_of(&verdict), "closed");
    verdict.gate[GATE_HUB].mode = S_IFDIR | 02777;
    CHECK_STR(state_of(&verdict), "usable");
    verdict = healthy();
    verdict.gate[GATE_ROOT].gid = 0;
    verdict.gate[GATE_ROOT].mode = S_IFDIR | 0755;
    CHECK_STR(state_of(&verdict), "usable");
}

TEST("lost setgid, an odd group, an odd owner, too many bits are drift")
{
    static const struct {
        const char *word;
        enum gate gate;
        struct inode_fact fact;
    } cases[] = {
        {"setgid", GATE_HUB, {0, S_IFDIR | 0770, 0, GID, ACL_FACT_2770}},
        {"group", GATE_HUB, {0, S_IFDIR | 02777, 0, 1000, ACL_FACT_2770}},
        {"too open", GATE_HUB, {0, S_IFDIR | 02777, 0, GID, ACL_FACT_2770}},
        {"default ACL", GATE_HUB, {0, S_IFDIR | 02770, 0, GID, ACL_FACT_NONE}},
        {"setgid", GATE_LOCKS, {0, S_IFDIR | 0770, 0, GID, ACL_FACT_2770}},
        {"too open", GATE_ROOT, {0, S_IFDIR | 02770, 0, GID, ACL_FACT_2770}},
        {"owner", GATE_ROOT, {0, S_IFDIR | 02750, 1000, GID, ACL_FACT_2770}},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict verdict = healthy();
        struct knowledge known = member_knows(&verdict);
        struct view view;

        verdict.gate[cases[i].gate] = cases[i].fact;
        view = judge(&known);
        CHECK_INT(view.state, STATE_USABLE);
        CHECK(view.drift);
        if (!CHECK_HAS(view.why, cases[i].word))
            tap_note("  with case %zu", i);
        CHECK(decision_exports(&policy.sections[0], &view));
    }
}

TEST("a file system without ACLs is no drift, unless they are asked for")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);

    for (size_t i = 0; i < GATES; i++)
        verdict.gate[i].acl = ACL_FACT_UNSUPPORTED;
    CHECK(!judge(&known).drift);
    CHECK(!judge_under("acl = no", &known).drift);
    CHECK(judge_under("acl = yes", &known).drift);
}

TEST("mode 2775 is open to others to read, and no drift")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);

    for (size_t i = 0; i < GATES; i++) {
        verdict.gate[i].mode = S_IFDIR | 02775;
        verdict.gate[i].acl = ACL_FACT_2775;
    }
    verdict.gate[GATE_ROOT].mode = S_IFDIR | 02755;
    CHECK(!judge_under("mode = 2775", &known).drift);
    CHECK(judge(&known).drift);
}

TEST("verify = off looks at nothing and sets the variables")
{
    struct knowledge known = member_knows(NULL);
    struct view view = judge_under("verify = off", &known);

    CHECK_STR(decision_state_name(view.state), "unverified");
    CHECK_STR(view.why, "");
    CHECK(decision_exports(&policy.sections[0], &view));
}

TEST("without a verdict the state is unknown, and the variables are set")
{
    struct knowledge known = member_knows(NULL);
    struct view view = judge(&known);

    CHECK_STR(decision_state_name(view.state), "unknown");
    CHECK_STR(view.why,
              "nobody has looked at the cache since this machine started or "
              "setup changed it");
    CHECK(decision_exports(&policy.sections[0], &view));
}

TEST("a probe that has run for more than ten seconds means hung")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(NULL);
    struct view view;

    known.waiting_ms = VERDICT_HUNG_MS;
    CHECK_INT(judge(&known).state, STATE_UNKNOWN);
    known.waiting_ms = VERDICT_HUNG_MS + 1;
    view = judge(&known);
    CHECK_STR(decision_state_name(view.state), "hung");
    CHECK_STR(view.why,
              "/srv/huggingface has not answered for 10 s");
    CHECK(!decision_exports(&policy.sections[0], &view));
    known.verdict = &verdict;
    known.age_ms = VERDICT_HUNG_MS + 1;
    CHECK_INT(judge(&known).state, STATE_HUNG);
}

TEST("a passed deadline is slow, and goes by the last verdict")
{
    struct verdict verdict = healthy();
    struct knowledge known = member_knows(&verdict);
    struct view view;

    known.timed_out = true;
    view = judge(&known);
    CHECK_STR(decision_state_name(view.state), "slow");
    CHECK_INT(view.basis, STATE_USABLE);
    CHECK_STR(view.why,
              "/srv/huggingface did not answer within 300ms");
    CHECK(decision_exports(&policy.sections[0], &view));
    verdict.way_error = ENOENT;
    view = judge(&known);
    CHECK_STR(decision_state_name(view.state), "slow");
    CHECK_INT(view.basis, STATE_ABSENT);
    CHECK(!decision_exports(&policy.sections[0], &view));
    known.verdict = NULL;
    view = judge_under("deadline = 1s", &known);
    CHECK_INT(view.basis, STATE_UNKNOWN);
    CHECK_STR(view.why, "/srv/huggingface did not answer within 1s");
    CHECK(decision_exports(&policy.sections[0], &view));
}

TEST("unusable = export sets the variables in every state")
{
    static const enum state states[] = {
        STATE_USABLE, STATE_NOT_MEMBER, STATE_ABSENT,  STATE_CLOSED,
        STATE_ERROR,  STATE_HUNG,       STATE_SLOW,    STATE_UNKNOWN,
        STATE_UNVERIFIED,
    };
    struct knowledge known = member_knows(NULL);
    bool omitting[ARRAY_LEN(states)];

    (void)judge(&known);
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct view view = {.state = states[i], .basis = states[i]};

        omitting[i] = decision_exports(&policy.sections[0], &view);
        CHECK_INT(omitting[i], states[i] == STATE_USABLE ||
                                   states[i] == STATE_UNKNOWN ||
                                   states[i] == STATE_UNVERIFIED);
    }
    (void)judge_under("unusable = export", &known);
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct view view = {.state = states[i], .basis = states[i]};

        CHECK(decision_exports(&policy.sections[0], &view));
    }
}

TEST("each state and each way to be a member has one word")
{
    CHECK_STR(decision_state_name(STATE_NOT_MEMBER), "not-member");
    CHECK_STR(decision_state_name(STATE_SLOW), "slow");
    CHECK_STR(decision_member_name(MEMBER_NO), "no");
    CHECK_STR(decision_member_name(MEMBER_YES), "yes");
    CHECK_STR(decision_member_name(MEMBER_ADDED), "added");
    CHECK_STR(decision_member_name(MEMBER_PROMISED), "promised");
    CHECK_STR(decision_member_name(MEMBER_UNASKED), "unasked");
}

TAP_MAIN
