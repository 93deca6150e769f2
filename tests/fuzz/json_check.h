/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader of JSON that takes nothing else: RFC 8259, and UTF-8 throughout.
 * json_check() gives each string to a function.
 */
#ifndef HFCACHE_JSON_CHECK_H
#define HFCACHE_JSON_CHECK_H

#include "fuzz.h"
#include "util.h"

/* `key` is of the innermost object, "" in an array. */
typedef void json_seen(const char *key, const char *value, void *data);

struct json_reader {
    const char *at;
    json_seen *seen;
    void *data;
};

static void read_value(struct json_reader *reader, const char *key);

static void
skip_blanks(struct json_reader *reader)
{
    reader->at += strspn(reader->at, " \n\r\t");
}

static void
take(struct json_reader *reader, const char *token)
{
    size_t length = strlen(token);

    MUST(strncmp(reader->at, token, length) == 0);
    reader->at += length;
}

static char
read_escape(struct json_reader *reader)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = *reader->at ? strchr(from, *reader->at) : NULL;
    unsigned code = 0;

    if (found) {
        reader->at++;
        return to[found - from];
    }
    take(reader, "u00"); /* the writer has no use for others */
    MUST(sscanf(reader->at, "%2x", &code) == 1 && code > 0 && code < 0x80);
    reader->at += 2;
    return (char)code;
}

/* The string at which the reader stands; the caller frees. */
static char *
read_string(struct json_reader *reader)
{
    char *string = malloc(strlen(reader->at) + 1);
    size_t length = 0;

    MUST(string);
    take(reader, "\"");
    while (*reader->at != '"') {
        size_t bytes = util_utf8_length((const unsigned char *)reader->at);

        MUST(bytes > 0 && (unsigned char)*reader->at >= 0x20 &&
             *reader->at != 0x7f);
        if (*reader->at == '\\') {
            reader->at++;
            string[length++] = read_escape(reader);
            continue;
        }
        memcpy(string + length, reader->at, bytes);
        length += bytes;
        reader->at += bytes;
    }
    reader->at++;
    string[length] = '\0';
    return string;
}

static void
read_member(struct json_reader *reader)
{
    char *key = read_string(reader);

    skip_blanks(reader);
    take(reader, ":");
    read_value(reader, key);
    free(key);
}

static void
read_group(struct json_reader *reader, const char *open, const char *shut)
{
    take(reader, open);
    skip_blanks(reader);
    while (*reader->at != *shut) {
        if (*open == '{')
            read_member(reader);
        else
            read_value(reader, "");
        skip_blanks(reader);
        if (*reader->at == *shut)
            break;
        take(reader, ",");
        skip_blanks(reader);
        MUST(*reader->at != *shut);
    }
    reader->at++;
}

static void
read_number(struct json_reader *reader)
{
    reader->at += *reader->at == '-';
    MUST(*reader->at >= '0' && *reader->at <= '9');
    MUST(reader->at[0] != '0' || reader->at[1] < '0' || reader->at[1] > '9');
    reader->at += strspn(reader->at, "0123456789");
}

static void
read_value(struct json_reader *reader, const char *key)
{
    static const char *const words[] = {"null", "true", "false"};

    skip_blanks(reader);
    if (*reader->at == '"') {
        char *string = read_string(reader);

        reader->seen(key, string, reader->data);
        free(string);
        return;
    }
    if (*reader->at == '{' || *reader->at == '[') {
        read_group(reader, *reader->at == '{' ? "{" : "[",
                   *reader->at == '{' ? "}" : "]");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (*reader->at == *words[i]) {
            take(reader, words[i]);
            return;
        }
    }
    read_number(reader);
}

/* `text` must be one document and a newline. */
static void
json_check(const char *text, json_seen *seen, void *data)
{
    struct json_reader reader = {text, seen, data};

    read_value(&reader, "");
    take(&reader, "\n");
    MUST(!*reader.at);
}

#endif
