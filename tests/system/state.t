#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# MUST 2.6.4: state files are believed only as root's own, whole, of this
# boot; and whatever is planted, full or unwritable in /run/hfcache, the login
# succeeds and looks anew.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

STATE=/run/hfcache
ready alice mallory
policy <<< $'[cache]\nfresh = 1h'
by_ssh alice true

# A verdict that lies: taken while the cache was away.
mv "$CACHE" /srv/away
no_state
by_su alice true
GATE=$(echo "$STATE"/*.gate)
ok "there is a verdict" test -f "$GATE"
is "$(stat -c '%a %u %h' "$STATE" "$GATE" | xargs)" \
    "755 0 $(stat -c %h "$STATE") 644 0 1" "its folder 0755, itself 0644"
cp -p "$GATE" "$WORK/lie"
mv /srv/away "$CACHE"

believes() { # prints the state that alice's login sees
    mark_log
    by_su alice true || { echo "login failed"; return; }
    wait_for 2 new_log_has ' user=alice '
    field alice state
}

lie() {
    rm -rf "$STATE"
    install -d -m 755 "$STATE"
    cp -p "$WORK/lie" "$GATE"
}

lie
is "$(believes)" absent "the lie as root wrote it is believed (control)"

# disbelieved NAME COMMAND: after COMMAND, the same lie is not.
disbelieved() {
    local name=$1
    shift
    lie
    eval "$*"
    is "$(believes)" usable "MUST 2.6.4: $name: not believed"
}

disbelieved "a user's file" 'chown mallory "$GATE"'
disbelieved "writable by the group" 'chmod 664 "$GATE"'
disbelieved "writable by others" 'chmod 646 "$GATE"'
disbelieved "a second link" 'ln "$GATE" "$STATE/other"'
disbelieved "a symbolic link" \
    'cp -p "$WORK/lie" /home/mallory/lie; ln -sf /home/mallory/lie "$GATE"'
disbelieved "a symbolic link to root's own" \
    'cp -p "$WORK/lie" /run/lie; ln -sf /run/lie "$GATE"'
disbelieved "too large" 'head -c 70000 /dev/zero | tr "\\0" "\\n" >> "$GATE"'
disbelieved "empty" ': > "$GATE"'
disbelieved "noise" 'head -c 300 /dev/urandom > "$GATE"'
disbelieved "zero bytes" 'head -c 300 /dev/zero > "$GATE"'
size=$(stat -c %s "$WORK/lie")
for keep in 1 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 2)) \
    $((size - 1)); do
    disbelieved "cut to $keep of $size bytes" \
        "truncate -s $keep \"\$GATE\""
done
boot=$(cat /proc/sys/kernel/random/boot_id)
if grep -q "${boot//-/}\|$boot" "$WORK/lie"; then
    disbelieved "of another boot" \
        "sed -i 's/${boot:0:8}/00000000/' \"\$GATE\""
else
    ok "MUST 2.6.4: the boot is noted in the verdict" false
fi
disbelieved "of another path" "sed -i 's,/srv/huggingface,/srv/huggingf0ce,' \
    \"\$GATE\""
disbelieved "of another group" 'sed -i "s/^gid=.*/gid=1/" "$GATE"'
disbelieved "from the future" \
    'sed -i "s/^taken=.*/taken=999999999999/" "$GATE"'

# --- not even files ---------------------------------------------------------

planted() { # NAME COMMAND
    local name=$1
    shift
    lie
    eval "$*"
    timed by_su alice true
    is "$?" 0 "MUST 2.6.1: $name: the login succeeds"
    ok "MUST 2.6.2: $name: in time ($MS ms)" within 800
}

cp /etc/passwd "$WORK/passwd"
planted "the verdict is a FIFO" 'rm "$GATE"; mkfifo "$GATE"'
planted "the verdict is a folder" 'rm "$GATE"; mkdir "$GATE"'
planted "the verdict is a socket" 'rm "$GATE"
    python3 -c "import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$GATE"'
by_su alice true
names=$(cd "$STATE" && ls -A)
each_is() { # COMMAND...: every name of ours is made anew by COMMAND NAME
    local name
    rm -rf "${STATE:?}"/*
    for name in $names; do
        "$@" "$STATE/$name"
    done
}
planted "each name of ours is a link to /etc/passwd" each_is ln -s /etc/passwd
ok "MUST 2.6.5: /etc/passwd is as it was" cmp -s /etc/passwd "$WORK/passwd"
planted "each name of ours is a FIFO" each_is mkfifo
planted "each name of ours is a folder" each_is mkdir

install -d -o mallory -m 777 /home/mallory/state
planted "/run/hfcache is a link into a home" \
    'rm -rf "$STATE"; ln -s /home/mallory/state "$STATE"'
is "$(ls -A /home/mallory/state)" "" "MUST 2.6.5: nothing is written there"
rm -f "$STATE"
planted "/run/hfcache is a user's" \
    'rm -f "$GATE"; chown mallory "$STATE"; chmod 777 "$STATE"'
is "$(ls -A "$STATE")" "" "MUST 2.6.5: nothing is written there"
planted "/run/hfcache is a file" 'rm -rf "$STATE"; echo > "$STATE"'
rm -f "$STATE"

# --- full, read-only --------------------------------------------------------

mkdir -p "$STATE"
mount -t tmpfs -o size=4k,mode=755 tmpfs "$STATE"
head -c 4096 /dev/zero > "$STATE/filler"
for program in su ssh; do
    timed "by_$program" alice "$LOOK" > "$WORK/out"
    is "$?" 0 "MUST 2.6.1: state folder full, $program: the login succeeds"
    like "$(cat "$WORK/out")" HF_HOME= "full: variables set"
    ok "MUST 2.6.2: full: in time ($MS ms)" within 800
done
rm "$STATE/filler"
is "$(find "$STATE" -name '*.gate' -size 0)" "" "no empty verdict is left"
mount -o remount,size=1m,nr_inodes=2 "$STATE" 2> /dev/null ||
    { umount "$STATE"; mount -t tmpfs -o nr_inodes=1,mode=755 tmpfs "$STATE"; }
ok "MUST 2.6.1: no inode free: the login succeeds" by_su alice true
umount "$STATE"
mount -t tmpfs -o ro,mode=755 tmpfs "$STATE"
timed by_su alice "$LOOK" > "$WORK/out"
is "$?" 0 "MUST 2.6.1: state folder read-only: the login succeeds"
like "$(cat "$WORK/out")" HF_HOME= "read-only: variables set"
umount "$STATE"

filler=/run/filler
mount -o remount,size=64k /run
cat /dev/zero > "$filler" 2> /dev/null
rm -rf "$STATE"
for program in su ssh; do
    ok "MUST 2.6.1: /run full, $program: the login succeeds" \
        "by_$program" alice true
done
rm "$filler"
mount -o remount,size=50% /run
is "$(believes)" usable "room again: the cache is seen"
done_testing
