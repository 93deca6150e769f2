#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Four users who never logged in before start the same download at the same
# moment: everybody ends with the files, and the cache with one copy.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 0.36

USERS="alice bob carol dave"

# together VENV REPO: one login of each; their results go to $WORK/USER.
together() {
    local user jobs=()
    for user in $USERS; do
        ops "$user" "$1" 022 "x=snapshot,$2" > "$WORK/$user" &
        jobs+=("$!")
    done
    wait "${jobs[@]}"
}

# shellcheck disable=SC2086
shared_machine $USERS
for venv in 2.4 0.36; do
    repo=acme/together-$venv
    top=$CACHE/hub/models--acme--together-$venv
    together "$venv" "$repo"
    for user in $USERS; do
        like "$(results < "$WORK/$user")" '^x=(ok|w)$' "hub $venv: $user" ||
            diag "$(cat "$WORK/$user")"
    done
    ok "hub $venv: it is in the shared cache" test -d "$top/snapshots"
    is "$(find "$top" -name '*.incomplete' -o -name 'tmp_*')" "" \
        "hub $venv: nothing unfinished is left"
    is "$(find "$top" ! -group hf-users)" "" \
        "hub $venv: everything belongs to the group"
    is "$(find "$top" -type d ! -perm -2070)" "" \
        "hub $venv: every folder is open to it, and setgid"
done
done_testing
