#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache check and repair, on a small cache: what is found, what is said, what
# is mended, what is remembered.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

[ "$REAL_UID" -eq 0 ] || skip_all "needs root for files of several owners"

SHA=$(printf '%040d' 1)
BLOB=$(printf '%064d' 2)
HUB=$CACHE/hub

# repository OWNER NAME: with a blob, a snapshot, a reference, a lock.
repository() {
    local uid=$1 repo=$HUB/$2 lock=$HUB/.locks/$2
    mkdir -p "$repo"/{blobs,refs,trees,.no_exist,snapshots/"$SHA"} "$lock"
    echo model > "$repo/blobs/$BLOB"
    echo "$SHA" > "$repo/refs/main"
    ln -s "../../blobs/$BLOB" "$repo/snapshots/$SHA/model.bin"
    : > "$lock/$BLOB.lock"
    chown -hR "$uid:900" "$repo" "$lock"
    find "$repo" "$lock" -type d -exec chmod 2770 {} +
    find "$repo" "$lock" -type f -exec chmod 660 {} +
}

build_cache() {
    rm -rf "$CACHE" /var/lib/hfcache /run/hfcache
    policy <<< $'[cache]\nacl = no'
    run setup
    repository 3002 models--org--a
    repository 3002 models--org--b
}

# A folder is not believed while its last change is young.
settle() {
    find "$CACHE" -exec touch -h -d '1 hour ago' {} +
    sleep 2.2
}

# still: the output without times.
still() {
    sed -E 's/ in [0-9.]+ s/ in N s/; s/ (less than a second|[0-9]+ s) ago/ N ago/' \
        <<< "$1"
}

# --- a healthy cache ---------------------------------------------------------

build_cache
exits 0 "a healthy cache" check
is "$(still "$out")" "$CACHE  group hf-users  [cache], built-in default
  looked  at 27 entries in N s
  found   nothing wrong" "a healthy cache: what was looked at"
is "$(stat -c '%a %U:%g' "$TREE")" "640 root:900" \
    "what was found is left for logins, and for members to read"
exits 0 "with PATH" check "$CACHE/hub/models--org--a/"
like "$out" 'looked  at 10 entries' "a folder below a cache alone"
exits 2 "a PATH that is no cache's" check /srv
like "$err" "/srv: is in no cache of this policy.*$CACHE" "it says what is"
exits 2 "a PATH with .." check "$CACHE/../huggingface"
exits 2 "no number of threads" check --jobs 0
like "$err" "--jobs 0: give a number of threads, 1 to 64" "it says what is right"
printf '[cache]\npath = /srv/none\n' > /mnt/none.conf
exits 3 "a PATH that is not there" check "$HUB/models--org--none"
is "$(still "$out")" "$HUB/models--org--none  group hf-users  [cache], built-in default
  looked  at 0 entries in N s, then gave up: No such file or directory" \
    "nothing is said of what was not looked at"
is "$err" "hfcache: $HUB/models--org--none: gave up: No such file or directory" \
    "what is not there is named"
exits 3 "no cache" --conf /mnt/none.conf check
like "$err" '/srv/none: No such file' "which folder is not there"
printf '[cache]\ngroup = none\n' > /mnt/none.conf
exits 3 "no group" --conf /mnt/none.conf check
is "$out" "" "no group: nothing else is said"
printf '[cache]\nhosts = nowhere.invalid\n' > /mnt/none.conf
exits 0 "a cache of other machines" --conf /mnt/none.conf check
is "$out" "no cache of the policy is for this machine" "none here: said"
run status
like "$out" 'tree    checked .* ago: 27 entries' "status tells of the check"

# --- what is wrong -----------------------------------------------------------

spoil() {
    chgrp 901 "$HUB/models--org--a/blobs/$BLOB"
    chmod g-s "$HUB/models--org--b"
    chmod 600 "$HUB/models--org--b/refs/main"
    ln -s /etc/passwd "$HUB/models--org--b/snapshots/$SHA/evil.bin"
    chown -h 3001:900 "$HUB/models--org--b/snapshots/$SHA/evil.bin"
    echo secret > "$CACHE/token"
    : > "$HUB/.locks/models--org--a/$(printf 'x\ny\e[31m\xff').lock"
}
spoil
exits 1 "an unhealthy cache" check
is "$(still "$out")" "$CACHE  group hf-users  [cache], built-in default
  looked  at 30 entries in N s
  found   2 alarms, 4 drifts
  alarm   a token: 1
          -0644  root:hf-users  token
          It is somebody's key to the Hub: who can read it acts as its owner,
          and who cannot gets an error from each client that finds it. Its owner
          revokes it at the Hub, and removes the file.
  alarm   leads out of the cache: 1
          l0777  alice:hf-users  hub/models--org--b/snapshots/$SHA/evil.bin
          Who loads this gets whatever lies at the other end, which is not a
          download and may be anybody's.
  drift   wrong group: 1
          -0660  bob:vision  hub/models--org--a/blobs/$BLOB  may have been moved in by another: chgrp by hand
          It does not belong to the cache's group, so that members have no more
          rights to it than anybody.
  drift   setgid lost: 1
          d0770  bob:hf-users  hub/models--org--b
          What is made in this folder does not get the cache's group, and is
          closed to other members.
  drift   bits missing: 1
          -0644  root:hf-users  hub/.locks/models--org--a/x\\x0ay\\x1b[31m\\xff.lock  a file of root's: --foreign mends it
          Those who share the cache lack a right to it that clients need: they
          see \"Permission denied\".
  drift   closed by its owner: 1
          -0600  bob:hf-users  hub/models--org--b/refs/main
          Its owner closed it to the group, and nobody else opens it, lest it be
          private.
  whose   alice        hub/models--org--b  1 alarm
          root         token  1 alarm
          bob          hub/models--org--b  2 drifts
          root         hub/.locks/models--org--a  1 drift
          bob          hub/models--org--a  1 drift
  next    sudo hfcache repair  mends 1 of these; the next logins of
          members mend their own
          sudo hfcache repair --foreign  mends 1 of root's or nobody's
          rm the token; its owner makes a new one, and keeps it at home
          rm what an alarm names and nobody needs: clients get it anew
          by hand, its owner, where members are to have it:
          chgrp -R hf-users PATH && chmod -R g+rwX PATH" \
    "what is wrong, whose it is, what it means, what to type"
exits 1 "with --all" check --all
is "$(grep -c '^\(alarm\|drift\)' <<< "$out")" 6 "--all: a line for each inode"
like "$out" $'\n''drift  d0770  bob:hf-users  hub/models--org--b  setgid lost' \
    "--all: what, whose, where"
run check --json --all
valid "check --json --all" check
asked '.caches[0].summary | [.healthy, .complete, .alarms, .drifts, .mendable]' \
    '[false,true,2,4,1]' "JSON: the summary"
asked '[.caches[0].findings[] | select(.findings == ["setgid"])][0] |
    [.path, .kind, .severity, .owner, .mode, .group, .want.mode, .fate]' \
    '["hub/models--org--b","repository","drift","bob","0770","hf-users","2770","mendable"]' \
    "JSON: a finding, and what is right"
asked '[.caches[0].findings[] | select(.path_b64)] | length' 1 \
    "JSON: a path that is not UTF-8"
asked '.caches[0].repositories[0] | [.path, .owner, .alarms]' \
    '["hub/models--org--b","alice",1]' "JSON: a repository"
is "$(grep -c '^drift=' "$TREE")" 2 "whose logins mend, and what only he opens"

# --- repair ------------------------------------------------------------------

exits 1 "repair --dry-run" repair --dry-run
like "$out" 'would   mend 1 inode' "repair --dry-run: how many"
is "$(stat -c %a "$HUB/models--org--b")" 770 "repair --dry-run changes nothing"
exits 1 "repair" repair
like "$out" 'mended  1 inode' "repair: how many"
is "$(stat -c %a "$HUB/models--org--b")" 2770 "repair mends"
is "$(stat -c %a "$HUB/models--org--b/refs/main")" 600 \
    "repair opens nothing that its owner closed"
is "$(stat -c %G "$HUB/models--org--a/blobs/$BLOB")" vision \
    "repair opens nothing that another may have moved in"
run repair --dry-run --foreign
like "$out" 'next +sudo hfcache repair --foreign  mends' \
    "repair --dry-run --foreign: what to type"
exits 1 "repair --foreign" repair --foreign
is "$(stat -c %a "$HUB"/.locks/models--org--a/x*)" 664 \
    "repair --foreign mends a file of root's"
echo "no commit's name" > "$HUB/models--org--b/refs/moved"
chown 3002:900 "$HUB/models--org--b/refs/moved"
chmod 644 "$HUB/models--org--b/refs/moved"
chgrp 901 "$HUB/models--org--b/refs/moved"
settle
exits 1 "repair of what nobody else gets the right to change" repair
like "$out" "found   .*drift   bits missing: 1
 *-0644  bob:vision  hub/models--org--b/refs/moved  mended in part: chmod by hand" \
    "says that it is not right yet"
like "$out" 'mended  1 inode' "and counts what was done"
settle
exits 1 "repair of what may have been moved in" repair
like "$out" "refs/moved  may have been moved in by another: chmod by hand" \
    "says why it is left"
rm "$CACHE/token" "$HUB/models--org--b/snapshots/$SHA/evil.bin" \
    "$HUB/models--org--b/refs/moved"
chmod 660 "$HUB/models--org--b/refs/main"
chgrp 900 "$HUB/models--org--a/blobs/$BLOB"
exits 0 "repair of a healthy cache" repair

# With few descriptors nobody's groups can be read, and none may be believed.
chmod g-s "$HUB/models--org--b"
(ulimit -n 7 && exec "$HFCACHE" repair --jobs 1) > short 2>&1
is "$?" 3 "repair, short of descriptors, gives up"
like "$(cat short)" 'gave up: Too many open files
.*raise the limit of open files: ulimit -n 1024' "and says what helps"
is "$(stat -c %a "$HUB/models--org--b")" 770 "nothing is mended then"
chmod 2770 "$HUB/models--org--b"

# --- what to type next is true -----------------------------------------------

# next_of: the advice.
next_of() {
    sed -n '/^  next/,$p' <<< "$out"
}

printf '[cache]\nacl = no\nrepair = off\n' > /mnt/off.conf
chmod g-s "$HUB/models--org--a"
exits 1 "with another policy" --conf /mnt/off.conf check
is "$(next_of)" "  next    sudo hfcache --conf /mnt/off.conf repair  mends 1 of these" \
    "the command has that policy, and logins do not mend what it keeps from them"
chown 0 "$HUB/models--org--a"
exits 1 "what is root's" check
is "$(next_of)" "  next    sudo hfcache repair  mends 1 of these" "no login mends"
chown 77777:77778 "$HUB/models--org--a"
run --conf /mnt/off.conf check --json
asked '[(.caches[0].findings[0] | [.owner, .uid, .group, .gid]),
    (.caches[0].repositories[0] | [.owner, .uid])]' \
    '[[null,77777,null,77778],[null,77777]]' "JSON: who has no name is null"
chown 3002:900 "$HUB/models--org--a"
chmod 700 "$HUB/models--org--a"
chmod 640 "$HUB/models--org--a/refs/main"
exits 1 "what is the group's, in a folder that is closed" check --full
like "$out" "refs/main  may have been moved in by another: chmod by hand" \
    "wants no chgrp"
chmod 2770 "$HUB/models--org--a"
chmod 660 "$HUB/models--org--a/refs/main"

moved=$HUB/models--org--moved
repository 3002 models--org--moved
chown -hR 3002:3002 "$moved"
chmod 600 "$moved/blobs/$BLOB"
settle
exits 1 "repair of what was moved in, but a blob that is closed" repair
like "$(next_of)" "^  next    by hand, .*
          chgrp -R hf-users PATH && chmod -R g\+rwX PATH$" "says what to type"
eval "$(sed -n "s,PATH,'$moved',g; s/^ *\(chgrp.*\)/\1/p" <<< "$out")"
exits 0 "with that, and repair, all is well" repair

chown -hR 0:0 "$moved"
settle
exits 1 "what root has moved in" repair
is "$(next_of)" "  next    sudo hfcache repair --foreign  mends 9 of root's or nobody's" \
    "is left together, with what to type"
exits 0 "which mends it" repair --foreign
rm -r "$moved" "$HUB/.locks/models--org--moved"

# --- what was begun -----------------------------------------------------------

part=$HUB/models--org--a/blobs/$BLOB.incomplete
touch -d '-23 hours' "$part"
exits 0 "a download of today" check
unlike "$out" unfinished "is no word worth"
touch -d '-25 hours' "$part"
exits 0 "one of yesterday" check --full
like "$out" "note    unfinished for a day: 1
 *-0644  root:hf-users  ${part#"$CACHE"/}" "is a note"
rm "$part"

# --- several links -----------------------------------------------------------

ln "$HUB/models--org--a/blobs/$BLOB" "$HUB/models--org--b/blobs/$(printf '%064d' 9)"
exits 0 "a file with two names in the cache is healthy" check --full
like "$out" "note    several links in the cache: 1" "and worth a note, once"
ln "$HUB/models--org--a/blobs/$BLOB" /srv/outside
exits 1 "a file with a name outside is not" check
like "$out" "alarm   several links: 1" "but an alarm"
find=$(sed -n "s,FILE,/srv/outside,g; s/^ .*sudo \(find.*\)  tells all its names/\1/p" <<< "$out")
is "$(eval "$find" | wc -l)" 3 "and what it says to type finds all its names"
chmod 600 /srv/outside
exits 1 "repair" repair
is "$(stat -c %a /srv/outside)" 600 "and repair leaves it alone"
rm /srv/outside "$HUB/models--org--b/blobs/$(printf '%064d' 9)"
chmod 660 "$HUB/models--org--a/blobs/$BLOB"
exits 0 "with one name it is healthy" check --full

# --- as a member -------------------------------------------------------------

as_bob() {
    out=$(setpriv --reuid 3002 --regid 3002 --groups 3002,900 "$HFCACHE" "$@" \
        2> /mnt/err)
    code=$?
    err=$(cat /mnt/err)
}
chmod 755 /mnt
chmod g-s "$HUB/models--org--a" "$HUB/models--org--b"
chown 3001 "$HUB/models--org--a"
as_bob check
is "$code" 1 "a member's check finds drift"
like "$out" 'sudo hfcache repair  mends 1 of these; what is yours
          hfcache repair  mends$' "and says what he can type himself"
as_bob repair --dry-run
like "$out" '  next    hfcache repair  mends 1 of these$' "his own dry run, too"
as_bob repair
like "$out" 'mended  1 inode' "a member's repair mends his own"
unlike "$out" '  next ' "which leaves nothing for others to type"
like "$out" "d0770  alice:hf-users  hub/models--org--a  somebody else's" \
    "and says whose the rest is"
is "$(stat -c %a "$HUB/models--org--a" "$HUB/models--org--b" | xargs)" \
    "770 2770" "his own alone is changed"
is "$(find /run/hfcache -newer /mnt/err | head -n 1)" "" \
    "a member's run leaves nothing in the state folder"

(cd "$HUB" && seq -f 'x%.0f' 5000 | xargs touch)
chmod g-s "$HUB/models--org--b"
exits 1 "a check of a cache full of strange names" check
like "$(cat "$TREE")" 'drift=3002 [0-9]+ hub/models--org--b' \
    "what its owner's login mends is named all the same"
(cd "$HUB" && seq -f 'x%.0f' 5000 | xargs rm)

chmod 700 "$HUB/models--org--a"
as_bob check "$HUB/models--org--a"
is "$code" 1 "what a member may not open"
like "$out" 'could not be looked at: 1' "is told, be it PATH itself"
chmod 2770 "$HUB/models--org--a"

# --- what has not changed ----------------------------------------------------

build_cache
settle
exits 0 "a first check" check
exits 0 "a second one" check
like "$out" 'looked  at 19 entries .*known   8 entries' \
    "what has not changed is not read again, and that is said"
like "$out" '8 entries in folders that have not changed, the oldest .* ago;
          a chmod, chown or hard link of a file among them would not be seen:' \
    "what that can miss is said"
chmod 600 "$HUB/models--org--a/refs/main"
exits 0 "a file's own bits are not seen" check
exits 1 "with --full they are" check --full
: > "$HUB/.locks/models--org--b/new.lock"
exits 1 "a new file is found" check
like "$out" "hub/.locks/models--org--b/new.lock" "it is named"
unlike "$out" "new.lock  may have been moved in" \
    "what holds it was not read again, and is trusted as it was"
exits 1 "what was found is found again" check
like "$out" "bits missing: 1.*closed by its owner: 1" "all of it"
rm "$HUB/.locks/models--org--b/new.lock"
chmod 660 "$HUB/models--org--a/refs/main"
exits 0 "what was mended is seen" check
touch /var/lib/hfcache/.f6cf77228e1adabf.snapshot.4711
printf x >> /var/lib/hfcache/*.snapshot
exits 0 "with a damaged memory" check
unlike "$out" known "it looks at all"
is "$(ls -A /var/lib/hfcache/)" "$(printf 'f6cf77228e1adabf.snapshot%s\n' '' .lock)" \
    "and removes what a check that was killed has left"
if command -v python3 > /dev/null; then
    settle
    touch /var/lib/hfcache/.f6cf77228e1adabf.snapshot.4711
    before=$(stat -c '%i %y' /var/lib/hfcache/*.snapshot)
    # locked COMMAND...: while another check holds the lock.
    locked() {
        python3 -c '
import fcntl, subprocess, sys
with open(sys.argv[1], "r+") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    sys.exit(subprocess.call(sys.argv[2:]))
' /var/lib/hfcache/*.snapshot.lock "$@" > /mnt/out 2> /mnt/err
    }
    locked "$HFCACHE" check
    is "$?" 0 "of two checks at once the second one looks"
    is "$(stat -c '%i %y' /var/lib/hfcache/*.snapshot)" "$before" \
        "and leaves what is remembered to the first"
    is "$(ls /var/lib/hfcache/.f*)" /var/lib/hfcache/.f6cf77228e1adabf.snapshot.4711 \
        "with what that is writing"
    touch -d '-7 hours' /var/lib/hfcache/*.snapshot.lock
    locked "$HFCACHE" check
    is "$?" 3 "but not when the first began hours ago: exit 3"
    is "$(cat /mnt/err)" "hfcache: $CACHE: a check that began 7 hours ago has not come back: no further one is begun until it ends; does the file system answer?" \
        "and why"
    if command -v strace > /dev/null &&
        strace -qq -e trace=none -o /dev/null true 2> /dev/null; then
        locked strace -f -qq -o /mnt/trace "$HFCACHE" check
        is "$(grep -cE "\"${CACHE##*/}\"|\"${CACHE}[/\"]" /mnt/trace)" 0 \
            "and it did not touch the cache"
        rm /mnt/trace
    fi
    locked "$HFCACHE" check "$HUB"
    is "$?" 0 "what is asked for by its path is looked at"
    exits 0 "when that has ended" check
    is "$(find /var/lib/hfcache/*.snapshot.lock -mmin -5 | wc -l)" 1 \
        "the next one takes the lock, from now on"
else
    skip "no python3 to hold a lock" "two checks at once"
fi
policy <<< $'[cache]\nacl = no\nmode = 2775'
exits 1 "with another policy" check
unlike "$out" known "it looks at all, too"
like "$out" 'hub  wants bits of others: chmod o\+rx' "what is not mended, and why"
chmod 2750 "$HUB"
exits 1 "repair gives others nothing" repair
like "$out" 'd2750  root:hf-users  hub  mended in part: chmod o\+rx' "and says so"
is "$(stat -c %a "$HUB")" 2770 "but gives the group what it wants"

# --- what is mounted over it -------------------------------------------------

build_cache
mount -t tmpfs none "$HUB/models--org--a/trees"
exits 0 "something mounted in a repository is a note" check
like "$out" 'note    another file system: 1' "and is told"
umount "$HUB/models--org--a/trees"
for folder in hub hub/.locks; do
    mount -t tmpfs none "$CACHE/$folder"
    exits 1 "something mounted over $folder is none: no login has the cache" check
    like "$out" "$folder  a mount of its own: umount it" "and what it is"
    umount "$CACHE/$folder"
done

# --- ^C ----------------------------------------------------------------------

if command -v strace > /dev/null &&
    strace -qq -e trace=none -o /dev/null true 2> /dev/null; then
    ended=complete tree_drifts=77 entries=1000 named=$'drift=3002 1 hub/models--org--last\n'
    checked 3600000
    rc=0
    # What looks for leaks does not work while strace looks on.
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /mnt/trace \
        -e trace=getdents64 \
        -e inject=getdents64:delay_enter=2000000:when=5 \
        "$HFCACHE" check --full --jobs 1 > /mnt/out 2> /dev/null &
    for _ in {1..500}; do
        [ "0$(grep -cs getdents64 /mnt/trace)" -lt 5 ] || break
        sleep 0.02
    done
    kill -INT "$(head -n 1 /mnt/trace | cut -d ' ' -f 1)"
    wait $! || rc=$?
    out=$(cat /mnt/out)
    is "$rc" 3 "^C: exit 3"
    like "$out" 'looked  at .*, then stopped; the rest is unknown' \
        "^C: what was seen until then is told"
    like "$(cat "$TREE")" 'drift=3002 1 hub/models--org--last' \
        "^C: what the last check named stays"
    like "$(cat "$TREE")" 'drifts=77
.*interrupted=[1-9]' "^C: and what it counted, but that this one ended is told"
    run status
    like "$out" 'tree    checked 60 min ago: 1,000 entries.*
          a check was interrupted .* ago; what it found is added' \
        "^C: by status, too"
    unchecked
else
    skip "strace does not work here" "^C"
fi
done_testing
