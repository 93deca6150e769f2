#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The harness itself: what happens in the private namespace stays there, also
# when it is killed, and the programs in it find a machine that works.

. "$(dirname "$(readlink -f "$0")")/../lib.sh"
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" -eq 0 ] || skip_all "needs root, for a mount namespace"

fingerprint() {
    stat -c '%n %i %Y %Z' /etc /etc/group /etc/passwd /etc/pam.d /usr/sbin \
        /usr/local/bin /var/lib /home /srv /run/hfcache /etc/security \
        /var/lib/dpkg/status /var/cache/debconf/config.dat 2>&1
    mount | sort
}

# becomes COMMAND...: true within ten seconds.
becomes() {
    for _ in {1..100}; do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

gone() { # SCRATCH
    becomes test ! -e "$1"
}

naps() { # NUMBER
    [ "$(pgrep -cx -f "$nap")" -eq "$1" ]
}

before=$(fingerprint)

is "$("$here/ns" bash -c 'echo in; exit 3'; echo "rc $?")" $'in\nrc 3' \
    "output and exit status come out"
ok "edits of everything that tests edit" "$here/ns" bash -ec '
    useradd -m guest
    echo x >> /etc/pam.d/sshd
    mkdir -p /etc/security/hfcache.conf.d /run/hfcache /var/lib/hfcache
    for file in /var/lib/dpkg/status /var/cache/debconf/config.dat; do
        [ ! -e "$file" ] || echo >> "$file"
    done
    touch /usr/sbin/hfcache-harness /srv/x /home/x /root/x /tmp/x
    touch /var/log/x /var/mail/x /var/tmp/x'
is "$(fingerprint)" "$before" "the machine is as it was"
scratch=$("$here/ns" bash -c 'echo "$NS"')
like "$scratch" '^/var/tmp/hfcache-ns' "a scratch folder"
ok "it is gone" gone "$scratch"
nok "the source tree is read-only" "$here/ns" bash -c 'touch "$SRC/x" 2>&-'
ok "the build folder is not" "$here/ns" \
    bash -c 'touch "$BUILD/harness" && rm "$BUILD/harness"'
is "$("$here/ns" bash -c '(setsid sleep 0.1 & echo $! > /tmp/orphan)
    for _ in {1..100}; do
        [ -e "/proc/$(cat /tmp/orphan)" ] || break
        sleep 0.1
    done
    ps ax -o stat= | grep -c Z')" 0 "orphans are reaped"
is "$("$here/ns" bash -c 'logger -p authpriv.err -t t hello
    for _ in {1..100}; do
        [ ! -s /var/log/auth.log ] || break
        sleep 0.1
    done
    cat /var/log/auth.log')" "authpriv.err t: hello" "the log is kept"
disk=$(mktemp -d)
scratch=$(NS_DISK=$disk "$here/ns" bash -c 'touch /srv/x /var/tmp/x; echo "$NS"')
like "$scratch" "^$disk/hfcache-ns" "NS_DISK: a scratch folder on another disk"
gone "$scratch"
is "$(ls -A "$disk")" "" "NS_DISK: nothing is left on it"
rmdir "$disk"
ok "ACLs work on /srv" "$here/ns" setfacl -d -m u::rwx,g::rwx,o::--- /srv

name=$(mktemp)
nap="sleep 77.$$"
"$here/ns" bash -c 'echo "$NS"; $1 & $1' - "$nap" > "$name" &
victim=$!
ok "a run with children" becomes naps 2
scratch=$(cat "$name")
rm "$name"
kill -KILL "$victim"
wait "$victim" 2> /dev/null
ok "killed: its processes are gone" becomes naps 0
ok "killed: scratch folder gone" gone "$scratch"
is "$(fingerprint)" "$before" "killed: the machine is as it was"
done_testing
