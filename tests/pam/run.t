#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# run.t [SCRIPT...]: PAM scripts, all of this folder unless named, through the
# real libpam.

cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}"
[ $# -gt 0 ] || set -- tests/pam/*.pam
exec "$BUILD/tests/pam/drive" "$BUILD/pam_hfcache.so" "$BUILD/hfcache-probe" \
    tests/pam/prelude.sh "$@"
