/* SPDX-License-Identifier: BSD-3-Clause */
/* The small things that everything else stands on. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>

#include "util.h"

TEST("an error carries its code and its sentence")
{
    struct err err = {0, ""};

    CHECK_INT(err_set(&err, ENOENT, "%s:%d: gone", "file", 3), -ENOENT);
    CHECK_INT(err.code, ENOENT);
    CHECK_STR(err.text, "file:3: gone");
    CHECK_INT(err_sys(&err, EACCES, "cannot open %s", "x"), -EACCES);
    CHECK_STR(err.text, "cannot open x: Permission denied");
}

TEST("an error that nobody wants is only its code")
{
    CHECK_INT(err_set(NULL, EINVAL, "%d", 1), -EINVAL);
    CHECK_INT(err_sys(NULL, EIO, "%d", 1), -EIO);
}

TEST("a sentence that is too long ends in three dots")
{
    struct err err;
    char text[2000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, EINVAL, "%s", text);
    CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
    CHECK_STR(err.text + sizeof(err.text) - 5, "x...");
    err_sys(&err, EIO, "%s", text);
    CHECK_INT(strnlen(err.text, sizeof(err.text)), sizeof(err.text) - 1);
    err_set(&err, EINVAL, "%.*s", (int)sizeof(err.text) - 1, text);
    CHECK_STR(err.text + sizeof(err.text) - 5, "xxxx");
}

TEST("bounded text keeps what fits, marks itself full, stays terminated")
{
    char buffer[8];
    struct text text = TEXT_INIT(buffer);

    text_add(&text, "abc");
    CHECK_STR(buffer, "abc");
    CHECK(!text.full);
    text_addf(&text, "%d", 1234);
    CHECK_STR(buffer, "abc1234");
    CHECK(!text.full);
    text_add_char(&text, 'x');
    CHECK(text.full);
    CHECK_STR(buffer, "abc1234");
    text_addf(&text, "%s", "yz");
    text_add(&text, "yz");
    CHECK_STR(buffer, "abc1234");
    CHECK_INT(text.length, 7);
}

TEST("formatting past the end keeps the part that fits and nothing after it")
{
    char buffer[8];
    struct text text = TEXT_INIT(buffer);

    text_addf(&text, "%s", "0123456789");
    CHECK_STR(buffer, "0123456");
    CHECK(text.full);
    text_add_char(&text, 'x');
    CHECK_STR(buffer, "0123456");
}

static const char *
word(const char *value)
{
    static char buffer[512];
    struct text text = TEXT_INIT(buffer);

    text_add_word(&text, value);
    return buffer;
}

TEST("a plain word stays as it is")
{
    CHECK_STR(word("alice"), "alice");
    CHECK_STR(word("/srv/a-b_c.d:e@f%g,h+1"), "/srv/a-b_c.d:e@f%g,h+1");
}

TEST("an odd word is quoted, so that it can't forge a field or a line")
{
    CHECK_STR(word(""), "\"\"");
    CHECK_STR(word("a b"), "\"a b\"");
    CHECK_STR(word("a=b"), "\"a=b\"");
    CHECK_STR(word("a\nstate=usable"), "\"a\\x0astate=usable\"");
    CHECK_STR(word("say \"hi\" \\"), "\"say \\\"hi\\\" \\\\\"");
    CHECK_STR(word("\x1b[2J\x7f"), "\"\\x1b[2J\\x7f\"");
    CHECK_STR(word("J\xc3\xbcrgen"), "\"J\\xc3\\xbcrgen\"");
}

TEST("a word of a command is what it was once a shell has read it")
{
    char buffer[64] = "";
    struct text text = TEXT_INIT(buffer);

    text_add_shell(&text, "alice@example.org");
    text_add_char(&text, ' ');
    text_add_shell(&text, "EX\\domain users");
    text_add_char(&text, ' ');
    text_add_shell(&text, "o'neill");
    CHECK_STR(buffer, "alice@example.org 'EX\\domain users' 'o'\\''neill'");
}

TEST("a word that does not fit can't be followed by anything")
{
    char buffer[6];
    struct text text = TEXT_INIT(buffer);

    text_add_word(&text, "a b c d e");
    text_add(&text, " x=y");
    CHECK_STR(buffer, "\"a b ");
    CHECK(text.full);
}

TEST("lines grow one by one, and nobody pays for lines that nobody wants")
{
    struct lines lines = {NULL, 0};

    lines_add(NULL, "%s", "nothing");
    lines_free(NULL);
    for (int i = 0; i < 100; i++)
        lines_add(&lines, "line %d", i);
    REQUIRE_INT(lines.count, 100);
    CHECK_STR(lines.line[0], "line 0");
    CHECK_STR(lines.line[99], "line 99");
    lines_free(&lines);
    CHECK_INT(lines.count, 0);
    CHECK(lines.line == NULL);
}

TEST("a number is digits and nothing else, within its bound")
{
    static const char *const bad[] = {
        "",     "-1",  "+1", " 1",  "1 ",   "01", "00", "0x1", "1.0", "1e3",
        "1000", "abc", "1a", "\t1", "1\n",  "18446744073709551616",
        "99999999999999999999999999999999", "-0", "'1'",
    };
    uint64_t number = 77;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (!CHECK_INT(util_parse_number(bad[i], 999, &number), -EINVAL))
            tap_note("  with \"%s\"", bad[i]);
        CHECK_INT(number, 77);
    }
    CHECK_INT(util_parse_number("0", 0, &number), 0);
    CHECK_INT(number, 0);
    CHECK_INT(util_parse_number("999", 999, &number), 0);
    CHECK_INT(number, 999);
    CHECK_INT(util_parse_number("18446744073709551615", UINT64_MAX, &number),
              0);
    CHECK(number == UINT64_MAX);
    CHECK_INT(util_parse_number("18446744073709551619", UINT64_MAX, &number),
              -EINVAL);
}

TEST("a prefix is one only if all of it is there")
{
    CHECK(util_has_prefix("HF_HOME", "HF_"));
    CHECK(util_has_prefix("HF_", "HF_"));
    CHECK(util_has_prefix("x", ""));
    CHECK(!util_has_prefix("HF", "HF_"));
    CHECK(!util_has_prefix("", "H"));
}

TEST("cleanup frees, closes, and leaves errno alone")
{
    int kept = -1, closed;

    {
        CLEANUP_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CLEANUP_CLOSE int none = -1;
        CLEANUP_CLOSE int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CLEANUP_FREE char *memory = strdup("x");
        CLEANUP_FREE char *nothing = NULL;

        REQUIRE(fd >= 0 && other >= 0 && memory && !nothing && none < 0);
        closed = fd;
        kept = util_steal_fd(&other);
        CHECK_INT(other, -1);
        errno = ENOTTY;
    }
    CHECK_INT(errno, ENOTTY);
    CHECK(fcntl(closed, F_GETFD) < 0);
    CHECK(fcntl(kept, F_GETFD) >= 0);
    close(kept);
}

TEST("all of a file is read, up to the bound and not beyond")
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 10000};
    char data[10001];

    memset(data, 'd', sizeof(data));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        int fd = open(tap_in_folder("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        char *read_back = NULL;
        size_t length = 1;

        REQUIRE(fd >= 0);
        REQUIRE(write(fd, data, sizes[i]) == (ssize_t)sizes[i]);
        lseek(fd, 0, SEEK_SET);
        CHECK_INT(util_read_all(fd, sizes[i], &read_back, &length), 0);
        CHECK_INT(length, sizes[i]);
        REQUIRE(read_back != NULL);
        CHECK_INT(read_back[length], '\0');
        CHECK(memcmp(read_back, data, sizes[i]) == 0);
        free(read_back);
        if (sizes[i] > 0) {
            char *untouched = data;

            lseek(fd, 0, SEEK_SET);
            CHECK_INT(util_read_all(fd, sizes[i] - 1, &untouched, &length),
                      -EFBIG);
            CHECK(untouched == data);
        }
        close(fd);
    }
}

TEST("what comes in pieces through a pipe is read to its end")
{
    int ends[2];
    char *data;
    size_t length;

    REQUIRE(pipe(ends) == 0);
    if (fork() == 0) {
        for (int i = 0; i < 50; i++) {
            usleep(1000);
            if (write(ends[1], "0123456789", 10) != 10)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    CHECK_INT(util_read_all(ends[0], 1000, &data, &length), 0);
    CHECK_INT(length, 500);
    free(data);
}

TEST("a descriptor that can't be read says why")
{
    char *data = NULL;
    size_t length;

    CHECK_INT(util_read_all(-1, 10, &data, &length), -EBADF);
    CHECK(data == NULL);
}

TEST("the clocks go on")
{
    int64_t monotonic = util_monotonic_ms(), boot = util_boottime_ms();

    CHECK(boot >= monotonic - 1);
    usleep(3000);
    CHECK(util_monotonic_ms() >= monotonic + 2);
    CHECK(util_boottime_ms() >= boot + 2);
}

TAP_MAIN
