/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.so, for LD_PRELOAD: a machine without memory for what is ours.  Counts
 * the allocations that pam_hfcache.so, hfcache or hfcache-probe makes or has a
 * library make (one of them is on the stack), and lets some fail; all others
 * succeed, so that no fault of PAM's, of the host's or of the loader's is taken
 * for one of ours.  A process that is forked counts on.
 *
 * NO_MEMORY in the environment says which fail: "0" none, "7" the seventh,
 * "7+" that and all later ones.  To the file MEMORY_TRACE a line is added for
 * each that fails, or, of "0", for each: "allocation(NUMBER) = " and the
 * innermost of the stack, as OBJECT+OFFSET.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FRAMES 64
#define MAX_TOLD 24

/* glibc's own, behind the names that everything calls. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static const char *trace; /* NULL: nothing is counted */
static long failing;
static bool and_later;
static atomic_long counted;
static __thread bool busy; /* what is called here may allocate, too */

__attribute__((constructor)) static void
begin(void)
{
    const char *which = getenv("NO_MEMORY");
    void *frame;
    char *end;

    (void)backtrace(&frame, 1); /* it loads its library at the first call */
    if (!which)
        return;
    failing = strtol(which, &end, 10);
    and_later = *end == '+';
    trace = getenv("MEMORY_TRACE");
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Where an address is; false if nowhere. */
static bool
find_object(void *address, struct dl_find_object *ret, const char **ret_name)
{
    if (_dl_find_object(address, ret) != 0)
        return false;
    *ret_name = base_name(ret->dlfo_link_map->l_name);
    if (!**ret_name)
        *ret_name = program_invocation_short_name;
    return true;
}

static bool
is_ours(void *const *frames, int count)
{
    struct dl_find_object object;
    const char *name;

    for (int i = 0; i < count; i++) {
        if (find_object(frames[i], &object, &name) &&
            (strcmp(name, "pam_hfcache.so") == 0 ||
             strcmp(name, "hfcache") == 0 ||
             strncmp(name, "hfcache-probe", strlen("hfcache-probe")) == 0))
            return true;
    }
    return false;
}

/* One line, in one write; the first two of the stack are functions here. */
static void
tell(long number, void *const *frames, int count)
{
    int fd = open(trace, O_WRONLY | O_APPEND | O_CLOEXEC);
    char line[4096];
    int length = snprintf(line, sizeof(line), "allocation(%ld) =", number);

    for (int i = 2; i < count && i < MAX_TOLD; i++) {
        struct dl_find_object object;
        const char *name;

        if (find_object(frames[i], &object, &name))
            length += snprintf(line + length, sizeof(line) - (size_t)length,
                               " %.100s+0x%lx", name,
                               (unsigned long)frames[i] -
                                   object.dlfo_link_map->l_addr);
    }
    line[length++] = '\n';
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        abort(); /* nothing would have been tested */
    close(fd);
}

/* Count an allocation; true if it is one that fails. */
__attribute__((noinline)) static bool
is_to_fail(void)
{
    void *frames[MAX_FRAMES];
    int saved = errno, count;
    bool fails = false;

    if (!trace || busy)
        return false;
    busy = true;
    count = backtrace(frames, MAX_FRAMES);
    if (is_ours(frames, count)) {
        long number = atomic_fetch_add(&counted, 1) + 1;

        fails = number == failing || (and_later && number > failing);
        if (number == failing || failing == 0)
            tell(number, frames, count);
    }
    busy = false;
    errno = fails ? ENOMEM : saved;
    return fails;
}

void *
malloc(size_t size)
{
    return is_to_fail() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return is_to_fail() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *pointer, size_t size)
{
    return is_to_fail() ? NULL : __libc_realloc(pointer, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return is_to_fail() ? NULL : __libc_memalign(alignment, size);
}

void *
memalign(size_t alignment, size_t size)
{
    return is_to_fail() ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *pointer = is_to_fail() ? NULL : __libc_memalign(alignment, size);

    if (!pointer)
        return ENOMEM;
    *ret = pointer;
    return 0;
}
