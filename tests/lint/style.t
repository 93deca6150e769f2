#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Sizes, heads and white space of all sources; shellcheck over all scripts.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh

# In a tarball, and without git, all files but what is built.
mapfile -t ALL < <(git -c safe.directory="$PWD" ls-files 2> /dev/null ||
    find . -type f -not -path './build/*' -not -path './.git/*' -printf '%P\n')
# What fuzzers are fed is no text of ours.
mapfile -t EXISTING < <(printf '%s\n' "${ALL[@]}" | while read -r file; do
    [[ $file == tests/fuzz/corpus/* ]] || [ ! -f "$file" ] || echo "$file"
done)

# those REGEX: tracked files whose names match.
those() {
    printf '%s\n' "${EXISTING[@]}" | grep -E "$1"
}

scripts() {
    local file
    printf '%s\n' "${EXISTING[@]}" | while read -r file; do
        case $file in *.md | *.txt | *.pam) continue ;; esac
        [[ $file == *.sh ]] || head -c 80 "$file" |
            head -1 | grep -qaE '^#!.*\b(ba|da)?sh\b' || continue
        echo "$file"
    done
}

mapfile -t C < <(those '\.[ch]$')
mapfile -t CORE < <(those '^pam_hfcache/.*\.[ch]$')

is "$(wc -l "${C[@]}" | awk '$1 > 500 && $2 != "total"')" "" \
    "no source file is longer than 500 lines"

# functions FILE...: length, file and name of each function: from the line of
# its name, which begins in the first column, to the closing brace.
functions() {
    awk 'FNR == 1 { name = "" }
        /^[a-z_][a-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name); start = FNR }
        /^}/ && name != "" { print FNR - start + 1, FILENAME, name; name = "" }
        ' "$@"
}

is "$(functions "${C[@]}" | awk '$1 > 60')" "" \
    "no function is longer than 60 lines"
middle=$(functions "${CORE[@]}" | sort -n |
    awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }')
ok "the sources are found" [ "${#CORE[@]}" -gt 20 ]
ok "half of our functions have at most 18 lines ($middle)" [ "$middle" -le 18 ]

is "$(awk 'length > 100 { print FILENAME ":" FNR }' "${C[@]}")" "" \
    "no line of C is longer than 100 characters"
is "$(grep -nE '[[:blank:]]+$' "${EXISTING[@]}" | head)" "" \
    "no line ends in a blank"
is "$(grep -nP '^ +\t' "${EXISTING[@]}" | head)" "" \
    "no blank stands before a tab"
is "$(grep -nP '\t' "${C[@]}" | head)" "" "C is indented with blanks"
is "$(for file in "${EXISTING[@]}"; do
    [ ! -s "$file" ] || [ -z "$(tail -c1 "$file")" ] || echo "$file"
done)" "" "each file ends in a newline, and in no empty line"
is "$(grep -rlE '^(<<<<<<<|>>>>>>>)' "${EXISTING[@]}")" "" \
    "no conflict is left unresolved"

is "$(for file in $(those '\.([chk58]|mk|sh|t|py|bash|fish)$|^Makefile$|module\.map$|/_hfcache$'); do
    head -5 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' ||
        echo "$file"
done)" "" "each source names its licence in its first lines"
is "$(for file in "${C[@]}"; do
    sed -n 2p "$file" | grep -q '^/\*' || echo "$file"
done)" "" "each C file says in its second line what it is for"

is "$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${EXISTING[@]}" |
    grep -v '^tests/lint/\|XXXXXX')" "" "nothing is left to be done"
is "$(grep -nEi '(registry|index-url|extra-index|proxy)[^ ]*\.(local|internal|corp|lan)\b' \
    "${EXISTING[@]}" | grep -v '^tests/lint/')" "" \
    "no private host is named"

if command -v shellcheck > /dev/null; then
    mapfile -t SCRIPTS < <(scripts)
    mapfile -t LIBRARIES < <(printf '%s\n' "${SCRIPTS[@]}" | grep '\.sh$')
    mapfile -t PROGRAMS < <(printf '%s\n' "${SCRIPTS[@]}" | grep -v '\.sh$')
    # A library's variables and arguments are for those who source it.
    found=$(shellcheck -x -S warning "${PROGRAMS[@]}" 2>&1
        shellcheck -x -S warning -e SC2034,SC2120 "${LIBRARIES[@]}" 2>&1)
    is "$found" "" "shellcheck finds nothing in ${#SCRIPTS[@]} scripts"
else
    skip "shellcheck is not installed" "shellcheck finds nothing"
fi
done_testing
