/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hfcache: the administrator's side of pam_hfcache.  This file holds the table
 * of commands and options, reads the command line, and maps to exit codes:
 * 0 fine; 1 left out, unreached, unhealthy; 2 usage or policy; 3 could not
 * finish.
 *
 * The map of pam_hfcache/, from the top down; a file includes only what stands
 * below it, or beside it in its own group:
 *
 *   entry points, linked into one program each
 *     pam_hfcache.c      the PAM hooks
 *     hfcache.c          this
 *     hfcache_probe.c    the helper that looks, mends and joins for a login
 *
 *   the commands (cli.h)
 *     cmd_explain.c      the next login of a user, decision by decision;
 *                        explain_json.c the same for programs,
 *                        explain_stack.c whether PAM gets to us
 *     cmd_setup.c        group and folders; setup_folder.c one of them,
 *                        setup_way.c those above, setup_refuse.c what must
 *                        not be touched
 *     cmd_pam.c          enable and disable
 *     cmd_check.c        the whole tree, looked at or mended
 *     report_audit.c     what that found; report_audit_json.c for programs
 *     cmd_status.c       what the last verdicts say
 *     cmd_env.c          the variables, quoted for shells and systemd
 *     cmd_revoke.c       a membership of ours, taken back
 *     cmd_policy.c       the effective policy and where it comes from
 *     report.c           what a verdict says, for explain and status;
 *                        report_way.c of the way there, report_tree.c what
 *                        the last check found, report_menders.c who mends it;
 *                        report_home.c what a user has of his own
 *     cli.c json.c       messages and colour; JSON
 *     pamedit.c          our lines in a PAM file
 *     pamstack.c         a service's stack, includes followed
 *     pamfile.c          one PAM file, line by line
 *
 *   the whole tree (audit.h)
 *     audit.c            one audit from beginning to end; audit_visit.c each
 *                        inode, audit_rules.c what may be mended,
 *                        audit_count.c the sums, audit_owner.c whose,
 *                        audit_links.c what has several names,
 *                        audit_verdict.c what logins are told
 *
 *   the helper's work (errand.h: what it is sent to do)
 *     shed.c             nobody's child, then a member's eyes, then a user
 *     look.c             below hub/ as far as the budget goes; look_gate.c the
 *                        way and the gate, look_place.c where the last look
 *                        stopped
 *     mender.c           a user's own inodes, mended as that user
 *     join.c             a lasting membership; join_ways.c how it is written
 *                        down, join_leave.c and taken back
 *
 *   a login (login.h)
 *     login.c            the steps, for the module and for explain;
 *                        login_ask.c what the helper is asked, login_host.c
 *                        who has power over what is started
 *     probe.c            start the helper, wait until the deadline
 *
 *   trees that others change meanwhile
 *     mend.c             one inode mended or let be, and whom to trust
 *     walk.c             iterates a tree, in threads; walk_visit.c an entry,
 *                        walk_frame.c and walk_node.c the way down,
 *                        walk_queue.c work for all, walk_known.c what need not
 *                        be read
 *     snapshot_read.c    what the last walk found; snapshot_write.c for the
 *                        next one
 *
 *   what is known, and what follows from it
 *     decision.c         which section takes a login; decision_state.c what
 *                        the cache is to the user; decision_env.c variables
 *     membership.c       NSS and the groups of this process;
 *                        membership_persist.c how a membership lasts,
 *                        membership_names.c names for people to read
 *     verdict.c          /run/hfcache: what the last probe saw;
 *                        verdict_tree.c what the last check found,
 *                        verdict_text.c both as text, verdict_slot.c which
 *                        probes run
 *     members.c          whom we made members; processes.c who has a group
 *
 *   ground
 *     policy.c           files -> struct policy; policy_file.c,
 *                        policy_values.c, policy_env.c, policy_complete.c
 *     layout.c           what every inode of a cache must look like;
 *                        layout_table.c its rows, layout_words.c what each
 *                        finding is called and means
 *     safefs.c           the only place that opens by path, or changes owner,
 *                        mode, ACL, names: files of root's; safefs_tree.c the
 *                        way into a tree, safefs_look.c what is there,
 *                        safefs_mounts.c what is mounted there,
 *                        safefs_change.c changes in it, safefs_edit.c
 *                        PAM files
 *     util.c             errors, text, clocks, numbers
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

/* --- the tables ---------------------------------------------------------- */

/* The values of getopt_long(), and the bits of a command's options. */
enum {
    OPTION_CONF = 1 << 8,
    OPTION_HELP = 1 << 9,
    OPTION_VERSION = 1 << 10,
    OPTION_SERVICE = 1 << 11,
    OPTION_FORMAT = 1 << 12,
    OPTION_JSON = 1 << 13,
    OPTION_PROMETHEUS = 1 << 14,
    OPTION_DRY_RUN = 1 << 15,
    OPTION_AUTH = 1 << 16,
    OPTION_ALL = 1 << 17,
    OPTION_FULL = 1 << 18,
    OPTION_FOREIGN = 1 << 19,
    OPTION_JOBS = 1 << 20,
    OPTION_EVERYWHERE = OPTION_CONF | OPTION_HELP,
};

static const struct option options[] = {
    {"conf", required_argument, NULL, OPTION_CONF},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"service", required_argument, NULL, OPTION_SERVICE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"prometheus", no_argument, NULL, OPTION_PROMETHEUS},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"auth", no_argument, NULL, OPTION_AUTH},
    {"all", no_argument, NULL, OPTION_ALL},
    {"full", no_argument, NULL, OPTION_FULL},
    {"foreign", no_argument, NULL, OPTION_FOREIGN},
    {"jobs", required_argument, NULL, OPTION_JOBS},
    {0},
};

struct command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *help;    /* the rest of `hfcache NAME --help` */
    int (*run)(const struct cli *cli);
    int most_operands; /* -1: any number */
    unsigned options;
};

static const struct command commands[] = {
    {"explain", "[USER] [--service S] [--json]",
     "the next login of USER, decision by decision",
     "Says whether the PAM stack of the service (sshd, or --service S)\n"
     "reaches the module, which section of the policy takes the login,\n"
     "whether USER (you, if left out) will be in the group, what the cache\n"
     "was like when it was last looked at, and which variables will be set;\n"
     "each with the file and line that decides it. The module's own code\n"
     "decides; nothing is changed, and the cache itself is not touched.\n"
     "\n"
     "  --service S   the PAM service, a file in /etc/pam.d; sshd if left out\n"
     "  --json        for programs\n"
     "\n"
     "Exit: 0 the variables will be set, 1 left out or the module unreached.\n",
     cmd_explain, 1, OPTION_SERVICE | OPTION_JSON},
    {"setup", "[--dry-run]",
     "make group, folders and modes of each cache in the policy",
     "Makes what is missing and mends what differs: the group, the cache's\n"
     "root (root's, 2750 or 2755), hub/ and hub/.locks/ (2770 or 2775) with\n"
     "their default ACL. What lies deeper belongs to its owners, whose logins\n"
     "mend it. Says each change; a second run has nothing to do. Refuses a\n"
     "folder that holds anything else, a mount point that is not mounted,\n"
     "homes and system folders.\n"
     "\n"
     "  --dry-run     say what would be changed, change nothing\n"
     "\n"
     "Exit: 0 done or nothing to do, 3 refused or failed.\n",
     cmd_setup, 0, OPTION_DRY_RUN},
    {"enable", "[--auth] [--dry-run] SERVICE...",
     "add the module to PAM services",
     "Adds \"-session optional pam_hfcache.so\" to /etc/pam.d/SERVICE, before\n"
     "the line that leads to pam_systemd, else behind the last session line.\n"
     "The dash and \"optional\" keep logins working even if the module is\n"
     "removed. The file as it was is kept in /var/lib/hfcache/pam.d.\n"
     "\n"
     "  --auth        also \"-auth optional pam_hfcache.so\", first in auth:\n"
     "                for membership = session in sshd and cron\n"
     "  --dry-run     show the lines, change nothing\n"
     "\n"
     "Exit: 0 done or nothing to do, 3 refused or failed.\n",
     cmd_enable, -1, OPTION_AUTH | OPTION_DRY_RUN},
    {"disable", "[--all] [--dry-run] [SERVICE...]",
     "take the module out of PAM services",
     "Takes out every line of /etc/pam.d/SERVICE whose module is\n"
     "pam_hfcache.so, and nothing else.\n"
     "\n"
     "  --all         of all services\n"
     "  --dry-run     show the lines, change nothing\n"
     "\n"
     "Exit: 0 done or nothing to do, 3 refused or failed.\n",
     cmd_disable, -1, OPTION_ALL | OPTION_DRY_RUN},
    {"check", "[--full] [--all] [--json] [--jobs N] [PATH]",
     "look at the whole tree of each cache",
     "Compares every folder, file and link with the layout of a Hub cache, and\n"
     "tells what is wrong: by finding and by repository, with owners, the first\n"
     "paths, and what to type. Alarms are what can harm somebody, drift is what\n"
     "members cannot share, notes are harmless. Changes nothing in the cache.\n"
     "PATH is a cache of the policy, or a folder below one; all if left out.\n"
     "\n"
     "As root it remembers what it saw: folders that have not changed since are\n"
     "not read again for a week, which the report tells. And the next logins\n"
     "of those who own what has drifted mend it.\n"
     "\n"
     "  --full        read all anew\n"
     "  --all         name all that is wrong, not the first of each kind\n"
     "  --json        for programs\n"
     "  --jobs N      threads; as many as processors if left out, more pay on a\n"
     "                cold disk\n"
     "\n"
     "Exit: 0 healthy, 1 alarms or drift, 3 stopped or could not finish.\n",
     cmd_check, 1,
     OPTION_FULL | OPTION_ALL | OPTION_JSON | OPTION_JOBS},
    {"repair", "[--dry-run] [--foreign] [--all] [--json] [--jobs N] [PATH]",
     "mend what has drifted in the tree",
     "Gives back group, setgid, bits and default ACLs where members lost them:\n"
     "as a user one's own, as root those of all members. Nothing is opened that\n"
     "its owner closed, nothing that somebody may have moved into the cache,\n"
     "nothing setuid, linked twice or unknown; nothing right is touched.\n"
     "PATH is a cache of the policy, or a folder below one; all if left out.\n"
     "\n"
     "  --dry-run     say what would be mended, change nothing\n"
     "  --foreign     as root: also files of root's, and what belongs to users\n"
     "                who are gone\n"
     "  --all         name all, not the first of each kind\n"
     "  --json        for programs\n"
     "  --jobs N      threads; as many as processors if left out\n"
     "\n"
     "Exit: 0 healthy now, 1 something is left, 3 stopped or could not finish.\n",
     cmd_repair, 1,
     OPTION_DRY_RUN | OPTION_FOREIGN | OPTION_ALL | OPTION_JSON | OPTION_JOBS},
    {"status", "[--json | --prometheus]",
     "what the last verdicts say of each cache",
     "Shows what the last login's probe saw: state, age, what differs from\n"
     "the layout, whose it is, and what to type; and what the last check of\n"
     "the whole tree found (for root and members). Reads /run/hfcache alone,\n"
     "and never touches the cache, so that a dead file server can't stop it.\n"
     "\n"
     "  --json        for programs\n"
     "  --prometheus  for a node exporter's textfile folder\n"
     "\n"
     "Exit: 0 all healthy, 1 one is unhealthy or unknown.\n",
     cmd_status, 0, OPTION_JSON | OPTION_PROMETHEUS},
    {"env", "[USER] [--service S] [--format sh|csh|fish|systemd|env-file|json]",
     "the variables, for what never passes PAM",
     "Prints what a login would set for USER (you, if left out), for\n"
     "containers, services, batch systems and shells without PAM:\n"
     "\n"
     "  eval \"$(hfcache env)\"                   sh, bash, zsh\n"
     "  eval `hfcache env --format csh`         csh, tcsh\n"
     "  hfcache env --format fish | source      fish\n"
     "  hfcache env alice --format systemd      a drop-in for a unit\n"
     "  hfcache env --format env-file           for docker and podman --env-file\n"
     "\n"
     "Where a login would set nothing, it prints nothing, and on stderr why.\n"
     "\n"
     "  --service S   sections with `services` are judged by this name\n"
     "  --format F    sh if left out\n"
     "\n"
     "Exit: 0 also if nothing is set.\n",
     cmd_env, 1, OPTION_SERVICE | OPTION_FORMAT},
    {"revoke", "[--dry-run] USER",
     "take back the memberships that logins of USER were given",
     "Takes USER out of each group into which a login put him on this machine,\n"
     "by the list in /var/lib/hfcache, in the way in which he came in: usermod,\n"
     "or a drop-in in /etc/userdb. What he was given by anybody else stays.\n"
     "Says which processes keep the group until they end, and whether the next\n"
     "login would add him again.\n"
     "\n"
     "  --dry-run     say what would be taken back, change nothing\n"
     "\n"
     "Exit: 0 done or nothing to do, 3 refused, failed, or a member all the same.\n",
     cmd_revoke, 1, OPTION_DRY_RUN},
    {"policy", "[--json]", "the effective policy, and where each value is from",
     "Reads the policy as a login does, drop-ins included, and prints every\n"
     "value with its file and line: the check after an edit.\n"
     "\n"
     "  --json        for programs\n"
     "\n"
     "Exit: 0 a login would take it, 2 it is refused, with FILE:LINE.\n",
     cmd_policy, 0, OPTION_JSON},
};

/* --- help ---------------------------------------------------------------- */

static void
print_overview(FILE *out)
{
    fputs("usage: hfcache [--conf PATH] COMMAND [...]\n"
          "\n"
          "Sets up, explains and watches shared Hugging Face caches.\n"
          "\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "  --conf PATH   another policy than " POLICY_DEFAULT_FILE ",\n"
          "                with its drop-ins in PATH.d\n"
          "  --help        this text; hfcache COMMAND --help tells more\n"
          "  --version     the version\n"
          "\n"
          "Exit: 0 fine, 1 left out or unhealthy, 2 usage or policy error,\n"
          "3 could not finish.\n",
          out);
}

static void
print_help(const struct command *command)
{
    printf("usage: hfcache %s %s\n\n%s", command->name, command->usage,
           command->help);
}

/* --- the command line ---------------------------------------------------- */

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static void
store_option(struct cli *cli, int value)
{
    if (value == OPTION_CONF)
        cli->conf = optarg;
    if (value == OPTION_SERVICE)
        cli->service = optarg;
    if (value == OPTION_FORMAT)
        cli->format = optarg;
    cli->json |= value == OPTION_JSON;
    cli->prometheus |= value == OPTION_PROMETHEUS;
    cli->dry_run |= value == OPTION_DRY_RUN;
    cli->auth |= value == OPTION_AUTH;
    cli->all |= value == OPTION_ALL;
    cli->full |= value == OPTION_FULL;
    cli->foreign |= value == OPTION_FOREIGN;
}

/* The value of --jobs; false, all being said. */
static bool
read_jobs(struct cli *cli)
{
    uint64_t number = 0;

    if (util_parse_number(optarg, CLI_MAX_JOBS, &number) < 0 || number == 0) {
        cli_error("--jobs %s: give a number of threads, 1 to %d", optarg,
                  CLI_MAX_JOBS);
        return false;
    }
    cli->jobs = (unsigned)number;
    return true;
}

/* What getopt_long() did not like, in our words. */
static int
refuse_option(int value, char *const *argv, const char *command)
{
    /* Of a word of several letters it may have read but one. */
    const char letter[] = {'-', (char)optopt, '\0'};
    bool is_letter = optopt > 0 && optopt < OPTION_CONF;
    const char *word = is_letter ? letter : argv[optind - 1];

    if (value == ':')
        cli_error("%s needs a value", word);
    else
        cli_error("%s: no such option; hfcache %s%s--help lists them", word,
                  command ? command : "", command ? " " : "");
    return CLI_USAGE;
}

/*
 * Read the options up to the first operand (`command` NULL) or all of a
 * command's.  -1: go on; else the exit code, all being said.
 */
static int
read_options(int argc, char *const *argv, const struct command *command,
             struct cli *cli)
{
    unsigned allowed = OPTION_EVERYWHERE;
    int value, index = 0;

    allowed |= command ? command->options : (unsigned)OPTION_VERSION;
    opterr = 0;
    while ((value = getopt_long(argc, argv, command ? ":" : "+:", options,
                                &index)) != -1) {
        if (value == '?' || value == ':')
            return refuse_option(value, argv, command ? command->name : NULL);
        if (!((unsigned)value & allowed)) {
            cli_error("%s%s--%s is not an option here; see hfcache %s%s--help",
                      command ? command->name : "", command ? ": " : "",
                      options[index].name, command ? command->name : "",
                      command ? " " : "");
            return CLI_USAGE;
        }
        if (value == OPTION_HELP) {
            command ? print_help(command) : print_overview(stdout);
            return CLI_FINE;
        }
        if (value == OPTION_VERSION) {
            puts("hfcache " HFCACHE_VERSION);
            return CLI_FINE;
        }
        if (value == OPTION_JOBS && !read_jobs(cli))
            return CLI_USAGE;
        store_option(cli, value);
    }
    return -1;
}

static bool
wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
           strcmp(term, "dumb") != 0;
}

static int
run_command(int argc, char *const *argv, struct cli *cli)
{
    const struct command *command = find_command(argv[0]);
    int code;

    if (!command) {
        cli_error("%s: no such command; hfcache --help lists them", argv[0]);
        return CLI_USAGE;
    }
    optind = 0;
    code = read_options(argc, argv, command, cli);
    if (code >= 0)
        return code;
    cli->command = command->name;
    cli->operand = argv + optind;
    cli->operands = argc - optind;
    if (command->most_operands >= 0 && cli->operands > command->most_operands) {
        cli_error("%s: what is \"%s\"? usage: hfcache %s %s", command->name,
                  cli->operand[command->most_operands], command->name,
                  command->usage);
        return CLI_USAGE;
    }
    return command->run(cli);
}

int
main(int argc, char **argv)
{
    struct cli cli = {.colour = wants_colour()};
    int code;

    umask(022);
    code = read_options(argc, argv, NULL, &cli);
    if (code < 0 && optind < argc) {
        code = run_command(argc - optind, argv + optind, &cli);
    } else if (code < 0) {
        print_overview(stderr);
        code = CLI_USAGE;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_error("could not write all of the output: %s", strerror(errno));
        return CLI_UNFINISHED;
    }
    return code;
}
