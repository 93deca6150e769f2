#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A cache on a disk of its own, of each kind: ext4, xfs, btrfs; there set up,
# used, checked, mended; with a folder of many files, remounted and taken away
# while they are looked at, with the disk full, and read-only.

# shellcheck source=tests/machine/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

DISK=/var/tmp/disk.img
umount -l "$CACHE" 2> /dev/null
ready alice bob

gone() {
    wait_for 10 no_helper
    umount -l "$CACHE" 2> /dev/null
    rm -f $DISK
}
trap gone EXIT

# cache_on KIND: a new one, on a new disk, whose root's ACL is another admin's.
cache_on() {
    gone
    rm -rf "$CACHE"
    mkdir -p "$CACHE"
    truncate -s 400M $DISK
    mkfs."$1" -q $DISK > /dev/null && mount -o loop $DISK "$CACHE" &&
        setfacl -m u:bob:rwx -d -m u::rwx,g::rwx,o::rx,u:bob:rwx "$CACHE" &&
        quietly hfcache setup
}

# looked_at: a check is begun, and is in that folder.
looked_at() {
    hfcache check --full > /dev/null 2>&1 &
    LOOKING=$!
    wait_for 20 eval 'readlink /proc/$LOOKING/fd/* | grep -q models--o--many/blobs'
}

# many KIND: files in one folder, and what happens to the disk meanwhile.
many() {
    local folder=$CACHE/hub/models--o--many/blobs
    ok "$1: many files in one folder" by_ssh alice "mkdir -p $folder && cd $folder &&
        python3 -c 'for n in range(30000): open(\"%064x\" % n, \"x\").close()'"
    exits 0 "$1, many files: the check finds nothing" hfcache check --full
    like "$(cat "$WORK/out")" 'looked  at 30,0[0-9][0-9] entries' "and looks at all"
    looked_at
    mount -o remount,ro "$CACHE" && mount -o remount,rw "$CACHE"
    is "$?" 0 "$1: remounted while a check is under way"
    ok "$1: no harm to the check" wait $LOOKING
    looked_at
    ok "$1: taken away while a check is under way" umount -l "$CACHE"
    ok "$1: no harm to the check, either" wait $LOOKING
    mount -o loop $DISK "$CACHE"
    rm -r "$CACHE/hub/models--o--many"
}

on() { # KIND
    local repo=$CACHE/hub/models--o--m
    ok "$1: set up" cache_on "$1" || return
    is "$(getfacl -cp "$CACHE" | xargs)" "user::rwx group::r-x other::--- \
default:user::rwx default:group::rwx default:other::---" \
        "$1: a default ACL set before is replaced, another one taken off"
    no_state
    mark_log
    like "$(by_ssh alice "$LOOK")" 'hf-users.*HF_HOME=' "$1: a login: both"
    is_field alice state usable "$1: usable"
    by_ssh alice "umask 077; mkdir -p $repo/blobs && echo x > $repo/blobs/x"
    ok "$1: another member uses what was made with umask 077" \
        by_ssh bob "cat $repo/blobs/x > /dev/null && echo y > $repo/blobs/y"
    exits 0 "$1: the check finds nothing" hfcache check
    many "$1"
    by_ssh alice "chmod g-w $repo/blobs; setfacl -b $repo/blobs"
    # Where a disk tells that it is one, nobody can have moved this in.
    [ "$1" = btrfs ] || chgrp alice $repo/blobs/x
    exits 1 "$1: drift is found" hfcache check
    exits 0 "$1: and mended" hfcache repair
    sleep 3
    hfcache check > /dev/null
    hfcache check > "$WORK/out"
    like "$(cat "$WORK/out")" 'known' "$1: the next check knows folders" ||
        diag_stream < "$WORK/out"
    dd if=/dev/zero of="$CACHE/hub/full" bs=1M > /dev/null 2>&1
    no_state
    like "$(by_ssh alice "$LOOK")" 'HF_HOME=' "$1, full: a login as ever"
    chmod g-w $repo/blobs
    exits 1 "$1, full: drift is found" hfcache check
    exits 0 "$1, full: and mended" hfcache repair
    rm "$CACHE/hub/full"
    wait_for 30 no_helper
    chmod g-w $repo/blobs
    mount -o remount,ro "$CACHE"
    no_state
    mark_log
    like "$(by_ssh alice "$LOOK")" 'hf-users' "$1, read-only: a login as ever"
    is_field alice state usable "$1, read-only: state"
    exits 1 "$1, read-only: the check tells the drift" hfcache check
    exits 1 "$1, read-only: repair cannot" hfcache repair
    like "$(cat "$WORK/out")" 'Read-only file system' "$1, read-only: and says why"
    mount -o remount,rw "$CACHE"
}

[ $# -gt 0 ] || set -- ext4 xfs btrfs
for kind in "$@"; do
    on "$kind"
done
is "$(refused)" "" "the kernel refused nothing"
done_testing
