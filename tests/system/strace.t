#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# No system call of a login process names a path of the cache, nor uses a
# descriptor that was opened there: traced are sshd, su and pamtester, with
# and without a verdict, while the probe they start is seen to look.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice

# Lines of a trace that take a name in the cache or a descriptor opened there,
# for processes that have not become the helper.  Data (what is written to the
# log, read from the policy) is not looked at: strace prints none of it.
TRACE=(strace -f -y -s 0 -qq -e "trace=all" -e "signal=none")

split_trace() { # FILE: prints "login LINE" or "probe LINE"
    awk '
        / execve\("[^"]*hfcache-probe"/ { probe[$1] = 1 }
        { print ($1 in probe ? "probe" : "login"), $0 }
    ' "$1"
}

# With -s 0 all strings but file names are cut to nothing.
names_cache() { # WHO FILE
    split_trace "$2" | grep "^$1 " | grep -E "\"${CACHE}[\"/]|<${CACHE}[>/]"
}

strace_works() {
    strace -qq -o "$WORK/try" true 2> /dev/null
}
strace_works || skip_all "strace may not trace here"

# --- the check itself can fail ----------------------------------------------

"${TRACE[@]}" -o "$WORK/trace" bash -c "[ -d $CACHE ]; cd $CACHE && ls" \
    > /dev/null
isnt "$(names_cache login "$WORK/trace" | head -2 | wc -l)" 0 \
    "a process that touches the cache is found out"

# --- su, pamtester ----------------------------------------------------------

traced() { # NAME COMMAND...
    local name=$1
    shift
    "${TRACE[@]}" -o "$WORK/trace" "$@" > "$WORK/out" 2>&1
    is "$?" 0 "$name: the login succeeds"
    ok "$name: it is traced, and reads the policy or looks for it" \
        grep -q "\"$POLICY\"" "$WORK/trace"
    is "$(names_cache login "$WORK/trace" | head -3)" "" \
        "$name: no system call names a path of the cache"
}

no_state
traced "su, first login, no verdict" su alice -c true
isnt "$(names_cache probe "$WORK/trace" | head -1)" "" \
    "su: the probe, another process, does look"
is "$(grep -c ' prctl(PR_GET_CHILD_SUBREAPER' "$WORK/trace")" 1 \
    "su: whether it may start helpers is asked once, of them all"
traced "su, verdict fresh" su alice -c true
nok "su, verdict fresh: no helper is started" \
    grep -q 'execve.*hfcache-probe' "$WORK/trace"
no_state
traced "pamtester, no verdict" pamtester su alice \
    'setcred(PAM_ESTABLISH_CRED)' open_session close_session
mv "$CACHE" /srv/away
no_state
traced "su, cache absent" su alice -c true
mv /srv/away "$CACHE"

# --- sshd -------------------------------------------------------------------

trace_sshd() {
    "${TRACE[@]}" -o "$WORK/trace" -p "$(cat /run/sshd.pid)" &
    tracer=$!
    wait_for 5 grep -q '^TracerPid:.[1-9]' "/proc/$(cat /run/sshd.pid)/status"
    by_ssh alice true
    rc=$?
    wait_for 5 eval '! pgrep -P "$(cat /run/sshd.pid)" > /dev/null'
    kill "$tracer"
    wait "$tracer" 2> /dev/null
    return "$rc"
}

no_state
for state in "no verdict" "verdict fresh"; do
    ok "sshd, $state: the login succeeds" trace_sshd
    ok "sshd: it is traced, and reads the policy or looks for it" \
        grep -q "\"$POLICY\"" "$WORK/trace"
    is "$(names_cache login "$WORK/trace" | head -3)" "" \
        "sshd, $state: no system call names a path of the cache"
done
done_testing
