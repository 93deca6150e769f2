#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache setup: says each change, makes it once, refuses the rest. The paths
# are in memory; groupadd(8) and fstab are for the system tests.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

ACL='default ACL u::rwx,g::rwx,o::---'

exits 0 "dry run" setup --dry-run
is "$out" \
"would make  /srv/huggingface             root:hf-users 2750, $ACL
would make  /srv/huggingface/hub         root:hf-users 2770, $ACL
would make  /srv/huggingface/hub/.locks  root:hf-users 2770, $ACL" \
    "dry run: what it would make"
is "$(ls -A /srv)" "" "dry run: nothing made"
policy <<< $'[cache]\ngroup = newgroup\ndatasets = shared\nmode = 2775'
exits 0 "dry run, no group yet" setup --dry-run
ACL75='default ACL u::rwx,g::rwx,o::r-x'
is "$out" \
"would make  group newgroup (groupadd --system)
would make  /srv/huggingface             root:newgroup 2755, $ACL75
would make  /srv/huggingface/hub         root:newgroup 2775, $ACL75
would make  /srv/huggingface/hub/.locks  root:newgroup 2775, $ACL75
would make  /srv/huggingface/datasets    root:newgroup 2775, $ACL75" \
    "dry run: the group, mode = 2775, datasets = shared"
policy <<< $'[cache]\npath = /srv/a/b/huggingface\nacl = no'
exits 0 "dry run, folders missing on the way" setup --dry-run
is "$(head -n 3 <<< "$out" | sed 's/  */ /g')" \
"would make /srv/a root:root 0755
would make /srv/a/b root:root 0755
would make /srv/a/b/huggingface root:hf-users 2750" \
    "dry run: folders on the way; acl = no"

# --- refused ----------------------------------------------------------------

# refused NAME REGEX FOLDER: and nothing below the folder changes.
refused() {
    local before
    before=$(find "$3" -xdev -printf '%p %m %U %G %C@\n')
    exits 3 "$1" setup
    like "$err" "^hfcache: $2" "$1: why"
    is "$out" "" "$1: nothing is claimed"
    is "$(find "$3" -xdev -printf '%p %m %U %G %C@\n')" "$before" \
        "$1: nothing changed"
}

mkdir /srv/full
touch /srv/full/{thesis.tex,b,c,d}
policy <<< $'[cache]\npath = /srv/full'
refused "a folder with other things" \
    '/srv/full: holds other things \(b, c, d and 1 more\).* path = /srv/full/huggingface' \
    /srv
mkdir /srv/sub && chmod 777 /srv/sub
policy <<< $'[cache]\npath = /srv/sub/huggingface'
refused "a folder that others may rename" '/srv/sub: others than root' /srv
mkdir /srv/sub/deep
policy <<< $'[cache]\npath = /srv/sub/deep/huggingface'
refused "one that holds what holds it" '/srv/sub: others than root' /srv
mkdir -p /srv/sub/deep/huggingface/hub
refused "the same of a root that is there" '/srv/sub: others than root' /srv
chmod 755 /srv/sub
if chown 1000 /srv/sub 2> /dev/null; then
    refused "a user's folder above" '/srv/sub: others than root' /srv
    chown 0 /srv/sub
else
    skip "needs root, to give a folder away" "a user's folder above"
fi
chmod 1777 /srv/sub
exits 0 "a sticky one, as /tmp is" setup --dry-run
touch /srv/file
policy <<< $'[cache]\npath = /srv/file'
refused "a file" '/srv/file' /srv
policy <<< $'[cache]\npath = /srv/x\n[cache a]\npath = /srv/x\ndatasets = shared\nusers = bob'
exits 0 "two sections with one cache" setup --dry-run
is "$(grep -c /srv/x/hub/.locks <<< "$out")" 1 "two sections: made once"
like "$out" /srv/x/datasets "two sections: what either of them needs"
policy <<< $'[cache]\npath = /srv/far\nhosts = *.nowhere.invalid'
exits 0 "a cache of other machines" setup
is "$out" "/srv/far: left alone, hosts = *.nowhere.invalid ($POLICY:3) is not this machine" \
    "a cache of other machines: left alone"
nok "a cache of other machines: not made" test -e /srv/far
if [ "$REAL_UID" -eq 0 ]; then
    err=$(setpriv --reuid 3002 --clear-groups "$HFCACHE" setup 2>&1)
    is "$?" 3 "a user: exit 3"
    like "$err" 'only root' "a user: why"
else
    skip "needs root" "a user"
fi

# --- done -------------------------------------------------------------------

if [ "$REAL_UID" -ne 0 ]; then
    skip "needs root, for a group of its own" "a cache is made"
    done_testing
fi

rm "$POLICY"
like "$(stat -c %a "$(dirname $CACHE)")" '^755$' "the folder above is root's"
exits 0 "setup" setup
is "$(head -n 1 <<< "$out")" \
    "made  /srv/huggingface             root:hf-users 2750, $ACL" "setup: says it"
like "$out" 'Next, if not done yet: hfcache enable sshd$' "setup: what comes next"
is "$(cd $CACHE && stat -c '%n %a %u %g' . hub hub/.locks)" \
    ". 2750 0 900
hub 2770 0 900
hub/.locks 2770 0 900" "setup: owner, group, modes"
before=$(find /srv -printf '%p %m %U %G %C@\n')
exits 0 "setup again" setup
is "$out" "$CACHE: nothing to do, all is as it should be" "setup again: says so"
is "$(find /srv -printf '%p %m %U %G %C@\n')" "$before" \
    "setup again: nothing touched"

chown 3002:3002 $CACHE/hub
chmod 777 $CACHE/hub
chmod 700 $CACHE
exits 0 "what differs, dry run" setup --dry-run
is "$(sed 's/  */ /g' <<< "$out")" \
"would set /srv/huggingface mode 2750, was 2700
would set /srv/huggingface/hub owner root, was bob
would set /srv/huggingface/hub group hf-users, was bob, mode 2770, was 2777" \
    "what differs: said by the branch that would mend it"
exits 0 "what differs" setup
is "$(head -n 3 <<< "$out" | sed 's/  */ /g')" \
"set /srv/huggingface mode 2750, was 2700
set /srv/huggingface/hub owner root, was bob
set /srv/huggingface/hub group hf-users, was bob, mode 2770, was 2777" \
    "what differs: the same, done"
is "$(stat -c '%a %u %g' $CACHE/hub)" "2770 0 900" "what differs: mended"

mkdir -m 700 $CACHE/hub/models--a--b
mkdir -m 700 $CACHE/hub/blobs
chown 3002 $CACHE/hub/models--a--b $CACHE/hub/blobs
exits 0 "what users made" setup
is "$(stat -c '%a %u' $CACHE/hub/models--a--b)" "2700 3002" \
    "a repository is its owner's business"
is "$(stat -c '%a %u %g' $CACHE/hub/blobs)" "2770 0 900" \
    "hub/blobs is as hub/ is"

touch $CACHE/token
mkdir $CACHE/modules $CACHE/xet
exits 0 "secrets and code in the root" setup
like "$err" "$CACHE/token: a secret" "a token: warned of"
like "$err" "$CACHE/modules: code" "code: warned of"
unlike "$err" xet "other things of clients are no cause to warn"
touch $CACHE/notes
exits 0 "a stranger, and nothing to change" setup
rm -r $CACHE/notes $CACHE/hub/.locks
ln -s /mnt $CACHE/hub/.locks
refused "a link where a folder belongs" '.*/hub/.locks: is a symbolic link' \
    $CACHE
rm $CACHE/hub/.locks

mkdir $CACHE/hub/.locks $CACHE/hub/.locks/private
chown -R 3002:3002 $CACHE/hub/.locks
chmod 700 $CACHE/hub/.locks
refused "a folder of somebody's, moved in under a name of ours" \
    '.*/hub/.locks: .* holds what no client writes there \(private\)' $CACHE
rmdir $CACHE/hub/.locks/private
mkdir $CACHE/hub/.locks/models--a--b
exits 0 "a lock folder that a member made" setup
is "$(stat -c '%a %u %g' $CACHE/hub/.locks)" "2770 0 900" \
    "a lock folder that a member made: mended"
mkdir $CACHE/hub/.locks/blobs
chmod 2700 $CACHE/hub/.locks
refused "root's own repository, closed, renamed to .locks" \
    '.*/hub/.locks: .* holds what no client writes there \(blobs\)' $CACHE
rmdir $CACHE/hub/.locks/blobs
exits 0 "locks that somebody closed" setup
is "$(stat -c '%a %u %g' $CACHE/hub/.locks)" "2770 0 900" \
    "locks that somebody closed: opened"

if command -v setfacl > /dev/null; then
    setfacl -m g::---,u:3001:rwx,m::rwx $CACHE/hub/.locks
    exits 0 "an access ACL" setup
    is "$(sed 's/  */ /g' <<< "$out" | head -n 1)" \
        "set $CACHE/hub/.locks no access ACL, had one" "an access ACL: said"
    is "$(getfacl -cpa $CACHE/hub/.locks | xargs)" \
        "user::rwx group::rwx other::---" "an access ACL: taken off"
    exits 0 "and then" setup
    is "$out" "$CACHE: nothing to do, all is as it should be" \
        "an access ACL: once is enough"
else
    skip "no setfacl here" "an access ACL"
fi

# What is in it has the number of a group of a directory that does not answer.
rm -r $CACHE/token $CACHE/modules
chgrp -R 4711 $CACHE
policy <<< $'[cache]\ngroup = far'
exits 3 "a group whose name is gone, dry run" setup --dry-run
refused "a group whose name is gone" \
    "$CACHE: is of gid 4711, .* groupadd --system --gid 4711 far, then run" $CACHE
chgrp 901 $CACHE
exits 0 "another group's cache" setup --dry-run
like "$out" '^would make  group far ' "another group's cache: a new one is made"

mkdir /srv/mounted
mount -t tmpfs -o mode=755 disk /srv/mounted
policy <<< $'[cache]\npath = /srv/mounted'
exits 0 "a root that is a mount" setup
is "$(stat -c '%a %g' /srv/mounted/hub)" "2770 900" "a mount: made"
done_testing
