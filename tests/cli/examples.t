#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The commands that README and manual pages show, typed as they stand there:
# those rows of tests/lint/shown-commands that name this test.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

ROWS=$CLI/../lint/shown-commands
ROW='^(.*)\|tests/cli/examples\.t\|([0-9]+)$'

PATH=$(dirname "$HFCACHE"):$PATH
cp "$CLI/../../conf/hfcache.conf" .
seen
while read -r row; do
    [[ $row =~ $ROW ]] || continue
    rc=0
    out=$(bash -c "${BASH_REMATCH[1]}" 2>&1 < /dev/null) || rc=$?
    is "$rc" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}: exit ${BASH_REMATCH[2]}" ||
        diag "$out"
done < "$ROWS"
ok "there are rows" [ "$tap_count" -gt 9 ]
done_testing
