#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The optional `auth` line and `membership = session`: the group for this
# session only, /etc/group as it was; and what the `session` line alone can
# and cannot do then.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

install_project
quietly hfcache setup
policy <<END
[cache]
membership = session
END
users alice bob carl
start_sshd
ok "enable, session line only" quietly hfcache enable sshd su
mark_log
out=$(by_ssh alice "$LOOK")
unlike "$out" 'hf-users' "sshd without the auth line: no group"
unlike "$out" 'HF_HOME' "so the variables are left out"
is_field alice state not-member "and the log says why"
like "$(by_su alice "$LOOK")" 'groups: alice hf-users.*HF_HOME=' \
    "su without the auth line: both"

# shellcheck disable=SC2086
ok "enable --auth" quietly hfcache enable --auth $SERVICES
is "$(grep -c 'auth.*pam_hfcache' /etc/pam.d/sshd)" 1 "one auth line in sshd"
by_cron carl /usr/local/bin/look
printf '#!/bin/bash\n%s\n' "$LOOK" | install -m 755 /dev/stdin \
    /usr/local/bin/look
start_cron

like "$(by_ssh alice "$LOOK")" 'groups: alice hf-users.*HF_HOME=' "sshd, key"
like "$(by_password alice "$LOOK")" 'groups: alice hf-users.*HF_HOME=' \
    "sshd, password"
for how in su su_login runuser sudo sudo_login; do
    like "$("by_$how" bob "$LOOK")" 'groups: bob hf-users.*HF_HOME=' "$how"
done
# Up to shadow 4.19 login opens the session before it ever calls setcred, so
# that no hook can know: the group is there, the variables are left out.
like "$(by_login bob /usr/local/bin/look)" 'groups: bob hf-users' \
    "login -f: the group"
wait_for 5 test -e /tmp/cron.carl.done
like "$(cat /tmp/cron.carl)" 'groups: carl hf-users.*HF_HOME=' "cron"
is "$(grep ^hf-users: /etc/group | cut -d: -f4)" "" "/etc/group has no member"
is "$(id -Gn alice)" alice "and NSS knows of none"
is "$(by_ssh root id -G)" 0 "root is left alone"
setpriv --reuid alice --regid alice --init-groups true
echo 'alice ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice
is "$(by_ssh alice sudo id -G)" 0 "sudo by a user: root is not in the group"

# The auth line must neither let anybody in nor keep anybody out.
nok "a wrong password stays wrong" sshpass -p wrong ssh "${SSH_ARGS[@]}" \
    -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 \
    alice@127.0.0.1 true
done_testing
