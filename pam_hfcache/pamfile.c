/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lines of one PAM file: see pamfile.h.
 */
#include "pamfile.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

const char *
pamfile_take(char **cursor)
{
    char *start = *cursor + strspn(*cursor, PAMFILE_BLANKS);
    char *to = start, *from = start;

    if (*start != '[') {
        *cursor = start + strcspn(start, PAMFILE_BLANKS);
        if (**cursor)
            *(*cursor)++ = '\0';
        return start;
    }
    for (from++; *from && *from != ']'; from++) {
        if (from[0] == '\\' && from[1] == ']')
            from++;
        *to++ = *from;
    }
    *cursor = *from ? from + 1 : from;
    *to = '\0';
    return start;
}

static void
split_tokens(struct pamline *line)
{
    char *cursor = line->text;

    line->type = pamfile_take(&cursor);
    if (strcmp(line->type, "@include") == 0)
        line->control = line->type;
    else
        line->control = pamfile_take(&cursor);
    line->module = pamfile_take(&cursor);
    line->arguments = cursor + strspn(cursor, PAMFILE_BLANKS);
}

/* What a physical line of `length` bytes holds, without comment and blanks. */
static size_t
trim_line(const char *data, size_t length, const char **ret_start,
          bool *ret_comment)
{
    const char *hash = memchr(data, '#', length);

    *ret_comment = hash != NULL;
    if (hash)
        length = (size_t)(hash - data);
    while (length > 0 && strchr(PAMFILE_BLANKS, data[length - 1]))
        length--;
    while (length > 0 && strchr(PAMFILE_BLANKS, *data)) {
        data++;
        length--;
    }
    *ret_start = data;
    return length;
}

static int
append(char **text, const char *more, size_t length)
{
    size_t before = *text ? strlen(*text) : 0;
    char *grown = realloc(*text, before + length + 2);

    if (!grown)
        return -ENOMEM;
    memcpy(grown + before, more, length);
    strcpy(grown + before + length, " ");
    *text = grown;
    return 0;
}

static int
add_line(struct pamfile *file, const struct pamline *line)
{
    struct pamline *grown =
        realloc(file->line, (file->count + 1) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    file->line = grown;
    grown[file->count] = *line;
    split_tokens(&grown[file->count++]);
    return 0;
}

/*
 * Take in one physical line, data[at..next).  `line` collects one that goes on
 * from line to line; it is handed to the file when it is complete.
 */
static int
take_line(struct pamfile *file, struct pamline *line, const char *data,
          size_t at, size_t next, unsigned number)
{
    const char *start;
    bool comment, goes_on;
    size_t length = trim_line(data + at, next - at, &start, &comment);

    if (length == 0)
        return 0;
    goes_on = !comment && start[length - 1] == '\\';
    if (!line->text) {
        line->number = number;
        line->begin = at;
    }
    line->end = next;
    if (append(&line->text, start, goes_on ? length - 1 : length) < 0)
        return -ENOMEM;
    if (goes_on)
        return 0;
    if (add_line(file, line) < 0)
        return -ENOMEM;
    *line = (struct pamline){0};
    return 0;
}

int
pamfile_parse(const char *data, size_t length, struct pamfile *ret)
{
    struct pamfile file = {0};
    struct pamline line = {0};
    unsigned number = 1;
    int r = 0;

    for (size_t at = 0, next; at < length && r == 0; at = next, number++) {
        const char *newline = memchr(data + at, '\n', length - at);

        next = newline ? (size_t)(newline - data) + 1 : length;
        r = take_line(&file, &line, data, at, next, number);
    }
    file.unfinished = line.text != NULL;
    free(line.text);
    if (r < 0)
        pamfile_free(&file);
    else
        *ret = file;
    return r;
}

void
pamfile_free(struct pamfile *file)
{
    for (size_t i = 0; i < file->count; i++)
        free(file->line[i].text);
    free(file->line);
    *file = (struct pamfile){0};
}

bool
pamfile_line_is(const struct pamline *line, const char *type)
{
    const char *own = line->type;

    return strcasecmp(*own == '-' ? own + 1 : own, type) == 0;
}

bool
pamfile_module_is(const char *module, const char *name)
{
    const char *slash = strrchr(module, '/');

    return strcmp(slash ? slash + 1 : module, name) == 0;
}
