/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the sanitizers' runtimes do in every program of a private machine
 * (tests/system/ns), also in set-user-id ones, whose environment is not asked.
 * A report becomes a file, whatever becomes of the program's stderr.  Only our
 * own programs are asked for leaks: what others lose is theirs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define REPORTS "/run/sanitize/reports/by"
#define SEEN __attribute__((visibility("default")))

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int __lsan_is_turned_off(void);
void __asan_init(void);

/*
 * ASan would refuse to be the second library.  Crashes are reported although
 * the helper sets all signals to their default.  Other programs, as awk, which
 * compares beyond an end, go on; what is compiled for ASan ends all the same.
 */
SEEN const char *
__asan_default_options(void)
{
    return "log_path=" REPORTS ":log_exe_name=1:verify_asan_link_order=0:"
           "halt_on_error=0:"
           "handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2:"
           "handle_abort=2";
}

/* A tracer is in the way of looking for leaks. */
static bool
is_traced(void)
{
    char status[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);

    if (fd >= 0)
        close(fd);
    if (got < 0)
        return true;
    status[got] = '\0';
    return !strstr(status, "TracerPid:\t0\n");
}

SEEN int
__lsan_is_turned_off(void)
{
    return strncmp(program_invocation_short_name, "hfcache", 7) != 0 ||
           is_traced();
}

/* UBSan's log_path would be set in ASan's runtime, by a function of one name. */
SEEN const char *
__ubsan_default_options(void)
{
    void *ubsan = dlopen("libubsan.so.1", RTLD_LAZY | RTLD_NOLOAD);
    void *found = ubsan ? dlsym(ubsan, "__sanitizer_set_report_path") : NULL;
    void (*set_report_path)(const char *path);

    if (found) {
        memcpy(&set_report_path, &found, sizeof(found));
        set_report_path(REPORTS);
    }
    return "log_exe_name=1:print_stacktrace=1";
}

/*
 * Marked as initfirst: constructors that call what ASan replaces before it has
 * begun would leave libc's locks broken (ps waits for ever).
 */
__attribute__((constructor)) static void
begin(void)
{
    __asan_init();
}
