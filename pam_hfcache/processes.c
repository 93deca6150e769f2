/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processes of a user: see processes.h.
 */
#include "processes.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "safefs.h"

#define MAX_STATUS_BYTES (1u << 20) /* 65536 groups of ten digits */

/* What stands behind "FIELD:" and blanks in a status, to the end of its line. */
static const char *
find_field(const char *status, const char *field)
{
    size_t length = strlen(field);

    while (status) {
        if (strncmp(status, field, length) == 0 && status[length] == ':')
            return status + length + 1 + strspn(status + length + 1, " \t");
        status = strchr(status, '\n');
        if (status)
            status++;
    }
    return "";
}

/* Is the number among those of this line? */
static bool
has_number(const char *line, unsigned number)
{
    for (;;) {
        char *end;

        line += strspn(line, " \t");
        if (*line < '0' || *line > '9')
            return false;
        if (strtoul(line, &end, 10) == number)
            return true;
        line = end;
    }
}

static void
keep_name(struct processes *processes, const char *status)
{
    const char *name = find_field(status, "Name");
    int length = (int)strcspn(name, "\n");
    char *kept;

    /* "(sd-pam)" is its user manager's. */
    if (processes->named == PROCESSES_NAMED || *name == '(')
        return;
    kept = processes->name[processes->named];
    snprintf(kept, sizeof(*processes->name), "%.*s", length, name);
    for (size_t i = 0; i < processes->named; i++)
        if (strcmp(processes->name[i], kept) == 0)
            return;
    processes->named++;
}

static void
judge(const char *pid, uid_t uid, gid_t gid, bool having,
      struct processes *processes)
{
    CLEANUP_FREE char *status = NULL;
    char path[64];
    char *end;

    snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
    if (safefs_read_system(path, MAX_STATUS_BYTES, &status, NULL) < 0)
        return; /* it has ended */
    if (strtoul(find_field(status, "Uid"), &end, 10) != uid || *end != '\t')
        return;
    /* Of the four gids the effective one counts as a group. */
    if ((has_number(find_field(status, "Groups"), gid) ||
         has_number(find_field(status, "Gid"), gid)) != having)
        return;
    processes->count++;
    keep_name(processes, status);
}

void
processes_find(uid_t uid, gid_t gid, bool having, int64_t budget_ms,
               struct processes *ret)
{
    int64_t until_ms = util_monotonic_ms() + budget_ms;
    DIR *dir = opendir("/proc");
    struct dirent *entry;

    *ret = (struct processes){.complete = dir != NULL};
    while (dir && (entry = readdir(dir))) {
        if (*entry->d_name < '1' || *entry->d_name > '9')
            continue;
        if (util_monotonic_ms() > until_ms) {
            ret->complete = false;
            break;
        }
        judge(entry->d_name, uid, gid, having, ret);
    }
    if (dir)
        closedir(dir);
}

void
processes_add_names(const struct processes *processes, struct text *text)
{
    for (size_t i = 0; i < processes->named; i++) {
        text_add(text, i ? ", " : "");
        for (const char *at = processes->name[i]; *at; at++)
            text_add_char(text, *at >= ' ' && *at < 0x7f ? *at : '?');
    }
    if (processes->named == PROCESSES_NAMED)
        text_add(text, " and more");
}
