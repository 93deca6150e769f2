#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Many at once: 50 first logins of 50 users, none of whom may be lost from the
# group; 50 first logins of one user, who needs one edit.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready
policy <<< $'[cache]\npersist_deadline = 60s' # one usermod after another
CROWD=50
for n in $(seq "$CROWD"); do
    echo "crowd$n:x:$((3000 + n)):$((3000 + n))::/home/crowd$n:/bin/sh"
done > "$WORK/passwd"
cat "$WORK/passwd" >> /etc/passwd
awk -F: '{ print $1 ":x:" $4 ":" }' "$WORK/passwd" >> /etc/group
awk -F: '{ print $1 ":!::" }' "$WORK/passwd" >> /etc/gshadow
awk -F: '{ print $1 ":*:20000:0:99999:7:::" }' "$WORK/passwd" >> /etc/shadow
for n in $(seq "$CROWD"); do
    install -d -o "crowd$n" -g "crowd$n" "/home/crowd$n"
    install -d -m 700 -o "crowd$n" -g "crowd$n" "/home/crowd$n/.ssh"
    install -o "crowd$n" -g "crowd$n" -m 600 "$KEYS/id.pub" \
        "/home/crowd$n/.ssh/authorized_keys"
done

# storm COMMAND: all at once, by COMMAND USER; results in $WORK/storm.N.
storm() {
    local n pids=()
    rm -f "$WORK"/storm.*
    for n in $(seq "$CROWD"); do
        "$1" "$2" "$n" > "$WORK/storm.$n" 2>&1 < /dev/null &
        pids+=($!)
    done
    for n in "${pids[@]}"; do
        wait "$n" || echo "exit $?" >> "$WORK/storm.failed"
    done
}

each_by_ssh() {
    by_ssh "crowd$2" 'id -Gn; echo "home=$HF_HOME"'
}

one_by_su() {
    su "crowd1" -s /bin/sh -c 'id -Gn; echo "home=$HF_HOME"'
}

no_state
mark_log
timed storm each_by_ssh -
is "$(cat "$WORK/storm.failed" 2>&1 | head -3)" \
    "cat: $WORK/storm.failed: No such file or directory" \
    "MUST 2.6.1: all $CROWD first logins succeed ($MS ms)"
is "$(grep -l "home=$CACHE" "$WORK"/storm.* | wc -l)" "$CROWD" \
    "all have the variables"
missing=$(for n in $(seq "$CROWD"); do
    in_etc_group "crowd$n" || echo "crowd$n"; done | xargs)
is "$missing" "" "none is lost from /etc/group"
is "$(grep -lw hf-users "$WORK"/storm.* | wc -l)" "$CROWD" \
    "all have the group in this very session"
is "$(find /run/hfcache -name '*.gate' | wc -l)" 1 "one verdict"
is "$(find /etc -maxdepth 1 -name 'group.lock' -o -maxdepth 1 -name \
    'group.[0-9]*')" "" "no lock of /etc/group is left"

gpasswd -d crowd1 hf-users > /dev/null
cp -p /usr/sbin/usermod /usr/sbin/usermod.real
install -m 755 /dev/stdin /usr/sbin/usermod <<'END'
#!/bin/bash
echo "$*" >> /run/usermod.runs
sleep 1 # so that all are there before the first has done
exec /usr/sbin/usermod.real "$@"
END
timed storm one_by_su -
nok "MUST 2.6.1: 50 logins of one user all succeed ($MS ms)" \
    test -e "$WORK/storm.failed"
is "$(grep -lw hf-users "$WORK"/storm.* | wc -l)" "$CROWD" \
    "all have the group"
ok "the membership lasts" in_etc_group crowd1
is "$(wc -l < /run/usermod.runs)" 1 "by one edit"
done_testing
