#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache explain: whether PAM gets there, which line of the policy decides
# what, and what follows; nothing is changed, the cache is not touched.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

line="-session optional pam_hfcache.so"

# --- PAM --------------------------------------------------------------------

exits 1 "no line of ours" explain bob
is "$(head -n 3 <<< "$out")" "PAM: sshd
  session  no line
  auth     no line, none needed" "no line: said first"
like "$out" 'sshd does not reach the module: nothing of this happens
To mend it: sudo hfcache enable sshd$' "no line: what to type"

sed -i "/^@include common-session/i $line" /etc/pam.d/sshd
exits 0 "our line" explain bob
like "$out" "
  session  /etc/pam.d/sshd:6: optional pam_hfcache.so
" "our line: FILE:LINE"
like "$out" '
11 variables will be set$' "our line: the last word"
exits 0 "a service is looked up in lower case, as libpam does" \
    explain bob --service SSHD
exits 1 "a service without a file" explain bob --service nosuch
like "$out" '^PAM: nosuch  \(has no file: libpam takes those of "other"\)' \
    "a service without a file: other is said to serve"
like "$out" 'To mend it: name a service that is in /etc/pam.d$' \
    "a service without a file: nothing that enable would refuse"

service deep <<< 'session substack middle'
service middle <<< $'session required pam_unix.so\nsession include inner'
service inner <<< 'session optional pam_hfcache.so debug'
exits 0 "our line three files down" explain bob --service deep
like "$out" '  session  /etc/pam.d/inner:1: optional pam_hfcache.so debug' \
    "includes and substacks: FILE:LINE of the file that has it"
service lost <<< $'session include nowhere\n'"$line"
exits 1 "an include of nothing" explain bob --service lost
like "$out" '/etc/pam.d/lost:1: includes "nowhere"' "an include of nothing: said"

service early <<END
auth sufficient pam_rootok.so
auth optional pam_hfcache.so
session [success=1 default=ignore] pam_succeed_if.so uid = 0
$line
session required pam_unix.so
END
exits 0 "a line that another may pass over" explain bob --service early
like "$out" 'passed over if /etc/pam.d/early:3 \(success=1 default=ignore pam_succeed_if.so\)' \
    "a jump: named"
like "$out" 'passed over if /etc/pam.d/early:1 \(sufficient pam_rootok.so\)' \
    "sufficient: named"

service typing <<'END'
session optinal pam_hfcache.so
END
exits 1 "a control that libpam does not know" explain bob --service typing
like "$out" '/etc/pam.d/typing:1: control "optinal" is not known, and libpam fails' \
    "a control that libpam does not know: where, and what"
like "$out" 'To mend it: see to what is said of its lines above$' \
    "a control that libpam does not know: not to enable it once more"
rm /etc/pam.d/typing

rm "$MODULE"
exits 1 "no module to load" explain bob
like "$out" "$MODULE does not exist" "no module: said"
: > "$MODULE"

# --- policy -----------------------------------------------------------------

policy <<'END'
[cache]
membership = session
umask = 007

[cache vision]
path = /data/vision
group = vision
users = @vision
home = private
END
exits 0 "a named section" explain bob
like "$out" "
Policy
  $POLICY
  \[cache vision\] takes this login: .*$POLICY:5\)
" "a named section: taken, FILE:LINE"
like "$out" "
  HF_HUB_CACHE=/data/vision/hub +$POLICY:6
" "a variable: FILE:LINE"
like "$out" "
  umask 007 +$POLICY:3
" "the umask: FILE:LINE"
like "$out" "
  vision \(gid 901\): bob is a member
  given by others than hfcache: the system, its admin, a directory
  membership = session \($POLICY:2\)
" "the group: gid, membership, FILE:LINE"

exits 1 "session only, and no auth line" explain alice
like "$out" "\[cache vision\] does not: users = @vision \($POLICY:8\)" \
    "a section that does not match: which key"
like "$out" '  auth     no line, and membership = session needs one' \
    "session only: the auth line is missed"
like "$out" 'To mend it: sudo hfcache enable --auth sshd$' \
    "session only: what to type"
like "$out" 'not-member' "session only: not a member"
sed -i '2i -auth optional pam_hfcache.so' /etc/pam.d/sshd
exits 0 "session only, with the auth line" explain alice
like "$out" '  auth     /etc/pam.d/sshd:2: optional pam_hfcache.so' \
    "the auth line: FILE:LINE"
like "$out" 'alice is not a member yet, and will be added' "the login adds"
exits 1 "root" explain root
like "$out" '
root is left alone: no section takes this login$' "root: left alone"
exits 3 "an unknown user" explain nosuch
like "$err" '^hfcache: .*nosuch' "an unknown user is named"

printf '[cache]\ngroup = vision\n' > /mnt/other
sed -i 's,^-session.*,& conf=/mnt/other,' /etc/pam.d/sshd
exits 0 "conf= of the line" explain bob
like "$out" '
  /mnt/other
' "conf= of the line: that is the policy"
like "$out" 'vision \(gid 901\)' "conf= of the line: in force"
exits 0 "--conf beats it" explain bob --conf "$POLICY"
like "$out" "
Policy
  $POLICY
" "--conf beats it: said"
sed -i 's, conf=/mnt/other, conf=other path=/srv/x,' /etc/pam.d/sshd
exits 0 "arguments that the module ignores" explain bob
like "$out" 'ignored: conf=other path=/srv/x; give conf=/PATH or debug' \
    "arguments that the module ignores: said"
like "$out" "
Policy
  $POLICY
" "arguments that the module ignores: ignored here, too"
sed -i 's, conf=other path=/srv/x, [conf=/mnt/an ot[her\\]] [debug],' /etc/pam.d/sshd
cp /mnt/other '/mnt/an ot[her]'
exits 0 "an argument in brackets" explain bob
like "$out" '
  /mnt/an ot\[her\]
' "an argument in brackets: read as libpam reads it"
unlike "$out" 'ignored:' "an argument in brackets: known"
sed -i 's, .conf=.*,,' /etc/pam.d/sshd

rm "$POLICY"
sed -i 2d /etc/pam.d/sshd # the auth line, which would add them to the session
printf '%s\n' 'the eve:x:3009:3009::/home/eve:/bin/sh' >> /etc/passwd
exits 1 "a name that no helper is given" explain 'the eve'
like "$out" 'the eve is not a member, and is not added' \
    "a name that no helper is given: as the login, it adds nobody"
like "$out" 'cannot be made lasting: user name the eve: not one that .*: add the' \
    "a name that no helper is given: what helps"
policy <<< $'[cache]\ngroup = 4711'
exits 1 "a gid without a name" explain alice
like "$out" 'cannot be made lasting: gid 4711 has no name .* groupadd --gid 4711' \
    "a gid without a name: what helps"
unlike "$out" 'usermod' "a gid without a name: and not what does not"
sed -i '2i -auth optional pam_hfcache.so' /etc/pam.d/sshd

policy <<< $'[cache]\nmembership = require'
exits 1 "membership = require, not a member" explain alice
like "$out" 'To mend it: sudo usermod -aG hf-users alice$' \
    "membership = require: what to type"
echo 'lab users:x:902:' >> group
policy <<< $'[cache]\nmembership = require\ngroup = lab users'
run explain alice
like "$out" "To mend it: sudo usermod -aG 'lab users' alice$" \
    "a group with a blank: a shell takes what is to be typed"

policy <<< $'[cache]\ngroup = nosuch'
exits 1 "a group that there is not" explain bob
like "$out" 'no group "nosuch"' "an absent group: named"
like "$out" 'To mend it: sudo hfcache setup' "an absent group: what to type"
mount --bind "/proc/$$/mem" /etc/group # what can be opened, and not read
exits 1 "NSS has no answer" explain bob
if [[ $out == *'group "nosuch": Input/output error'* ]]; then
    like "$out" 'To mend it: see to the directory' "no answer: nothing is to be made"
    run status
    like "$out" '  mend    see to the directory' "status, no answer: the same"
else
    skip "this C library takes it for an empty file" "NSS has no answer"
fi
umount /etc/group

# --- the cache, as the last verdict has it ----------------------------------

rm "$POLICY"
exits 0 "no verdict" explain bob
like "$out" '
  /srv/huggingface: unknown
  nobody has looked at the cache since this machine started or setup changed it
' "no verdict: unknown, variables set"
seen 5000
exits 0 "a healthy cache" explain bob
like "$out" '
  /srv/huggingface: usable, looked at [567] s ago
    /srv/huggingface  root:hf-users +drwxr-s--- 2750  default ACL u::rwx,g::rwx,o::---
    hub +root:hf-users +drwxrws--- 2770  default ACL u::rwx,g::rwx,o::---
    hub/.locks +root:hf-users +drwxrws--- 2770  default ACL u::rwx,g::rwx,o::---
    hub/blobs +not there; clients that want it make it
' "a healthy cache: the facts"
steps='step=40755 0 0 /
step=40755 0 0 /srv
step=42750 0 900 /srv/huggingface
'
seen
run explain bob
like "$out" '
    /                 root:root          drwxr-xr-x 0755
    /srv              root:root          drwxr-xr-x 0755
    /srv/huggingface  root:hf-users      drwxr-s--- 2750  default ACL' \
    "the way to a healthy cache: each step, and the root once"
run explain bob --json
asked '.cache.way[1] | [.path, .mode, .owner, .group]' \
    '["/srv","0755","root","root"]' "JSON: the way"
way=13 at=/srv/huggingface steps='step=40755 0 0 /
step=40700 3001 0 /srv
'
seen
exits 1 "a way that is closed" explain bob
like "$out" '
    /                 root:root          drwxr-xr-x 0755
    /srv              alice:root         drwx------ 0700  <- members may not enter it
    /srv/huggingface  not reached
' "a way that is closed: at which step, whose"
way=2 at=/srv/huggingface steps='step=40755 0 0 /
step=40755 0 0 /srv
'
seen
exits 1 "a way that ends" explain bob
like "$out" '
    /srv              root:root          drwxr-xr-x 0755
    /srv/huggingface  <- No such file or directory
' "a way that ends: where"
way=40 at=/srv steps='step=40755 0 0 /
step=120777 3002 3002 /srv
'
seen
exits 1 "a link of a user" explain bob
like "$out" "
    /srv              bob:bob            lrwxrwxrwx 0777  <- a symbolic link that is not root's alone

" "a link of a user: marked, and nothing behind it"
way=0 at='' steps=''
hub='0 40770 0 3001 1'
seen
exits 1 "a closed cache" explain bob
like "$out" 'hub/ is closed to the group' "a closed cache: said"
like "$out" 'The variables will be left out
unusable = omit: the variables are left out
To mend it: sudo hfcache setup$' "a closed cache: what to type"
hub='0 40770 0 900 1'
drifts=$'drift=3002 1 hub/models--a--b\n'
seen
exits 0 "a cache that has drifted" explain bob
like "$out" '/srv/huggingface: usable, with drift' "drift: said"
like "$out" 'hub +root:hf-users +drwxrwx--- 0770 .*<- .*setgid lost' \
    "drift: at the folder that has it"
like "$out" "of bob to be mended below hub/: 1; the login does what it may" \
    "the user's own repositories: said"

named=$'drift=3002 1 hub/models--a--b\ndrift=3002 1 hub/models--c--d\n'
checked
exits 0 "what a check has named" explain bob
like "$out" "of bob to be mended below hub/: 2; the login does what it may" \
    "what look and check have named: each name once"
unchecked

exits 0 "JSON" explain bob --json
valid "explain --json" explain
asked '[.user, .service, .sets_variables]' '["bob","sshd",true]' "JSON: who"
asked '.pam.session | [.reached, .file, .line]' \
    '[true,"/etc/pam.d/sshd",7]' "JSON: PAM"
asked '.group | [.name, .gid, .member, .lasting]' \
    '["hf-users",900,"yes",true]' "JSON: group"
asked '.cache | [.state, .drift, .own_drifts, .tree_closed]' \
    '["usable",true,1,false]' "JSON: cache"
asked '.cache.gate[1] | [.path, .mode, .owner, .group, .drift]' \
    '["/srv/huggingface/hub","0770","root","hf-users",["setgid"]]' \
    "JSON: a folder, its mode octal"
asked '.variables[0] | [.name, .value, .file, .line]' \
    '["HF_HOME","/srv/huggingface",null,null]' "JSON: a variable"

# --- as a user --------------------------------------------------------------

if [ "$REAL_UID" -eq 0 ]; then
    cp "$HFCACHE" /mnt/hfcache
    printf '[cache]\ngroup = vision\n' > /mnt/own
    chown 3002 /mnt/own
    for command in "explain --conf" "env --conf" "policy --conf"; do
        # shellcheck disable=SC2086
        out=$(setpriv --reuid 3002 --regid 3002 --clear-groups /mnt/hfcache \
            $command /mnt/own 2>&1)
        is "$?" 0 "a user's own policy: ${command%% *} takes it" ||
            diag "$out"
    done
    out=$(setpriv --reuid 3002 --regid 3002 --clear-groups /mnt/hfcache \
        explain)
    like "$out" 'hf-users \(gid 900\): bob is a member' \
        "a user without an operand: himself"
    exits 2 "root, with a user's policy" explain bob --conf /mnt/own
    like "$err" '/mnt/own: belongs to uid 3002' "root does not believe it"
else
    skip "needs root" "a user's own policy"
fi

# --- what a user has of his own ---------------------------------------------

# as USER COMMAND...: uid and primary gid of that user, no other group.
as() {
    local id
    id=$(id -u "$1")
    shift
    setpriv --reuid "$id" --regid "$id" --clear-groups "$@"
}

if [ "$REAL_UID" -eq 0 ]; then
    mkdir home
    mount --bind home /home
    private=/home/bob/.cache/huggingface/hub
    mkdir -p $private/models--a--b/blobs $private/datasets--c/blobs $private/.locks
    head -c 3000000 /dev/urandom > $private/models--a--b/blobs/x
    head -c 1500000 /dev/urandom > $private/datasets--c/blobs/y
    chown -R 3002:3002 /home/bob
    chmod 700 /home/bob
    out=$(as bob /mnt/hfcache explain)
    like "$out" "
$private holds 2 repositories that you alone use, 4\.5 MB\.
" "a private cache: its owner is told of it"
    like "$out" "
  cp -rn $private/NAME /srv/huggingface/hub/
  rm -r $private/NAME\$" "and what to type"
    unlike "$out" 'This shell' "a shell without variables is not spoken of"
    out=$(HF_HOME=/data/old TRANSFORMERS_CACHE=$'/x\e' \
        HF_TOKEN_PATH=/home/bob/.cache/huggingface/token \
        as bob /mnt/hfcache explain)
    like "$out" "This shell says otherwise.*
  HF_HOME=/data/old
  TRANSFORMERS_CACHE=/x\\\\x1b
" "what a profile sets in place of a login's: told, with the same left out"
    out=$(HF_HOME=/data/old as alice /mnt/hfcache explain bob)
    unlike "$out" 'This shell' "a shell of another says nothing of bob's"
    out=$(as bob /mnt/hfcache explain --json)
    asked '.private | [.path, .repositories, .complete, .bytes > 4400000]' \
        "[\"$private\",2,true,true]" "JSON: a private cache"
    run explain bob
    unlike "$out" 'you alone' "root is not told, and does not look there"
    out=$(as alice /mnt/hfcache explain bob)
    unlike "$out" 'you alone' "nor is another user"
    # What was typed with a link there would take the cache from everybody.
    mv $private /home/bob/elsewhere
    ln -s /home/bob/elsewhere $private
    chown -h 3002:3002 $private
    out=$(as bob /mnt/hfcache explain)
    unlike "$out" 'you alone' "what lies behind a link is no private cache"
    rm $private
    mkdir $private
    out=$(as bob /mnt/hfcache explain)
    unlike "$out" 'you alone' "an empty one is not spoken of"
    umount /home
else
    skip "needs root to be somebody else" "a private cache"
fi

# --- what it must not do ----------------------------------------------------

only_reads explain bob
is "$(ls /run/hfcache)" "${GATE##*/}" "nothing is left in /run/hfcache"
done_testing
