#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Who may include what, and which calls have a single place.  A failure names
# the line; the remedy is to move the code, or to change the order here and say
# why in the commit.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh

# A file includes files of its own family (policy: policy_file, policy_env, ...)
# and of lines above its own, never of its own line or below.
ORDER="
util
json safefs probe pamfile shed membership_names
snapshot policy verdict pamstack members processes
walk layout pamedit
decision errand mend
membership look
login audit mender join
cli
report setup
explain
cmd
pam_hfcache hfcache hfcache_probe
"

# family NAME: the word of ORDER that NAME belongs to.
family() {
    local word=" ${ORDER//$'\n'/ } "
    case $word in *" $1 "*) echo "$1"; return ;; esac
    case $word in *" ${1%%_*} "*) echo "${1%%_*}"; return ;; esac
    return 1
}

declare -A RANK
rank=0
while read -r line; do
    for name in $line; do
        RANK[$name]=$rank
    done
    rank=$((rank + 1))
done <<< "$ORDER"

unknown='' upward=''
for file in pam_hfcache/*.[ch]; do
    name=$(basename "$file")
    name=${name%.*}
    own=$(family "$name") || { unknown+="$file "; continue; }
    while read -r other; do
        its=$(family "$other") || { unknown+="$other "; continue; }
        [ "$its" = "$own" ] || [ "${RANK[$its]}" -lt "${RANK[$own]}" ] ||
            upward+="$file includes $other.h"$'\n'
    done < <(sed -n 's/^#include "\(.*\)\.h"/\1/p' "$file")
done
is "$unknown" "" "each file has its place in the order"
is "$upward" "" "files include only what stands above them in the order"

# only PATTERN FILES NAME: lines of code with PATTERN are in FILES alone.
only() {
    local pattern=$1 files=$2 name=$3 found
    found=$(grep -nE "$pattern" pam_hfcache/*.[ch] |
        grep -vE ':[0-9]+: *(\*|/\*)' |
        grep -vE "^pam_hfcache/($files)\.[ch]:")
    is "$found" "" "$name"
}

only '^#include <security/' pam_hfcache "libpam is known to pam_hfcache.c alone"
only '^#include <ini\.h>' policy_file "inih is known to policy_file.c alone"
only '^#include <(pwd|grp|nss)\.h>' 'membership.*|join|shed' \
    "NSS is asked in membership, and by helpers about themselves"
only '\b(setgroups|initgroups|set(res|re)?[ug]id|setfs[ug]id)\(' \
    'membership|shed' "groups and ids change in membership and shed alone"

# /proc and /dev hold no user's files; slots are opened in the judged folder.
only '\b(open(at2?)?|creat|fopen|opendir|fdopendir|scandir|nftw?|fts_open)\([^"]' \
    'safefs.*|verdict_slot' "files are opened by path in safefs alone"
only '\b(l?stat|fstatat|statx|access|faccessat|readlink|readlinkat)\([^"]' \
    'safefs.*' "files are looked at by path in safefs alone"
only '\b(l?f?chmod(at2?)?|l?f?chown(at)?|mkdir(at)?|mknod(at)?|rename(at2?)?)\(' \
    'safefs.*' "modes, owners and names change in safefs alone"
only '\b(unlink(at)?|rmdir|remove|link(at)?|symlink(at)?|truncate)\(' \
    'safefs.*' "names come and go in safefs alone"
only '\b[lf]?(set|remove)xattr\(' 'safefs.*' "ACLs change in safefs alone"
only '\bpthread_create\(' 'walk|cmd_check' \
    "threads are started in walk, and to take ^C in cmd_check, alone"
only '\b(fork|vfork|clone|clone3)\(' 'probe|mender' \
    "processes are forked in probe and mender alone"
only '\b(system|popen|exec[lv]p?e?|execvpe)\(' none \
    "no shell is started, and nothing by a search path"

# The core says what is wrong by its result; it does not speak or end.
only '\b(v?printf|puts|putchar|perror|exit|_exit|abort|assert|v?syslog)\(' \
    'pam_hfcache|hfcache|hfcache_probe|cli|cmd_.*|report.*|json|explain_json|setup_.*|mender|shed' \
    "the core neither prints nor logs nor ends the process"
only '\b(strtok|localtime|gmtime|ctime|asctime|strerror|getpwnam|getpwuid|getgrnam|getgrgid|getpwent|rand|setlocale|setenv|putenv|unsetenv|signal)\(' \
    'membership_names|join|membership|cmd_.*|explain_stack|setup_.*|report.*|cli|hfcache|hfcache_probe|shed|mender' \
    "what a module runs is reentrant and leaves the host's state alone"
only '\b(strcat|gets|sprintf|vsprintf|alloca)\(' none \
    "no call that knows no bound"
done_testing
