#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A real sshd with one `session` line: key, password, sftp, commands whose
# output must stay clean, terminals, several sessions over one connection;
# root and system users; the monitor's own groups.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Groups of the privileged sshd process behind a session of USER.
monitor_groups() {
    local out pid hold
    mkfifo "$WORK/hold"
    by_ssh "$1" 'ps -o ppid= -p $PPID; read -r _' < "$WORK/hold" > "$WORK/pid" &
    exec {hold}> "$WORK/hold"
    wait_for 5 test -s "$WORK/pid"
    pid=$(tr -d ' ' < "$WORK/pid")
    out=$(grep -E '^(Uid|Gid|Groups):' "/proc/$pid/status" | tr -s '\t ' ' ')
    exec {hold}>&-
    wait $!
    rm "$WORK/pid" "$WORK/hold"
    echo "$out"
}

# --- without the module -----------------------------------------------------

install_project
quietly hfcache setup
users alice bob carol dave erin
useradd -r -m -s /bin/bash service
cp -a /home/alice/.ssh /home/service/ && chown -R service: /home/service/.ssh
start_sshd
bare_monitor=$(monitor_groups dave)
bare_root=$(by_ssh root 'id -G; env | sort | grep -v ^SSH_')
bare_service=$(by_ssh service 'id -G; env | sort | grep -v ^SSH_')
unlike "$(by_ssh alice "$LOOK")" 'hf-users|HF_HOME' "before: nothing"

ok "enable sshd" quietly hfcache enable sshd
is "$(grep -c pam_hfcache /etc/pam.d/sshd)" 1 "one line in /etc/pam.d/sshd"

# --- public key: first login, second login ----------------------------------

mark_log
first=$(by_ssh alice "$LOOK")
is "$first" "groups: alice hf-users
HF_ASSETS_CACHE=/home/alice/.cache/huggingface/assets
HF_DATASETS_CACHE=/home/alice/.cache/huggingface/datasets
HF_EVALUATE_CACHE=/home/alice/.cache/huggingface/evaluate
HF_HOME=$CACHE
HF_LEROBOT_HOME=/home/alice/.cache/huggingface/lerobot
HF_METRICS_CACHE=/home/alice/.cache/huggingface/metrics
HF_MODULES_CACHE=/home/alice/.cache/huggingface/modules
HF_TOKEN_PATH=/home/alice/.cache/huggingface/token
HF_XET_CACHE=/home/alice/.cache/huggingface/xet
KERNELS_CACHE=/home/alice/.cache/huggingface/kernels
TRACKIO_DIR=/home/alice/.cache/huggingface/trackio" \
    "key, first login: the group and the variables"
ok "first login: in /etc/group" in_etc_group alice
ok "first login: nothing made in the home" test ! -e /home/alice/.cache
fields='user=alice uid=[0-9]+ service=sshd cache=/srv/huggingface section=[^=]*'
fields+=' action=[^=]* member=[^=]* persist=[^=]* state=usable env=[^=]*'
fields+=' age_ms=[0-9]+ took_ms=[0-9]+ why='
ok "one log line, its fields in order" logged \
    "authpriv\\.[a-z]+ sshd.*pam_hfcache\\(sshd:session\\): $fields"
is "$(new_log | grep -c ' user=alice ')" 1 "no second line"

# The searches of the README, as they stand there, and the format they go by.
while read -r search; do
    is "$(bash -c "$search" | grep -c ' user=alice ')" \
        "$([[ $search == *env=* ]] && echo 0 || echo 1)" "README: $search"
done < <(sed -n 's|^    \(grep .*/var/log/auth.log\)$|\1|p' "$SRC/README.md")
value='=([A-Za-z0-9_./:+,@%-]+|"([^"\\]|\\.)*")'
is "$(new_log | grep -cvE \
    "pam_hfcache\(sshd:session\): [a-z_]+$value( [a-z_]+$value)+\$")" 0 \
    "each word of a line is key=value, odd values quoted"

group_file=$(stat -c '%i %y' /etc/group)
is "$(by_ssh alice "$LOOK")" "$first" "second login: the same"
is "$(stat -c '%i %y' /etc/group)" "$group_file" \
    "second login: /etc/group was not written again"
is "$(id -Gn alice)" "alice hf-users" "the membership lasts"

# --- other ways in ----------------------------------------------------------

like "$(by_password bob "$LOOK")" 'groups: bob hf-users.*HF_HOME=/srv/hug' \
    "password, first login"
ok "password: in /etc/group" in_etc_group bob

head -c 100000 /dev/urandom > /home/carol/blob
chown carol: /home/carol/blob
by_ssh carol 'cat blob' > "$WORK/blob" 2> "$WORK/err"
ok "command: the first login's output is clean to the byte" \
    cmp /home/carol/blob "$WORK/blob"
is "$(cat "$WORK/err")" "" "command: nothing on its standard error"
forget carol
by_sftp carol > "$WORK/out" 2> "$WORK/err" <<END
get blob $WORK/by-sftp
END
ok "sftp: a file arrives" cmp /home/carol/blob "$WORK/by-sftp"
is "$(cat "$WORK/err")" "" "sftp: nothing on its standard error"
ok "sftp: in /etc/group" in_etc_group carol
scp -q -O "${SSH_ARGS[@]/#-p/-P}" -i "$KEYS/id" carol@127.0.0.1:blob \
    "$WORK/by-scp" > "$WORK/out" 2>&1
ok "old scp protocol: a file arrives" cmp /home/carol/blob "$WORK/by-scp"
is "$(cat "$WORK/out")" "" "old scp protocol: nothing else"

# What dave started before goes on without the group, also if its name would
# steer a terminal; what has the group, and what is another's, is not named.
cp /bin/sleep "$WORK/tmux: server"
cp /bin/sleep "$WORK/"$'odd\e[31m'
for program in "tmux: server" $'odd\e[31m'; do
    setpriv --reuid dave --regid dave --clear-groups "$WORK/$program" 60 &
done
setpriv --reuid dave --regid dave --groups "$(hf_gid)" "$BASH" -c \
    'exec -a x sleep 60' &
setpriv --reuid carol --regid carol --clear-groups tail -f /dev/null &
chmod 755 "$WORK"
wait_for 5 pgrep -u dave -f 'tmux: server' > /dev/null
wait_for 5 pgrep -u dave -x sleep > /dev/null
wait_for 5 pgrep -u carol -x tail > /dev/null
first=$(by_terminal dave "$LOOK")
like "$first" 'groups: dave hf-users' "terminal: the group"
like "$first" 'HF_HOME=/srv/huggingface' "terminal: the variables"
like "$first" 'now in group hf-users\. Restart what still runs without it: (tmux: server, odd\?\[31m|odd\?\[31m, tmux: server)\. What you' \
    "terminal: told of the new membership, and what has to be restarted for it"
unlike "$(by_terminal dave true)" 'hfcache:' \
    "terminal, second login: not a word"
# shellcheck disable=SC2046
kill $(jobs -p)
wait 2> /dev/null

ssh "${SSH_ARGS[@]}" -o BatchMode=yes -i "$KEYS/id" -fNM -S "$WORK/mux" \
    -o ControlPersist=10 erin@127.0.0.1
like "$(ssh -S "$WORK/mux" -o BatchMode=yes erin@127.0.0.1 "$LOOK")" \
    'groups: erin hf-users.*HF_HOME=/srv' "second channel of a connection"
ssh -q -S "$WORK/mux" -O exit erin@127.0.0.1 2> /dev/null

# --- who is left alone ------------------------------------------------------

is "$(monitor_groups dave)" "$bare_monitor" "the monitor's groups are untouched"
forget dave
is "$(monitor_groups dave)" "$bare_monitor" "also when the user is added"
is "$(by_ssh root 'id -G; env | sort | grep -v ^SSH_')" "$bare_root" \
    "root: groups and environment untouched"
is "$(by_ssh service 'id -G; env | sort | grep -v ^SSH_')" "$bare_service" \
    "system user: groups and environment untouched"
unlike "$(grep ^hf-users: /etc/group)" 'root|service' \
    "neither is in /etc/group"
done_testing
