#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A cache on NFS, by versions 4.2 and 3, with root squashed and not: what users
# have of it, and what root's check and repair see and say.

# shellcheck source=tests/machine/nfs.sh
. "$(dirname "$(readlink -f "$0")")/nfs.sh"

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
    exits 1 "$how: root's repair mends the folder" hfcache repair
    like "$(cat "$WORK/out")" 'mended  1 inode.*blobs/x  may have been moved in by another' \
        "$how: and leaves the file, which on NFS can be from elsewhere"
    by_ssh alice "chgrp hf-users $CACHE/hub/models--o--m/blobs/x"
    exits 0 "$how: its owner's chgrp, and nothing is left" hfcache check --full
    exits 0 "$how: the daily check runs" systemctl start hfcache-check.service
    like "$(hfcache status)" 'checked .*0 alarms, 0 drifts' "$how: and says so"
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
    by_ssh alice "chgrp hf-users $CACHE/hub/models--o--m/blobs/x"
    exits 0 "$how: a chgrp of the file, and nothing is left" sudo -g hf-users hfcache check --full
}

served 4.2 no_root_squash
used 4.2 no_root_squash
by_root
served 3 root_squash
used 3 root_squash
served 4.2 root_squash
used 4.2 root_squash
by_squashed_root
is "$(refused)" "" "the kernel refused nothing"
done_testing
