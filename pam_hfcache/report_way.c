/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to a cache's root, as the last look went it: see report.h.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>

#include "membership_names.h"

static void
print_step(const struct cli *cli, const struct way_step *step, int width,
           const char *mark)
{
    char user[MEMBERSHIP_NAME_SIZE], group[MEMBERSHIP_NAME_SIZE];
    char mode[11], owner[2 * MEMBERSHIP_NAME_SIZE];

    report_format_mode(step->mode, mode);
    membership_user_name(step->uid, user, sizeof(user));
    membership_group_name(step->gid, group, sizeof(group));
    snprintf(owner, sizeof(owner), "%s:%s", user, group);
    printf("%-*s  %-18s %s %04o", width, step->path, owner, mode,
           step->mode & 07777);
    if (mark)
        printf("  %s<- %s%s", cli_paint(cli, PAINT_BAD), mark,
               cli_paint(cli, PAINT_NONE));
    putchar('\n');
}

/* Is `path` a name in the folder `folder`? */
static bool
is_child(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    if (length == 1)
        length = 0; /* "/" */
    return strncmp(path, folder, length) == 0 && path[length] == '/' &&
           !strchr(path + length + 1, '/');
}

static const char *
describe_error(const struct verdict *verdict)
{
    return verdict->way_error == ELOOP
               ? "a symbolic link that is not root's alone"
               : strerror(verdict->way_error);
}

/*
 * What is wrong with a step; NULL: nothing is.  Who may not enter a folder is
 * refused the name in it.
 */
static const char *
mark_step(const struct verdict *verdict, const struct way_step *step)
{
    if (!verdict->way_error)
        return NULL;
    if (verdict->way_error == EACCES && S_ISDIR(step->mode) &&
        is_child(verdict->way_at, step->path))
        return "members may not enter it";
    return strcmp(step->path, verdict->way_at) == 0 ? describe_error(verdict)
                                                    : NULL;
}

/* What the way ends at if it was not reached; `is_marked`: a step is to blame. */
static void
print_end(const struct cli *cli, const struct verdict *verdict, int width,
          bool is_marked)
{
    printf("%-*s  ", width, verdict->way_at);
    if (is_marked)
        puts("not reached");
    else
        printf("%s<- %s%s\n", cli_paint(cli, PAINT_BAD),
               describe_error(verdict), cli_paint(cli, PAINT_NONE));
}

void
report_print_way(const struct cli *cli, const struct policy_section *section,
                 const struct verdict *verdict, int indent)
{
    const char *root = policy_text(section, KEY_PATH);
    int width = (int)strlen(root) > 10 ? (int)strlen(root) : 10;
    const char *last = "", *mark = NULL;

    for (size_t i = 0; i < verdict->nsteps; i++) {
        const struct way_step *step = &verdict->steps[i];

        last = step->path;
        if (!verdict->way_error && strcmp(last, root) == 0 &&
            S_ISDIR(step->mode))
            break; /* the gate tells more of it */
        mark = mark_step(verdict, step);
        printf("%*s", indent, "");
        print_step(cli, step, width, mark);
    }
    if (!verdict->way_error || strcmp(last, verdict->way_at) == 0)
        return;
    printf("%*s", indent, "");
    print_end(cli, verdict, width, mark != NULL);
}

void
report_write_way(struct json *json, const struct verdict *verdict)
{
    json_begin_array(json, "way");
    for (size_t i = 0; i < verdict->nsteps; i++) {
        const struct way_step *step = &verdict->steps[i];

        json_begin_object(json, NULL);
        json_path(json, "path", step->path);
        json_mode(json, "mode", step->mode);
        report_write_owners(json, step->uid, step->gid);
        json_end_object(json);
    }
    json_end_array(json);
}
