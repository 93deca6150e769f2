#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `make demo` runs to its end, shows what it promises, in under a minute, and
# leaves the machine as it was.

SRC=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd -P)
. "$SRC/tests/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "1..0 # SKIP needs root"
    exit 0
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT

machine() {
    sha256sum /etc/passwd /etc/group /etc/pam.d/sshd
    find /srv /usr/local /etc/security /run/hfcache -newer "$out" 2> /dev/null
}

before=$(machine)
# tests/demo/demo makes its virtual environment first, where there is none.
"$SRC/tests/client/venv" "${CLIENT_VENVS:-/var/cache/pam_hfcache-tests}" 2.4 \
    > "$out" 2>&1
demo() {
    timeout 120 "$SRC/tests/demo/demo" < /dev/null > "$out" 2>&1 ||
        { tail -n 20 "$out" >&2; false; }
}
ok "make demo" demo
text=$(cat "$out")
# blocks: each command of alice's on standard input, with the two lines that
# answer it, in one line.
blocks() {
    sed 's/^ *//' | grep -F -A2 'alice$ id -Gn; echo' | grep -v ^-- | paste -d '|' - - -
}
is "$(blocks <<< "$text" | head -n 2)" "$(blocks < "$SRC/README.md")" \
    "the login before and after is what the README shows first"
is "$(blocks < "$SRC/README.md" | wc -l)" 2 "which shows both"
like "$text" 'HF_HOME=/srv/huggingface' "it shows the variables"
like "$text" 'drwxrws--- root hf-users hub' "it shows the way to the cache"
like "$text" "bob took alice's copy" "a download by one, its reuse by the other"
like "$text" 'Permission denied' "a drift"
like "$text" 'being mended' "which the owner's login mends"
like "$text" 'drwxrws---\+ 5 alice hf-users' "it is mended"
seconds=$(sed -n 's/.*That was it, in \([0-9]*\) seconds.*/\1/p' "$out")
ok "under a minute ($seconds s)" [ "${seconds:-99}" -lt 60 ]
unlike "$text" $'\e' "no escape sequences in a log"
is "$(machine)" "$before" "the machine is as it was"
done_testing
