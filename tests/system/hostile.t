#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A user who stops and limits what he can of his own su and sudo while others
# log in.  He may signal a set-user-id program that he started at any moment;
# whatever it holds then, others must not have to wait for.

. "$(dirname "$(readlink -f "$0")")/hostile.sh"

ready alice mallory other
install -d -m 700 /etc/sudoers.d
echo 'mallory ALL=(other) NOPASSWD: ALL' > /etc/sudoers.d/mallory
know_healthy

# Eight sudos, then everything of mallory's that he may signal is stopped.
stop_after() { # DELAY-MS
    rm -f "$WORK/stopped"
    as_mallory "
        for n in 1 2 3 4 5 6 7 8; do
            sudo -n -u other true < /dev/null > /dev/null 2>&1 &
        done
        sleep $(seconds "$1")
        kill -STOP -1 2> /dev/null
        echo stopped" > "$WORK/stopped" 2> /dev/null &
    wait_for 5 test -s "$WORK/stopped"
}

# --- stopped ----------------------------------------------------------------

stopped=0
for delay in $(moments "sudo -n -u other true"); do
    no_state
    stop_after "$delay"
    stopped=$((stopped + $(ps ax -o stat=,comm= | grep -cE '^T.* sudo$')))
    timed by_ssh alice true
    within $((HEALTHY + 800)) || { echo "$delay: $MS ms"; }
    ps ax -o stat=,comm= | grep -E '^T.*(hfcache|usermod)'
    pkill -KILL -u mallory
    pkill -KILL -x sudo
done > "$WORK/late" 2>&1
is "$(cat "$WORK/late")" "" \
    "MUST 2.6.5: sudo stopped at many moments: nobody waits, no helper is stopped"
ok "sudo was indeed stopped ($stopped times)" [ "$stopped" -ge 16 ]

no_state
stop_after "$((delay / 2))"
others_log_in "sudo stopped"
pkill -KILL -u mallory

# --- limited ----------------------------------------------------------------

for limit in "-f 0" "-n 12" "-u 8" "-t 1" "-v 60000" "-s 64" "-l 0" "-i 0"; do
    no_state
    as_mallory "ulimit $limit; sudo -n -u other true; sudo -n -u other true" \
        < /dev/null > /dev/null 2>&1
    others_log_in "sudo under ulimit $limit"
    ok "sudo under ulimit $limit: the state is whole" gate_intact
done

# --- environment, descriptors, working folder -------------------------------

no_state
install -d -o mallory "/home/mallory/trap"
as_mallory 'cd ~/trap
    export LD_PRELOAD=/home/mallory/evil.so HFCACHE_HELPER=/home/mallory/evil
    export TMPDIR=/home/mallory/trap HF_HOME=/home/mallory/hf
    exec 3< /etc/passwd 4> ~/trap/out
    umask 000
    sudo -n -u other true' < /dev/null > "$WORK/out" 2>&1
others_log_in "a sudo with an environment of his own"
ok "the state is whole, whatever his umask" gate_intact
is "$(find /home/mallory/trap -type f -size +0)" "" "nothing in his folder"
is "$(find /run/hfcache -perm /022 ! -type l)" "" \
    "nothing in /run/hfcache that others can write"
done_testing
