/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PAM files: lines as libpam splits them, stacks with includes followed.
 */
#include "pamstack.h"

#include <errno.h>

#include "pam_folder.h"
#include "pamfile.h"

static struct pamstack
load(const char *service, const char *type)
{
    struct pamstack stack = {0};
    struct err err = {0};

    if (pamstack_load(folders(), service, type, &stack, &err) < 0) {
        tap_note("%s", err.text);
        REQUIRE(false);
    }
    return stack;
}

/* --- lines --------------------------------------------------------------- */

TEST("a line is split as libpam splits it")
{
    static const char text[] =
        "  -session [success=ok  default=ignore]\tpam_x.so a=[b] c # d\n"
        "@include  common-auth\n"
        "auth required \\\n"
        "# a comment within\n"
        "\n"
        "   pam_y.so \\  \n"
        "   z\n"
        "# session required pam_no.so \\\n"
        "session optional pam_last.so";
    struct pamfile file;

    REQUIRE_INT(pamfile_parse(text, strlen(text), &file), 0);
    REQUIRE_INT(file.count, 4);
    CHECK(!file.unfinished);
    CHECK_STR(file.line[0].type, "-session");
    CHECK(pamfile_line_is(&file.line[0], "SESSION"));
    CHECK_STR(file.line[0].control, "success=ok  default=ignore");
    CHECK_STR(file.line[0].module, "pam_x.so");
    CHECK_HAS(file.line[0].arguments, "a=[b] c");
    CHECK_HAS_NOT(file.line[0].arguments, "d");
    CHECK_STR(file.line[1].type, "@include");
    CHECK_STR(file.line[1].module, "common-auth");
    CHECK_INT(file.line[2].number, 3);
    CHECK_STR(file.line[2].module, "pam_y.so");
    CHECK_HAS(file.line[2].arguments, "z");
    CHECK_INT(file.line[3].number, 9);
    CHECK_STR(file.line[3].module, "pam_last.so");
    CHECK_INT(file.line[3].end, strlen(text));
    pamfile_free(&file);
}

TEST("a backslash before a comment does not go on in the next line")
{
    static const char text[] = "session required \\# no\nauth required x.so\n";
    struct pamfile file;

    REQUIRE_INT(pamfile_parse(text, strlen(text), &file), 0);
    REQUIRE_INT(file.count, 2);
    CHECK_STR(file.line[0].module, "\\");
    pamfile_free(&file);
}

TEST("a backslash before the end of the file is noticed")
{
    static const char text[] = "session required pam_x.so \\\n";
    struct pamfile file;

    REQUIRE_INT(pamfile_parse(text, strlen(text), &file), 0);
    CHECK(file.unfinished);
    CHECK_INT(file.count, 0);
    pamfile_free(&file);
}

TEST("a module counts with and without its folder, and no other does")
{
    CHECK(pamfile_module_is("pam_hfcache.so", "pam_hfcache.so"));
    CHECK(pamfile_module_is("/lib/security/pam_hfcache.so", "pam_hfcache.so"));
    CHECK(!pamfile_module_is("my_pam_hfcache.so", "pam_hfcache.so"));
    CHECK(!pamfile_module_is("pam_hfcache.so.bak", "pam_hfcache.so"));
}

/* --- stacks -------------------------------------------------------------- */

TEST("includes are followed, each entry knows its file and line")
{
    struct pamstack stack;

    write_debian();
    stack = load("sshd", "session");
    REQUIRE_INT(stack.count, 7);
    CHECK_STR(stack.entry[0].module, "pam_loginuid.so");
    CHECK_INT(stack.entry[0].number, 4);
    CHECK_STR(stack.entry[5].module, "pam_systemd.so");
    CHECK_HAS(stack.entry[5].file, "common-session");
    CHECK_INT(stack.entry[5].number, 5);
    CHECK_INT(stack.entry[5].top, 7);
    CHECK_STR(stack.entry[6].module, "pam_limits.so");
    pamstack_free(&stack);
}

TEST("include and substack bring one type only, a substack is one deeper")
{
    struct pamstack stack;

    tap_write("a", "session include b\nsession substack b\n"
                   "auth include b\n");
    tap_write("b", "session optional pam_s.so\nauth optional pam_a.so\n");
    stack = load("a", "session");
    REQUIRE_INT(stack.count, 3);
    CHECK_STR(stack.entry[0].module, "pam_s.so");
    CHECK_INT(stack.entry[0].depth, 0);
    CHECK_STR(stack.entry[1].module, "");
    CHECK_INT(stack.entry[2].depth, 1);
    pamstack_free(&stack);
}

TEST("a service without lines of a type, or without a file, takes other's")
{
    struct pamstack stack;

    write_debian();
    tap_write("odd", "auth required pam_unix.so\n");
    stack = load("odd", "session");
    CHECK(stack.from_other);
    CHECK(stack.has_own);
    CHECK_INT(stack.count, 5);
    pamstack_free(&stack);
    stack = load("nosuch", "session");
    CHECK(stack.from_other);
    CHECK(!stack.has_own);
    pamstack_free(&stack);
}

TEST("what libpam would refuse is an error with file and line")
{
    struct pamstack stack;
    struct err err = {0};

    tap_write("loop", "session include loop\n");
    CHECK_INT(pamstack_load(folders(), "loop", "session", &stack, &err),
              -EINVAL);
    CHECK_HAS(err.text, "loop:1: includes go deeper than 16");
    tap_write("lost", "\nsession include nowhere\n");
    CHECK_INT(pamstack_load(folders(), "lost", "session", &stack, &err),
              -EINVAL);
    CHECK_HAS(err.text, "lost:2: includes \"nowhere\", which does not exist");
    tap_write("cut", "session required pam_x.so \\\n");
    CHECK_INT(pamstack_load(folders(), "cut", "session", &stack, &err),
              -EINVAL);
    CHECK_HAS(err.text, "ends in a backslash");
    CHECK_INT(pamstack_load(folders(), "none", "session", &stack, &err),
              -ENOENT);
    CHECK_HAS(err.text, "none: no such PAM service");
}

TEST("what may pass over an entry: sufficient, done, a jump")
{
    struct pamstack stack;
    size_t at;

    tap_write("a", "auth sufficient pam_rootok.so\n"
                   "auth optional pam_hfcache.so\n");
    stack = load("a", "auth");
    at = pamstack_find(&stack, PAMSTACK_MODULE);
    CHECK_INT(at, 1);
    CHECK_INT(pamstack_passed_by(&stack, at), 0);
    pamstack_free(&stack);
    tap_write("b", "auth required pam_env.so\n"
                   "auth [success=1 default=ignore] pam_unix.so\n"
                   "auth optional pam_hfcache.so\n"
                   "auth required pam_permit.so\n");
    stack = load("b", "auth");
    CHECK_INT(pamstack_passed_by(&stack, 2), 1);
    CHECK_INT(pamstack_passed_by(&stack, 3), 3);
    pamstack_free(&stack);
}

TEST("a sufficient within a substack ends only that")
{
    struct pamstack stack;

    tap_write("a", "auth substack b\nauth optional pam_hfcache.so\n");
    tap_write("b", "auth sufficient pam_unix.so\n");
    stack = load("a", "auth");
    REQUIRE_INT(stack.count, 3);
    CHECK_INT(pamstack_passed_by(&stack, 2), 2);
    pamstack_free(&stack);
}

TEST("a substack counts as one when it is jumped over")
{
    struct pamstack stack;

    tap_write("a", "auth [success=1 default=ignore] pam_x.so\n"
                   "auth substack b\n"
                   "auth optional pam_hfcache.so\n");
    tap_write("b", "auth required pam_1.so\nauth required pam_2.so\n");
    stack = load("a", "auth");
    REQUIRE_INT(stack.count, 5);
    CHECK_INT(pamstack_jump_end(&stack, 0), 3);
    CHECK_INT(pamstack_passed_by(&stack, 4), 4);
    pamstack_free(&stack);
}

TEST("a control that libpam does not know is told, in any file")
{
    struct pamstack stack;

    tap_write("a", "session REQUIRED a.so\nsession [success=1] b.so\n"
                   "session include c\nauth wrong d.so\n");
    tap_write("c", "session optinal pam_hfcache.so\nsession other.so\n");
    stack = load("a", "session");
    CHECK_INT(stack.count, 4);
    CHECK(strstr(stack.problem, "/c:1: control \"optinal\" is not known") != NULL);
    pamstack_free(&stack);
    tap_write("c", "session substack e\n");
    tap_write("e", "session optional f.so\n");
    stack = load("a", "session");
    CHECK_STR(stack.problem, "");
    pamstack_free(&stack);
}

TAP_MAIN
