# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# TAP for test scripts in bash, without a plan: a script sources this file,
# calls ok, is, like and their like, and ends with done_testing.  Each
# function returns 0 when its test passed.

tap_count=0
tap_failed=0

# diag LINE...: remarks that a reader of a failure wants to see.
diag() {
    printf '%s\n' "$@" | sed 's/^/# /' >&2
}

# verdict RC NAME: the one place that prints a result.
verdict() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$tap_count" "$2"
        return 0
    fi
    tap_failed=$((tap_failed + 1))
    printf 'not ok %d - %s\n' "$tap_count" "$2"
    return 1
}

# ok NAME COMMAND [ARG...]: COMMAND succeeds.
ok() {
    local name=$1 rc=0
    shift
    "$@" || rc=$?
    verdict "$rc" "$name" || diag "exit $rc: $*"
    return $((rc != 0))
}

# nok NAME COMMAND [ARG...]: COMMAND fails.
nok() {
    local name=$1 rc=0
    shift
    "$@" && rc=1
    verdict "$rc" "$name" || diag "exit 0, expected a failure: $*"
    return "$rc"
}

# is GOT WANTED NAME, isnt GOT UNWANTED NAME: equal as strings, or not.
is() {
    [ "$1" = "$2" ]
    verdict $? "$3" && return
    diag "got:    $1" "wanted: $2"
    return 1
}

isnt() {
    [ "$1" != "$2" ]
    verdict $? "$3" && return
    diag "got, and should not have: $1"
    return 1
}

# like GOT REGEX NAME, unlike GOT REGEX NAME: extended regular expression.
like() {
    [[ $1 =~ $2 ]]
    verdict $? "$3" && return
    diag "got:               $1" "should have matched: $2"
    return 1
}

unlike() {
    ! [[ $1 =~ $2 ]]
    verdict $? "$3" && return
    diag "got:                   $1" "should not have matched: $2"
    return 1
}

# skip_all REASON: nothing here can be tested on this machine.
skip_all() {
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

# skip REASON NAME: this one test can't be made on this machine.
skip() {
    tap_count=$((tap_count + 1))
    printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$2" "$1"
}

done_testing() {
    printf '1..%d\n' "$tap_count"
    [ "$tap_failed" -eq 0 ]
    exit
}
