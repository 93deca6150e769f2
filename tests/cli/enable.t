#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache enable and disable: the right lines in the right files, and every
# other byte, owner, mode and attribute as it was.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

PAM=/etc/pam.d/sshd
COPY=/var/lib/hfcache/pam.d/sshd
cp -a $PAM /mnt/sshd.before

# --- dry run ----------------------------------------------------------------

exits 0 "dry run" enable --auth --dry-run sshd
is "$out" "would change /etc/pam.d/sshd
      1  # PAM configuration for the Secure Shell service
  +   2  -auth optional pam_hfcache.so
      3  @include common-auth
    ...
      6  # Standard Un*x session setup and teardown.
  +   7  -session optional pam_hfcache.so
      8  @include common-session" "dry run: the lines between their neighbours"
ok "dry run: nothing changed" cmp $PAM /mnt/sshd.before
nok "dry run: no copy" test -e /var/lib/hfcache

# --- enable -----------------------------------------------------------------

gid=0
[ "$REAL_UID" -ne 0 ] || gid=900
chgrp $gid $PAM
chmod 640 $PAM
inode=$(stat -c %i $PAM)
setfattr -n user.note -v kept $PAM 2> /dev/null ||
    setfattr -n trusted.note -v kept $PAM 2> /dev/null
attributes=$(getfattr -d -m - $PAM 2> /dev/null | tail -n +2)
exits 0 "enable" enable sshd
like "$out" '^changed /etc/pam.d/sshd
.*  hfcache explain USER --service sshd
.*hfcache disable sshd undoes it\.$' "enable: what was done, what comes next"
is "$(diff /mnt/sshd.before $PAM)" "5a6
> -session optional pam_hfcache.so" "enable: one line, where it belongs"
is "$(stat -c '%a %u %g' $PAM)" "640 0 $gid" "enable: owner and mode kept"
is "$(getfattr -d -m - $PAM 2> /dev/null | tail -n +2)" "$attributes" \
    "enable: attributes kept"
isnt "$(stat -c %i $PAM)" "$inode" "enable: replaced, not written into"
ok "enable: the file as it was is kept" cmp $COPY /mnt/sshd.before
is "$(ls -A /etc/pam.d)" "$(printf '%s\n' common-auth common-session other \
    sshd)" "enable: nothing left beside it"

inode=$(stat -c %i $PAM)
exits 0 "enable again" enable sshd
is "$out" "/etc/pam.d/sshd: nothing to do, the module is in it" \
    "enable again: says so"
is "$(stat -c %i $PAM)" "$inode" "enable again: not touched"
exits 0 "enable --auth later" enable --auth sshd
is "$(diff /mnt/sshd.before $PAM)" "1a2
> -auth optional pam_hfcache.so
5a7
> -session optional pam_hfcache.so" "enable --auth later: the other line, too"
ok "enable --auth later: the copy is still the oldest" \
    cmp $COPY /mnt/sshd.before

# --- disable ----------------------------------------------------------------

exits 0 "disable, dry run" disable --dry-run sshd
like "$out" '^would change /etc/pam.d/sshd
.*  -   2  -auth optional pam_hfcache.so
' "disable, dry run: the lines"
isnt "$(cat $PAM)" "$(cat /mnt/sshd.before)" "disable, dry run: still there"
exits 0 "disable" disable sshd
ok "disable: byte for byte as it was" cmp $PAM /mnt/sshd.before
is "$(stat -c '%a %u %g' $PAM)" "640 0 $gid" "disable: owner and mode kept"
nok "disable: no copy, no folder left" test -e /var/lib/hfcache
exits 0 "disable again" disable sshd
is "$out" "/etc/pam.d/sshd: nothing to do, it has no line of ours" \
    "disable again: says so"

printf 'session required pam_unix.so' > /etc/pam.d/ragged
cp /etc/pam.d/ragged /mnt/ragged
"$HFCACHE" enable ragged > /dev/null
is "$(cat /etc/pam.d/ragged)" 'session required pam_unix.so
-session optional pam_hfcache.so' "a file without a last newline gets one"
"$HFCACHE" disable ragged > /dev/null
ok "and loses it again" cmp /etc/pam.d/ragged /mnt/ragged

"$HFCACHE" enable sshd ragged > /dev/null
echo 'session optional pam_mail.so' >> $PAM
service foreign <<< 'session optional /lib/security/pam_hfcache.so conf=/x'
exits 0 "disable --all" disable --all
is "$(grep -lr pam_hfcache.so /etc/pam.d)" "" "disable --all: no line is left"
like "$(cat $PAM)" 'pam_mail.so' "disable --all: a later edit stays"
ok "disable --all: then the copy stays, too" cmp $COPY /mnt/sshd.before
exits 0 "disable --all again" disable --all
is "$out" "nothing to do, no file in /etc/pam.d has a line of ours" \
    "disable --all again: says so"

# --- refused ----------------------------------------------------------------

# refused EXIT NAME REGEX ARG...: and no file changes.
refused() {
    local code=$1 name=$2 regex=$3 before
    shift 3
    before=$(cat /etc/pam.d/* | cksum)
    exits "$code" "$name" "$@"
    like "$err" "^hfcache: .*$regex" "$name: why"
    is "$(cat /etc/pam.d/* | cksum)" "$before" "$name: nothing changed"
}

refused 2 "no service" 'which service' enable
refused 2 "a path" 'not its file' enable /etc/pam.d/sshd
refused 2 "a path upwards" 'not its file' enable ../shadow
refused 2 "a hidden file" 'start with a dot' enable .sshd
refused 2 "disable without a service" 'which service' disable
refused 2 "disable --all and a service" 'not both' disable --all sshd
refused 3 "an unknown service" 'no such PAM service' enable nosuch
refused 3 "a file of pam-auth-update" 'pam-auth-update writes this file' \
    enable common-session
service system-auth <<< $'# Generated by authselect\nsession required pam_x.so'
refused 3 "a file of authselect" \
    'authselect writes this file.*authselect create-profile' enable system-auth
mkdir /run/authselect
mv /etc/pam.d/system-auth /run/authselect
ln -s /run/authselect/system-auth /etc/pam.d/system-auth
refused 3 "a link to a file of authselect" \
    'authselect writes this file.*authselect create-profile' enable system-auth
ln -s sshd /etc/pam.d/linked
refused 3 "a symbolic link" 'symbolic link' enable linked
# Its way out, by the README, on such lines as authselect's profiles have.
cat > /run/system-auth <<'END'
{include if "with-smartcard"}
session     optional                                     pam_keyinit.so revoke
session     required                                     pam_limits.so
-session    optional                                     pam_systemd.so
session     [success=1 default=ignore]                   pam_succeed_if.so service in crond quiet use_uid
session     required                                     pam_unix.so
END
recipe=$(sed -n "s/^    # \(sed -i .*\) system-auth password-auth$/\1/p" \
    "$CLI/../../README.md")
like "$recipe" pam_hfcache "the README has a recipe for authselect"
bash -c "$recipe /run/system-auth"
is "$(grep -n -B1 -A1 hfcache /run/system-auth | awk '{ print $1, $NF }')" \
    "3-session pam_limits.so
4:-session pam_hfcache.so
5--session pam_systemd.so" "it puts our line before that of pam_systemd"
{ echo '# Generated by authselect'; sed 1d /run/system-auth; } > \
    /run/authselect/system-auth
service crond <<< 'session include system-auth'
exits 0 "a service that includes it has the line" enable crond
is "$(cat /etc/pam.d/crond)" "session include system-auth" \
    "a service that includes it is left as it is"
rm /etc/pam.d/linked
printf 'session required pam_unix.so \\\n' > /etc/pam.d/cut
refused 3 "a file that ends in a backslash" 'backslash' enable cut
rm /etc/pam.d/cut
printf 'auth required pam_unix.so\n' > /etc/pam.d/thin
refused 3 "a service without session lines" 'libpam takes those of' enable thin
printf 'session required pam_unix.so\n' > /etc/pam.d/good
exits 3 "one good, one not" enable nosuch good
like "$(cat /etc/pam.d/good)" pam_hfcache "one good, one not: the good is done"
rm "$MODULE"
refused 3 "a missing module" "$MODULE does not exist" enable sshd
: > "$MODULE"

chattr +i $PAM 2> /dev/null && {
    refused 3 "a file that cannot be replaced" 'not changed' enable sshd
    chattr -i $PAM
}
mount -o remount,bind,ro /etc/pam.d
refused 3 "a read-only folder" 'Read-only' enable sshd
is "$out" "" "a read-only folder: nothing is claimed"
mount -o remount,bind,rw /etc/pam.d

if [ "$REAL_UID" -eq 0 ]; then
    before=$(cat /etc/pam.d/* | cksum)
    err=$(setpriv --reuid 3002 --clear-groups "$HFCACHE" enable sshd 2>&1)
    is "$?" 3 "a user: exit 3"
    like "$err" 'only root' "a user: why"
    is "$(cat /etc/pam.d/* | cksum)" "$before" "a user: nothing changed"
else
    skip "needs root" "a user"
fi

policy <<< $'[cache]\nmembership = session'
exits 0 "membership = session without --auth" enable sshd
like "$out" "has membership = session \($POLICY:2\)" \
    "membership = session: --auth is advised"
done_testing
