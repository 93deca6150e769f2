#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The policies in conf/examples: a login takes each, and gets what the table in
# it tells; and the timer that writes metrics for Prometheus does what it says.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

EXAMPLES=$(cd "$CLI/../../conf/examples" && pwd -P)
cat >> passwd <<'END'
carol:x:3004:3004:Carol:/home/carol:/bin/sh
dave:x:3005:3005:Dave:/home/dave:/bin/sh
END
cat >> group <<'END'
carol:x:3004:
dave:x:3005:
speech:x:902:bob,dave
hf-vision:x:903:
hf-speech:x:904:
hf-pilot:x:905:alice,dave
no-hfcache:x:906:dave
ml-research:x:907:dave
END
sed 's/^vision:.*/vision:x:901:alice,dave/' group > edited
cat edited > group
for service in sshd cron login sudo su-l; do
    service $service <<< $'session optional pam_hfcache.so\nsession required pam_unix.so'
done
cp -R "$EXAMPLES" examples
chown -R 0:0 examples 2> /dev/null
chmod -R go-w examples

# on HOST COMMAND...: with that host name.
on() {
    # shellcheck disable=SC2016
    unshare --uts -- sh -c 'hostname "$1" && shift && exec "$@"' - "$@"
}

# What explain says, as the tables have it.
cache_of() { # FILE USER SERVICE HOST
    local told
    told=$(on "$4" "$HFCACHE" --conf "$1" explain "$2" --service "$3") || {
        echo none
        return
    }
    sed -nE '/^Cache$/{n; s/^  (\/[^:]*): .*/\1/p}' <<< "$told"
}

tables=0
for file in examples/*.conf; do
    name=${file#*/}
    exits 0 "$name: a login would take it" --conf "/mnt/$file" policy
    is "$err" "" "$name: nothing to complain of"
    exits 0 "$name: --json" --conf "/mnt/$file" policy --json
    valid "$name" policy
    rows=0
    while read -r _ user service host cache; do
        rows=$((rows + 1))
        is "$(cache_of "/mnt/$file" "$user" "$service" "$host")" "$cache" \
            "$name: $user by $service on $host: $cache"
    done < <(sed -n '/^#   USER /,/^$/p' "$file" | sed -n '2,/^$/p' | grep .)
    ok "$name: has a table" [ "$rows" -ge 2 ]
    tables=$((tables + 1))
done
ok "there are examples" [ "$tables" -ge 5 ]

# The stages of the roll-out, as its text tells them.
stage() { # LINE...
    cp examples/rollout.conf stage.conf
    local line
    for line in "$@"; do
        grep -qF "$line" examples/rollout.conf || echo "not told of: $line"
        sed -i "s/^${line%% *} = .*/$line/" stage.conf
    done
}
stage 'hosts = gpu*'
is "$(cache_of /mnt/stage.conf alice sshd gpu03)" /srv/huggingface \
    "rollout.conf, stage 2: all GPU machines"
is "$(cache_of /mnt/stage.conf bob sshd gpu03)" none "stage 2: the pilots alone"
stage 'hosts = gpu*' 'users = *, !@no-hfcache'
is "$(cache_of /mnt/stage.conf bob sshd gpu03)" /srv/huggingface \
    "rollout.conf, stage 3: everybody"
is "$(cache_of /mnt/stage.conf dave sshd gpu03)" none "stage 3: but who opted out"
stage 'hosts = *' 'users = *, !@no-hfcache'
is "$(cache_of /mnt/stage.conf bob sshd web1)" /srv/huggingface \
    "rollout.conf, stage 4: everywhere"

# Drop-ins: a later file's key, and its place.
run --conf /mnt/examples/fleet.conf policy
like "$out" 'hosts +gpu\* +/mnt/examples/fleet.conf.d/50-gpu.conf:3' \
    "fleet.conf: the later drop-in wins, and is named"
rm examples/fleet.conf.d/50-gpu.conf
is "$(cache_of /mnt/examples/fleet.conf alice sshd gpu01)" none \
    "fleet.conf: no machine that no role names"
printf '[cache]\nhosts = gpu*\nhost = x\n' > examples/fleet.conf.d/50-gpu.conf
exits 2 "fleet.conf with a mistake in a drop-in" \
    --conf /mnt/examples/fleet.conf policy --json
is "$out" "" "a pipeline gets no document"
like "$err" '^hfcache: /mnt/examples/fleet.conf.d/50-gpu.conf:3: ' "but the place"

# --- metrics ----------------------------------------------------------------

mkdir bin metrics
cp "$HFCACHE" bin/hfcache
export FILE=/mnt/metrics/hfcache.prom
unit=$(sed -n "s|@bindir@|/mnt/bin|; s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" \
    examples/hfcache-metrics.service | sed 's/\$\$/$/g')
job=$(sed -n 's|@bindir@|/mnt/bin|; s/^\* \* \* \* \* root //p' \
    examples/hfcache-metrics.cron)
is "$job" "${unit/--prometheus/--prometheus 2> \/dev\/null}" \
    "timer and cron job do the same"
unlike "$job" % "no percent sign, which ends a cron job's command"
seen
for drifts in '' $'drift=3002 1 hub/models--a--b\n'; do
    seen
    old=$(stat -c %i "$FILE" 2> /dev/null)
    ok "metrics: healthy or not, exit 0" sh -c "$unit"
    isnt "$(stat -c %i "$FILE")" "$old" "metrics: a new file takes the old one's place"
    is "$(ls metrics)" hfcache.prom "metrics: nothing is left beside it"
done
like "$(cat "$FILE")" 'hfcache_healthy\{.*\} 0' "metrics: what status tells"
policy <<< $'[cache]\ncolour = blue'
nok "metrics: a refused policy is a failure" sh -c "$unit 2> /dev/null"
is "$(ls metrics)" "" "metrics: and there is no file that could be believed"
if command -v systemd-analyze > /dev/null; then
    sed -i 's|@bindir@/hfcache|/bin/true|' examples/hfcache-metrics.service
    is "$(systemd-analyze verify --man=no /mnt/examples/hfcache-metrics.service \
        /mnt/examples/hfcache-metrics.timer 2>&1)" "" "systemd understands both"
else
    skip "systemd-analyze is not installed" "systemd understands both"
fi
done_testing
