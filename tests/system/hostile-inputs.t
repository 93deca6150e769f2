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
# half a minute.
handing() { # NAME COMMANDS
    local how run
    for how in "sudo -n -u other /bin/true" "su other -s /bin/true"; do
        run="timeout -k 1 30 $how"
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
handing "without a session of its own terminal" 'setsid -f -w $RUN'

# --- locks and leases --------------------------------------------------------

# All the locks that he can get on what he can open of the state; and he keeps
# them, and each file open, while others log in.
install -m 755 /dev/stdin "$WORK/hold" <<'END'
#!/usr/bin/python3 -I
import fcntl, os, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
held = 0
for folder, _, files in os.walk("/run/hfcache"):
    for name in [folder] + [os.path.join(folder, file) for file in files]:
        try:
            fd = os.open(name, os.O_RDONLY)
        except OSError:
            continue
        for call in (
            lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
            lambda: fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB),
            lambda: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK),
            lambda: fcntl.fcntl(fd, fcntl.F_NOTIFY, fcntl.DN_MULTISHOT | fcntl.DN_CREATE),
        ):
            try:
                call()
                held += 1
            except OSError:
                pass
print(held, flush=True)
time.sleep(60)
END
policy <<< $'[cache]\nfresh = 1ms\ndeadline = 1s'
no_state
usermod -aG hf-users mallory # who may then also read what a check found
by_ssh alice true
hfcache check > "$WORK/out"
gate=$(echo /run/hfcache/*.gate)
as_mallory "exec $WORK/hold" > "$WORK/held" &
ok "he holds locks on the state" wait_for 5 test -s "$WORK/held"
diag "$(cat "$WORK/held") of them"
before=$(grep ^taken= "$gate")
others_log_in "locks held on all that he can open"
isnt "$(grep ^taken= "$gate")" "$before" "a new verdict was written"
install -d -o alice -g alice -m 750 "$CACHE/hub/models--alice--x"
hfcache check > "$WORK/out"
by_ssh alice true
is_mended() {
    [ "$(stat -c '%a %G' "$CACHE/hub/models--alice--x")" = "2770 hf-users" ]
}
ok "and what a check found is mended" wait_for 5 is_mended
pkill -KILL -u mallory
wait 2> /dev/null

# --- what is left ------------------------------------------------------------

is "$(find /home/mallory ! -user mallory)" "" "nothing was written for him"
reached=$(grep -c 'pam_hfcache.* user=other ' "$AUTH_LOG")
ok "most of these reached the module ($reached)" [ "$reached" -ge 15 ]
is "$(diff -r "$WORK/bin.before" /usr/local/bin)" "" "nor in our folders"
is "$(find /run/hfcache -perm /022 ! -type l)" "" \
    "nothing in /run/hfcache that others can write"
done_testing
