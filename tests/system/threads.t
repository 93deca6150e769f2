#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A host of eight threads whose users share a primary group, which is among
# the host's own groups: glibc's setgroups changes every thread, so one user's
# session must not make the host, and with it all others, a member.  The module
# loaded and unloaded a thousand times leaves nothing in its host; and the
# thread sanitizer finds no race.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready
build "$WORK/threads" -pthread "$SYSTEM/threads.c" -lpam
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

# told WHEN WHAT: a line that `threads` prints.
told() {
    sed -n "s/^$1 $2: //p" <<< "$out"
}

check() { # NAME
    is "$(told before groups)" "${GROUPS_OF_HOST//,/ }" \
        "$1: the host's own groups"
    is "$(told after groups)" "$(told before groups)" \
        "$1: the same afterwards"
    is "$(grep -c ' failed=0 ' <<< "$out")" 8 \
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

# --- again and again ---------------------------------------------------------

# left NAME LEAST-HEAP: nothing of the module is left in its host but what the
# C library keeps, which does not grow with the sessions.
left() {
    local what
    for what in descriptors tasks groups; do
        is "$(told after "$what")" "$(told before "$what")" \
            "MUST 2.6.3: $1: the same $what"
    done
    ok "MUST 2.6.3: $1: no heap ($(told before heap) to $(told after heap))" \
        [ "$(told after heap)" -lt "$(($(told before heap) + 16384))" ]
    ok "MUST 2.6.3: $1: no mapping ($(told before mappings) to $(told after mappings))" \
        [ "$(told after mappings)" -lt "$(($(told before mappings) + 40))" ]
}

policy <<< $'[cache]\nfresh = 1ms\ndeadline = 2s' # a helper each time
no_state
out=$(timeout 120 "$WORK/threads" -n 500 member1)
like "$out" "member1 failed=0 token=/home" "loaded and unloaded 500 times"
left "500 sessions one after the other"
out=$(timeout 120 "$WORK/threads" -n 60 "${names[@]}")
is "$(grep -c ' failed=0 ' <<< "$out")" 8 "by eight threads, 60 times each"
left "480 sessions by eight threads"
is "$(ps ax -o stat=,comm= | grep -c '^Z')" 0 "no zombie is left"

# --- the thread sanitizer ----------------------------------------------------

# Only the module and the host are built with it, and nothing else is looked at:
# libaudit, which libpam uses, has races of its own.  The sanitizer takes each
# clone() for a fork, which CLONE_VM is not: it must not see that call.
tsan_build() {
    make -s -C "$SRC" BUILD="$BUILD/tsan" OPTIMISE="-O1 -g" \
        CPPFLAGS=-Dclone=__clone SANITIZE=-fsanitize=thread \
        "$BUILD/tsan/pam_hfcache.so" || exit 1
    build "$WORK/tsan" -g -pthread -fsanitize=thread "$SYSTEM/threads.c" -lpam
}

run_tsan() { # ROUNDS
    out=$(setpriv --groups "$GROUPS_OF_HOST" timeout 120 \
        env TSAN_OPTIONS="exitcode=66 ignore_noninstrumented_modules=1" \
        "$WORK/tsan" -s tsan -n "$1" "${names[@]}" 2> "$WORK/report")
}

if ! builds -pthread -fsanitize=thread <<< 'int main(void) { return 0; }'; then
    diag_stream < "$WORK/quiet"
    skip "no thread sanitizer to be had" "no race between eight sessions"
    done_testing
fi
tsan_build
sed "s|pam_hfcache.so|$BUILD/tsan/pam_hfcache.so|" /etc/pam.d/su > /etc/pam.d/tsan
for name in "${names[@]}"; do
    forget "$name"
done
no_state
run_tsan 1
is "$?" 0 "thread sanitizer: eight first sessions at once"
is "$(head -40 "$WORK/report")" "" "thread sanitizer: no race"
is "$(grep -c ' failed=0 ' <<< "$out")" 8 "thread sanitizer: all succeed"
run_tsan 20
is "$?" 0 "thread sanitizer: loaded and unloaded meanwhile"
is "$(head -40 "$WORK/report")" "" "thread sanitizer: no race then"
done_testing
