/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PAM's configuration as libpam runs it: pamstack_load() follows includes from
 * file to file and makes one list of entries, of which the rest asks questions.
 */
#include "pamstack.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pamfile.h"
#include "safefs_edit.h"

#define MAX_LEVEL 16 /* libpam's own limit of includes in includes */

const char *const pamstack_folders[] = {
    "/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam/pam.d", "/usr/etc/pam.d",
    NULL,
};

/* --- entries of a service, includes followed ----------------------------- */

/* What stays the same on the way down through includes. */
struct walk {
    const char *const *folders;
    const char *type;
    struct pamstack *stack;
    struct err *err;
};

/* Where on that way we are. */
struct place {
    const char *file;
    unsigned top;   /* 0 in the service's own file */
    unsigned level; /* of includes */
    unsigned depth; /* of substacks */
};

static const char *
keep_path(struct pamstack *stack, const char *path)
{
    char **grown = realloc(stack->files, (stack->nfiles + 1) * sizeof(*grown));

    if (!grown)
        return NULL;
    stack->files = grown;
    grown[stack->nfiles] = strdup(path);
    if (!grown[stack->nfiles])
        return NULL;
    return grown[stack->nfiles++];
}

/* Read `name` from the first folder that has it; the caller frees the data. */
static int
read_service(const struct walk *walk, const char *name, const char **ret_path,
             char **ret_data, size_t *ret_length)
{
    char path[4096];

    for (size_t i = 0; walk->folders[i]; i++) {
        bool absolute = *name == '/';
        int r;

        snprintf(path, sizeof(path), "%s%s%s", absolute ? "" : walk->folders[i],
                 absolute ? "" : "/", name);
        r = safefs_read_plain(path, PAMSTACK_MAX_BYTES, ret_data, ret_length,
                              walk->err);
        if (r == 0) {
            *ret_path = keep_path(walk->stack, path);
            return *ret_path ? 0
                             : err_set(walk->err, ENOMEM, "out of memory");
        }
        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}

/* A bracketed control has a "=" in it. */
static bool
is_known_control(const char *control)
{
    static const char *const words[] = {"required", "requisite", "sufficient",
                                        "optional"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(control, words[i]) == 0)
            return true;
    return strchr(control, '=') != NULL;
}

static int
add_entry(const struct walk *walk, const struct place *place,
          const struct pamline *line, bool head)
{
    struct pamstack *stack = walk->stack;
    struct pamentry *grown =
        realloc(stack->entry, (stack->count + 1) * sizeof(*grown));
    struct pamentry entry = {
        .file = place->file,
        .number = line->number,
        .top = place->top ? place->top : line->number,
        .depth = place->depth,
    };

    if (!grown)
        return err_set(walk->err, ENOMEM, "out of memory");
    if (!head && !is_known_control(line->control) && !*stack->problem)
        snprintf(stack->problem, sizeof(stack->problem),
                 "%.300s:%u: control \"%.64s\" is not known, and libpam fails "
                 "the service because of it: give required, requisite, "
                 "sufficient, optional, include, substack or [...]",
                 place->file, line->number, line->control);
    stack->entry = grown;
    entry.control = strdup(head ? "" : line->control);
    entry.module = strdup(head ? "" : line->module);
    entry.arguments = strdup(head ? "" : line->arguments);
    grown[stack->count++] = entry;
    if (!entry.control || !entry.module || !entry.arguments)
        return err_set(walk->err, ENOMEM, "out of memory");
    return 0;
}

/* NOLINTBEGIN(misc-no-recursion): to MAX_LEVEL, as libpam itself */
static int load_file(const struct walk *walk, const char *name,
                     const struct place *from, unsigned number);

static int
follow_include(const struct walk *walk, const struct place *place,
               const struct pamline *line)
{
    bool substack = strcasecmp(line->control, "substack") == 0;
    struct place below = *place;
    int r;

    if (substack) {
        r = add_entry(walk, place, line, true);
        if (r < 0)
            return r;
        below.depth++;
    }
    below.top = place->top ? place->top : line->number;
    below.level++;
    if (!*line->module)
        return err_set(walk->err, EINVAL,
                       "%s:%u: \"%s\" names no file; libpam refuses the "
                       "service because of it",
                       place->file, line->number, line->control);
    if (below.level >= MAX_LEVEL)
        return err_set(walk->err, EINVAL,
                       "%s:%u: includes go deeper than %d; does a file "
                       "include itself?",
                       place->file, line->number, MAX_LEVEL);
    return load_file(walk, line->module, &below, line->number);
}

static int
take_entry(const struct walk *walk, const struct place *place,
           const struct pamline *line)
{
    bool everything = strcmp(line->type, "@include") == 0;

    if (everything)
        return follow_include(walk, place, line);
    if (!pamfile_line_is(line, walk->type))
        return 0;
    if (strcasecmp(line->control, "include") == 0 ||
        strcasecmp(line->control, "substack") == 0)
        return follow_include(walk, place, line);
    return add_entry(walk, place, line, false);
}

/* Load `name`, which line `number` of from->file includes (0: nobody does). */
static int
load_file(const struct walk *walk, const char *name, const struct place *from,
          unsigned number)
{
    CLEANUP_FREE char *data = NULL;
    struct place place = *from;
    struct pamfile file;
    size_t length;
    int r = read_service(walk, name, &place.file, &data, &length);

    if (r == -ENOENT && number > 0)
        return err_set(walk->err, EINVAL,
                       "%s:%u: includes \"%s\", which does not exist; libpam "
                       "refuses the service because of it",
                       from->file, number, name);
    if (r < 0)
        return r;
    r = pamfile_parse(data, length, &file);
    if (r < 0)
        return err_set(walk->err, ENOMEM, "out of memory");
    if (file.unfinished)
        r = err_set(walk->err, EINVAL,
                    "%s: its last line ends in a backslash, and libpam "
                    "refuses such a file; take the backslash out",
                    place.file);
    for (size_t i = 0; i < file.count && r == 0; i++)
        r = take_entry(walk, &place, &file.line[i]);
    pamfile_free(&file);
    return r;
}
/* NOLINTEND(misc-no-recursion) */

int
pamstack_load(const char *const *folders, const char *service, const char *type,
              struct pamstack *ret, struct err *err)
{
    struct pamstack stack = {0};
    struct walk walk = {folders, type, &stack, err};
    struct place start = {.file = ""};
    int r = load_file(&walk, service, &start, 0);

    stack.has_own = r == 0;
    if ((r == 0 || r == -ENOENT) && stack.count == 0) {
        int other = load_file(&walk, "other", &start, 0);

        stack.from_other = true;
        if (other == -ENOENT && r == -ENOENT)
            err_set(err, ENOENT,
                    "%s: no such PAM service, and there is no \"other\"; "
                    "services are the files in %s",
                    service, folders[0]);
        else if (other == -ENOENT)
            other = 0;
        r = other;
    }
    if (r < 0)
        pamstack_free(&stack);
    else
        *ret = stack;
    return r;
}

void
pamstack_free(struct pamstack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        free(stack->entry[i].control);
        free(stack->entry[i].module);
        free(stack->entry[i].arguments);
    }
    for (size_t i = 0; i < stack->nfiles; i++)
        free(stack->files[i]);
    free(stack->entry);
    free(stack->files);
    *stack = (struct pamstack){0};
}

/* --- questions ----------------------------------------------------------- */

/* The largest jump that a control like "success=2 default=ignore" holds. */
static unsigned long
measure_jump(const char *control)
{
    unsigned long most = 0;

    for (const char *at = control; (at = strchr(at, '=')) != NULL;) {
        at += 1 + strspn(at + 1, PAMFILE_BLANKS);
        if (isdigit((unsigned char)*at)) {
            unsigned long jump = strtoul(at, NULL, 10);

            most = jump > most ? jump : most;
        }
    }
    return most;
}

/* True if the control ends its stack with success: "sufficient", "=done". */
static bool
can_end_well(const char *control)
{
    if (strcasecmp(control, "sufficient") == 0)
        return true;
    for (const char *at = control; (at = strchr(at, '=')) != NULL;) {
        at += 1 + strspn(at + 1, PAMFILE_BLANKS);
        if (util_has_prefix(at, "done"))
            return true;
    }
    return false;
}

size_t
pamstack_jump_end(const struct pamstack *stack, size_t at)
{
    unsigned long jump = measure_jump(stack->entry[at].control);
    unsigned depth = stack->entry[at].depth;
    size_t end = at;

    /* A substack, head and contents, counts as one. */
    for (; jump > 0; jump--) {
        if (end + 1 >= stack->count)
            return depth == 0 ? stack->count : end;
        if (stack->entry[end + 1].depth < depth)
            break;
        end++;
        while (end + 1 < stack->count && stack->entry[end + 1].depth > depth)
            end++;
    }
    return end;
}

size_t
pamstack_find(const struct pamstack *stack, const char *module)
{
    size_t at = 0;

    while (at < stack->count &&
           !pamfile_module_is(stack->entry[at].module, module))
        at++;
    return at;
}

/* True if the entry `at` stands in the stack of `first` or in one below. */
static bool
is_within(const struct pamstack *stack, size_t first, size_t at)
{
    for (size_t i = first; i <= at; i++)
        if (stack->entry[i].depth < stack->entry[first].depth)
            return false;
    return true;
}

size_t
pamstack_passed_by(const struct pamstack *stack, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (pamstack_jump_end(stack, i) >= at)
            return i;
        if (can_end_well(stack->entry[i].control) && is_within(stack, i, at))
            return i;
    }
    return at;
}
