#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A file server that takes every request and never answers: stat(2) on it
# waits for ever and no signal ends it.  Logins go on, within the deadline,
# and see the cache again as soon as the server answers.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The processes that login programs have below them, but users' own.
no_probe_below() { # PID
    local child
    for child in $(pgrep -P "$1"); do
        [ "$(cat "/proc/$child/comm")" != hfcache-probe ] || return 1
    done
}

ready alice bob
policy <<< $'[cache]\ndeadline = 300ms'
for user in alice bob; do
    by_ssh "$user" true
done
timed by_ssh alice true
HEALTHY=$MS
mv "$CACHE" /srv/backing
mkdir "$CACHE"
server=$("$SYSTEM/fuse-server" --hang /srv/backing "$CACHE")
no_state

# --- nothing is known of it -------------------------------------------------

mark_log
timed by_ssh alice "$LOOK" > "$WORK/out"
is "$?" 0 "MUST 2.6.1: a dead file server, sshd: the login succeeds"
ok "MUST 2.6.2: within deadline + 0.5 s ($MS ms, healthy $HEALTHY ms)" \
    within $((HEALTHY + 800))
like "$(cat "$WORK/out")" 'HF_HOME=' "nothing known: variables set"
wait_for 2 new_log_has " user=alice "
like "$(field alice state)" '^(slow|unknown)$' "the log says slow or unknown"
is "$(probes)" 1 "one probe waits for the server"

policy <<< $'[cache]\ndeadline = 30s' # who waits now is found out
timed by_ssh bob true
ok "the second login at once ($MS ms)" within 15000
timed by_su bob true
ok "su at once ($MS ms)" within 15000
for _ in {1..20}; do
    by_su alice true
done
is "$(probes)" 1 "twenty logins later: still one probe"
ok "sshd has no child of ours" no_probe_below "$(cat /run/sshd.pid)"
is "$(ps ax -o stat=,comm= | grep -c '^Z.*hfcache')" 0 "and no zombie"

for command in "status" "explain alice" "env alice" "policy"; do
    # shellcheck disable=SC2086
    timed timeout -s KILL 5 hfcache $command > "$WORK/out" 2>&1
    ok "hfcache $command does not wait for it ($MS ms)" within 500
done

timed by_login alice "$LOOK" > "$WORK/out"
like "$(cat "$WORK/out")" 'HF_HOME=/srv' "login -f goes on"
ok "and does not wait ($MS ms)" within 15000
by_cron bob 'true'
start_cron
ok "a cron job runs" wait_for 5 test -e /tmp/cron.bob.done

# --- after ten seconds it is hung -------------------------------------------

oldest=$(ps -C hfcache-probe -o etimes= --sort=-etimes | head -1)
sleep $((oldest < 11 ? 11 - oldest : 0))
policy <<< $'[cache]\ndeadline = 300ms'
mark_log
timed by_su alice "$LOOK" > "$WORK/out"
is_field alice state hung "after ten seconds: state hung"
unlike "$(cat "$WORK/out")" HF_HOME "hung: variables left out"
for _ in {1..20}; do
    by_su alice true
done
ok "hung: at most four probes, ever" [ "$(probes)" -le 4 ]
policy <<< $'[cache]\ndeadline = 30s'
timed by_ssh bob true
ok "hung: the next login at once ($MS ms)" within 15000
like "$(by_terminal bob true)" 'hfcache: .*not answered' \
    "hung: said on a terminal"

# --- it answers again -------------------------------------------------------

kill -USR1 "$server"
ok "healed: the waiting probes end" wait_for 5 no_helper
mark_log
like "$(by_su alice "$LOOK")" 'HF_HOME=' "healed: variables set"
is_field alice state usable "healed: state usable"

# --- a verdict is known, then it hangs --------------------------------------

policy <<< $'[cache]\nfresh = 0s\ndeadline = 500ms'
by_su alice true
wait_for 5 no_helper
kill -USR2 "$server"
mark_log
timed by_su alice "$LOOK" > "$WORK/out"
is_field alice state slow "known good, then hanging: state slow"
like "$(cat "$WORK/out")" 'HF_HOME=' "slow: as the last verdict, variables set"
ok "MUST 2.6.2: the policy's own deadline, 500 ms ($MS ms)" \
    within 1000 450
policy <<< $'[cache]\nfresh = 0s\ndeadline = 30s'
timed by_su alice true
ok "slow: the second login at once ($MS ms)" within 15000

# --- the server dies --------------------------------------------------------

kill -KILL "$server"
wait_for 5 no_helper
mark_log
by_su alice "$LOOK" > "$WORK/out"
is_field alice state error "dead and gone: state error"
unlike "$(cat "$WORK/out")" HF_HOME "error: variables left out"

# --- it hangs below the gate, and then all of it ----------------------------

# aged SECONDS: what is noted of looks was noted so much earlier.
aged() {
    python3 -I -c 'import re, sys
for name in sys.argv[2:]:
    with open(name, "r+b") as file:
        text = re.sub(rb"(started|taken)=([0-9]+)", lambda m: b"%s=%0*d" % (
            m[1], len(m[2]) if m[1] == b"started" else 0,
            int(m[2]) - 1000 * int(sys.argv[1])), file.read())
        file.seek(0)
        file.write(text)
        file.truncate()' "$1" /run/hfcache/*.slot? /run/hfcache/*.gate
}

umount "$CACHE"
held=$WORK/held
server=$("$SYSTEM/fuse-server" --well --hang --calls=opendir '--at=/hub$' \
    "--held=$held" /srv/backing "$CACHE")
no_state
mkdir /srv/backing/hub/models--hers
chown alice:alice /srv/backing/hub/models--hers
policy <<< $'[cache]\nrepair = off'
by_su alice true
wait_for 5 no_helper
kill -USR2 "$server"
policy <<< $'[cache]\nfresh = 1s'
aged 700
mark_log
by_su alice true
is_field alice state usable "hub/ cannot be listed: the gate answers all the same"
is_field alice action mend "what is to be mended is known"
ok "and that look waits below" wait_for 5 test -e "$held"
one_probe() { [ "$(probes)" -eq 1 ]; }
for _ in 1 2 3 4 5; do
    aged 700
    mark_log
    by_su alice true
done
is_field alice action none "where an earlier look waits, a later one mends nothing"
ok "later ones look at the gate, and do not wait with it" wait_for 5 one_probe
aged 60
kill -STOP "$server"
mark_log
by_su alice true
is_field alice state slow "nothing answers any more: state slow"
aged 11
mark_log
unlike "$(by_su alice "$LOOK")" HF_HOME "for ten seconds: variables left out"
is_field alice state hung "that an earlier look waits hides no hung one"
like "$(hfcache status)" 'state +hung' "nor from hfcache status"
kill -CONT "$server"
answers() {
    mark_log
    by_su alice true
    wait_for 2 new_log_has ' user=alice '
    [ "$(field alice state)" = usable ]
}
ok "it answers again: state usable" wait_for 5 answers
ok "though one look still waits below" wait_for 5 one_probe
kill -KILL "$server"
rmdir /srv/backing/hub/models--hers

# --- what a look saw long ago is not said of what is there now ---------------

wait_for 5 no_helper
umount "$CACHE"
rm "$held"
mkdir /srv/backing/hub/models--late
chmod 700 /srv/backing/hub/.locks
server=$("$SYSTEM/fuse-server" --hang --calls=lookup --at=/hub/models--late \
    "--held=$held" /srv/backing "$CACHE")
no_state
policy <<< $'[cache]\nfresh = 1h'
mark_log
by_su alice true
is_field alice state closed "a lock folder that is closed: state closed"
ok "and that look waits below" wait_for 5 test -e "$held"
chmod 2770 /srv/backing/hub/.locks # as setup does, which would wait, too
rm /run/hfcache/*.gate
kill -USR1 "$server"
ok "the look that waited ends" wait_for 5 no_helper
mark_log
like "$(by_su alice "$LOOK")" HF_HOME= "and does not bring back what setup mended"
is_field alice state usable "state usable"
kill -KILL "$server"
done_testing
