#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# datasets = shared: what load_dataset() prepares is shared as well.  It needs
# umask = 007 (or 002): the results of map() are made by umask, whatever the
# default ACL says.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" libraries

policy <<'END'
[cache]
datasets = shared
umask = 007
END
shared_machine alice bob

is "$(stat -c '%U:%G %a' "$CACHE/datasets")" "root:hf-users 2770" \
    "setup makes the folder"
first=
for user in alice bob; do
    is "$(ops "$user" libraries keep "csv=dataset,tiny/csv" \
        "map=map,tiny/csv" | results)" "csv=ok map=ok" \
        "$user loads a data set, and maps it" || diag "$(cat "$WORK/said")"
    first=${first:-$(fetched)}
done
is "$(fetched)" "$first" "bob fetched nothing"
is "$(find "$CACHE/datasets" -name '*.arrow' ! -user alice)" "" \
    "and prepared nothing: all is alice's work"
nok "no data set is in bob's home" \
    test -e /home/bob/.cache/huggingface/datasets
is "$(ops bob libraries 077 "jsonl=dataset,tiny/jsonl" | results)" \
    "jsonl=ok" "bob prepares another one, with umask 077"
is "$(ops alice libraries keep "jsonl=dataset,tiny/jsonl" | results)" \
    "jsonl=ok" "alice loads it"
done_testing
