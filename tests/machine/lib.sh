# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests in the machine share: those functions of tests/system that
# make users and log in, here with Debian's own sshd and journal, and what asks
# systemd. Each test begins with a machine as `run` left it, or another test.

NS=machine # lib.sh needs no namespace here
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
SRC=$(cd "$HERE/../.." && pwd -P)
BUILD=/nonexistent
export NS SRC BUILD LC_ALL=C.UTF-8
# shellcheck source=tests/system/lib.sh
. "$SRC/tests/system/lib.sh"

# What was logged since the mark: by the journal's cursor.
mark_log() {
    LOG_MARK=$(journalctl -q -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
}

journal_since() { # JOURNALCTL-ARG...
    journalctl -q --no-pager --after-cursor="$LOG_MARK" "$@"
}

new_log() {
    journal_since -t sshd-session -t sshd -t su -t sudo -t login -t cron \
        -t CRON -t runuser -t systemd -t '(systemd)' | grep -F pam_hfcache
}

# patient_policy: the built-in one, but that an emulated machine takes its time.
patient_policy() {
    policy <<< $'[cache]\ndeadline = 3s'
}

# ready USER...: sshd on the port that lib.sh's logins take, the services
# enabled, a new cache, these users.
ready() {
    printf 'Port %d\n' 22 "$SSH_PORT" > /etc/ssh/sshd_config.d/ports.conf
    mkdir -p /etc/systemd/system/ssh.service.d
    systemctl restart ssh
    for name in $(awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }' /etc/passwd); do
        loginctl terminate-user "$name" 2> /dev/null
        userdel -rf "$name" > /dev/null 2>&1
    done
    systemctl reset-failed
    rm -rf "$POLICY.d" /run/hfcache/* /var/lib/hfcache/*.snapshot
    patient_policy
    quietly hfcache setup
    # shellcheck disable=SC2086
    quietly hfcache enable $SERVICES
    users "$@"
    mark_log
}

# sessions USER: how many sessions of his logind knows.
sessions() {
    loginctl list-sessions --no-legend | awk -v user="$1" '$3 == user' | wc -l
}

no_sessions() { # USER
    [ "$(sessions "$1")" = 0 ]
}

# took USER LIMIT: the module's own share of that login, in milliseconds: all
# else of an emulated machine is slow.
took() {
    wait_for 10 new_log_has " user=$1 "
    MS=$(field "$1" took_ms)
    [ -n "$MS" ] && [ "$MS" -lt "$2" ] || { diag "${MS:-no line}"; return 1; }
}

# refused: what the kernel has refused or killed since it was booted, by
# AppArmor, too, of which auditd takes the word.
refused() {
    journalctl -b -k -q --no-pager | grep -E 'segfault|hung task|blocked for more than|Oops|BUG:'
    ausearch --input-logs -m AVC,ANOM_ABEND,SECCOMP --start boot 2> "$WORK/why" ||
        grep -v '^<no matches>$' "$WORK/why"
}

# exits CODE NAME COMMAND...: its output is in $WORK/out, and shown otherwise.
exits() {
    local code=$1 name=$2
    shift 2
    "$@" > "$WORK/out" 2>&1
    is "$?" "$code" "$name" || diag_stream < "$WORK/out"
}
