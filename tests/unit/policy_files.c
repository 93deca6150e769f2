/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which files are a policy: whose they may be, drop-ins and their order, and
 * what a section inherits.
 */
#include "tap.h"

#include <errno.h>

#include "policy.h"

/* Load `file` as its owner would: "" or the sentence that refuses it. */
static const char *
refusal(const char *file)
{
    static struct err err;
    struct policy policy;

    err = (struct err){0, ""};
    if (policy_load(file, geteuid(), &policy, &err) < 0)
        return err.text;
    policy_free(&policy);
    return "";
}

/* `sentence` with the file's path in place of each %s. */
static const char *
about(const char *sentence, const char *path)
{
    static char buffer[1000];
    struct text text = TEXT_INIT(buffer);

    buffer[0] = '\0';
    for (; *sentence; sentence++) {
        if (strncmp(sentence, "%s", 2) == 0) {
            text_add(&text, path);
            sentence++;
        } else {
            text_add_char(&text, *sentence);
        }
    }
    return buffer;
}

static void
load(const char *file, struct policy *ret)
{
    struct err err;

    if (policy_load(file, geteuid(), ret, &err) < 0) {
        CHECK_STR(err.text, "a policy that loads");
        exit(EXIT_FAILURE);
    }
}

/* A file of tap_write() in FILE.d. */
static const char *
drop_in(const char *name, const char *text)
{
    char path[200];

    mkdir(tap_in_folder("conf.d"), 0755);
    snprintf(path, sizeof(path), "conf.d/%s", name);
    return tap_write(path, text);
}

static const struct policy_section *
section(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->nsections; i++)
        if (strcmp(policy->sections[i].name, name) == 0)
            return &policy->sections[i];
    CHECK_STR(name, "a section of the policy");
    exit(EXIT_FAILURE);
}

TEST("a file of the right owner and mode is read")
{
    const char *file = tap_write("conf", "[cache]\nmode = 2775\n");
    struct policy policy;

    load(file, &policy);
    CHECK_INT(policy_mode(&policy.sections[0]), 02775);
    CHECK_INT(policy.nfiles, 1);
    CHECK_STR(policy.files[0], file);
    CHECK_STR(policy.sections[0].value[KEY_MODE].origin.file, file);
    CHECK_INT(policy.sections[0].value[KEY_MODE].origin.line, 2);
    policy_free(&policy);
}

TEST("a named file that is not there is refused")
{
    const char *file = tap_in_folder("absent");

    CHECK_STR(refusal(file),
              about("%s: there is no such file: make it, or name another",
                    file));
}

TEST("a file that group or others can write is refused")
{
    static const mode_t modes[] = {0664, 0646, 0666, 0620, 0602};
    const char *file = tap_write("conf", "[cache]\n");

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        char wanted[400];

        REQUIRE_INT(chmod(file, modes[i]), 0);
        snprintf(wanted, sizeof(wanted),
                 "%s: others than its owner can write it (mode %04o): chmod "
                 "go-w %s",
                 file, modes[i], file);
        CHECK_STR(refusal(file), wanted);
    }
    REQUIRE_INT(chmod(file, 0600), 0);
    CHECK_STR(refusal(file), "");
}

TEST("a file of another owner is refused")
{
    const char *file = tap_write("conf", "[cache]\n");
    struct policy policy;
    struct err err;
    char wanted[400];
    uid_t owner = geteuid();

    if (owner == 0) {
        owner = 12345;
        REQUIRE_INT(chown(file, owner, (gid_t)-1), 0);
    }
    CHECK_INT(policy_load(file, owner + 1, &policy, &err), -EPERM);
    snprintf(wanted, sizeof(wanted),
             "%s: belongs to uid %u; it must belong to root: chown root %s",
             file, owner, file);
    CHECK_STR(err.text, wanted);
    CHECK_INT(policy_load(file, owner, &policy, &err), 0);
    policy_free(&policy);
}

TEST("root's file is believed by everybody")
{
    struct policy policy;

    if (geteuid() != 0)
        SKIP("only root can make a file of root's");
    REQUIRE_INT(
        policy_load(tap_write("conf", "[cache]\n"), 1000, &policy, NULL), 0);
    policy_free(&policy);
}

TEST("a file that can't be read is refused")
{
    const char *file = tap_write("conf", "[cache]\n");

    if (geteuid() == 0)
        SKIP("root can read every file");
    REQUIRE_INT(chmod(file, 0), 0);
    CHECK_STR(refusal(file),
              about("%s: cannot be opened: Permission denied", file));
}

TEST("a symbolic link is refused, wherever it leads")
{
    const char *file = tap_in_folder("conf");

    REQUIRE_INT(symlink(tap_write("real", "[cache]\n"), file), 0);
    CHECK_STR(refusal(file),
              about("%s: is a symbolic link; put the file itself there", file));
    unlink(file);
    REQUIRE_INT(symlink("/nowhere", file), 0);
    CHECK_STR(refusal(file),
              about("%s: is a symbolic link; put the file itself there", file));
}

TEST("a FIFO is refused at once, a folder too")
{
    const char *file = tap_in_folder("conf");

    REQUIRE_INT(mkfifo(file, 0600), 0);
    CHECK_STR(refusal(file),
              about("%s: is no regular file; a regular file is needed", file));
    unlink(file);
    REQUIRE_INT(mkdir(file, 0755), 0);
    CHECK_STR(refusal(file),
              about("%s: is a folder; a regular file is needed", file));
    CHECK_HAS(refusal("/dev/null"), "/dev/null: is no regular file");
}

TEST("an enormous file is refused, not read")
{
    const char *file = tap_write("conf", "[cache]\n");

    REQUIRE_INT(truncate(file, 256 * 1024 + 1), 0);
    CHECK_STR(refusal(file),
              about("%s: holds 262145 bytes; at most 262144 are read", file));
}

TEST("drop-ins are read in bytewise order, later ones win")
{
    const char *file = tap_write("conf", "[cache]\nmode = 2775\nhome=private\n"
                                         "umask = 002\n");
    struct policy policy;

    drop_in("b.conf", "[cache]\numask = 007\nfresh = 1s\n");
    drop_in("B.conf", "[cache]\numask = keep\nfresh = 2s\n");
    drop_in("10-a.conf", "[cache]\nfresh = 3s\nmode = 2770\n");
    load(file, &policy);
    CHECK_INT(policy_number(&policy.sections[0], KEY_MODE), MODE_2770);
    CHECK_INT(policy_number(&policy.sections[0], KEY_HOME), HOME_PRIVATE);
    CHECK_INT(policy_number(&policy.sections[0], KEY_UMASK), UMASK_007);
    CHECK_INT(policy_number(&policy.sections[0], KEY_FRESH), 1000);
    REQUIRE_INT(policy.nfiles, 4);
    CHECK_HAS(policy.files[1], "/conf.d/10-a.conf");
    CHECK_HAS(policy.files[2], "/conf.d/B.conf");
    CHECK_HAS(policy.files[3], "/conf.d/b.conf");
    CHECK_HAS(policy.sections[0].value[KEY_FRESH].origin.file, "/b.conf");
    CHECK_INT(policy.sections[0].value[KEY_FRESH].origin.line, 3);
    CHECK_INT(policy.sections[0].value[KEY_HOME].origin.line, 3);
    policy_free(&policy);
}

TEST("only [A-Za-z0-9_-]*.conf is a drop-in")
{
    static const char *const others[] = {
        ".hidden.conf", "a.conf~",     "a.conf.bak", "a.conf.dpkg-new",
        "README",       "#a.conf#",    "a.CONF",     "conf",
        ".conf",        "~a.conf",     "+a.conf",
    };
    const char *file = tap_write("conf", "");
    struct policy policy;

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        drop_in(others[i], "[nonsense]\n");
    drop_in("_a.conf", "");
    drop_in("-a.conf", "");
    drop_in("9.conf", "");
    load(file, &policy);
    CHECK_INT(policy.nfiles, 4);
    policy_free(&policy);
}

TEST("a drop-in is judged like the file itself")
{
    const char *file = tap_write("conf", "");
    const char *extra = drop_in("a.conf", "[cache]\nmode = 1\n");

    CHECK_STR(refusal(file),
              about("%s:2: mode \"1\" is not known: give one of 2770, 2775",
                    extra));
    REQUIRE_INT(chmod(extra, 0666), 0);
    CHECK_HAS(refusal(file), about("%s: others than its owner can", extra));
    unlink(extra);
    REQUIRE_INT(symlink("/dev/null", extra), 0);
    CHECK_STR(refusal(file),
              about("%s: is a symbolic link; put the file itself there",
                    extra));
    unlink(extra);
    REQUIRE_INT(mkfifo(extra, 0600), 0);
    CHECK_HAS(refusal(file), about("%s: is no regular file", extra));
    unlink(extra);
    REQUIRE_INT(mkdir(extra, 0755), 0);
    CHECK_HAS(refusal(file), about("%s: is a folder", extra));
}

TEST("the folder of drop-ins is judged, too")
{
    const char *file = tap_write("conf", "");
    const char *folder = tap_in_folder("conf.d");

    drop_in("a.conf", "");
    REQUIRE_INT(chmod(folder, 0777), 0);
    CHECK_STR(refusal(file),
              about("%s: others than its owner can write it (mode 0777): "
                    "chmod go-w %s",
                    folder));
    REQUIRE_INT(rename(folder, tap_in_folder("real")), 0);
    REQUIRE_INT(symlink(tap_in_folder("real"), folder), 0);
    CHECK_HAS(refusal(file), folder);
    unlink(folder);
    tap_write("conf.d", "");
    CHECK_HAS(refusal(file), folder);
}

TEST("a key twice in one file is an error, in two files it is not")
{
    const char *file = tap_write("conf", "[cache]\nmode = 2770\n");
    const char *extra = drop_in("a.conf", "[cache]\nmode = 2775\n"
                                          "mode = 2775\n");

    CHECK_STR(refusal(file),
              about("%s:3: mode stands in this section twice, first in line "
                    "2: keep one",
                    extra));
    drop_in("a.conf", "[cache]\nmode = 2775\n");
    CHECK_STR(refusal(file), "");
}

TEST("sections keep the order of their first appearance in all files")
{
    const char *file = tap_write("conf", "[cache b]\npath=/srv/b\nusers=b\n");
    struct policy policy;

    drop_in("1.conf", "[cache a]\npath=/srv/a\nusers=a\n");
    drop_in("2.conf", "[cache b]\nusers=b2\n[cache]\nmode=2775\n");
    load(file, &policy);
    REQUIRE_INT(policy.nsections, 3);
    CHECK_STR(policy.sections[0].name, "b");
    CHECK_STR(policy.sections[1].name, "a");
    CHECK_STR(policy.sections[2].name, "");
    CHECK_STR(policy_text(&policy.sections[0], KEY_USERS), "b2");
    CHECK_STR(policy_text(&policy.sections[0], KEY_PATH), "/srv/b");
    CHECK_INT(policy_number(&policy.sections[0], KEY_MODE), MODE_2775);
    policy_free(&policy);
}

TEST("a named section inherits all but path, users, services and hosts")
{
    const char *file = tap_write(
        "conf", "[cache lab]\npath = /srv/lab\nusers = @lab\n"
                "[cache]\npath = /srv/all\ngroup = hf-all\nusers = !bob\n"
                "services = sshd\nhosts = gpu*\nmin_uid = 500\nfresh = 5s\n"
                "unusable = export\n");
    const struct policy_section *lab;
    struct policy policy;

    load(file, &policy);
    lab = section(&policy, "lab");
    CHECK_STR(policy_text(lab, KEY_GROUP), "hf-all");
    CHECK_INT(policy_number(lab, KEY_MIN_UID), 500);
    CHECK_INT(policy_number(lab, KEY_FRESH), 5000);
    CHECK_INT(policy_number(lab, KEY_UNUSABLE), UNUSABLE_EXPORT);
    CHECK_INT(lab->value[KEY_GROUP].origin.line, 6);
    CHECK_STR(policy_text(lab, KEY_USERS), "@lab");
    CHECK_STR(policy_text(lab, KEY_SERVICES), "*");
    CHECK_STR(policy_text(lab, KEY_HOSTS), "*");
    CHECK_INT(lab->value[KEY_HOSTS].origin.line, 0);
    CHECK_STR(policy_text(lab, KEY_PATH), "/srv/lab");
    CHECK_STR(policy_text(section(&policy, ""), KEY_PATH), "/srv/all");
    policy_free(&policy);
}

TEST("a named section must say for whom it is, and which cache")
{
    const char *file = tap_write("conf", "\n[cache lab]\npath = /srv/lab\n");

    CHECK_STR(refusal(file),
              about("%s:2: [cache lab] has neither users nor services nor "
                    "hosts: say for whom it is",
                    file));
    tap_write("conf", "[cache lab]\nusers = @lab\n");
    CHECK_STR(refusal(file),
              about("%s:1: [cache lab] has no path: say which cache it is "
                    "about",
                    file));
    tap_write("conf", "[cache lab]\n");
    CHECK_HAS(refusal(file), about("%s:1: [cache lab] has no path", file));
    tap_write("conf", "[cache lab]\npath = /srv/lab\n");
    drop_in("a.conf", "[cache lab]\nhosts = gpu*\n");
    CHECK_STR(refusal(file), "");
}

TEST("an [env NAME] must go with a [cache NAME], in any file")
{
    const char *file = tap_write("conf", "[env lab]\nHF_A = 1\n");

    CHECK_STR(refusal(file),
              about("%s:1: [env lab] goes with no section: there is no "
                    "[cache lab]",
                    file));
    drop_in("a.conf", "[cache lab]\npath = /srv/lab\nusers = a\n");
    CHECK_STR(refusal(file), "");
}

TEST("two sections of one cache must agree on its group and mode")
{
    const char *file = tap_write(
        "conf", "[cache a]\npath=/srv/huggingface\nusers=a\ngroup=other\n");

    CHECK_STR(refusal(file),
              about("%s:2: another section shares this path with group "
                    "hf-users: a cache has one group",
                    file));
    tap_write("conf", "[cache a]\npath=/srv/huggingface\nusers=a\nmode=2775\n");
    CHECK_STR(refusal(file), about("%s:2: another section has this path with "
                                   "mode 2770: a cache has one mode",
                                   file));
    tap_write("conf", "[cache a]\npath=/srv/huggingface\nusers=a\n"
                      "fresh = 5s\n");
    CHECK_STR(refusal(file), "");
}

TEST("a cache does not lie inside another one")
{
    const char *file = tap_write(
        "conf", "[cache]\n[cache a]\npath=/srv/huggingface/a\nusers=a\n");
    static const char wanted[] =
        "%s:3: path lies inside another section's cache, or that in this one: "
        "caches must lie side by side";

    CHECK_STR(refusal(file), about(wanted, file));
    tap_write("conf", "[cache]\npath=/srv/a/b\n[cache a]\npath=/srv/a\n"
                      "users=a\n");
    CHECK_HAS(refusal(file), ": path lies inside another section's cache");
    tap_write("conf", "[cache]\npath=/srv/ab\n[cache a]\npath=/srv/a\n"
                      "users=a\n");
    CHECK_STR(refusal(file), "");
}

TEST("a drop-in's variable replaces the main file's")
{
    const char *file = tap_write("conf", "[env]\nHF_A = 1\nHF_B = 1\n");
    struct policy policy;

    drop_in("a.conf", "[env]\nHF_A = 2\n");
    load(file, &policy);
    REQUIRE_INT(policy.nenvs, 2);
    CHECK_STR(policy.envs[0].name, "HF_A");
    CHECK_STR(policy.envs[0].value, "2");
    CHECK_HAS(policy.envs[0].origin.file, "a.conf");
    CHECK_STR(policy.envs[1].value, "1");
    policy_free(&policy);
}

TEST("a refused policy leaves the caller's untouched, and can be freed")
{
    const char *file = tap_write("conf", "[cache]\nmode = 1\n");
    struct policy policy = {.nsections = 77};

    CHECK_INT(policy_load(file, geteuid(), &policy, NULL), -EINVAL);
    CHECK_INT(policy.nsections, 77);
    policy = (struct policy){0};
    policy_free(&policy);
}

TEST("origins and titles are written as a person reads them")
{
    char buffer[200] = "";
    struct text text = TEXT_INIT(buffer);
    struct policy_section named = {.name = "lab"}, plain = {.name = ""};

    policy_add_title(&named, &text);
    policy_add_title(&plain, &text);
    policy_add_origin(&(struct origin){"F", 7}, &text);
    policy_add_origin(&(struct origin){NULL, 0}, &text);
    CHECK_STR(buffer, "[cache lab][cache]F:7built-in default");
}

TAP_MAIN
