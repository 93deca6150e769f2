#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# su, su -, runuser, sudo and sudo -i with one `session` line, started by
# root and by a user; who is left alone.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready u_su u_sul u_run u_sudo u_sudoi caller target other
mkdir -p /etc/sudoers.d
echo 'caller ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/caller

# as_caller COMMAND...: by a user, without a PAM session of his own.
as_caller() {
    setpriv --reuid caller --regid caller --init-groups --reset-env "$@"
}

# --- started by root --------------------------------------------------------

enters() { # HOW USER NAME
    local out
    mark_log
    out=$("$1" "$2" "$LOOK")
    like "$out" "groups: $2 hf-users" "$3: the group in the same session"
    like "$out" "HF_HOME=$CACHE" "$3: HF_HOME"
    like "$out" "HF_TOKEN_PATH=/home/$2/.cache/huggingface/token" \
        "$3: the token stays in the own home"
    ok "$3: in /etc/group" in_etc_group "$2"
    is "$("$1" "$2" "$LOOK")" "$out" "$3: the next login has the same"
    ok "$3: logged" logged " user=$2 "
}

enters by_su u_su "su"
enters by_su_login u_sul "su -"
enters by_runuser u_run "runuser"
enters by_sudo u_sudo "sudo"
enters by_sudo_login u_sudoi "sudo -i"

# --- started by a user ------------------------------------------------------

mark_log
out=$(as_caller su target -c "$LOOK" <<< "$PASSWORD" 2> /dev/null)
like "$out" 'groups: target hf-users' "su by a user: the group in the session"
like "$out" 'HF_HOME=/srv/huggingface' "su by a user: HF_HOME"
nok "su by a user starts no helper: the membership does not last" \
    in_etc_group target

out=$(as_caller sudo -u other bash -c "$LOOK")
like "$out" 'groups: other hf-users' "sudo by a user: the group in the session"
like "$out" 'HF_HOME=/srv/huggingface' "sudo by a user: HF_HOME"
nok "sudo by a user starts no helper: the membership does not last" \
    in_etc_group other

# --- left alone -------------------------------------------------------------

out=$(as_caller sudo bash -c 'id -G; echo "home=${HF_HOME-}"')
is "$out" $'0\nhome=' "sudo to root: root's groups and environment untouched"
unlike "$(grep ^hf-users: /etc/group)" '[:,]root' "sudo to root: not a member"
nok "sudo to root: nor the caller by that" in_etc_group caller

for name in nobody daemon; do
    out=$(by_su "$name" 'id -Gn; echo "home=${HF_HOME-}"')
    unlike "$out" 'hf-users|home=/' "$name is left alone"
    nok "$name is not in /etc/group" in_etc_group "$name"
done
done_testing
