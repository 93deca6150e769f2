#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# MUST 2.6.3: the host is left as it was.  The same session is looked at with
# and without the module, in the user's process and in the login program.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

install_project
quietly hfcache setup
users alice
usermod -aG hf-users alice # the groups are another test's subject
start_sshd
echo 'alice ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice

install -m 755 /dev/stdin /usr/local/bin/inventory <<'END'
#!/bin/bash
# What a session inherits, and what its login program has become.
tidy() {
    sed -E 's/(pipe|socket|anon_inode|pts|net):?[^ ]*/\1/; s/[0-9]{3,}/N/g'
}
echo "umask $(umask), folder $PWD"
grep -E '^(Uid|Gid|SigBlk|SigIgn|SigCgt|Cap...|NoNewPrivs|Umask):' \
    "/proc/$PPID/status" | grep -v SigCgt
(cd "/proc/$PPID/fd" && for fd in *; do
    echo "parent fd $fd $(readlink "$fd")"; done) 2> /dev/null | tidy
for fd in /proc/self/fd/*; do
    [ "$fd" -ef /proc/self/fd ] || echo "fd ${fd##*/}"
done | sort -u
parent=$(ps -o ppid= -p "$PPID" | tr -d ' ')
children() {
    ps -o comm= --ppid "$1" | sort | xargs
}
echo "children of the login program: $(children "$PPID")"
echo "of its parent: $(children "$parent")"
ulimit -a
env | grep -vE '^(HF_|KERNELS_CACHE|TRACKIO_DIR|SSH_|_=)' | sort
ls /proc/*/exe -l 2> /dev/null | grep -c hfcache-probe
END

inventories() { # FOLDER
    mkdir -p "$1"
    local how
    for how in ssh su su_login sudo sudo_login runuser; do
        "by_$how" alice /usr/local/bin/inventory > "$1/$how" 2>&1
    done
    by_login alice "/usr/local/bin/inventory > /tmp/inventory.login" \
        > /dev/null
    mv /tmp/inventory.login "$1/login"
}

inventories "$WORK/without"
quietly hfcache enable sshd su su-l sudo sudo-i runuser runuser-l login
inventories "$WORK/first"
wait_for 5 no_helper
inventories "$WORK/second"
for how in ssh su su_login sudo sudo_login runuser login; do
    is "$(diff "$WORK/without/$how" "$WORK/second/$how")" "" \
        "MUST 2.6.3: $how: nothing differs but our variables"
done
isnt "$(wc -l < "$WORK/without/ssh")" 0 "there was something to compare"

policy <<< $'[cache]\numask = 002'
is "$(by_ssh alice umask)" 0002 "the policy's umask: sshd"
is "$(by_su alice umask)" 0002 "the policy's umask: su"
is "$(by_ssh root umask)" 0022 "root's umask is untouched"
done_testing
