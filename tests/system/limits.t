#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# MUST 2.6.1, "whatever state memory and kernel are in": su with little
# memory, few descriptors, no stack to speak of; and with system calls that
# fail, one after the other.  Where su succeeds without the module it has to
# succeed with it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

install_project
quietly hfcache setup
users alice bob
usermod -aG hf-users alice

# --- limits -----------------------------------------------------------------

limits() {
    local n
    for n in $(seq 4000000 1000000 40000000); do
        echo "--as=$n"
    done
    for n in $(seq 3 16); do
        echo "--nofile=$n"
    done
    for n in 16384 65536 131072 262144 1048576; do
        echo "--stack=$n"
        echo "--data=$n"
    done
    echo "--fsize=0"
    echo "--memlock=0"
    echo "--sigpending=0"
    echo "--nproc=1"
}

passing() { # prints the limits under which su succeeds
    local limit
    for limit in $(limits); do
        rm -rf /run/hfcache
        timeout 20 prlimit "$limit" su alice -s /bin/true \
            > /dev/null 2>&1 && echo "$limit"
    done
}

without=$(passing)
quietly hfcache enable su
with=$(passing)
succeeds=$(wc -l <<< "$without")
isnt "$succeeds" "$(limits | wc -l)" "some limits are too low for su itself"
ok "su without the module succeeds under $succeeds of them" \
    [ "$succeeds" -gt 20 ]
is "$(comm -23 <(sort <<< "$without") <(sort <<< "$with"))" "" \
    "MUST 2.6.1: with it, under each of these"
no_state

# --- system calls that fail -------------------------------------------------

strace -qq -o /dev/null true 2> /dev/null || {
    skip "strace may not trace here" "system calls that fail"
    done_testing
}

# failing NAME STRACE-ARG...: bob, who is no member yet, by su.
failing() {
    local name=$1
    shift
    gpasswd -d bob hf-users > /dev/null 2>&1
    timed timeout 20 strace -qq -o "$WORK/trace" "$@" \
        su bob -s /bin/true > "$WORK/out" 2>&1
    is "$?" 0 "MUST 2.6.1: $name: the login succeeds" ||
        diag "$(tail -n 3 "$WORK/out")"
    ok "$name: it did fail" grep -q INJECTED "$WORK/trace"
}

OPENING=openat,open,read,fstat,newfstatat,statx
for error in EIO ENOMEM EACCES EMFILE EINTR ENOSYS; do
    failing "the policy: $error" -P "$POLICY" -P "$POLICY.d" \
        -e "inject=$OPENING,getdents64:error=$error"
done
by_su alice true # so that there is a verdict
GATE=$(echo /run/hfcache/*.gate)
for error in EIO ENOMEM EACCES EINTR; do
    failing "the verdict: $error" -P /run/hfcache -P "$GATE" \
        -e "inject=$OPENING:error=$error"
done
for error in EAGAIN ENOMEM EPERM ENOSYS; do
    no_state
    failing "starting the helper: $error" \
        -e "inject=clone,clone3,vfork:error=$error:when=1"
    no_state
    failing "a pipe for it: $error" -e "inject=pipe2,pipe:error=$error:when=1"
    failing "joining the group: $error" \
        -e "inject=setgroups:error=$error:when=2"
done
no_state
failing "waiting for it: EINTR" -e inject=poll,ppoll:error=EINTR:when=1
done_testing
