/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The error object, bounded text, lines, clocks and strict numbers.
 */
#include "util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static void format_text(char *buffer, size_t size, const char *format,
                        va_list args) PRINTF_LIKE(3, 0);

static void
format_text(char *buffer, size_t size, const char *format, va_list args)
{
    int length = vsnprintf(buffer, size, format, args);

    if (length < 0)
        buffer[0] = '\0';
    else if ((size_t)length >= size)
        memcpy(buffer + size - 4, "...", 4);
}

int
err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;

    if (err) {
        err->code = code;
        va_start(args, format);
        format_text(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
    return -code;
}

const char *
util_describe_errno(int code, char text[ERRNO_TEXT_BYTES])
{
#ifdef __GLIBC__
    return strerror_r(code, text, ERRNO_TEXT_BYTES);
#else
    return strerror_r(code, text, ERRNO_TEXT_BYTES) == 0 ? text : "?";
#endif
}

int
err_sys(struct err *err, int code, const char *format, ...)
{
    va_list args;
    char reason[ERRNO_TEXT_BYTES];
    size_t length;

    if (!err)
        return -code;
    err->code = code;
    va_start(args, format);
    format_text(err->text, sizeof(err->text), format, args);
    va_end(args);
    length = strlen(err->text);
    snprintf(err->text + length, sizeof(err->text) - length, ": %s",
             util_describe_errno(code, reason));
    return -code;
}

void
util_free_ptr(void *pointer_to_pointer)
{
    void *pointer;

    memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
    free(pointer);
}

void
util_close_fd(const int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}

void
text_add_char(struct text *text, char c)
{
    if (text->length + 1 >= text->size) {
        text->full = true;
        return;
    }
    text->data[text->length++] = c;
    text->data[text->length] = '\0';
}

void
text_add(struct text *text, const char *string)
{
    if (text->length == 0 && text->size > 0)
        text->data[0] = '\0';
    for (; *string; string++)
        text_add_char(text, *string);
}

void
text_addf(struct text *text, const char *format, ...)
{
    size_t room = text->size - text->length;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(text->data + text->length, room, format, args);
    va_end(args);
    if (length < 0)
        text->data[text->length] = '\0';
    else if ((size_t)length < room)
        text->length += (size_t)length;
    else {
        text->length = text->size - 1;
        text->full = true;
    }
}

static bool
is_plain_word(const char *value)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-+./:,@%";

    return *value && !value[strspn(value, harmless)];
}

size_t
util_utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead, low, high; /* of the second byte */
        size_t length;
    } forms[] = {
        {0x80, 0x00, 0x00, 0xff, 1}, {0xff, 0xe0, 0xa0, 0xbf, 3},
        {0xff, 0xed, 0x80, 0x9f, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
        {0xff, 0xf4, 0x80, 0x8f, 4}, {0xe0, 0xc0, 0x80, 0xbf, 2},
        {0xf0, 0xe0, 0x80, 0xbf, 3}, {0xfc, 0xf0, 0x80, 0xbf, 4},
    };

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead)
            continue;
        if (forms[i].length == 1)
            return 1;
        if (text[0] < 0xc2 || text[1] < forms[i].low || text[1] > forms[i].high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

void
text_add_word(struct text *text, const char *value)
{
    if (is_plain_word(value)) {
        text_add(text, value);
        return;
    }
    text_add_char(text, '"');
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;

        if (c == '"' || c == '\\')
            text_addf(text, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            text_addf(text, "\\x%02x", c);
        else
            text_add_char(text, *value);
    }
    text_add_char(text, '"');
}

void
text_add_shell(struct text *text, const char *value)
{
    if (is_plain_word(value)) {
        text_add(text, value);
        return;
    }
    text_add_char(text, '\'');
    for (; *value; value++) {
        if (*value == '\'')
            text_add(text, "'\\'");
        text_add_char(text, *value);
    }
    text_add_char(text, '\'');
}

char *
util_format(const char *format, ...)
{
    char *string;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&string, format, args);
    va_end(args);
    return length < 0 ? NULL : string;
}

void
lines_add(struct lines *lines, const char *format, ...)
{
    va_list args;
    char **grown;
    char *line;
    int length;

    if (!lines)
        return;
    va_start(args, format);
    length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0)
        return;
    grown = reallocarray(lines->line, lines->count + 1, sizeof(*grown));
    if (!grown) {
        free(line);
        return;
    }
    lines->line = grown;
    lines->line[lines->count++] = line;
}

void
lines_free(struct lines *lines)
{
    if (!lines)
        return;
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
    free(lines->line);
    *lines = (struct lines){NULL, 0};
}

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
util_monotonic_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t
util_boottime_ms(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

uint64_t
util_seed(void)
{
    struct timespec now = {0, 0};
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
        return seed;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec ^ (uintptr_t)&seed;
}

int64_t
util_age_ms(int64_t boottime_ms)
{
    int64_t age = util_boottime_ms() - boottime_ms;

    return age > 0 ? age : 0;
}

int
util_parse_number(const char *string, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (!*string || (string[0] == '0' && string[1]))
        return -EINVAL;
    for (; *string; string++) {
        uint64_t digit = (uint64_t)(*string - '0');

        if (*string < '0' || *string > '9')
            return -EINVAL;
        if (number > (UINT64_MAX - digit) / 10)
            return -EINVAL;
        number = number * 10 + digit;
    }
    if (number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

int
util_read_all(int fd, size_t max, char **ret_data, size_t *ret_length)
{
    CLEANUP_FREE char *data = NULL;
    size_t size = 0, length = 0;
    ssize_t got = -1;

    while (got != 0) {
        if (length == size) {
            char *grown;

            size = size ? size * 2 : 4096;
            if (size > max + 1)
                size = max + 1;
            grown = realloc(data, size + 1);
            if (!grown)
                return -ENOMEM;
            data = grown;
        }
        got = read(fd, data + length, size - length);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            length += (size_t)got;
        if (length > max)
            return -EFBIG;
    }
    data[length] = '\0';
    *ret_data = data;
    data = NULL;
    *ret_length = length;
    return 0;
}

int
util_write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t done = write(fd, data, length);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        data += done;
        length -= (size_t)done;
    }
    return 0;
}
