#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A login mends while its user's download runs: the download ends well, and
# bob, who wants the same file, waits for it instead of fetching it again.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 0.36 0.36-lock

shared_machine alice bob

has_begun() {
    [ -n "$(find "$TOP/blobs" -name '*.incomplete' -size +1M 2> /dev/null)" ]
}

# The client asks the Hub what the file is before it waits for the lock.
has_asked() { # TIMES
    [ "$(control log | grep -c "HEAD /$repo/resolve/")" -ge "$1" ]
}

# The test takes its time; a client gives up after ten seconds of silence.
OPS_AROUND=(env HF_HUB_DOWNLOAD_TIMEOUT=60)
for venv in 2.4 0.36 0.36-lock; do
    repo=acme/busy-$venv
    TOP=$CACHE/hub/models--acme--busy-$venv
    control "stall/$repo/big.bin" > /dev/null
    ops alice "$venv" 022 "x=file,$repo,big.bin" > "$WORK/alice" &
    alice=$!
    ok "hub $venv: alice's download is on its way" wait_for 20 has_begun
    ok "hub $venv: alice logs in once more" log_in_again alice
    ok "hub $venv: her lock files are open to bob" \
        wait_for 10 locks_mended alice
    ops bob "$venv" 022 "x=file,$repo,big.bin" > "$WORK/bob" &
    bob=$!
    ok "hub $venv: bob asks for the same file" wait_for 20 has_asked 2
    sleep 1
    control release > /dev/null
    wait "$alice" "$bob"
    is "$(results < "$WORK/alice") $(results < "$WORK/bob")" "x=ok x=ok" \
        "hub $venv: both have the file" || diag "$(cat "$WORK/said")"
    sha256=$(basename "$(readlink "$TOP/snapshots/"*/big.bin)")
    is "$(control log | grep -c "GET /lfs/$sha256")" 1 \
        "hub $venv: it was fetched once"
    is "$(find "$TOP/blobs" -name '*.incomplete')" "" \
        "hub $venv: nothing unfinished is left"
done
done_testing
