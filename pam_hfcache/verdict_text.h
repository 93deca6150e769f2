/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this family share: the name of a state file, the text in
 * it, and what is not believed of it.
 */
#ifndef HFCACHE_VERDICT_TEXT_H
#define HFCACHE_VERDICT_TEXT_H

#include "verdict.h"

#define VERDICT_BOOT_SIZE 37 /* 36 characters and NUL */
#define VERDICT_NAME_SIZE (VERDICT_KEY_SIZE + 16)

/* The identity of this boot of the machine. */
int verdict_boot_id(char ret_boot[VERDICT_BOOT_SIZE], struct err *err);

/* "KEY.gate": the file of that suffix of a cache. */
void verdict_name(const char *path, gid_t gid, const char *suffix,
                  char ret_name[VERDICT_NAME_SIZE]);

/* --- to text ------------------------------------------------------------- */

/* The first lines: `kind` and its version, boot, path, gid, taken, wall. */
int verdict_add_head(struct text *text, const char *kind, const char *path,
                     gid_t gid, int64_t taken_ms, int64_t taken_wall,
                     struct err *err);

void verdict_add_string(struct text *text, const char *key, const char *value);

/* The string with blanks, control and non-ASCII bytes and "%" as %HH. */
void verdict_add_encoded(struct text *text, const char *string);

/* How many bytes a string takes as text. */
size_t verdict_encoded_length(const char *string);

/*
 * Add a line for a drift if room is left for those behind the list; false,
 * and nothing is added, if not.
 */
bool verdict_add_drift(struct text *text, const struct drift *drift);

/* "more=" and "end="; -E2BIG if not all of the text fitted. */
int verdict_add_end(struct text *text, size_t more, const char *path,
                    struct err *err);

/* --- from text ----------------------------------------------------------- */

/*
 * A text being parsed, line by line and in place; `failed` is kept once set,
 * and what is taken then is "" or a number that means nothing.
 */
struct verdict_reader {
    char *next;
    bool failed;
    char empty[1];
};

/* The value of the next line, which must be that of `key`; never NULL. */
char *verdict_take(struct verdict_reader *reader, const char *key);
char *verdict_take_string(struct verdict_reader *reader, const char *key);
int64_t verdict_take_number(struct verdict_reader *reader, const char *key,
                            uint64_t max);

/* Cut the next blank-separated word off `*rest`; never NULL. */
char *verdict_cut_word(struct verdict_reader *reader, char **rest);

/* Decode in place; a string that nobody of ours wrote fails. */
char *verdict_decode(struct verdict_reader *reader, char *value);

int64_t verdict_to_number(struct verdict_reader *reader, const char *value,
                          uint64_t max);

/* All lines of drifts, of which there may be `max`; their number. */
size_t verdict_take_drifts(struct verdict_reader *reader, struct drift *drifts,
                           size_t max);

/*
 * The first lines: 0 if they are of this boot, path and gid, -ESTALE if of
 * another boot, -EINVAL if of something else.
 */
int verdict_take_head(struct verdict_reader *reader, const char *kind,
                      const char *path, gid_t gid, int64_t *ret_taken_ms,
                      int64_t *ret_taken_wall, struct err *err);

/* The last lines: 0 if nothing failed and nothing is from the future. */
int verdict_take_end(struct verdict_reader *reader, int64_t taken_ms,
                     size_t *ret_more, struct err *err);

/*
 * Read the file of that suffix as text: 0, and the caller frees *ret_data; or
 * as safefs_read_state().  `ret_file` (PATH_MAX bytes) gets its path.
 */
int verdict_read_text(const char *dir, uid_t trusted_uid, const char *path,
                      gid_t gid, const char *suffix, char *ret_file,
                      char **ret_data, size_t *ret_length, struct err *err);

#endif
