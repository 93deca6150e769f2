#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# home = private: HF_HOME stays in each user's home, the hub cache alone is
# shared.  Programs that write to HF_HOME without asking work there, and two
# users still share what they download.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 0.36

policy <<'END'
[cache]
home = private
END
shared_machine alice bob

for venv in 2.4 0.36; do
    for mask in 022 077; do
        repo=acme/private-$venv-$mask
        name="hub $venv, umask $mask"
        is "$(ops alice "$venv" "$mask" "a=snapshot,$repo,*.json,plain.bin" \
            "b=file,$repo,model.bin" | results)" "a=ok b=ok" "$name: alice"
        like "$(ops bob "$venv" "$mask" "hit=file,$repo,model.bin" \
            "offline=offline,$repo,plain.bin" "new=file,$repo,extra.txt" \
            "force=force,$repo,plain.bin" "snap=snapshot,$repo,*.json" |
            results)" \
            '^hit=ok offline=ok new=ok force=ok snap=(ok|w)$' "$name: bob"
    done
done
ok "alice's files are in the shared hub cache" \
    test -d "$CACHE/hub/models--acme--private-2.4-022/snapshots"
nok "and not in her home" test -e /home/alice/.cache/huggingface/hub

own=/home/bob/.cache/huggingface
# shellcheck disable=SC2016 # bob's shell expands it
ok "a program that writes to HF_HOME writes to bob's own" \
    as bob 2.4 022 sh -c 'mkdir -p "$HF_HOME/accelerate" &&
        : > "$HF_HOME/accelerate/default_config.yaml"'
ok "and it is there" test -f "$own/accelerate/default_config.yaml"
is "$(find "$CACHE" -maxdepth 1 ! -path "$CACHE" -printf '%f ')" "hub " \
    "nothing but hub/ is in the shared folder"
done_testing
