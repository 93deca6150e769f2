#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Logins where systemd is the first process and pam_systemd is in the stack:
# what a session has, what systemd thinks of the helpers that it leaves behind,
# and what a user can do to them by his slice.

# shellcheck source=tests/machine/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

mkdir -p /etc/systemd/logind.conf.d
printf '[Login]\nKillUserProcesses=yes\n' > /etc/systemd/logind.conf.d/kill.conf
systemctl restart systemd-logind
ready alice bob carol

# --- a first login ------------------------------------------------------------

out=$(by_ssh alice "$LOOK; cat /proc/self/cgroup")
like "$out" 'groups: alice hf-users' "sshd: a member in that very session"
like "$out" "HF_HOME=$CACHE" "sshd: HF_HOME"
like "$out" 'user-[0-9]+\.slice/session-' "in a session of logind's"
ok "sshd: a member from then on" in_etc_group alice
is_field alice state usable "the cache was looked at"
out=$(by_ssh alice 'systemctl --user is-system-running --wait
    systemd-run --user --quiet --wait --pipe id -Gn')
like "$out" $'running\nalice hf-users' "his manager's units have the group"
ok "after it: no session" wait_for 20 no_sessions alice

# The manager is started by that very login, behind our line.
out=$(by_ssh bob 'systemctl --user is-system-running --wait
    systemd-run --user --quiet --wait --pipe id -Gn')
like "$out" $'running\nbob hf-users' \
    "a manager that the first login starts has the group at once"
out=$(by_ssh bob 'systemd-run --user --quiet --wait --pipe env')
unlike "$out" HF_HOME "units of the manager's are without the variables"

# --- a manager that has them too ------------------------------------------------

# Its file is the package's until there is one in /etc, and enable says so.
rm -f /etc/pam.d/systemd-user
like "$(hfcache enable systemd-user 2>&1)" 'cp /usr/lib/pam.d/systemd-user' \
    "enable does not edit systemd's own file"
cp /usr/lib/pam.d/systemd-user /etc/pam.d/
ok "hfcache enable systemd-user" quietly hfcache enable systemd-user
ok "explain: that service reaches the module" \
    quietly hfcache explain bob --service systemd-user
wait_for 30 eval '! systemctl is-active --quiet user@$(id -u bob)'
no_state
mark_log
out=$(by_ssh bob 'systemctl --user is-system-running --wait
    systemd-run --user --quiet --wait --pipe env')
like "$out" "HF_HOME=$CACHE" "then units of the manager's have them"
ok "the manager's login is logged" logged 'pam_hfcache\(systemd-user:session\): user=bob'
unlike "$(journal_since -u "user@$(id -u bob)")" 'hfcache-probe' \
    "and no helper was started by it"
ok "hfcache disable systemd-user" quietly hfcache disable systemd-user
rm /etc/pam.d/systemd-user

printf '%s required pam_permit.so\n' auth account session > /etc/pam.d/train
quietly hfcache enable train

# --- a helper that works on -----------------------------------------------------

# where_probes: the control groups of the helpers there are.
where_probes() {
    local pid
    for pid in $(pgrep -x hfcache-probe); do
        cut -d: -f3 "/proc/$pid/cgroup"
    done | sort -u
}

mv "$CACHE" /srv/backing
mkdir "$CACHE"
modprobe fuse
server=$("$SYSTEM/fuse-server" --hang /srv/backing "$CACHE")
no_state
mark_log
is "$(by_ssh alice 'echo in; sleep 2; loginctl --no-legend list-sessions |
    grep -c alice')" $'in\n2' "a login while the server hangs, manager and session"
is "$(probes)" 1 "one helper waits"
is "$(where_probes)" /system.slice/ssh.service "in the cgroup of sshd's service"
ok "the session ends all the same" wait_for 30 no_sessions alice
is "$(probes)" 1 "and the helper, it does not end"
ok "the user's slice ends" wait_for 30 eval \
    '! systemctl is-active --quiet user-$(id -u alice).slice'
mark_log
ok "another login ends as soon as it is done" by_ssh bob true
ok "we took no time of it" took bob 2000

# A helper that hangs keeps nobody from restarting sshd.
timed systemctl restart ssh
ok "sshd can be restarted ($MS ms)" within 20000
is "$(systemctl is-active ssh)" active "and runs"
ok "logins go on" by_ssh bob true

# By cron, a terminal and su of root's.
echo 'echo "$(id -Gn)" > /tmp/cron.out' > /tmp/job
printf '* * * * * /bin/sh /tmp/job\n' | crontab -u carol -
ok "cron runs a job" wait_for 100 test -s /tmp/cron.out
crontab -u carol -r
is "$(cat /tmp/cron.out)" "carol hf-users" "as a member, at the first login"
where_probes > "$WORK/where"
unlike "$(cat "$WORK/where")" 'user-[1-9]' "no helper is in a user's slice"
mark_log
ok "su by root" su - carol -c true
ok "at once" took carol 2000
ok "at most four helpers" [ "$(probes)" -le 4 ]

# A unit ends with its last process, and so does not leave one that hangs.
timed systemd-run --quiet --wait --pipe -p User=bob -p PAMName=train true
is "$?" 0 "a unit with PAMName= runs"
ok "and its end is not held ($MS ms)" within 30000

# What a user may do to his own.
by_ssh alice 'systemctl --user stop default.target; systemctl --user exit' \
    > /dev/null 2>&1
ok "his manager ended: a login goes on" by_ssh alice true
uid=$(id -u alice)
by_ssh alice sleep 30 &
wait_for 20 eval '[ "$(sessions alice)" -ge 1 ]'
ok "his slice frozen" systemctl freeze "user-$uid.slice"
mark_log
ok "others' logins go on" by_ssh bob true
ok "at once" took bob 2000
systemctl thaw "user-$uid.slice"
systemctl stop "user-$uid.slice"
wait
ok "his slice stopped: helpers are still there" [ "$(probes)" -ge 1 ]

kill -USR1 "$server"
ok "the server answers: no helper is left" wait_for 10 no_helper
no_state
mark_log
like "$(by_ssh alice "$LOOK")" HF_HOME= "and logins have the variables"
is_field alice state usable "the cache is usable"
kill -TERM "$server"
wait_for 10 eval '! mountpoint -q "$CACHE"'
rmdir "$CACHE"
mv /srv/backing "$CACHE"

# --- what systemd starts with PAM -----------------------------------------------

users dave 2> /dev/null
out=$(systemd-run --quiet --wait --pipe -p User=dave -p PAMName=train \
    bash -c "$LOOK")
like "$out" 'groups: dave hf-users.*HF_HOME=' "a unit with PAMName=: both"
ok "lasting" in_etc_group dave
cp /etc/pam.d/train /etc/pam.d/systemd-run0
out=$(run0 --user=bob bash -c "$LOOK" < /dev/null 2>&1)
like "$out" 'groups: bob hf-users.*HF_HOME=' "run0: both"
rm /etc/pam.d/systemd-run0

# --- a terminal -----------------------------------------------------------------

like "$(by_login carol "$LOOK; loginctl session-status --no-pager | head -n 1")" \
    'groups: carol hf-users.*HF_HOME=' "login -f on a terminal"
ok "its session ends" wait_for 20 no_sessions carol

# --- what was said --------------------------------------------------------------

is "$(journalctl -b -q --no-pager -o short -p warning \
    _SYSTEMD_UNIT=ssh.service + UNIT=ssh.service + _SYSTEMD_UNIT=cron.service |
    grep -i hfcache | grep -v 'Found left-over process')" "" \
    "no warning of ours in the journal, but of the helper that hung"
is "$(refused)" "" "the kernel refused nothing"
is "$(systemctl --failed --no-legend --plain)" "" "no unit failed"
rm -f /etc/pam.d/train
done_testing
