#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two users of the default policy share one cache through the real client:
# alice begins, bob goes on, alice comes back; with every kind of client, and
# with every umask that people have.  Nothing that either does may fail.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 1.31 1.3 0.36 0.36-lock

VERSIONS="2.4 1.31 1.3 0.36 0.36-lock"
UMASKS="022 002 077"
TABLE=$WORK/table

# What each user does; REPO is alice's, OTHER was begun by bob.
begin() {
    printf '%s\n' \
        "A-file=file,$REPO,config.json" "A-lfs=file,$REPO,plain.bin" \
        "A-xet=file,$REPO,model.bin" \
        "A-snap=snapshot,$REPO,*.json,common.bin" \
        "A-404=absent,$REPO,missing-a" "A-part=partial,$REPO,big.bin"
}

go_on() {
    printf '%s\n' \
        "hit=file,$REPO,config.json" "hit-x=file,$REPO,model.bin" \
        "off=offline,$REPO,plain.bin" \
        "snap=snapshot,$REPO,*.json,common.bin" \
        "404=absent,$REPO,missing-b" \
        "new=snapshot,$OTHER,*.json,plain.bin,model.bin,common.bin" \
        "add=file,$REPO,nested/deep/notes.txt" "add-x=file,$REPO,late.bin" \
        "force=force,$REPO,config.json" "force-x=force,$REPO,model.bin" \
        "resume=file,$REPO,big.bin" \
        "m=move,models,$REPO" "mv-f=file,$REPO,config.json" \
        "m=move,models,$REPO" "mv-404=absent,$REPO,missing-b" \
        "m=move,models,$REPO" "mv-s=snapshot,$REPO,*.json,model.bin" \
        "scan=scan"
}

come_back() {
    printf '%s\n' \
        "Asnap=snapshot,$OTHER,*.json,plain.bin,model.bin" \
        "Aadd=file,$OTHER,extra.txt" "Aforce=force,$OTHER,plain.bin" \
        "Afrc-x=force,$OTHER,common.bin" "Amv-f=file,$REPO,new-2.json" \
        "m=move,models,$OTHER" "Amv-s=snapshot,$OTHER,*.json" \
        "Arm=remove,$REPO"
}

# turn USER STEP...: one login; its results go to the table's current row.
turn() {
    local user=$1 steps=() label result remark bad=0
    shift
    mapfile -t steps < <("$@")
    while IFS=$'\t' read -r label result remark; do
        ROW+=$(printf ' %-6s' "$result")
        HEAD+=$(printf ' %-6s' "$label")
        case $result in
        ok|w) ;;
        *) bad=1 ;;
        esac
        [ "$result" = ok ] || remarks+=("$NAME $user $label: $remark")
        seen=$((seen + 1))
    done < <(ops "$user" "$VERSION" "$MASK" "${steps[@]}")
    is "$bad $seen" "0 $(printf '%s\n' "${steps[@]}" | grep -vc '=move')" \
        "hub $NAME: $user, $1: all $seen worked"
    seen=0
}

remarks=()
seen=0
shared_machine alice bob
for VERSION in $VERSIONS; do
    for MASK in $UMASKS; do
        NAME="$VERSION/$MASK"
        REPO=acme/$VERSION-$MASK-a
        OTHER=acme/$VERSION-$MASK-b
        HEAD=$(printf '%-14s' 'hub/umask')
        ROW=$(printf '%-14s' "$NAME")
        turn alice begin
        turn bob go_on
        turn alice come_back
        [ -s "$TABLE" ] || printf '%s\n' "$HEAD" > "$TABLE"
        printf '%s\n' "$ROW" >> "$TABLE"
    done
done
diag "$(cat "$TABLE")"
[ ${#remarks[@]} -eq 0 ] ||
    diag "$(printf '%s\n' "${remarks[@]}" |
        sed -E 's/[0-9a-f]{40,64}|[0-9a-f]{8}\.incomplete/*/g')"
done_testing
