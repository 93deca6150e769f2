/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Write JSON, and nothing but correct JSON: commas, indentation, escapes and
 * UTF-8 are looked after here.  Text that is not UTF-8 cannot be said in JSON:
 * a path becomes base64 under another key, other text gets U+FFFD in place of
 * each bad byte.
 */
#ifndef HFCACHE_JSON_H
#define HFCACHE_JSON_H

#include <stdio.h>

#include "util.h"

struct json {
    FILE *out;
    unsigned depth;
    bool filled; /* the innermost object or array has an element */
};

/*
 * Begin `{"version":1,"command":COMMAND` on `out`; close it with
 * json_end_document().
 */
void json_begin_document(struct json *json, FILE *out, const char *command);
void json_end_document(struct json *json);

/* In all of these, `key` is NULL inside an array. */
void json_begin_object(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *key);
void json_end_array(struct json *json);

/* NULL as the value gives null. */
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);

/* A time as time() gives it; 0, which stands for none, gives null. */
void json_time(struct json *json, const char *key, int64_t wall);
void json_null(struct json *json, const char *key);

/* The 12 bits of a mode as an octal string: "2770". */
void json_mode(struct json *json, const char *key, mode_t mode);

/* KEY, or KEY_b64 if the path is not UTF-8; `key` must not be NULL. */
void json_path(struct json *json, const char *key, const char *path);

/* "file" and "line" of a text; line 0, for no line of it, gives null. */
void json_place(struct json *json, const char *file, unsigned line);

#endif
