#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Disks that are full, of bytes or of inodes, and disks that can only be read:
# under the state files, under the cache, under /etc/pam.d.  Logins go on, what
# was there stays whole, nothing half-written is left, and all is well again
# when there is room.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

HUB=$CACHE/hub
DRIFTED=$HUB/models--org--a

# disk FOLDER OPTION: a small disk of its own there, in memory, with what was
# there on it.
disk() {
    mount -t tmpfs -o "mode=$(stat -c %a "$1"),$2" disk "$WORK/disk" &&
        cp -a "$1/." "$WORK/disk/" &&
        mount --move "$WORK/disk" "$1" || exit 1
}

# spoil HOW FOLDER: no room there; or no writing.
spoil() {
    local n kilobytes=$(($(du -sk "$2" | cut -f 1) + 128))
    case $1 in
    bytes)
        disk "$2" "size=${kilobytes}k"
        nok "no byte is left in $2" \
            dd if=/dev/zero of="$2/filler" bs=64k count=16 status=none \
            2> /dev/null ;;
    inodes)
        disk "$2" nr_inodes=$(($(find "$2" | wc -l) + 8))
        for n in {1..20}; do
            : > "$2/filler.$n" || break
        done 2> /dev/null
        nok "no inode is left in $2" touch "$2/filler.0" 2> /dev/null ;;
    read-only)
        disk "$2" "size=${kilobytes}k"
        mount -o remount,ro "$2" ;;
    esac
}

# mend FOLDER: as it was, with what was written since.
mend() {
    mount -o remount,rw "$1"
    rm -f "$1"/filler*
}

# gone FOLDER: that disk, and what is on it.
gone() {
    umount -l "$1"
}

# halves FOLDER: what was begun to be written, and is not there to stay.
halves() {
    find "$1" -name '.*.*' -printf '%f\n'
}

login_sees() { # STATE EXPORTED NAME
    mark_log
    timed by_su alice "$LOOK" > "$WORK/out"
    is "$?" 0 "MUST 2.6.1: $3: the login succeeds"
    ok "MUST 2.6.2: $3: within the deadline ($MS ms)" within 1000
    is_field alice state "$1" "$3: state $1"
    is "$(grep -c "^HF_HOME=$CACHE" "$WORK/out")" "$2" \
        "$3: HF_HOME is there $2 times"
    wait_for 5 no_helper
}

hfc() { # CODE NAME ARG...
    local code=$1 name=$2 rc=0
    shift 2
    out=$(timeout -s KILL 20 hfcache "$@" 2>&1) || rc=$?
    is "$rc" "$code" "$name: ${1%% *} exits with $code" || diag "$out"
}

drift() {
    chmod g-s "$DRIFTED"
}

ready alice bob
usermod -aG hf-users alice
mkdir "$WORK/disk"
install -d -o alice -g hf-users -m 2770 "$DRIFTED"
setfacl -d -m u::rwx,g::rwx,o::- "$DRIFTED"
hfc 0 "a healthy cache" check

# --- under /run/hfcache -------------------------------------------------------

for how in bytes inodes read-only; do
    no_state
    mkdir -m 755 /run/hfcache
    spoil $how /run/hfcache
    case $how in # without a slot no probe looks
    bytes) login_sees usable 1 "/run/hfcache, $how, nothing known" ;;
    *) login_sees unknown 1 "/run/hfcache, $how, nothing known" ;;
    esac
    is "$(halves /run/hfcache)" "" "/run/hfcache, $how: nothing half is left"
    hfc 0 "/run/hfcache, $how" check
    like "$out" 'nothing wrong.*logins are not told|logins are not told.*nothing' \
        "/run/hfcache, $how: check says that logins are not told"
    hfc 1 "/run/hfcache, $how: nothing is known" status
    mend /run/hfcache
    login_sees usable 1 "/run/hfcache, $how: with room again"
    ok "/run/hfcache, $how: and it is remembered" \
        eval 'ls /run/hfcache/*.gate > /dev/null'
    gone /run/hfcache
done

# What is known stays, and the next look is told by the probe alone.
no_state
policy <<< $'[cache]\nfresh = 0s'
login_sees usable 1 "fresh = 0s"
spoil bytes /run/hfcache
before=$(cat /run/hfcache/*.gate)
drift
mark_log
by_su alice true
is_field alice state usable "full, a verdict is there: state usable"
ok "full: what is new is mended" wait_for 5 test -g "$DRIFTED"
wait_for 5 no_helper
is "$(cat /run/hfcache/*.gate)" "$before" "full: the old verdict is still whole"
is "$(halves /run/hfcache)" "" "full: nothing half is left"
gone /run/hfcache

# A dead file server and no room for a note: nobody waits, no probes pile up.
policy <<< $'[cache]\ndeadline = 300ms'
mv "$CACHE" /srv/backing
mkdir "$CACHE"
server=$("$SYSTEM/fuse-server" --hang /srv/backing "$CACHE")
for how in bytes inodes read-only; do
    no_state
    mkdir -m 755 /run/hfcache
    spoil $how /run/hfcache
    for _ in 1 2 3; do
        timed by_su alice true
        ok "MUST 2.6.2: dead, /run/hfcache: $how: within the deadline ($MS ms)" \
            within 1000
    done
    ok "dead, /run/hfcache: $how: one probe at most" \
        [ "$(pgrep -c -x hfcache-probe)" -le 1 ]
    kill -USR1 "$server"
    ok "dead, /run/hfcache: $how: it ends with an answer" wait_for 5 no_helper
    kill -USR2 "$server"
    gone /run/hfcache
done
kill -KILL "$server"
umount -l "$CACHE"
rmdir "$CACHE"
mv /srv/backing "$CACHE"

# --- under /var/lib/hfcache ---------------------------------------------------

for how in bytes inodes read-only; do
    rm -rf /var/lib/hfcache
    no_state
    hfc 0 "/var/lib/hfcache, $how: before" check
    install -m 600 /dev/stdin /var/lib/hfcache/members <<< \
        "1 carol hf-users usermod 4001 4001"
    spoil $how /var/lib/hfcache
    before=$(cat /var/lib/hfcache/*.snapshot | md5sum)
    drift
    hfc 1 "/var/lib/hfcache, $how" check
    like "$out" 'setgid lost: 1' "/var/lib/hfcache, $how: check finds what is new"
    is "$(cat /var/lib/hfcache/*.snapshot | md5sum)" "$before" \
        "/var/lib/hfcache, $how: what was remembered stays whole"
    is "$(halves /var/lib/hfcache)" "" "/var/lib/hfcache, $how: nothing half is left"
    hfc 0 "/var/lib/hfcache, $how" repair
    mark_log
    out=$(by_su bob "$LOOK")
    is "$?" 0 "MUST 2.6.1: /var/lib/hfcache, $how: a new member's login succeeds"
    like "$out" 'groups:.* hf-users' "/var/lib/hfcache, $how: he has the group"
    [ $how = read-only ] ||
        ok "/var/lib/hfcache, $how: that a login gave it is in the list" \
            grep -q ' bob hf-users usermod ' /var/lib/hfcache/members
    forget bob
    printf 'session required pam_permit.so\n' > /etc/pam.d/new
    hfc 3 "/var/lib/hfcache, $how: without room for a copy" enable new
    is "$(cat /etc/pam.d/new)" "session required pam_permit.so" \
        "/var/lib/hfcache, $how: and the file stays as it was"
    is "$(halves /var/lib/hfcache)$(halves /etc/pam.d)" "" \
        "/var/lib/hfcache, $how: nothing half is left by enable"
    mend /var/lib/hfcache
    hfc 0 "/var/lib/hfcache, $how: with room again" enable new
    hfc 0 "/var/lib/hfcache, $how: with room again" check
    gone /var/lib/hfcache
done

# --- under the cache ----------------------------------------------------------

for how in bytes inodes; do
    spoil $how "$CACHE"
    no_state
    login_sees usable 1 "a full cache, $how"
    drift
    hfc 1 "a full cache, $how" check
    hfc 0 "a full cache, $how" repair
    is "$(stat -c %a "$DRIFTED")" 2770 "a full cache, $how: repair mends it"
    drift
    no_state
    by_su alice true
    ok "a full cache, $how: so does its owner's login" \
        wait_for 5 test -g "$DRIFTED"
    gone "$CACHE"
done
spoil read-only "$CACHE"
no_state
login_sees usable 1 "a cache that can only be read"
hfc 0 "a cache that can only be read, nothing to do" setup
mount -o remount,rw "$CACHE"
drift
chmod g-w "$HUB/.locks"
mount -o remount,ro "$CACHE"
hfc 1 "a cache that can only be read" check
hfc 1 "a cache that can only be read" repair
like "$out" 'mended  0 inodes; 2 could not be' "repair says that it could not"
like "$out" 'not mended: .*Read-only file system' "and why"
hfc 3 "a cache that can only be read" setup
like "$out" 'Read-only file system' "setup says why"
gone "$CACHE"

# --- under /etc/pam.d ---------------------------------------------------------

for how in bytes inodes read-only; do
    spoil $how /etc/pam.d
    before=$(cat /etc/pam.d/{su,other} | md5sum)
    hfc 3 "/etc/pam.d, $how" enable other
    hfc 3 "/etc/pam.d, $how" disable su
    is "$(cat /etc/pam.d/{su,other} | md5sum)" "$before" \
        "/etc/pam.d, $how: both files stay as they were"
    is "$(halves /etc/pam.d)" "" "/etc/pam.d, $how: nothing half is left"
    gone /etc/pam.d
done
done_testing
