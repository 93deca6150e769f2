#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A cache on NFS whose server does not answer, is stopped, comes back with other
# handles; and one that is mounted when somebody needs it.

# shellcheck source=tests/machine/nfs.sh
. "$(dirname "$(readlink -f "$0")")/nfs.sh"

served 4.2 root_squash
by_ssh alice true

# --- the server does not answer -------------------------------------------------

sleep 2 # what the client keeps of attributes
dead
no_state
mark_log
is "$(by_ssh alice echo in)" in "no answer: a login"
is_field alice state slow "no answer: slow"
ok "no answer: it waited for the deadline" took alice 6000
mark_log
for _ in 1 2 3; do
    su alice -c true
    su bob -c true
done
ok "no answer: the next ones do not wait" took bob 2000
ok "no answer: at most four helpers" [ "$(probes)" -le 4 ]
ok "no answer: sessions end" wait_for 30 no_sessions alice
timed timeout 60 hfcache status > "$WORK/out"
ok "no answer: status does not wait ($MS ms)" within 5000
sleep 10
mark_log
unlike "$(su bob -c "$LOOK")" HF_HOME "no answer for long: no variables"
is_field bob state hung "no answer for long: hung"
timed systemctl restart ssh
ok "no answer: sshd can be restarted ($MS ms)" within 20000
alive
ok "it answers: all helpers end" wait_for 240 no_helper
mark_log
like "$(su bob -c "$LOOK")" HF_HOME= "it answers: the next login has them"
is_field bob state usable "it answers: usable"

# --- the server is stopped, and another disk comes back ---------------------------

systemctl stop nfs-server
no_state
is "$(by_ssh alice echo in)" in "stopped: a login"
umount -l $EXPORT
mkfs.ext4 -q -F $DISK
mount -o loop $DISK $EXPORT
mkdir $EXPORT/hf
systemctl start nfs-server
wait_for 240 no_helper
no_state
mark_log
is "$(by_ssh alice echo in)" in "handles that are stale: a login"
wait_for 60 no_helper
like "$(field alice state)" '^(error|absent|closed|slow)$' "stale: not usable"
timeout 60 hfcache check > "$WORK/out" 2>&1
is "$?" 3 "stale: check" || diag_stream < "$WORK/out"
umount -l "$CACHE"

# --- mounted when it is needed ----------------------------------------------------

quietly set_up_on_server
printf '[Mount]\nWhat=127.0.0.1:%s\nWhere=%s\nType=nfs\nOptions=hard,vers=4.2\n' \
    $EXPORT/hf "$CACHE" > /etc/systemd/system/srv-huggingface.mount
printf '[Automount]\nWhere=%s\n' "$CACHE" \
    > /etc/systemd/system/srv-huggingface.automount
systemctl daemon-reload
systemctl start srv-huggingface.automount
dead
no_state
mark_log
is "$(by_ssh alice echo in)" in "automount, no answer: a login"
ok "automount, no answer: it waited for the deadline" took alice 6000
ok "automount, no answer: another" by_ssh bob true
alive
ok "it answers: all helpers end" wait_for 240 no_helper
no_state
mark_log
like "$(by_ssh alice "$LOOK")" HF_HOME= "automount: a login"
is_field alice state usable "automount: usable"
is "$(systemctl is-active srv-huggingface.mount)" active "the login mounted it"
is "$(refused)" "" "the kernel refused nothing"
done_testing
