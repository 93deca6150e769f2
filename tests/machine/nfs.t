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
    systemctl stop srv-huggingface.automount srv-huggingface.mount 2> /dev/null
    rm -f /etc/systemd/system/srv-huggingface.*
    systemctl daemon-reload
    wait_for 60 no_probes
    umount -l "$CACHE" $EXPORT 2> /dev/null
}
trap clean_up EXIT

# By the server's own path, as its admin does it.
set_up_on_server() {
    printf '[cache]\npath = %s/hf\n' $EXPORT > /tmp/server.conf
    hfcache --conf /tmp/server.conf setup
}

# exits CODE NAME COMMAND...: its output is in $WORK/out, and shown otherwise.
exits() {
    local code=$1 name=$2
    shift 2
    "$@" > "$WORK/out" 2>&1
    is "$?" "$code" "$name" || diag_stream < "$WORK/out"
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

# used VERSION OPTION: two users on it.
used() {
    local how="NFS $1, $2" repo=$CACHE/hub/models--o--m out
    out=$(by_ssh alice "$LOOK; umask 077; mkdir -p $repo/blobs &&
        echo x > $repo/blobs/x")
    like "$out" 'hf-users.*HF_HOME=' "$how: a login: both"
    is_field alice state usable "$how: usable"
    is "$(stat -c %G:%A $EXPORT/hf/hub/models--o--m/blobs)" hf-users:drwxrws--- \
        "$how: group, setgid and the server's default ACL are inherited"
    ok "$how: another member adds to it" by_ssh bob "touch $repo/blobs/y"
    exits 0 "$how: alice's check finds nothing" by_ssh alice hfcache check
    by_ssh alice "chmod g-ws $repo/blobs; chgrp alice $repo/blobs/x"
    exits 1 "$how: she finds what drifted" by_ssh alice hfcache check
}

by_root() {
    local how="NFS, no_root_squash"
    exits 1 "$how: root's check finds what drifted" hfcache check
    exits 0 "$how: root's repair mends it" hfcache repair
    exits 0 "$how: and so the daily check says" systemctl start hfcache-check.service
}

# Root is nobody there, and what counts is the group.
by_squashed_root() {
    local how="NFS, root_squash"
    exits 3 "$how: root cannot check" hfcache check
    like "$(cat "$WORK/out")" 'sudo -g hf-users hfcache check' "$how: told what to type"
    exits 1 "$how: that finds what drifted" sudo -g hf-users hfcache check
    mkdir -p /run/systemd/system/hfcache-check.service.d
    recipe '^# /etc/systemd/system/hfcache-check.service.d' \
        > /run/systemd/system/hfcache-check.service.d/group.conf
    systemctl daemon-reload
    rm -f /run/hfcache/*.tree
    exits 0 "$how: the unit with the README's drop-in" \
        systemctl start hfcache-check.service
    like "$(cat /run/hfcache/*.tree)" 'models--o--m' "$how: tells logins what drifted"
    rm -r /run/systemd/system/hfcache-check.service.d
    systemctl daemon-reload
    by_ssh alice true
    ok "$how: which its owner's next login mends" wait_for 30 eval \
        '[ "$(stat -c %G:%A $EXPORT/hf/hub/models--o--m/blobs)" = hf-users:drwxrws--- ]'
    exits 0 "$how: nothing is left" sudo -g hf-users hfcache check --full
}

umount -l "$CACHE" 2> /dev/null
ready alice bob
rm -rf "$CACHE"
served 4.2 no_root_squash
used 4.2 no_root_squash
by_root
served 3 root_squash
used 3 root_squash
served 4.2 root_squash
used 4.2 root_squash
by_squashed_root

# --- the server does not answer -------------------------------------------------

sleep 2 # what the client keeps of attributes
dead
no_state
mark_log
is "$(by_ssh alice echo in)" in "no answer: a login"
is_field alice state slow "no answer: slow"
ok "no answer: it waited for the deadline ($MS ms)" took alice 6000
mark_log
for _ in 1 2 3; do
    su alice -c true
    su bob -c true
done
ok "no answer: the next ones do not wait" took bob 2000
ok "no answer: at most four helpers" [ "$(probes)" -le 4 ]
ok "no answer: sessions end" wait_for 30 no_sessions alice
timed timeout 60 hfcache status > "$WORK/out"
ok "no answer: status does not wait ($MS ms)" within 5000
sleep 10
mark_log
unlike "$(su bob -c "$LOOK")" HF_HOME "no answer for long: no variables"
is_field bob state hung "no answer for long: hung"
timed systemctl restart ssh
ok "no answer: sshd can be restarted ($MS ms)" within 20000
alive
ok "it answers: all helpers end" wait_for 240 no_probes
mark_log
like "$(su bob -c "$LOOK")" HF_HOME= "it answers: the next login has them"
is_field bob state usable "it answers: usable"

# --- the server is stopped, and another disk comes back ---------------------------

systemctl stop nfs-server
no_state
is "$(by_ssh alice echo in)" in "stopped: a login"
umount -l $EXPORT
mkfs.ext4 -q -F $DISK
mount -o loop $DISK $EXPORT
mkdir $EXPORT/hf
systemctl start nfs-server
wait_for 240 no_probes
no_state
mark_log
is "$(by_ssh alice echo in)" in "handles that are stale: a login"
wait_for 60 no_probes
like "$(field alice state)" '^(error|absent|closed|slow)$' "stale: not usable"
timeout 60 hfcache check > "$WORK/out" 2>&1
is "$?" 3 "stale: check" || diag_stream < "$WORK/out"
umount -l "$CACHE"

# --- mounted when it is needed ----------------------------------------------------

quietly set_up_on_server
printf '[Mount]\nWhat=127.0.0.1:%s\nWhere=%s\nType=nfs\nOptions=hard,vers=4.2\n' \
    $EXPORT/hf "$CACHE" > /etc/systemd/system/srv-huggingface.mount
printf '[Automount]\nWhere=%s\n' "$CACHE" \
    > /etc/systemd/system/srv-huggingface.automount
systemctl daemon-reload
systemctl start srv-huggingface.automount
dead
no_state
mark_log
is "$(by_ssh alice echo in)" in "automount, no answer: a login"
ok "automount, no answer: it waited for the deadline" took alice 6000
ok "automount, no answer: another" by_ssh bob true
alive
ok "it answers: all helpers end" wait_for 240 no_probes
no_state
mark_log
like "$(by_ssh alice "$LOOK")" HF_HOME= "automount: a login"
is_field alice state usable "automount: usable"
is "$(systemctl is-active srv-huggingface.mount)" active "the login mounted it"
done_testing
