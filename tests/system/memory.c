/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.so, for LD_PRELOAD: a machine without memory for what is ours, or one
 * where it reads and writes seven bytes a call.  Counts the allocations that
 * pam_hfcache.so, hfcache or hfcache-probe makes or has a library make (one of
 * them is on the stack), and lets some fail; all others succeed, so that no fault
 * of PAM's, of the host's or of the loader's is taken for one of ours.  A process
 * that is forked counts on.
 *
 * NO_MEMORY in the environment says which fail: "0" none, "7" the seventh,
 * "7+" that and all later ones.  To the file MEMORY_TRACE a line is added for
 * each that fails, or, of "0", for each: "allocation(NUMBER) = " and the
 * stack, innermost first, as FILE+OFFSET.
 *
 * With SHORT_IO in the environment each read(2) and write(2) of ours is cut short;
 * a line "short" in MEMORY_TRACE says that there was one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <link.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FRAMES 64

/* glibc's own, behind the names that everything calls. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static const char *trace; /* NULL: nothing is counted */
static char program[PATH_MAX];
static long failing;
static bool and_later, is_short;
static atomic_long counted;
static __thread bool busy; /* what is called here may allocate, too */

/*
 * As a login program has done before its modules are asked.  glibc ends a
 * process that has no memory for the modules of its own name service.
 */
static void
load_nss(void)
{
    gid_t groups[64];
    int count = 64;

    setpwent();
    while (getpwent())
        continue;
    endpwent();
    (void)getgrnam("root");
    (void)getgrouplist("root", 0, groups, &count);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *which = getenv("NO_MEMORY");
    void *frame;
    char *end;

    is_short = getenv("SHORT_IO") != NULL;
    (void)backtrace(&frame, 1); /* it loads its library at the first call */
    load_nss();
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0 || !which)
        return;
    failing = strtol(which, &end, 10);
    and_later = *end == '+';
    trace = getenv("MEMORY_TRACE");
}

/* The file that an address is in, and how far it is from its start; or NULL. */
static const char *
find_file(void *address, unsigned long *ret_offset)
{
    struct dl_find_object object;
    const char *name;

    if (_dl_find_object(address, &object) != 0)
        return NULL;
    *ret_offset = (unsigned long)address - object.dlfo_link_map->l_addr;
    name = object.dlfo_link_map->l_name;
    return *name ? name : program;
}

static bool
is_our_file(const char *file)
{
    static const char *const ours[] = {
        "/pam_hfcache.so", "/hfcache", "/hfcache-probe", "/hfcache-probe.real"};
    const char *name = file ? strrchr(file, '/') : NULL;

    for (size_t k = 0; name && k < sizeof(ours) / sizeof(ours[0]); k++)
        if (strcmp(name, ours[k]) == 0)
            return true;
    return false;
}

static bool
is_ours(void *const *frames, int count)
{
    unsigned long offset;

    for (int i = 0; i < count; i++)
        if (is_our_file(find_file(frames[i], &offset)))
            return true;
    return false;
}

/* One line, in one write; the first two of the stack are functions here. */
static void
tell(long number, void *const *frames, int count)
{
    int fd = open(trace, O_WRONLY | O_APPEND | O_CLOEXEC);
    char line[8192];
    size_t length;

    length = (size_t)snprintf(line, sizeof(line), "allocation(%ld) =", number);
    for (int i = 2; i < count && length < sizeof(line) - 200; i++) {
        unsigned long offset;
        const char *file = find_file(frames[i], &offset);

        if (file)
            length += (size_t)snprintf(line + length, 200, " %.150s+0x%lx",
                                       file, offset);
    }
    line[length++] = '\n';
    if (fd < 0 || write(fd, line, length) != (ssize_t)length)
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

/* --- seven bytes a call ------------------------------------------------------- */

extern ssize_t __read(int fd, void *buffer, size_t size);
extern ssize_t __write(int fd, const void *buffer, size_t size);
extern ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);

/* How much of `size` a call from there may do. */
static size_t
shorten(void *caller, size_t size)
{
    static const char word[] = "short\n";
    static atomic_bool told;
    unsigned long offset;
    int fd;

    if (!is_short || size <= 7 || !is_our_file(find_file(caller, &offset)))
        return size;
    if (!atomic_exchange(&told, true)) {
        fd = open(getenv("MEMORY_TRACE"), O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd < 0 || __write(fd, word, strlen(word)) != (ssize_t)strlen(word))
            abort();
        close(fd);
    }
    return 7; /* as much as the kernel tells of a number at once */
}

#define SHORT(size) shorten(__builtin_return_address(0), size)

ssize_t
read(int fd, void *buffer, size_t size)
{
    return __read(fd, buffer, SHORT(size));
}

ssize_t
write(int fd, const void *buffer, size_t size)
{
    return __write(fd, buffer, SHORT(size));
}

ssize_t
__read_chk(int fd, void *buffer, size_t size, size_t room)
{
    return size > room ? (abort(), 0) : __read(fd, buffer, SHORT(size));
}
