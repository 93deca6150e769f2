#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Each fuzzer for FUZZ_SECONDS, ten unless set, on the committed corpus and
# always in the same way; `make fuzz` takes its time.

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
export BUILD=${BUILD:-build}

# The runtime of libFuzzer and of the sanitizers: another package than clang.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *data, unsigned long size);
    int LLVMFuzzerTestOneInput(const char *data, unsigned long size)
    { return data && size > 9 ? 0 : 0; }' > "$work/try.c"
clang -fsanitize=fuzzer,address,undefined -o "$work/try" "$work/try.c" \
    2> "$work/why" || skip_all "clang has no runtime for fuzzers here"

# A make that runs the tests would pass on its jobs, and its words on them.
unset MAKEFLAGS MFLAGS MAKELEVEL
ok "the fuzzers are built" make -s -j"$(nproc)" BUILD="$BUILD" fuzzers ||
    done_testing
FUZZ_FIXED=1 tests/fuzz/run "${FUZZ_SECONDS:-10}" > "$work/out" 2>&1
for fuzzer in tests/fuzz/*.c; do
    name=$(basename "$fuzzer" .c)
    like "$(grep "^$name: .* runs$" "$work/out")" '[1-9][0-9]+ runs' \
        "$name: no input breaks it" ||
        failed=yes
done
[ -z "${failed-}" ] || diag "$(cat "$work/out")"
done_testing
