#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What most people use the cache through: transformers and datasets.  Two
# users load the same tokenizer, configuration and data sets; the files are
# fetched once, what the libraries make of them and any code of a repository
# stays in each user's own folder.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" libraries

STEPS=("config=load,AutoConfig,tiny/model"
    "tokenizer=load,AutoTokenizer,tiny/model"
    "code=code,tiny/code" "csv=dataset,tiny/csv" "jsonl=dataset,tiny/jsonl")
ALL_WELL="config=ok tokenizer=ok code=ok csv=ok jsonl=ok"

load() { # USER UMASK
    ops "$1" libraries "$2" "${STEPS[@]}" > "$WORK/loaded"
    is "$(results < "$WORK/loaded")" "$ALL_WELL" \
        "$1, umask $2: everything loads, without a warning" ||
        diag "$(cat "$WORK/loaded" "$WORK/said")"
}

shared_machine alice bob carol
load alice 077
first=$(fetched)
isnt "$first" 0 "alice's files came from the Hub"
load bob 022
is "$(fetched)" "$first" "bob's came from the cache, to the last one"
load carol 002
load alice 022
is "$(fetched)" "$first" "and so did carol's, and alice's the second time"

for user in alice bob carol; do
    own=/home/$user/.cache/huggingface
    ok "$user's prepared data sets are in a folder of $user's" \
        test -d "$own/datasets/tiny___csv"
    ok "so is the code that a repository brought" test -n "$(find \
        "$own/modules" -name configuration_tiny.py -user "$user")"
done
is "$(find "$CACHE" -maxdepth 1 ! -path "$CACHE" -printf '%f ')" "hub " \
    "nothing but hub/ is in the shared folder"
done_testing
