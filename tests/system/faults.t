#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# MUST 2.6.1, and its like for the commands: one after the other each system
# call of a login, of its helper and of the commands fails.  The login succeeds
# all the same, its host is left as it was, one line says what happened;
# commands exit with 0 to 3, say why, and what they say is done is done.  Nothing
# is left behind, and nothing is open to more people than before.
#
# Then each of them is killed at every call that changes something, and run once
# more: the end is the same as without.
#
# In four minutes: some of the calls, evenly; with FAULTS=all all of
# them with every errno (in two hours).  What is done to them is in `inject`.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=tests/system/faults.sh
. "$SYSTEM/faults.sh"

KILLED="killed at each change, then run again: the same end"
for subject in check repair repair-own setup setup-mends enable disable \
    revoke revoke-userdb login login-fresh \
    helper-look helper-mend helper-join helper-usermod helper-userdb \
    helper-vain; do
    inject kills 0 "$subject" "$subject: $KILLED"
done

FAILS="whatever call fails, the login succeeds"
inject faults 60 login "MUST 2.6.1: first login, new member: $FAILS"
inject faults 60 login-fresh "MUST 2.6.1: verdicts there, mender due: $FAILS"
inject faults 60 helper-look "MUST 2.6.1: the helper looks and mends: $FAILS"
inject faults 40 helper-mend "MUST 2.6.1: the helper mends as a user: $FAILS"
inject faults 40 helper-join "MUST 2.6.1: the helper adds a member: $FAILS"
inject faults 20 helper-userdb "MUST 2.6.1: ... by a drop-in: $FAILS"
inject faults 20 helper-vain "MUST 2.6.1: ... that has no effect: $FAILS"
inject faults 40 login-barred \
    "MUST 2.6.5: whatever call fails, who is left out stays out"
FAILS="whatever call fails, it says so and leaves nothing half"
inject faults 60 check "check: $FAILS"
inject faults 20 check-json "check --json: $FAILS"
inject faults 60 repair "repair: $FAILS"
inject faults 40 repair-own "repair by a user: $FAILS"
inject faults 60 setup "setup: $FAILS"
inject faults 60 setup-mends "setup of a cache that is there: $FAILS"
inject faults 60 enable "enable: $FAILS"
inject faults 60 disable "disable: $FAILS"
inject faults 60 revoke "revoke: $FAILS"
inject faults 40 revoke-userdb "revoke of a drop-in: $FAILS"
inject faults 60 status "status: $FAILS"
inject faults 40 env "env: $FAILS"
inject faults 40 policy "policy: $FAILS"
inject faults 40 explain "explain: $FAILS"
done_testing
