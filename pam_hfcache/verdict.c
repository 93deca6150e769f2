/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict as text: written by the helper, parsed by every login.
 *
 * One "key=value" line after another in a fixed order; strings have blanks,
 * control and non-ASCII bytes and "%" as %HH.  The last line is "end=", so
 * that a truncated text is none.  The slots of running probes are in
 * verdict_slot.c.
 */
#include "verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "safefs.h"
#include "verdict_text.h"

/* Room kept for the lines behind the list of drifts. */
#define TAIL_BYTES 64

static const char *const gate_keys[GATES] = {"root", "hub", "locks", "blobs"};

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

/* --- to text ------------------------------------------------------------- */

static void
add_encoded(struct text *text, const char *string)
{
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;

        if (c <= ' ' || c >= 0x7f || c == '%')
            text_addf(text, "%%%02x", c);
        else
            text_add_char(text, *string);
    }
}

static void
add_string(struct text *text, const char *key, const char *value)
{
    text_addf(text, "%s=", key);
    add_encoded(text, value);
    text_add_char(text, '\n');
}

static void
add_gates(struct text *text, const struct verdict *verdict)
{
    for (unsigned i = 0; i < GATES; i++) {
        const struct inode_fact *fact = &verdict->gate[i];

        text_addf(text, "%s=%d %o %u %u %d\n", gate_keys[i], fact->error,
                  fact->mode, fact->uid, fact->gid, (int)fact->acl);
    }
}

/* Add the drifts that fit; the number of the others. */
static size_t
add_drifts(struct text *text, const struct verdict *verdict)
{
    size_t left = verdict->more_drifts;

    for (size_t i = 0; i < verdict->ndrifts; i++) {
        const struct drift *drift = &verdict->drifts[i];

        if (i >= VERDICT_MAX_DRIFTS ||
            text->length + 3 * strlen(drift->name) + TAIL_BYTES + 32 >
                text->size) {
            left++;
            continue;
        }
        text_addf(text, "drift=%u %u ", drift->owner, drift->what);
        add_encoded(text, drift->name);
        text_add_char(text, '\n');
    }
    return left;
}

int
verdict_format(const struct verdict *verdict, const char *path, gid_t gid,
               bool with_drifts, struct text *text, struct err *err)
{
    char boot[VERDICT_BOOT_SIZE];
    size_t more = 0;
    int r = verdict_boot_id(boot, err);

    if (r < 0)
        return r;
    text_addf(text, "hfcache-verdict=1\nboot=%s\n", boot);
    add_string(text, "path", path);
    text_addf(text, "gid=%u\ntaken=%" PRId64 "\nwall=%" PRId64 "\n", gid,
              verdict->taken_ms, verdict->taken_wall);
    text_addf(text, "way=%d\n", verdict->way_error);
    add_string(text, "at", verdict->way_at ? verdict->way_at : "");
    add_gates(text, verdict);
    add_string(text, "cursor", verdict->cursor ? verdict->cursor : "");
    text_addf(text, "round=%" PRId64 "\n", verdict->round_wall);
    if (with_drifts)
        more = add_drifts(text, verdict);
    text_addf(text, "more=%zu\nend=\n", more);
    if (text->full)
        return err_set(err, E2BIG, "the verdict on %s does not fit", path);
    return 0;
}

int
verdict_write(const char *dir, const struct verdict *verdict, const char *path,
              gid_t gid, struct err *err)
{
    CLEANUP_FREE char *buffer = malloc(VERDICT_MAX_BYTES);
    CLEANUP_CLOSE int dir_fd = -1;
    char key[VERDICT_KEY_SIZE], name[VERDICT_KEY_SIZE + 8];
    struct text text = {buffer, VERDICT_MAX_BYTES, 0, false};
    int r;

    if (!buffer)
        return err_set(err, ENOMEM, "out of memory");
    r = verdict_format(verdict, path, gid, true, &text, err);
    if (r < 0)
        return r;
    dir_fd = safefs_open_state_folder(dir, 0755, geteuid(), err);
    if (dir_fd < 0)
        return dir_fd;
    verdict_key(path, gid, key);
    snprintf(name, sizeof(name), "%s.gate", key);
    r = safefs_replace_file(dir_fd, name, 0644, false, text.data,
                            text.length);
    if (r < 0)
        return err_sys(err, -r, "%s/%s: cannot be written", dir, name);
    return 0;
}

/* --- from text ----------------------------------------------------------- */

/* A text being parsed, line by line; `failed` is kept once set. */
struct reader {
    char *next;
    bool failed;
    char empty[1];
};

/* The value of the next line, which must be that of `key`; never NULL. */
static char *
take(struct reader *reader, const char *key)
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

static bool
next_is(const struct reader *reader, const char *key)
{
    return !reader->failed && util_has_prefix(reader->next, key);
}

static int64_t
to_number(struct reader *reader, const char *value, uint64_t max)
{
    uint64_t number = 0;

    if (util_parse_number(value, max, &number) < 0)
        reader->failed = true;
    return (int64_t)number;
}

static int64_t
take_number(struct reader *reader, const char *key, uint64_t max)
{
    char *value = take(reader, key);

    return to_number(reader, value, max);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode in place; a string that nobody of ours wrote fails. */
static char *
decode(struct reader *reader, char *value)
{
    char *out = value;

    for (const char *in = value; *in; in++) {
        int high, low;

        if (*in != '%') {
            if (*in <= ' ' || *in >= 0x7f)
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

/* Cut the next blank-separated word off `*rest`; never NULL. */
static char *
cut_word(struct reader *reader, char **rest)
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

static mode_t
to_mode(struct reader *reader, const char *value)
{
    mode_t mode = 0;
    size_t length = strlen(value);

    if (!length || length > 6)
        reader->failed = true;
    for (; *value && !reader->failed; value++) {
        if (*value < '0' || *value > '7')
            reader->failed = true;
        mode = mode * 8 + (mode_t)(*value - '0');
    }
    return reader->failed ? 0 : mode;
}

static void
take_gates(struct reader *reader, struct verdict *verdict)
{
    for (unsigned i = 0; i < GATES; i++) {
        struct inode_fact *fact = &verdict->gate[i];
        char *rest = take(reader, gate_keys[i]);

        fact->error = (int)to_number(reader, cut_word(reader, &rest), 4095);
        fact->mode = to_mode(reader, cut_word(reader, &rest));
        fact->uid = (uid_t)to_number(reader, cut_word(reader, &rest),
                                     UINT32_MAX);
        fact->gid = (gid_t)to_number(reader, cut_word(reader, &rest),
                                     UINT32_MAX);
        fact->acl = (enum acl_fact)to_number(reader, rest,
                                             ACL_FACT_UNSUPPORTED);
    }
}

/* A path below the root that no ".." leads out of. */
static bool
is_inner_path(const char *path)
{
    for (;;) {
        size_t length = strcspn(path, "/");

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
take_drifts(struct reader *reader, struct verdict *verdict)
{
    while (next_is(reader, "drift=")) {
        struct drift *drift = &verdict->drifts[verdict->ndrifts];
        char *rest = take(reader, "drift");

        if (verdict->ndrifts == VERDICT_MAX_DRIFTS) {
            reader->failed = true;
            return;
        }
        drift->owner = (uid_t)to_number(reader, cut_word(reader, &rest),
                                        UINT32_MAX);
        drift->what = (unsigned)to_number(reader, cut_word(reader, &rest),
                                          DRIFT_ALL);
        if (drift->what & ~(unsigned)DRIFT_ALL)
            reader->failed = true;
        drift->name = decode(reader, rest);
        if (!is_inner_path(drift->name))
            reader->failed = true;
        verdict->ndrifts++;
    }
}

/* True if the head is of this boot, path and gid. */
static int
check_head(struct reader *reader, const char *path, gid_t gid, struct err *err)
{
    char boot[VERDICT_BOOT_SIZE];
    const char *version = take(reader, "hfcache-verdict");
    const char *its_boot = take(reader, "boot");
    const char *its_path = decode(reader, take(reader, "path"));
    gid_t its_gid = (gid_t)take_number(reader, "gid", UINT32_MAX);
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
    return 0;
}

static int
parse_buffer(char *data, const char *path, gid_t gid, struct verdict *ret,
             struct err *err)
{
    struct reader reader = {.next = data};
    int r = check_head(&reader, path, gid, err);

    if (r < 0)
        return r;
    ret->taken_ms = take_number(&reader, "taken", INT64_MAX);
    ret->taken_wall = take_number(&reader, "wall", INT64_MAX);
    ret->way_error = (int)take_number(&reader, "way", 4095);
    ret->way_at = decode(&reader, take(&reader, "at"));
    take_gates(&reader, ret);
    ret->cursor = decode(&reader, take(&reader, "cursor"));
    ret->round_wall = take_number(&reader, "round", INT64_MAX);
    take_drifts(&reader, ret);
    ret->more_drifts = (size_t)take_number(&reader, "more", UINT32_MAX);
    if (*take(&reader, "end") || reader.failed || *reader.next)
        return err_set(err, EINVAL, "is damaged");
    if (ret->taken_ms > util_boottime_ms())
        return err_set(err, ESTALE, "is from the future");
    return 0;
}

int
verdict_parse(const char *data, size_t length, const char *path, gid_t gid,
              struct verdict *ret, struct err *err)
{
    struct verdict verdict = {.ndrifts = 0};
    int r;

    if (length > VERDICT_MAX_BYTES || memchr(data, '\0', length))
        return err_set(err, EINVAL, "is no text of a verdict");
    verdict.buffer = malloc(length + 1);
    verdict.drifts = calloc(VERDICT_MAX_DRIFTS + 1, sizeof(*verdict.drifts));
    if (!verdict.buffer || !verdict.drifts) {
        verdict_free(&verdict);
        return err_set(err, ENOMEM, "out of memory");
    }
    memcpy(verdict.buffer, data, length);
    verdict.buffer[length] = '\0';
    r = parse_buffer(verdict.buffer, path, gid, &verdict, err);
    if (r < 0)
        verdict_free(&verdict);
    else
        *ret = verdict;
    return r;
}

int
verdict_read(const char *dir, uid_t trusted_uid, const char *path, gid_t gid,
             struct verdict *ret, struct err *err)
{
    char file[PATH_MAX], key[VERDICT_KEY_SIZE];
    CLEANUP_FREE char *data = NULL;
    struct err inner;
    size_t length;
    int r;

    verdict_key(path, gid, key);
    r = snprintf(file, sizeof(file), "%s/%s.gate", dir, key);
    if (r < 0 || (size_t)r >= sizeof(file))
        return err_set(err, ENAMETOOLONG, "%.200s...: too long", dir);
    r = safefs_read_state(file, trusted_uid, VERDICT_MAX_BYTES, &data, &length,
                          err);
    if (r < 0)
        return r;
    r = verdict_parse(data, length, path, gid, ret, &inner);
    if (r < 0)
        return err_set(err, -r, "%s: %s", file, inner.text);
    return 0;
}

void
verdict_free(struct verdict *verdict)
{
    if (!verdict)
        return;
    free(verdict->buffer);
    free(verdict->drifts);
    *verdict = (struct verdict){.ndrifts = 0};
}

int64_t
verdict_age_ms(const struct verdict *verdict)
{
    int64_t age = util_boottime_ms() - verdict->taken_ms;

    return age > 0 ? age : 0;
}

bool
verdict_is_fresh(const struct verdict *verdict, int64_t fresh_ms,
                 const char *host)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *host; host++)
        hash = (hash ^ (unsigned char)*host) * 16777619u;
    fresh_ms += fresh_ms / 5 * ((int64_t)(hash >> 8 & 0xffff) - 0x8000) /
                0x8000;
    return verdict_age_ms(verdict) < fresh_ms;
}
