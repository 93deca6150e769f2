/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds inih line by line, so that each line is checked and counted before
 * inih parses it, and stops at the first error.
 */
#include "policy_file.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

struct reader {
    const char *file;
    const char *data;
    size_t length;
    size_t position;
    unsigned line;
    bool in_section;
    bool is_text; /* without NUL and carriage return, as nearly always */
    const struct policy_sink *sink;
    struct err *err;
    struct err problem; /* what the sink says of a line */
    int result; /* the first error; nothing is read after it */
};

static int
refuse(struct reader *reader, int code, const char *problem)
{
    reader->result = err_set(reader->err, code, "%s:%u: %s", reader->file,
                             reader->line, problem);
    return reader->result;
}

/*
 * What would make inih, or an editor, see other lines; `length` excludes the
 * line's end.
 */
static const char *
find_cut(const struct reader *reader, const char *line, size_t length)
{
    if (length > POLICY_FILE_MAX_LINE)
        return "the line is longer than 195 bytes: shorten it (@group stands "
               "for many users)";
    if (!reader->is_text && memchr(line, '\0', length))
        return "the line holds a NUL byte: save the file as plain text";
    if (!reader->is_text && memchr(line, '\r', length))
        return "the line ends as on DOS: save the file with Unix line ends";
    return NULL;
}

/* Bytes that an editor would not show. */
static const char *
find_hidden_byte(const char *line)
{
    for (; *line; line++) {
        unsigned char c = (unsigned char)*line;

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "the line holds a control character: save the file as "
                   "plain text";
    }
    return NULL;
}

/* Does a blank stand before a ";" or "#" in `value`? */
static bool
has_inline_comment(const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((*p == ';' || *p == '#') && p > value && util_is_blank(p[-1]))
            return true;
    }
    return false;
}

static const char *
find_pair_problem(const char *line)
{
    const char *end = line;

    while (util_is_name_char(*end))
        end++;
    if (end > line) {
        while (util_is_blank(*end))
            end++;
    }
    if (end == line || *end != '=')
        return "this is neither a [section] nor KEY = VALUE nor a comment";
    if (has_inline_comment(end + 1))
        return "a comment stands on a line of its own: remove what follows the "
               "blank before ; or #";
    return NULL;
}

/* "[title]": hand the title to the sink. */
static int
take_header(struct reader *reader, const char *line)
{
    size_t length = strcspn(line + 1, "]");
    char title[64];

    if (!line[1 + length])
        return refuse(reader, EINVAL, "the section's ] is missing");
    if (line[2 + length + strspn(line + 2 + length, " \t")])
        return refuse(reader, EINVAL,
                      "nothing may follow the ] of a section's title");
    if (length >= 49)
        return refuse(reader, EINVAL,
                      "the section's title is longer than 48 bytes");
    memcpy(title, line + 1, length);
    title[length] = '\0';
    if (reader->sink->section(reader->sink->ctx, title, reader->line,
                              &reader->problem) < 0)
        return refuse(reader, reader->problem.code, reader->problem.text);
    reader->in_section = true;
    return 0;
}

/* Check the line and, if it is a header, take it. */
static int
take_line(struct reader *reader, const char *line)
{
    const char *start = line;
    const char *problem;

    while (util_is_blank(*start))
        start++;
    if (!*start || *start == ';' || *start == '#')
        return 0;
    problem = find_hidden_byte(line);
    if (problem)
        return refuse(reader, EINVAL, problem);
    if (reader->line == 1 && util_has_prefix(line, "\xef\xbb\xbf"))
        return refuse(reader, EINVAL,
                      "the file begins with a byte order mark: save it as "
                      "plain UTF-8");
    if (start != line)
        return refuse(reader, EINVAL,
                      "the line is indented: start it in the first column");
    if (*line == '[')
        return take_header(reader, line);
    problem = find_pair_problem(line);
    if (!problem && !reader->in_section)
        problem = "a key stands before the first [section]: write [cache] "
                  "above it";
    return problem ? refuse(reader, EINVAL, problem) : 0;
}

/* Take the next line into `buffer`; false at the end or at an error. */
static bool
next_line(struct reader *reader, char *buffer, size_t size)
{
    const char *start = reader->data + reader->position;
    size_t left = reader->length - reader->position;
    const char *end = memchr(start, '\n', left);
    size_t length = end ? (size_t)(end - start) : left;
    const char *problem;

    if (reader->result < 0 || left == 0)
        return false;
    reader->line++;
    problem = find_cut(reader, start, length);
    if (!problem && length + 2 > size)
        problem = "the line is longer than this inih reads";
    if (problem) {
        refuse(reader, EINVAL, problem);
        return false;
    }
    memcpy(buffer, start, length);
    buffer[length] = '\0';
    reader->position += length + (end != NULL);
    return take_line(reader, buffer) == 0;
}

/* inih's reader: it gets the lines KEY = VALUE alone, the others are taken. */
static char *
read_line(char *buffer, int size, void *stream)
{
    while (next_line(stream, buffer, (size_t)size)) {
        if (util_is_name_char(*buffer))
            return buffer;
    }
    return NULL;
}

/* inih's handler; 1 goes on, 0 marks an error. */
static int
take_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reader *reader = user;

    (void)section; /* known since its header */
    if (reader->result < 0)
        return 0;
    if (reader->sink->pair(reader->sink->ctx, name, value, reader->line,
                           &reader->problem) < 0) {
        refuse(reader, reader->problem.code, reader->problem.text);
        return 0;
    }
    return 1;
}

int
policy_file_read(const char *file, const char *data, size_t length,
                 const struct policy_sink *sink, struct err *err)
{
    struct reader reader = {.file = file, .data = data, .length = length,
                            .sink = sink, .err = err,
                            .is_text = !memchr(data, '\0', length) &&
                                       !memchr(data, '\r', length)};
    int line = ini_parse_stream(read_line, &reader, take_pair, &reader);

    if (reader.result == 0 && line != 0)
        refuse(&reader, EINVAL, "inih does not understand this line");
    return reader.result;
}
