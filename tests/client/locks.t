#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Clients before 1.4 with filelock 3.10 to 3.23 make every lock file 0644,
# whatever umask and ACL say: the other user's download then fails.  Clients
# from 1.22 on make trees/*.json 0600: the other user is warned, and asks the
# Hub again.  The owner's next login mends both.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 0.36-lock 2.4

REPO=acme/locks
LOCKS=$CACHE/hub/.locks/models--acme--locks

modes() { # USER
    find "$LOCKS" -name '*.lock' -user "$1" -printf '%m\n' | sort -u | xargs
}

others() {
    find "$CACHE/hub" -type f ! -name '*.lock' \
        -printf '%i %m %u:%g %C@ %p\n' | sort
}

shared_machine alice bob

is "$(ops alice 0.36-lock 022 "a=snapshot,$REPO,*.json,plain.bin" |
    results)" "a=ok" "alice downloads"
is "$(modes alice)" "644" "her lock files are 0644"
is "$(ops bob 0.36-lock 022 "hit=file,$REPO,config.json" \
    "force=force,$REPO,config.json" | results)" "hit=ok force=13L" \
    "bob can use the files, and cannot take her locks"

before=$(others)
ok "alice logs in again" log_in_again alice
ok "her lock files get g+rw within ten seconds" wait_for 10 locks_mended alice
is "$(modes alice)" "664" "and nothing else"
is "$(find "$LOCKS" -name '*.lock' ! -user alice)" "" "they are still hers"
is "$(others)" "$before" "no other file was touched"
is "$(ops bob 0.36-lock 077 "force=force,$REPO,config.json" \
    "lfs=force,$REPO,plain.bin" "add=file,$REPO,extra.txt" | results)" \
    "force=ok lfs=ok add=ok" "bob can take her locks now"

is "$(modes bob)" "644" "his own new lock file is 0644 again"
is "$(ops alice 0.36-lock 022 "x=force,$REPO,extra.txt" | results)" \
    "x=13L" "alice cannot take it"
ok "bob logs in again" log_in_again bob
ok "his lock file gets g+rw" wait_for 10 locks_mended bob
is "$(ops alice 0.36-lock 022 "x=force,$REPO,extra.txt" | results)" \
    "x=ok" "and alice can take it"

# --- listings ---------------------------------------------------------------

REPO=acme/listings
TREES=$CACHE/hub/models--acme--listings/trees

listings_mended() {
    [ -z "$(find "$TREES" -name '*.json' ! -perm -040)" ]
}

is "$(ops alice 2.4 022 "a=snapshot,$REPO,*.json" | results)" "a=ok" \
    "hub 2.4: alice downloads"
is "$(find "$TREES" -name '*.json' -printf '%m %u')" "600 alice" \
    "her listing is 0600"
ok "alice logs in again" log_in_again alice
ok "her listing gets g+r" wait_for 10 listings_mended ||
    diag "$(ls -l "$TREES")"
is "$(ops bob 2.4 022 "b=snapshot,$REPO,*.json" | results)" "b=ok" \
    "bob is not warned"
is "$(find "$TREES" -name '*.json' -printf '%u')" "alice" \
    "and has left it hers"

done_testing
