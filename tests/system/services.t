#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The README's ways for units of systemd, for jobs of a cron that knows no PAM,
# and for sudo, which does, and can be told to spoil it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

install_project
quietly hfcache setup
users alice bob
usermod -aG hf-users alice
printf '[cache]\n[env]\nTORCH_HOME = %s\n' \
    "%h/it's \"a\" 50%% \$HOME \\n !!#x" > "$POLICY"
ODD="/home/alice/it's \"a\" 50% \$HOME \\n !!#x"

# What is asked of whoever is started, and what is to be seen.
printf '#!/bin/bash\n%s\necho "odd: $TORCH_HOME"\n' "$LOOK" |
    install -m 755 /dev/stdin /usr/local/bin/train
seen_by() { # USER
    echo "groups: $1 hf-users"
    hfcache env "$1" --format env-file | grep -v ^TORCH_HOME= | LC_ALL=C sort
    echo "odd: $ODD"
}

shown() { # REGEX: the command that the README shows
    grep -E "^    $1" "$SRC/README.md" | sed 's/^ *//'
}
LINE=$(shown 'eval ')

# --- a cron without PAM -------------------------------------------------------
# It starts its job with the next minute, and the test goes on meanwhile.

if command -v busybox > /dev/null && busybox --list | grep -qx crond; then
    mkdir /tmp/crontabs
    echo "* * * * * $LINE; train > /tmp/job.new; mv /tmp/job.new /tmp/job" \
        > /tmp/crontabs/alice
    busybox crond -f -c /tmp/crontabs > /var/log/crond 2>&1 &
    cron=$!
fi

# --- systemd ------------------------------------------------------------------

# unit LINE...: a run of the README's unit with these lines more.
unit() {
    rm -f /tmp/train.*
    { recipe '^# /etc/systemd/system/train.service'
        printf '%s\n' Type=oneshot StandardOutput=file:/tmp/train.out "$@"
    } > $UNITS/train.service
    systemctl --user daemon-reload &&
        timeout 30 systemctl --user start train.service
}

mkdir -p $UNITS/train.service.d
if start_manager; then
    bash -c "$(shown 'hfcache env alice --format env-file')"
    ok "a unit with the README's EnvironmentFile" unit
    is "$(cat /tmp/train.out)" "$(seen_by alice | tr -d '\\')" \
        "EnvironmentFile: group, and each byte of each variable, but backslashes" ||
        diag_stream < /var/log/manager
    rm /etc/train.env
    bash -c "$(shown 'hfcache env alice --format systemd' |
        sed "s|/etc/systemd/system|$UNITS|")"
    ok "a unit with the README's drop-in" unit "EnvironmentFile="
    is "$(cat /tmp/train.out)" "$(seen_by alice)" \
        "drop-in: group, and each byte of each variable"
    ok "for one who is no member" unit EnvironmentFile= User=bob \
        SupplementaryGroups=hf-users
    like "$(cat /tmp/train.out)" '^groups: bob hf-users' \
        "SupplementaryGroups: the group all the same"
    ok "without that line" unit EnvironmentFile= User=bob
    like "$(cat /tmp/train.out)" $'^groups: bob\n' "no group"
    stop_manager
else
    skip "no systemd can be started" "units"
fi

# --- shells, and sudo -----------------------------------------------------------

is "$(setpriv --reuid alice --regid alice --init-groups --reset-env \
    bash -c "$LINE; train")" "$(seen_by alice)" "a shell without PAM"
mkdir -p /etc/sudoers.d
echo 'alice ALL=(ALL) NOPASSWD: SETENV: ALL' > /etc/sudoers.d/alice
quietly hfcache enable sudo
# by_alice OPTION...: alice, with her variables, starts what bob sees.
by_alice() {
    setpriv --reuid alice --regid alice --init-groups --reset-env \
        bash -c "$LINE; sudo $* -u bob train"
}
is "$(by_alice)" "$(seen_by bob | sed 's/alice/bob/')" "sudo: all is bob's"
like "$(by_alice -E)" 'HF_TOKEN_PATH=/home/alice/' \
    "sudo -E: alice's variables, as the README warns"

# --- an account of a service --------------------------------------------------

useradd -r -m trainer
usermod -aG hf-users trainer
is "$(hfcache env trainer 2> "$WORK/why")" "" "below min_uid: nothing"
like "$(cat "$WORK/why")" 'min_uid' "below min_uid: why"
recipe '^# /etc/security/hfcache.conf.d/trainer.conf' |
    install -D -m 644 /dev/stdin "$POLICY.d/trainer.conf"
is "$(setpriv --reuid trainer --regid trainer --init-groups --reset-env \
    bash -c "$LINE; train" | sed '$d')" "$(seen_by trainer | sed '$d')" \
    "with a section of its own: group and variables"

# --- what cron has done -------------------------------------------------------

if [ -n "${cron-}" ]; then
    ok "busybox's crond starts the job" wait_for 70 test -e /tmp/job
    is "$(cat /tmp/job)" "$(seen_by alice)" "it has group and variables"
    kill "$cron"
else
    skip "busybox is not installed" "a cron without PAM"
fi
done_testing
