/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of the probes: how many may run, and what a reader learns.
 */
#include <errno.h>
#include <fcntl.h>

#include "tap.h"
#include "verdict.h"

#define PATH "/srv/huggingface"
#define GID 1234

static int
take(int *fd)
{
    return verdict_take_slot(tap_in_folder("run"), PATH, GID, fd);
}

static struct probe_state
ask(void)
{
    struct probe_state state;

    REQUIRE_INT(verdict_probe_state(tap_in_folder("run"), getuid(), PATH, GID,
                                    &state, NULL),
                0);
    return state;
}

/* Let the probe of a slot have begun `age_ms` ago. */
static void
backdate(unsigned slot, int64_t age_ms)
{
    char key[VERDICT_KEY_SIZE], name[64], note[200], *place;
    int fd;
    ssize_t length;

    verdict_key(PATH, GID, key);
    snprintf(name, sizeof(name), "run/%s.slot%u", key, slot);
    fd = open(tap_in_folder(name), O_RDWR);
    REQUIRE(fd >= 0);
    length = read(fd, note, sizeof(note) - 1);
    REQUIRE(length > 0);
    note[length] = '\0';
    place = strstr(note, "started=");
    REQUIRE(place != NULL);
    snprintf(place + 8, 21, "%020" PRId64, util_boottime_ms() - age_ms);
    place[28] = ' ';
    REQUIRE_INT(pwrite(fd, note, (size_t)length, 0), length);
    close(fd);
}

TEST("one probe at a time, until it ends")
{
    int fd = -1, second = -1;

    CHECK(ask().may_start);
    REQUIRE_INT(take(&fd), 0);
    CHECK_INT(ask().running, 1);
    CHECK(!ask().may_start);
    CHECK(ask().oldest_ms < 5000);
    CHECK_INT(take(&second), -EBUSY);
    close(fd);
    CHECK_INT(ask().running, 0);
    CHECK(ask().may_start);
    CHECK_INT(take(&second), 0);
}

TEST("a probe that hangs admits another after 10 s, then 60 s, then 600 s")
{
    static const int64_t waits_ms[] = {10000, 60000, 600000};
    int fd[VERDICT_SLOTS], none;

    for (unsigned i = 0; i < VERDICT_SLOTS; i++) {
        REQUIRE_INT(take(&fd[i]), 0);
        CHECK_INT(ask().running, i + 1);
        CHECK_INT(take(&none), -EBUSY);
        if (i == VERDICT_SLOTS - 1)
            break;
        for (unsigned j = 0; j < i; j++)
            backdate(j, 1000000);
        backdate(i, waits_ms[i] - 1000);
        CHECK(!ask().may_start);
        CHECK_INT(take(&none), -EBUSY);
        backdate(i, waits_ms[i] + 1);
        CHECK(ask().may_start);
    }
    backdate(VERDICT_SLOTS - 1, 100000000);
    CHECK(ask().oldest_ms >= 600000);
    CHECK(!ask().may_start);
    CHECK_INT(take(&none), -EBUSY);
}

TEST("what has not answered waits: who began after the verdict was taken")
{
    struct verdict verdict;
    struct probe_state state = ask();
    int fd[2];

    CHECK_INT(verdict_waiting_ms(&state, NULL), 0);
    REQUIRE_INT(take(&fd[0]), 0);
    backdate(0, 600000);
    REQUIRE_INT(take(&fd[1]), 0);
    backdate(1, 20000);
    state = ask();
    CHECK(verdict_waiting_ms(&state, NULL) >= 600000);
    verdict = (struct verdict){.taken_ms = state.began_ms[0] + 1};
    CHECK(verdict_waiting_ms(&state, &verdict) >= 20000);
    CHECK(verdict_waiting_ms(&state, &verdict) < 600000);
    verdict.taken_ms = state.began_ms[1] + 1;
    CHECK_INT(verdict_waiting_ms(&state, &verdict), 0);
}

TEST("a probe that was begun and answered in one millisecond does not wait")
{
    struct verdict verdict;
    struct probe_state state;
    int fd;

    REQUIRE_INT(take(&fd), 0);
    backdate(0, 60000);
    state = ask();
    verdict = (struct verdict){.taken_ms = state.began_ms[0]};
    CHECK_INT(verdict_waiting_ms(&state, &verdict), 0);
}

TEST("a probe that is killed frees its slot")
{
    int ready[2], fd;
    char byte;
    pid_t pid;

    REQUIRE_INT(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        if (take(&fd) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    REQUIRE_INT(read(ready[0], &byte, 1), 1);
    CHECK_INT(ask().running, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_INT(ask().running, 0);
}

TEST("of fifty probes at once one gets in")
{
    int start[2], result[2], won = 0;
    char byte;

    mkdir(tap_in_folder("run"), 0755);
    REQUIRE_INT(pipe(start), 0);
    REQUIRE_INT(pipe(result), 0);
    for (unsigned i = 0; i < 50; i++) {
        if (fork() == 0) {
            int fd = -1;

            close(start[1]);
            close(result[0]);
            if (read(start[0], &byte, 1) == 0 && take(&fd) == 0 &&
                write(result[1], "x", 1) == 1)
                sleep(2);
            _exit(0);
        }
    }
    close(start[1]);
    close(result[1]);
    while (read(result[0], &byte, 1) == 1)
        won++;
    CHECK_INT(won, 1);
}

TEST("asking disturbs no slot, and slot files are root's alone")
{
    struct stat st;
    char key[VERDICT_KEY_SIZE], name[64];
    int fd, second;

    REQUIRE_INT(take(&fd), 0);
    for (unsigned i = 0; i < 10; i++)
        ask();
    CHECK_INT(take(&second), -EBUSY);
    verdict_key(PATH, GID, key);
    snprintf(name, sizeof(name), "run/%s.slot0", key);
    REQUIRE_INT(stat(tap_in_folder(name), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
}

TEST("who has no right to the slots sees none running")
{
    int fd;

    if (getuid() != 0)
        SKIP("needs root to become another");
    REQUIRE_INT(take(&fd), 0);
    chmod(tap_folder(), 0755);
    REQUIRE_INT(setresuid(4001, 4001, 4001), 0);
    struct probe_state state;
    REQUIRE_INT(verdict_probe_state(tap_in_folder("run"), 0, PATH, GID, &state,
                                    NULL),
                0);
    CHECK_INT(state.running, 0);
}

TAP_MAIN
