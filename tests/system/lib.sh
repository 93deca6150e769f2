# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the system tests share: the private machine they run on (ns), the
# project installed on it under its real names, users with keys and
# passwords, and one function for each way to log in.  A test sources this
# file first; everything after that line runs as root inside the namespace.

set -u
SYSTEM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/lib.sh
. "$SYSTEM/../lib.sh"

if [ -z "${NS-}" ]; then
    [ "$(id -u)" -eq 0 ] || skip_all "needs root, for a mount namespace"
    exec "$SYSTEM/ns" "$(readlink -f "$0")" "$@"
fi

CACHE=/srv/huggingface
POLICY=/etc/security/hfcache.conf
AUTH_LOG=/var/log/auth.log
SERVICES="sshd su su-l sudo sudo-i runuser runuser-l login cron"
PASSWORD=correct-horse-7
KEYS=/root/keys
SSH_PORT=2222
WORK=/var/tmp/work
mkdir -p "$KEYS" "$WORK"

# --- the machine ------------------------------------------------------------

# install_project: the real `make install`, into this namespace.
install_project() {
    quietly make -s -C "$SRC" BUILD="$BUILD" install || exit 1
}

# build PROGRAM CC-ARG...: of the tests' own; who cannot has failed.
build() {
    local program=$1
    shift
    quietly "${CC:-cc}" -O1 -D_GNU_SOURCE -o "$program" "$@" || exit 1
}

# builds CC-ARG...: can the program on standard input be built, and does it run?
builds() {
    "${CC:-cc}" -o "$WORK/try" -x c - "$@" 2> "$WORK/quiet" && "$WORK/try"
}

# ready USER...: installed, group and cache set up, the services of Debian
# enabled, sshd running, these users made.  What most tests start from.
ready() {
    install_project
    quietly hfcache setup
    # shellcheck disable=SC2086
    quietly hfcache enable $SERVICES
    users "$@"
    be_patient
    start_sshd
}

make_key() {
    [ -e "$1" ] || ssh-keygen -q -t ed25519 -N '' -f "$1"
}

# users NAME...: accounts with a home, a password and an ssh key.
users() {
    local name
    [ $# -gt 0 ] || return 0
    make_key "$KEYS/id"
    for name in "$@"; do
        useradd -m -s /bin/bash "$name"
        install -d -m 700 -o "$name" -g "$name" "/home/$name/.ssh"
        install -m 600 -o "$name" -g "$name" "$KEYS/id.pub" \
            "/home/$name/.ssh/authorized_keys"
    done
    printf "%s:$PASSWORD\n" "$@" | chpasswd
}

# policy: standard input becomes the policy.
policy() {
    rm -rf "$POLICY" "$POLICY.d"
    install -m 644 /dev/stdin "$POLICY"
    be_patient
}

# be_patient: where the deadline is not what is tested, a probe on a busy machine
# has longer than a login should wait.
be_patient() {
    ! grep -qs '^deadline' "$POLICY" || return 0
    install -D -m 644 /dev/stdin "$POLICY.d/00-patient.conf" \
        <<< $'[cache]\ndeadline = 5s'
}

# start_sshd [OPTION...]: sshd(8) on loopback with host keys of its own.
start_sshd() {
    mkdir -p /run/sshd
    make_key "$KEYS/id"
    make_key "$KEYS/host"
    cat > "$KEYS/sshd_config" <<-END
	Port $SSH_PORT
	ListenAddress 127.0.0.1
	HostKey $KEYS/host
	PidFile /run/sshd.pid
	UsePAM yes
	PermitRootLogin prohibit-password
	MaxStartups 500
	UseDNS no
	Subsystem sftp internal-sftp
	$(printf '%s\n' "$@")
	END
    install -D -m 600 "$KEYS/id.pub" /root/.ssh/authorized_keys
    /usr/sbin/sshd -f "$KEYS/sshd_config" -E /var/log/sshd.log || return
    wait_for 2 test -s /run/sshd.pid && return
    cat /var/log/sshd.log >&2
    return 1
}

stop_sshd() {
    kill "$(cat /run/sshd.pid)"
    rm -f /run/sshd.pid
}

# --- ways to log in ---------------------------------------------------------

ssh_options() {
    printf '%s\n' -F none -p "$SSH_PORT" -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
        -o IdentitiesOnly=yes -o ConnectTimeout=20
}
mapfile -t SSH_ARGS < <(ssh_options)

# by_ssh USER [SSH-ARG...]: public key.
by_ssh() {
    local user=$1
    shift
    ssh "${SSH_ARGS[@]}" -o BatchMode=yes -i "$KEYS/id" \
        "$user@127.0.0.1" "$@"
}

# by_password USER [SSH-ARG...]: keyboard-interactive, through PAM's auth.
by_password() {
    local user=$1
    shift
    sshpass -p "$PASSWORD" ssh "${SSH_ARGS[@]}" \
        -o PubkeyAuthentication=no "$user@127.0.0.1" "$@"
}

# by_terminal USER [COMMAND]: public key, an interactive shell on a terminal,
# the command as typed text; all output, without carriage returns.
by_terminal() {
    local user=$1
    shift
    { printf '%s\n' "$*" exit; sleep 1; } |
        by_ssh "$user" -tt | tr -d '\r'
}

# by_sftp USER: batch commands on standard input.
by_sftp() {
    sftp -q -b - "${SSH_ARGS[@]/#-p/-P}" -o BatchMode=yes -i "$KEYS/id" \
        "$1@127.0.0.1"
}

# by_login USER COMMAND: login -f runs the user's shell on a terminal; the
# command goes in as typed text, so its output stands among echo and prompts.
# util-linux's login, Debian's since 13, has to lead a session, and forgets what
# was typed before: there is to be a prompt.
by_login() {
    local user=$1 out
    out=$(mktemp "$WORK/login.XXXXXX")
    shift
    { wait_for 10 grep -q '[$#] ' "$out"; printf '%s\n' "$*" exit; sleep 1; } |
        script -qec "exec login -f $user" /dev/null > "$out"
    tr -d '\r' < "$out"
}

by_su() {
    local user=$1
    shift
    su "$user" -s /bin/bash -c "$*"
}

by_su_login() {
    local user=$1
    shift
    su - "$user" -c "$*"
}

by_runuser() {
    local user=$1
    shift
    runuser "$user" -s /bin/bash -c "$*"
}

by_sudo() {
    local user=$1
    shift
    sudo -u "$user" -- /bin/bash -c "$*"
}

by_sudo_login() {
    local user=$1
    shift
    sudo -i -u "$user" -- bash -c "$*"
}

# by_cron USER COMMAND: as an @reboot job; output in /tmp/cron.USER when the
# daemon, started by start_cron, has run it.
by_cron() {
    local user=$1
    shift
    printf '@reboot %s > /tmp/cron.%s 2>&1; touch /tmp/cron.%s.done\n' \
        "$*" "$user" "$user" | crontab -u "$user" -
}

start_cron() {
    cron -f > /var/log/cron.out 2>&1 &
}

# start_manager: systemd of root's own, which has its units in UNITS, becomes
# the user of a unit and starts the program as that of the system does; fails
# where there is none, or none can be started.  What it leaves of control groups
# goes with stop_manager.
UNITS=/etc/systemd/user
start_manager() {
    [ -x /lib/systemd/systemd ] && command -v systemctl > /dev/null || return
    SCOPES=$(scopes)
    export XDG_RUNTIME_DIR=/run/user/0
    mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" "$UNITS"
    /lib/systemd/systemd --user > /var/log/manager 2>&1 &
    MANAGER=$!
    wait_for 10 systemctl --user --quiet daemon-reload 2> "$WORK/early" && return
    diag_stream < /var/log/manager
    stop_manager
    return 1
}

stop_manager() {
    kill "$MANAGER"
    wait "$MANAGER"
    MANAGER=
    comm -13 <(echo "$SCOPES") <(scopes) | xargs -r rmdir
    rm -r /run/systemd/system
}

scopes() {
    find /sys/fs/cgroup -type d -name init.scope 2> /dev/null | sort
}

# LOOK: what a session is asked: its groups, then what it was given.
LOOK='echo "groups: $(id -Gn)"; env |'
LOOK+=' grep -E "^(HF_|HUGGINGFACE_|TRACKIO_|KERNELS_)" | sort'

# recipe REGEX: the block of the README that has a line like this; what stands
# there is what is tested.
recipe() {
    awk -v wanted="$1" '/^```/ { if (on && found) printf "%s", block
            on = !on; block = ""; found = 0; next }
        on { block = block $0 "\n"; if ($0 ~ wanted) found = 1 }' \
        "$SRC/README.md"
}

# --- what to look at --------------------------------------------------------

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
    local rc=0
    "$@" > "$WORK/quiet" 2>&1 || rc=$?
    [ "$rc" -eq 0 ] || diag_stream < "$WORK/quiet"
    return "$rc"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; ten times as long, for a
# machine that is busy or slow.
wait_for() {
    local end=$((SECONDS + 10 * $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# probes: how many helpers run; no_helper: none does.
probes() {
    pgrep -c -x hfcache-probe
}

no_helper() {
    ! pgrep -x hfcache-probe > /dev/null
}

# has_ended PID: it is no more, or nobody has asked how it ended.
has_ended() {
    local state
    state=$(grep -s ^State: "/proc/$1/status") || return 0
    [[ $state == *Z* ]]
}

# mark_log, new_log: what was logged since the mark, our lines only.
LOG_MARK=0
mark_log() {
    LOG_MARK=$(stat -c %s "$AUTH_LOG" 2>/dev/null || echo 0)
}

new_log() {
    tail -c "+$((LOG_MARK + 1))" "$AUTH_LOG" | grep -F pam_hfcache
}

# logged REGEX: a new line of ours matches, now or a little later.
logged() {
    wait_for 2 new_log_has "$1" && return
    new_log | diag_stream
    return 1
}

new_log_has() {
    new_log | grep -qE -- "$1"
}

# field USER NAME: the value of NAME=... in the newest log line on USER.
field() {
    new_log | grep -F " user=$1 " | tail -n 1 |
        grep -oE " $2=(\"[^\"]*\"|[^ ]*)" | head -n 1 |
        sed -E "s/^ $2=//; s/^\"(.*)\"\$/\1/"
}

# is_field USER NAME WANTED TEST: once there is a log line.
is_field() {
    wait_for 2 new_log_has " user=$1 " || diag "no log line on $1"
    is "$(field "$1" "$2")" "$3" "$4" || new_log | diag_stream
}

diag_stream() {
    sed 's/^/# /' >&2
}

# stalled: milliseconds for which something may have waited, since the machine was
# started, for a processor, a disk or memory that others had.
stalled() {
    cat /proc/pressure/{cpu,io,memory} /proc/stat 2> /dev/null |
        awk -v cpus="$(getconf _NPROCESSORS_ONLN)" '
            /^some / { sub("total=", "", $NF); waited += $NF / 1000 }
            /^cpu / { stolen = $9 * 10 }
            END { printf "%d\n", waited * cpus + stolen }'
}

# timed COMMAND...: its run time goes to MS; what of it may have been waiting for
# others to STALLED.
timed() {
    local before start rc=0
    before=$(stalled) start=${EPOCHREALTIME/./}
    "$@" || rc=$?
    MS=$(((${EPOCHREALTIME/./} - start) / 1000))
    STALLED=$(($(stalled) - before))
    return "$rc"
}

# within LIMIT [LEAST]: that run time, in milliseconds; however busy the machine
# was with other things, and four times that where its kernel does not tell.
within() {
    local limit=$1
    [ -r /proc/pressure/cpu ] || limit=$((limit * 4))
    [ "$MS" -lt $((limit + STALLED)) ] && [ "$MS" -ge "${2:-0}" ]
}

# no_state: forget what earlier logins learnt.
no_state() {
    rm -rf /run/hfcache
}

# hf_gid, in_etc_group USER, forget USER: the cache's group.
hf_gid() {
    getent group hf-users | cut -d: -f3
}

in_etc_group() {
    grep -E '^hf-users:' /etc/group | cut -d: -f4 | tr , '\n' |
        grep -qxF -- "$1"
}

forget() {
    in_etc_group "$1" && gpasswd -d "$1" hf-users > /dev/null
    return 0
}
