#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What a user hands to su and sudo besides signals and limits: environments,
# descriptors, masks, working folders, schedulers.  Each is served or refused by
# su and sudo themselves; another's login is as if nothing had been.

. "$(dirname "$(readlink -f "$0")")/hostile.sh"

ready alice mallory other
install -d -m 700 /etc/sudoers.d
echo 'mallory ALL=(other) NOPASSWD:SETENV: ALL' > /etc/sudoers.d/mallory
sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su # without his password
know_healthy
install -d -o mallory /home/mallory/trap
cp -a /usr/local/bin "$WORK/bin.before"

# $RUN in what follows: his su or his sudo, to true, in the background at most
# three seconds.
handing() { # NAME COMMANDS
    local how run
    for how in "sudo -n -u other /bin/true" "su other -s /bin/true"; do
        run="timeout -k 1 3 $how"
        no_state
        as_mallory "cd ~/trap; RUN='$run'; $2" < /dev/null > /dev/null 2>&1
        others_log_in "${how%% *} $1"
        ok "${how%% *} $1: the state is whole" gate_intact
    done
}

handing "with descriptors 0 to 2 closed" '$RUN <&- >&- 2>&-'
handing "with descriptor 1 alone" '$RUN <&- 2>&-'
handing "with a FIFO that nobody writes for its input" \
    'mkfifo in; exec 3<> in; $RUN <&3'
handing "with a full pipe that nobody reads for its output" \
    'mkfifo out; exec 4<> out; head -c 65536 /dev/zero >&4; $RUN >&4 2>&4'
handing "with 900 descriptors open" \
    'ulimit -n 1000; for n in {10..909}; do eval "exec $n< /dev/null"; done
    $RUN'
handing "with an environment of a megabyte" \
    'big=$(head -c 100000 /dev/zero | tr "\0" x)
    for n in {1..10}; do export "HF_$n=$big"; done; $RUN'
handing "with variables that libraries heed" \
    'export LD_PRELOAD=~/trap/x.so LD_LIBRARY_PATH=~/trap LD_AUDIT=~/trap/x.so
    export LD_DEBUG=all LD_DEBUG_OUTPUT=~/trap/debug GCONV_PATH=~/trap
    export LOCPATH=~/trap LANG=xx_XX LC_ALL=xx_XX NLSPATH=~/trap/%N
    export MALLOC_CHECK_=3 MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.check=3
    export TZ=/home/mallory/trap/tz TZDIR=~/trap RES_OPTIONS=debug
    export HOSTALIASES=~/trap/hosts GETCONF_DIR=~/trap TMPDIR=~/trap; $RUN'
handing "with our own variables" \
    'export HF_HOME=/home/mallory/hf HF_HUB_CACHE=/etc HF_TOKEN_PATH=/root/x
    export HFCACHE_HELPER=/home/mallory/evil HFCACHE_CONF=/home/mallory/conf
    export NOTIFY_SOCKET=/home/mallory/s LISTEN_FDS=3 LISTEN_PID=1; $RUN'
handing "with a mask of 777" 'umask 777; $RUN'
handing "in a folder that is gone" 'mkdir gone; cd gone; rmdir ../gone; $RUN'
handing "with all signals ignored and blocked" \
    'env --ignore-signal --block-signal $RUN'
handing "niced, idle and on one CPU" \
    'nice -n 19 chrt --idle 0 taskset -c 0 $RUN'
handing "by another name" '(exec -a "" $RUN); (exec -a pam_hfcache.so $RUN)'
handing "without a session of its own terminal" 'setsid -f $RUN; sleep 0.3'

is "$(find /home/mallory ! -user mallory)" "" "nothing was written for him"
reached=$(grep -c 'pam_hfcache.* user=other ' "$AUTH_LOG")
ok "most of these reached the module ($reached)" [ "$reached" -ge 15 ]
is "$(diff -r "$WORK/bin.before" /usr/local/bin)" "" "nor in our folders"
is "$(find /run/hfcache -perm /022 ! -type l)" "" \
    "nothing in /run/hfcache that others can write"
done_testing
