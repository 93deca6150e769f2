#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The units as systemd runs them: the daily check in its sandbox, its timer, the
# folders made at boot, the examples; and what a package's removal leaves.

# shellcheck source=tests/machine/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

UNIT=hfcache-check.service
EXAMPLES=/usr/share/doc/libpam-hfcache/examples
ready alice bob

# check: runs the service; RC is what its program returned, which systemd tells
# as long as something refers to the unit: its timer.
check() {
    mark_log
    systemctl start $UNIT
    local rc=$?
    RC=$(systemctl show -P ExecMainStatus $UNIT)
    return $rc
}

systemctl start hfcache-check.timer

# --- the check ------------------------------------------------------------------

is "$(systemd-analyze verify --man=no $UNIT hfcache-check.timer 2>&1)" "" \
    "systemd-analyze verify finds nothing"
like "$(systemd-analyze security --no-pager $UNIT | tail -n 1)" ': [01]\.[0-9] OK' \
    "systemd-analyze security: below 2"
ok "a check of an empty cache" check
is "$RC" 0 "exits 0"
is "$(stat -c '%a %U:%G' /run/hfcache /run/hfcache/*.tree /var/lib/hfcache)" \
    "755 root:root
640 root:hf-users
755 root:root" "what it leaves is whose it should be"
by_ssh alice "umask 022; mkdir -p $CACHE/hub/models--o--closed/blobs &&
    cd $CACHE/hub/models--o--closed && chmod 700 . && echo x > blobs/x &&
    chgrp alice blobs blobs/x && chmod g-s blobs"
by_ssh bob "mkdir -p ~/m/blobs && echo x > ~/m/blobs/x && chmod 644 ~/m/blobs/x &&
    mv ~/m $CACHE/hub/models--o--moved"
ok "with drift in it the service succeeds, too" check
is "$RC" 1 "exits 1"
tree=$(cat /run/hfcache/*.tree)
like "$tree" 'models--o--moved' "what drifted is recorded"
like "$(journal_since -u $UNIT)" 'models--o--moved' "and told in the journal"
unlike "$(journal_since -u $UNIT)" 'not permitted|denied' "nothing was refused it"
like "$(hfcache status)" 'checked .*ago' "status tells of it"
by_ssh bob true
repaired() {
    [ "$(stat -c %A:%G "$CACHE/hub/models--o--moved/blobs")" = drwxrws---:hf-users ] ||
    [ "$(stat -c %A:%G "$CACHE/hub/models--o--moved/blobs")" = drwxrwsr-x:hf-users ]
}
ok "the owner's next login mends it" wait_for 10 repaired ||
    ls -lR "$CACHE/hub" >&2
ok "the service again" check
unlike "$(cat /run/hfcache/*.tree)" 'models--o--moved' "and nothing is told of it"
chmod 700 /home/alice # as PrivateUsers and the like would find it
printf '[cache]\nnonsense = 1\n' | policy
nok "with a wrong policy the service fails" check
is "$RC" 2 "exits 2"
systemctl reset-failed $UNIT
patient_policy

# It really is in a sandbox: what its unit lets nothing do.
in_sandbox() { # COMMAND
    mkdir -p "/run/systemd/system/$UNIT.d"
    printf '[Service]\nExecStart=\nExecStart=/bin/sh -c %s\n' "'$1 || exit 3'" \
        > "/run/systemd/system/$UNIT.d/try.conf"
    systemctl daemon-reload
    check 2> /dev/null
}
ok "in it a program runs" in_sandbox "test -d $CACHE/hub"
nok "in it nothing can be made in the cache" in_sandbox "touch $CACHE/hub/x"
nok "nor changed" in_sandbox "chmod 2775 $CACHE/hub"
nok "nor a file be made in /etc" in_sandbox "touch /etc/x"
nok "no socket of the network" in_sandbox \
    "python3 -c \"import socket; socket.socket()\""
is "$RC" 3 "by its own word"
is "$(stat -c %a "$CACHE/hub")" 2770 "and nothing is changed"
rm -r "/run/systemd/system/$UNIT.d"
systemctl daemon-reload
systemctl reset-failed $UNIT

# A cache below /home, one on a mount that comes later.
mkdir -p /home/shared
printf '[cache]\npath = /home/shared/hf\n' | policy
quietly hfcache setup
ok "a cache below /home" check
is "$RC" 0 "is seen"
patient_policy

# --- the timer ------------------------------------------------------------------

ok "the timer is enabled" systemctl --quiet enable --now hfcache-check.timer
like "$(systemctl list-timers --no-legend hfcache-check.timer)" hfcache-check.service \
    "and waits"
rm -f /run/hfcache/*.tree
mkdir -p /run/systemd/system/hfcache-check.timer.d
printf '[Timer]\nOnCalendar=\nOnActiveSec=2s\nRandomizedDelaySec=0\n' \
    > /run/systemd/system/hfcache-check.timer.d/soon.conf
systemctl daemon-reload
systemctl restart hfcache-check.timer
ok "it starts the service" quietly wait_for 60 \
    compgen -G '/run/hfcache/*.tree'
rm -r /run/systemd/system/hfcache-check.timer.d
systemctl daemon-reload
systemctl --quiet disable --now hfcache-check.timer

# --- tmpfiles, sysusers, examples -------------------------------------------------

rm -rf /run/hfcache
ok "tmpfiles.d" systemd-tmpfiles --create hfcache.conf
is "$(stat -c '%a %U:%G' /run/hfcache)" "755 root:root" "makes the folder"
systemd-tmpfiles --clean
ok "--clean lets it be" test -d /run/hfcache
sed 's/hf-users/hf-others/' $EXAMPLES/hf-users.conf > "$WORK/hf-others.conf"
ok "the example for sysusers.d is put where it says" bash -c "cd $WORK &&
    $(sed -n 's/^# *\(install .*\)/\1/p' "$WORK/hf-others.conf")"
ok "the example for sysusers.d" quietly systemd-sysusers hf-others.conf
is "$(getent group hf-others | cut -d: -f3)" 870 "makes the group"
groupdel hf-others
rm /etc/sysusers.d/hf-others.conf

cp $EXAMPLES/hfcache-metrics.{service,timer} /etc/systemd/system/
mkdir -p /var/lib/prometheus/node-exporter
systemctl daemon-reload
is "$(systemd-analyze verify --man=no hfcache-metrics.service 2>&1)" "" \
    "the example for Prometheus: verify finds nothing"
by_ssh alice true
PROM=/var/lib/prometheus/node-exporter/hfcache.prom
ok "it runs" systemctl start hfcache-metrics.service
like "$(cat $PROM)" 'hfcache_healthy' "and writes"
printf '[cache]\nnonsense = 1\n' | policy
nok "with a wrong policy it fails" systemctl start hfcache-metrics.service
nok "and there is no file" test -e $PROM
patient_policy
systemctl reset-failed hfcache-metrics.service
rm /etc/systemd/system/hfcache-metrics.*
systemctl daemon-reload
is "$(systemctl --failed --no-legend --plain)" "" "no unit failed"
is "$(refused)" "" "the kernel refused nothing"
done_testing
