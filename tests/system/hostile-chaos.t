#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A user who does to every process all that the kernel lets him, for as long as
# he and others log in: traces, limits, renices, stops, continues and kills his
# su, his sudo, his sshd and the mender that runs as him.  What others need,
# verdict, locks and membership, is as if he did not.  CHAOS_SECONDS: how long
# at least, and three times.

. "$(dirname "$(readlink -f "$0")")/hostile.sh"

build /usr/local/bin/chaos "$SYSTEM/chaos.c"
: "${CHAOS_SECONDS:=12}"
fresh=(fresh{1..3})
ready alice mallory other "${fresh[@]}"
install -d -m 700 /etc/sudoers.d
echo 'mallory ALL=(other) NOPASSWD: ALL' > /etc/sudoers.d/mallory
sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su # without his password
policy <<< $'[cache]\nfresh = 100ms'
know_healthy
by_ssh mallory true

# A repository that his every login wants to mend, so that a mender runs.
drift() {
    local away=/srv/away
    mkdir -p "$away/blobs"
    (cd "$away/blobs" && for n in {1..300}; do echo x > "b$n"; done)
    chown -R mallory:mallory "$away"
    chmod -R u=rwX,g=rX,o= "$away"
    mv "$away" "$CACHE/hub/models--m--$1"
}

no_helper() {
    ! pgrep -x hfcache-probe > /dev/null && ! pgrep -x usermod > /dev/null
}

# All the ways in which he can have something of ours run.
mallory_logs_in() {
    local n
    for n in 1 2 3; do
        timeout 15 ssh "${SSH_ARGS[@]}" -o BatchMode=yes -i "$KEYS/id" \
            mallory@127.0.0.1 'sleep 0.2' &
        as_mallory 'sudo -n -u other true & su other -s /bin/true & wait' &
    done < /dev/null > /dev/null 2>&1
}

# Under load none of his may come to run su before it is killed: one waits for it.
as_mallory "exec su other -s /bin/sh -c 'exec sleep 1000'" &
wait_for 5 pgrep -u other -x sleep > /dev/null
as_mallory "exec setsid chaos" > "$WORK/chaos" &
chaos=$!
round=0 begun=$SECONDS
while [ "$round" -lt 3 ] || [ $((SECONDS - begun)) -lt "$CHAOS_SECONDS" ]; do
    round=$((round + 1))
    drift "$round"
    [ $((round % 2)) = 0 ] || no_state
    mallory_logs_in
    others_log_in "round $round"
    name=${fresh[round - 1]-}
    [ -z "$name" ] || like "$(by_ssh "$name" id -Gn)" hf-users \
        "round $round: another's first login makes him a member"
done
pkill -TERM -x chaos
wait "$chaos"
diag "$round rounds"
diag_stream < "$WORK/chaos"

# allowed COMM CALLS: what he could do to such a process.
allowed() {
    grep -E "^$1 ($2) " "$WORK/chaos"
}
isnt "$(allowed su signal)" "" "he could signal su"
is "$(allowed hfcache-probe 'trace|memory|environ|descriptors|take')" "" \
    "MUST 2.6.5: he looks into no helper, and takes nothing of it"
is "$(allowed 'usermod' '.*')" "" \
    "MUST 2.6.5: and has no power over usermod"

pkill -KILL -u mallory # of this machine of ours, where all are his
others_log_in "afterwards"
ok "the state is whole" gate_intact
is "$(find /etc -maxdepth 1 -name 'group.lock' -o -maxdepth 1 \
    -name 'passwd.lock' -o -maxdepth 1 -name 'group.[0-9]*')" "" \
    "no lock of /etc/group is left"
ok "no helper is left" wait_for 60 no_helper
is "$(ps ax -o stat=,comm= | grep -E '^[TZ].*(hfcache|usermod)')" "" \
    "nor one that is stopped or nobody's"

# His own drift was his own loss, and is not for good: what his menders could not
# open under the limits that he gave them, no later look at the folder shows.
by_ssh mallory true
ok "his own mender ends" wait_for 20 no_helper
as_mallory "hfcache repair --all" > "$WORK/out" 2>&1
# A folder that came to be shared before its files is his word against that of
# who may have moved them in: repair says what to type.
sed -nE 's,^.*  (hub/models--m--[^ ]*)  may have been moved in .*: chgrp by hand$,\1,p' \
    "$WORK/out" > "$WORK/by-hand"
diag "$(wc -l < "$WORK/by-hand") by hand"
as_mallory "cd $CACHE && xargs -r chgrp hf-users" < "$WORK/by-hand"
is "$(find "$CACHE/hub" -path '*models--m--*' ! -group hf-users | head -3)" "" \
    "and his own repair, and what it says, leave none of his drift" ||
    diag_stream < "$WORK/out"
done_testing
