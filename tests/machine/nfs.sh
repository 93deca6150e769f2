# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A cache on NFS: the kernel's own server and client, over loopback. The export
# is a disk of its own, and all of it goes when the test ends.

# shellcheck source=tests/machine/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

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
    systemctl stop srv-huggingface.automount srv-huggingface.mount 2> /dev/null
    rm -f /etc/systemd/system/srv-huggingface.*
    systemctl daemon-reload
    wait_for 60 no_helper
    umount -l "$CACHE" $EXPORT 2> /dev/null
}
trap clean_up EXIT

# By the server's own path, as its admin does it.
set_up_on_server() {
    printf '[cache]\npath = %s/hf\n' $EXPORT > /tmp/server.conf
    hfcache --conf /tmp/server.conf setup
}

# served VERSION OPTION: the cache, new, on such a mount.
served() {
    new_export
    ok "$1, $2: set up on the server" quietly set_up_on_server
    serve "$2"
    ok "$1, $2: mounted" mount_cache "$1"
    no_state
    mark_log
}

umount -l "$CACHE" 2> /dev/null
ready alice bob
rm -rf "$CACHE"
