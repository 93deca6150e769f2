/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small things that every other file may use: the error object, cleanup
 * attributes, bounded text, clocks and strict numbers.  Includes nothing else
 * of ours.
 */
#ifndef HFCACHE_UTIL_H
#define HFCACHE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/*
 * What went wrong, in one sentence for a person.  No allocation: works in a
 * host without memory.  `code` is a positive errno; EINVAL also stands for a
 * refused policy.
 */
struct err {
    int code;
    char text[512];
};

/*
 * Set `err` (which may be NULL) to `code` and the formatted sentence; returns
 * -code, so that `return err_set(err, EINVAL, ...)` reports and fails at once.
 * A sentence too long for the buffer ends in "...".
 */
int err_set(struct err *err, int code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* What an errno means; `text` may hold it, or not. */
#define ERRNO_TEXT_BYTES 128
const char *util_describe_errno(int code, char text[ERRNO_TEXT_BYTES]);

/* Like err_set(), and ends the sentence with ": " and strerror(code). */
int err_sys(struct err *err, int code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * Free or close what a variable holds when it goes out of scope; or free what
 * somebody owns by a pointer to const.
 */
void util_free_ptr(void *pointer_to_pointer);
void util_close_fd(const int *fd);
#define CLEANUP_FREE __attribute__((cleanup(util_free_ptr)))
#define CLEANUP_CLOSE __attribute__((cleanup(util_close_fd)))

/* Hand over what a cleanup variable holds: returns *fd and sets it to -1. */
static inline int
util_steal_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/*
 * Text in a buffer of fixed size.  Appending past the end keeps what fits,
 * sets `full`, and never writes beyond; NUL-terminated once appended to.
 */
struct text {
    char *data;
    size_t size;
    size_t length;
    bool full;
};

#define TEXT_INIT(array) ((struct text){(array), sizeof(array), 0, false})
void text_add(struct text *text, const char *string);
void text_add_char(struct text *text, char c);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * The length of the UTF-8 sequence at `text`, 0 if there is none: overlong
 * forms, surrogates and what lies beyond U+10FFFF are not UTF-8.
 */
size_t util_utf8_length(const unsigned char *text);

/*
 * Append `value` as one word of a key=value line: as it is if it is made of
 * harmless characters, else in double quotes with `"`, `\` and every control
 * or non-ASCII byte escaped (\xHH), so that no value can forge a field or line.
 */
void text_add_word(struct text *text, const char *value);

/* Append `value` as one word of a command that somebody is to type. */
void text_add_shell(struct text *text, const char *value);

/* A new formatted string, which the caller frees; NULL without memory. */
char *util_format(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * A growing list of lines, for the reasons that `hfcache explain` prints.  All
 * functions take NULL and then do nothing: a login does not pay for them.
 */
struct lines {
    char **line;
    size_t count;
};

void lines_add(struct lines *lines, const char *format, ...) PRINTF_LIKE(2, 3);
void lines_free(struct lines *lines);

/* A letter, a digit or "_", in ASCII whatever the locale; a blank or tab. */
static inline bool
util_is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

static inline bool
util_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/*
 * A number that nobody knows beforehand: where hashes begin of names or inodes
 * that others choose, lest they choose such as meet in one slot.
 */
uint64_t util_seed(void);

/* All bits of the result depend on all of `x`; no two give the same. */
static inline uint64_t
util_mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu; /* the end of MurmurHash3 */
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

/* FNV-1a, for tables that are no secret. */
static inline uint32_t
util_hash(const void *data, size_t length)
{
    const unsigned char *at = data;
    uint32_t hash = 2166136261u;

    for (; length > 0; length--)
        hash = (hash ^ *at++) * 16777619u;
    return hash;
}

/* Milliseconds: since an arbitrary start; since boot, with time asleep. */
int64_t util_monotonic_ms(void);
int64_t util_boottime_ms(void);

/* How long ago that was; 0 if it is to come. */
int64_t util_age_ms(int64_t boottime_ms);

/*
 * Parse all of `string` as a decimal number of at most `max`: no sign, no
 * blank, no leading zero but "0" itself, nothing behind.  0 or -EINVAL.
 */
int util_parse_number(const char *string, uint64_t max, uint64_t *ret_number);

/* True if `string` starts with `prefix`. */
static inline bool
util_has_prefix(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

/* "." or "..", which each folder has. */
static inline bool
util_is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/*
 * Read all of the open file `fd` into a new NUL-terminated buffer; the caller
 * frees it.  -EFBIG if it is larger than `max` bytes, else as read(2).
 */
int util_read_all(int fd, size_t max, char **ret_data, size_t *ret_length);

/* Write all of `data`: 0 or a negative errno. */
int util_write_all(int fd, const char *data, size_t length);

#endif
