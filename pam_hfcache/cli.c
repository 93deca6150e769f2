/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commands of `hfcache` share: see cli.h.
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "membership_names.h"

int
cli_login_exit(const struct login *login)
{
    return login->policy.sections ? CLI_UNFINISHED : CLI_USAGE;
}

int
cli_load_policy(const struct cli *cli, struct policy *ret)
{
    struct err err = {0};
    int r = policy_load(cli->conf, getuid(), ret, &err);

    if (r == 0)
        return CLI_FINE;
    cli_error("%s", err.text);
    return r == -ENOMEM ? CLI_UNFINISHED : CLI_USAGE;
}

int
cli_find_user(const struct cli *cli, char *ret, size_t size)
{
    if (cli->operands > 0) {
        snprintf(ret, size, "%s", cli->operand[0]);
        return CLI_FINE;
    }
    if (membership_user_name(getuid(), ret, size))
        return CLI_FINE;
    cli_error("uid %u has no name here; say which user: hfcache %s USER",
              getuid(), cli->command);
    return CLI_USAGE;
}

bool
cli_is_for_this_host(const struct policy_section *section)
{
    char host[256] = "";

    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    return decision_is_for_host(section, host);
}

bool
cli_is_repeated(const struct policy *policy, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (cli_is_for_this_host(&policy->sections[i]) &&
            strcmp(policy_text(&policy->sections[i], KEY_PATH),
                   policy_text(&policy->sections[index], KEY_PATH)) == 0)
            return true;
    return false;
}

const char *
cli_paint(const struct cli *cli, enum paint paint)
{
    static const char *const escapes[] = {
        [PAINT_NONE] = "\033[0m",  [PAINT_BOLD] = "\033[1m",
        [PAINT_DIM] = "\033[2m",   [PAINT_GOOD] = "\033[32m",
        [PAINT_WARN] = "\033[33m", [PAINT_BAD] = "\033[31m",
    };

    return cli->colour ? escapes[paint] : "";
}

/* --- text that others chose ---------------------------------------------- */

/* U+0080 and above: what steers, turns, joins or hides other characters. */
static const struct {
    unsigned first, last;
} hidden[] = {
    {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
    {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

/* The character that a sequence of UTF-8 of this length is. */
static unsigned
decode(const unsigned char *text, size_t length)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned code = text[0] & masks[length];

    for (size_t i = 1; i < length; i++)
        code = code << 6 | (text[i] & 0x3fu);
    return code;
}

/* Is the sequence of UTF-8 at `text` one that shows as what it is? */
static bool
is_shown(const unsigned char *text, size_t length)
{
    unsigned code;

    if (length < 2)
        return length == 1 && *text >= 0x20 && *text != 0x7f;
    code = decode(text, length);
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return false;
    return true;
}

/* What is shown of the start of `text`, as a string; how many bytes that is. */
static size_t
show(const unsigned char *text, char ret[8])
{
    size_t length = util_utf8_length(text);

    if (!is_shown(text, length)) {
        snprintf(ret, 8, "\\x%02x", *text);
        return 1;
    }
    memcpy(ret, text, length);
    ret[length] = '\0';
    return length;
}

void
cli_print_safe(const char *string)
{
    const unsigned char *text = (const unsigned char *)string;
    char shown[8];

    while (*text) {
        text += show(text, shown);
        fputs(shown, stdout);
    }
}

/* Written at once, so that no other program's line comes between. */
void
cli_error(const char *format, ...)
{
    char message[8192] = "", line[8192] = "";
    struct text safe = TEXT_INIT(line);
    const unsigned char *text = (const unsigned char *)message;
    char shown[8];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    while (*text) {
        text += show(text, shown);
        text_add(&safe, shown);
    }
    fflush(stdout);
    fprintf(stderr, "hfcache: %s\n", line);
}

/* --- numbers and places -------------------------------------------------- */

void
cli_add_duration(struct text *text, int64_t ms)
{
    long long seconds = (long long)(ms / 1000);

    if (seconds < 1)
        text_add(text, "less than a second");
    else if (seconds < 120)
        text_addf(text, "%lld s", seconds);
    else if (seconds < 7200)
        text_addf(text, "%lld min", seconds / 60);
    else if (seconds < 172800)
        text_addf(text, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    else
        text_addf(text, "%lld days", seconds / 86400);
}

void
cli_add_since(struct text *text, int64_t wall)
{
    cli_add_duration(text, ((int64_t)time(NULL) - wall) * 1000);
}

void
cli_add_count(struct text *text, uint64_t count)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%llu",
                          (unsigned long long)count);

    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text_add_char(text, ',');
        text_add_char(text, digits[i]);
    }
}

void
cli_add_counted(struct text *text, uint64_t count, const char *one,
                const char *many)
{
    cli_add_count(text, count);
    text_addf(text, " %s", count == 1 ? one : many);
}

void
cli_print_escaped(const char *value, char quote)
{
    for (; *value; value++) {
        if (*value == quote || *value == '\\')
            putchar('\\');
        putchar(*value);
    }
}

const char *
cli_title(const struct policy_section *section, char *buffer, size_t size)
{
    struct text text = {buffer, size, 0, false};

    *buffer = '\0';
    policy_add_title(section, &text);
    return buffer;
}

const char *
cli_origin(const struct origin *origin, char *buffer, size_t size)
{
    struct text text = {buffer, size, 0, false};

    *buffer = '\0';
    policy_add_origin(origin, &text);
    return buffer;
}

const char *
cli_word(const char *name, char buffer[CLI_WORD_SIZE])
{
    struct text text = {buffer, CLI_WORD_SIZE, 0, false};

    *buffer = '\0';
    text_add_shell(&text, name);
    return buffer;
}
