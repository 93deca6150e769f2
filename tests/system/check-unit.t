#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The daily check with the rights that its unit leaves it: it sees what owners
# closed, writes its own notes and needs nothing that systemd would refuse.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

UNIT=/usr/local/lib/systemd/system/hfcache-check.service

# Values of KEY in the unit, one a line.
value() {
    sed -n "s/^$1=//p" "$UNIT" | tr ' ' '\n'
}

# as_unit COMMAND...: root with the unit's capabilities, on a cache that is
# mounted read-only.
as_unit() {
    local caps
    caps=$(value CapabilityBoundingSet | tr '[:upper:]' '[:lower:]' |
        sed 's/^cap_/,+/' | tr -d '\n')
    unshare --mount bash -c 'mount --bind /srv /srv &&
        mount -o remount,bind,ro /srv && exec setpriv "$@"' - \
        --bounding-set "-all$caps" --inh-caps -all --no-new-privs "$@"
}

# calls_of SET...: the system calls that systemd's sets stand for.
calls_of() {
    systemd-analyze syscall-filter "$@" | awk '/^ +[@a-z_]/ { print $1 }' |
        while read -r name; do
            case $name in
            @*) calls_of "$name" ;;
            *) echo "$name" ;;
            esac
        done
}

# What the unit's lines let through, in their order: added, removed, added.
allowed() {
    local line all
    all=$(calls_of @default)
    while read -r line; do
        for name in ${line#\~}; do
            case $line$name in
            \~*) all=$(grep -vxFf <(calls_of "$name") <<< "$all") ;;
            *@*) all+=$'\n'$(calls_of "$name") ;;
            *) all+=$'\n'$name ;;
            esac
        done
    done < <(sed -n 's/^SystemCallFilter=//p' "$UNIT")
    { echo "$all"; calls_of @default; } | sort -u
}

ready alice
closed=$CACHE/hub/models--org--closed
by_ssh alice "umask 077; mkdir -p $closed/blobs && : > $closed/blobs/tool &&
    chmod 4755 $closed/blobs/tool; chmod 700 $closed/blobs $closed"

as_unit hfcache check > "$WORK/out" 2>&1
is "$?" 1 "the check ends with what the unit calls a success"
like "$(cat "$WORK/out")" 'models--org--closed/blobs/tool' \
    "it names what lies in a folder that its owner closed"
is "$(stat -c '%a %U:%G' /run/hfcache/*.tree)" "640 root:hf-users" \
    "what it found is written, for the cache's group"
ok "what it saw is kept" quietly compgen -G '/var/lib/hfcache/*.snapshot'
like "$(stat -c %a "$closed")" '^2?700$' "the folder is as it was"

if command -v systemd-analyze > /dev/null; then
    as_unit strace -f -o "$WORK/trace" hfcache check --full --jobs 4 \
        > "$WORK/out" 2>&1
    is "$?" 1 "a look at its system calls"
    sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$WORK/trace" | sort -u \
        > "$WORK/calls"
    ok "system calls are seen" [ "$(wc -l < "$WORK/calls")" -gt 20 ]
    is "$(comm -23 "$WORK/calls" <(allowed))" "" "the unit allows all of them"
else
    skip "systemd-analyze is not installed" "the unit allows all of them"
fi
done_testing
