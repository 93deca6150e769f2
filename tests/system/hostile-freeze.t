#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A user may freeze and kill all in a cgroup that is his, whoever it belongs to,
# and what root, let by sudo, starts in his session stays in there.  So a
# `sudo su - other` of mallory's must hold nothing that others wait for: no slot of
# a probe, no lock of /etc/group.

. "$(dirname "$(readlink -f "$0")")/hostile.sh"

ready alice mallory other fresh1 fresh2
install -d -m 700 /etc/sudoers.d
echo 'mallory ALL=(root) NOPASSWD: /usr/bin/su' > /etc/sudoers.d/mallory
know_healthy

# --- the same host, elsewhere: it starts what it must ------------------------

no_state
sudo su other -s /bin/true
ok "su by root starts a probe" wait_for 5 gate_intact
ok "and makes the user a lasting member" in_etc_group other
forget other

# --- in a cgroup that is his --------------------------------------------------

# As systemd lays it out; in a mount of our own, and taken away in the end.
CGROUPS=/run/cgroups
SLICE=$CGROUPS/hfcache-test.$$/user-$(id -u mallory).slice
HIS=$SLICE/user@$(id -u mallory).service
mkdir -p "$CGROUPS"
mount -t cgroup2 none "$CGROUPS" 2> /dev/null && mkdir -p "$HIS" &&
    [ -e "$HIS/cgroup.freeze" ] || {
    skip "no cgroups of version 2, or none to be made" "his cgroup"
    done_testing
}

# One that is given away: its files to freeze and to kill by.
give_away() {
    chown -R mallory "$HIS"
}

# all_gone: ends what is left in it, and removes it.
all_gone() {
    echo 0 > "$HIS/cgroup.freeze"
    echo 1 > "$HIS/cgroup.kill"
    wait_for 5 eval '! grep -q . "$HIS/cgroup.procs"'
    rmdir "$HIS" "$SLICE" "${SLICE%/*}"
}
trap 'all_gone 2> /dev/null' EXIT
give_away

# in_his COMMANDS: as mallory, in there.
in_his() {
    (
        echo "$BASHPID" > "$HIS/cgroup.procs"
        as_mallory "$1"
    )
}

is_frozen() {
    grep -qx 'frozen 1' "$HIS/cgroup.events"
}

who_is_in() {
    local pid
    while read -r pid; do
        cat "/proc/$pid/comm"
    done < "$HIS/cgroup.procs" 2> /dev/null
}

mark_log
no_state
in_his 'sudo -n su other -s /bin/true'
is_field other persist "no: run in a user's cgroup" \
    "MUST 2.6.5: sudo su in it starts nothing, and says so"
nok "no verdict is its doing" gate_intact
nok "nor a membership" in_etc_group other
like "$(in_his 'sudo -n su other -s /bin/bash -c "id -Gn"')" hf-users \
    "the session has the group all the same"

# He freezes it at many moments, and others log in, for the first time or not.
frozen=0
for delay in $(moments "sudo -n su other -s /bin/true"); do
    no_state
    forget other # so that there is something to lock /etc/group for
    in_his "for n in {1..8}; do sudo -n su other -s /bin/true & done
        sleep $(seconds "$delay"); echo 1 > $HIS/cgroup.freeze" \
        < /dev/null > /dev/null 2>&1 &
    wait_for 5 is_frozen
    who_is_in > "$WORK/in"
    frozen=$((frozen + $(grep -cE '^(su|sudo)$' "$WORK/in")))
    grep -E 'hfcache|usermod' "$WORK/in"
    timed by_ssh alice true
    within $((HEALTHY + 800)) || echo "$delay: $MS ms"
    echo 0 > "$HIS/cgroup.freeze"
    wait # for it to end, before the next one is frozen
done > "$WORK/late" 2>&1
is "$(cat "$WORK/late")" "" \
    "MUST 2.6.5: frozen at many moments: nobody waits, no helper is in there"
ok "su and sudo were indeed frozen ($frozen times)" [ "$frozen" -ge 15 ]

no_state
in_his "sudo -n su other -s /bin/true & sleep $(seconds $((delay / 2)))
    echo 1 > $HIS/cgroup.freeze" < /dev/null > /dev/null 2>&1 &
wait_for 5 is_frozen
others_log_in "frozen"
sleep 11 # then a probe that had not come back would be a hung one
others_log_in "frozen for long"
like "$(by_ssh fresh1 id -Gn)" hf-users "frozen: first logins make members"
echo 1 > "$HIS/cgroup.kill"
like "$(by_ssh fresh2 id -Gn)" hf-users "killed: first logins make members"
others_log_in "killed"
ok "the state is whole" gate_intact
done_testing
