/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of states: facts about the cache and the user -> what the cache is
 * to the user, and why.  Pure.
 */
#include "decision.h"

#include <errno.h>
#include <stdio.h>

#include "layout.h"

const char *
decision_state_name(enum state state)
{
    static const char *const names[] = {
        [STATE_USABLE] = "usable",   [STATE_NOT_MEMBER] = "not-member",
        [STATE_ABSENT] = "absent",   [STATE_CLOSED] = "closed",
        [STATE_ERROR] = "error",     [STATE_HUNG] = "hung",
        [STATE_SLOW] = "slow",       [STATE_UNKNOWN] = "unknown",
        [STATE_UNVERIFIED] = "unverified",
    };

    return names[state];
}

const char *
decision_member_name(enum member member)
{
    static const char *const names[] = {
        [MEMBER_NO] = "no",
        [MEMBER_YES] = "yes",
        [MEMBER_ADDED] = "added",
        [MEMBER_PROMISED] = "promised",
        [MEMBER_UNASKED] = "unasked",
    };

    return names[member];
}

/* What it means that looking at something gave this errno. */
static enum state
classify_error(int error)
{
    switch (error) {
    case 0:
        return STATE_USABLE;
    case ENOENT:
    case ENOTDIR:
        return STATE_ABSENT;
    case EACCES:
    case EPERM:
    case ELOOP:
        return STATE_CLOSED;
    default:
        return STATE_ERROR;
    }
}

static enum state
judge_way(const struct verdict *verdict, struct view *view)
{
    char reason[ERRNO_TEXT_BYTES];

    if (!verdict->way_error)
        return STATE_USABLE;
    if (verdict->way_error == ELOOP)
        snprintf(view->why, sizeof(view->why),
                 "%.100s is a symbolic link that is not root's alone",
                 verdict->way_at);
    else
        snprintf(view->why, sizeof(view->why), "%.100s: %s", verdict->way_at,
                 util_describe_errno(verdict->way_error, reason));
    return classify_error(verdict->way_error);
}

/* What each folder of the gate must let the group do. */
static const struct {
    const char *name;
    unsigned need;      /* hub/blobs/: clients do without it */
    bool may_be_absent; /* members make it */
} gates[GATES] = {
    [GATE_ROOT] = {"the cache's root", 05, false},
    [GATE_HUB] = {"hub/", 07, false},
    [GATE_LOCKS] = {"hub/.locks/", 07, true},
    [GATE_BLOBS] = {"hub/blobs/", 0, true},
};

/* The rwx bits that this inode gives to `gid`. */
static unsigned
bits_for_group(const struct inode_fact *fact, gid_t gid)
{
    return (fact->gid == gid ? fact->mode >> 3 : fact->mode) & 07;
}

static enum state
judge_folder(enum gate gate, const struct inode_fact *fact, gid_t gid,
             struct view *view)
{
    char reason[ERRNO_TEXT_BYTES];

    if (fact->error == ENOENT && gates[gate].may_be_absent)
        return STATE_USABLE;
    if (fact->error) {
        snprintf(view->why, sizeof(view->why), "%s: %s", gates[gate].name,
                 util_describe_errno(fact->error, reason));
        return classify_error(fact->error);
    }
    if (!S_ISDIR(fact->mode)) {
        snprintf(view->why, sizeof(view->why), "%s is no folder",
                 gates[gate].name);
        return STATE_ABSENT;
    }
    if ((bits_for_group(fact, gid) & gates[gate].need) == gates[gate].need)
        return STATE_USABLE;
    snprintf(view->why, sizeof(view->why),
             "%s is closed to the group: mode %04o, owner %u, group %u, where "
             "group %u needs %s",
             gates[gate].name, fact->mode & 07777, fact->uid, fact->gid, gid,
             gates[gate].need == 07 ? "rwx" : "r-x");
    return STATE_CLOSED;
}

static void
describe_drift(const char *name, const struct inode_fact *fact, unsigned what,
               struct view *view)
{
    struct text why = TEXT_INIT(view->why);

    text_addf(&why, "%s: ", name);
    layout_add_findings(what, &why);
    text_addf(&why, " (mode %04o, owner %u, group %u); `hfcache setup` mends "
                    "it",
              fact->mode & 07777, fact->uid, fact->gid);
}

/* Bits that differ from the layout, though the cache can be used. */
static void
judge_drift(const struct policy_section *section,
            const struct knowledge *known, struct view *view)
{
    const struct inode_fact *facts = known->verdict->gate;
    struct layout_rules rules = {
        .gid = known->gid,
        .mode = policy_mode(section),
        .acl = (int)policy_number(section, KEY_ACL),
    };

    for (unsigned i = 0; i < GATES && !view->drift; i++) {
        unsigned what = layout_judge_gate((enum gate)i, &facts[i],
                                          &facts[GATE_HUB], &rules);

        if (what) {
            view->drift = true;
            describe_drift(gates[i].name, &facts[i], what, view);
        }
    }
}

static enum state
judge_verdict(const struct policy_section *section,
              const struct knowledge *known, struct view *view)
{
    enum state state = judge_way(known->verdict, view);

    for (unsigned i = 0; i < GATE_BLOBS && state == STATE_USABLE; i++)
        state = judge_folder((enum gate)i, &known->verdict->gate[i],
                             known->gid, view);
    if (state == STATE_USABLE)
        judge_drift(section, known, view);
    if (state == STATE_ABSENT || state == STATE_CLOSED) {
        struct text why = TEXT_INIT(view->why);

        why.length = strlen(view->why);
        text_add(&why, "; `hfcache setup` mends it or says why not");
    }
    return state;
}

void
decision_judge(const struct policy_section *section,
               const struct knowledge *known, struct view *ret)
{
    struct view view = {.why = ""};

    if (known->member == MEMBER_NO) {
        snprintf(view.why, sizeof(view.why),
                 "the user is not in group %.64s (gid %u)",
                 policy_text(section, KEY_GROUP), known->gid);
        view.state = STATE_NOT_MEMBER;
    } else if (policy_number(section, KEY_VERIFY) == VERIFY_OFF) {
        view.state = STATE_UNVERIFIED;
    } else if (known->waiting_ms > VERDICT_HUNG_MS) {
        snprintf(view.why, sizeof(view.why),
                 "%.120s has not answered for %lld s",
                 policy_text(section, KEY_PATH), (long long)(known->waiting_ms / 1000));
        view.state = STATE_HUNG;
    } else if (known->verdict) {
        view.state = judge_verdict(section, known, &view);
    } else {
        snprintf(view.why, sizeof(view.why),
                 "nobody has looked at the cache since this machine started or "
                 "setup changed it");
        view.state = STATE_UNKNOWN;
    }
    view.basis = view.state;
    if (known->timed_out && view.state != STATE_NOT_MEMBER) {
        snprintf(view.why, sizeof(view.why),
                 "%.120s did not answer within %s",
                 policy_text(section, KEY_PATH), policy_text(section, KEY_DEADLINE));
        view.state = STATE_SLOW;
    }
    *ret = view;
}

bool
decision_exports(const struct policy_section *section, const struct view *view)
{
    if (policy_number(section, KEY_UNUSABLE) == UNUSABLE_EXPORT)
        return true;
    return view->basis == STATE_USABLE || view->basis == STATE_UNKNOWN ||
           view->basis == STATE_UNVERIFIED;
}
