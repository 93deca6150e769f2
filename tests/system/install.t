#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The real installation, step by step as the README says, and back: `make
# install`, `hfcache setup`, `hfcache enable`, a login; `hfcache disable`,
# `make uninstall`, and nothing is left.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# What is not a folder in the places that an installation writes to; the
# folders themselves are shared with others.
files() {
    find /usr /etc /var/lib -xdev ! -type d \( -name '*hfcache*' \
        -o -path /etc/pam.d/\* -o -path /etc/security/\* \
        -o -path /usr/local/bin/\* -o -path /usr/local/libexec/\* \) \
        -printf '%p %y %m %U %G %s\n' 2> /dev/null | sort
}

users alice
start_sshd
before=$(files)
pam_before=$(sha256sum /etc/pam.d/*)

ok "make install" quietly make -s -C "$SRC" BUILD="$BUILD" install
module=$(find /usr/lib* -name pam_hfcache.so)
is "$(dirname "$module")" "$(dirname "$(find /usr/lib* -name pam_unix.so)")" \
    "the module stands where pam_unix.so does"
is "$(stat -c '%a %U' "$module")" "644 root" "0644, root's"
is "$(stat -c '%a %U' /usr/local/libexec/hfcache-probe)" "755 root" \
    "the helper: 0755, not setuid"
is "$(grep -h ^ExecStart= /usr/local/lib/systemd/system/hfcache-check.service)" \
    "ExecStart=/usr/local/bin/hfcache check" "the unit names the program"
like "$(tail -n 1 /etc/cron.d/hfcache)" '^#.* /usr/local/bin/hfcache check ' \
    "the cron line names it, and is off"
is "$(find /etc/systemd -name 'hfcache*')" "" "no unit is enabled"
like "$(hfcache --version)" '^hfcache [0-9]' "hfcache --version"
ok "hfcache --help" quietly hfcache --help
pages=/usr/local/share/man
is "$(cd $pages && stat -c '%n %a %U' man5/hfcache.conf.5 man8/hfcache.8 \
    man8/pam_hfcache.8)" "man5/hfcache.conf.5 644 root
man8/hfcache.8 644 root
man8/pam_hfcache.8 644 root" "the manual pages"
is "$(sed -nE 's/^\.It Pa (.*\/(hfcache-probe|pam_hfcache\.so))$/\1/p' \
    $pages/man8/* | sort -u | xargs stat -Lc %i)" \
    "$(stat -c %i "$module" /usr/local/libexec/hfcache-probe)" \
    "and the two files that they name are there"
is "$(cd /usr/local/share && ls bash-completion/completions/hfcache \
    fish/vendor_completions.d/hfcache.fish zsh/site-functions/_hfcache)" \
    "bash-completion/completions/hfcache
fish/vendor_completions.d/hfcache.fish
zsh/site-functions/_hfcache" "completion for three shells"
ok "hfcache setup" quietly hfcache setup
hfcache explain alice --service sshd > "$WORK/out" 2>&1
is "$?" 1 "explain before enable: exit 1"

enabled=$(sha256sum /etc/pam.d/*)
ok "enable --dry-run" quietly hfcache enable --dry-run sshd
is "$(sha256sum /etc/pam.d/*)" "$enabled" "dry run: nothing changed"
chmod 640 /etc/pam.d/sshd
ok "enable sshd" quietly hfcache enable sshd
is "$(stat -c '%a %U %G' /etc/pam.d/sshd)" "640 root root" \
    "enable keeps owner and mode"
line=$(grep -n pam_hfcache /etc/pam.d/sshd)
include=$(grep -nE '^@include +common-session' /etc/pam.d/sshd)
ok "before the include that reaches pam_systemd" \
    [ "${line%%:*}" -lt "${include%%:*}" ]
like "$line" ':-session[[:space:]]+optional[[:space:]]+pam_hfcache\.so$' \
    "the line"
ok "enable again" quietly hfcache enable sshd
is "$(grep -c pam_hfcache /etc/pam.d/sshd)" 1 "enable again: still one line"
ok "explain: exit 0" quietly hfcache explain alice --service sshd
like "$(by_ssh alice "$LOOK")" 'hf-users.*HF_HOME=' "a login"
like "$(hfcache status 2>&1)" "$CACHE" "status speaks of the cache"
like "$(hfcache env alice)" 'HF_HOME=./?.*huggingface' "env"

mv "$module" "$WORK/"
ok "MUST 2.6.1: the module is gone, the line is not: the login succeeds" \
    by_ssh alice true
hfcache enable login > "$WORK/out" 2>&1
is "$?" 3 "enable without the module is refused: exit 3"
like "$(cat "$WORK/out")" 'pam_hfcache\.so' "and it names what is missing"
mv "$WORK/pam_hfcache.so" "$module"

ok "enable some more" quietly hfcache enable --auth su sudo login
! command -v systemctl > /dev/null ||
    ok "enable the timer" quietly systemctl enable hfcache-check.timer
ok "disable --all" quietly hfcache disable --all
chmod 644 /etc/pam.d/sshd
is "$(sha256sum /etc/pam.d/*)" "$pam_before" "/etc/pam.d is as it was"
out=$(make -s -C "$SRC" BUILD="$BUILD" uninstall 2>&1)
is "$?" 0 "make uninstall"
like "$out" 'kept: /var/lib/hfcache/members' "it says what it keeps"
is "$(find /var/lib/hfcache -type f)" /var/lib/hfcache/members \
    "the list of those whom logins made members, and nothing else"
rm -r /var/lib/hfcache
is "$(diff <(echo "$before") <(files))" "" "make uninstall leaves nothing"
ok "a login afterwards" by_ssh alice true

ok "make install into DESTDIR" quietly make -s -C "$SRC" BUILD="$BUILD" \
    DESTDIR="$WORK/dest" install
is "$(diff <(echo "$before") <(files))" "" "DESTDIR: nothing outside it"
is "$(cd "$WORK/dest" && find . -name 'hfcache-check.*' -o -path '*/cron.d/*' |
    sort | xargs)" "./etc/cron.d/hfcache $(printf './usr/local/lib/systemd/%s ' \
    system/hfcache-check.service system/hfcache-check.timer | xargs)" \
    "DESTDIR: the units and the cron line in it"
is "$(find "$WORK/dest" -type f -name '*hfcache*' -perm /111 -printf '%f\n' |
    sort | xargs)" "hfcache hfcache-probe" "DESTDIR: two programs in it"
ok "make uninstall from DESTDIR" quietly make -s -C "$SRC" BUILD="$BUILD" \
    DESTDIR="$WORK/dest" uninstall
is "$(find "$WORK/dest" ! -type d)" "" "and out again"
done_testing
