#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Each MUST of the design and of the headers has a row in tests/mutation/table,
# with a test that there is, and the README has the same rows: no MUST without a
# test that was seen to fail when it is broken.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
TABLE=tests/mutation/table

# stated: the MUSTs: DESIGN 2.5.1-6 and 2.6.1-5, and each point of a header's
# list behind "MUST", as HEADER:N.
stated() {
    printf '%s\n' 2.5.{1..6} 2.6.{1..5}
    awk 'FNR == 1 { on = 0 }
        / \* MUST/ { on = 1; n = 0 }
        on && / \*  - / { n++; sub(/.*\//, "", FILENAME); print FILENAME ":" n }
        /\*\// { on = 0 }' pam_hfcache/*.h
}

# covered: the MUSTs that the table breaks.
covered() {
    sed -n 's/^must \([^ ]*\) .*/\1/p' "$TABLE" | sort -u
}

# tests: FILE CASE of each row.
tests() {
    sed -n 's/^test //p' "$TABLE" | sort -u
}

# absent_tests: those that there are not.
absent_tests() {
    local file case
    tests | while read -r file case; do
        case $file in
        *.pam) [ -f "$file" ] ;;
        *) grep -qF "TEST(\"$case\")" "$file" ;;
        esac || echo "$file: $case"
    done
}

# incomplete: rows that lack what the script needs.
incomplete() {
    awk '/^must / { if (n && !(b && s && t)) print must; must = $2
            b = s = t = 0; n++ }
        /^break / { b = 1 } /^sed / { s = 1 } /^test / { t = 1 }
        END { if (!(b && s && t)) print must }' "$TABLE"
}

ok "the MUSTs are found" [ "$(stated | wc -l)" -ge 30 ]
is "$(comm -23 <(stated | sort) <(covered))" "" \
    "each MUST is broken by a row of tests/mutation/table"
is "$(comm -13 <(stated | sort) <(covered))" "" \
    "the table breaks nothing that is no MUST"
is "$(incomplete)" "" "each row says what it breaks, how, and the test"
is "$(absent_tests)" "" "the tests that it names are there"
is "$(tests/mutation/run --stale)" "" "what it breaks is still in the code"
is "$(diff <(tests/mutation/run --rows) <(grep -E '^\| (2\.[56]\.|[a-z]+\.h:)' \
    README.md) | grep '^[<>]')" "" "the README has the same rows"
done_testing
