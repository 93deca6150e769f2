#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The systemd units and the cron line as they are installed: they name the real
# paths, systemd understands them, and the check can change nothing but its own
# state. Nothing is started.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
: "${BUILD:=build}"
export LC_ALL=C
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

UNITS=$WORK/lib/systemd/system
SERVICE=$UNITS/hfcache-check.service
TIMER=$UNITS/hfcache-check.timer
CRON=$WORK/etc/cron.d/hfcache

# A make that runs the tests would pass on its jobs, and its words on them.
unset MAKEFLAGS MFLAGS MAKELEVEL
# shellcheck disable=SC2317
install_conf() {
    make -s install-conf BUILD="$WORK/build" prefix="$WORK" \
        sysconfdir="$WORK/etc" "$@" > "$WORK/said" 2>&1
}

ok "make install-conf" install_conf
is "$(cat "$WORK/said")" "" "it has nothing to say"
is "$(cd "$WORK" && find etc lib -type f -printf '%m %p\n' | sort)" \
    "644 etc/cron.d/hfcache
644 etc/security/hfcache.conf
644 lib/systemd/system/hfcache-check.service
644 lib/systemd/system/hfcache-check.timer
644 lib/tmpfiles.d/hfcache.conf" "what is in conf/, each 0644"
is "$(cd conf/examples && find . -type f | sort)" \
    "$(cd "$WORK/share/doc/pam_hfcache/examples" && find . -type f -perm 644 |
        sort)" "the examples are among the documentation, each 0644"
is "$(find "$WORK/etc" "$WORK/lib" -type l)" "" "nothing is enabled"
is "$(grep -rnE '@[a-z]+@' "$WORK/etc" "$WORK/lib" "$WORK/share/doc")" "" \
    "all paths are filled in"
is "$(grep ^ExecStart= "$SERVICE")" "ExecStart=$WORK/bin/hfcache check" \
    "the service starts the installed program"

# What the programs themselves go by; built by whatever is quickest.
# shellcheck disable=SC2317
build_tool() {
    make -s BUILD="$WORK/build" prefix="$WORK" sysconfdir="$WORK/etc" \
        OPTIMISE=-O0 WERROR= "$WORK/build/hfcache" > "$WORK/said" 2>&1
}
ok "make for another sysconfdir" build_tool
like "$("$WORK/build/hfcache" policy 2>&1)" "^policy  $WORK/etc/security/hfcache.conf" \
    "the policy that is read is the one that is installed"
is "$(grep -L "^.*$WORK/etc/security/hfcache.conf" "$WORK"/share/man/man[58]/*)" \
    "" "and each manual page names it"

# The cron line: a comment until an admin wants it.
is "$(grep -v '^#' "$CRON" | tr -d '\n')" "" "no cron job is on by itself"
line=$(sed -n 's/^#\([0-9]\)/\1/p' "$CRON")
like "$line" '^([0-9*]+ ){5}root ' "its line: five fields and a user"
unlike "$line" '(^|[^\\])%' \
    "no percent sign, which ends a cron job's command, but behind a backslash"
command=${line#* root }
command=${command//\\%/%} # as cron does
like "$command" '^\[ -x '"$WORK"'/bin/hfcache \] && ' \
    "its line: nothing, where the program is gone"
like "$command" 'nice -n 19 ionice -c 3 '"$WORK"'/bin/hfcache check' \
    "its line: the installed program, after everybody else"

# What cron would mail, and what systemd would call a failure.
mkdir "$WORK/bin"
program() { # EXIT
    printf '#!/bin/sh\nprintf "%%s\\n" "said $*%s"\nexit %d\n' "${2-}" "$1" \
        > "$WORK/bin/hfcache"
    chmod 755 "$WORK/bin/hfcache"
}
if command -v ionice > /dev/null; then
    is "$(sh -c "$command" 2>&1)" "" "cron has nothing to mail without it"
    program 0
    is "$(sh -c "$command")" "" "cron has nothing to mail while all is well"
    program 1
    is "$(sh -c "$command")" "said check" "cron mails what was found"
    program 1 ' hub/a\\033[31m\\nforged\\c'
    is "$(sh -c "$command")" 'said check hub/a\033[31m\nforged\c' \
        "and a file's name as it is, whatever the shell's echo does"
else
    skip "ionice is not installed" "cron mails what was found"
fi
is "$(grep -c '^Documentation=man:hfcache(8)$' "$SERVICE" "$TIMER" |
    grep -v ':1$')" "" "both units name their manual page"
is "$(grep ^SuccessExitStatus= "$SERVICE")" "SuccessExitStatus=1" \
    "findings are no failure of the service"

echo '# edited' >> "$CRON"
ok "make install-conf, again" install_conf
is "$(tail -n 1 "$CRON")" "# edited" "an edited cron file stays"
ok "with DESTDIR" install_conf DESTDIR="$WORK/dest"
is "$(grep -h ^ExecStart= "$WORK/dest$SERVICE")" \
    "ExecStart=$WORK/bin/hfcache check" "DESTDIR is in no path of a unit"
ok "with another folder for units" \
    install_conf systemdsystemunitdir="$WORK/other"
is "$(find "$WORK/other" -type f -printf '%f\n' | sort | xargs)" \
    "hfcache-check.service hfcache-check.timer" "they are there"

# systemd's own opinion. 20 is 2.0 of 10.0, where 10.0 is no protection at all.
if command -v systemd-analyze > /dev/null; then
    is "$(systemd-analyze verify --man=no "$SERVICE" "$TIMER" 2>&1)" "" \
        "systemd-analyze verify"
    next=$(systemd-analyze calendar \
        "$(sed -n 's/^OnCalendar=//p' "$TIMER")" 2>&1)
    like "$next" 'Next elapse: ' "the timer will elapse"
    if systemd-analyze --help | grep -q -- --offline; then
        like "$(systemd-analyze security --no-pager --offline=yes \
            --threshold=20 "$SERVICE" 2>&1; echo "exit $?")" 'exit 0$' \
            "systemd-analyze security: at most 2.0"
    else
        skip "systemd is older than 250" "systemd-analyze security"
    fi
else
    skip "systemd-analyze is not installed" "systemd-analyze verify"
fi
done_testing
