#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the code has, the documentation tells: policy keys, commands, options,
# files; and each command of the README is run by a test.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

mapfile -t KEYS < <(keys)
is "${#KEYS[@]}" "$(grep -cE '^    KEY_[A-Z_]+,$' pam_hfcache/policy.h)" \
    "the table of keys can be read"
is "$(missing README.md "${KEYS[@]/#/| \`}")" "" \
    "README.md has a row for each key"
is "$(missing conf/hfcache.conf "${KEYS[@]/#/#}")" "" \
    "conf/hfcache.conf shows each key"

# Defaults: the first word of the row's second column, and of #key = value.
for key in "${KEYS[@]}"; do
    default=$(default_of "$key")
    row=$(sed -nE "s/^\| \`$key\` \| \`([^\`]*)\`.*/\1/p" README.md)
    conf=$(sed -n "s/^#$key = //p" conf/hfcache.conf | head -1)
    [ "$default" = "$row" ] && [ "$default" = "$conf" ] ||
        wrong+="$key: $default, README $row, hfcache.conf $conf"$'\n'
done
is "${wrong-}" "" "README.md and hfcache.conf tell the true defaults"

mapfile -t COMMANDS < <(commands)
ok "hfcache --help names commands" [ "${#COMMANDS[@]}" -ge 7 ]
is "$(missing README.md "${COMMANDS[@]/#/hfcache }")" "" \
    "README.md shows each command of hfcache"
mapfile -t OPTIONS < <(for command in "${COMMANDS[@]}"; do
    options "$command"
done | sort -u)
is "$(missing README.md "${OPTIONS[@]}" --conf --version)" "" \
    "README.md names each option"

mapfile -t FILES < <(for file in pam_hfcache/*.c; do basename "$file" .c; done)
is "$(for file in "${FILES[@]}"; do
    sed -n '1,/^#include/p' pam_hfcache/hfcache.c | grep -qw "$file" ||
        echo "$file"
done)" "" "the map in hfcache.c has each file of pam_hfcache/"

# What the README shows of files and of longer lines, tests take from there.
mapfile -t TAKEN < <(grep -ohE "recipe '[^']+'" tests/*/*.t | cut -d"'" -f2)
is "$(sed -n '/^## What never/,/^## /p' README.md | awk '/^```/ { on = !on
    block = ""; next } on && /^# / { print }' | while read -r line; do
    for taken in "${TAKEN[@]}"; do
        ! [[ $line =~ $taken ]] || continue 2
    done
    echo "$line"
done)" "" "each block that begins with a name is run by a test"
ok "and there are some" [ "${#TAKEN[@]}" -ge 5 ]

is "$(sed -nE 's/^    ((make|sudo|hfcache|eval|pip|\.\/).*)/\1/p' README.md |
    untested)" "" "each command of the README is run by a test"
done_testing
