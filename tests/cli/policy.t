#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# hfcache policy: each value with its origin; a mistake with FILE:LINE.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

exits 0 "no policy at all" policy
is "$(head -n 4 <<< "$out")" \
    "policy  /etc/security/hfcache.conf does not exist: built-in defaults

[cache]
  path              /srv/huggingface  built-in default" \
    "no policy: the defaults, and said so"
is "$(grep -c 'built-in default$' <<< "$out")" 20 "no policy: every key"

policy <<< $'[cache]\nusers = *, alice bob !@intrens, @vision carol 5000'
exits 0 "names that nobody has" policy
is "$(grep -A9 '^/etc' <<< "$out")" \
    "$POLICY:2: users: no group \"intrens\" on this machine

$POLICY:2: users: no user \"carol\" on this machine" \
    "names that nobody has: said, and no others"

policy <<'END'
[cache]
path = /data/hf
umask = 007

[cache vision]
path = /data/vision
users = @vision !bob

[env]
HF_HUB_OFFLINE = 1
HF_XET_CACHE =
END
mkdir "$POLICY.d"
printf '[cache]\numask = 002\n' > "$POLICY.d/10-umask.conf"
exits 0 "a policy with a drop-in" policy
is "$(head -n 7 <<< "$out")" \
"policy  /etc/security/hfcache.conf, then /etc/security/hfcache.conf.d/10-umask.conf
        the first section that matches a login takes it

[cache vision]  /etc/security/hfcache.conf:5
  path              /data/vision  /etc/security/hfcache.conf:6
  group             hf-users      built-in default
  mode              2770          built-in default" \
    "the files, then sections, aligned"
like "$out" '  users             @vision !bob  /etc/security/hfcache.conf:7
' "a list as it was written"
is "$(grep -c '  umask  *002  */etc/security/hfcache.conf.d/10-umask.conf:2$' \
    <<< "$out")" 2 "a drop-in's value, inherited by the named section"
is "$(sed -n '/^\[env\]/,$p' <<< "$out")" "[env]
  HF_HUB_OFFLINE    1             /etc/security/hfcache.conf:10
  HF_XET_CACHE      (left out)    /etc/security/hfcache.conf:11" "[env]"

exits 0 "--json" policy --json
valid "policy --json" policy
asked '.files[1].path' "$POLICY.d/10-umask.conf" "JSON: files"
asked '.sections[0] | [.name, .line, .values.path.value, .values.path.line]' \
    '["vision",5,"/data/vision",6]' "JSON: a section and a value"
asked '.sections[1].values.group | [.value, .file, .line]' \
    '["hf-users",null,null]' "JSON: a default has no origin"
asked '[.env[] | .name, .value]' '["HF_HUB_OFFLINE","1","HF_XET_CACHE",""]' \
    "JSON: env"

# --- mistakes ---------------------------------------------------------------

policy <<< $'[cache]\npath = /data/hf\ncolour = blue'
exits 2 "an unknown key" policy
is "$out" "" "a refused policy: nothing on stdout"
like "$err" "^hfcache: $POLICY:3: " "an unknown key: FILE:LINE"
for command in "explain bob" "env bob" status "setup --dry-run"; do
    # shellcheck disable=SC2086
    exits 2 "$command with a refused policy" $command
    like "$err" "^hfcache: $POLICY:3: " "$command: FILE:LINE"
done
printf '[cache]\numask = 9\n' > /mnt/other
exits 2 "--conf" policy --conf /mnt/other
like "$err" '^hfcache: /mnt/other:2: ' "--conf: FILE:LINE of that file"
exits 2 "--conf that is not there" policy --conf /mnt/absent
like "$err" '/mnt/absent: ' "--conf that is not there is named"
policy <<< '[cache]'
chmod 666 "$POLICY"
exits 2 "a policy that anybody can write" policy
like "$err" "$POLICY: .*chmod" "a policy that anybody can write: what to type"
done_testing
