/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What holds for a whole run of mending, before the first inode; how one is
 * mended is tested by the mender's tests and by the attacks.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "mend.h"
#include "tap.h"

TEST("nothing is begun before it is known whether files may be mended")
{
    struct layout_rules rules = {.gid = 900, .mode = 02770};
    struct rlimit limit, none;
    struct mend mend;
    int root_fd;

    REQUIRE_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    root_fd = open("/", O_PATH | O_CLOEXEC);
    REQUIRE(root_fd >= 0);
    none = (struct rlimit){0, limit.rlim_max};
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_INT(mend_begin(&rules, root_fd, &mend), -EMFILE);
    REQUIRE_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_INT(mend_begin(&rules, root_fd, &mend), 0);
    close(root_fd);
}

TEST("what is said to be older than time itself is not young")
{
    struct mend mend = {.now = 1700000000};
    struct statx st = {.stx_mode = S_IFREG | 0600};

    st.stx_mtime.tv_sec = mend.now - MEND_YOUNG_SECONDS + 1;
    CHECK(mend_describe(&mend, &st).young);
    st.stx_mtime.tv_sec = mend.now - MEND_YOUNG_SECONDS;
    CHECK(!mend_describe(&mend, &st).young);
    st.stx_mtime.tv_sec = INT64_MIN; /* as anybody sets it in memory */
    CHECK(!mend_describe(&mend, &st).young);
}

TAP_MAIN
