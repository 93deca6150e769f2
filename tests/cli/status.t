#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache status: what the last verdicts say; the cache is not touched.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Ages are what they are.
still() {
    sed -E 's/[0-9]+ (ms|s|min) ago/N \1 ago/' <<< "$1"
}

exits 1 "no verdict" status
is "$out" "/srv/huggingface  group hf-users  [cache], built-in default
  state   unknown
          nobody has looked at the cache since this machine started
  look    the next login that the policy serves looks at it" \
    "no verdict: unknown, and what comes next"

round=$(($(date +%s) - 300))
seen 5000
exits 0 "a healthy cache" status
is "$(still "$out")" "/srv/huggingface  group hf-users  [cache], built-in default
  state   usable, looked at N s ago
          /srv/huggingface  root:hf-users      drwxr-s--- 2750  default ACL u::rwx,g::rwx,o::---
          hub               root:hf-users      drwxrws--- 2770  default ACL u::rwx,g::rwx,o::---
          hub/.locks        root:hf-users      drwxrws--- 2770  default ACL u::rwx,g::rwx,o::---
          hub/blobs         not there; clients that want it make it
  below   0 repositories or lock folders to mend; last all around N min ago" \
    "a healthy cache: the facts"

drifts='drift=3002 3 hub/models--a--b
drift=3999 32 hub/.locks/models--a--b
'
round=0
seen
exits 1 "repositories that have drifted" status
is "$(sed -n '/^  below/,$p' <<< "$out")" \
"  below   2 repositories or lock folders to mend; not all of it has been looked at yet
          bob          hub/models--a--b  wrong group, setgid lost
          3999         hub/.locks/models--a--b  closed locks or listings
  mend    the next login of each owner mends it" \
    "drift below: whose, what, and who mends it"
policy <<< $'[cache]\nrepair = off'
run status
like "$out" 'chgrp -R hf-users DIR' "repair = off: what to type"
rm "$POLICY"

exits 1 "JSON" status --json
valid "status --json" status
asked '.caches[0] | [.path, .group, .gid, .healthy, .state]' \
    '["/srv/huggingface","hf-users",900,false,"usable"]' "JSON: the cache"
asked '.caches[0].drifts[0] | [.path, .uid, .owner, .drift]' \
    '["hub/models--a--b",3002,"bob",["group","setgid"]]' "JSON: a drift"
asked '.caches[0].drifts[1].owner' null "JSON: an owner without a name"
asked '.caches[0].gate[0].mode' 2750 "JSON: a mode is octal text"
asked '.caches[0].taken' 1700000000 "JSON: when"

exits 1 "Prometheus" status --prometheus
like "$out" '# TYPE hfcache_healthy gauge
hfcache_healthy\{path="/srv/huggingface",group="hf-users"\} 0
' "Prometheus: healthy"
like "$out" '
hfcache_state\{path="/srv/huggingface",group="hf-users",state="usable"\} 1
' "Prometheus: state"
like "$out" '
hfcache_drifts\{path="/srv/huggingface",group="hf-users"\} 2
' "Prometheus: drifts"
if command -v promtool > /dev/null; then
    ok "Prometheus: promtool takes it" promtool check metrics <<< "$out"
else
    is "$(grep -cvE '^# (HELP|TYPE) [a-z_]+ .+|^[a-z_]+\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\} [0-9.e+-]+$' \
        <<< "$out")" 0 "Prometheus: each line is of the format"
fi

drifts=$'drift=3002 3 hub/models--%1b[31m%0aevil%ff\n'
seen
run status
like "$out" 'bob          hub/models--\\x1b\[31m\\x0aevil' \
    "a name that would command the terminal is made harmless"
exits 1 "a name that is not UTF-8" status --json
asked '.caches[0].drifts[0].path_b64' aHViL21vZGVscy0tG1szMW0KZXZpbP8= \
    "a name that is not UTF-8: base64 in JSON"
drifts=''

hub='0 40770 3002 3002 0'
seen
exits 1 "a hub that has drifted" status
like "$out" 'closed to the group' "a closed hub: why"
like "$out" 'hub +bob:bob +drwxrwx--- 0770  default ACL none  <- ' \
    "a closed hub: whose, and how it is"
like "$out" '  mend    sudo hfcache setup' "a closed hub: what to type"
unlike "$out" '  below' "a closed hub: nothing is said of what is below"
hub='0 40770 0 900 1'
seen
exits 1 "a hub without setgid" status
like "$out" '  state   usable, with drift' "a hub without setgid: drift"

way=2 at=/srv/huggingface
seen
exits 1 "a cache that is gone" status
like "$out" '  state   absent' "a cache that is gone: absent"
way=0 at=''
hub='0 42770 0 900 1'
seen
chmod 666 "$GATE"
exits 1 "a verdict that anybody can write" status
like "$out" "unknown" "a verdict that anybody can write: not believed"
like "$out" "$GATE" "and named"
unseen

policy <<< $'[cache]\ngroup = nosuch'
exits 1 "a group that there is not" status
like "$out" 'no group "nosuch"' "an absent group: named"
like "$out" 'mend    sudo hfcache setup' "an absent group: what to type"
policy <<< $'[cache]\nverify = off'
exits 0 "verify = off" status
like "$out" 'unverified' "verify = off: said"
policy <<END
[cache]
path = $CACHE
[cache a]
path = $CACHE
users = bob
[cache b]
path = /data/vision
group = vision
users = bob
END
seen
run status
is "$(grep -c '^/' <<< "$out")" 2 "a cache of two sections is shown once"

policy <<END
[cache]
path = $CACHE
[cache far]
path = /data/far
group = vision
hosts = not-$(uname -n) *.nowhere.invalid
END
exits 0 "a cache of other machines" status
unlike "$out" /data/far "a cache of other machines is not shown"
policy <<< $'[cache]\nhosts = nowhere.invalid'
exits 0 "no cache here" status
is "$out" "no cache of the policy is for this machine" "no cache here: said"

if command -v strace > /dev/null && strace -o /mnt/trace true 2> /dev/null; then
    ASAN_OPTIONS=detect_leaks=0 strace -f -o /mnt/trace "$HFCACHE" status > /dev/null
    is "$(grep -vE '^[0-9]+ +(read|write)\(' /mnt/trace |
        grep -c /srv/huggingface)" 0 \
        "no system call names the cache"
    is "$(grep -c 'execve\|clone\|fork' /mnt/trace)" 1 "nothing is started"
else
    skip "no strace here" "no system call names the cache"
fi
done_testing
