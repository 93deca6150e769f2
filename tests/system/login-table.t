#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The README's table of login programs: what the first login of a user has,
# by each of them, with each policy and line that decides it. The table is made
# anew, and has to be the one that stands there.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

install_project
quietly hfcache setup
users caller
mkdir -p /etc/sudoers.d
echo 'caller ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/caller
printf '#!/bin/bash\n%s\n' "$LOOK" | install -m 755 /dev/stdin \
    /usr/local/bin/look
printf '%s required pam_permit.so\n' auth account session > /etc/pam.d/unit
start_sshd

# --- each way: a first login of USER, which says what it has ------------------

as_caller() {
    setpriv --reuid caller --regid caller --init-groups --reset-env "$@"
}

by_cron_now() {
    local cron
    by_cron "$1" /usr/local/bin/look
    rm -f /run/crond.reboot /run/crond.pid
    cron -f > /var/log/cron.out 2>&1 &
    cron=$!
    wait_for 10 test -e "/tmp/cron.$1.done"
    kill "$cron"
    crontab -u "$1" -r
    cat "/tmp/cron.$1"
}

by_unit() {
    printf '[Service]\nType=oneshot\nUser=%s\nPAMName=unit\nExecStart=%s\n%s\n' \
        "$1" /usr/local/bin/look "StandardOutput=file:/tmp/unit.$1" \
        > $UNITS/look.service
    systemctl --user daemon-reload
    timeout 30 systemctl --user start look.service
    cat "/tmp/unit.$1"
}

way() { # WAY USER
    case $1 in
    sshd) by_ssh "$2" look ;;
    password) by_password "$2" look ;;
    cron) by_cron_now "$2" ;;
    login) by_login "$2" look ;;
    su) by_su "$2" look ;;
    runuser) by_runuser "$2" look ;;
    sudo) by_sudo "$2" look ;;
    caller_su) as_caller su "$2" -c look <<< "$PASSWORD" 2> /dev/null ;;
    caller_sudo) as_caller sudo -u "$2" look ;;
    unit) by_unit "$2" ;;
    esac
}

# cell WAY USER: what that login has, in the table's words.
cell() {
    local out has=nothing
    out=$(way "$1" "$2")
    case $out in
    *"groups: $2 hf-users"*HF_HOME=*) has=both ;;
    *"groups: $2 hf-users"*) has=group ;;
    *"groups: $2"*HF_HOME=*) has=variables ;;
    *"groups: $2"*) ;;
    *) has="no login" ;;
    esac
    ! in_etc_group "$2" || has+=", lasting"
    echo "$has"
}

# Which of the two that are called login this is.
login_name() {
    local version
    version=$(dpkg-query -W -f '${source:Package} ${source:Version}' login)
    case $version in
    "shadow 1:4."[0-9][.-]* | "shadow 1:4.1"[0-9]*) echo "login (shadow before 4.20)" ;;
    *) echo "login (util-linux, shadow from 4.20)" ;;
    esac
}

WAYS="sshd password cron login su runuser sudo caller_su caller_sudo"
if start_manager; then
    WAYS+=" unit"
else
    skip "no systemd can be started" "the row of its units"
fi
declare -A NAME=([sshd]="sshd, key" [password]="sshd, password" [cron]=cron
    [login]=$(login_name) [su]="su" [runuser]=runuser [sudo]=sudo
    [caller_su]="su, run by a user" [caller_sudo]="sudo, run by a user"
    [unit]='systemd unit with `PAMName=`')
declare -A ROW

# column USERS: one cell more in each row.
column() {
    local way
    for way in $WAYS; do
        users "$1_$way"
        ROW[$way]+=" $(cell "$way" "$1_$way") |"
    done
}

# --- the table ----------------------------------------------------------------

services="$SERVICES unit"
# shellcheck disable=SC2086
quietly hfcache enable $services
# A machine that is busy takes its time; the table is not about that.
patient='[cache]\ndeadline = 5s\npersist_deadline = 30s\n'
printf '%b' "$patient" > "$POLICY"
ok "the policy is one" quietly hfcache policy
column ensure
printf '%bmembership = session\n' "$patient" > "$POLICY"
column session
# shellcheck disable=SC2086
quietly hfcache enable --auth $services
column auth
[ -z "${MANAGER-}" ] || stop_manager

for way in $WAYS; do
    row="| ${NAME[$way]} |${ROW[$way]}"
    ok "$row" grep -qxF -- "$row" "$SRC/README.md"
done
is "$(sed -n '/^### How the membership/,/^##* W/s/^| \([^|]*\) |.*/\1/p' \
    "$SRC/README.md" | tail -n +2 | grep -v '^login (' | sort)" \
    "$(printf '%s\n' "${NAME[@]}" | grep -v '^login (' | sort)" \
    "the table has no other row, but for the login that is not installed"
done_testing
