/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The JSON writer: commas, escapes, and text that is not UTF-8.
 */
#include "json.h"

#include "tap.h"

static struct json json;
static char *text;
static size_t size;

static void
begin(void)
{
    FILE *out = open_memstream(&text, &size);

    REQUIRE(out != NULL);
    json_begin_document(&json, out, "test");
}

/* The document so far, closed, without the lines that all have. */
static const char *
end(void)
{
    static const char head[] =
        "{\n  \"version\": 1,\n  \"command\": \"test\"";
    static char rest[4096];

    json_end_document(&json);
    fclose(json.out);
    CHECK(strncmp(text, head, strlen(head)) == 0);
    snprintf(rest, sizeof(rest), "%s", text + strlen(head));
    free(text);
    return rest;
}

TEST("an empty document is closed")
{
    begin();
    CHECK_STR(end(), "\n}\n");
}

TEST("commas stand between elements and nowhere else")
{
    begin();
    json_begin_array(&json, "a");
    json_end_array(&json);
    json_begin_array(&json, "b");
    json_number(&json, NULL, -7);
    json_begin_object(&json, NULL);
    json_bool(&json, "c", true);
    json_null(&json, "d");
    json_end_object(&json);
    json_bool(&json, NULL, false);
    json_end_array(&json);
    json_mode(&json, "e", 0102770);
    CHECK_STR(end(), ",\n  \"a\": [],\n  \"b\": [\n    -7,\n    {\n"
                     "      \"c\": true,\n      \"d\": null\n    },\n"
                     "    false\n  ],\n  \"e\": \"2770\"\n}\n");
}

TEST("what JSON reserves is escaped, in keys as in values")
{
    begin();
    json_string(&json, "k\"", "a\"b\\c\n\t\x01\x7f/");
    json_string(&json, "n", NULL);
    CHECK_STR(end(), ",\n  \"k\\\"\": \"a\\\"b\\\\c\\n\\t\\u0001\\u007f/\",\n"
                     "  \"n\": null\n}\n");
}

TEST("UTF-8 stays as it is")
{
    begin();
    json_path(&json, "p", "/\xc3\xa9/\xe2\x82\xac/\xf0\x9f\xa4\x97");
    CHECK_STR(end(), ",\n  \"p\": \"/\xc3\xa9/\xe2\x82\xac/\xf0\x9f\xa4\x97\""
                     "\n}\n");
}

/* What a path with these bytes becomes. */
static const char *
path_of(const char *bytes)
{
    begin();
    json_path(&json, "p", bytes);
    return end();
}

TEST("a path that is not UTF-8 is base64 under another key")
{
    CHECK_STR(path_of("\xff"), ",\n  \"p_b64\": \"/w==\"\n}\n");
    CHECK_STR(path_of("a\xff"), ",\n  \"p_b64\": \"Yf8=\"\n}\n");
    CHECK_STR(path_of("ab\xff"), ",\n  \"p_b64\": \"YWL/\"\n}\n");
    CHECK_STR(path_of("ab\xff" "c"), ",\n  \"p_b64\": \"YWL/Yw==\"\n}\n");
}

TEST("what only looks like UTF-8 is not")
{
    static const char *const bad[] = {
        "\xc0\xaf",         /* overlong / */
        "\xc1\xbf",         /* overlong */
        "\xe0\x80\xaf",     /* overlong */
        "\xf0\x80\x80\xaf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* beyond the last */
        "\xf5\x80\x80\x80", /* beyond the last */
        "\x80",             /* a lone follower */
        "\xe2\x82",         /* cut off */
        "\xe2\x28\xa1",     /* a wrong second byte */
        "\xf0\x9f\xa4z",    /* a wrong last byte */
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (!CHECK_HAS(path_of(bad[i]), "\"p_b64\": "))
            tap_note("case %zu", i);
}

TEST("other text has a replacement for each bad byte")
{
    begin();
    json_string(&json, "s", "a\xff\xfe" "b");
    CHECK_STR(end(), ",\n  \"s\": \"a\xef\xbf\xbd\xef\xbf\xbd" "b\"\n}\n");
}

TAP_MAIN
