#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache revoke on a machine with real logins: what usermod and userdb gave is
# taken back, what the admin gave stays, and the next login is what the policy
# says.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice bob carol dave erin

# --- usermod ----------------------------------------------------------------

ok "alice and bob log in" eval 'by_ssh alice true && by_ssh bob true'
ok "and are members" eval 'in_etc_group alice && in_etc_group bob'
like "$(hfcache explain alice)" 'given by hfcache, in a login .* by usermod' \
    "explain: by a login"
by_ssh alice 'exec sleep 30' &
held=$!
wait_for 5 pgrep -u alice -x sleep > /dev/null
out=$(hfcache revoke alice)
is "$?" 0 "revoke: exit 0"
like "$out" 'keep .* (sleep|sshd)' "what she runs keeps the group: named"
nok "revoke: not in /etc/group" in_etc_group alice
ok "others stay" in_etc_group bob
kill "$held"
wait "$held" 2> /dev/null
install -o alice -g hf-users -m 2755 /bin/cat /home/alice/kept
find=$(sed -n 's/^ *find/find/p' <<< "$out")
is "$(${find/ \/ / /home })" /home/alice/kept \
    "a program that gives her the group still is found by what it says"
rm /home/alice/kept
out=$(hfcache revoke alice)
is "$?:${out%%:*}" "0:nothing to take back" "revoke again: nothing to do"

like "$(by_ssh alice "$LOOK")" 'groups: alice hf-users' \
    "membership = ensure: the next login adds her again, as revoke said"
policy <<END
[cache]
users = *, !alice
END
ok "with the line that revoke tells, too" quietly hfcache revoke alice
unlike "$(by_ssh alice "$LOOK")" 'hf-users|HF_HOME' "no login adds her"
policy <<END
[cache]
END

usermod -aG hf-users carol
ok "carol, a member by the admin, logs in" by_ssh carol true
out=$(hfcache revoke carol 2>&1)
is "$?" 3 "the admin's membership: refused"
ok "and stays" in_etc_group carol

# A login that is just adding him holds the lock.
ok "dave logs in" by_ssh dave true
python3 -I -c 'import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
print("held", flush=True); time.sleep(30)' \
    "/run/hfcache/join-$(id -u dave).lock" > "$WORK/held" &
locker=$!
wait_for 5 test -s "$WORK/held"
timed hfcache revoke dave > /dev/null 2> "$WORK/err"
is "$?" 3 "while a login is adding him: exit 3"
like "$(cat "$WORK/err")" 'is adding dave to hf-users at this moment' "and why"
ok "after a second, not for ever ($MS ms)" within 3000
kill "$locker"
wait "$locker" 2> /dev/null
ok "and he stays what he was" in_etc_group dave

# Many at once: usermod's own lock keeps them from losing each other's.
quietly eval 'for n in 1 2 3 4 5 6 7 8; do useradd -M "many$n"; done'
mkdir -p /var/lib/hfcache
for n in 1 2 3 4 5 6 7 8; do
    by_su "many$n" true
done
ok "eight logins" in_etc_group many8
pids=''
for n in 1 2 3 4 5 6 7 8; do
    hfcache revoke "many$n" > /dev/null &
    pids+=" $!"
done
# shellcheck disable=SC2086
wait $pids
is "$(getent group hf-users | cut -d: -f4)" bob,carol,dave \
    "eight at once are all out, and nobody else is"

# ^C reaches all that is in front of the terminal; usermod must not be.
ok "bob logs in" by_ssh bob true
printf '%s\n' '#!/bin/sh' "touch $WORK/begun" 'sleep 1' \
    "touch $WORK/done" > "$WORK/usermod"
chmod 755 "$WORK/usermod"
mount --bind "$WORK/usermod" /usr/sbin/usermod
python3 -I -c 'import os, signal, subprocess, sys, time
child = subprocess.Popen(["hfcache", "revoke", "bob"], start_new_session=True)
until = time.monotonic() + 10
while not os.path.exists(sys.argv[1]) and time.monotonic() < until:
    time.sleep(0.01)
os.killpg(child.pid, signal.SIGINT)
sys.exit(child.wait() != -signal.SIGINT)' "$WORK/begun"
is "$?" 0 "^C ends revoke"
ok "but not its usermod" wait_for 5 test -e "$WORK/done"
umount /usr/sbin/usermod

# --- cut off ----------------------------------------------------------------

# As the power going: usermod has done its work, who waits for it does not live
# to tell.
cp -p /usr/sbin/usermod "$WORK/real"
printf '%s\n' '#!/bin/sh' "$WORK/real \"\$@\"" 'kill -KILL $PPID' \
    > "$WORK/usermod"
users frank
mount --bind "$WORK/usermod" /usr/sbin/usermod
ok "frank's login makes him a member, and is cut off" by_ssh frank true
ok "he is one" wait_for 5 in_etc_group frank
umount /usr/sbin/usermod
like "$(hfcache explain frank)" 'given by hfcache, in a login .* by usermod' \
    "explain: by a login all the same"
ok "revoke takes him out" quietly hfcache revoke frank
nok "and he is out" in_etc_group frank
nok "nothing is left of what was begun" \
    compgen -G '/var/lib/hfcache/begun-*'

ok "usermod failing: the login succeeds" eval \
    'mount --bind /bin/false /usr/sbin/usermod; by_ssh frank true'
umount /usr/sbin/usermod
usermod -aG hf-users frank
hfcache revoke frank > /dev/null 2>&1
is "$?" 3 "what came to nothing is not ours: the admin's membership stays"

# --- userdb -----------------------------------------------------------------

GID=$(hf_gid)

policy <<END
[cache]
persist = userdb
END
sed -i 's/^group:.*/group: files systemd/' /etc/nsswitch.conf
drop_in=/etc/userdb/erin:hf-users.membership
ok "erin logs in" by_ssh erin true
ok "and has a drop-in" test -s "$drop_in"
ok "revoke" quietly hfcache revoke erin
nok "the drop-in is gone" test -e "$drop_in"
unlike "$(id -nG erin)" hf-users "NSS names her no longer"

echo '{"groupName":"hf-far","gid":54321,"disposition":"regular"}' \
    > /etc/userdb/hf-far.group
ln -s hf-far.group /etc/userdb/54321.group
echo '{}' > /etc/userdb/erin:hf-far.membership
printf '[cache]\ngroup = hf-far\n' > "$WORK/far.conf"
out=$(hfcache --conf "$WORK/far.conf" revoke erin 2>&1)
is "$?" 3 "a directory's member: exit 3"
like "$out" '^hfcache: erin is in hf-far by your directory' \
    "and nothing that changes /etc/group is to be typed"
rm /etc/userdb/erin:hf-far.membership
printf 'membership = require\n' >> "$WORK/far.conf"
like "$(hfcache --conf "$WORK/far.conf" explain erin)" \
    'To mend it: add erin to hf-far in your directory$' "explain: neither"

ok "erin logs in again" by_ssh erin true
echo '{"by": "admin"}' > "$drop_in"
for option in '' --dry-run; do
    # shellcheck disable=SC2086
    out=$(hfcache revoke $option erin 2>&1)
    is "$?" 3 "a drop-in that somebody has edited: refused $option"
    like "$out" "^hfcache: $drop_in is not as a login wrote it" "and why"
done
ok "and stays" test -s "$drop_in"

drop_in=/etc/userdb/frank:hf-users.membership
gpasswd -d frank hf-users > /dev/null
ok "frank logs in, and has a drop-in" eval 'by_ssh frank true && test -s $drop_in'
groupdel hf-users
out=$(hfcache revoke frank)
is "$?" 0 "revoke where the group is gone: exit 0"
nok "the drop-in, by which the next group of that name would have him, is gone" \
    test -e "$drop_in"
groupadd --system --gid "$GID" hf-users
unlike "$(id -nG frank)" hf-users "nor has it"

drop_in=/etc/userdb/erin:hf-users.membership
echo '{}' > "$drop_in"
userdel -r erin 2> /dev/null
ok "of a user who is gone, a drop-in may be left" test -e "$drop_in"
out=$(hfcache revoke erin)
is "$?" 0 "revoke of a user who is gone: exit 0"
nok "the drop-in, which the next one of that name would get, is gone" \
    test -e "$drop_in"
done_testing
