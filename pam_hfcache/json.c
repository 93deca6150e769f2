/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The JSON writer: see json.h.
 */
#include "json.h"

#include <inttypes.h>
#include <string.h>

static bool
is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        size_t length = util_utf8_length(at);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static void
put_ascii(FILE *out, unsigned char c)
{
    if (c == '"' || c == '\\')
        fprintf(out, "\\%c", c);
    else if (c == '\n')
        fputs("\\n", out);
    else if (c == '\t')
        fputs("\\t", out);
    else if (c < 0x20 || c == 0x7f)
        fprintf(out, "\\u%04x", c);
    else
        fputc(c, out);
}

static void
put_string(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    fputc('"', out);
    while (*at) {
        size_t length = util_utf8_length(at);

        if (length == 0)
            fputs("\xef\xbf\xbd", out);
        else if (length == 1)
            put_ascii(out, *at);
        else
            fwrite(at, 1, length, out);
        at += length ? length : 1;
    }
    fputc('"', out);
}

static void
put_base64(FILE *out, const char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)text;
    size_t left = strlen(text);

    fputc('"', out);
    for (; left > 0; in += 3, left -= left < 3 ? left : 3) {
        unsigned group = (unsigned)in[0] << 16;

        group |= left > 1 ? (unsigned)in[1] << 8 : 0;
        group |= left > 2 ? (unsigned)in[2] : 0;
        fputc(digits[group >> 18], out);
        fputc(digits[group >> 12 & 63], out);
        fputc(left > 1 ? digits[group >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[group & 63] : '=', out);
    }
    fputc('"', out);
}

/* Begin an element: comma, line, indentation and key. */
static void
begin_element(struct json *json, const char *key)
{
    if (json->filled)
        fputc(',', json->out);
    if (json->depth > 0)
        fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
    json->filled = true;
    if (!key)
        return;
    put_string(json->out, key);
    fputs(": ", json->out);
}

static void
open_group(struct json *json, const char *key, char bracket)
{
    begin_element(json, key);
    fputc(bracket, json->out);
    json->depth++;
    json->filled = false;
}

static void
close_group(struct json *json, char bracket)
{
    json->depth--;
    if (json->filled)
        fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
    fputc(bracket, json->out);
    json->filled = true;
}

void
json_begin_document(struct json *json, FILE *out, const char *command)
{
    *json = (struct json){.out = out};
    open_group(json, NULL, '{');
    json_number(json, "version", 1);
    json_string(json, "command", command);
}

void
json_end_document(struct json *json)
{
    close_group(json, '}');
    fputc('\n', json->out);
}

void
json_begin_object(struct json *json, const char *key)
{
    open_group(json, key, '{');
}

void
json_end_object(struct json *json)
{
    close_group(json, '}');
}

void
json_begin_array(struct json *json, const char *key)
{
    open_group(json, key, '[');
}

void
json_end_array(struct json *json)
{
    close_group(json, ']');
}

void
json_null(struct json *json, const char *key)
{
    begin_element(json, key);
    fputs("null", json->out);
}

void
json_string(struct json *json, const char *key, const char *value)
{
    if (!value) {
        json_null(json, key);
        return;
    }
    begin_element(json, key);
    put_string(json->out, value);
}

void
json_number(struct json *json, const char *key, int64_t value)
{
    begin_element(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void
json_time(struct json *json, const char *key, int64_t wall)
{
    if (wall)
        json_number(json, key, wall);
    else
        json_null(json, key);
}

void
json_bool(struct json *json, const char *key, bool value)
{
    begin_element(json, key);
    fputs(value ? "true" : "false", json->out);
}

void
json_mode(struct json *json, const char *key, mode_t mode)
{
    begin_element(json, key);
    fprintf(json->out, "\"%04o\"", (unsigned)mode & 07777);
}

void
json_path(struct json *json, const char *key, const char *path)
{
    char other[64];

    if (!path || is_utf8(path)) {
        json_string(json, key, path);
        return;
    }
    snprintf(other, sizeof(other), "%s_b64", key);
    begin_element(json, other);
    put_base64(json->out, path);
}

void
json_place(struct json *json, const char *file, unsigned line)
{
    json_path(json, "file", file);
    if (line)
        json_number(json, "line", line);
    else
        json_null(json, "line");
}
