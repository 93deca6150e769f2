#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the module's file exports, needs and holds.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
module=${BUILD:=build}/pam_hfcache.so

is "$(nm -D --defined-only "$module" | awk '{ print $3 }' | sort)" \
    "pam_sm_acct_mgmt
pam_sm_authenticate
pam_sm_chauthtok
pam_sm_close_session
pam_sm_open_session
pam_sm_setcred" "the module exports the hooks of PAM and nothing else"

if nm -D "$module" | grep -q __asan_init; then
    skip "this build is instrumented" "the module needs libpam and libc alone"
    skip "this build is instrumented" "the module has no mutable static data"
    done_testing
fi

needed=$(readelf -d "$module" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*\]/\1/p')
unlike "$(grep -vE '^(libpam|libc|libinih|ld-linux.*)$' <<< "$needed")" . \
    "the module needs libpam, libc and inih alone"

# d, D, b, B are data that can be written at run time; what remains after
# relocation is read-only (.data.rel.ro) counts as d, too, but lies elsewhere.
sections=$(readelf -SW "$module" |
    sed -n 's/^ *\[ *\([0-9]*\)\] \.\(data\|bss\) .*/\1/p' | paste -sd'|')
mutable=$(readelf -sW "$module" |
    awk -v wanted="^($sections)$" '$4 == "OBJECT" && $7 ~ wanted { print $8 }' |
    grep -vE '^(completed\.[0-9]+|__dso_handle|__TMC_END__|_edata|ini_.*)$')
is "$mutable" "" "the module has no mutable static data of its own"

like "$(readelf -dW "$module")" "BIND_NOW|NOW" \
    "the module's symbols are bound when it is loaded"
unlike "$(readelf -lW "$module" | grep GNU_STACK)" "RWE" \
    "the module's stack is not executable"
unlike "$(nm -D --undefined-only "$module")" \
    ' (fork|vfork|system|popen|(__)?v?syslog(_chk)?|openlog|setenv|putenv|unsetenv|exit|chdir|setlocale|sleep|alarm|signal|sigaction|setuid|initgroups)(@|$)' \
    "the module calls nothing that changes or ends its host"
unlike "$(nm -D --undefined-only "$module")" \
    ' (p?write(v|64)?|creat(64)?|f?truncate(64)?|rename(at2?)?|unlink(at)?|rmdir|(sym)?link(at)?|f?ch(mod|own)(at)?|[lf]?setxattr|fork|execv?e?)(@|$)' \
    "the module cannot even change a file: it has no call that does"
done_testing
