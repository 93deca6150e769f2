#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# memcheck sees: in a copy of the code one fault each is planted in the module,
# in the helper and in what that forks; each is reported, and is a failure.

cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}"
# shellcheck source=tests/analysis/plant.sh
. tests/analysis/plant.sh
[ "$(id -u)" -eq 0 ] || skip_all "needs root, for a mender of another user"
command -v valgrind > /dev/null || skip_all "valgrind is not installed"

copy_code tests/pam/drive
plant pam_hfcache.c pam_sm_close_session '(void)pamh;' '(void)!dup(0);'
plant hfcache_probe.c run_look 'CLEANUP_CLOSE' '(void)!dup(0);'
plant hfcache_probe.c run_join 'int r' '(void)!strdup("lost");'
plant mender.c work_as_user 'root_fd = ' "$OVER_READ"
build_copy

out=$(BUILD=$COPY/build "$COPY/tests/analysis/memcheck" \
    tests/pam/helper-{mends,joins,stack}.pam 2>&1)
is "$?" 1 "that is a failure"
by='[^)]*\)[ #]+by 0x[0-9A-F]+:'
reported "$out" "pam: all tests were run" \
    "Open file descriptor [^)]* dup \\($by pam_sm_close_session " \
    "Open file descriptor [^)]* dup \\($by run_look " \
    "strdup \\($by run_join " \
    "Invalid read [^)]* work_as_user "
done_testing
