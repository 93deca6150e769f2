/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fuzzers share.  Each is one file with one
 *
 *     FUZZ(data, size)
 *     {
 *         MUST(size < 10);
 *     }
 *
 * that takes any bytes whatever: nothing may crash, leak, run for long, or
 * reach beyond what is its own, and each MUST has to hold.  tests/fuzz/run
 * builds and runs them.
 */
#ifndef HFCACHE_FUZZ_H
#define HFCACHE_FUZZ_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_HELPER __attribute__((unused)) static

#define MUST(claim)                                                           \
    ((claim) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #claim))

/* The library wants a symbol that everybody sees. */
#define FUZZ(data, size)                                                      \
    static void fuzz(const char *data, size_t size);                          \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);           \
    __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(        \
        const uint8_t *bytes, size_t count)                                   \
    {                                                                         \
        fuzz((const char *)bytes, count);                                     \
        return 0;                                                             \
    }                                                                         \
    static void fuzz(const char *data, size_t size)

FUZZ_HELPER __attribute__((noreturn)) void
fuzz_fail(const char *file, int line, const char *claim)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    abort();
}

/* --- bytes as numbers and strings ---------------------------------------- */

struct fuzz_bytes {
    const char *at;
    size_t left;
};

/* The next `count` bytes as a number; 0 for those that are not there. */
FUZZ_HELPER uint64_t
fuzz_number(struct fuzz_bytes *bytes, size_t count)
{
    uint64_t number = 0;

    for (; count > 0; count--) {
        number <<= 8;
        if (bytes->left == 0)
            continue;
        number |= (unsigned char)*bytes->at++;
        bytes->left--;
    }
    return number;
}

/*
 * What stands before the next `end`, or all, as a string that ends at the first
 * NUL; the caller frees.
 */
FUZZ_HELPER char *
fuzz_string(struct fuzz_bytes *bytes, char end)
{
    const char *stop = bytes->left ? memchr(bytes->at, end, bytes->left) : NULL;
    size_t length = stop ? (size_t)(stop - bytes->at) : bytes->left;
    char *string = strndup(bytes->at ? bytes->at : "", length);

    MUST(string);
    bytes->at += length + (stop != NULL);
    bytes->left -= length + (stop != NULL);
    return string;
}

/* --- files --------------------------------------------------------------- */

/* The folder for files, which whoever runs this makes and removes. */
FUZZ_HELPER const char *
fuzz_folder(void)
{
    const char *folder = getenv("FUZZ_FOLDER");

    if (!folder)
        fuzz_fail(__FILE__, __LINE__, "FUZZ_FOLDER is set (see run)");
    return folder;
}

/* Make `data` the file `name` in that folder, mode 0644. */
FUZZ_HELPER void
fuzz_write(const char *name, const char *data, size_t length)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    MUST(fd >= 0);
    MUST(write(fd, data, length) == (ssize_t)length);
    close(fd);
}

#endif
