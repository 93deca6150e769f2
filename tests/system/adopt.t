#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The README's way for a cache that was shared by hand: files of users, of root
# and of who is gone, closed, opened to all, tokens among them; what it names is
# done, and members share what is there. Nothing is lost meanwhile.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

users alice bob carol
groupadd mlteam
for user in alice bob carol; do
    usermod -aG mlteam "$user"
done
HUB=$CACHE/hub

# repository NAME OWNER:GROUP MODE
repository() {
    mkdir -p "$HUB/$1"/{blobs,refs,snapshots/main}
    echo "$1" > "$HUB/$1/blobs/b"
    echo main > "$HUB/$1/refs/main"
    ln -s ../../blobs/b "$HUB/$1/snapshots/main/a.bin"
    chown -Rh "$2" "$HUB/$1"
    chmod -R "$3" "$HUB/$1"
}

mkdir -p "$HUB/.locks" "$CACHE/datasets/d" "$CACHE/accelerate"
echo hf_old > "$CACHE/token"
echo notes > "$CACHE/README.txt"
chgrp -R mlteam "$CACHE"
chmod -R 2775 "$CACHE"
repository models--own alice:alice u=rwX,go=rX
repository models--team bob:mlteam u=rwX,g=rwX,o=rX
repository models--open bob:mlteam 777
repository models--gone 4242:4242 u=rwX,g=rX,o=
repository models--root root:root u=rwX,go=rX
repository models--kept carol:carol u=rwX,go=
repository models--other bob:users u=rwX,g=rwX
contents() {
    find "$CACHE" ! -name README.txt ! -name token -type f \
        -exec sha256sum {} + | sort
}
before=$(contents)

install_project
recipe '^group = mlteam' | policy
printf 'datasets = shared\numask = 007\n' >> "$POLICY"
ok "the README's policy is read" quietly hfcache policy

out=$(hfcache setup --dry-run 2>&1)
is "$?" 3 "setup: not with other things in it"
like "$out" 'README.txt.*move them out of it, or' "it names them, and what helps"
mv "$CACHE/README.txt" "$WORK"
out=$(hfcache setup --dry-run 2>&1)
is "$?" 0 "setup, without them"
like "$out" "$CACHE/accelerate: code .*$CACHE/token: a secret" \
    "it names code and the token"
mv "$CACHE/accelerate" "$CACHE/token" "$WORK"
ok "hfcache setup" quietly hfcache setup
out=$(hfcache repair --foreign)
is "$?" 1 "hfcache repair --foreign: something is left"
is "$(sed -n '/^  whose/,/^  next/p' <<< "$out" | grep drift |
    grep -oE 'hub/[a-z-]+' | sort | xargs)" "hub/models--kept hub/models--other" \
    "what is left: closed, or of another group that could write"
like "$(grep -A1 'wrong group' <<< "$out")" 'models--kept' \
    "what is left is named before what is mended"
like "$(hfcache check --all)" \
    'models--other .* may have been moved in by another: chgrp by hand' \
    "check --all says of each why"

hfcache enable sshd > "$WORK/out"
start_sshd
by_ssh carol "chmod -R g+rwX $HUB/models--kept" 2> "$WORK/err"
by_ssh bob "chgrp -R mlteam $HUB/models--other"
no_state
ok "their owners do that, and log in" quietly by_ssh bob true
no_state
ok "and so does the other" quietly by_ssh carol true
healthy() { hfcache check > "$WORK/out"; }
ok "the cache is healthy then" wait_for 10 healthy ||
    diag_stream < "$WORK/out"
is "$(by_ssh alice "cat $HUB/models--*/snapshots/main/a.bin | sort | xargs
    for name in $HUB/models--*; do touch \$name/blobs/new || echo \$name; done")" \
    "models--gone models--kept models--open models--other models--own models--root models--team" \
    "a member reads all of it, and adds to all of it"
rm "$HUB"/models--*/blobs/new
is "$(contents)" "$before" "and nothing is lost"
done_testing
