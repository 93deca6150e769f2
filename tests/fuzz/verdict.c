/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of a verdict, as a probe sends them down its pipe and as they are
 * in KEY.gate.  Not believed, or a verdict that decides something and is the
 * same when it is written and read again.
 */
#include "verdict_input.h"

#include <errno.h>

#include "decision.h"

static struct policy policy;

static void
check_decision(const struct verdict *verdict)
{
    struct own_drifts own;

    if (!policy.nsections)
        MUST(policy_load_text("F", "", 0, &policy, NULL) == 0);
    for (int member = MEMBER_NO; member <= MEMBER_UNASKED; member++) {
        struct knowledge known = {.gid = getegid(),
                                  .member = (enum member)member,
                                  .verdict = verdict,
                                  .age_ms = util_age_ms(verdict->taken_ms)};
        struct view view = {.state = (enum state)99};

        decision_judge(&policy.sections[0], &known, &view);
        MUST(view.state <= STATE_UNVERIFIED);
        MUST(view.state != STATE_USABLE || verdict->way_error == 0);
        MUST(view.state == STATE_USABLE || *view.why);
    }
    decision_own_drifts(verdict, NULL, 1000, &own);
    MUST(own.count <= DECISION_MAX_OWN);
}

/* What is written of it is read as the same. */
static void
check_again(const struct verdict *verdict)
{
    static char first[VERDICT_MAX_BYTES], second[VERDICT_MAX_BYTES];
    struct text text = TEXT_INIT(first), again = TEXT_INIT(second);
    struct verdict copy;

    if (verdict_format(verdict, INPUT_PATH, getegid(), true, &text) < 0)
        return; /* longer as we would write it */
    MUST(verdict_parse(first, text.length, INPUT_PATH, getegid(), &copy,
                       NULL) == 0);
    MUST(verdict_format(&copy, INPUT_PATH, getegid(), true, &again) == 0);
    MUST(text.length == again.length && strcmp(first, second) == 0);
    verdict_free(&copy);
}

FUZZ(data, size)
{
    struct verdict verdict = {.ndrifts = 77};
    struct err err = {0};
    char *text = input_text(data, &size);
    int r = verdict_parse(text, size, INPUT_PATH, getegid(), &verdict, &err);

    if (r == 0) {
        MUST(verdict.nsteps <= VERDICT_MAX_STEPS);
        for (size_t i = 0; i < verdict.nsteps; i++)
            MUST(*verdict.steps[i].path == '/');
        for (size_t i = 0; i < verdict.ndrifts; i++)
            check_drift(&verdict.drifts[i]);
        check_decision(&verdict);
        check_again(&verdict);
        verdict_free(&verdict);
    } else {
        MUST(r == -EINVAL || r == -ESTALE);
        MUST(*err.text && verdict.ndrifts == 77);
    }
    free(text);
}
