#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# MUST 2.6.1, and its like for the commands, on a machine without memory: one
# after the other each allocation that is ours fails, alone or with all that
# follow.  What must hold then is what faults.t tells of system calls.  And once
# all that is read and written goes in pieces, which changes nothing.
#
# In a minute or two: of each place in our code one allocation, where there
# are many some, evenly; with FAULTS=all each allocation.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=tests/system/faults.sh
. "$SYSTEM/faults.sh"

builds -D_GNU_SOURCE <<< '#include <dlfcn.h>
    int main(void) { struct dl_find_object o; return _dl_find_object(main, &o); }' ||
    skip_all "no glibc that finds objects by address (2.35)"
build /run/memory.so -fPIC -shared "$SYSTEM/memory.c"

FAILS="whatever allocation fails"
LOGINS="login login-barred login-fresh helper-look helper-mend helper-join \
    helper-userdb helper-vain"
COMMANDS="check check-json repair repair-own setup setup-mends enable disable \
    revoke revoke-userdb status env policy explain"
for subject in $LOGINS; do
    inject memory 24 "$subject" "MUST 2.6.1: $subject: $FAILS, it succeeds"
done
for subject in $COMMANDS; do
    inject memory 36 "$subject" "$subject: $FAILS, it says so"
done
for subject in $LOGINS $COMMANDS; do
    inject short 0 "$subject" "$subject: all reads and writes are short: the same"
done
done_testing
