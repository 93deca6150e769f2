/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who mends what the last look and the last check named: see report.h.
 */
#include "report.h"

#include <stdio.h>

#include "membership_names.h"

/* Who can mend it. */
enum mender {
    MENDER_LOGIN, /* the next login of its owner */
    MENDER_ROOT,  /* nobody logs in as its owner */
    MENDER_OWNER, /* by hand: no login opens what its owner closed */
};

static enum mender
find_mender(const struct drift *drift)
{
    char name[MEMBERSHIP_NAME_SIZE];

    if (drift->what & DRIFT_KEPT)
        return MENDER_OWNER;
    return drift->owner != 0 &&
                   membership_user_name(drift->owner, name, sizeof(name))
               ? MENDER_LOGIN
               : MENDER_ROOT;
}

static bool
has_mender(const struct drift *drifts, size_t count, enum mender mender)
{
    for (size_t i = 0; i < count; i++) {
        if (find_mender(&drifts[i]) == mender)
            return true;
    }
    return false;
}

/* Does the last look or the last check name any that is his to mend? */
static bool
names_any(const struct cache *cache, enum mender mender)
{
    return (cache->has_verdict &&
            has_mender(cache->verdict.drifts, cache->verdict.ndrifts,
                       mender)) ||
           (cache->has_tree &&
            has_mender(cache->tree.named, cache->tree.nnamed, mender));
}

/* Is there drift where no login looks, as in datasets/? */
static bool
has_unnamed(const struct cache *cache)
{
    return cache->has_tree && cache->tree.count[TREE_DRIFTS] &&
           !cache->tree.nnamed && !cache->tree.count[TREE_GIVEN];
}

void
report_print_menders(const struct cache *cache)
{
    const char *path = policy_text(cache->section, KEY_PATH);
    char group[CLI_WORD_SIZE];

    (void)cli_word(policy_text(cache->section, KEY_GROUP), group);
    if (cache->has_tree && cache->tree.count[TREE_ALARMS])
        puts("  look    sudo hfcache check tells what the alarms are");
    else if (has_unnamed(cache))
        puts("  look    sudo hfcache check tells what the drift is");
    if (names_any(cache, MENDER_OWNER))
        printf("  open    what its owner closed only he opens:\n          chgrp"
               " -R %s DIR && chmod -R g+rwX DIR\n",
               group);
    if (names_any(cache, MENDER_ROOT))
        puts("  mend    sudo hfcache repair --foreign mends what is root's or "
             "of users who are gone");
    if (!names_any(cache, MENDER_LOGIN))
        return;
    if (policy_number(cache->section, KEY_REPAIR) == REPAIR_OWNER) {
        puts("  mend    the next login of each owner mends it; hfcache check "
             "tells why\n          something stays");
        return;
    }
    printf("  mend    each owner, as the policy says repair = off:\n"
           "          chgrp -R %s DIR && chmod -R g+rwX DIR && find DIR -type d"
           " -exec chmod g+s {} +\n"
           "          for each DIR above, in %s\n",
           group, path);
}
