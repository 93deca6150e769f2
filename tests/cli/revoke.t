#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache revoke: a membership that a login gave is taken back, no other one is;
# and explain says whose each is. What usermod and userdb make of it on a real
# machine is in tests/system/revoke.t.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

LIST=/var/lib/hfcache/members

# listed LINE...: the list of those whom logins have added.
listed() {
    mkdir -p /var/lib/hfcache
    chmod 755 /var/lib/hfcache
    printf '%s\n' "$@" > "$LIST"
    chmod 600 "$LIST"
}

# edit FILE SED: a mounted file cannot be renamed.
edit() {
    sed "$2" "$1" > edited
    cat edited > "$1"
}

# grouped MEMBERS: who is in hf-users.
grouped() {
    edit group "s/^hf-users:.*/hf-users:x:900:$1/"
}

# Takes away as the real one does.
cat > usermod <<'END'
#!/bin/bash
echo "$*" >> /mnt/usermod.seen
[ ! -e /mnt/usermod.fails ] || { echo "usermod: -r is not known" >&2; exit 2; }
[ ! -e /mnt/usermod.idle ] || exit 0
sed -E "s/^($2:.*[:,])$3(,|\$)/\1/; s/,\$//" /mnt/group > /mnt/edited
cat /mnt/edited > /mnt/group
END
chmod 755 usermod
mount --bind usermod /usr/sbin/usermod || exit 1
since=$(($(date +%s) - 300))
ours="$since bob hf-users usermod 3002 900"

# --- by whom a membership is ------------------------------------------------

run explain bob
like "$out" '
  given by others than hfcache' "no list: a member is others' business"
run explain alice
unlike "$out" 'given by' "who is no member was given nothing"
listed "$ours"
run explain bob
like "$out" '
  given by hfcache, in a login 5 min ago, by usermod; sudo hfcache revoke bob takes it back
' "explain: by a login, when, how, what takes it back"
run explain bob --json
asked '.group | [.given_by, .since]' "[\"hfcache\",$since]" \
    "JSON: by a login, when"
listed "$since bob hf-users usermod 3999 900"
run explain bob --json
asked '.group | [.given_by, .since]' '["others",null]' \
    "what an earlier bob was given is not this one's"
listed "$ours" "$since bob hf-users revoked 3002 900"
run explain bob --json
asked .group.given_by others "given, and taken back: whoever gave it since"
listed "$since bob hf-users revoked 3002 900" "$ours"
run explain bob --json
asked .group.given_by hfcache "taken back, and given again"
edit passwd 's/^bob:x:3002:3002/bob:x:3002:900/'
run explain bob --json
asked .group.given_by 'primary group' "a primary group is nobody's gift"
listed ''
exits 3 "a primary group" revoke bob
like "$err" 'hf-users is the primary group of bob' "a primary group: stays"
edit passwd 's/^bob:x:3002:900/bob:x:3002:3002/'
grouped bob
listed "$ours"
chmod 666 "$LIST"
run explain bob
like "$out" "
  given by whom is not to be had: $LIST: others" \
    "a list that others can write: not believed"
chmod 600 "$LIST"
if [ "$REAL_UID" -eq 0 ]; then
    cp "$HFCACHE" /mnt/hfcache
    out=$(setpriv --reuid 3002 --regid 3002 --groups 900 /mnt/hfcache explain)
    like "$out" "
  given by whom is not to be had: the list is root's to read
" "a user is not told, but that he is not"
    out=$(setpriv --reuid 3002 --regid 3002 --groups 900 /mnt/hfcache \
        revoke bob 2>&1)
    is "$?" 3 "revoke by a user: exit 3"
    like "$out" 'only root' "revoke by a user: why"
else
    skip "needs root to be somebody else" "a user is not told"
fi

# --- taking it back ---------------------------------------------------------

exits 2 "nobody" revoke
like "$err" 'revoke USER' "nobody: what to type"

rm -f usermod.seen
listed "$ours" "$since alice hf-users usermod 3001 900"
exits 0 "--dry-run" revoke --dry-run bob
like "$out" '^would take bob out of hf-users \(gid 900\), where a login put him 5 min ago, by usermod
' "--dry-run: what would be done"
ok "--dry-run: nothing is" test ! -e usermod.seen
is "$(wc -l < "$LIST")" 2 "--dry-run: nothing is noted"

listed "$since bob hf-users usermod 3002 901"
exits 3 "a group that has another number now" revoke bob
wanted=$err
exits 3 "and --dry-run" revoke --dry-run bob
is "$err" "$wanted" "--dry-run: refused as without it"
like "$err" 'group hf-users: is not gid 901' "and why"
listed "$ours" "$since alice hf-users usermod 3001 900"

# has_become PID: setpriv has done its work.
has_become() {
    for _ in {1..100}; do
        grep -q '^Uid:.3002' "/proc/$1/status" && return
        sleep 0.05
    done
    return 1
}

if [ "$REAL_UID" -eq 0 ]; then
    setpriv --reuid 3002 --regid 3002 --groups 900 sleep 60 &
    keeper=$!
    setpriv --reuid 3002 --regid 3002 --clear-groups tail -f /dev/null &
    other=$!
    has_become "$keeper" && has_become "$other"
fi
exits 0 "a membership of ours" revoke bob
like "$out" '^took bob out of hf-users ' "a membership of ours: said"
is "$(cat usermod.seen)" "-rG hf-users bob" "a membership of ours: by usermod"
like "$(getent group hf-users)" ':$' "a membership of ours: gone"
like "$(tail -n 1 "$LIST")" '^[0-9]+ bob hf-users revoked 3002 900$' "and noted"
is "$(head -n 2 "$LIST")" "$ours
$since alice hf-users usermod 3001 900" "other lines of the list stay"
if [ "$REAL_UID" -eq 0 ]; then
    like "$out" '
  keep    1 process of his keeps the group until it ends: sleep
' "what still runs with the group keeps it: said, and what has it not is not"
    kill "$keeper" "$other"
    wait "$keeper" "$other" 2> /dev/null
fi
like "$out" '
  again   the next login adds him again: membership = ensure \(built-in default\)
          to keep him out, in \[cache\]:
          users = \*, !bob$' "the next login would add him: what to write"
printf '[cache]\nusers = *, !bob\n' > without
grouped bob
listed "$ours"
exits 0 "with that policy" --conf /mnt/without revoke bob
like "$out" '
  keep    no process of his has the group
  look    for programs that give the group to whoever runs them:
          find / -type f -perm -2000 -group 900$' \
    "with that policy no login adds him"

rm usermod.seen
exits 0 "a second time" revoke bob
like "$out" '^nothing to take back' "a second time: said"
ok "a second time: usermod is not called" test ! -e usermod.seen

# --- what is not ours -------------------------------------------------------

grouped bob
exits 3 "a membership that the admin gave" revoke bob
is "$err" "hfcache: bob is in hf-users by somebody else than hfcache: he stays there; by hand: gpasswd -d bob hf-users" \
    "the admin's: named, and what to type"
like "$(getent group hf-users)" ':bob$' "the admin's: stays"
listed "$since bob hf-users usermod 3999 900"
exits 3 "one that an earlier bob was given" revoke bob
like "$(getent group hf-users)" ':bob$' "of an earlier bob: the admin's now, stays"
ok "and usermod is not called" test ! -e usermod.seen
exits 3 "an unknown user" revoke nosuch
like "$err" 'nosuch' "an unknown user is named"

# --- what goes wrong --------------------------------------------------------

listed ''
mount --bind "/proc/$$/mem" /etc/group # what can be opened, and not read
run revoke bob
if [[ $err == *'group "hf-users": Input/output error'* ]]; then
    is "$rc" 3 "NSS has no answer: who knows whether he is a member: exit 3"
else
    skip "this C library takes it for an empty file" "NSS has no answer"
fi
umount /etc/group

listed "$ours"
: > usermod.fails
exits 3 "usermod fails" revoke bob
like "$err" 'usermod ended with 2: usermod: -r is not known ?; by hand: gpasswd -d bob hf-users$' \
    "usermod fails: its words, and what to type"
is "$(cat "$LIST")" "$ours" "usermod fails: still ours"
printf '%s\n' 'EX\ann:x:3012:3012::/home/ann:/bin/sh' >> passwd
listed "$since EX\\ann hf-users usermod 3012 900"
run revoke 'EX\ann'
like "$err" "by hand: gpasswd -d 'EX\\\\ann' hf-users\$" \
    "usermod fails: what to type of DOMAIN\name"
listed "$ours"
rm usermod.fails
: > usermod.idle
exits 3 "usermod does nothing" revoke bob
like "$err" 'bob is in hf-users all the same' "NSS is asked again"
rm usermod.idle usermod.seen
grouped ''
listed "$ours"
exits 0 "somebody else took him out before" revoke bob
is "$(cat usermod.seen)" "-rG hf-users bob" "usermod sees to it all the same"
like "$(tail -n 1 "$LIST")" ' revoked ' "it is noted"
listed "17000000 bo$ours" "$ours extra" "x bob hf-users usermod 3002 900" \
    "1 bob hf-users given 3002 900" "1 bob hf-users usermod -1 900" ''
grouped bob
exits 3 "lines that are none" revoke bob
like "$err" 'by somebody else' "a line cut short gives nobody away"
ln -sf /mnt/group "$LIST"
exits 3 "a list that is a link" revoke bob
rm "$LIST"
policy <<< $'[cache]\ncolour = blue'
exits 2 "a refused policy" revoke bob
like "$err" "^hfcache: $POLICY:2: " "a refused policy: FILE:LINE"
done_testing
