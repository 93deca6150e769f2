#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Policies that must be refused, as a whole: each with its FILE:LINE in the
# log of a login that goes on without us, and from `hfcache policy`, which
# exits 2.  And what a policy that is right can say about who is served.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice bob mallory
by_ssh alice true
DROP=$POLICY.d/10-site.conf

drop_in() {
    install -d -m 755 "$POLICY.d"
    install -m 644 /dev/stdin "$DROP"
}

# quote TEXT: as a regular expression that matches just it.
quote() {
    sed 's/[][\.*^$+?(){}|/]/\\&/g' <<< "$1"
}

# refused NAME REGEX: the policy as it stands.
refused() {
    local out
    mark_log
    out=$(by_su alice "$LOOK")
    is "$?" 0 "MUST 2.6.1: $1: the login goes on"
    unlike "$out" 'HF_HOME' "$1: without us"
    ok "$1: logged as an error: $2" logged "^authpriv\.err .*$2"
    out=$(hfcache policy 2>&1 > /dev/null)
    is "$?" 2 "$1: hfcache policy exits 2"
    like "$out" "$2" "$1: and says why"
    like "$(new_log)" "^authpriv.*\\): $(quote "${out#hfcache: }");" \
        "$1: in the log's own words"
    rm -rf "$POLICY" "$POLICY.d"
}

# --- files ------------------------------------------------------------------

good=$'[cache]\npath = /srv/huggingface'
policy <<< "$good"
like "$(by_su alice "$LOOK")" 'HF_HOME=' "a good policy (control)"

policy <<< "$good"
chown mallory "$POLICY"
refused "owned by a user" "$POLICY: .*root"
policy <<< "$good"
chmod 664 "$POLICY"
refused "writable by the group" "$POLICY: .*writ"
policy <<< "$good"
chmod 646 "$POLICY"
refused "writable by others" "$POLICY: .*writ"
mkdir "$POLICY"
refused "a folder" "$POLICY: "
mkfifo "$POLICY"
refused "a FIFO" "$POLICY: "
policy <<< "$good"
drop_in <<< $'[cache]\nfresh = 1s'
chown mallory "$DROP"
refused "a drop-in owned by a user" "$DROP: .*root"
drop_in <<< $'[cache]\nfresh = 1s'
chmod 664 "$DROP"
refused "a drop-in writable by the group" "$DROP: .*writ"
install -d -o mallory "$POLICY.d"
install -m 644 /dev/stdin "$DROP" <<< $'[cache]\nfresh = 1s'
refused "a drop-in folder owned by a user" "$POLICY.d: |$DROP: "

# The default file may be absent, one that is named may not.
like "$(by_su alice "$LOOK")" 'HF_HOME=/srv/huggingface' \
    "no policy at all: the built-in defaults"
cp /etc/pam.d/su "$WORK/su"
sed -i 's,pam_hfcache.so,& conf=/etc/security/other.conf,' /etc/pam.d/su
mark_log
out=$(by_su alice "$LOOK")
is "$?" 0 "MUST 2.6.1: conf= names no file: the login goes on"
unlike "$out" HF_HOME "conf= names no file: without us"
ok "conf= names no file: logged" logged 'err .*/etc/security/other.conf'
printf '[cache]\npath = /srv/other\nverify = off\n' > /etc/security/other.conf
like "$(by_su alice "$LOOK")" 'HF_HOME=/srv/other' "conf= names a file"
cp "$WORK/su" /etc/pam.d/su
sed -i 's,pam_hfcache.so,& nonsense debug,' /etc/pam.d/su
mark_log
like "$(by_su alice "$LOOK")" 'HF_HOME=' "an unknown argument is ignored"
ok "and logged" logged nonsense
cp "$WORK/su" /etc/pam.d/su

# unreadable: only where root itself may not read, so by a mount that refuses
mkdir "$WORK/backing"
printf '%s\n' "$good" > "$WORK/backing/hfcache.conf"
mkdir /etc/security/far
server=$("$SYSTEM/fuse-server" --root-squash "$WORK/backing" /etc/security/far)
sed -i 's,pam_hfcache.so,& conf=/etc/security/far/hfcache.conf,' /etc/pam.d/su
mark_log
out=$(by_su alice "$LOOK")
is "$?" 0 "MUST 2.6.1: unreadable: the login goes on"
unlike "$out" HF_HOME "unreadable: without us"
ok "unreadable: logged" logged 'err .*/etc/security/far/hfcache.conf: '
kill "$server"
cp "$WORK/su" /etc/pam.d/su

# --- lines ------------------------------------------------------------------

while IFS='|' read -r line text name; do
    printf "$text" | policy
    refused "$name" "$POLICY:$line: "
done <<'END'
3|[cache]\npath = /srv/huggingface\ncolour = blue\n|an unknown key
2|[cache]\nmode = 0777\n|a mode that is none
2|[cache]\nfresh = soon\n|a duration that is none
2|[cache]\npath = srv/hf\n|a relative path
2|[cache]\npath = /srv/../etc/hf\n|a path with ..
2|[cache]\npath = /srv\n|a path of one component
2|[cache]\npath = /etc/security\n|a system folder
2|[cache]\nmembership = always\n|a membership that is none
1|[cash]\npath = /srv/huggingface\n|an unknown section
4|[cache]\nfresh = 1s\n\nfresh = 2s\n|a key twice
3|[cache]\nfresh = 1s\n[cache]\n|a section twice
1|path = /srv/huggingface\n|a key outside any section
1|[cache\npath = /srv/huggingface\n|a section that is not closed
2|[cache]\npath\n|a line that is no pair
2|[env]\nLD_PRELOAD = /tmp/x.so\n|a variable that is not ours
2|[env]\nHF_TOKEN = hf_x\n|a token for everybody
3|[cache]\nfresh = 1s\n   2s\n|a continued line
1|[cache lab]\npath = /srv/lab\n|a named section that takes nobody
1|[cache lab]\nusers = alice\n|a named section without a path
END
printf '[cache]\nusers = %0300d\nfresh = 1s\n' 0 | policy
refused "an over-long line" "$POLICY:2: "
printf '[cache]\nfresh = 1s\0\n' | policy
refused "a NUL" "$POLICY:2: "
policy <<< "$good"
drop_in <<< $'# site\n\n[cache]\nmode = blue'
refused "an error in a drop-in" "$DROP:4: "

# --- who is served ----------------------------------------------------------

# served USER PROGRAM NAME, unserved likewise; explain must have foretold it.
served() {
    hfcache explain "$1" --service "$2" > "$WORK/explain" 2>&1
    is "$?" 0 "$3: explain says so"
    like "$("by_$2" "$1" "$LOOK")" 'HF_HOME=' "$3"
}
unserved() {
    hfcache explain "$1" --service "$2" > "$WORK/explain" 2>&1
    is "$?" 1 "$3: explain says so"
    unlike "$("by_$2" "$1" "$LOOK")" 'HF_HOME=' "$3"
}

groupadd nohf
usermod -aG nohf bob
policy <<< $'[cache]\nusers = * !@nohf'
served alice su "users: everyone but a group: another"
unserved bob su "users: everyone but a group: a member of it"
policy <<< $'[cache]\nservices = sshd'
like "$(by_ssh alice "$LOOK")" 'HF_HOME=' "services: sshd"
hfcache explain alice > "$WORK/explain"
is "$?" 0 "services: sshd: explain says so"
unserved alice su "services: not su"
policy <<< $'[cache]\nhosts = gpu0*'
served alice su "hosts: this one by its first label"
policy <<< $'[cache]\nhosts = web* *.example.com'
unserved alice su "hosts: not this one"
policy <<< "[cache]
min_uid = $(($(id -u bob) + 1))"
unserved bob su "min_uid: above bob"
policy <<END
[cache]
path = /srv/huggingface
verify = off
[cache lab]
path = /srv/lab
users = bob
[env lab]
TORCH_HOME = /srv/lab/torch/%u
END
served alice su "two caches: the common one"
out=$(by_su bob "$LOOK; echo \"torch=\$TORCH_HOME\"")
like "$out" 'HF_HOME=/srv/lab.*torch=/srv/lab/torch/bob' \
    "two caches: the named one, its [env] expanded"
policy <<< $'[cache]\nhome = private'
out=$(by_su alice "$LOOK")
like "$out" 'HF_HOME=/home/alice/.cache/huggingface' "home = private: HF_HOME"
like "$out" 'HF_HUB_CACHE=/srv/huggingface/hub' "home = private: the hub cache"
drop_in <<< $'[cache]\nhome = shared\numask = 007'
is "$(by_su alice 'echo "$HF_HOME $(umask)"')" "/srv/huggingface 0007" \
    "a drop-in replaces single keys; umask is set"
done_testing
