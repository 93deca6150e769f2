#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# login -f and Debian's cron with one `session` line: both ask NSS for the
# user's groups after our hooks, so that the lasting membership counts in the
# same session.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

ready alice carl
by_cron carl "/usr/local/bin/look"
printf '#!/bin/bash\n%s\n' "$LOOK" | install -m 755 /dev/stdin \
    /usr/local/bin/look
start_cron

mark_log
out=$(by_login alice /usr/local/bin/look)
like "$out" 'groups: alice hf-users' "login -f: the group"
like "$out" 'HF_HOME=/srv/huggingface' "login -f: HF_HOME"
like "$out" 'now in group hf-users' "login -f: told of the new membership"
ok "login -f: in /etc/group" in_etc_group alice
out=$(by_login alice /usr/local/bin/look)
like "$out" 'groups: alice hf-users' "login -f, again: the group"
unlike "$out" 'hfcache:' "login -f, again: not told again"

wait_for 5 test -e /tmp/cron.carl.done
out=$(cat /tmp/cron.carl)
like "$out" 'groups: carl hf-users' "cron: the group in the first job"
like "$out" 'HF_HOME=/srv/huggingface' "cron: HF_HOME"
unlike "$out" 'hfcache:' "cron: nothing but the job's own output"
ok "cron: in /etc/group" in_etc_group carl
ok "cron: logged" logged 'service=cron'
done_testing
