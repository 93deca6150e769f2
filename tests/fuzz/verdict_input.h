/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inputs of the fuzzers of state files: "boot=@" and "gid=@" stand for this
 * boot and the fuzzer's own group, so that one corpus serves all machines.
 */
#ifndef HFCACHE_VERDICT_INPUT_H
#define HFCACHE_VERDICT_INPUT_H

#include "fuzz.h"
#include "verdict_text.h"

#define INPUT_PATH "/srv/huggingface"

/* `data` with the first `mark` at or behind *at replaced; *at is behind it. */
static char *
input_replace(const char *data, size_t *length, size_t *at, const char *mark,
              const char *by)
{
    const char *found = memmem(data + *at, *length - *at, mark, strlen(mark));
    size_t head = found ? (size_t)(found - data) : *length;
    size_t skip = found ? strlen(mark) : 0, add = found ? strlen(by) : 0;
    char *text = malloc(*length + add + 1);

    MUST(text);
    memcpy(text, data, head);
    memcpy(text + head, by, add);
    memcpy(text + head + add, data + head + skip, *length - head - skip);
    *length += add - skip;
    *at = head + add;
    return text;
}

/* The text that an input stands for; the caller frees. */
static char *
input_text(const char *data, size_t *length)
{
    char boot[VERDICT_BOOT_SIZE], boot_line[64], gid_line[32];
    char *first, *second;
    size_t at = 0;

    MUST(verdict_boot_id(boot, NULL) == 0);
    snprintf(boot_line, sizeof(boot_line), "boot=%s\n", boot);
    snprintf(gid_line, sizeof(gid_line), "gid=%u\n", getegid());
    first = input_replace(data ? data : "", length, &at, "boot=@\n", boot_line);
    second = input_replace(first, length, &at, "gid=@\n", gid_line);
    free(first);
    return second;
}

/* What is named lies below the root, and is of bits that there are. */
FUZZ_HELPER void
check_drift(const struct drift *drift)
{
    MUST(*drift->name && *drift->name != '/');
    MUST(!(drift->what & ~(unsigned)DRIFT_ALL));
    for (const char *at = drift->name; *at;) {
        size_t length = strcspn(at, "/");

        MUST(length > 0 && strncmp(at, ".", length) != 0 &&
             strncmp(at, "..", length) != 0);
        at += length;
        MUST(!*at || at[1]);
        at += *at == '/';
    }
}

#endif
