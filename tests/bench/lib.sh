# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the benchmarks share: the table that they print, in which only ratios
# of one run and counts have goals, and a little arithmetic.

missed=0

heading() {
    printf '\n%-58s %16s %12s  %s\n' "$1" measured goal met
}

# row WHAT MEASURED GOAL: met if MEASURED <= GOAL, both numbers; units after
# a number are kept for the reader.
row() {
    local met=yes
    awk -v a="$2" -v b="$3" 'BEGIN { exit !(a + 0 <= b + 0) }' || met=NO
    [ "$met" = yes ] || missed=$((missed + 1))
    printf '%-58s %16s %12s  %s\n' "$1" "$2" "<= $3" "$met"
}

note() {
    printf '%-58s %16s\n' "$1" "$2"
}

ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", b ? a / b : 0 }'
}

median() {
    sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

# system_calls NAMES COMMAND...: how many it makes, with all that it starts, or
# only those of these names.
system_calls() {
    strace -f -c -o "$WORK/calls" "${@:2}" > /dev/null || exit
    awk -v names=" $1 " '$NF == "total" { next }
        $4 ~ /^[0-9]+$/ && (names == "  " || index(names, " " $NF " ")) {
            sum += $4 }
        END { print sum + 0 }' "$WORK/calls"
}

instructions() { # COMMAND...
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 |
        awk '/Collected/ { print $NF }'
}

# The last lines of a benchmark.
conclude() {
    printf '\ngoals not met: %d\n' "$missed"
}
