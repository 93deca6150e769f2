/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PAM files: lines, stacks with includes, and edits that change nothing else.
 * The folder of the case stands for /etc/pam.d.
 */
#include "pamstack.h"

#include <errno.h>

#include "pamedit.h"
#include "pamfile.h"
#include "tap.h"

/* As /etc/pam.d/sshd and common-session of Debian, without the talk. */
#define SSHD                                                                  \
    "# PAM configuration for the Secure Shell service\n"                      \
    "@include common-auth\n"                                                  \
    "account    required     pam_nologin.so\n"                                \
    "session    required     pam_loginuid.so\n"                               \
    "\n"                                                                      \
    "# Standard Un*x session setup and teardown.\n"                           \
    "@include common-session\n"                                               \
    "session    required     pam_limits.so\n"                                 \
    "@include common-password\n"
#define COMMON_SESSION                                                        \
    "session\t[default=1]\t\t\tpam_permit.so\n"                               \
    "session\trequisite\t\t\tpam_deny.so\n"                                   \
    "session\trequired\t\t\tpam_permit.so\n"                                  \
    "session\trequired\tpam_unix.so \n"                                       \
    "session\toptional\tpam_systemd.so \n"
#define COMMON_AUTH                                                           \
    "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"                  \
    "auth\trequisite\tpam_deny.so\n"                                          \
    "auth\trequired\tpam_permit.so\n"

static const char *
folder_of_case(void)
{
    return tap_in_folder("");
}

static const char *const *
folders(void)
{
    static const char *list[2];

    list[0] = folder_of_case();
    return list;
}

static void
write_debian(void)
{
    tap_write("sshd", SSHD);
    tap_write("common-auth", COMMON_AUTH);
    tap_write("common-session", COMMON_SESSION);
    tap_write("common-password", "password required pam_unix.so\n");
    tap_write("other", "@include common-auth\n@include common-session\n");
}

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

/* What an edit makes of the file; "" and a note if it was refused. */
static const char *
take(int r, struct pamedit *edit, const struct err *err)
{
    static char text[4096];

    snprintf(text, sizeof(text), "%s", r < 0 ? "" : edit->after);
    if (r < 0)
        tap_note("%d %s", r, err->text);
    else
        pamedit_free(edit);
    return text;
}

static const char *
enable(const char *service, bool auth)
{
    struct pamedit edit;
    struct err err = {0};

    return take(pamedit_add(folders(), service, auth, &edit, &err), &edit,
                &err);
}

static const char *
disable(const char *service)
{
    struct pamedit edit;
    struct err err = {0};

    return take(pamedit_remove(folders(), service, &edit, &err), &edit, &err);
}

/* The sentence with which enabling fails, after checking its code. */
static const char *
refusal(const char *service, bool auth, int code)
{
    static struct err err;
    struct pamedit edit;

    CHECK_INT(pamedit_add(folders(), service, auth, &edit, &err), code);
    return err.text;
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
    at = pamstack_find(&stack, PAMSTACK_MODULE, 0);
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

TEST("an argument of a line is found by its whole name")
{
    char value[64] = "";
    struct pamstack stack;

    tap_write("a", "session optional pam_hfcache.so debug xconf=/no "
                   "conf=/etc/x.conf\n");
    stack = load("a", "session");
    CHECK_INT(pamstack_argument(&stack.entry[0], "conf", value,
                                sizeof(value)), 0);
    CHECK_STR(value, "/etc/x.conf");
    CHECK_INT(pamstack_argument(&stack.entry[0], "deb", value,
                                sizeof(value)), -ENOENT);
    pamstack_free(&stack);
}

/* --- adding -------------------------------------------------------------- */

TEST("the session line goes before what leads to pam_systemd")
{
    write_debian();
    CHECK_STR(enable("sshd", false),
              "# PAM configuration for the Secure Shell service\n"
              "@include common-auth\n"
              "account    required     pam_nologin.so\n"
              "session    required     pam_loginuid.so\n"
              "\n"
              "# Standard Un*x session setup and teardown.\n"
              "-session optional pam_hfcache.so\n"
              "@include common-session\n"
              "session    required     pam_limits.so\n"
              "@include common-password\n");
}

TEST("the auth line goes first in auth")
{
    struct pamedit edit;

    write_debian();
    REQUIRE_INT(pamedit_add(folders(), "sshd", true, &edit, NULL), 0);
    CHECK_HAS(edit.after, "service\n"
                          "-auth optional pam_hfcache.so\n"
                          "@include common-auth\n");
    CHECK_HAS(edit.after, "\n-session optional pam_hfcache.so\n"
                          "@include common-session\n");
    REQUIRE_INT(edit.count, 2);
    for (size_t i = 0; i < edit.count; i++) {
        const struct pamchange *change = &edit.change[i];

        CHECK_HAS(edit.after + change->begin, "optional pam_hfcache.so\n");
        CHECK_INT(edit.after[change->begin], '-');
        CHECK_INT(edit.after[change->end - 1], '\n');
        CHECK_INT(change->number, i == 0 ? 2 : 8);
    }
    CHECK(edit.untouched);
    pamedit_free(&edit);
}

TEST("without pam_systemd the session line goes behind the last one")
{
    tap_write("a", "session required pam_unix.so\n"
                   "session optional pam_mail.so \\\n"
                   "    standard\n"
                   "\n"
                   "password required pam_unix.so\n");
    CHECK_STR(enable("a", false), "session required pam_unix.so\n"
                                  "session optional pam_mail.so \\\n"
                                  "    standard\n"
                                  "-session optional pam_hfcache.so\n"
                                  "\n"
                                  "password required pam_unix.so\n");
}

TEST("a last line without a newline gets one before ours")
{
    tap_write("a", "session required pam_unix.so");
    CHECK_STR(enable("a", false), "session required pam_unix.so\n"
                                  "-session optional pam_hfcache.so\n");
}

TEST("an empty line behind the last session line keeps its place")
{
    tap_write("a", "session required pam_unix.so\n\n\n");
    CHECK_STR(enable("a", false), "session required pam_unix.so\n"
                                  "-session optional pam_hfcache.so\n\n\n");
}

TEST("no jump comes to reach over our line")
{
    tap_write("a", "session required pam_limits.so\n"
                   "session [success=1 default=ignore] pam_succeed_if.so x\n"
                   "-session optional pam_systemd.so\n"
                   "session required pam_unix.so\n");
    CHECK_STR(enable("a", false),
              "session required pam_limits.so\n"
              "-session optional pam_hfcache.so\n"
              "session [success=1 default=ignore] pam_succeed_if.so x\n"
              "-session optional pam_systemd.so\n"
              "session required pam_unix.so\n");
    /* A jump that ends just before it may stay where it is. */
    tap_write("b", "session [success=1 default=ignore] pam_succeed_if.so x\n"
                   "session required pam_unix.so\n"
                   "-session optional pam_systemd.so\n");
    CHECK_HAS(enable("b", false), "pam_unix.so\n"
                                  "-session optional pam_hfcache.so\n"
                                  "-session optional pam_systemd.so\n");
}

TEST("adding twice adds nothing")
{
    struct pamedit edit;

    tap_write("a", "auth required pam_unix.so\n"
                   "session required pam_unix.so\n");
    tap_write("a", enable("a", true));
    REQUIRE_INT(pamedit_add(folders(), "a", true, &edit, NULL), 0);
    CHECK_INT(edit.count, 0);
    CHECK(!edit.untouched);
    CHECK_STR(edit.before, edit.after);
    CHECK_STR(edit.reached_by, "");
    pamedit_free(&edit);
}

TEST("a line of ours in an included file is enough, and said")
{
    struct pamedit edit;

    tap_write("a", "@include common-session\n");
    tap_write("common-session", "session optional pam_unix.so\n"
                                "session optional pam_hfcache.so debug\n");
    REQUIRE_INT(pamedit_add(folders(), "a", false, &edit, NULL), 0);
    CHECK_INT(edit.count, 0);
    CHECK_HAS(edit.reached_by, "common-session:2");
    pamedit_free(&edit);
}

TEST("a line that is a comment does not count as ours")
{
    tap_write("a", "session required pam_unix.so\n"
                   "# session optional pam_hfcache.so\n");
    CHECK_HAS(enable("a", false), "unix.so\n-session optional pam_hfcache");
}

TEST("a service that leans on other is refused: ours would replace it")
{
    write_debian();
    tap_write("odd", "session required pam_unix.so\n");
    CHECK_HAS(refusal("odd", true, -EINVAL), "has no auth line");
    tap_write("even", "auth required pam_unix.so\n");
    CHECK_HAS(refusal("even", false, -EINVAL), "has no session line");
}

TEST("files that other programs write are refused, each with its way out")
{
    tap_write("common-session",
              "# As of pam 1.0.1-6, this file is managed by pam-auth-update "
              "by default.\nsession required pam_unix.so\n");
    CHECK_HAS(refusal("common-session", false, -EPERM),
              "name the services that include it instead");
    tap_write("system-auth", "# Generated by authselect\n"
                             "session required pam_unix.so\n");
    CHECK_HAS(refusal("system-auth", false, -EPERM), "authselect");
    tap_write("fine", "# authselect does not write this\n"
                      "session required pam_unix.so\n");
    CHECK_HAS(enable("fine", false), "pam_hfcache");
}

TEST("links, second names, folders and absent services are refused")
{
    write_debian();
    REQUIRE(symlink("sshd", tap_in_folder("linked")) == 0);
    CHECK_HAS(refusal("linked", false, -ELOOP), "symbolic link");
    tap_write("one", "session required pam_unix.so\n");
    REQUIRE(link(tap_in_folder("one"), tap_in_folder("two")) == 0);
    CHECK_HAS(refusal("two", false, -EMLINK), "2 names");
    REQUIRE(mkdir(tap_in_folder("folder"), 0755) == 0);
    CHECK_HAS(refusal("folder", false, -EINVAL), "not a regular file");
    CHECK_HAS(refusal("absent", false, -ENOENT), "no such PAM service");
}

TEST("a service that only a package's folder has is to be copied first")
{
    const char *both[3] = {tap_in_folder("etc"), tap_in_folder("usr"), NULL};
    struct pamedit edit;
    struct err err = {0};

    REQUIRE(mkdir(both[0], 0755) == 0 && mkdir(both[1], 0755) == 0);
    tap_write("usr/vendor", "session required pam_unix.so\n");
    CHECK_INT(pamedit_add(both, "vendor", false, &edit, &err), -ENOENT);
    CHECK_HAS(err.text, "copy it to");
}

TEST("a name that is a path, hidden or empty is no service")
{
    CHECK(pamedit_name_problem("/etc/pam.d/sshd") != NULL);
    CHECK(pamedit_name_problem("../shadow") != NULL);
    CHECK(pamedit_name_problem(".sshd") != NULL);
    CHECK(pamedit_name_problem("") != NULL);
    CHECK(pamedit_name_problem("systemd-user") == NULL);
}

/* --- taking out ---------------------------------------------------------- */

TEST("taking out gives back every byte of the rest")
{
    write_debian();
    tap_write("sshd", enable("sshd", true));
    CHECK_STR(disable("sshd"), SSHD);
}

TEST("every form of our line is taken out, and no other line")
{
    tap_write("a", "session required pam_unix.so\n"
                   "session required \\\n"
                   "  /lib/security/pam_hfcache.so \\\n"
                   "  debug\n"
                   "# session optional pam_hfcache.so\n"
                   "auth\toptional\tpam_hfcache.so conf=/x # ours\n"
                   "session optional pam_echo.so pam_hfcache.so\n");
    CHECK_STR(disable("a"), "session required pam_unix.so\n"
                            "# session optional pam_hfcache.so\n"
                            "session optional pam_echo.so pam_hfcache.so\n");
}

TEST("a line that another one jumps over is not taken out")
{
    struct pamedit edit;
    struct err err = {0};

    tap_write("a", "session [success=2 default=ignore] pam_succeed_if.so x\n"
                   "session optional pam_hfcache.so\n"
                   "session required pam_deny.so\n"
                   "session required pam_permit.so\n");
    CHECK_INT(pamedit_remove(folders(), "a", &edit, &err), -EINVAL);
    CHECK_HAS(err.text, "a:1: jumps over our line 2");
}

TEST("a file without our line has nothing to be taken out")
{
    struct pamedit edit;

    write_debian();
    CHECK(!pamedit_has_line(folders(), "sshd"));
    REQUIRE_INT(pamedit_remove(folders(), "sshd", &edit, NULL), 0);
    CHECK_INT(edit.count, 0);
    pamedit_free(&edit);
}

TAP_MAIN
