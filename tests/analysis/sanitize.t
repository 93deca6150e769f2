#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The sanitizers see: in a copy of the code one fault each is planted in the
# module, in the helper, in what that forks and in hfcache; each is reported,
# and what was run on the private machine has failed.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/analysis/plant.sh
. tests/analysis/plant.sh
[ "$(id -u)" -eq 0 ] || skip_all "needs root, for a mount namespace"
[ -n "${SANITIZE-}" ] || skip_all "make sanitize runs it"

copy_code tests/analysis/sanitize.so
plant pam_hfcache.c pam_sm_open_session 'read_arguments' "$OVER_READ"
plant mender.c work_as_user 'root_fd = ' "$OVER_READ"
plant join.c join_run 'turn = ' 'for (int i = 0; i < 40; i++) r \&= 1 << i;'
plant cmd_policy.c cmd_policy 'policy_free' '(void)!strdup("lost");'

build_copy
# shellcheck disable=SC2016
out=$("$COPY/tests/system/ns" --build "$COPY/build" bash -c '
    . "$SRC/tests/system/lib.sh"
    install_project
    quietly hfcache setup
    quietly hfcache enable su
    users alice bob
    usermod -aG hf-users alice
    install -d -m 755 -o alice -g alice "$CACHE/hub/models--a--b"
    helper=/usr/local/libexec/hfcache-probe
    gid=$(getent group hf-users | cut -d: -f3)
    su alice -c true
    $helper join user=bob uid="$(id -u bob)" group=hf-users gid="$gid" how=usermod
    $helper look path=/srv/huggingface gid="$gid" mode=2770 acl=auto \
        uid="$(id -u alice)" pgid="$(id -g alice)" member=1 mend=1
    hfcache policy
    echo all were run' 2>&1)
is "$?" 1 "that is a failure"
reported "$out" "all were run" "ns: the sanitizers report" \
    "heap-buffer-overflow [^=]* pam_sm_open_session " \
    "heap-buffer-overflow [^=]* work_as_user " \
    "runtime error: left shift [^=]* join_run " \
    "detected memory leaks [^=]* cmd_policy "
done_testing
