# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What faults.t and memory.t share: the machine that `inject` breaks again and
# again, and a test for each subject.

strace -qq -o /dev/null true 2> /dev/null ||
    skip_all "strace may not trace here"
build /run/faults -rdynamic "$SYSTEM/faults.c" "$SRC/tests/pam/snapshot.c" -lpam

install_project
sed -i 's/^group:.*/group: files systemd/' /etc/nsswitch.conf
policy <<< $'[cache]\npath = /srv/deep/er/huggingface\ndeadline = 5s'
quietly hfcache setup
users alice bob carol dave # carol is no member yet
groupadd interns
usermod -g interns dave
usermod -aG hf-users alice
usermod -aG hf-users bob
cat > /etc/pam.d/faults <<'END'
auth optional pam_hfcache.so
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
session optional pam_hfcache.so
END

# inject KIND COUNT SUBJECT TEST
inject() {
    local out count=$2
    [ "${FAULTS-}" != all ] || count=0
    out=$("$SYSTEM/inject" "$1" "$count" "$3" 2>&1)
    is "$(grep -v '^#' <<< "$out")" "" "$4"
    diag "$(grep '^#' <<< "$out")"
}
