#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A cache on NFS: the kernel's own server and client, over loopback, by versions
# 4.2 and 3, with root squashed and not; a server that stops under logins, comes
# back, and has forgotten its handles; a mount that autofs makes.

# shellcheck source=tests/machine/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

EXPORT=/srv/export
DISK=/var/tmp/export.img

# new_export: a disk of its own, empty, at EXPORT.
new_export() {
    umount -l "$CACHE" "$EXPORT" 2> /dev/null
    rm -f $DISK
    mkdir -p $EXPORT "$CACHE"
    truncate -s 400M $DISK
    mkfs.ext4 -q $DISK
    mount -o loop $DISK $EXPORT
}

# serve OPTION: the export with root_squash or no_root_squash.
serve() {
    printf '%s 127.0.0.1(rw,sync,no_subtree_check,%s)\n' $EXPORT/hf "$1" \
        > /etc/exports
    systemctl restart nfs-server
    exportfs -ra
}

# mount_cache VERSION
mount_cache() {
    mount -t nfs -o "hard,vers=$1,timeo=50,retrans=2,actimeo=1" \
        127.0.0.1:$EXPORT/hf "$CACHE"
}

# dead: no packet reaches the server, which goes on; alive.
dead() {
    nft add table inet dead
    nft add chain inet dead in '{ type filter hook input priority 0; }'
    nft add rule inet dead in iif lo tcp dport '{ 111, 2049, 20048 }' drop
}

alive() {
    nft delete table inet dead 2> /dev/null
}

clean_up() {
    alive
    systemctl start nfs-server
    wait_for 60 no_probes
    umount -l "$CACHE" $EXPORT 2> /dev/null
}
trap clean_up EXIT

# policy_set: on the server's own path, as an admin of the server does it.
set_up_on_server() {
    printf '[cache]\npath = %s/hf\n%s\n' $EXPORT "${1-}" > /tmp/server.conf
    hfcache --conf /tmp/server.conf setup
}

umount -l "$CACHE" 2> /dev/null
ready alice bob
rm -rf "$CACHE"

# used VERSION OPTION: two users on such a mount.
used() {
    local how="NFS $1, $2" repo=$CACHE/hub/models--o--m out
    new_export
    ok "$how: set up on the server" quietly set_up_on_server
    serve "$2"
    ok "$how: mounted" mount_cache "$1" || return
    no_state
    mark_log
    out=$(by_ssh alice "$LOOK; umask 022; mkdir -p $repo/blobs && echo x > $repo/blobs/x")
    like "$out" 'hf-users.*HF_HOME=' "$how: a login: both"
    is_field alice state usable "$how: usable"
    is "$(by_ssh alice "stat -c %G:%A $repo/blobs | cut -c1-16")" "hf-users:drwxr-s" \
        "$how: group and setgid are inherited"
    by_ssh alice "ls -lRn $CACHE; getfacl -p $repo/blobs" > "$WORK/ls" 2>&1
    by_ssh bob "touch $repo/blobs/y" > "$WORK/out" 2>&1
    hfcache check > "$WORK/check" 2>&1
    rc=$?
    diag_stream < "$WORK/check"
    diag "check: $rc"
    hfcache repair > "$WORK/repair" 2>&1
    rc=$?
    diag_stream < "$WORK/repair"
    diag "repair: $rc"
    diag_stream < "$WORK/ls"
    by_ssh alice true
    sleep 2
    by_ssh alice "hfcache check; hfcache repair; hfcache check; ls -lRn $CACHE" 2>&1 | diag_stream
    by_ssh bob "touch $repo/blobs/y && id" 2>&1 | diag_stream
    hfcache status | diag_stream
    systemctl start hfcache-check.service
    diag "service: $? $(systemctl show -P ExecMainStatus hfcache-check.service)"
    journal_since -u hfcache-check -o cat | diag_stream
    systemctl reset-failed hfcache-check.service
}

used 4.2 no_root_squash
used 4.2 root_squash
used 3 root_squash
done_testing
