/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A filter of seccomp(2), namespaces, chroot(2), and another stack.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* Younger than the oldest kernels and filters that are still met. */
static const uint32_t young_calls[] = {
    SYS_statx,       SYS_openat2,         SYS_close_range,
    SYS_faccessat2,  452 /* fchmodat2 */, SYS_clone3,
};

#define YOUNG_CALLS (sizeof(young_calls) / sizeof(*young_calls))

bool
confine_calls(int error)
{
    struct sock_filter filter[2 * YOUNG_CALLS + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = {.filter = filter};
    unsigned short n = 1;
    /* Without clone3() by ENOSYS alone: libc itself starts nothing then. */
    size_t count = error == ENOSYS ? YOUNG_CALLS : YOUNG_CALLS - 1;

    for (size_t i = 0; i < count; i++) {
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                   young_calls[i], 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(
            BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error);
    }
    filter[n++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = n;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ||
           (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static bool
write_text(const char *path, const char *text)
{
    size_t length = strlen(text);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, length) == (ssize_t)length;

    if (fd >= 0)
        close(fd);
    return done;
}

bool
confine_ids(void)
{
    return unshare(CLONE_NEWUSER) == 0 &&
           write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", "0 0 1") &&
           write_text("/proc/self/gid_map", "0 0 1");
}

bool
confine_root(const char *folder)
{
    return (mkdir(folder, 0755) == 0 || access(folder, X_OK) == 0) &&
           chroot(folder) == 0 && chdir("/") == 0;
}

bool
confine_proc(void)
{
    return mount("tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV,
                 "mode=755") == 0;
}

#if CONFINE_HAS_STACKS

/* What makecontext() can hand over: no pointers. */
static struct {
    void (*run)(void *);
    void *argument;
    ucontext_t back, there;
} call;

static void
run_call(void)
{
    call.run(call.argument);
}

bool
confine_stack(size_t bytes, void (*run)(void *), void *argument)
{
    size_t guard = 64 * 1024;
    char *area = mmap(NULL, guard + bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    bool done;

    if (area == MAP_FAILED || mprotect(area, guard, PROT_NONE) != 0 ||
        getcontext(&call.there) != 0)
        return false;
    call.run = run;
    call.argument = argument;
    call.there.uc_stack.ss_sp = area + guard;
    call.there.uc_stack.ss_size = bytes;
    call.there.uc_link = &call.back;
    makecontext(&call.there, run_call, 0);
    done = swapcontext(&call.back, &call.there) == 0;
    munmap(area, guard + bytes);
    return done;
}

#else

bool
confine_stack(size_t bytes, void (*run)(void *), void *argument)
{
    (void)bytes;
    (void)run;
    (void)argument;
    return false;
}

#endif
