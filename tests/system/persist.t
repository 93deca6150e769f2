#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# How a membership is made to last: usermod, called with nothing of the login
# program on it; usermod failing, locked out, slow; userdb drop-ins.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice bob carol dave erin frank grace heidi ivan judy Ken.Odd
policy <<END
[cache]
persist_deadline = 1s
END

# usermod_is: standard input becomes usermod(8); the real one is at $REAL.
REAL=/usr/sbin/usermod.real
cp -p /usr/sbin/usermod "$REAL"
usermod_is() {
    install -m 755 /dev/stdin /usr/sbin/usermod
}

# --- how it is called -------------------------------------------------------

usermod_is <<'END'
#!/bin/bash
{
    printf 'argv:'; printf ' [%s]' "$@"; echo
    echo "env: $(tr '\0' ' ' < /proc/$$/environ)"
    echo "fds: $(cd /proc/$$/fd && for fd in [012] 3 4 5 6 7 8 9; do
        [ -e "$fd" ] && echo "$fd=$(readlink "$fd")"; done | xargs)"
    echo "cwd: $(readlink /proc/$$/cwd)"
    grep -E '^(Uid|Gid|Groups|Umask|SigBlk|SigIgn):' /proc/self/status |
        tr -s '\t ' ' '
    echo "session: $(ps -o sid= -p $$ | tr -d ' ')"
} > /run/usermod.seen
exec /usr/sbin/usermod.real "$@"
END
umask 077
trap '' USR1
mark_log
by_ssh alice true
by_su bob true 9< /etc/passwd
umask 022
trap - USR1
seen=$(cat /run/usermod.seen)
like "$seen" '^argv: \[-aG\] \[hf-users\] \[bob\]' "usermod -aG GROUP USER"
env=$(sed -n 's/^env: //p' <<< "$seen" | tr ' ' '\n' |
    grep -vE '^(PATH=.*|PWD=.*|SHLVL=.*|_=.*|OLDPWD=.*|)$')
is "$env" "" "usermod's environment is empty but for PATH"
unlike "$seen" 'passwd|socket|pts' "no descriptor of the login program's"
like "$seen" 'cwd: /(.|$)' "cwd is a folder of the system's"
like "$seen" 'Uid: 0 0 0 0' "all uids 0"
like "$seen" 'Gid: 0 0 0 0' "all gids 0"
is "$(sed -n 's/^Groups: *//p' <<< "$seen")" "" "no groups"
like "$seen" 'Umask: 0022' "umask 022"
like "$seen" 'SigBlk: 0000000000000000' "no signal blocked"
# posix_spawn leaves the two that glibc keeps for itself ignored; and a limit of
# file sizes is to be an error, after which usermod takes its locks away.
ignored=$(sed -n 's/^SigIgn: //p' <<< "$seen")
is "$(printf %x $((0x$ignored & 0x7fffffff)))" 1000000 \
    "no signal ignored but SIGXFSZ"
sid=$(sed -n 's/^session: //p' <<< "$seen")
isnt "$sid" "$(ps -o sid= -p $$ | tr -d ' ')" "a session of its own"
ok "and the membership lasts" wait_for 5 in_etc_group bob

# --- failing ----------------------------------------------------------------

usermod_is <<'END'
#!/bin/bash
exit 1
END
mark_log
out=$(by_ssh carol "$LOOK")
is "$?" 0 "MUST 2.6.1: usermod fails, the login succeeds (sshd)"
out=$(by_su carol "$LOOK")
like "$out" 'groups: carol hf-users.*HF_HOME=' \
    "usermod fails: su has the group in this session"
nok "usermod fails: not in /etc/group" in_etc_group carol
ok "usermod fails: logged" logged ' user=carol .* persist=[^ ]*[^ ]'

usermod_is <<'END'
#!/bin/bash
exit 0
END
mark_log
by_su carol true
unlike "$(field carol persist)" '^(usermod|added|ok)$' \
    "usermod claims success without effect: not believed"

usermod_is <<'END'
#!/bin/bash
kill -KILL $$
END
mark_log
ok "MUST 2.6.1: usermod is killed, the login succeeds" by_ssh carol true
ok "killed: the log says by what" logged \
    ' user=carol .* persist="usermod: [^"]*usermod was ended by signal 9"'

usermod_is <<'END'
#!/bin/bash
head -c 200000 /dev/zero | tr '\0' '\033' >&2
echo forged >&2
exit 10
END
mark_log
timed by_ssh carol true
is "$?" 0 "MUST 2.6.1: usermod complains without end, the login succeeds"
ok "MUST 2.6.2: and does not wait for all of it ($MS ms)" within 2000
ok "complaint: the log has its code and its start" logged \
    ' user=carol .* persist="usermod: [^"]*usermod ended with 10:  *"'
is "$(new_log | grep -c forged)" 0 "complaint: and nothing that forges a line"

# What failed after a long wait is not tried again by each login.
usermod_is <<'END'
#!/bin/bash
echo "$*" >> /run/usermod.failed
sleep 2.5
exit 1
END
by_su carol true
wait_for 10 no_helper
mark_log
timed by_su carol true
is "$?" 0 "MUST 2.6.1: usermod failed slowly, the next login succeeds"
ok "MUST 2.6.2: and does not wait again ($MS ms)" within 900
ok "slow failure: the log says when the next try is" logged \
    ' user=carol .* persist="usermod: failed after a long wait [0-9]+ s ago; the'
is "$(wc -l < /run/usermod.failed)" 1 "slow failure: no second try"
rm -f /run/hfcache/join-*.lock

rm /usr/sbin/usermod
ok "MUST 2.6.1: no usermod at all, the login succeeds" by_ssh carol true

# --- locked -----------------------------------------------------------------

cp -p "$REAL" /usr/sbin/usermod
sleep 60 &
locker=$!
printf '%d\0' "$locker" > /etc/group.lock
ok "MUST 2.6.1: /etc/group locked, the login succeeds" timed by_ssh dave true
ok "MUST 2.6.2: within persist_deadline and a bit ($MS ms)" within 2000
nok "locked: not in /etc/group" in_etc_group dave
kill "$locker"
wait "$locker" 2> /dev/null
rm -f /etc/group.lock
ok "unlocked" by_ssh dave true
ok "unlocked: the next login makes it last" wait_for 5 in_etc_group dave

# A usermod that was killed leaves its lock; the next one finds nobody behind it.
forget dave
(exit 0) &
dead=$!
wait "$dead"
printf '%d\0' "$dead" > /etc/group.lock
ok "a dead process's lock: the login succeeds" by_ssh dave true
ok "a dead process's lock: it lasts all the same" wait_for 5 in_etc_group dave
wait_for 5 no_helper
nok "a dead process's lock: gone" test -e /etc/group.lock

# --- slow -------------------------------------------------------------------

usermod_is <<'END'
#!/bin/bash
echo "$*" >> /run/usermod.runs
trap 'echo "killed" >> /run/usermod.runs' EXIT
for _ in {1..600}; do # a minute at most
    [ ! -e /run/let-go ] || break
    sleep 0.1
done
trap - EXIT
exec /usr/sbin/usermod.real "$@"
END
by_su bob true # the helper's caches are warm
mark_log
timed by_ssh erin true
is "$?" 0 "MUST 2.6.1: usermod is slow, the login succeeds"
ok "MUST 2.6.2: after persist_deadline, 1 s ($MS ms)" within 1900 1000
nok "slow: not yet in /etc/group" in_etc_group erin
erin_comes_back() {
    for _ in 1 2 3 4; do
        by_su erin true
    done
}
policy <<< $'[cache]\npersist = usermod\npersist_deadline = 30s'
timed erin_comes_back
is "$(grep -c erin /run/usermod.runs)" 1 \
    "slow: the next logins start no second usermod"
ok "MUST 2.6.2: slow: persist_deadline once, later logins at once ($MS ms)" \
    within 15000
ok "slow: nor do helpers pile up" [ "$(pgrep -cx hfcache-probe)" -le 2 ]
touch /run/let-go
ok "slow: the change lands all the same" wait_for 9 in_etc_group erin
is "$(cat /run/usermod.runs)" "-aG hf-users erin" "slow: never killed"
like "$(by_ssh erin "$LOOK")" 'groups: erin hf-users.*HF_HOME=' \
    "slow: the next login has it"
cp -p "$REAL" /usr/sbin/usermod

# --- names ------------------------------------------------------------------

mark_log
ok "MUST 2.6.1: an odd user name, the login succeeds" by_ssh Ken.Odd true
ok "an odd user name is logged" logged 'user=Ken\.Odd'

# --- userdb -----------------------------------------------------------------

drop_in() { # USER [GROUP]
    echo "/etc/userdb/$1:${2-hf-users}.membership"
}

policy <<END
[cache]
persist = userdb
END
sed -i 's/^group:.*/group: files systemd/' /etc/nsswitch.conf
mark_log
like "$(by_ssh frank "$LOOK")" 'groups: frank hf-users.*HF_HOME=' \
    "userdb: sshd has the group in the first session"
is "$(cat "$(drop_in frank)")" "{}" "userdb: the drop-in holds {}"
nok "userdb: /etc/group untouched" in_etc_group frank
is "$(stat -c '%a %u %g' "$(drop_in frank)")" "644 0 0" "userdb: 0644 root"
like "$(by_su_login frank "$LOOK")" 'groups: frank hf-users.*HF_HOME=' \
    "userdb: the next login"

# A record that is there and says nothing, as systemd before 258 reads an empty
# one: it is somebody else's, stays as it is, and is not called lasting.
install -m 644 /dev/null "$(drop_in judy)"
mark_log
ok "MUST 2.6.1: a record that masks, the login succeeds" by_ssh judy true
is "$(stat -c %s "$(drop_in judy)")" 0 "a record that masks: left as it is"
unlike "$(field judy persist)" '^(userdb|lasting)$' \
    "a record that masks: not taken for a membership"
rm "$(drop_in judy)"
rm -f /run/hfcache/join-*.lock

mv /etc/userdb /etc/userdb.away
install -m 644 /dev/null /etc/userdb
mark_log
ok "MUST 2.6.1: no folder for records, the login succeeds" by_ssh grace true
ok "no folder: the log says why" logged \
    ' user=grace .* persist="userdb: /etc/userdb[^"]*[Nn]ot a directory'
rm /etc/userdb
mv /etc/userdb.away /etc/userdb

sed -i 's/^group:.*/group: files/' /etc/nsswitch.conf
mark_log
ok "MUST 2.6.1: userdb that NSS does not read, the login succeeds" \
    by_ssh grace true
nok "userdb that NSS does not read: no drop-in is left" test -e "$(drop_in grace)"
like "$(by_su grace "$LOOK")" 'groups: grace hf-users.*HF_HOME=' \
    "and su has the group for this session"

# A group that only NSS knows: auto takes userdb where group: names systemd.
sed -i 's/^group:.*/group: files systemd/' /etc/nsswitch.conf
install -d /etc/userdb
echo '{"groupName":"hf-far","gid":54321,"disposition":"regular"}' \
    > /etc/userdb/hf-far.group
ln -s hf-far.group /etc/userdb/54321.group
is "$(getent group hf-far | cut -d: -f3)" 54321 "a group that only NSS knows"
policy <<END
[cache]
group = hf-far
path = /srv/far
END
mark_log
like "$(by_ssh heidi "$LOOK")" 'groups: heidi hf-far' "auto: userdb is taken"
ok "auto: by a drop-in" test -s "$(drop_in heidi hf-far)"

sed -i 's/^group:.*/group: files/' /etc/nsswitch.conf
policy <<END
[cache]
persist = auto
END
like "$(by_ssh ivan "$LOOK")" 'groups: ivan hf-users' "auto: /etc/group"
ok "auto: by usermod" wait_for 5 in_etc_group ivan

# --- the other values of membership -----------------------------------------

policy <<END
[cache]
membership = require
END
mark_log
unlike "$(by_ssh judy "$LOOK")" 'hf-users|HF_HOME' "require: nobody is added"
is_field judy state not-member "require: the log says not-member"
nok "require: not in /etc/group" in_etc_group judy
usermod -aG hf-users judy
like "$(by_ssh judy "$LOOK")" 'groups: judy hf-users.*HF_HOME=' \
    "require: a member gets the variables"
gpasswd -d judy hf-users > /dev/null
policy <<END
[cache]
membership = off
END
out=$(by_ssh judy "$LOOK")
unlike "$out" 'hf-users' "off: nobody is added"
like "$out" 'HF_HOME=' "off: the variables are set all the same"
done_testing
