/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache setup: for each cache of the policy the group, the root, hub/ and
 * hub/.locks/ with owner, group, mode and default ACL.  What is right is not
 * touched; each change is said by the branch that makes it, or would.
 */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli.h"
#include "membership.h"
#include "report.h"
#include "safefs.h"
#include "setup_folder.h"
#include "setup_refuse.h"
#include "setup_way.h"
#include "verdict.h"

#define GROUPADD "/usr/sbin/groupadd"

/* --- the group ----------------------------------------------------------- */

static int
run_groupadd(const char *name, struct err *err)
{
    char *const argv[] = {(char[]){"groupadd"}, (char[]){"--system"},
                          (char[]){"--"}, strdup(name), NULL};
    char *const envp[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, NULL};
    int status = 0;
    pid_t pid = -1;
    int error =
        argv[3] ? posix_spawn(&pid, GROUPADD, NULL, NULL, argv, envp) : ENOMEM;

    free(argv[3]);
    if (error)
        return err_sys(err, error, GROUPADD);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_sys(err, errno, GROUPADD);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return err_set(err, EIO, GROUPADD " %s failed; what it said stands above",
                   name);
}

/*
 * What a directory has not named just now is not to be made anew: all that is
 * in the cache has the number of the group that there was.
 */
static int
check_old_group(struct setup *setup, int root)
{
    const char *group = policy_text(setup->section, KEY_GROUP);
    char name[256], word[CLI_WORD_SIZE];
    struct statx st;

    if (root < 0 || safefs_look(root, &st) < 0 || st.stx_gid == 0 ||
        membership_gid_name(st.stx_gid, name, sizeof(name)) == 0)
        return 0;
    return err_set(&setup->err, EPERM,
                   "%s: is of gid %u, which has no name now, and there is no "
                   "group \"%s\": if it is of a directory, see to that; else "
                   "groupadd --system --gid %u %s, then run this again",
                   setup->path, st.stx_gid, group, st.stx_gid,
                   cli_word(group, word));
}

static int
ensure_group(struct setup *setup, int root)
{
    const char *group = policy_text(setup->section, KEY_GROUP);
    int r = membership_group(setup->section, &setup->gid, &setup->err);
    char what[512];

    if (r != -ENOENT)
        return r;
    r = check_old_group(setup, root);
    if (r < 0)
        return r;
    setup->gid = (gid_t)-1;
    r = setup->dry_run ? 0 : run_groupadd(group, &setup->err);
    if (r < 0)
        return r;
    snprintf(what, sizeof(what), "group %s (groupadd --system)", group);
    setup_tell(setup, SETUP_MADE, what);
    return setup->dry_run
               ? 0
               : membership_group(setup->section, &setup->gid, &setup->err);
}

/* --- the root ------------------------------------------------------------ */

/*
 * An existing root: refused if it holds other things, unless nothing about it
 * is to be changed anyway.  *ret_exists is false if there is none yet.
 */
static int
check_root(struct setup *setup, int *ret_fd)
{
    char at[PATH_MAX];
    char **names = NULL;
    size_t count = 0;
    int r = safefs_open_root_seen(setup->path, at, NULL, NULL, &setup->err);

    r = setup_explain_no_folder(setup, r, at);
    *ret_fd = r < 0 ? -1 : r;
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    r = safefs_list_folder(*ret_fd, &names, &count);
    if (r < 0)
        return err_sys(&setup->err, -r, "%s", setup->path);
    r = setup_check_names(setup->path, names, count, &setup->err);
    for (size_t i = 0; i < count && r == 0; i++)
        if (setup_name_warning(names[i]))
            cli_error("%s/%s: %s; its owner should move it to "
                      "~/.cache/huggingface",
                      setup->path, names[i], setup_name_warning(names[i]));
    safefs_free_names(names, count);
    return r;
}

/* Which default ACL folders get: by the policy and by the file system. */
static int
choose_acl(struct setup *setup, int fd)
{
    int64_t policy = policy_number(setup->section, KEY_ACL);
    enum acl_fact has = ACL_FACT_NONE;

    setup->acl = ACL_FACT_NONE;
    if (policy == ACL_NO)
        return 0;
    if (fd >= 0 && safefs_default_acl(fd, &has) == 0 &&
        has == ACL_FACT_UNSUPPORTED) {
        if (policy == ACL_AUTO)
            return 0;
        return err_set(&setup->err, EOPNOTSUPP,
                       "%s: acl = yes, but its file system has no ACLs; mount "
                       "it with them, or say acl = auto",
                       setup->path);
    }
    setup->acl =
        policy_mode(setup->section) & 05 ? ACL_FACT_2775 : ACL_FACT_2770;
    return 0;
}

/* --- one cache ----------------------------------------------------------- */

/* A folder of the cache, `below` its root, in the folder `parent`. */
static int
ensure_below(struct setup *setup, int parent, const char *below, mode_t mode,
             int *ret_fd)
{
    const char *slash = strrchr(below, '/');
    struct folder folder = {
        .parent = parent,
        .name = slash ? slash + 1 : below,
        .below = strcmp(below, "datasets") != 0 ? below : NULL,
        .mode = mode,
        .is_cache = true,
    };

    snprintf(folder.path, sizeof(folder.path), "%s/%s", setup->path, below);
    return setup_ensure_folder(setup, &folder, ret_fd);
}

/* hub/blobs is the clients' to make; what is there must match hub/. */
static int
mend_blobs(struct setup *setup, int hub, mode_t mode)
{
    CLEANUP_CLOSE int fd = -1;

    if (hub < 0)
        return 0;
    fd = safefs_open_beneath(hub, "blobs", SAFEFS_PIN);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0 && fd != -ELOOP && fd != -EXDEV) /* which are told below */
        return err_sys(&setup->err, -fd, "%s/hub/blobs", setup->path);
    util_close_fd(&fd);
    fd = -1;
    return ensure_below(setup, hub, "hub/blobs", mode, &fd);
}

/* What is in the root, of which `root` is a descriptor. */
static int
ensure_contents(struct setup *setup, int root)
{
    CLEANUP_CLOSE int hub = -1, locks = -1, datasets = -1;
    mode_t mode = policy_mode(setup->section);
    int r = ensure_below(setup, root, "hub", mode, &hub);

    if (r == 0)
        r = ensure_below(setup, hub, "hub/.locks", mode, &locks);
    if (r == 0)
        r = mend_blobs(setup, hub, mode);
    if (r == 0 && setup->datasets)
        r = ensure_below(setup, root, "datasets", mode, &datasets);
    return r;
}

/* The root, which may be a mount, is as the way there found it, or made. */
static int
ensure_root(struct setup *setup, int parent, int root)
{
    CLEANUP_CLOSE int made = -1;
    char name[NAME_MAX + 1];
    struct folder folder = {
        .parent = parent,
        .mode = policy_mode(setup->section) & ~(mode_t)S_IWGRP,
        .is_cache = true,
    };
    int r;

    setup_name_component(setup, strlen(setup->path), &folder, name);
    r = root >= 0 ? setup_mend_folder(setup, &folder, root)
                  : setup_make_folder(setup, &folder, &made);
    return r == 0 ? ensure_contents(setup, root >= 0 ? root : made) : r;
}

/* Group and folders, the root being `root`, or -1 if there is none. */
static int
ensure_all(struct setup *setup, int root)
{
    CLEANUP_CLOSE int parent = -1;
    int r = ensure_group(setup, root);

    if (r == 0)
        r = setup_open_parent(setup, &parent);
    if (r == 0)
        r = choose_acl(setup, root >= 0 ? root : parent);
    if (r == 0)
        r = ensure_root(setup, parent, root);
    return r;
}

/* True if a run would change nothing. */
static bool
is_set_up(const struct setup *setup, int root)
{
    struct setup trial = *setup;

    trial.dry_run = trial.silent = true;
    return ensure_all(&trial, root) == 0 && trial.changes == 0;
}

static int
set_up(struct setup *setup)
{
    CLEANUP_CLOSE int root = -1;
    int r = setup_check_place(setup->path, &setup->err);

    (void)membership_group(setup->section, &setup->gid, NULL);
    if (r == 0)
        r = setup_check_way(setup);
    if (r == 0)
        r = check_root(setup, &root);
    if (r == -ENOTEMPTY && is_set_up(setup, root))
        return 0;
    return r == 0 ? ensure_all(setup, root) : r;
}

/*
 * What was seen of a cache that was wrong, or has changed, is of no use.  Of one
 * that is right it stays: what is named below hub/, and how far that look came.
 */
static void
forget_look(const struct setup *setup)
{
    struct cache seen;

    report_load(setup->section, &seen);
    if (setup->changes || seen.view.state != STATE_USABLE || seen.view.drift)
        verdict_forget(VERDICT_DIR, setup->path, setup->gid);
    report_free(&seen);
}

/* True if a section with that cache points HF_DATASETS_CACHE into it. */
static bool
shares_datasets(const struct policy *policy,
                const struct policy_section *section)
{
    for (size_t i = 0; i < policy->nsections; i++)
        if (cli_is_for_this_host(&policy->sections[i]) &&
            strcmp(policy_text(&policy->sections[i], KEY_PATH),
                   policy_text(section, KEY_PATH)) == 0 &&
            policy_number(&policy->sections[i], KEY_DATASETS) ==
                DATASETS_SHARED)
            return true;
    return false;
}

static int
set_up_section(const struct cli *cli, const struct policy *policy,
               const struct policy_section *section, unsigned *changes)
{
    struct setup setup = {
        .cli = cli,
        .section = section,
        .path = policy_text(section, KEY_PATH),
        .gid = (gid_t)-1,
        .datasets = shares_datasets(policy, section),
        .dry_run = cli->dry_run,
    };
    char where[512];
    int r;

    if (!cli_is_for_this_host(section)) {
        printf("%s: left alone, hosts = %s (%s) is not this machine\n",
               setup.path, policy_text(section, KEY_HOSTS),
               cli_origin(&section->value[KEY_HOSTS].origin, where,
                          sizeof(where)));
        return CLI_FINE;
    }
    setup.width = (int)(strlen(setup.path) + strlen("/hub/.locks"));
    r = set_up(&setup);
    *changes += setup.changes;
    if (r < 0) {
        cli_error("%s", setup.err.text);
        return CLI_UNFINISHED;
    }
    if (!cli->dry_run)
        forget_look(&setup);
    if (setup.changes == 0)
        printf("%s: nothing to do, all is as it should be\n", setup.path);
    return CLI_FINE;
}

/* --- the command --------------------------------------------------------- */

int
cmd_setup(const struct cli *cli)
{
    struct policy policy;
    unsigned changes = 0;
    int code;

    if (geteuid() != 0 && !cli->dry_run) {
        cli_error("only root can set up a cache: run this with sudo, or add "
                  "--dry-run to see what it would do");
        return CLI_UNFINISHED;
    }
    code = cli_load_policy(cli, &policy);
    if (code != CLI_FINE)
        return code;
    for (size_t i = 0; i < policy.nsections; i++) {
        int one =
            cli_is_repeated(&policy, i)
                ? CLI_FINE
                : set_up_section(cli, &policy, &policy.sections[i], &changes);

        code = one > code ? one : code;
    }
    policy_free(&policy);
    if (code == CLI_FINE && changes > 0 && !cli->dry_run)
        puts("\nWhat lies deeper belongs to the users, whose logins mend it.\n"
             "Next, if not done yet: hfcache enable sshd");
    return code;
}
