#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A host of eight threads whose users share a primary group, which is among
# the host's own groups: glibc's setgroups changes every thread, so one user's
# session must not make the host, and with it all others, a member.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready
cc -O1 -pthread -o "$WORK/threads" "$SYSTEM/threads.c" -lpam ||
    skip_all "no compiler or no PAM headers"
groupadd team
TEAM=$(getent group team | cut -d: -f3)
names=()
for n in {1..8}; do
    useradd -m -s /bin/bash -g team "member$n"
    names+=("member$n")
done

run() {
    timeout 30 "$WORK/threads" "$TEAM" "${names[@]}"
}

check() { # NAME
    is "$(grep ^before <<< "$out")" "before: $TEAM" "$1: the host's own group"
    is "$(sed -n 's/^after/before/p' <<< "$out")" "before: $TEAM" \
        "$1: the same afterwards"
    is "$(grep -c 'setcred=0 open=0' <<< "$out")" 8 \
        "MUST 2.6.1: $1: eight logins succeed"
}

# Two groups to be in: the user's list is never the host's, no thread may add.
groupadd second
for name in "${names[@]}"; do
    usermod -aG second "$name"
done
policy <<< $'[cache]\nmembership = session\nunusable = export'
quietly hfcache enable --auth su
out=$(run)
check "session only"

policy <<< $'[cache]\npersist_deadline = 10s'
out=$(run)
check "lasting"
is "$(for name in "${names[@]}"; do in_etc_group "$name" && echo "$name"; done |
    wc -l)" 8 "all eight are in /etc/group"
for name in "${names[@]}"; do
    echo "token=/home/$name/.cache/huggingface/token"
done > "$WORK/tokens"
is "$(grep -o 'token=.*' <<< "$out" | sort)" "$(sort "$WORK/tokens")" \
    "each session has its own user's variables"
done_testing
