/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An audit's findings -> KEY.tree, which each login reads.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "verdict.h"

bool
audit_is_for_logins(const struct audit_repository *repository)
{
    const char *name = repository->name;

    if (!repository->has_owner || !util_has_prefix(name, "hub/"))
        return false;
    return util_has_prefix(name, "hub/.locks/") ||
           layout_is_repository(name + strlen("hub/"));
}

/* Name what its owner's login mends, and what only he can open. */
static void
name_drifts(const struct audit *audit, struct tree_verdict *tree)
{
    for (size_t i = 0; i < audit->nrepositories; i++) {
        const struct audit_repository *repository = &audit->repositories[i];
        struct drift drift = {.name = repository->name,
                              .owner = repository->uid};

        tree->count[TREE_FOLDERS] += repository->drifts > 0;
        if (!audit_is_for_logins(repository))
            continue;
        drift.what = repository->mendable & ~(unsigned)DRIFT_KEPT;
        if (drift.what)
            tree->named[tree->nnamed++] = drift;
        drift.what = repository->what & DRIFT_KEPT;
        if (drift.what)
            tree->named[tree->nnamed++] = drift;
    }
}

int
audit_write_verdict(const struct audit_options *options,
                    const struct audit *audit, struct err *err)
{
    CLEANUP_FREE struct drift *named =
        calloc(2 * audit->nrepositories + 1, sizeof(*named));
    struct tree_verdict tree = {
        .taken_ms = util_boottime_ms(),
        .taken_wall = time(NULL),
        .complete = audit->result == 0,
        .count = {
            [TREE_ENTRIES] = audit->folders + audit->files + audit->links +
                             audit->others + audit->reused +
                             audit->reused_folders,
            [TREE_ALARMS] = audit->alarms,
            [TREE_DRIFTS] = audit->drifts,
            [TREE_NOTES] = audit->notes,
            [TREE_REUSED] = audit->reused,
        },
        .oldest_wall = audit->oldest_wall,
        .named = named,
    };

    if (!named)
        return err_sys(err, ENOMEM, "%s", options->path);
    name_drifts(audit, &tree);
    return verdict_tree_write(VERDICT_DIR, &tree, options->path,
                              options->rules.gid, err);
}
