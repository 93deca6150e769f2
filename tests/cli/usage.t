#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The command line: help, version, and what is no command, option or operand.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

COMMANDS="explain setup enable disable status env revoke policy"

exits 0 "--help" --help
is "$err" "" "--help: nothing on stderr"
for command in $COMMANDS; do
    like "$out" "
  $command +[a-z]" "--help lists $command"
done
for command in $COMMANDS; do
    exits 0 "$command --help" "$command" --help
    like "$out" "^usage: hfcache $command " "$command --help says its usage"
    like "$out" "
Exit: " "$command --help says its exit codes"
done
is "$("$HFCACHE" --help | grep -Ec '^  [a-z]')" 10 "--help lists no other"

exits 0 "--version" --version
like "$out" '^hfcache [0-9]+\.[0-9]+\.[0-9]+$' "--version says it"

exits 2 "no command"
is "$out" "" "no command: nothing on stdout"
like "$err" '^usage: ' "no command: usage on stderr"

exits 2 "an unknown command" frobnicate
is "$err" "hfcache: frobnicate: no such command; hfcache --help lists them" \
    "an unknown command is named"
exits 2 "an unknown option" status --frob
is "$err" "hfcache: --frob: no such option; hfcache status --help lists them" \
    "an unknown option is named"
exits 2 "an unknown letter" status -xy
is "$err" "hfcache: -x: no such option; hfcache status --help lists them" \
    "an unknown letter is named, not the word before"
exits 2 "another command's option" status --auth
like "$err" '^hfcache: status: --auth is not an option here' \
    "another command's option is named"
exits 2 "an option without its value" explain --service
is "$err" "hfcache: --service needs a value" "a missing value is named"
exits 2 "an operand too many" env alice bob
like "$err" 'what is "bob"\? usage: hfcache env ' "the operand is named"
exits 2 "two formats at once" status --json --prometheus
exits 2 "a service that is a path" explain --service ../x
exits 2 "an unknown format" env alice --format ksh
like "$err" 'sh, csh, fish, systemd, env-file and json' "an unknown format: the known"

policy <<< '[cache]'
exits 0 "--conf before the command" --conf "$POLICY" policy
exits 0 "--conf behind it" policy --conf "$POLICY"
exits 0 "an option behind an operand" env bob --format json

# Output that cannot be written is an error, not silence.
if [ -c /dev/full ]; then
    "$HFCACHE" policy > /dev/full 2> /mnt/err
    is "$?" 3 "a full disk: exit 3"
    like "$(cat /mnt/err)" 'could not write' "a full disk: said"
fi

unlike "$("$HFCACHE" policy)" $'\033' "no colour but on a terminal"
if script -qec true /dev/null > /dev/null 2>&1 < /dev/null; then
    like "$(TERM=xterm script -qec "$HFCACHE policy" /dev/null < /dev/null)" \
        $'\033' "colour on a terminal"
    unlike "$(TERM=xterm NO_COLOR=1 script -qec "$HFCACHE policy" \
        /dev/null < /dev/null)" $'\033' "no colour with NO_COLOR"
else
    skip "no script(1) here" "colour on a terminal"
fi
done_testing
