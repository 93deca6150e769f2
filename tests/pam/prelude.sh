# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Functions for the commands of PAM scripts.

# The verdicts' file names of /srv/huggingface and gid 900.
GATE=/run/hfcache/f6cf77228e1adabf.gate
TREE=/run/hfcache/f6cf77228e1adabf.tree

# What verdict() writes; a script may set these before. Each is the errno, the
# mode with its type, the owner, the group, and 1 for the right default ACL.
way=0 at='' root='0 42750 0 900 1' hub='0 42770 0 900 1'
locks='0 42770 0 900 1' blobs='0 42770 0 900 1' drifts=''
boot=$(cat /proc/sys/kernel/random/boot_id)

# now_ms: milliseconds since boot, not later than now.
now_ms() {
    read -r uptime _ < /proc/uptime
    echo "${uptime%.*}${uptime#*.}0"
}

# verdict [AGE_MS]: the last probe's verdict on the cache, taken that long ago.
verdict() {
    mkdir -p /run/hfcache
    chmod 755 /run/hfcache
    cat > "$GATE" <<END
hfcache-verdict=1
boot=$boot
path=/srv/huggingface
gid=900
taken=$(($(now_ms) - ${1:-0}))
wall=1700000000
way=$way
at=$at
root=$root
hub=$hub
locks=$locks
blobs=$blobs
cursor=
round=0
${drifts}more=0
end=
END
    chmod 644 "$GATE"
}

# tree DRIFTS [AGE_MS]: the last check's verdict, which names these, a line each
# as in the file: "drift=OWNER BITS NAME".
tree() {
    mkdir -p /run/hfcache
    chmod 755 /run/hfcache
    cat > "$TREE" <<END
hfcache-tree=1
boot=$boot
path=/srv/huggingface
gid=900
taken=$(($(now_ms) - ${2:-0}))
wall=1700000000
ended=complete
entries=1000
alarms=0
drifts=5
notes=0
reused=0
folders=3
given=0
oldest=0
$1
more=0
end=
END
    chgrp hf-users "$TREE" 2> /dev/null || :
    chmod 640 "$TREE"
}

# cache: a healthy cache at /srv/huggingface.
cache() {
    mkdir -p /srv/huggingface/hub/.locks /srv/huggingface/hub/blobs
    chgrp -R hf-users /srv/huggingface
    chmod -R 2770 /srv/huggingface
    chmod 2750 /srv/huggingface
}

# held_helper: a helper that has not done before let_go, or in ten seconds.
held_helper() {
    cat > /usr/local/libexec/hfcache-probe <<'END'
#!/bin/sh
for _ in $(seq 200); do
    [ ! -e /run/let-go ] || break
    sleep 0.05
done
echo done > /run/done
END
}

let_go() {
    : > /run/let-go
}
