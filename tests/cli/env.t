#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache env: the variables of a login, quoted so that each shell takes every
# byte as it is; nothing but variables on stdout.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

exits 0 "a member" env bob
is "$out" "export HF_HOME='/srv/huggingface'
export HF_TOKEN_PATH='/home/bob/.cache/huggingface/token'
export HF_MODULES_CACHE='/home/bob/.cache/huggingface/modules'
export KERNELS_CACHE='/home/bob/.cache/huggingface/kernels'
export HF_XET_CACHE='/home/bob/.cache/huggingface/xet'
export HF_ASSETS_CACHE='/home/bob/.cache/huggingface/assets'
export HF_DATASETS_CACHE='/home/bob/.cache/huggingface/datasets'
export HF_EVALUATE_CACHE='/home/bob/.cache/huggingface/evaluate'
export HF_METRICS_CACHE='/home/bob/.cache/huggingface/metrics'
export HF_LEROBOT_HOME='/home/bob/.cache/huggingface/lerobot'
export TRACKIO_DIR='/home/bob/.cache/huggingface/trackio'" \
    "a member: all variables, none of them twice"
is "$err" "" "a member: nothing on stderr"

policy <<< $'[cache]\nhome = private'
exits 0 "home = private" env bob
like "$out" "^export HF_HOME='/home/bob/.cache/huggingface'
export HF_HUB_CACHE='/srv/huggingface/hub'" "home = private: the other set"

# --- what a login would leave out -------------------------------------------

policy <<< $'[cache]\nmembership = require'
exits 0 "not a member, and none is made" env alice
is "$out" "" "not a member: nothing on stdout"
like "$err" '^hfcache: no variables for alice: the cache is not-member: ' \
    "not a member: why, on stderr"
exits 0 "not a member, env-file" env alice --format env-file
is "$out" "" "not a member: an empty file"
policy <<< $'[cache]\nusers = @vision'
exits 0 "a user whom no section takes" env alice
is "$out" "" "no section: nothing on stdout"
like "$err" 'no section .*
.*users = @vision \(/etc/security/hfcache.conf:2\)' "no section: which key"
exits 0 "root" env root
is "$out" "" "root: nothing"
exits 0 "no operand is the caller" env
like "$err" 'no variables for root' "the caller is root here"
exits 3 "an unknown user" env nosuch
like "$err" 'nosuch' "an unknown user is named"

rm "$POLICY"
root='13 0 0 0 0' way=5 at=/srv/huggingface
seen 0
exits 0 "a file system that fails" env bob
is "$out" "" "a failing file system: nothing on stdout"
like "$err" '/srv/huggingface: Input/output error' "a failing one: said"
policy <<< $'[cache]\nunusable = export'
exits 0 "unusable = export" env bob
like "$out" "^export HF_HOME=" "unusable = export: set all the same"
unseen

policy <<< $'[cache]\nservices = sshd'
exits 0 "services = sshd, none named" env bob
is "$out" "" "a section for a service needs --service"
exits 0 "--service" env bob --service sshd
like "$out" "^export HF_HOME=" "--service: taken"

# --- quoting: a home that has it all -----------------------------------------

policy <<< $'[cache]\n[env]\nTORCH_HOME = %h/50%% `id` $(id) \\n !!#x'
WANTED="/home/it's \"a\" \$HOME!/50% \`id\` \$(id) \\n !!#x"

# shell NAME FORMAT COMMAND...: what the shell has in TORCH_HOME in the end.
shell() {
    local name=$1 format=$2
    shift 2
    command -v "$1" > /dev/null || { skip "no $1 here" "$name"; return; }
    "$HFCACHE" env quote --format "$format" > "/mnt/vars"
    is "$("$@" 2>&1)" "TORCH_HOME=$WANTED" "$name: every byte"
}

# shellcheck disable=SC2016
for sh in sh dash bash zsh ksh; do
    shell "$sh" sh "$sh" -c '. /mnt/vars; printenv | grep ^TORCH_HOME='
done
shell csh csh csh -f -c 'source /mnt/vars; printenv | grep ^TORCH_HOME='
# shellcheck disable=SC2016
shell "csh, by eval" csh csh -f -c \
    'eval `cat /mnt/vars`; printenv | grep ^TORCH_HOME='
shell tcsh csh tcsh -f -c 'source /mnt/vars; printenv | grep ^TORCH_HOME='
HOME=/mnt XDG_CONFIG_HOME=/mnt XDG_DATA_HOME=/mnt \
    shell fish fish fish -c 'source /mnt/vars; printenv | grep ^TORCH_HOME='

exits 0 "systemd" env quote --format systemd
is "$(head -n 2 <<< "$out")" '[Service]
Environment="HF_HOME=/srv/huggingface"' "systemd: a drop-in"
# shellcheck disable=SC2016
is "$(grep TORCH_HOME <<< "$out")" \
    'Environment="TORCH_HOME=/home/it'\''s \"a\" $HOME!/50%% `id` $(id) \\n !!#x"' \
    "systemd: quotes, backslashes and specifiers escaped"

exits 0 "env-file" env quote --format env-file
like "$out" '^HF_HOME=/srv/huggingface
HF_TOKEN_PATH=' "env-file: nothing but NAME=VALUE"
is "$(grep '^TORCH_HOME=' <<< "$out")" "TORCH_HOME=$WANTED" \
    "env-file: every byte, as it is"
is "$(grep -c = <<< "$out")" "$(grep -c '' <<< "$out")" \
    "env-file: no line without a value, which docker takes from its caller"

exits 0 "JSON" env quote --format json
valid "env --format json" env
asked .user quote "JSON: the user"
asked .set true "JSON: set"
asked .variables.TORCH_HOME "$WANTED" "JSON: every byte"
policy <<< $'[cache]\nmembership = require'
exits 0 "JSON for one left out" env alice --format json
asked '[.set, .variables]' '[false,{}]' "JSON: nothing set"

long=$(printf 'a%.0s' {1..80})@example.org
sed "s/^root:/$long:/" passwd > edited
cat edited > passwd
exits 0 "a caller with a long name" env
like "$err" "^hfcache: no variables for $long: " "a long name: all of it"
done_testing
