#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Users and groups of a directory, which are in no file of /etc: how they are
# written, who is in very many groups, and a directory that does not answer.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

builds <<< $'#include <nss.h>\nint main(void) { return NSS_STATUS_SUCCESS != 1; }' ||
    skip_all "this C library has no services for NSS"
libs=$(ldd "$(command -v bash)" | awk '/libc\.so/ { print $3 }')
libs=$(dirname "$(readlink -f "$libs")")
[[ $libs == /usr/* ]] || skip_all "its libraries are not in /usr"

ready carl
mkdir /etc/far
build "$libs/libnss_far.so.2" -shared -fPIC "$SYSTEM/directory.c"
sed -Ei 's/^(passwd|group):.*/\1: files far/' /etc/nsswitch.conf
install -m 666 /dev/null /tmp/far.asked

# far_user NAME UID: with a key to log in by.
far_user() {
    local home=/home/far$2
    echo "$1:*:$2:7000::$home:/bin/bash" >> /etc/far/passwd
    install -d -m 700 -o "$2" -g 7000 "$home" "$home/.ssh"
    install -m 600 -o "$2" -g 7000 "$KEYS/id.pub" "$home/.ssh/authorized_keys"
}

far_user alice@example.org 5001
far_user 'EX\bob' 3000000001
far_user many 5003
{
    echo 'domain users:*:7000:'
    echo 'hf@example.org:*:7001:alice@example.org'
    echo 'interns:*:7002:carl'
    for i in {1..2000}; do
        echo "p$i@example.org:*:$((10000 + i)):many"
    done
} > /etc/far/group
is "$(id -G many | wc -w)" 2001 "a user of the directory is in 2,001 groups"

# --- how they are written ----------------------------------------------------

like "$(by_ssh alice@example.org "$LOOK")" 'hf-users.*HF_HOME=' \
    "name@domain: a login has both"
ok "name@domain: lastingly" in_etc_group alice@example.org
like "$(by_ssh 'EX\bob' "$LOOK")" 'hf-users.*HF_HOME=' \
    'DOMAIN\name, and a uid beyond 2^31: a login has both'
ok 'DOMAIN\name: lastingly' in_etc_group 'EX\bob'
like "$(hfcache explain 'EX\bob')" "given by hfcache, .* revoke 'EX\\\\bob' takes" \
    'DOMAIN\name: explain says by whom'
ok 'DOMAIN\name: revoke' quietly hfcache revoke 'EX\bob'
nok 'DOMAIN\name: he is out' in_etc_group 'EX\bob'

policy <<< $'[cache]\npath = /srv/far\ngroup = hf@example.org\nmembership = require'
ok "a group of the directory: setup" quietly hfcache setup
is "$(stat -c %g /srv/far/hub)" 7001 "a group of the directory: the cache is its"
like "$(by_ssh alice@example.org "$LOOK")" HF_HOME=/srv/far \
    "a group of the directory: a member has the cache"
like "$(hfcache explain many)" 'add many to hf@example.org in your directory$' \
    "who is none is told where to become one"

# --- many groups -------------------------------------------------------------

policy <<< $'[cache]\nusers = @p7@example.org'
: > /tmp/far.asked
like "$(by_su many 'env | grep ^HF_')" HF_HOME= "in 2,001 groups: a login has it"
asked=$(stat -c %s /tmp/far.asked)
ok "in 2,001 groups: the directory is not asked for all" [ "$asked" -lt 100 ] ||
    diag "asked $asked times"

# --- no answer ---------------------------------------------------------------

policy <<< $'[cache]\nusers = *, !@interns'
like "$(id -Gn carl)" interns "a local user, in a group of the directory"
touch /etc/far/silent
unlike "$(id -Gn carl)" interns "a directory that does not answer: not in it"
mark_log
unlike "$(by_ssh carl 'echo in; env')" HF_HOME "whom it leaves out stays out"
ok "and it is logged" logged 'which groups uid [0-9]+ is in: .*this login goes on'
nok "he was not made a member" in_etc_group carl
is "$(by_ssh carl echo in)" in "MUST 2.6.1: his login succeeds"
gpasswd -a carl hf-users > /dev/null
echo "$(date +%s) carl hf-users usermod $(id -u carl) $(hf_gid)" \
    >> /var/lib/hfcache/members
quietly hfcache revoke carl # who cannot tell whether the next login adds him
nok "what a login gave him is taken back all the same" in_etc_group carl

policy <<< $'[cache]\npath = /srv/far\ngroup = hf@example.org'

# no_new_group NAME: setup makes none for the cache that is there.
no_new_group() {
    out=$(hfcache setup 2>&1)
    is "$?" 3 "$1: setup refuses"
    nok "$1: and makes no group" grep -q '^hf@example.org:' /etc/group
    is "$(stat -c %g /srv/far)" 7001 "$1: the cache is the directory's still"
}
no_new_group "a directory that does not answer"
mv /etc/far /etc/far.away
no_new_group "a directory that is gone"
like "$out" 'is of gid 7001, which has no name now' "and says why"
done_testing
