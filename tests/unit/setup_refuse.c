/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What setup must not touch: mount points without their mount, and folders
 * that hold other things.
 */
#include "setup_refuse.h"

#include <errno.h>

#include "tap.h"

#define FSTAB                                                                 \
    "# <file system> <mount point> <type> <options> <dump> <pass>\n"          \
    "UUID=1234 / ext4 errors=remount-ro 0 1\n"                                \
    "UUID=5678 none swap sw 0 0\n"                                            \
    "server:/hf /srv/hf nfs defaults,noauto 0 0\n"                            \
    "server:/x /data/with\\040blank/ nfs defaults 0 0\n"
#define MOUNTS "/dev/vda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n"

/* The code for `path`; the sentence goes to `err`. */
static int
check(const char *path, const char *mounted, struct err *err)
{
    char fstab[] = FSTAB, mounts[512];

    snprintf(mounts, sizeof(mounts), MOUNTS "%s", mounted);
    return setup_check_mounts(path, fstab, mounts, err);
}

TEST("a mount point that is not mounted is refused, and what is below it")
{
    struct err err;

    CHECK_INT(check("/srv/hf", "", &err), -EPERM);
    CHECK_HAS(err.text, "/etc/fstab mounts server:/hf (nfs) on /srv/hf");
    CHECK_HAS(err.text, "mount /srv/hf");
    CHECK_INT(check("/srv/hf/huggingface", "", &err), -EPERM);
    CHECK_INT(check("/data/with blank/hf", "", &err), -EPERM);
}

TEST("one that is mounted is not refused")
{
    CHECK_INT(check("/srv/hf", "server:/hf /srv/hf nfs rw 0 0\n", NULL), 0);
    CHECK_INT(check("/srv/hf/x", "auto /srv/hf autofs rw 0 0\n", NULL), 0);
    CHECK_INT(check("/data/with blank/hf",
                    "server:/x /data/with\\040blank nfs rw 0 0\n", NULL), 0);
}

TEST("a neighbour with the same beginning is not refused")
{
    CHECK_INT(check("/srv/hf2", "", NULL), 0);
    CHECK_INT(check("/srv/huggingface", "", NULL), 0);
    CHECK_INT(check("/srv", "", NULL), 0);
}

TEST("an empty fstab refuses nothing")
{
    char empty[] = "", mounts[] = MOUNTS;

    CHECK_INT(setup_check_mounts("/srv/hf", empty, mounts, NULL), 0);
}

TEST("what clients write in HF_HOME is no stranger")
{
    char *names[] = {
        (char[]){"hub"},
        (char[]){"datasets"},
        (char[]){"lost+found"},
        (char[]){"xet"},
        (char[]){"token"},
        (char[]){"stored_tokens.lock"},
        (char[]){".check_for_update_done"},
        (char[]){".agent_harnesses.json"},
        (char[]){"modules"},
    };

    CHECK_INT(setup_check_names("/srv/hf", names, 9, NULL), 0);
    CHECK_INT(setup_check_names("/srv/hf", NULL, 0, NULL), 0);
}

TEST("strangers are named, the first three of them, harmlessly")
{
    char *names[] = {
        (char[]){"hub"},  (char[]){"thesis.tex"}, (char[]){"a\033b"},
        (char[]){"c"},    (char[]){"d"},          (char[]){"hub2"},
    };
    struct err err;

    CHECK_INT(setup_check_names("/srv/hf", names, 6, &err), -ENOTEMPTY);
    CHECK_HAS(err.text, "thesis.tex, \"a\\x1bb\", c and 2 more");
    CHECK_HAS(err.text, "path = /srv/hf/huggingface");
    CHECK_INT(setup_check_names("/srv/hf", names, 2, &err), -ENOTEMPTY);
    CHECK_HAS(err.text, "(thesis.tex)");
}

/* The code for a folder `below` the root that holds `name`. */
static int
check_below(const char *below, const char *name, struct err *err)
{
    char copy[64];
    char *names[] = {copy};

    snprintf(copy, sizeof(copy), "%s", name);
    return setup_check_below(below, "/srv/hf/x", names, 1, err);
}

TEST("a folder below the root must look like what its name says")
{
    struct err err;

    CHECK_INT(check_below("hub", "models--a--b", NULL), 0);
    CHECK_INT(check_below("hub", ".locks", NULL), 0);
    CHECK_INT(check_below("hub", "version.txt", NULL), 0);
    CHECK_INT(check_below("hub", "tmpx1", NULL), 0);
    CHECK_INT(check_below("hub", "modules", NULL), -ENOTEMPTY);
    CHECK_INT(check_below("hub", "private", &err), -ENOTEMPTY);
    CHECK_HAS(err.text, "(private)");
    CHECK_INT(check_below("hub/.locks", "datasets--a", NULL), 0);
    CHECK_INT(check_below("hub/.locks", "secret.txt", NULL), -ENOTEMPTY);
    CHECK_INT(check_below("hub/.locks", "blobs", NULL), -ENOTEMPTY);
    CHECK_INT(check_below("hub/blobs", "0f", NULL), 0);
    CHECK_INT(check_below("hub/blobs", ".huggingface-shared-blobs", NULL), 0);
    CHECK_INT(check_below("hub/blobs", "tmpx1", NULL), 0);
    CHECK_INT(check_below("hub/blobs", "models--a", NULL), -ENOTEMPTY);
    CHECK_INT(check_below("hub/blobs", "0fa", NULL), -ENOTEMPTY);
}

TEST("secrets and code in the root are worth a warning")
{
    CHECK(setup_name_warning("token") != NULL);
    CHECK(setup_name_warning("stored_tokens") != NULL);
    CHECK(setup_name_warning("modules") != NULL);
    CHECK(setup_name_warning("gradio") != NULL);
    CHECK(setup_name_warning("hub") == NULL);
    CHECK(setup_name_warning("unheard-of") == NULL);
}

TAP_MAIN
