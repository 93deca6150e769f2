# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A copy of the code, and of what is built of it in BUILD, to plant faults in: for
# the tests that an analysis sees them.

# shellcheck source=tests/lib.sh
. tests/lib.sh
COPY=$(mktemp -d)
trap 'rm -rf "$COPY"' EXIT

# An access one byte behind the end of what was allocated.
OVER_READ='char *volatile byte = strdup("x"); if (byte[2]) return -1; free(byte);'

# copy_code BUILT...: with these of BUILD.
copy_code() {
    local name
    cp -a Makefile conf tests pam_hfcache "$COPY"
    for name in flags libhfcache.a man pam_hfcache pam_hfcache.so hfcache \
        hfcache-probe "$@"; do
        mkdir -p "$(dirname "$COPY/build/$name")"
        cp -a "$BUILD/$name" "$COPY/build/$name" || exit 1
    done
}

# plant FILE FUNCTION LINE CODE: in the function, before the line that so begins.
plant() {
    sed -i "/^$2(/,/^}/ s|^    $3|    $4\n&|" "$COPY/pam_hfcache/$1"
    nok "a fault is planted in $2()" \
        cmp -s "pam_hfcache/$1" "$COPY/pam_hfcache/$1"
}

build_copy() {
    unset MAKEFLAGS MFLAGS MAKELEVEL
    ok "the copy is built" make -s -C "$COPY" BUILD="$COPY/build" all
}

# reported OUTPUT REGEX...: each is in the output, taken as one line.
reported() {
    local out=$1 one
    shift
    for one; do
        ok "reported: $one" grep -qE -- "$one" <<< "${out//$'\n'/ }"
    done
    [ "$tap_failed" -eq 0 ] ||
        diag "$(grep -vE '^ *(0x|=>|[A-Z].*: +f)' <<< "$out" | cut -c 1-200)"
}
