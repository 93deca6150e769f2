/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of PAM's files.  Our lines are added so that no other line does
 * anything else than before, and taken out so that every byte is as it was.
 *
 * An input is one byte of choices, then the files `service`, `common` and
 * `other`, parted by the byte 0xff.
 */
#include "fuzz.h"


#include "pamedit.h"
#include "pamfile.h"
#include "pamstack.h"

static const char *const *
folders(void)
{
    static const char *list[2];

    list[0] = fuzz_folder();
    return list;
}

/* --- the text of one file ------------------------------------------------ */

static void
check_lines(const char *data, size_t length)
{
    struct pamfile file;
    size_t at = 0;

    MUST(pamfile_parse(data, length, &file) == 0);
    for (size_t i = 0; i < file.count; i++) {
        const struct pamline *line = &file.line[i];

        MUST(line->begin >= at && line->begin < line->end &&
             line->end <= length);
        MUST(line->begin == 0 || data[line->begin - 1] == '\n');
        MUST(line->end == length || data[line->end - 1] == '\n');
        MUST(i == 0 || line->number > file.line[i - 1].number);
        MUST(line->type && line->control && line->module && line->arguments);
        at = line->end;
    }
    pamfile_free(&file);
}

/* --- what libpam runs ---------------------------------------------------- */

static int
load(const char *type, struct pamstack *ret)
{
    struct err err = {0};
    int r = pamstack_load(folders(), "service", type, ret, &err);

    MUST(r == 0 || *err.text);
    for (size_t i = 0; r == 0 && i < ret->count; i++) {
        size_t end = pamstack_jump_end(ret, i);

        MUST(end >= i && end <= ret->count);
        MUST(pamstack_passed_by(ret, i) <= i);
    }
    return r;
}

static bool
is_ours(const struct pamentry *entry)
{
    return pamfile_module_is(entry->module, PAMSTACK_MODULE);
}

/* How many entries of others a jump at `at` passes over. */
static size_t
count_passed(const struct pamstack *stack, size_t at)
{
    size_t count = 0;

    size_t end = pamstack_jump_end(stack, at);

    for (size_t i = at + 1; i <= end; i++)
        count += i == stack->count || !is_ours(&stack->entry[i]);
    return count;
}

/*
 * The others' entries are the same ones in the same order, and pass over the
 * same ones.
 */
static void
check_others(const struct pamstack *before, const struct pamstack *after)
{
    size_t k = 0;

    for (size_t i = 0; i < before->count; i++, k++) {
        const struct pamentry *was = &before->entry[i];

        if (is_ours(was)) {
            k--;
            continue;
        }
        while (k < after->count && is_ours(&after->entry[k]))
            k++;
        MUST(k < after->count);
        MUST(strcmp(was->control, after->entry[k].control) == 0 &&
             strcmp(was->module, after->entry[k].module) == 0 &&
             strcmp(was->arguments, after->entry[k].arguments) == 0 &&
             was->depth == after->entry[k].depth);
        MUST(count_passed(before, i) == count_passed(after, k));
    }
    while (k < after->count && is_ours(&after->entry[k]))
        k++;
    MUST(k == after->count);
}

/* The file has a line of this type that is not ours: else `other` serves. */
static bool
has_others(const struct pamstack *stack)
{
    size_t ours = 0;

    for (size_t i = 0; i < stack->count; i++)
        ours += is_ours(&stack->entry[i]);
    return ours < stack->count && !stack->from_other;
}

static void
check_stack(const struct pamedit *edit, const char *type)
{
    struct pamstack before, after;

    fuzz_write("service", edit->before, edit->before_length);
    if (load(type, &before) < 0)
        return;
    fuzz_write("service", edit->after, edit->after_length);
    if (has_others(&before)) {
        MUST(load(type, &after) == 0);
        check_others(&before, &after);
        pamstack_free(&after);
    }
    pamstack_free(&before);
}

static void
check_stacks(const struct pamedit *edit)
{
    check_stack(edit, "auth");
    check_stack(edit, "account");
    check_stack(edit, "session");
    fuzz_write("service", edit->before, edit->before_length);
}

/* --- edits --------------------------------------------------------------- */

/* `text` is `wanted`, or that with a newline that it lacked at its end. */
static bool
is_text(const char *text, size_t length, const char *wanted, size_t wanted_length)
{
    if (length == wanted_length + 1 && text[length - 1] == '\n' &&
        (!wanted_length || wanted[wanted_length - 1] != '\n'))
        length--;
    return length == wanted_length && memcmp(text, wanted, length) == 0;
}

static unsigned
line_at(const char *text, size_t at)
{
    unsigned number = 1;

    for (size_t i = 0; i < at; i++)
        number += text[i] == '\n';
    return number;
}

/* Without the changed bytes both texts are the same. */
static void
check_changes(const struct pamedit *edit)
{
    size_t at = 0, length = 0;
    bool adds = edit->after_length > edit->before_length;
    const char *text = adds ? edit->after : edit->before;
    size_t all = adds ? edit->after_length : edit->before_length;
    char *rest = malloc(all + 1);

    MUST(rest);
    for (size_t i = 0; i < edit->count; i++) {
        const struct pamchange *change = &edit->change[i];

        MUST(change->sign == (adds ? '+' : '-'));
        MUST(change->begin >= at && change->begin < change->end &&
             change->end <= all);
        MUST(change->number == line_at(text, change->begin));
        memcpy(rest + length, text + at, change->begin - at);
        length += change->begin - at;
        at = change->end;
    }
    memcpy(rest + length, text + at, all - at);
    length += all - at;
    if (adds)
        MUST(is_text(rest, length, edit->before, edit->before_length));
    else
        MUST(length == edit->after_length &&
             memcmp(rest, edit->after, length) == 0);
    free(rest);
}

/* The file has our lines now: once more is nothing; out again is as before. */
static void
check_undone(const struct pamedit *added, bool auth)
{
    struct pamedit edit;

    fuzz_write("service", added->after, added->after_length);
    MUST(pamedit_add(folders(), "service", auth, &edit, NULL) == 0);
    MUST(edit.count == 0 && edit.after_length == added->after_length);
    pamedit_free(&edit);
    if (!added->untouched)
        return;
    MUST(pamedit_remove(folders(), "service", &edit, NULL) == 0);
    MUST(edit.count == added->count);
    MUST(is_text(edit.after, edit.after_length, added->before,
                 added->before_length));
    pamedit_free(&edit);
}

static void
check_add(bool auth)
{
    struct pamedit edit;
    struct err err = {0};
    int r = pamedit_add(folders(), "service", auth, &edit, &err);

    if (r < 0) {
        MUST(*err.text);
        return;
    }
    MUST(edit.count <= 2);
    if (edit.count > 0) {
        check_changes(&edit);
        check_stacks(&edit);
        check_undone(&edit, auth);
        fuzz_write("service", edit.before, edit.before_length);
    }
    pamedit_free(&edit);
}

static void
check_remove(void)
{
    struct pamedit edit;
    struct err err = {0};
    int r = pamedit_remove(folders(), "service", &edit, &err);

    if (r < 0) {
        MUST(*err.text);
        return;
    }
    check_changes(&edit);
    check_stacks(&edit);
    fuzz_write("service", edit.after, edit.after_length);
    MUST(edit.count == PAMEDIT_MAX_CHANGES ||
         !pamedit_has_line(folders(), "service"));
    fuzz_write("service", edit.before, edit.before_length);
    pamedit_free(&edit);
}

FUZZ(data, size)
{
    static const char *const names[] = {"service", "common", "other"};
    struct fuzz_bytes bytes = {data, size};
    uint64_t choices = fuzz_number(&bytes, 1);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *stop =
            bytes.left ? memchr(bytes.at, 0xff, bytes.left) : NULL;
        size_t length = stop ? (size_t)(stop - bytes.at) : bytes.left;

        fuzz_write(names[i], bytes.left ? bytes.at : "", length);
        if (bytes.left)
            check_lines(bytes.at, length);
        bytes.at += length + (stop != NULL);
        bytes.left -= length + (stop != NULL);
    }
    check_add(choices & 1);
    check_remove();
}
