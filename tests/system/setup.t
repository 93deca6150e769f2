#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `hfcache setup` makes group and folders, once; it leaves alone what holds
# other things, system folders, and a mount point without its mount.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

install_project

tree() { # FOLDER...: all that setup could have changed
    find "$@" -xdev -printf '%p %y %m %U %G %C@\n' | sort
    getfacl -RpP "$@" 2> /dev/null
    cat /etc/group
}

# refuses EXIT REGEX NAME FOLDER...: setup under the policy as it stands.
refuses() {
    local exit=$1 regex=$2 name=$3 before out
    shift 3
    before=$(tree "$@")
    out=$(hfcache setup 2>&1)
    like "$?" "^$exit\$" "$name: exit $exit"
    like "$out" "$regex" "$name: says why"
    is "$(tree "$@")" "$before" "$name: nothing changed"
}

# --- a fresh machine --------------------------------------------------------

before=$(tree /srv)
out=$(hfcache setup --dry-run)
is "$?" 0 "dry run: exit 0"
like "$out" "$CACHE" "dry run: says what it would do"
is "$(tree /srv)" "$before" "dry run: nothing changed"

out=$(hfcache setup)
is "$?" 0 "setup: exit 0"
for word in hf-users "$CACHE" hub .locks; do
    like "$out" "$word" "setup: says that it made $word"
done
is "$(cd "$CACHE" && stat -c '%n %a %U %G' . hub hub/.locks)" \
    ". 2750 root hf-users
hub 2770 root hf-users
hub/.locks 2770 root hf-users" "setup: owner, group, modes"
is "$(getfacl -cpd "$CACHE/hub" | xargs)" "user::rwx group::rwx other::---" \
    "setup: default ACL"
is "$(getfacl -cpa "$CACHE/hub" | xargs)" "user::rwx group::rwx other::---" \
    "setup: no access ACL beyond the mode"
before=$(tree "$CACHE")
ok "setup again: exit 0" quietly hfcache setup
is "$(tree "$CACHE")" "$before" "setup again: not one inode touched"

chmod g-s "$CACHE/hub"
ok "setup after drift: exit 0" quietly hfcache setup
is "$(stat -c %a "$CACHE/hub")" 2770 "setup after drift: mended"
mkdir "$CACHE/lost+found"
ok "lost+found is no stranger" quietly hfcache setup

# --- what it must leave alone -----------------------------------------------

mkdir /srv/data
touch /srv/data/thesis.tex
policy <<< $'[cache]\npath = /srv/data'
refuses 3 '/srv/data/huggingface' "a folder that holds other things" /srv/data
like "$(hfcache setup 2>&1)" 'thesis\.tex' "and names what it found"

for path in / /home /srv /etc /usr /var/lib; do
    policy <<< "[cache]
path = $path"
    refuses 2 "$POLICY:2: " "path = $path" /home /srv /etc/security
done
users alice
policy <<< $'[cache]\npath = /home/alice'
refuses '[23]' '.' "a home" /home/alice

mkdir /srv/nfs
echo 'server:/export /srv/nfs nfs defaults 0 0' >> /etc/fstab
policy <<< $'[cache]\npath = /srv/nfs'
refuses 3 'fstab|mount' "a mount point without its mount" /srv/nfs
policy <<< $'[cache]\npath = /srv/nfs/huggingface'
refuses 3 'fstab|mount' "a folder below one" /srv/nfs
mount -t tmpfs tmpfs /srv/nfs
ok "mounted: exit 0" quietly hfcache setup
is "$(stat -c %a /srv/nfs/huggingface/hub)" 2770 "mounted: made"
umount /srv/nfs

policy <<< $'[cache]\npath = /srv/link'
mkdir /home/alice/hf
chown alice: /home/alice/hf
ln -s /home/alice/hf /srv/link
chown -h alice: /srv/link
refuses 3 '/srv/link' "a user's link" /srv /home/alice

install -d -o root /home/alice/data
policy <<< $'[cache]\npath = /home/alice/data/hf'
refuses 3 'the home of alice.*choose another path' "root's folder in a home" \
    /home/alice
install -d -o alice /srv/alice
install -d /srv/alice/data
policy <<< $'[cache]\npath = /srv/alice/data/hf'
refuses 3 '/srv/alice: others than root can replace' \
    "root's folder in that of another" /srv/alice
: > /srv/file
policy <<< $'[cache]\npath = /srv/file/hf'
refuses 3 '/srv/file: is no folder; move it away' "a file on the way" /srv/file
policy <<< $'[cache]\npath = /srv/file'
refuses 3 '/srv/file: is no folder; move it away' "a file" /srv/file

install -d -m 700 /srv/closed
policy <<< $'[cache]\npath = /srv/closed/hf'
like "$(hfcache setup 2>&1)" \
    '/srv/closed: members may not enter it .*: chmod o\+x /srv/closed' \
    "a way that is closed to members: said"
setfacl -m g:hf-users:x /srv/closed
unlike "$(hfcache setup 2>&1)" 'may not enter' "with an ACL it may be open"
setfacl -b /srv/closed

# --- what was seen before is of no use --------------------------------------

hfcache enable sshd > "$WORK/enable.log"
start_sshd
unlike "$(by_ssh alice "$LOOK")" 'HF_HOME=' "a cache that is closed: left out"
chmod 711 /srv/closed
ok "setup, with nothing to do" quietly hfcache setup
like "$(hfcache status)" 'state +unknown' "status: nobody has looked since"
like "$(by_ssh alice "$LOOK")" 'HF_HOME=/srv/closed/hf' \
    "the next login looks, however fresh the last look is"
ok "setup of a cache that is right" quietly hfcache setup
like "$(hfcache status)" 'state +usable' "what was seen of it is not forgotten"
chmod g-s /srv/closed/hf/hub
ok "setup of one that is not right any more" quietly hfcache setup
like "$(hfcache status)" 'state +unknown' "what was seen before is forgotten"

policy <<< $'[cache]\ngroup = sudo'
refuses 2 "$POLICY:2: " "a group with rights" /srv

rm "$POLICY"
out=$(setpriv --reuid alice --regid alice --init-groups hfcache setup 2>&1)
isnt "$?" 0 "setup by a user: refused"
like "$out" 'root' "and told why"
done_testing
