/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names that a user chose, in what root reads: the report of a check as text
 * and as JSON, `status`, and the words of the log.  Whatever the name, JSON is
 * JSON and tells it, a line stays a line, and no byte commands a terminal.
 *
 * An input is eight bytes for the inode, then names, each ended by NUL.
 */
#include "fuzz.h"

#include "json_check.h"
#include "report.h"
#include "report_audit.h"

static struct policy policy;
static struct cli cli = {.command = "check"};

struct names {
    char *path, *repository, *start, *why;
};

/* --- stdout as a string -------------------------------------------------- */

static FILE *terminal;
static char *printed;
static size_t printed_length;

static void
catch_output(void)
{
    terminal = stdout;
    stdout = open_memstream(&printed, &printed_length);
    MUST(stdout);
}

static void
release_output(void)
{
    fclose(stdout);
    stdout = terminal;
    MUST(strlen(printed) == printed_length);
}

/* --- what a terminal gets ------------------------------------------------ */

/* What steers, hides or turns: all of Cc but newline, and of Cf what is seen. */
static bool
is_harmless(const unsigned char *at, size_t length)
{
    unsigned code;

    if (length == 1)
        return *at == '\n' || (*at >= 0x20 && *at != 0x7f);
    if (length == 2)
        code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
    else if (length == 3)
        code = (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    else
        code = (at[0] & 7u) << 18 | (at[1] & 0x3fu) << 12 |
               (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
    return code >= 0xa0 && code != 0xad && code != 0x61c && code != 0x180e &&
           !(code >= 0x200b && code <= 0x200f) &&
           !(code >= 0x2028 && code <= 0x202e) &&
           !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff &&
           !(code >= 0xfff9 && code <= 0xfffb) &&
           !(code >= 0xe0000 && code <= 0xe0fff);
}

static void
check_printed(size_t lines)
{
    const unsigned char *at = (const unsigned char *)printed;
    size_t count = 0;

    while (*at) {
        size_t length = util_utf8_length(at);

        MUST(length > 0 && is_harmless(at, length));
        count += *at == '\n';
        at += length;
    }
    MUST(!lines || count == lines);
    free(printed);
    printed = NULL;
}

/* --- JSON ---------------------------------------------------------------- */

/* What a name must be told as, and whether it was. */
struct told {
    const char *name;
    bool is_told;
};

static bool
is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t length; *at; at += length) {
        length = util_utf8_length(at);
        if (length == 0)
            return false;
    }
    return true;
}

static void
decode_base64(const char *text, char *ret)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, count = 0;

    MUST(strlen(text) % 4 == 0);
    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);

        MUST(digit);
        bits = bits << 6 | (unsigned)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *ret++ = (char)(bits >> count);
        }
    }
    MUST(strspn(text, "=") == strlen(text) && strlen(text) < 3);
    *ret = '\0';
}

static void
compare_string(const char *key, const char *value, void *data)
{
    struct told *told = data;
    char *decoded = malloc(strlen(value) + 1);

    MUST(decoded);
    if (strcmp(key, "path") == 0 && strcmp(value, told->name) == 0)
        told->is_told = true;
    if (strcmp(key, "path_b64") == 0) {
        decode_base64(value, decoded);
        MUST(!is_utf8(decoded));
        if (strcmp(decoded, told->name) == 0)
            told->is_told = true;
    }
    free(decoded);
}

static void
check_document(const char *name)
{
    struct told told = {*name ? name : ".", false};

    json_check(printed, compare_string, &told);
    MUST(told.is_told);
    free(printed);
    printed = NULL;
}

/* --- reports ------------------------------------------------------------- */

static struct audit_item
take_item(struct fuzz_bytes *bytes, struct names *names)
{
    struct audit_item item = {.kind = "lock file"};
    uint64_t bits = fuzz_number(bytes, 1);

    item.what = (unsigned)fuzz_number(bytes, 4) & 0x3ffffff;
    item.mode = (mode_t)fuzz_number(bytes, 2);
    item.wanted.mode = item.mode & 07777;
    item.uid = (uid_t)fuzz_number(bytes, 1) & 3;
    item.gid = item.uid;
    item.fate = (enum audit_fate)((bits & 7) % (AUDIT_GONE + 1));
    item.error = bits & 8 ? 5 : 0;
    item.has_owner = bits & 16;
    names->path = fuzz_string(bytes, '\0');
    names->repository = fuzz_string(bytes, '\0');
    names->start = fuzz_string(bytes, '\0');
    names->why = fuzz_string(bytes, '\0');
    item.path = names->path;
    item.why = "";
    return item;
}

static void
check_item(const struct audit_item *item)
{
    struct audit_report report = {
        .cli = &cli, .section = &policy.sections[0], .start = ""};
    struct json json;

    catch_output();
    report_audit_item(&report, item);
    release_output();
    check_printed(1);
    catch_output();
    json_begin_document(&json, stdout, "check");
    json_begin_array(&json, "findings");
    report.json = &json;
    report_audit_item(&report, item);
    json_end_array(&json);
    json_end_document(&json);
    release_output();
    check_document(item->path);
}

static void
check_report(const struct audit_item *item, const struct names *names)
{
    struct audit_kind kind = {.finding = &layout_findings[0],
                              .count = 7,
                              .sample = {*item},
                              .nsamples = 1};
    struct audit_repository repository = {.name = names->repository,
                                          .uid = item->uid,
                                          .has_owner = item->has_owner,
                                          .what = item->what,
                                          .drifts = 3,
                                          .notes = 1};
    struct audit audit = {.drifts = 3, .kinds = &kind, .nkinds = 1,
                          .repositories = &repository, .nrepositories = 1};
    struct audit_report report = {.cli = &cli,
                                  .section = &policy.sections[0],
                                  .start = names->start};
    struct json json;

    catch_output();
    report_audit(&report, &audit);
    release_output();
    check_printed(0);
    catch_output();
    json_begin_document(&json, stdout, "check");
    report.json = &json;
    report_audit(&report, &audit);
    json_end_document(&json);
    release_output();
    check_document(names->repository);
}

/* `status` and `explain`: what the verdicts name. */
static void
check_drifts(const struct audit_item *item)
{
    struct drift drift = {item->path, item->uid, item->what};
    struct json json;

    catch_output();
    report_print_drifts(&cli, &drift, 1, 0);
    release_output();
    check_printed(1);
    catch_output();
    json_begin_document(&json, stdout, "status");
    report_write_drifts(&json, "drifts", &drift, 1);
    json_string(&json, "why", item->path);
    json_end_document(&json);
    release_output();
    if (*item->path) {
        check_document(item->path);
    } else {
        free(printed);
        printed = NULL;
    }
}

/* --- the log ------------------------------------------------------------- */

/* Undo text_add_word(), which must have made one word of it. */
static void
check_word(const char *value)
{
    size_t size = 4 * strlen(value) + 3, length = 0;
    char *buffer = malloc(size), *back = malloc(size);
    struct text text = {buffer, size, 0, false};
    const char *at = buffer;

    MUST(buffer && back);
    *buffer = '\0';
    text_add_word(&text, value);
    MUST(!text.full);
    if (*at != '"') {
        MUST(strcmp(buffer, value) == 0 && *value &&
             !strpbrk(value, " \"\\=\n"));
        at = "";
    }
    for (at += *at == '"'; *at && *at != '"'; length++) {
        unsigned code = (unsigned char)*at;

        MUST(code >= 0x20 && code < 0x7f);
        at++;
        if (code == '\\' && *at == 'x') {
            MUST(sscanf(at, "x%2x", &code) == 1);
            at += 3;
        } else if (code == '\\') {
            code = (unsigned char)*at++;
        }
        back[length] = (char)code;
    }
    back[length] = '\0';
    MUST(*buffer != '"' || (strcmp(at, "\"") == 0 && strcmp(back, value) == 0));
    free(buffer);
    free(back);
}

/* "hfcache: ..." on stderr, which is a terminal as well. */
static void
check_error(const char *text)
{
    FILE *real = stderr;

    stderr = open_memstream(&printed, &printed_length);
    MUST(stderr);
    cli_error("%s: not this", text);
    fclose(stderr);
    stderr = real;
    check_printed(1);
}

FUZZ(data, size)
{
    struct fuzz_bytes bytes = {data, size};
    struct names names;
    struct audit_item item = take_item(&bytes, &names);

    if (!policy.nsections)
        MUST(policy_load_text("F", "", 0, &policy, NULL) == 0);
    check_item(&item);
    check_report(&item, &names);
    check_drifts(&item);
    check_word(names.why);
    check_error(names.path);
    free(names.path);
    free(names.repository);
    free(names.start);
    free(names.why);
}
