#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Everybody's token stays his own: `hf auth login` writes it to the user's
# own folder and leaves the shared cache as it was, the Hub sees each user's
# own token, and what the Hub gives to one only it refuses to the other.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 1.31 0.36

ALICE=hf_aliceAAAAAAAAAAAAAAAAAAAAAAAAAAAA
BOB=hf_bobBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB

# look PATH...: owner, group, mode and kind of each.
look() {
    stat -c '%U:%G %a %F' "$@" 2>&1
}

tree() {
    find "$CACHE" -printf '%u:%g %m %p\n' | sort
}

# hub_login USER UMASK TOKEN: what it says goes to $WORK/login.
hub_login() {
    as "$1" 2.4 "$2" hf auth login --token "$3" > "$WORK/login" 2>&1
}

hub_logout() {
    as "$1" 2.4 022 hf auth logout > "$WORK/login" 2>&1
}

shared_machine alice bob

# --- the control: the same in a folder as people make it ---------------------

as alice 2.4 022 true
install -d -m 2775 -o root -g hf-users /srv/plain
OPS_AROUND=(env -u HF_TOKEN_PATH HF_HOME=/srv/plain)
as alice 2.4 022 "${OPS_AROUND[@]}" hf auth login --token "$ALICE" \
    > "$WORK/login" 2>&1
is "$(look /srv/plain/token)" "alice:hf-users 600 regular file" \
    "in a plain setgid folder alice's token is where all look for theirs"
is "$(ops bob 2.4 022 "x=file,acme/open,config.json" | results)" "x=13" \
    "and bob can do nothing any more"
OPS_AROUND=()

# --- logging in -------------------------------------------------------------

before=$(tree)

own=/home/alice/.cache/huggingface
ok "alice logs in to the Hub" hub_login alice 022 "$ALICE"
ok "the client says where the token went" \
    grep -qF "$own/stored_tokens" "$WORK/login" || diag "$(cat "$WORK/login")"
is "$(look "$own" "$own/token" "$own/stored_tokens")" \
    "alice:alice 700 directory
alice:alice 600 regular file
alice:alice 600 regular file" \
    "the token is hers, 0600, in a folder of her own, 0700"
is "$(cat "$own/token")" "$ALICE" "it is the token"
nok "bob cannot read it" as bob 2.4 022 cat "$own/token" 2> "$WORK/refusal"
is "$(tree)" "$before" "the cache is as before: owners, groups, modes, names"

ok "bob logs in, with umask 002" hub_login bob 002 "$BOB"
is "$(look /home/bob/.cache/huggingface/token)" "bob:bob 600 regular file" \
    "his token is 0600 all the same"
is "$(tree)" "$before" "the cache is as before"
like "$(as alice 2.4 022 hf auth whoami 2>&1)" "alice" "alice is alice"
like "$(as bob 2.4 022 hf auth whoami 2>&1)" "bob" "bob is bob"

# --- a repository that the Hub opens for alice only -------------------------

for version in 2.4 1.31 0.36; do
    gated=gated/$version
    is "$(ops bob "$version" 022 "x=refused,$gated,config.json" |
        results)" "x=ok" "hub $version: bob is refused"
    is "$(ops alice "$version" 022 "x=file,$gated,config.json" \
        "y=file,$gated,plain.bin" "z=file,$gated,model.bin" | results)" \
        "x=ok y=ok z=ok" "hub $version: alice gets it with her token"
    is "$(ops bob "$version" 022 "x=refused,$gated,extra.txt" |
        results)" "x=ok" \
        "hub $version: bob is refused what is not in the cache yet"
    is "$(control log | grep -F "/$gated/resolve/" | cut -d' ' -f1 |
        sort -u | xargs)" "alice bob" \
        "hub $version: the Hub sees each with his own token"
    is "$(ops bob "$version" 022 "x=offline,$gated,config.json" | results)" \
        "x=ok" "hub $version: what alice has fetched is every member's"
done
is "$(control log | grep -E ' (GET|POST) /(lfs|xorb)/' | cut -d' ' -f1 |
    sort -u)" "-" "no token goes to where the large files are"

# --- without a token --------------------------------------------------------

ok "alice logs out" hub_logout alice
nok "her token is gone" test -e "$own/token"
is "$(ops alice 2.4 022 "x=refused,gated/later,config.json" \
    "y=file,acme/open,config.json" | results)" "x=ok y=ok" \
    "she gets what is open, and is refused what is not"
is "$(find "$CACHE" -maxdepth 1 ! -path "$CACHE" -printf '%f ')" "hub " \
    "nothing but hub/ is in the shared folder"
is "$(look "$CACHE")" "root:hf-users 2750 directory" \
    "the shared folder is root's still, and members cannot write to it"

done_testing
