/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict on the gate: its file, and how old it is.  The text of all
 * verdicts is in verdict_text.c, the verdict on the whole tree in
 * verdict_tree.c, the slots of running probes in verdict_slot.c.
 */
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "safefs.h"
#include "verdict_text.h"

static const char *const gate_keys[GATES] = {"root", "hub", "locks", "blobs"};

/* --- to text ------------------------------------------------------------- */

static void
add_steps(struct text *text, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->nsteps; i++) {
        const struct way_step *step = &verdict->steps[i];

        text_addf(text, "step=%o %u %u ", step->mode, step->uid, step->gid);
        verdict_add_encoded(text, step->path);
        text_add_char(text, '\n');
    }
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
        if (i >= VERDICT_MAX_DRIFTS ||
            !verdict_add_drift(text, &verdict->drifts[i]))
            left++;
    }
    return left;
}

int
verdict_format(const struct verdict *verdict, const char *path, gid_t gid,
               bool with_drifts, struct text *text)
{
    size_t more = 0;
    int r = verdict_add_head(text, "hfcache-verdict", path, gid,
                             verdict->taken_ms, verdict->taken_wall, NULL);

    if (r < 0)
        return r;
    if (verdict->since_wall)
        text_addf(text, "since=%" PRId64 "\n", verdict->since_wall);
    text_addf(text, "way=%d\n", verdict->way_error);
    verdict_add_string(text, "at", verdict->way_at ? verdict->way_at : "");
    if (with_drifts)
        add_steps(text, verdict);
    add_gates(text, verdict);
    verdict_add_string(text, "cursor", verdict->cursor ? verdict->cursor : "");
    text_addf(text, "round=%" PRId64 "\n", verdict->round_wall);
    if (with_drifts && verdict->unread_error) {
        text_addf(text, "unread=%d\n", verdict->unread_error);
        verdict_add_string(text, "unread_at", verdict->unread_at);
    }
    if (with_drifts)
        more = add_drifts(text, verdict);
    return verdict_add_end(text, more, path, NULL);
}

int
verdict_write(const char *dir, const struct verdict *verdict, const char *path,
              gid_t gid)
{
    CLEANUP_FREE char *buffer = malloc(VERDICT_MAX_BYTES);
    CLEANUP_CLOSE int dir_fd = -1;
    char name[VERDICT_NAME_SIZE];
    struct text text = {buffer, VERDICT_MAX_BYTES, 0, false};
    int r;

    if (!buffer)
        return -ENOMEM;
    r = verdict_format(verdict, path, gid, true, &text);
    if (r < 0)
        return r;
    dir_fd = safefs_open_state_folder(dir, 0755, geteuid(), NULL);
    if (dir_fd < 0)
        return dir_fd;
    verdict_name(path, gid, "gate", name);
    return safefs_replace_file(dir_fd, name, 0644, false, text.data,
                               text.length);
}

void
verdict_forget(const char *dir, const char *path, gid_t gid)
{
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(dir, 0, geteuid(), NULL);
    char name[VERDICT_NAME_SIZE];

    verdict_name(path, gid, "gate", name);
    if (dir_fd >= 0)
        (void)safefs_remove_file(dir_fd, name);
}

/* --- from text ----------------------------------------------------------- */

static mode_t
to_mode(struct verdict_reader *reader, const char *value)
{
    size_t length = strspn(value, "01234567");

    if (!length || length > 6 || value[length])
        reader->failed = true;
    return (mode_t)strtoul(value, NULL, 8);
}

static void
take_steps(struct verdict_reader *reader, struct verdict *verdict)
{
    while (!reader->failed && util_has_prefix(reader->next, "step=")) {
        struct way_step *step = &verdict->steps[verdict->nsteps];
        char *rest = verdict_take(reader, "step");

        if (verdict->nsteps == VERDICT_MAX_STEPS) {
            reader->failed = true;
            return;
        }
        step->mode = to_mode(reader, verdict_cut_word(reader, &rest));
        step->uid = (uid_t)verdict_to_number(
            reader, verdict_cut_word(reader, &rest), UINT32_MAX);
        step->gid = (gid_t)verdict_to_number(
            reader, verdict_cut_word(reader, &rest), UINT32_MAX);
        step->path = verdict_decode(reader, rest);
        reader->failed |= *step->path != '/';
        verdict->nsteps++;
    }
}

static void
take_gates(struct verdict_reader *reader, struct verdict *verdict)
{
    for (unsigned i = 0; i < GATES; i++) {
        struct inode_fact *fact = &verdict->gate[i];
        char *rest = verdict_take(reader, gate_keys[i]);

        fact->error = (int)verdict_to_number(
            reader, verdict_cut_word(reader, &rest), 4095);
        fact->mode = to_mode(reader, verdict_cut_word(reader, &rest));
        fact->uid = (uid_t)verdict_to_number(
            reader, verdict_cut_word(reader, &rest), UINT32_MAX);
        fact->gid = (gid_t)verdict_to_number(
            reader, verdict_cut_word(reader, &rest), UINT32_MAX);
        fact->acl = (enum acl_fact)verdict_to_number(reader, rest,
                                                     ACL_FACT_UNSUPPORTED);
    }
}

static int
parse_buffer(char *data, const char *path, gid_t gid, struct verdict *ret,
             struct err *err)
{
    struct verdict_reader reader = {.next = data};
    int r = verdict_take_head(&reader, "hfcache-verdict", path, gid,
                              &ret->taken_ms, &ret->taken_wall, err);

    if (r < 0)
        return r;
    if (util_has_prefix(reader.next, "since="))
        ret->since_wall = verdict_take_number(&reader, "since", INT64_MAX);
    ret->way_error = (int)verdict_take_number(&reader, "way", 4095);
    ret->way_at = verdict_take_string(&reader, "at");
    take_steps(&reader, ret);
    take_gates(&reader, ret);
    ret->cursor = verdict_take_string(&reader, "cursor");
    ret->round_wall = verdict_take_number(&reader, "round", INT64_MAX);
    ret->unread_at = "";
    if (util_has_prefix(reader.next, "unread=")) {
        ret->unread_error = (int)verdict_take_number(&reader, "unread", 4095);
        ret->unread_at = verdict_take_string(&reader, "unread_at");
    }
    ret->ndrifts =
        verdict_take_drifts(&reader, ret->drifts, VERDICT_MAX_DRIFTS);
    return verdict_take_end(&reader, ret->taken_ms, &ret->more_drifts, err);
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
    verdict.drifts = calloc(VERDICT_MAX_DRIFTS, sizeof(*verdict.drifts));
    verdict.steps = calloc(VERDICT_MAX_STEPS, sizeof(*verdict.steps));
    if (!verdict.buffer || !verdict.drifts || !verdict.steps) {
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
    char file[PATH_MAX];
    CLEANUP_FREE char *data = NULL;
    struct err inner;
    size_t length;
    int r = verdict_read_text(dir, trusted_uid, path, gid, "gate", file, &data,
                              &length, err);

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
    free(verdict->steps);
    *verdict = (struct verdict){.ndrifts = 0};
}

bool
verdict_is_fresh(const struct verdict *verdict, int64_t fresh_ms,
                 const char *host)
{
    uint32_t hash = util_hash(host, strlen(host));

    fresh_ms += fresh_ms / 5 * ((int64_t)(hash >> 8 & 0xffff) - 0x8000) /
                0x8000;
    return util_age_ms(verdict->taken_ms) < fresh_ms;
}
