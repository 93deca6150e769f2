#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the code has, the documentation tells: policy keys, commands, options,
# files; and each command of the README is run by a test.

cd "$(dirname "$0")/../.." || exit 1
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

mapfile -t KEYS < <(sed -n 's/^ *\[KEY_[A-Z_]*\] = {"\([a-z_]*\)",.*/\1/p' \
    pam_hfcache/policy_values.c)
is "${#KEYS[@]}" "$(grep -cE '^    KEY_[A-Z_]+,$' pam_hfcache/policy.h)" \
    "the table of keys can be read"
is "$(missing README.md "${KEYS[@]/#/| \`}")" "" \
    "README.md has a row for each key"
is "$(missing conf/hfcache.conf "${KEYS[@]/#/#}")" "" \
    "conf/hfcache.conf shows each key"

# Defaults: the first word of the row's second column, and of #key = value.
for key in "${KEYS[@]}"; do
    default=$(grep -E -A1 "\"$key\", TYPE_" pam_hfcache/policy_values.c |
        tr -d '\n' | sed -E 's/.*TYPE_[A-Z]+, *"([^"]*)".*/\1/')
    row=$(sed -nE "s/^\| \`$key\` \| \`([^\`]*)\`.*/\1/p" README.md)
    conf=$(sed -n "s/^#$key = //p" conf/hfcache.conf | head -1)
    [ "$default" = "$row" ] && [ "$default" = "$conf" ] ||
        wrong+="$key: $default, README $row, hfcache.conf $conf"$'\n'
done
is "${wrong-}" "" "README.md and hfcache.conf tell the true defaults"

mapfile -t COMMANDS < <("$HFCACHE" --help |
    sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')
ok "hfcache --help names commands" [ "${#COMMANDS[@]}" -ge 7 ]
is "$(missing README.md "${COMMANDS[@]/#/hfcache }")" "" \
    "README.md shows each command of hfcache"
for command in "${COMMANDS[@]}"; do
    mapfile -t -O "${#OPTIONS[@]}" OPTIONS < <("$HFCACHE" "$command" --help |
        grep -oE -- '--[a-z][a-z-]*' | sort -u)
done
mapfile -t OPTIONS < <(printf '%s\n' "${OPTIONS[@]}" | sort -u)
is "$(missing README.md "${OPTIONS[@]}" --conf --version)" "" \
    "README.md names each option"

mapfile -t FILES < <(for file in pam_hfcache/*.c; do basename "$file" .c; done)
is "$(for file in "${FILES[@]}"; do
    sed -n '1,/^#include/p' pam_hfcache/hfcache.c | grep -qw "$file" ||
        echo "$file"
done)" "" "the map in hfcache.c has each file of pam_hfcache/"

# Each command of the README's indented blocks: what it is, and the test that
# runs it, by a text that is in that test.
mapfile -t SHOWN < <(grep -E '^    (make|sudo|hfcache|pip|\./)' README.md |
    sed 's/^    //' | sort -u)
for line in "${SHOWN[@]}"; do
    entry=$(grep -F "$line|" tests/lint/readme-commands | head -1)
    IFS='|' read -r shown test text <<< "$entry"
    [ "$shown" = "$line" ] && grep -qF -- "$text" "$test" ||
        untested+="$line (${test:-no test})"$'\n'
done
is "${untested-}" "" "each command of the README is run by a test"
done_testing
