#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The packages, as an admin meets them: built twice and found the same, without
# fault for lintian and rpmlint; installed, enabled in both ways, upgraded over
# an edited policy, removed under users who log in, purged.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
for tool in dh lintian rpmbuild rpmlint pamtester; do
    command -v "$tool" > /dev/null ||
        skip_all "no $tool; tests/system/packages package installs it"
done

export DEBIAN_FRONTEND=noninteractive
VERSION=$(sed -n 's/^VERSION := //p' "$SRC/Makefile")
PACKAGE=libpam-hfcache
SERVICE=package-test
THIRD_PARTY=/etc/corporate-pam

# --- building -----------------------------------------------------------------

# build FOLDER ARG...: `make ARG...` for a build folder of its own.
build() {
    local folder=$WORK/$1
    shift
    make -s -C "$SRC" BUILD="$folder" "$@" > "$folder.log" 2>&1 && return
    tail -n 30 "$folder.log" | diag_stream
    return 1
}

{ build two deb && build two rpm VERSION=7.8.9 \
    PACKAGER="Pat O'Brien <pat@site.example>"; } &
second=$!
ok "make deb" build one deb
ok "make rpm" build one rpm
ok "both elsewhere, at the same time" wait "$second"
DEB=$WORK/one/deb/${PACKAGE}_$VERSION-1_$(dpkg --print-architecture).deb
RPM=$WORK/one/rpm/pam_hfcache-$VERSION-1.$(uname -m).rpm
NEXT_RPM=$WORK/two/rpm/pam_hfcache-7.8.9-1.$(uname -m).rpm
ok "the Makefile's version names the packages" [ -e "$DEB" -a -e "$RPM" ]
ok "or the one that make is given" [ -e "$NEXT_RPM" ]
is "$(dpkg-deb -f "$DEB" Maintainer)" "$(tar -xOf \
    "$WORK"/one/deb/*.debian.tar.* debian/changelog | sed -n 's/^ -- \(.*>\)  .*/\1/p')" \
    "who maintains the package is who wrote its changelog"
like "$(rpm -qp --changelog "$NEXT_RPM" 2>&1)" "Pat O'Brien <pat@site.example>" \
    "and who make says"
for file in "$WORK"/one/deb/*.{deb,dsc,tar.*}; do
    cmp "$file" "$WORK/two/deb/${file##*/}" 2>&1
done > "$WORK/differ"
is "$(cat "$WORK/differ")" "" "both builds are the same, byte by byte"
is "$(find "$WORK/one" -mindepth 1 -maxdepth 2 -type d -printf '%P\n' | sort |
    xargs)" "deb rpm" "what was unpacked to build is gone"

# There are no man pages in a tree that has none.
allow=()
[ -d "$SRC/pam_hfcache/man" ] || allow=(--suppress-tags no-manual-page)
is "$(lintian --allow-root "${allow[@]}" "$WORK"/one/deb/*.changes 2>&1)" "" \
    "lintian finds nothing"

# --- installing ---------------------------------------------------------------

# install_deb FILE: with the answers that configuration management gives.
install_deb() {
    quietly dpkg --force-unsafe-io --force-confdef --force-confold -i "$1"
}

# conf FOLDER: what the tree has in conf/FOLDER, as it is installed.
conf() { # FOLDER WHERE
    find "$SRC/conf/$1" -type f -printf "$2/%f\n" 2> /dev/null | sort
}

# ours: all files that have our name, but for the project's own folder.
ours() {
    find /etc /usr /var/lib /var/spool /var/cache/debconf /run \
        -xdev -name '*hfcache*' -printf '%p %y %m %U %G\n' 2> /dev/null | sort
}

# A login by a service of the common stack: what it is given.
pam_login() { # USER
    pamtester "$SERVICE" "$1" open_session close_session 2>&1 |
        grep -E '^(HF_|pamtester: [^s])'
}

common_lines() {
    grep -n pam_hfcache /etc/pam.d/common-*
}

printf '%s\n' '@include common-session' \
    'session optional pam_exec.so stdout /usr/bin/env' > "/etc/pam.d/$SERVICE"
users alice bob
start_sshd
rm -rf /var/lib/hfcache
before=$(ours)
# What pam-auth-update itself makes of the profiles that are there already.
quietly pam-auth-update --package
pam_before=$(sha256sum /etc/pam.d/*)

is "$(pam_login alice)" "" "a login before: no HF_HOME"
ok "dpkg -i" install_deb "$DEB"
is "$(hfcache --version)" "hfcache $VERSION" "the program tells that version"
UNITS=$(dpkg -L "$PACKAGE" | grep -E 'lib/systemd/system$')
is "$(dpkg -L "$PACKAGE" | while read -r file; do
    [ -d "$file" ] || stat -c '%a %U:%G %n' "$file"
done | grep -v /usr/share/ | sort)" "$(grep . <<- END | sort
	644 root:root $POLICY
	644 root:root /usr/lib/$(gcc -print-multiarch)/security/pam_hfcache.so
	755 root:root /usr/bin/hfcache
	755 root:root /usr/libexec/hfcache-probe
	$(conf cron.d /etc/cron.d | sed 's/^/644 root:root /')
	$(conf systemd "$UNITS" | sed 's/^/644 root:root /')
	$(conf tmpfiles.d /usr/lib/tmpfiles.d | sed 's/^/644 root:root /')
	END
)" "module, program, helper, policy: where they belong, with right modes"
is "$(dpkg -L "$PACKAGE" | grep -E '/(man[58]|[a-z_-]*completions[^/]*)/.*hfcache' |
    xargs stat -c '%a %n' | sed 's,/usr/share/,,' | sort)" \
    "644 bash-completion/completions/hfcache
644 fish/vendor_completions.d/hfcache.fish
644 man/man5/hfcache.conf.5.gz
644 man/man8/hfcache.8.gz
644 man/man8/pam_hfcache.8.gz
644 zsh/vendor-completions/_hfcache" "manual pages, and completion of three shells"
ok "the module stands where pam_unix.so does" [ "$(dirname \
    /usr/lib/*/security/pam_hfcache.so)/pam_unix.so" -ef \
    "$(find /usr/lib* -name pam_unix.so)" ]
ok "a folder for drop-ins" [ -d "$POLICY.d" ]
is "$(dpkg-query -W -f '${Conffiles}' "$PACKAGE" | awk '{ print $1 }' | xargs)" \
    "$({ conf cron.d /etc/cron.d; echo "$POLICY"; } | xargs)" \
    "the policy is a conffile"
is "$(sha256sum /etc/pam.d/*)" "$pam_before" "nothing is enabled unasked"
nok "and no group made" getent group hf-users
is "$(find /etc/systemd -name 'hfcache*')" "" "nor the daily check"
! command -v systemd-tmpfiles > /dev/null ||
    is "$(stat -c '%a %U' /run/hfcache)" "755 root" "a folder for verdicts"
! command -v systemd-sysusers > /dev/null || ok "the example of a group" \
    quietly systemd-sysusers "$(dpkg -L "$PACKAGE" | grep hf-users.conf)"
gid=$(hf_gid)
ok "hfcache setup" quietly hfcache setup
is "$(stat -c %g $CACHE)" "${gid:-$(hf_gid)}" "a group that was there keeps its gid"
is "$(pam_login alice)" "" "a login after: still no HF_HOME"

# --- enabled by pam-auth-update -----------------------------------------------

ok "pam-auth-update --enable" quietly pam-auth-update --enable hfcache
is "$(common_lines | sed -E 's/:[0-9]+:/ /; s/[[:blank:]]+/ /g; s/ $//')" \
    "$(printf '/etc/pam.d/common-session%s session optional pam_hfcache.so\n' \
        '' -noninteractive)" "a line for sessions of either kind, and no other"
for file in $(common_lines | cut -d: -f1); do
    ! grep -q pam_systemd "$file" || ok "$file: before pam_systemd" \
        [ "$(grep -n pam_hfcache "$file" | cut -d: -f1)" -lt \
        "$(grep -n pam_systemd "$file" | cut -d: -f1)" ]
done
like "$(pam_login alice)" "^HF_HOME=$CACHE" "pamtester: HF_HOME is there"
like "$(by_ssh bob "$LOOK")" 'groups: .*hf-users.*HF_HOME=' \
    "sshd: group and HF_HOME"
like "$(by_sudo bob "$LOOK")" 'groups: .*hf-users.*HF_HOME=' \
    "sudo, a session that is not interactive: the same"
ok "hfcache explain finds the line" quietly hfcache explain alice --service sshd
like "$(hfcache enable sshd)" 'nothing to do.*common-session' \
    "hfcache enable knows of it"
ok "hfcache enable --auth" quietly hfcache enable --auth sshd
is "$(grep pam_hfcache /etc/pam.d/sshd)" "-auth optional pam_hfcache.so" \
    "adds the auth line alone"
ok "hfcache disable sshd" quietly hfcache disable sshd
ok "pam-auth-update --disable" quietly pam-auth-update --disable hfcache
is "$(sha256sum /etc/pam.d/*)" "$pam_before" "/etc/pam.d is as it was"

# --- enabled by hfcache, and upgraded -----------------------------------------

ok "hfcache enable" quietly hfcache enable "$SERVICE" sshd su
like "$(pam_login alice)" "^HF_HOME=$CACHE" "pamtester: HF_HOME is there"

# The daily check, where there is systemd: systemctl only makes a link here.
enable_timer() {
    [ -z "$(conf systemd .)" ] || ! command -v systemctl > /dev/null ||
        quietly systemctl enable hfcache-check.timer
}

# later: the package with a higher version and another default policy.
later() {
    rm -rf "$WORK/later"
    dpkg-deb -R "$DEB" "$WORK/later"
    sed -i "s/^Version: .*/Version: $VERSION-2/" "$WORK/later/DEBIAN/control"
    echo '# a later version' >> "$WORK/later/$POLICY"
    dpkg-deb -b "$WORK/later" "$WORK/later.deb"
}
printf '[cache]\nnotify = never\n' > "$POLICY"
quietly pam-auth-update --enable hfcache
enable_timer
lines=$(grep -r pam_hfcache /etc/pam.d | sort)
ok "a later version" quietly later
ok "dpkg -i, an upgrade" install_deb "$WORK/later.deb"
is "$(dpkg-query -W -f '${Version}' "$PACKAGE")" "$VERSION-2" "it is in place"
is "$(cat "$POLICY")" $'[cache]\nnotify = never' "the edited policy is kept"
ok "it is still what is read" quietly hfcache policy
is "$(grep -r pam_hfcache /etc/pam.d | sort)" "$lines" \
    "what was enabled still is"
like "$(pam_login alice)" "^HF_HOME=$CACHE" "pamtester: HF_HOME is there"

# --- removed ------------------------------------------------------------------

# One login after another while the package goes: none may fail.
logins() {
    local failed=0
    until [ -e "$WORK/enough" ]; do
        pamtester "$SERVICE" alice open_session close_session \
            > /dev/null 2>&1 || failed=$((failed + 1))
    done
    return "$failed"
}
mark_log
logins &
guests=$!
ok "dpkg --remove, lines of both kinds enabled" quietly dpkg --remove "$PACKAGE"
touch "$WORK/enough"
ok "no login failed meanwhile" wait "$guests"
is "$(sha256sum /etc/pam.d/*)" "$pam_before" "no line of ours is left"
is "$(grep -E 'unable to (dlopen|load).*pam_hfcache' "$AUTH_LOG")" "" \
    "no login met a line without its module"
is "$(pam_login alice)" "" "pamtester: no HF_HOME"
ok "sshd: a login" by_ssh bob true
ok "the policy is kept until the purge" [ -s "$POLICY" ]
nok "the verdicts are not" [ -e /run/hfcache ]

# A line that logins need, in a file that hfcache cannot edit.
install_deb "$DEB"
is "$(sha256sum /etc/pam.d/*)" "$pam_before" \
    "installed again: nothing is enabled"
printf 'session required pam_permit.so\nsession %s pam_hfcache.so\n' \
    required > "$THIRD_PARTY"
ln -s "$THIRD_PARTY" /etc/pam.d/corporate
dpkg --remove "$PACKAGE" > "$WORK/out" 2>&1
isnt "$?" 0 "a line that would lock users out holds the removal up"
like "$(cat "$WORK/out")" "/etc/pam.d/corporate:2:.*required.*by hand" \
    "and is named"
ok "the module is still there" quietly pamtester corporate alice open_session
sed -i 's/required \(.*hfcache\)/optional \1/' "$THIRD_PARTY"
ok "one that is optional does not" quietly dpkg --remove "$PACKAGE"
ok "and locks nobody out" quietly pamtester corporate alice open_session
rm "$THIRD_PARTY" /etc/pam.d/corporate

# --- purged -------------------------------------------------------------------

install_deb "$DEB"
quietly hfcache enable sshd
by_ssh bob true
touch "$POLICY.d/site.conf"
ok "dpkg --purge" quietly dpkg --purge "$PACKAGE"
is "$(sha256sum /etc/pam.d/*)" "$pam_before" "no line of ours is left"
is "$(find /etc/security -name '*hfcache*' -o -name site.conf | sort | xargs)" \
    "$POLICY.d $POLICY.d/site.conf" "the admin's drop-in stays"
rm "$POLICY.d/site.conf"
install_deb "$DEB"
ok "dpkg --purge, without drop-ins" quietly dpkg --purge "$PACKAGE"
is "$(ours)" "$before" "nothing of ours is left"
is "$(grep -rl hfcache /etc /var/lib/pam /var/lib/dpkg/status /run)" "" \
    "and nothing that names us"
ok "the group, whose the cache is, stays" in_etc_group bob
ok "so does the cache" [ -d "$CACHE/hub" ]
ok "sshd: a login" by_ssh bob true

# --- RPM: made on Debian, but its scripts are run -----------------------------

rpms() {
    rpm --dbpath "$WORK/rpmdb" "$@" 2>&1
}

is "$(rpmlint -r "$SRC/conf/rpm/rpmlintrc" --ignore-unused-rpmlintrc \
    "$WORK"/one/rpm/*.rpm 2>&1 | grep -E ' [EW]: ')" "" \
    "rpmlint finds nothing"
rpm_files() {
    rpms -qp --qf \
        '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES} %{FILEFLAGS:fflags}\n]' \
        "$1" | grep -vE '/usr/(share|lib/\.build-id)' | sed 's/ *$//' | sort
}
is "$(rpm_files "$RPM")" "$(grep . <<- END | sort
	-rw-r--r-- root $POLICY cn
	drwxr-xr-x root $POLICY.d
	-rwxr-xr-x root /usr/bin/hfcache
	-rw-r--r-- root $(rpm --eval %_libdir)/security/pam_hfcache.so
	-rwxr-xr-x root /usr/libexec/hfcache-probe
	$(conf systemd /usr/lib/systemd/system | sed 's/^/-rw-r--r-- root /')
	$(conf tmpfiles.d /usr/lib/tmpfiles.d | sed 's/^/-rw-r--r-- root /')
	END
)" "RPM: the files, the policy as config(noreplace)"
like "$(rpms -qp --scripts "$RPM")" \
    'preuninstall.*hfcache disable --all.*postuninstall' \
    "RPM: our lines go before the module does"
ok "rpm -i" quietly rpms -i --nodeps "$RPM"
ok "hfcache enable" quietly hfcache enable sshd
enable_timer
printf '[cache]\nnotify = never\n' > "$POLICY"
ok "rpm -U" quietly rpms -U --nodeps "$NEXT_RPM"
is "$(hfcache --version)" "hfcache 7.8.9" "the program is of the next version"
ok "an upgrade leaves the lines" grep -q pam_hfcache /etc/pam.d/sshd
is "$(cat "$POLICY")" $'[cache]\nnotify = never' "and the edited policy"
ok "rpm -e" quietly rpms -e pam_hfcache
is "$(sha256sum /etc/pam.d/*)" "$pam_before" "no line of ours is left"
is "$(comm -13 <(echo "$before") <(ours))" \
    "$(stat -c '%n f %a %u %g' "$POLICY.rpmsave")" \
    "nothing of ours is left, but for the edited policy"
ok "sshd: a login" by_ssh bob true
done_testing
