# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests of the commands share: a world of their own, made of mounts
# that nobody else sees, with users, PAM files, and a verdict on a cache that
# is not even there. Needs no root where users may make namespaces.

set -u
CLI=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/lib.sh
. "$CLI/../lib.sh"
: "${BUILD:=$CLI/../../build}"
HFCACHE=$BUILD/hfcache
[ -x "$HFCACHE" ] || { echo "$HFCACHE is not built: make" >&2; exit 1; }
export LC_ALL=C

if [ -z "${WORLD-}" ]; then
    export BUILD WORLD=1 REAL_UID
    REAL_UID=$(id -u)
    options=--mount
    [ "$REAL_UID" -eq 0 ] || options='--user --map-root-user --mount'
    # shellcheck disable=SC2086
    unshare $options true 2> /dev/null ||
        skip_all "needs root, or the right to make namespaces"
    # shellcheck disable=SC2086
    exec unshare $options --propagation private "$(readlink -f "$0")" "$@"
fi

# --- the world --------------------------------------------------------------

MODULE=$(grep -ao '/[[:print:]]*/pam_hfcache\.so' "$HFCACHE" | head -n 1)
POLICY=/etc/security/hfcache.conf
CACHE=/srv/huggingface
GATE=/run/hfcache/f6cf77228e1adabf.gate # of $CACHE and gid 900
TREE=/run/hfcache/f6cf77228e1adabf.tree

# A disk of our own, in memory, on a folder that every machine has.
mount -t tmpfs -o mode=755 world /mnt || exit 1
cd /mnt || exit 1
mkdir pam.d security run lib srv modules
cat > passwd <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/sh
alice:x:3001:3001:Alice:/home/alice:/bin/sh
bob:x:3002:3002:Bob:/home/bob:/bin/sh
quote:x:3003:3003:Odd:/home/it's "a" $HOME!:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
END
cat > group <<'END'
root:x:0:
alice:x:3001:
bob:x:3002:
quote:x:3003:
vision:x:901:bob
hf-users:x:900:bob
END
printf 'passwd: files\ngroup: files\n' > nsswitch.conf
for file in passwd group nsswitch.conf; do
    mount --bind $file /etc/$file || exit 1
done
mount --bind pam.d /etc/pam.d
mount --bind security /etc/security
mount --bind run /run
mount --bind lib /var/lib
mount --bind srv /srv
mount --bind modules "${MODULE%/*}" || exit 1

# service NAME: standard input becomes its PAM file.
service() {
    cat > "/etc/pam.d/$1"
}

service sshd <<'END'
# PAM configuration for the Secure Shell service
@include common-auth
account    required     pam_nologin.so
session    required     pam_loginuid.so
# Standard Un*x session setup and teardown.
@include common-session
session    required     pam_limits.so
END
service common-auth <<'END'
auth	[success=1 default=ignore]	pam_unix.so nullok
auth	requisite			pam_deny.so
auth	required			pam_permit.so
END
service common-session <<'END'
# As of pam 1.0.1-6, this file is managed by pam-auth-update by default.
session	[default=1]			pam_permit.so
session	requisite			pam_deny.so
session	required			pam_permit.so
session	required	pam_unix.so
session	optional	pam_systemd.so
END
service other <<'END'
@include common-auth
@include common-session
END
: > "$MODULE"

# policy: standard input becomes the policy.
policy() {
    rm -rf "$POLICY" "$POLICY.d"
    cat > "$POLICY"
}

# What seen() writes; a test may set these before. Each is the errno, the
# mode with its type, the owner, the group, and 1 for the right default ACL.
way=0 at='' steps='' since='' root='0 42750 0 900 1' hub='0 42770 0 900 1'
locks='0 42770 0 900 1' blobs='2 0 0 0 0' drifts='' round=0

# seen [AGE_MS]: the last probe's verdict on the cache, taken that long ago.
seen() {
    local up
    read -r up _ < /proc/uptime
    mkdir -p /run/hfcache
    chmod 755 /run/hfcache
    cat > "$GATE" <<END
hfcache-verdict=1
boot=$(cat /proc/sys/kernel/random/boot_id)
path=$CACHE
gid=900
taken=$((${up%.*}${up#*.}0 - ${1:-0}))
wall=1700000000
${since:+since=$since
}way=$way
at=$at
${steps}root=$root
hub=$hub
locks=$locks
blobs=$blobs
cursor=
round=$round
${drifts}more=0
end=
END
    chmod 644 "$GATE"
}

# unseen: no verdict.
unseen() {
    rm -f "$GATE"
}

# What checked() writes; a test may set these before.
ended=complete entries=1234567 alarms=0 tree_drifts=0 notes=0 reused=0 \
    folders=0 given=0 oldest=0 interrupted='' named='' more=0

# checked [AGE_MS]: the last check's verdict on the whole tree, that long ago.
checked() {
    local up
    read -r up _ < /proc/uptime
    mkdir -p /run/hfcache
    chmod 755 /run/hfcache
    cat > "$TREE" <<END
hfcache-tree=1
boot=$(cat /proc/sys/kernel/random/boot_id)
path=$CACHE
gid=900
taken=$((${up%.*}${up#*.}0 - ${1:-0}))
wall=1700000000
ended=$ended
entries=$entries
alarms=$alarms
drifts=$tree_drifts
notes=$notes
reused=$reused
folders=$folders
given=$given
oldest=$oldest
${interrupted:+interrupted=$interrupted
}${named}more=$more
end=
END
    chown 0:900 "$TREE" 2> /dev/null # without root there is no such group
    chmod 640 "$TREE"
}

# unchecked: no check since the machine started.
unchecked() {
    rm -f "$TREE"
}

# --- running it -------------------------------------------------------------

# run ARG...: hfcache with these; sets $out, $err and $rc.
run() {
    rc=0
    out=$("$HFCACHE" "$@" 2> /mnt/err) || rc=$?
    err=$(cat /mnt/err)
}

# exits RC NAME ARG...: run, and check the exit code.
exits() {
    local wanted=$1 name=$2
    shift 2
    run "$@"
    is "$rc" "$wanted" "$name: exit $wanted" || diag "$out" "$err"
}

# only_reads ARG...: with these hfcache makes no call on the cache, and starts
# nothing.
only_reads() {
    if command -v strace > /dev/null && strace -o /mnt/trace true 2> /dev/null; then
        ASAN_OPTIONS=detect_leaks=0 strace -f -o /mnt/trace "$HFCACHE" "$@" > /dev/null
        is "$(grep -vE '^[0-9]+ +(read|write)\(' /mnt/trace |
            grep -c "$CACHE")" 0 "no system call names the cache"
        is "$(grep -c 'execve\|clone\|fork' /mnt/trace)" 1 "nothing is started"
    else
        skip "no strace here" "no system call names the cache"
    fi
}

# valid NAME COMMAND: $out is one JSON document, of that command.
valid() {
    if command -v jq > /dev/null; then
        is "$(jq -r '"\(.version) \(.command)"' <<< "$out")" "1 $2" \
            "$1: JSON, version 1"
    else
        skip "no jq here" "$1: JSON, version 1"
    fi
}

# asked FILTER WANTED NAME: what jq makes of $out.
asked() {
    if command -v jq > /dev/null; then
        is "$(jq -cr "$1" <<< "$out")" "$2" "$3"
    else
        skip "no jq here" "$3"
    fi
}
