/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report of `hfcache check` and `hfcache repair`, as text.
 */
#include "report_audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "membership_names.h"

#define SHOWN_REPOSITORIES 20
#define WIDTH 80
#define INDENT 10

/* --- words --------------------------------------------------------------- */

static void
print_count(uint64_t count, const char *one, const char *many)
{
    char buffer[96] = "";
    struct text text = TEXT_INIT(buffer);

    cli_add_counted(&text, count, one, many);
    fputs(buffer, stdout);
}

static char
type_letter(mode_t mode)
{
    if (S_ISDIR(mode))
        return 'd';
    if (S_ISREG(mode))
        return '-';
    if (S_ISLNK(mode))
        return 'l';
    return S_ISBLK(mode)    ? 'b'
           : S_ISCHR(mode)  ? 'c'
           : S_ISFIFO(mode) ? 'p'
           : S_ISSOCK(mode) ? 's'
                            : '?';
}

/* "alice:hf-users  -2770", or what there is instead. */
static void
print_inode(const struct audit_item *item)
{
    char owner[MEMBERSHIP_NAME_SIZE], group[MEMBERSHIP_NAME_SIZE];

    if (!item->has_owner) {
        printf("%c     ", type_letter(item->mode));
        if (item->error)
            printf(" %s", strerror(item->error));
        return;
    }
    membership_user_name(item->uid, owner, sizeof(owner));
    membership_group_name(item->gid, group, sizeof(group));
    printf("%c%04o  %s:%s", type_letter(item->mode), item->mode & 07777, owner,
           group);
}

/* "drift", in its colour and as wide as the others. */
static void
print_severity(const struct cli *cli, enum layout_severity severity)
{
    static const enum paint paints[] = {
        [LAYOUT_SEVERITY_NOTE] = PAINT_DIM,
        [LAYOUT_SEVERITY_DRIFT] = PAINT_WARN,
        [LAYOUT_SEVERITY_ALARM] = PAINT_BAD,
    };

    printf("%s%-5s%s", cli_paint(cli, paints[severity]),
           layout_severity_words[severity], cli_paint(cli, PAINT_NONE));
}

static const char *
shown_path(const char *path)
{
    return *path ? path : ".";
}

/* --- one inode ----------------------------------------------------------- */

static void
print_fate(const struct audit_item *item)
{
    static const char *const words[] = {
        [AUDIT_TOLD] = "",         [AUDIT_NEEDED] = "",
        [AUDIT_MENDED] = "mended", [AUDIT_PART] = "mended in part",
        [AUDIT_GONE] = "gone",     [AUDIT_FAILED] = "not mended",
    };

    if (*words[item->fate])
        printf("  %s", words[item->fate]);
    if (*item->why)
        printf("%s%s", *words[item->fate] ? ": " : "  ", item->why);
}

/* A line of --all: severity, inode, path, what is wrong. */
static void
print_line(const struct cli *cli, const struct audit_item *item)
{
    char found[640] = "";
    struct text text = TEXT_INIT(found);

    layout_add_findings(item->what, &text);
    print_severity(cli, layout_worst(item->what));
    printf("  ");
    print_inode(item);
    printf("  ");
    cli_print_safe(shown_path(item->path));
    printf("  %s", found);
    print_fate(item);
    putchar('\n');
}

static void
print_sample(const struct audit_item *item)
{
    printf("          ");
    print_inode(item);
    printf("  ");
    cli_print_safe(shown_path(item->path));
    print_fate(item);
    putchar('\n');
}

/* --- by finding ---------------------------------------------------------- */

/* A sentence in lines of at most WIDTH, each indented. */
static void
print_wrapped(const char *sentence)
{
    size_t column = 0;

    while (*sentence) {
        size_t length = strcspn(sentence, " ");

        if (column == 0 || column + 1 + length > WIDTH) {
            printf("%s%*s", column ? "\n" : "", INDENT, "");
            column = INDENT;
        } else {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, sentence);
        column += length;
        sentence += length;
        sentence += strspn(sentence, " ");
    }
}

static void
print_kind(const struct cli *cli, const struct audit_kind *kind)
{
    const struct layout_finding *finding = kind->finding;
    char count[48] = "";
    struct text text = TEXT_INIT(count);

    if (kind->count == 0)
        return;
    cli_add_count(&text, kind->count);
    printf("  ");
    print_severity(cli, finding->severity);
    printf("   %s%s: %s%s\n", cli_paint(cli, PAINT_BOLD), finding->text, count,
           cli_paint(cli, PAINT_NONE));
    for (size_t i = 0; !cli->all && i < kind->nsamples; i++)
        print_sample(&kind->sample[i]);
    if (!cli->all && kind->count > kind->nsamples) {
        printf("          ... and ");
        print_count(kind->count - kind->nsamples, "more", "more");
        puts("; --all names them");
    }
    printf("%s", cli_paint(cli, PAINT_DIM));
    print_wrapped(finding->meaning);
    printf("%s\n", cli_paint(cli, PAINT_NONE));
}

/* The worst first. */
static void
print_kinds(const struct cli *cli, const struct audit *audit)
{
    for (int severity = LAYOUT_SEVERITY_ALARM; severity >= 0; severity--) {
        for (size_t i = 0; i < audit->nkinds; i++) {
            if ((int)audit->kinds[i].finding->severity == severity)
                print_kind(cli, &audit->kinds[i]);
        }
    }
}

/* --- by repository ------------------------------------------------------- */

static void
print_repository(const struct audit_repository *repository)
{
    const char *between = "  ";
    char owner[MEMBERSHIP_NAME_SIZE] = "-";

    if (repository->has_owner)
        membership_user_name(repository->uid, owner, sizeof(owner));
    printf("%-12s ", owner);
    cli_print_safe(shown_path(repository->name));
    if (repository->alarms) {
        printf("%s", between);
        print_count(repository->alarms, "alarm", "alarms");
        between = ", ";
    }
    if (repository->drifts) {
        printf("%s", between);
        print_count(repository->drifts, "drift", "drifts");
        between = ", ";
    }
    if (repository->notes) {
        printf("%s", between);
        print_count(repository->notes, "note", "notes");
    }
    putchar('\n');
}

static void
print_repositories(const struct cli *cli, const struct audit *audit)
{
    size_t most = cli->all ? audit->nrepositories : SHOWN_REPOSITORIES;
    size_t shown = audit->nrepositories < most ? audit->nrepositories : most;

    for (size_t i = 0; i < shown; i++) {
        printf("%s", i ? "          " : "  whose   ");
        print_repository(&audit->repositories[i]);
    }
    if (audit->nrepositories > shown)
        printf("          ... and %zu more; --all names them\n",
               audit->nrepositories - shown);
    if (audit->more_items) {
        printf("          ... and ");
        print_count(audit->more_items, "inode elsewhere", "inodes elsewhere");
        putchar('\n');
    }
}

/* --- the whole ----------------------------------------------------------- */

/* Of a folder that has not changed its own state was looked at. */
static uint64_t
count_looked(const struct audit *audit)
{
    return audit->folders + audit->reused_folders + audit->files +
           audit->links + audit->others;
}

static void
print_took(int64_t ms)
{
    if (ms < 100000)
        printf(" in %" PRId64 ".%" PRId64 " s", ms / 1000, ms / 100 % 10);
    else
        printf(" in %" PRId64 " min", ms / 60000);
}

/* What was looked at, and what was not, and how old that is. */
static void
print_looked(const struct audit *audit)
{
    char age[64] = "";
    struct text text = TEXT_INIT(age);

    printf("  looked  at ");
    print_count(count_looked(audit), "entry", "entries");
    print_took(audit->took_ms);
    if (audit->result == -ECANCELED)
        printf(", then stopped; the rest is unknown");
    else if (audit->result < 0)
        printf(", then gave up: %s", strerror(-audit->result));
    putchar('\n');
    if (!audit->reused)
        return;
    cli_add_since(&text, audit->oldest_wall);
    printf("  known   ");
    print_count(audit->reused, "entry", "entries");
    printf(" in folders that have not changed, the oldest %s ago;\n"
           "          a chmod, chown or hard link of a file among them would not"
           " be seen:\n          --full looks at all\n",
           age);
}

static void
print_mended(const struct cli *cli, const struct audit *audit)
{
    if (cli->dry_run) {
        printf("  would   mend ");
        print_count(audit->needed, "inode", "inodes");
    } else {
        printf("  mended  ");
        print_count(audit->mended, "inode", "inodes");
    }
    if (audit->failed) {
        printf("; ");
        print_count(audit->failed, "could not be", "could not be");
    }
    if (audit->gone) {
        printf("; ");
        print_count(audit->gone, "went away meanwhile", "went away meanwhile");
    }
    putchar('\n');
}

static void
print_verdict(const struct cli *cli, const struct audit *audit)
{
    if (audit->result < 0 && count_looked(audit) == 0 && !audit->drifts)
        return; /* nothing is known */
    if (audit->alarms || audit->drifts) {
        printf("  found   %s", cli_paint(cli, audit->alarms ? PAINT_BAD
                                                            : PAINT_WARN));
        print_count(audit->alarms, "alarm", "alarms");
        printf(", ");
        print_count(audit->drifts, "drift", "drifts");
        printf("%s", cli_paint(cli, PAINT_NONE));
    } else {
        printf("  found   %s%s%s", cli_paint(cli, PAINT_GOOD),
               audit->result < 0 ? "nothing wrong so far" : "nothing wrong",
               cli_paint(cli, PAINT_NONE));
    }
    if (audit->notes) {
        printf(", ");
        print_count(audit->notes, "note", "notes");
    }
    putchar('\n');
}

/* --- what to type next --------------------------------------------------- */

/* Where a line of advice begins: the first one behind "next". */
static void
begin_advice(bool *is_first)
{
    printf("%s", *is_first ? "  next    " : "          ");
    *is_first = false;
}

/* Of a user what is the user's own; the policy is that of this report. */
static void
print_command(const struct cli *cli, bool is_users, const char *options)
{
    printf("%s%shfcache ", cli_paint(cli, PAINT_BOLD), is_users ? "" : "sudo ");
    if (cli->conf) {
        printf("--conf ");
        cli_print_safe(cli->conf);
        putchar(' ');
    }
    printf("repair%s%s", options, cli_paint(cli, PAINT_NONE));
}

static bool
is_mended_by_logins(const struct policy_section *section,
                    const struct audit *audit)
{
    bool is_any = false;

    for (size_t i = 0; !is_any && i < audit->nrepositories; i++)
        is_any = audit->repositories[i].mendable &&
                 audit->repositories[i].uid != 0 &&
                 audit_is_for_logins(&audit->repositories[i]);
    return is_any && policy_number(section, KEY_REPAIR) == REPAIR_OWNER &&
           policy_number(section, KEY_VERIFY) == VERIFY_LOGIN;
}

/* A check tells what root's repair would mend, whoever runs it. */
static void
advise_repair(const struct audit_report *report, const struct audit *audit,
              bool *is_first)
{
    const struct cli *cli = report->cli;
    bool is_user = geteuid() != 0, is_own = is_user && report->repair;

    begin_advice(is_first);
    print_command(cli, is_own, cli->foreign && !is_own ? " --foreign" : "");
    printf("  mends ");
    print_count(audit->needed, "of these", "of these");
    if (is_user && !is_own) {
        printf("; what is yours\n          ");
        print_command(cli, true, "");
        puts("  mends");
    } else if (!is_own && is_mended_by_logins(report->section, audit)) {
        puts("; the next logins of\n          members mend their own");
    } else {
        putchar('\n');
    }
}

/* What no repair mends, and what a person can do. */
static const struct {
    unsigned what;
    const char *text;
} advice[] = {
    {LAYOUT_SECRET, "rm the token; its owner makes a new one, and keeps it at"
                    " home"},
    {LAYOUT_ALARMS & ~(unsigned)(LAYOUT_SECRET | LAYOUT_LINKS),
     "rm what an alarm names and nobody needs: clients get it anew"},
    {LAYOUT_LINKS, "sudo find $(stat -c %m FILE) -xdev -samefile FILE  tells all"
                   " its names"},
    {LAYOUT_OWNER, "sudo hfcache setup  gives the frame of the cache back to"
                   " root"},
};

static bool
has_found(const struct audit *audit, unsigned what)
{
    for (size_t i = 0; i < audit->nkinds; i++) {
        if (audit->kinds[i].count && audit->kinds[i].finding->bit & what)
            return true;
    }
    return false;
}

static void
print_advice(const struct audit_report *report, const struct audit *audit)
{
    char group[CLI_WORD_SIZE];
    bool is_first = true;

    if (audit->needed && !(report->repair && !report->cli->dry_run))
        advise_repair(report, audit, &is_first);
    if (audit->foreign) {
        begin_advice(&is_first);
        print_command(report->cli, false, " --foreign");
        printf("  mends ");
        print_count(audit->foreign, "of root's or nobody's",
                    "of root's or nobody's");
        putchar('\n');
    }
    for (size_t i = 0; i < ARRAY_LEN(advice); i++) {
        if (!has_found(audit, advice[i].what))
            continue;
        begin_advice(&is_first);
        puts(advice[i].text);
    }
    if (audit->by_hand || has_found(audit, DRIFT_KEPT)) {
        begin_advice(&is_first);
        printf("by hand, its owner, where members are to have it:\n"
               "          chgrp -R %s PATH && chmod -R g+rwX PATH\n",
               cli_word(policy_text(report->section, KEY_GROUP), group));
    }
}

static void
print_audit(const struct audit_report *report, const struct audit *audit)
{
    const struct cli *cli = report->cli;
    char title[300], where[512];

    printf("%s%s%s", cli_paint(cli, PAINT_BOLD),
           policy_text(report->section, KEY_PATH), *report->start ? "/" : "");
    cli_print_safe(report->start);
    printf("%s  group %s  %s%s, %s%s\n", cli_paint(cli, PAINT_NONE),
           policy_text(report->section, KEY_GROUP), cli_paint(cli, PAINT_DIM),
           cli_title(report->section, title, sizeof(title)),
           cli_origin(&report->section->value[KEY_PATH].origin, where,
                      sizeof(where)),
           cli_paint(cli, PAINT_NONE));
    print_looked(audit);
    if (report->repair)
        print_mended(cli, audit);
    print_verdict(cli, audit);
    print_kinds(cli, audit);
    print_repositories(cli, audit);
    print_advice(report, audit);
}

void
report_audit(const struct audit_report *report, const struct audit *audit)
{
    if (report->json)
        report_audit_write(report, audit);
    else
        print_audit(report, audit);
}

void
report_audit_item(const struct audit_report *report,
                  const struct audit_item *item)
{
    if (report->json)
        report_audit_write_item(report->json, item);
    else
        print_line(report->cli, item);
}
