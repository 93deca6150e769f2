/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A private cache in a user's own home: see report_home.h.
 */
#include "report_home.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "safefs.h"

#define PRIVATE_HUB "/.cache/huggingface/hub"
#define BUDGET_MS 2000

/* What the files of the folder `name` take on disk. */
static void
add_blobs(int hub_fd, const char *name, int64_t until_ms,
          struct home_cache *home)
{
    CLEANUP_FREE char *blobs = util_format("%s/blobs", name);
    CLEANUP_CLOSE int fd =
        blobs ? safefs_open_beneath(hub_fd, blobs, SAFEFS_LIST) : -ENOMEM;
    struct statx st;
    char **names;
    size_t count;

    if (fd < 0 || safefs_list_folder(fd, &names, &count) < 0)
        return;
    for (size_t i = 0; i < count && home->complete; i++) {
        if (safefs_look_for(fd, names[i], STATX_BLOCKS, 0, &st) == 0)
            home->bytes += st.stx_blocks * 512;
        home->complete = util_monotonic_ms() < until_ms;
    }
    safefs_free_names(names, count);
}

static bool
is_caller(const struct subject *subject)
{
    return subject->uid != 0 && getuid() == subject->uid &&
           geteuid() == subject->uid;
}

void
report_load_home(const struct subject *subject, struct home_cache *ret)
{
    int64_t until_ms = util_monotonic_ms() + BUDGET_MS;
    CLEANUP_CLOSE int fd = -1;
    char **names;
    size_t count;
    int length;

    *ret = (struct home_cache){.complete = true};
    length = snprintf(ret->path, sizeof(ret->path), "%s" PRIVATE_HUB,
                      subject->home);
    if (!is_caller(subject) || *subject->home != '/' || length < 0 ||
        (size_t)length >= sizeof(ret->path))
        return;
    /* Through a link of his it could be the shared cache itself. */
    fd = safefs_open_root(ret->path, NULL);
    if (fd < 0 || safefs_list_folder(fd, &names, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!layout_is_repository(names[i]))
            continue;
        ret->repositories++;
        if (ret->complete)
            add_blobs(fd, names[i], until_ms, ret);
    }
    safefs_free_names(names, count);
}

static void
add_size(struct text *text, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double size = (double)bytes / 1000;
    size_t i = 0;

    for (; size >= 999.5 && i + 1 < ARRAY_LEN(units); i++)
        size /= 1000;
    text_addf(text, size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[i]);
}

void
report_print_home(const struct home_cache *home, const char *path)
{
    char size[32] = "";
    struct text text = TEXT_INIT(size);

    if (!home->repositories)
        return;
    add_size(&text, home->bytes);
    printf("\n%s holds %zu repositor%s that you alone use, %s%s.\n"
           "Programs that look into the shared cache do not find them. To give "
           "all members\n"
           "what they may read, NAME by NAME, and then to free the space:\n"
           "  cp -rn %s/NAME %s/hub/\n"
           "  rm -r %s/NAME\n",
           home->path, home->repositories, home->repositories == 1 ? "y" : "ies",
           home->complete ? "" : "at least ", size, home->path, path,
           home->path);
}

void
report_print_shell(const struct subject *subject,
                   const struct environment *environment)
{
    static const char *const leading[] = {"HF_HOME", "HF_HUB_CACHE",
                                          "HUGGINGFACE_HUB_CACHE",
                                          "TRANSFORMERS_CACHE",
                                          "HF_TOKEN_PATH"};
    bool told = false;

    for (size_t i = 0; i < ARRAY_LEN(leading) && is_caller(subject); i++) {
        const char *value = getenv(leading[i]);
        const char *ours = decision_find_value(environment, leading[i]);

        if (!value || !*value || (ours && strcmp(ours, value) == 0))
            continue;
        if (!told)
            puts("\nThis shell says otherwise, by a profile or "
                 "/etc/environment, which win over\na login's, or since an "
                 "older login:");
        printf("  %s=", leading[i]);
        cli_print_safe(value);
        putchar('\n');
        told = true;
    }
}

void
report_write_home(struct json *json, const struct home_cache *home)
{
    if (!home->repositories) {
        json_null(json, "private");
        return;
    }
    json_begin_object(json, "private");
    json_path(json, "path", home->path);
    json_number(json, "repositories", (int64_t)home->repositories);
    json_number(json, "bytes", (int64_t)home->bytes);
    json_bool(json, "complete", home->complete);
    json_end_object(json);
}
