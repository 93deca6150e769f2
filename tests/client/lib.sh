# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests of the real client share.  A test sources this file with the
# names of the virtual environments that it wants:
#
#   . "$(dirname "$0")/lib.sh" 2.4 0.36
#
# They are made outside, where the network is (CLIENT_VENVS says where; they
# stay there for the next run), and everything after that line runs as root
# on the private machine of tests/system/ns, whose only host is a small Hub of
# our own on loopback.

set -u
CLIENT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
: "${CLIENT_VENVS:=/var/cache/pam_hfcache-tests}"
export CLIENT_VENVS
# shellcheck source=tests/lib.sh
. "$CLIENT/../lib.sh"

if [ -z "${NS-}" ]; then
    [ "$(id -u)" -eq 0 ] || skip_all "needs root, for a mount namespace"
    said=$("$CLIENT/venv" "$CLIENT_VENVS" "$@" 2>&1) || skip_all "$said"
fi
# shellcheck source=tests/system/lib.sh
. "$CLIENT/../system/lib.sh"
for name in "$@"; do
    [ -x "$CLIENT_VENVS/$name/bin/python" ] || skip_all "$(echo \
        "tests/system/ns hides CLIENT_VENVS=$CLIENT_VENVS: name a folder" \
        "outside /home, /root, /run, /srv, /tmp and /var/tmp")"
done
# A test is started from where only root may look, and so is its folder.
OPS=/var/tmp/hub_ops.py
install -m 644 "$CLIENT/hub_ops.py" "$OPS"

# start_hub: the Hub's address goes to HUB.
start_hub() {
    /usr/bin/python3 -B "$CLIENT/hub_server.py" "$WORK/hub" &
    wait_for 10 test -s "$WORK/hub" || { echo "no hub" >&2; exit 1; }
    HUB=$(cat "$WORK/hub")
}

# control PATH: tell the Hub, or ask it.
control() {
    python3 -c 'import sys, urllib.request as r
print(r.urlopen(r.Request(sys.argv[1], method="POST")).read().decode())' \
        "$HUB/control/$1"
}

# fetched: how many files the Hub was asked for.
fetched() {
    control log | grep -cE '^[^ ]+ GET /[^ ]*(resolve|lfs)/'
}

# shared_machine USER...: the project installed, the cache set up, sshd
# running with the module, these users, and the Hub.
shared_machine() {
    install_project
    quietly hfcache setup
    quietly hfcache enable sshd
    users "$@"
    start_sshd
    start_hub
}

# as USER VENV UMASK COMMAND...: a login of USER through sshd that runs
# COMMAND with that client's programs first in PATH; "keep" is the umask of
# the login.
as() {
    local user=$1 venv=$2 mask=${3/#keep/} command
    shift 3
    printf -v command '%q ' "$@"
    by_ssh "$user" "umask $mask >/dev/null; export HF_ENDPOINT=$HUB
        PATH=$CLIENT_VENVS/$venv/bin:\$PATH; exec $command"
}

# ops USER VENV UMASK STEP...: the steps of hub_ops.py, in one login; what
# the client says on stderr goes to $WORK/said.  OPS_AROUND is a command to
# run it by.
OPS_AROUND=()
ops() {
    local user=$1 venv=$2 mask=$3
    shift 3
    as "$user" "$venv" "$mask" timeout 120 \
        "${OPS_AROUND[@]}" python "$OPS" "$@" \
        2> "$WORK/said"
}

# results: the answers of hub_ops.py as LABEL=RESULT ...
results() {
    cut -f1,2 | tr '\t' '=' | xargs
}

# log_in_again USER: once the verdict is older than `fresh`, and whoever took
# it has gone.
log_in_again() {
    wait_for 10 no_helper
    no_state
    as "$1" . 022 true
}

# locks_mended USER: the others can take the user's lock files.
locks_mended() {
    [ -z "$(find "$CACHE/hub/.locks" -name '*.lock' -user "$1" \
        ! -perm -060)" ]
}
