#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A cache on a file server that errs, is slow, or goes away under whoever looks
# at it: check and repair say what they could not see, and never that all is
# well; status and explain do not wait; logins go on.  (hung.t has the server
# that never answers, storm.t two hundred logins on it.)

. "$(dirname "$(readlink -f "$0")")/lib.sh"

SHA=$(printf '%040d' 1)
BLOB=$(printf '%064d' 2)
BACKING=/srv/backing

# repository NAME: alice's, as it has to be.
repository() {
    local repo=$CACHE/hub/models--org--$1
    mkdir -p "$repo"/{blobs,refs,snapshots/"$SHA"}
    echo model > "$repo/blobs/$BLOB"
    echo "$SHA" > "$repo/refs/main"
    ln -s "../../blobs/$BLOB" "$repo/snapshots/$SHA/model.bin"
    chown -hR alice:hf-users "$repo"
    find "$repo" -type d -exec chmod 2770 {} +
    find "$repo" -type f -exec chmod 660 {} +
}

# serve OPTION...: a server of that kind in the place of the cache.
serve() {
    rm -f "$WORK/held"
    SERVER=$("$SYSTEM/fuse-server" --held="$WORK/held" "$@" "$BACKING" "$CACHE")
}

# unserve: the server goes, and then the mount.
unserve() {
    kill -KILL "$SERVER" 2> /dev/null
    umount -l "$CACHE"
}

# hfc ARG...: hfcache, killed after ten seconds; sets $out, $err and $rc.
hfc() {
    rc=0
    timed timeout -s KILL 10 hfcache "$@" > "$WORK/out" 2> "$WORK/err" || rc=$?
    out=$(cat "$WORK/out") err=$(cat "$WORK/err")
}

exits() { # CODE NAME ARG...
    local code=$1 name=$2
    shift 2
    hfc "$@"
    is "$rc" "$code" "$name: $1 exits with $code" || diag "$out" "$err"
}

# What never looks at the cache does not wait for it.
none_waits() { # NAME CODE-OF-EXPLAIN
    exits 1 "$1" status
    ok "$1: status says so at once ($MS ms)" within 500
    exits "$2" "$1" explain alice
    ok "$1: explain says so at once ($MS ms)" within 500
}

login_sees() { # STATE NAME
    mark_log
    timed by_su alice "$LOOK" > "$WORK/out"
    is "$?" 0 "MUST 2.6.1: $2: the login succeeds"
    is_field alice state "$1" "$2: state $1"
}

ready alice
usermod -aG hf-users alice
for name in a b c; do
    repository $name
done
quietly hfcache check || exit 1
mv "$CACHE" $BACKING
mkdir "$CACHE"

# --- it is not mounted --------------------------------------------------------

exits 1 "not mounted" check
chgrp hf-users "$CACHE"
chmod 2750 "$CACHE"
setfacl -d -m u::rwx,g::rwx,o::- "$CACHE"
exits 1 "not mounted, and the folder below is like a cache's" check
like "$out" 'No such file or directory  hub  not mounted\?' "it says so"
chmod 00755 "$CACHE"
exits 1 "not mounted" repair
is "$(stat -c %a "$CACHE")" 755 "repair leaves the folder below as it is"
no_state
login_sees absent "not mounted"

# --- all of it errs -----------------------------------------------------------

for error in EIO ESTALE EACCES ENOTCONN; do
    serve --error=$error
    no_state
    case $error in
    EACCES) login_sees closed "$error" ;;
    *) login_sees error "$error" ;;
    esac
    unlike "$(cat "$WORK/out")" HF_HOME "$error: variables left out"
    none_waits "$error" 1
    exits 3 "$error" check
    like "$err" "hfcache: $CACHE: " "$error: it says why"
    exits 3 "$error" repair
    unserve
done

# --- a part of it errs --------------------------------------------------------

# partly WORD PATHS NAME SERVER-ARG...: check and repair find that these paths
# could not be looked at, each time, whatever they remember.
partly() {
    local word=$1 paths=$2 name=$3 run
    shift 3
    serve "$@"
    rm -rf /var/lib/hfcache
    for run in "check" "check" "repair" "check --full"; do
        # shellcheck disable=SC2086
        exits 1 "$name" $run --json --all
        is "$(python3 -c 'import json, sys
for one in json.load(sys.stdin)["caches"][0]["findings"]:
    print(*one["findings"], one["path"])' <<< "$out" | sort | head -n 20)" \
            "$(for path in $paths; do echo "$word $path"; done)" \
            "$name: $run: finds what it could not see"
    done
    hfc status
    is "$rc" 1 "$name: status exits with 1 after it"
    unserve
}

A=hub/models--org--a B=hub/models--org--b C=hub/models--org--c
LINK=snapshots/$SHA/model.bin
for error in EIO ESTALE EACCES; do
    partly unseen $B "$error in a repository" --error=$error --at=org--b
    partly unseen "$B/blobs $B/refs $B/snapshots" "$error from readdir" \
        --error=$error --at=org--b/ --calls=readdir
    partly unseen "$B/refs/main" "$error of a file" --error=$error \
        --at=org--b/refs/main
    partly unseen "$A/$LINK $B/$LINK $C/$LINK" "$error from readlink" \
        --error=$error --calls=readlink
done

# What another host removed meanwhile is no finding.
serve --error=ENOENT --at=org--b
exits 0 "gone since its name was read" check --full
unserve

# What else is wrong is mended.
chmod g-s $BACKING/$A $BACKING/$C
serve --error=EIO --at=org--b
exits 1 "EIO in another repository" repair
like "$out" 'mended  2 inodes' "repair mends the rest"
is "$(stat -c %a $BACKING/$A $BACKING/$C | xargs)" "2770 2770" "it did"
unserve

# --- what logins remember -----------------------------------------------------

chmod g-s $BACKING/$B
policy <<< $'[cache]\nfresh = 0s\nrepair = off'
for call in getattr lookup readdir; do
    no_state
    [ $call = readdir ] && at=/hub || at=org--b
    serve --well --error=EIO --at=$at --calls=$call
    by_su alice true
    wait_for 5 no_helper
    hfc status
    like "$out" "$B" "status names a repository with drift"
    like "$out" 'last all around' "and says that all has been looked at"
    kill -USR2 "$SERVER"
    by_su alice true
    wait_for 5 no_helper
    hfc status
    like "$out" "$B" "it is named still when $call fails"
    unserve
done
serve --error=EIO --calls=readdir
no_state
by_su alice true
wait_for 5 no_helper
hfc status
like "$out" 'not all of it has been looked at yet
 +hub could not be read: Input/output error' \
    "hub/ that could not be read has not been looked at, and is told"
unserve

# What cannot be read of one folder holds up nothing that is in another.
mkdir -p "$BACKING/hub/.locks/models--a"
chmod 00770 "$BACKING/hub/.locks/models--a"
for at in /hub /hub/.locks; do
    serve --well --error=EIO --at="$at\$" --calls=readdir
    kill -USR2 "$SERVER"
    no_state
    for look in 1 2; do
        by_su alice true
        wait_for 5 no_helper
        hfc status
        like "$out" "${at#/} could not be read: Input/output error" \
            "$at cannot be read: look $look tells"
    done
    [ $at = /hub ] && there=hub/.locks/models--a || there=$B
    like "$out" " $there " "and names what is in the other"
    unserve
done
chmod g+s "$BACKING/$B"
serve
no_state
by_su alice true
wait_for 5 no_helper
hfc status
like "$out" 'last all around' "when it can be read it has been looked at"
unlike "$out" 'could not be read' "and nothing is told of it"
unserve
rm -r "$BACKING/hub/.locks/models--a"

# --- it is slow ---------------------------------------------------------------

policy <<< $'[cache]\ndeadline = 200ms'
timed by_su alice true
HEALTHY=$MS
no_state
serve --delay=60
login_sees slow "60 ms a call"
ok "MUST 2.6.2: slow: within its deadline ($MS ms, healthy $HEALTHY ms)" \
    within $((HEALTHY + 700))
ok "slow: the probe comes back by itself" wait_for 20 no_helper
login_sees usable "slow, but it had answered"
unserve
no_state
serve --delay=2500
login_sees slow "2.5 s a call"
ok "MUST 2.6.2: seconds a call: within its deadline ($MS ms)" \
    within $((HEALTHY + 700))
timed by_su alice true
ok "seconds a call: the next login at once ($MS ms)" within $((HEALTHY + 500))
none_waits "seconds a call" 0
is "$(pgrep -c -x hfcache-probe)" 1 "seconds a call: one probe"
unserve
ok "the probe ends when the server goes" wait_for 5 no_helper
serve --delay=10
exits 0 "10 ms a call" check --full
exits 0 "10 ms a call" repair
unserve

# --- it goes away meanwhile ---------------------------------------------------

# Where the kernel tells of each FUSE mount, and ends it.
mkdir -p "$WORK/fusectl"
mount -t fusectl none "$WORK/fusectl" || exit 1

connection() {
    awk -v at="$CACHE" -v top="$WORK/fusectl" \
        '$5 == at { sub(".*:", "", $3); print top "/" $3 }' /proc/self/mountinfo
}

# stuck ARG...: hfcache in the background, as soon as it waits for the server,
# which hangs somewhere.
stuck() {
    CONNECTION=$(connection)
    hfcache "$@" > "$WORK/out" 2> "$WORK/err" &
    JOB=$!
    wait_for 10 test -e "$WORK/held" || diag "it does not wait: $*"
}

# ended: how it ended, within ten seconds.
ended() {
    rc=0
    wait_for 10 has_ended $JOB || kill -KILL $JOB
    wait $JOB || rc=$?
    out=$(cat "$WORK/out") err=$(cat "$WORK/err")
}

chmod g-s $BACKING/$C
for command in "check --full --jobs 1" "check --full --jobs 4" "repair"; do
    for at in hub hub/.locks $A refs/main "$SHA" "$LINK"; do
        serve --hang --at="$at"
        # shellcheck disable=SC2086
        stuck $command
        echo 1 > "$CONNECTION/abort"
        ended
        like "$rc" '^[13]$' "aborted at ${at##*/}: $command exits with 1 or 3" ||
            diag "$out" "$err"
        unlike "$out" 'nothing wrong($|[^ ])' "and does not say that nothing is wrong"
        unserve
    done
done
like "$(stat -c %a $BACKING/$C)" '^2?770$' "not more open than before or after"
chmod 00770 $BACKING/$C
serve --hang --calls=setattr
stuck repair
echo 1 > "$CONNECTION/abort"
ended
is "$rc" 1 "aborted while it mends: repair exits with 1"
like "$out" 'mended  0 inodes; 1 could not be' "and says that it could not"
unserve
serve --well
exits 0 "served again" repair
is "$(stat -c %a $BACKING/$C)" 2770 "and mends what was left"
unserve

for command in "check --full" "repair"; do
    serve --hang --at=org--b
    # shellcheck disable=SC2086
    stuck $command
    umount -l "$CACHE"
    kill -USR1 "$SERVER"
    ended
    is "$rc" 0 "unmounted lazily during $command: it still sees all" ||
        diag "$out" "$err"
    ok "the server is let go" wait_for 5 has_ended "$SERVER"
done
exits 1 "the next one sees that it is not mounted" check

policy <<< $'[cache]\ndeadline = 200ms\nfresh = 0s'
no_state
serve --hang
by_su alice true
umount -l "$CACHE"
login_sees unknown "unmounted lazily during a probe"
kill -KILL "$SERVER"
ok "the probe ends with the server" wait_for 5 no_helper
login_sees absent "and the next one sees that it is not mounted"
no_state
serve --hang
by_su alice true
echo 1 > "$(connection)/abort"
ok "aborted during a probe: it ends" wait_for 5 no_helper
login_sees error "aborted during a probe"
unserve

# --- ^C -----------------------------------------------------------------------

# A server that takes no request: the kernel lets a second ^C end who waits.
has_requests() {
    [ "$(cat "$(connection)/waiting")" -gt 0 ]
}

for command in check repair; do
    serve --well
    kill -STOP "$SERVER"
    hfcache $command > "$WORK/out" 2> "$WORK/err" &
    JOB=$!
    wait_for 10 has_requests
    kill -INT $JOB
    ok "^C in $command on a stopped server: it says what it waits for" \
        wait_for 10 grep -q 'does not answer; ^C again' "$WORK/err"
    kill -INT $JOB
    ended
    is "$rc" 130 "the second ^C ends it"
    kill -CONT "$SERVER"
    unserve
done

# One that has taken it: no signal ends who waits, but its answer does.
for command in check repair; do
    serve --hang --at=org--b
    stuck $command
    kill -INT $JOB
    sleep 0.3
    nok "^C in $command on a server that took the request: it waits" \
        has_ended $JOB
    kill -USR1 "$SERVER"
    ended
    is "$rc" 3 "until there is an answer, and tells what it saw"
    like "$out" 'then stopped; the rest is unknown' "and that it is not all"
    unserve
done
done_testing
