#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache status: what the last verdicts say; the cache is not touched.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# exposes NAME: $out is of the text format as strictly as scrapers may take it:
# each metric described once and before its samples, which stand together; no
# sample twice; names, labels and their escapes, numbers as the format says.
exposes() {
    is "$(awk '
        function wrong(what) { print NR ": " what ": " $0 }
        BEGIN { label = "[a-z_]+=\"([^\"\\\\]|\\\\[\\\\\"n])*\"" }
        $1 == "#" && ($2 == "HELP" || $2 == "TYPE") {
            if ($3 !~ /^hfcache_[a-z_]+$/ || NF < 4) wrong("description")
            if (described[$2, $3]++) wrong("described twice")
            if (sampled[$3]) wrong("described behind its samples")
            if ($2 == "TYPE" && $4 != "gauge") wrong("type")
            if ($2 == "TYPE") current = $3
            next
        }
        {
            if ($0 !~ "^[a-z_]+[{]" label "(," label \
                ")*[}] -?[0-9]+([.][0-9]+)?(e[+-][0-9]+)?$") wrong("sample")
            name = $0; sub(/[{].*/, "", name)
            series = $0; sub(/ [^ ]*$/, "", series)
            if (!described["HELP", name] || !described["TYPE", name] ||
                name != current) wrong("not described, or not there")
            if (seen[series]++) wrong("twice")
            sampled[name] = 1
        }' <<< "$out")" "" "$1: of the text format"
    ! command -v promtool > /dev/null ||
        ok "$1: promtool takes it" promtool check metrics <<< "$out"
}

# Ages are what they are.
still() {
    sed -E 's/[0-9]+ (ms|s|min) ago/N \1 ago/' <<< "$1"
}

exits 1 "no verdict" status
is "$out" "/srv/huggingface  group hf-users  [cache], built-in default
  state   unknown
          nobody has looked at the cache since this machine started or setup changed it
  tree    never checked; sudo hfcache check
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
  below   0 repositories or lock folders to mend; last all around N min ago
  tree    never checked; sudo hfcache check" \
    "a healthy cache: the facts"

since=$((1700000000 - 3 * 3600 - 60))
seen 5000
run status
like "$(still "$out")" '
  state   usable for 3 h 1 min at least, looked at N s ago
' "a healthy cache: since when it is"
run status --json
asked '.caches[0].since' $since "JSON: since when"
hub='0 40770 3002 3002 0'
seen
run status
like "$out" '
  state   closed for 3 h 1 min at least, looked' "a closed cache: since when"
hub='0 42770 0 900 1' since=''

usual=$round round+=$'\nunread=5\nunread_at=hub/.locks'
seen
exits 1 "a folder that the file system does not let a look read" status
like "$out" '
          hub/.locks could not be read: Input/output error' "it is told"
run status --json
asked '.caches[0] | [.healthy, .unread]' '[false,"hub/.locks"]' "JSON: it, too"
round=$usual
seen
run status --json
asked '.caches[0].unread' null "JSON: all could be read"

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
  tree    never checked; sudo hfcache check
  mend    sudo hfcache repair --foreign mends what is root's or of users who are gone
  mend    the next login of each owner mends it; hfcache check tells why
          something stays" \
    "drift below: whose, what, and who mends it"
drifts='drift=0 3 hub/models--a--b
'
seen
run status
unlike "$out" 'the next login' "root's alone: no login mends it"
drifts='drift=3002 3 hub/models--a--b
drift=3999 32 hub/.locks/models--a--b
'
seen
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
asked '.caches[0] | has("tree"), .tree' $'true\nnull' "JSON: no check"

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
exposes "Prometheus"
is "$("$HFCACHE" status --prometheus | tail -c 1 | od -An -c | tr -d ' ')" '\n' \
    "Prometheus: the last line is ended"

drifts=$'drift=3002 3 hub/models--%1b[31m%0aevil%ff\n'
seen
run status
like "$out" 'bob          hub/models--\\x1b\[31m\\x0aevil' \
    "a name that would command the terminal is made harmless"
exits 1 "a name that is not UTF-8" status --json
asked '.caches[0].drifts[0].path_b64' aHViL21vZGVscy0tG1szMW0KZXZpbP8= \
    "a name that is not UTF-8: base64 in JSON"
drifts=''

# --- what the last check found ----------------------------------------------

seen
checked 5000
exits 0 "a check that found nothing" status
like "$(still "$out")" '
  tree    checked N s ago: 1,234,567 entries, 0 alarms, 0 drifts$' \
    "a check that found nothing: said in one line"
entries=1 notes=1 ended=interrupted
checked 5000
exits 0 "an interrupted check that found nothing" status
like "$(still "$out")" '
  tree    checked N s ago, interrupted: 1 entry, 0 alarms, 0 drifts, 1 note$' \
    "an interrupted check: said"

ended=complete interrupted=$(($(date +%s) - 60))
checked 3600000
exits 0 "a whole check, and one interrupted since" status
like "$(still "$out")" '
  tree    checked N min ago: 1 entry, 0 alarms, 0 drifts, 1 note
          a check was interrupted N [a-z]+ ago; what it found is added$' \
    "a check interrupted since: both said"
run status --json
asked ".caches[0].tree | [.complete, .interrupted == $interrupted]" '[true,true]' \
    "JSON: both"
run status --prometheus
like "$out" '
hfcache_tree_complete\{.*\} 0
' "Prometheus: not complete"

interrupted=''
entries=1234567 alarms=2 tree_drifts=5 notes=1234 folders=3 ended=complete
reused=1000000 oldest=$(($(date +%s) - 7 * 86400)) given=2 more=7
named='drift=3002 3 hub/models--a--b
drift=3002 4100 hub/models--c--d
'
checked 5000
exits 1 "a check that found drift" status
is "$(still "$(sed -n '/^  tree/,$p' <<< "$out")")" \
"  tree    checked N s ago: 1,234,567 entries, 2 alarms, 5 drifts in 3 repositories, 1,234 notes
          1,000,000 of them unchanged since earlier checks, the oldest 7 days ago
          bob          hub/models--a--b  wrong group, setgid lost
          bob          hub/models--c--d  bits missing, closed by its owner
          ... and 7 more (--json names 2)
          2 repositories given to their owners' logins since; the next check tells what is left
  look    sudo hfcache check tells what the alarms are
  open    what its owner closed only he opens:
          chgrp -R hf-users DIR && chmod -R g+rwX DIR
  mend    the next login of each owner mends it; hfcache check tells why
          something stays" \
    "a check that found drift: what, whose, what since, who mends it"
echo 'hf users:x:900:' >> group
policy <<< $'[cache]\ngroup = hf users'
run status
like "$out" "chgrp -R 'hf users' DIR &&" "a group with a blank: as a shell takes it"
rm "$POLICY"
exits 1 "JSON of a check" status --json
valid "status --json of a check" status
asked '.caches[0] | [.healthy, .state, .drift]' '[false,"usable",false]' \
    "JSON: unhealthy by the check alone"
asked '.caches[0].tree | [.error, .taken, .complete, .entries, .alarms,
    .drifts, .notes, .reused, .folders, .given, .more_named]' \
    '[null,1700000000,true,1234567,2,5,1234,1000000,3,2,7]' "JSON: the counts"
asked ".caches[0].tree | .oldest == $oldest, .age_ms >= 5000" \
    $'true\ntrue' "JSON: when"
asked '.caches[0].tree.named[1] | [.path, .uid, .owner, .drift]' \
    '["hub/models--c--d",3002,"bob",["closed","kept"]]' "JSON: who has drift"
exits 1 "Prometheus of a check" status --prometheus
labels="path=\"$CACHE\",group=\"hf-users\""
like "$out" "
hfcache_healthy\{$labels\} 0
" "Prometheus: unhealthy by the check alone"
like "$out" "
# TYPE hfcache_tree_age_seconds gauge
hfcache_tree_age_seconds\{$labels\} [0-9.]+
" "Prometheus: its age"
like "$out" "
hfcache_tree_entries\{$labels\} 1234567
" "Prometheus: entries, to the last digit"
like "$out" "
# TYPE hfcache_tree_findings gauge
hfcache_tree_findings\{$labels,severity=\"alarm\"\} 2
hfcache_tree_findings\{$labels,severity=\"drift\"\} 5
hfcache_tree_findings\{$labels,severity=\"note\"\} 1234$" "Prometheus: findings by severity"
exposes "Prometheus of a check"

tree_drifts=0 folders=0 named='' more=0 given=0 reused=0 oldest=0
checked
exits 1 "a check that found alarms alone" status
alarms=0 tree_drifts=1
checked
exits 1 "a check that found a drift alone" status
like "$out" '0 alarms, 1 drift, 1,234 notes
  look    sudo hfcache check tells what the drift is$' "which no login sees"
named=$'drift=0 3 hub/models--a--b\n'
checked
exits 1 "a check that found drift of root's" status
like "$out" "root         hub/models--a--b  wrong group, setgid lost
  mend    sudo hfcache repair --foreign mends what is root's" "which no login mends"
named=''
checked
policy <<< $'[cache]\nverify = off'
exits 1 "verify = off, and a check that found drift" status
tree_drifts=0
checked
exits 0 "verify = off, and a check that found none" status
rm "$POLICY"

tree_drifts=1
checked
if [ "$REAL_UID" -eq 0 ]; then
    cp "$HFCACHE" /mnt/hfcache
    out=$(setpriv --reuid 3001 --regid 3001 --clear-groups /mnt/hfcache status)
    is "$?" 0 "who may not read the check's verdict: exit 0"
    like "$out" '
  tree    what the last check found is for root and members of hf-users to read$' \
        "and is told so"
    out=$(setpriv --reuid 3001 --regid 3001 --clear-groups /mnt/hfcache status \
        --json)
    asked '.caches[0].tree.error' 'for root and members to read' \
        "JSON: and is told so"
    out=$(setpriv --reuid 3001 --regid 3001 --clear-groups /mnt/hfcache explain)
    like "$out" '
  what the last check found is for root and members of hf-users to read
' "explain: and is told so"
    out=$(setpriv --reuid 3002 --regid 3002 --groups 900 /mnt/hfcache status)
    is "$?" 1 "a member may read it: exit 1"
    like "$out" '0 alarms, 1 drift' "a member may read it"
else
    skip "needs root to be somebody else" "who may not read the check's verdict"
fi

chmod 666 "$TREE"
exits 0 "a check's verdict that anybody can write" status
like "$out" "
  tree    not believed: $TREE: others than its owner can write it" \
    "a check's verdict that anybody can write: not believed, and named"
exits 0 "JSON of it" status --json
asked '.caches[0].tree | [(.error | length > 0), .drifts]' '[true,null]' \
    "JSON: not believed"
checked
sed -i 's/^boot=......../boot=00000000/' "$TREE"
exits 0 "a check's verdict of another boot" status
like "$out" '  tree    never checked; sudo hfcache check' \
    "a check's verdict of another boot is none"
unchecked

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
run status --prometheus
is "$(grep -c '^hfcache_state{' <<< "$out")" 2 "and is measured once"
exposes "Prometheus of two caches"
policy <<'END'
[cache]
path = /srv/a "quoted" back\slash
END
run status --prometheus
like "$out" 'path="/srv/a \\"quoted\\" back\\\\slash"' \
    "Prometheus: what a label may not hold is escaped"
exposes "Prometheus of an odd path"

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

rm "$POLICY"
only_reads status
done_testing
