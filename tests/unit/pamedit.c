/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Edits of PAM files: our lines where they belong, and nothing else changed.
 */
#include "pamedit.h"

#include <errno.h>

#include "pam_folder.h"

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

TEST("a jump beyond the last line, which libpam refuses, still goes beyond it")
{
    tap_write("a", "session required pam_unix.so\n"
                   "session [success=1 default=ignore] pam_succeed_if.so x\n");
    CHECK_STR(enable("a", false),
              "session required pam_unix.so\n"
              "-session optional pam_hfcache.so\n"
              "session [success=1 default=ignore] pam_succeed_if.so x\n");
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
    CHECK_HAS(refusal("system-auth", false, -EPERM), "create-profile");
    REQUIRE(symlink("system-auth", tap_in_folder("password-auth")) == 0);
    CHECK_HAS(refusal("password-auth", false, -EPERM), "create-profile");
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
