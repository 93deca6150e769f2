#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The sanitizers see: in a copy of the code one fault each is planted in the
# module, in the helper, in what that forks and in hfcache; each is reported,
# and what was run on the private machine has failed.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
[ "$(id -u)" -eq 0 ] || skip_all "needs root, for a mount namespace"
[ -n "${SANITIZE-}" ] || skip_all "make sanitize runs it"

COPY=$(mktemp -d)
trap 'rm -rf "$COPY"' EXIT
mkdir -p "$COPY/build/tests"
cp -a Makefile conf tests pam_hfcache "$COPY"
cp -a "$BUILD"/{flags,libhfcache.a,man,pam_hfcache,pam_hfcache.so,hfcache} \
    "$BUILD/hfcache-probe" "$COPY/build"
cp -a "$BUILD/tests/sanitize" "$COPY/build/tests"

# plant FILE FUNCTION LINE CODE: in the function, before the line that so begins.
plant() {
    sed -i "/^$2(/,/^}/ s|^    $3|    $4\n&|" "$COPY/pam_hfcache/$1"
    nok "a fault is planted in $2()" \
        cmp -s "pam_hfcache/$1" "$COPY/pam_hfcache/$1"
}

OVER_READ='char *volatile byte = strdup("x"); if (byte[2]) return -1; free(byte);'
plant pam_hfcache.c pam_sm_open_session 'read_arguments' "$OVER_READ"
plant mender.c work_as_user 'root_fd = ' "$OVER_READ"
plant join.c join_run 'turn = ' 'for (int i = 0; i < 40; i++) r \&= 1 << i;'
plant cmd_policy.c cmd_policy 'policy_free' '(void)!strdup("lost");'

unset MAKEFLAGS MFLAGS MAKELEVEL
ok "the copy is built" make -s -C "$COPY" BUILD="$COPY/build" all
# shellcheck disable=SC2016
out=$("$COPY/tests/system/ns" --build "$COPY/build" bash -c '
    . "$SRC/tests/system/lib.sh"
    install_project
    quietly hfcache setup
    quietly hfcache enable su
    users alice bob
    usermod -aG hf-users alice
    install -d -m 755 -o alice -g alice "$CACHE/hub/models--a--b"
    "$@"' - bash -c '
    helper=/usr/local/libexec/hfcache-probe
    gid=$(getent group hf-users | cut -d: -f3)
    su alice -c true
    $helper join user=bob uid="$(id -u bob)" group=hf-users gid="$gid" how=usermod
    $helper look path=/srv/huggingface gid="$gid" mode=2770 acl=auto \
        uid="$(id -u alice)" pgid="$(id -g alice)" member=1 mend=1
    hfcache policy
    echo all were run' 2>&1)
rc=$?
like "$out" "all were run" "each planted fault is run"
is "$rc" 1 "which is a failure"
for where in "heap-buffer-overflow.* pam_sm_open_session " \
    "heap-buffer-overflow.* work_as_user " "runtime error.* join_run " \
    "detected memory leaks.* cmd_policy "; do
    ok "reported: $where" eval '[[ ${out//$'"'\n'"'/ } =~ $where ]]'
done
[ "$tap_failed" -eq 0 ] || diag "$(grep -vE '^ *(0x|=>|[A-Z].*: +f)' <<< "$out")"
done_testing
