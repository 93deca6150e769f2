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
groupadd second
names=()
for n in {1..8}; do
    useradd -m -s /bin/bash -g team "member$n"
    names+=("member$n")
done
GROUPS_OF_HOST=0,$(getent group team | cut -d: -f3)
SECOND=$(getent group second | cut -d: -f3)

run() {
    out=$(setpriv --groups "$GROUPS_OF_HOST" timeout 30 "$WORK/threads" \
        "${names[@]}")
}

check() { # NAME
    is "$(grep ^before <<< "$out")" "before: ${GROUPS_OF_HOST//,/ }" \
        "$1: the host's own groups"
    is "$(sed -n 's/^after/before/p' <<< "$out")" \
        "$(grep ^before <<< "$out")" "$1: the same afterwards"
    is "$(grep -c 'setcred=0 open=0' <<< "$out")" 8 \
        "MUST 2.6.1: $1: eight logins succeed"
}

# All groups of each user are among the host's, and one that is not theirs.
policy <<< $'[cache]\nmembership = session\nunusable = export'
quietly hfcache enable --auth su
run
check "session only, one shared group"
for name in "${names[@]}"; do
    usermod -aG second "$name"
done
run
check "session only, a group of theirs that the host has not"
GROUPS_OF_HOST=$GROUPS_OF_HOST,$SECOND
run
check "session only, two shared groups"

policy <<< $'[cache]\npersist_deadline = 10s'
run
check "lasting"
is "$(for name in "${names[@]}"; do in_etc_group "$name" && echo "$name"; done |
    wc -l)" 8 "all eight are in /etc/group"
for name in "${names[@]}"; do
    echo "token=/home/$name/.cache/huggingface/token"
done > "$WORK/tokens"
is "$(grep -o 'token=.*' <<< "$out" | sort)" "$(sort "$WORK/tokens")" \
    "each session has its own user's variables"
done_testing
