# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests of the documentation share: what the code has, and whether a
# text has it too.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
: "${BUILD:=build}"
HFCACHE=$BUILD/hfcache

# missing FILE WORD...: the words that FILE does not have.
missing() {
    local file=$1 word
    shift
    for word in "$@"; do
        grep -qF -- "$word" "$file" || echo "$word"
    done
}

# untested: which of the commands on standard input, as somebody would type
# them, have no row COMMAND|TEST|TEXT in shown-commands whose TEST has TEXT.
untested() {
    local line row test
    sort -u | while read -r line; do
        row=$(awk -v line="$line" 'index($0, line "|") == 1 {
            rest = substr($0, length(line) + 2)
            if (gsub(/\|/, "|", rest) == 1) print rest }' \
            tests/lint/shown-commands)
        test=${row%%|*}
        [ -n "$row" ] && grep -qF -- "${row#*|}" "$test" ||
            echo "$line (${test:-no test})"
    done
}

# keys, default_of KEY: the policy's keys, and what one is if nothing is said.
keys() {
    sed -n 's/^ *\[KEY_[A-Z_]*\] = {"\([a-z_]*\)",.*/\1/p' \
        pam_hfcache/policy_values.c
}

default_of() {
    grep -E -A1 "\"$1\", TYPE_" pam_hfcache/policy_values.c | tr -d '\n' |
        sed -E 's/.*TYPE_[A-Z]+, *"([^"]*)".*/\1/'
}

# commands, options COMMAND: what --help tells of.
commands() {
    "$HFCACHE" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

options() {
    "$HFCACHE" "$1" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}
