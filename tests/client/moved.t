#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# alice downloaded a model into her own home, and then moves it to the shared
# cache with mv: her private group, no setgid.  bob cannot add to it; alice's
# next login mends it, and then he can.  What she closed herself (umask 077)
# stays closed.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 0.36

shared_machine alice bob

# mended TOP: every folder is the group's, setgid and open to it.
mended() {
    [ -z "$(find "$1" -type d \( ! -group hf-users -o ! -perm -2070 \))" ]
}

# move_in VENV UMASK FOLDER: download to FOLDER, then mv; TOP is where it
# lands.
move_in() {
    REPO=acme/moved-$1-$2
    TOP=$CACHE/hub/models--acme--moved-$1-$2
    OPS_AROUND=(env "HF_HOME=$3")
    is "$(ops alice "$1" "$2" "x=snapshot,$REPO,*.json,plain.bin" |
        results)" "x=ok" "$NAME: alice downloads to $3"
    OPS_AROUND=()
    ok "$NAME: she moves it to the cache" as alice "$1" "$2" \
        mv "$3/hub/${TOP##*/}" "$CACHE/hub/"
}

mend() {
    ok "$NAME: alice logs in again" log_in_again alice
    ok "$NAME: it is mended within ten seconds" \
        wait_for 10 mended "$TOP" || diag "$(find "$TOP" -ls)"
}

# A rename keeps group and mode; a copy to another file system gets the
# setgid bit, and then its old group again.
install -d -o alice -g alice /srv/alice
for venv in 2.4 0.36; do
    NAME="hub $venv"
    case $venv in
    2.4) move_in "$venv" 022 /srv/alice; left="alice:alice 755" ;;
    *) move_in "$venv" 022 /home/alice/old; left="alice:alice 2755" ;;
    esac
    is "$(stat -c '%U:%G %a' "$TOP")" "$left" "$NAME: it is hers alone"
    like "$(ops bob "$venv" 022 "hit=file,$REPO,plain.bin" \
        "add=file,$REPO,extra.txt" | results)" '^hit=ok add=13L?$' \
        "$NAME: bob cannot add to it"
    mend
    like "$(ops bob "$venv" 022 "hit=file,$REPO,plain.bin" \
        "add=file,$REPO,extra.txt" "force=force,$REPO,config.json" \
        "mv=move,models,$REPO" "new=snapshot,$REPO,*.json" | results)" \
        '^hit=ok add=ok force=ok new=(ok|w)$' "$NAME: bob can"
done

# closed TOP: what is closed to the group below it.  Listings do not count:
# every client makes them 0600, and what they tell lies in closed folders.
closed() {
    find "$1" ! -path '*/trees/*.json' ! -perm /070 -printf '%m %u:%g %p\n' |
        sort
}

NAME="umask 077"
move_in 2.4 077 /srv/alice
before=$(closed "$TOP")
ok "$NAME: alice logs in again" log_in_again alice
wait_for 10 no_helper
isnt "$before" "" "$NAME: her folders are closed"
is "$(closed "$TOP")" "$before" "$NAME: what she closed is as closed as before"
is "$(ops bob 2.4 022 "hit=file,$REPO,plain.bin" | results)" "hit=13" \
    "$NAME: bob cannot use it"
done_testing
