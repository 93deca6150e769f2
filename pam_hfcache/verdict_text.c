/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verdicts as text: written by the helper and by checks, parsed by every login.
 *
 * One "key=value" line after another in a fixed order; strings have blanks,
 * control and non-ASCII bytes and "%" as %HH.  The last line is "end=", so
 * that a truncated text is none.
 */
#include "verdict_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "safefs.h"

/* Room kept for the lines behind the list of drifts. */
#define TAIL_BYTES 64

int
verdict_boot_id(char ret_boot[VERDICT_BOOT_SIZE], struct err *err)
{
    static const char file[] = "/proc/sys/kernel/random/boot_id";
    CLEANUP_FREE char *id = NULL;
    int r = safefs_read_system(file, 64, &id, err);

    if (r < 0)
        return r;
    if (strlen(id) < VERDICT_BOOT_SIZE - 1)
        return err_set(err, EIO, "%s: is not as long as expected", file);
    snprintf(ret_boot, VERDICT_BOOT_SIZE, "%s", id);
    return 0;
}

void
verdict_key(const char *path, gid_t gid, char ret_key[VERDICT_KEY_SIZE])
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
    for (unsigned i = 0; i < 4; i++)
        hash = (hash ^ ((gid >> (8 * i)) & 0xff)) * 0x100000001b3;
    snprintf(ret_key, VERDICT_KEY_SIZE, "%016" PRIx64, hash);
}

void
verdict_name(const char *path, gid_t gid, const char *suffix,
             char ret_name[VERDICT_NAME_SIZE])
{
    char key[VERDICT_KEY_SIZE];

    verdict_key(path, gid, key);
    snprintf(ret_name, VERDICT_NAME_SIZE, "%s.%s", key, suffix);
}

/* --- to text ------------------------------------------------------------- */

static bool
is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '%';
}

size_t
verdict_encoded_length(const char *string)
{
    size_t length = 0;

    for (; *string; string++)
        length += is_plain(*string) ? 1 : 3;
    return length;
}

void
verdict_add_encoded(struct text *text, const char *string)
{
    for (; *string; string++) {
        if (is_plain(*string))
            text_add_char(text, *string);
        else
            text_addf(text, "%%%02x", (unsigned char)*string);
    }
}

void
verdict_add_string(struct text *text, const char *key, const char *value)
{
    text_addf(text, "%s=", key);
    verdict_add_encoded(text, value);
    text_add_char(text, '\n');
}

int
verdict_add_head(struct text *text, const char *kind, const char *path,
                 gid_t gid, int64_t taken_ms, int64_t taken_wall,
                 struct err *err)
{
    char boot[VERDICT_BOOT_SIZE];
    int r = verdict_boot_id(boot, err);

    if (r < 0)
        return r;
    text_addf(text, "%s=1\nboot=%s\n", kind, boot);
    verdict_add_string(text, "path", path);
    text_addf(text, "gid=%u\ntaken=%" PRId64 "\nwall=%" PRId64 "\n", gid,
              taken_ms, taken_wall);
    return 0;
}

bool
verdict_add_drift(struct text *text, const struct drift *drift)
{
    size_t start = text->length;

    if (text->full)
        return false;
    text_addf(text, "drift=%u %u ", drift->owner, drift->what);
    verdict_add_encoded(text, drift->name);
    text_add_char(text, '\n');
    if (!text->full && text->length + TAIL_BYTES <= text->size)
        return true;
    text->length = start;
    text->data[start] = '\0';
    text->full = false;
    return false;
}

int
verdict_add_end(struct text *text, size_t more, const char *path,
                struct err *err)
{
    text_addf(text, "more=%zu\nend=\n", more);
    if (text->full)
        return err_set(err, E2BIG, "the verdict on %s does not fit", path);
    return 0;
}

/* --- from text ----------------------------------------------------------- */

char *
verdict_take(struct verdict_reader *reader, const char *key)
{
    size_t length = strlen(key);
    char *line = reader->next;
    char *end = strchr(line, '\n');

    if (reader->failed || !end || strncmp(line, key, length) != 0 ||
        line[length] != '=') {
        reader->failed = true;
        return reader->empty;
    }
    *end = '\0';
    reader->next = end + 1;
    return line + length + 1;
}

int64_t
verdict_to_number(struct verdict_reader *reader, const char *value,
                  uint64_t max)
{
    uint64_t number = 0;

    if (util_parse_number(value, max, &number) < 0)
        reader->failed = true;
    return (int64_t)number;
}

int64_t
verdict_take_number(struct verdict_reader *reader, const char *key,
                    uint64_t max)
{
    char *value = verdict_take(reader, key);

    return verdict_to_number(reader, value, max);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
verdict_decode(struct verdict_reader *reader, char *value)
{
    char *out = value;

    for (const char *in = value; *in; in++) {
        int high, low;

        if (*in != '%') {
            if (!is_plain(*in))
                reader->failed = true;
            *out++ = *in;
            continue;
        }
        high = hex_digit(in[1]);
        low = high < 0 ? -1 : hex_digit(in[2]);
        if (low < 0 || (high == 0 && low == 0)) {
            reader->failed = true;
            break;
        }
        *out++ = (char)(high * 16 + low);
        in += 2;
    }
    *out = '\0';
    return value;
}

char *
verdict_take_string(struct verdict_reader *reader, const char *key)
{
    return verdict_decode(reader, verdict_take(reader, key));
}

char *
verdict_cut_word(struct verdict_reader *reader, char **rest)
{
    char *word = *rest;
    char *blank = strchr(word, ' ');

    if (!blank) {
        reader->failed = true;
        *rest = word + strlen(word);
        return word;
    }
    *blank = '\0';
    *rest = blank + 1;
    return word;
}

/* A path below the root that no ".." leads out of. */
static bool
is_inner_path(const char *path)
{
    for (;;) {
        size_t length = (size_t)(strchrnul(path, '/') - path);

        if (length == 0 || (length == 1 && path[0] == '.') ||
            (length == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += length;
        if (!*path)
            return true;
        path++;
    }
}

static void
parse_drift(struct verdict_reader *reader, char *rest, struct drift *ret)
{
    ret->owner = (uid_t)verdict_to_number(
        reader, verdict_cut_word(reader, &rest), UINT32_MAX);
    ret->what = (unsigned)verdict_to_number(
        reader, verdict_cut_word(reader, &rest), DRIFT_ALL);
    if (ret->what & ~(unsigned)DRIFT_ALL)
        reader->failed = true;
    ret->name = verdict_decode(reader, rest);
    if (!is_inner_path(ret->name))
        reader->failed = true;
}

size_t
verdict_take_drifts(struct verdict_reader *reader, struct drift *drifts,
                    size_t max)
{
    size_t count = 0;

    while (!reader->failed && util_has_prefix(reader->next, "drift=")) {
        if (count == max) {
            reader->failed = true;
            break;
        }
        parse_drift(reader, verdict_take(reader, "drift"), &drifts[count++]);
    }
    return count;
}

int
verdict_take_head(struct verdict_reader *reader, const char *kind,
                  const char *path, gid_t gid, int64_t *ret_taken_ms,
                  int64_t *ret_taken_wall, struct err *err)
{
    char boot[VERDICT_BOOT_SIZE];
    const char *version = verdict_take(reader, kind);
    const char *its_boot = verdict_take(reader, "boot");
    const char *its_path = verdict_take_string(reader, "path");
    gid_t its_gid = (gid_t)verdict_take_number(reader, "gid", UINT32_MAX);
    int r = verdict_boot_id(boot, err);

    if (r < 0)
        return r;
    if (reader->failed || strcmp(version, "1") != 0)
        return err_set(err, EINVAL, "is no verdict of this program");
    if (strcmp(its_boot, boot) != 0)
        return err_set(err, ESTALE, "is of another boot");
    if (strcmp(its_path, path) != 0 || its_gid != gid)
        return err_set(err, EINVAL, "is on %.200s for gid %u, not on %.200s "
                       "for gid %u", its_path, its_gid, path, gid);
    *ret_taken_ms = verdict_take_number(reader, "taken", INT64_MAX);
    *ret_taken_wall = verdict_take_number(reader, "wall", INT64_MAX);
    return 0;
}

int
verdict_take_end(struct verdict_reader *reader, int64_t taken_ms,
                 size_t *ret_more, struct err *err)
{
    *ret_more = (size_t)verdict_take_number(reader, "more", UINT32_MAX);
    if (*verdict_take(reader, "end") || reader->failed || *reader->next)
        return err_set(err, EINVAL, "is damaged");
    if (taken_ms > util_boottime_ms())
        return err_set(err, ESTALE, "is from the future");
    return 0;
}

int
verdict_read_text(const char *dir, uid_t trusted_uid, const char *path,
                  gid_t gid, const char *suffix, char *ret_file,
                  char **ret_data, size_t *ret_length, struct err *err)
{
    char name[VERDICT_NAME_SIZE];
    int length;

    verdict_name(path, gid, suffix, name);
    length = snprintf(ret_file, PATH_MAX, "%s/%s", dir, name);
    if (length < 0 || length >= PATH_MAX)
        return err_set(err, ENAMETOOLONG, "%.200s...: too long", dir);
    return safefs_read_state(ret_file, trusted_uid, VERDICT_MAX_BYTES, ret_data,
                             ret_length, err);
}
