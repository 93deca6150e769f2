#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Drift that real logins find and mend: a repository moved in with mv, folders
# that lost setgid, lock files that others cannot open.  Mended by the owner's
# next login, as the owner; found, and left alone, by anybody else's.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice bob
policy <<< $'[cache]\nfresh = 0s'
HUB_DIR=$CACHE/hub

login() { # USER: and wait until what it started has ended
    by_ssh "$1" true
    wait_for 10 no_helper
}

shape() { # of a repository: type, mode, owner, group, name
    (cd "$HUB_DIR" && find "$1" -printf '%y %m %u %g %p\n' | sort -k5)
}

# closed_repository NAME OWNER: as a download with umask 027 leaves it, moved
# in from elsewhere on the same file system; and a file that is the owner's
# alone.
closed_repository() {
    local away=/srv/away/$1
    (
        umask 027
        mkdir -p "$away/blobs" "$away/refs" "$away/snapshots/c0ffee"
        echo weights > "$away/blobs/b10b"
        echo c0ffee > "$away/refs/main"
        echo private > "$away/blobs/pr1vate"
        chmod 600 "$away/blobs/pr1vate"
        ln -s ../../blobs/b10b "$away/snapshots/c0ffee/model.bin"
    )
    chown -R "$2:$2" "$away"
    mv "$away" "$HUB_DIR/$1"
}

login alice
login bob
mkdir -p /srv/away

# --- mv ---------------------------------------------------------------------

closed_repository models--acme--moved alice
nok "moved in: closed to bob" by_ssh bob \
    "cat $HUB_DIR/models--acme--moved/refs/main 2> /dev/null"
before=$(shape models--acme--moved)
mark_log
login bob
is "$(shape models--acme--moved)" "$before" \
    "bob's login: found, not one bit changed"
no_state
by_ssh root true
is "$(shape models--acme--moved)" "$before" "root's login: nothing either"

login bob # finds it again
mark_log
out=$(by_terminal alice true)
wait_for 10 no_helper
is "$(shape models--acme--moved | grep '^d')" "$(cat <<END
d 2770 alice hf-users models--acme--moved
d 2770 alice hf-users models--acme--moved/blobs
d 2770 alice hf-users models--acme--moved/refs
d 2770 alice hf-users models--acme--moved/snapshots
d 2770 alice hf-users models--acme--moved/snapshots/c0ffee
END
)" "alice's login: all folders are mended"
like "$(shape models--acme--moved)" 'f 6[46]0 alice hf-users [^ ]*/b10b' \
    "and what the group could read"
like "$(shape models--acme--moved)" 'f 660 alice hf-users [^ ]*/refs/main' \
    "a ref can be moved by all"
like "$(shape models--acme--moved)" 'f 600 alice [a-z-]* [^ ]*/pr1vate' \
    "a file that its owner closed stays closed"
like "$out" 'hfcache: 1 of your folders.*mended' "she is told"
ok "it is logged" logged ' user=alice .*action=[a-z+]*mend'
is "$(by_ssh bob "cat $HUB_DIR/models--acme--moved/refs/main" 2>&1)" c0ffee \
    "bob reads it"
ok "bob adds to it" by_ssh bob "touch $HUB_DIR/models--acme--moved/blobs/new"
mark_log
login alice
like "$(field alice action)" '^none$' "the next login finds nothing to do"

# --- found and mended in one login ------------------------------------------

mkdir "$HUB_DIR/datasets--acme--plain"
chown alice:alice "$HUB_DIR/datasets--acme--plain"
chmod 0755 "$HUB_DIR/datasets--acme--plain"
login alice
is "$(stat -c '%a %G' "$HUB_DIR/datasets--acme--plain")" "2775 hf-users" \
    "found and mended by the same login"

install -d -o alice -g hf-users -m 2770 "$HUB_DIR/.locks/models--acme--moved"
install -o alice -g hf-users -m 644 /dev/null \
    "$HUB_DIR/.locks/models--acme--moved/b10b.lock"
login alice
like "$(stat -c '%A %G' "$HUB_DIR/.locks/models--acme--moved/b10b.lock")" \
    '^-...rw.* hf-users$' "a lock file without g+rw"

# --- what only a check sees --------------------------------------------------

# checked DRIFT...: the verdict on the whole tree that a check leaves, taken
# now, which names these.
checked() {
    local up tree
    tree=$(echo /run/hfcache/*.gate)
    tree=${tree%.gate}.tree
    read -r up _ < /proc/uptime
    {
        echo "hfcache-tree=1"
        grep -E '^(boot|path|gid)=' "${tree%.tree}.gate"
        echo "taken=${up%.*}${up#*.}0"
        echo "wall=$(date +%s)"
        echo "ended=complete"
        printf '%s=1\n' entries alarms drifts notes reused folders given oldest
        [ $# -eq 0 ] || printf 'drift=%s\n' "$@"
        printf 'more=0\nend=\n'
    } > "$tree"
    chgrp hf-users "$tree"
    chmod 640 "$tree"
    echo "$tree"
}

DEEP=$HUB_DIR/models--acme--moved/snapshots/c0ffee
chmod 2750 "$DEEP"
login alice
is "$(stat -c %a "$DEEP")" 2750 "deep drift: no look finds it"
policy <<< $'[cache]\nfresh = 1h'
TREE=$(checked "$(id -u alice) 4 hub/models--acme--moved" \
    "$(id -u alice) 4100 hub/models--acme--moved" \
    "$(id -u bob) 4 hub/models--acme--other")
mark_log
login bob
is "$(stat -c %a "$DEEP")" 2750 "which a check has named: not bob's to mend"
nok "and his own name is taken out, for there is nothing left" \
    grep -q "^drift=$(id -u bob) " "$TREE"
mark_log
out=$(by_terminal alice true)
wait_for 10 no_helper
is "$(stat -c '%a %U %G' "$DEEP")" "2770 alice hf-users" \
    "alice's login mends it, on a fresh verdict"
like "$out" 'hfcache: 1 of your folders.*being mended' "she is told"
is_field alice action mend "it is logged"
is "$(grep ^drift= "$TREE")" \
    "drift=$(id -u alice) 4100 hub/models--acme--moved" \
    "it is named no longer; what only she can open is"
is "$(stat -c '%a %U %G' "$TREE")" "640 root hf-users" "for members to read"
mark_log
login alice
is_field alice action none "the next login starts nothing"
chmod 2750 "$DEEP"
checked "$(id -u alice) 4 hub/models--acme--moved" > /dev/null
by_su alice true
wait_for 10 no_helper
is "$(stat -c %a "$DEEP")" 2770 "su by root mends likewise"
rm "$TREE"
policy <<< $'[cache]\nfresh = 0s'

# --- what must not be mended ------------------------------------------------

closed_repository models--acme--off alice
policy <<< $'[cache]\nfresh = 0s\nrepair = off'
before=$(shape models--acme--off)
login alice
login alice
is "$(shape models--acme--off)" "$before" "repair = off: nothing changed"
policy <<< $'[cache]\nfresh = 0s\nmembership = require'
gpasswd -d alice hf-users > /dev/null
login alice
login alice
is "$(shape models--acme--off)" "$before" "no member: nothing changed"
usermod -aG hf-users alice
echo secret > /root/secret
chmod 600 /root/secret
ln /root/secret "$HUB_DIR/models--acme--off/blobs/hard" 2> /dev/null
policy <<< $'[cache]\nfresh = 0s'
login alice
login alice
is "$(stat -c '%a %U %G' /root/secret)" "600 root root" \
    "MUST 2.6.5: root's file, linked in, is as it was"
done_testing
