/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of the probes that look at a cache: KEY.slot0 and so on, each
 * locked by the probe that holds it.
 *
 * The locks are of the open file description: asking about one neither needs
 * to take it nor can release it.  The files are root's alone, because whoever
 * can open a file can lock it.  Byte 0 of a slot is the slot; byte 1 of the
 * first one is the door through which one probe at a time enters.
 */
#include "verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "safefs.h"
#include "verdict_text.h"

#define NOTE_BYTES 128

enum { BYTE_SLOT, BYTE_DOOR };

/* How long the newest of N running probes must have run to admit another. */
static const int64_t waits_ms[VERDICT_SLOTS] = {0, VERDICT_HUNG_MS, 60000,
                                                600000};

static struct flock
make_lock(int byte)
{
    return (struct flock){.l_type = F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = byte,
                          .l_len = 1};
}

/* 0, -EBUSY or another negative errno. */
static int
try_lock(int fd, int byte)
{
    struct flock lock = make_lock(byte);

    while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return -EBUSY;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static void
unlock(int fd, int byte)
{
    struct flock lock = make_lock(byte);

    lock.l_type = F_UNLCK;
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

static bool
is_locked(int fd)
{
    struct flock lock = make_lock(BYTE_SLOT);

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static void
name_slot(const char *path, gid_t gid, unsigned slot,
          char ret[VERDICT_NAME_SIZE])
{
    char suffix[16];

    snprintf(suffix, sizeof(suffix), "slot%u", slot);
    verdict_name(path, gid, suffix, ret);
}

/* When the holder began by its note; now, if it has not written one yet. */
static int64_t
read_note(int fd, const char *boot)
{
    char note[NOTE_BYTES + 1], its_boot[VERDICT_BOOT_SIZE];
    ssize_t got = pread(fd, note, NOTE_BYTES, 0);
    int64_t now_ms = util_boottime_ms(), began_ms;

    if (got <= 0)
        return now_ms;
    note[got] = '\0';
    if (sscanf(note, "pid=%*d started=%" SCNd64 " boot=%36s", &began_ms,
               its_boot) != 2 ||
        strcmp(its_boot, boot) != 0 || began_ms > now_ms)
        return now_ms;
    return began_ms;
}

/*
 * Note who holds the slot.  Of one length, so that a full file system takes it
 * once it has taken the first; without a note the probe counts as just begun.
 */
static void
write_note(int fd, const char *boot)
{
    char note[NOTE_BYTES];
    int length = snprintf(note, sizeof(note),
                          "pid=%010d started=%020" PRId64 " boot=%s\n",
                          getpid(), util_boottime_ms(), boot);

    if (pwrite(fd, note, (size_t)length, 0) != length && ftruncate(fd, 0) < 0)
        return;
}

/* Count one more running probe; `newest_ms` is of the youngest. */
static void
count_probe(struct probe_state *state, int64_t began_ms, int64_t *newest_ms)
{
    int64_t age_ms = util_age_ms(began_ms);

    if (state->running == 0 || age_ms < *newest_ms)
        *newest_ms = age_ms;
    if (age_ms > state->oldest_ms)
        state->oldest_ms = age_ms;
    state->began_ms[state->running++] = began_ms;
}

static bool
admits(const struct probe_state *state, int64_t newest_ms)
{
    return state->running == 0 ||
           (state->running < VERDICT_SLOTS &&
            newest_ms >= waits_ms[state->running]);
}

int
verdict_probe_state(const char *dir, uid_t trusted_uid, const char *path,
                    gid_t gid, struct probe_state *ret, struct err *err)
{
    struct probe_state state = {.running = 0};
    char boot[VERDICT_BOOT_SIZE];
    int64_t newest_ms = 0;
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(dir, 0, trusted_uid, err);

    if (dir_fd < 0 && dir_fd != -ENOENT)
        return dir_fd;
    for (unsigned i = 0; dir_fd >= 0 && i < VERDICT_SLOTS; i++) {
        char name[VERDICT_NAME_SIZE];
        CLEANUP_CLOSE int fd = -1;

        name_slot(path, gid, i, name);
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
                                      O_CLOEXEC);
        if (fd < 0 || !is_locked(fd))
            continue;
        if (verdict_boot_id(boot, NULL) == 0)
            count_probe(&state, read_note(fd, boot), &newest_ms);
    }
    state.may_start = admits(&state, newest_ms);
    *ret = state;
    return 0;
}

int64_t
verdict_waiting_ms(const struct probe_state *state,
                   const struct verdict *verdict)
{
    int64_t longest_ms = 0;

    for (unsigned i = 0; i < state->running; i++) {
        int64_t age_ms = util_age_ms(state->began_ms[i]);

        if (age_ms > longest_ms &&
            (!verdict || state->began_ms[i] > verdict->taken_ms))
            longest_ms = age_ms;
    }
    return longest_ms;
}

/* --- taking one ---------------------------------------------------------- */

/* The open slot files of a cache. */
struct slots {
    int fd[VERDICT_SLOTS];
    char boot[VERDICT_BOOT_SIZE];
};

static void
close_slots(struct slots *slots)
{
    for (unsigned i = 0; i < VERDICT_SLOTS; i++) {
        if (slots->fd[i] >= 0)
            close(slots->fd[i]);
    }
}

static int
open_slots(int dir_fd, const char *path, gid_t gid, struct slots *slots)
{
    for (unsigned i = 0; i < VERDICT_SLOTS; i++) {
        char name[VERDICT_NAME_SIZE];

        name_slot(path, gid, i, name);
        slots->fd[i] = openat(dir_fd, name,
                              O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (slots->fd[i] < 0)
            return -errno;
    }
    return 0;
}

/* Behind the door: the slot taken, -EBUSY or another negative errno. */
static int
choose_slot(struct slots *slots)
{
    struct probe_state state = {.running = 0};
    int64_t newest_ms = 0;
    int free_slot = -1;
    int r;

    for (int i = 0; i < VERDICT_SLOTS; i++) {
        if (is_locked(slots->fd[i]))
            count_probe(&state, read_note(slots->fd[i], slots->boot),
                        &newest_ms);
        else if (free_slot < 0)
            free_slot = i;
    }
    if (free_slot < 0 || !admits(&state, newest_ms))
        return -EBUSY;
    r = try_lock(slots->fd[free_slot], BYTE_SLOT);
    if (r < 0)
        return r;
    write_note(slots->fd[free_slot], slots->boot);
    return free_slot;
}

/*
 * Take a slot's descriptor out of `slots`.  The door is unlocked explicitly
 * when it belongs to the description that goes on living.
 */
static int
enter(struct slots *slots, int *ret_fd)
{
    int slot = try_lock(slots->fd[0], BYTE_DOOR);

    if (slot < 0)
        return slot;
    slot = choose_slot(slots);
    unlock(slots->fd[0], BYTE_DOOR);
    if (slot < 0)
        return slot;
    *ret_fd = util_steal_fd(&slots->fd[slot]);
    return 0;
}

int
verdict_take_slot(const char *dir, const char *path, gid_t gid, int *ret_fd)
{
    struct slots slots = {.fd = {-1, -1, -1, -1}};
    CLEANUP_CLOSE int dir_fd =
        safefs_open_state_folder(dir, 0755, geteuid(), NULL);
    int r;

    if (dir_fd < 0)
        return dir_fd;
    r = verdict_boot_id(slots.boot, NULL);
    if (r < 0)
        return r;
    r = open_slots(dir_fd, path, gid, &slots);
    if (r == 0)
        r = enter(&slots, ret_fd);
    close_slots(&slots);
    return r;
}
