#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A user races his own repositories, from two processes, while he and others log
# in by a real sshd and menders run as him: renames, links, FIFOs, hard links at
# every depth, in and out of the cache.  Nothing of anybody else's changes, and
# what others are told of the cache stays right.  RACE_SECONDS: how long.

. "$(dirname "$(readlink -f "$0")")/hostile.sh"

: "${RACE_SECONDS:=10}"
ready alice mallory
install -m 755 "$SYSTEM/racer" /usr/local/bin/racer
policy <<< $'[cache]\nfresh = 1ms\ndeadline = 1s'
know_healthy
by_ssh mallory true

# --- what must stay as it is ---------------------------------------------------

install -d -o alice -g alice -m 750 /home/alice/private /srv/alice
for place in /home/alice/private /srv/alice; do
    install -o alice -g alice -m 640 /dev/null "$place/file"
    echo private > "$place/file"
done
install -d -o root -m 700 /srv/roots
install -o root -m 600 /dev/null /srv/roots/file
ALICES=$CACHE/hub/models--alice--model
install -d -o alice -g hf-users -m 2770 "$ALICES" "$ALICES/blobs"
setfacl -d -m u::rwx,g::rwx,o::--- "$ALICES" "$ALICES/blobs"
install -o alice -g hf-users -m 640 /dev/null "$ALICES/blobs/b0"
BAIT=$ALICES/blobs/bait # may be renamed by members, and is open to none of them
install -o alice -g alice -m 640 /dev/null "$BAIT"
echo private > "$BAIT"
install -d -o mallory -m 2770 /srv/mallory

# Where members write, he may add and remove names: there their times tell nothing.
witness() {
    find /home/alice/private /srv/alice /srv/roots "$ALICES/blobs/b0" \
        /etc/passwd /etc/shadow /etc/group /etc/security /root/keys \
        -printf '%p %y %m %u %g %n %s %C@\n' | sort
    find "$CACHE/hub" -name bait -printf '%f %m %u %g %n %s\n'
    stat -c '%n %a %u %g' "$CACHE" "$CACHE/hub" "$CACHE/hub/.locks" \
        "$ALICES" "$ALICES/blobs"
    getfacl -pc "$CACHE" "$CACHE/hub" "$CACHE/hub/.locks" "$ALICES"
}
witness > "$WORK/before"

# --- the race -------------------------------------------------------------------

race() { # NUMBER
    as_mallory "exec setsid racer $RACE_SECONDS $CACHE/hub /srv/mallory $BAIT \
        /home/alice/private /srv/alice/file /etc/shadow /srv/roots \
        $ALICES/blobs/b0 $CACHE/hub/.locks .." > "$WORK/rounds.$1" &
}

mark_log
race 1
racer=$!
race 2
logins=0
while kill -0 "$racer" 2> /dev/null; do
    by_ssh mallory true || echo "mallory: exit $?" >> "$WORK/late"
    timed by_ssh alice true || echo "alice: exit $?" >> "$WORK/late"
    within $((HEALTHY + 1500)) || echo "alice: $MS ms" >> "$WORK/late"
    logins=$((logins + 1))
done
wait
is "$(cat "$WORK/late" 2> /dev/null)" "" \
    "MUST 2.6.5: all logins succeed in time, his and hers ($logins)"
is "$(new_log | grep ' user=alice ' | grep -vc ' state=usable ')" 0 \
    "MUST 2.6.5: each of hers sees the cache"
mends=$(new_log | grep ' user=mallory ' | grep -c ' action=[a-z+]*mend')
rounds=$(awk '{ n += $1 } END { print n + 0 }' "$WORK"/rounds.*)
ok "menders ran in this race ($mends; $rounds rounds)" [ "$mends" -ge 1 ]
ok "and came to an end" wait_for 70 no_helper
is "$(witness | diff "$WORK/before" -)" "" \
    "MUST 2.5: nothing of anybody else's has changed"
others_log_in "afterwards"
ok "the state is whole" gate_intact

# --- what is right is told -------------------------------------------------------

# By whatever he did, her own drift is seen and mended by her next login.
chmod 0755 "$ALICES"
by_ssh alice true
wait_for 10 no_helper
is "$(stat -c '%a %U %G' "$ALICES")" "2775 alice hf-users" \
    "her drift is found and mended"
done_testing
