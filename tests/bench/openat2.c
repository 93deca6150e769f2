/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * openat2.so, for LD_PRELOAD: openat2() as openat(), whose promises a tree that
 * nobody else changes keeps anyway.  Older valgrinds, as 3.19, refuse openat2(),
 * and would count what is done on kernels that do not have it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ARGS 6

__attribute__((visibility("default"))) long
syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[MAX_ARGS];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < MAX_ARGS; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_openat2) {
        const struct open_how *how = (const struct open_how *)a[2];

        return openat((int)a[0], (const char *)a[1], (int)how->flags,
                      (mode_t)how->mode);
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
