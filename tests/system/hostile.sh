# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests share in which mallory attacks and alice logs in.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

# know_healthy: how long alice's login takes, nobody hindering it: HEALTHY.
know_healthy() {
    by_ssh alice true
    timed by_ssh alice true
    HEALTHY=$MS
}

# as_mallory COMMANDS: in a shell of his, without a PAM session.
as_mallory() {
    setpriv --reuid mallory --regid mallory --init-groups --reset-env \
        --inh-caps=-all --bounding-set=+all bash -c "$1"
}

# moments COMMANDS: sixteen milliseconds in what eight at once of these take on this
# machine, nobody hindering them.
moments() {
    local n
    timed as_mallory "for n in {1..8}; do $1 & done; wait" \
        < /dev/null > /dev/null 2>&1
    for n in {1..16}; do
        echo $((1 + MS * n / 17))
    done
}

# seconds MILLISECONDS: as sleep(1) wants them.
seconds() {
    printf '%d.%03d' "$(($1 / 1000))" "$(($1 % 1000))"
}

# others_log_in NAME: alice's login is as if there were no mallory.
others_log_in() { # NAME
    mark_log
    timed by_ssh alice "$LOOK" > "$WORK/out"
    is "$?" 0 "MUST 2.6.5: $1: another's login succeeds"
    ok "$1: within deadline + 0.5 s ($MS ms, healthy $HEALTHY ms)" \
        within $((HEALTHY + 800))
    is_field alice state usable "$1: and sees the cache"
}

# gate_intact: there is a verdict, and it is root's.
gate_intact() {
    local gate
    gate=$(echo /run/hfcache/*.gate)
    [ -s "$gate" ] && [ "$(stat -c '%u %h %a' "$gate")" = "0 1 644" ]
}
