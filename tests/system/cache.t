#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Caches that are not what they should be: absent, a file, a user's link,
# closed, drifted, on a file server that refuses root or is gone; a group
# that is not there.  The login succeeds, the log names the state, and the
# variables are there or left out as the policy's table says.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice mallory
by_ssh alice true

# login_sees STATE EXPORTED NAME: a fresh look by the next login.
login_sees() {
    local out wanted='HF_HOME=/srv'
    no_state
    mark_log
    out=$(by_ssh alice "$LOOK")
    is "$?" 0 "MUST 2.6.1: $3: the login succeeds"
    is_field alice state "$1" "$3: state $1"
    if [ "$2" = yes ]; then
        like "$out" "$wanted" "$3: variables set"
    else
        unlike "$out" 'HF_HOME' "$3: variables left out"
    fi
}

login_sees usable yes "healthy"
is "$(field alice why)" "" "healthy: no complaint"

# --- the folder -------------------------------------------------------------

mv "$CACHE" /srv/away
login_sees absent no "absent"
like "$(by_terminal alice true)" "$CACHE" "absent: said on a terminal"
policy <<< $'[cache]\nunusable = export'
login_sees absent yes "absent, unusable=export"
rm "$POLICY"
echo > "$CACHE"
login_sees absent no "a file in its place"
rm "$CACHE"

cp -a /srv/away /home/mallory/hf
chown -R mallory: /home/mallory/hf
ln -s /home/mallory/hf "$CACHE"
chown -h mallory: "$CACHE"
no_state
mark_log
out=$(by_ssh alice "$LOOK")
is "$?" 0 "MUST 2.6.1: a user's link in its place: the login succeeds"
unlike "$out" HF_HOME "a user's link: not followed, variables left out"
ok "a user's link: logged" logged ' user=alice .*state=(absent|closed|error)'
rm "$CACHE"

ln -s away "$CACHE"
login_sees usable yes "root's link in a folder of root's"
rm "$CACHE"

mkdir -m 777 /srv/open
mv /srv/away /srv/open/hf
ln -s open/hf "$CACHE"
no_state
by_ssh alice true
is "$?" 0 "MUST 2.6.1: behind a folder that all can write: login succeeds"
rm "$CACHE"
mv /srv/open/hf "$CACHE"

# explain tells of the way what the last look saw there, and looks nowhere.
mkdir /srv/shut
mv "$CACHE" /srv/shut/hf
ln -s shut/hf "$CACHE"
chmod 0710 /srv/shut
login_sees closed no "a folder on the way that members may not enter"
like "$(hfcache explain alice)" '
    /srv/shut +root:root +drwx--x--- 0710  <- members may not enter it
    /srv/shut/hf +not reached
' "explain marks the folder, behind root's link"
chmod 0755 /srv/shut
login_sees usable yes "and opened again"
like "$(hfcache explain alice)" '
    /srv/huggingface +root:root +lrwxrwxrwx 0777
    /srv/shut +root:root +drwxr-xr-x 0755
    /srv/shut/hf ' "explain shows the way through the link"
rm "$CACHE"
mv /srv/shut/hf "$CACHE"

# --- its modes --------------------------------------------------------------

chmod 0700 "$CACHE"
login_sees closed no "root of the cache closed"
chmod 2750 "$CACHE"
chgrp root "$CACHE/hub"
login_sees closed no "hub/ of another group and closed to others"
chgrp hf-users "$CACHE/hub"
chmod 2750 "$CACHE/hub"
login_sees closed no "hub/ not writable by the group"
chmod 00770 "$CACHE/hub"
login_sees usable yes "hub/ without setgid: drift"
isnt "$(field alice why)" "" "drift: the log says what"
chmod 2770 "$CACHE/hub"
rm -rf "$CACHE/hub"
login_sees absent no "no hub/"
quietly hfcache setup
login_sees usable yes "set up again"
is "$(stat -c '%a %U %G' "$CACHE" "$CACHE/hub" "$CACHE/hub/.locks")" \
    "$(printf '%s\n' '2750 root hf-users' '2770 root hf-users' \
    '2770 root hf-users')" "as the layout says"

# --- its file server --------------------------------------------------------

mv "$CACHE" /srv/backing
mkdir "$CACHE"
server=$("$SYSTEM/fuse-server" --root-squash /srv/backing "$CACHE")
nok "a server that refuses root" test -d "$CACHE/hub"
login_sees usable yes "root_squash: the probe looks as the user"
out=$(hfcache check 2>&1)
is "$?" 3 "root_squash: root's check cannot"
like "$out" 'sudo -g hf-users hfcache check' "and tells what can"
gid=$(getent group hf-users | cut -d : -f 3)
policy <<< $'[cache]\ngroup = '"$gid"
out=$(hfcache check 2>&1)
like "$out" "sudo -g '#$gid' hfcache check" "in words that sudo knows a gid by"
rm "$POLICY"
is "$(sudo -g "#$gid" id -gn)" hf-users "which it does"
nok "as it does not know it bare" sudo -g "$gid" true 2> /dev/null
kill -KILL "$server"
wait_for 5 has_ended "$server"
login_sees error no "the server is gone"
umount "$CACHE"
rmdir "$CACHE"
mv /srv/backing "$CACHE"

# --- the group --------------------------------------------------------------

groupmod -n hf-gone hf-users
mark_log
out=$(by_ssh alice "$LOOK")
is "$?" 0 "MUST 2.6.1: no such group: the login succeeds"
unlike "$out" HF_HOME "no such group: variables left out"
ok "no such group: logged, with its name" logged "hf-users"
groupmod -n hf-users hf-gone

for group in root 0 sudo shadow; do
    policy <<< "[cache]
group = $group"
    mark_log
    out=$(by_ssh mallory "$LOOK")
    is "$?" 0 "MUST 2.6.1: group = $group: the login succeeds"
    is "${out%%$'\n'*}" "groups: mallory" "group = $group: nobody is added"
    ok "group = $group: refused in the log" logged "$POLICY:2: "
done
# Under another name, or as a number, it carries the same rights.
policy <<< $'[cache]\ngroup = trojan'
echo 'trojan:x:0:' >> /etc/group
mark_log
out=$(by_ssh mallory "$LOOK")
unlike "$out" 'root|trojan' "gid 0 under another name: nobody is added"
ok "gid 0 under another name: logged" logged trojan
done_testing
