#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual pages: mandoc finds nothing wrong with them, and what the code has
# stands in them: keys with their defaults and values, lists of names, commands,
# options, exit codes, hooks, fields of the log, keys of JSON, metrics. Their
# examples are run by tests.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

command -v mandoc > /dev/null || skip_all "mandoc is not installed"
MAN=pam_hfcache/man
MODULE=$MAN/pam_hfcache.8 TOOL=$MAN/hfcache.8 POLICY=$MAN/hfcache.conf.5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# plain PAGE: what a reader gets, in one line and without two blanks in a row.
plain() {
    mandoc -T ascii "$1" | col -b | tr -s ' \t\n' ' '
}

for page in "$MODULE" "$TOOL" "$POLICY"; do
    plain "$page" > "$work/${page##*/}"
    is "$(mandoc -T lint -W warning "$page" 2>&1)" "" "mandoc: $page"
    is "$(head -n 1 "$page")" '.\" SPDX-License-Identifier: BSD-3-Clause' \
        "${page##*/} names its licence"
done

# absent PAGE WORD...: the words that a reader of PAGE does not find as words.
absent() {
    local page=$work/${1##*/} word
    shift
    for word in "$@"; do
        grep -qE -- "(^|[^A-Za-z0-9_-])${word//[.*+]/\\&}($|[^A-Za-z0-9_-])" \
            "$page" || echo "$word"
    done
}

# strings FILE NAME: the strings of the array NAME in FILE.
strings() {
    awk -v name="$2[" 'index($0, name) && / = [{]/ { on = 1 }
        on { print } /[}];/ { on = 0 }' "pam_hfcache/$1" |
        grep -oE '"[^"]+"' | tr -d '"'
}

# choices KEY: the words that are its values.
choices() {
    strings policy_values.c " choices_$1"
}

# has_all NAME PAGE WORD...: and there are some.
has_all() {
    local name=$1 page=$2
    shift 2
    is "$([ $# -gt 1 ] || echo "cannot be read from the code")$(
        absent "$page" "$@")" "" "${page##*/}: $name"
}

# --- hfcache.conf(5) --------------------------------------------------------

# item KEY: its entry.
item() {
    sed -n "/^\.It Cm $1 No = /,/^\.It Cm [a-z_]* No = \|^\.S[hs]/p" "$POLICY" |
        sed '1!{/^\.It Cm [a-z_]* No = \|^\.S[hs]/d}'
}

mapfile -t KEYS < <(keys)
for key in "${KEYS[@]}"; do
    default=$(default_of "$key")
    head -n 1 <<< "$(item "$key")" |
        grep -qE "^\.It Cm $key No = .* Pq default Cm ${default//\*/\\*}$" ||
        wrong+="$key: its default is $default"$'\n'
    values=$(choices "$key" | paste -sd '|' | sed 's/|/ | /g')
    [ -z "$values" ] || grep -qF " No = Cm $values Pq" <<< "$(item "$key")" ||
        wrong+="$key: its values are $values"$'\n'
done
is "${wrong-}" "" "hfcache.conf.5: each key, its default, its values"
is "$(grep -cE '^\.It Cm [a-z_]+ No = ' "$POLICY")" "${#KEYS[@]}" \
    "hfcache.conf.5: no other key"

# Limits of numbers: of the row TYPE_DURATION, "300ms", NULL, 1, 60000.
is "$(for key in "${KEYS[@]}"; do
    read -r min max < <(tr -d '\n' < pam_hfcache/policy_values.c |
        grep -oE "\"$key\", TYPE_DURATION, \"[^\"]*\", NULL, [0-9]+, *[A-Z_0-9]+" |
        sed 's/.*NULL, //; s/MS_DAY/86400000/; s/,//')
    [ -n "$max" ] || continue
    case $max in 60000) max=60s ;; 86400000) max=24h ;; esac
    item "$key" | tr '\n' ' ' | grep -q "from ${min}ms to $max\." ||
        echo "$key: $min to $max"
done)" "" "hfcache.conf.5: how long durations may be"

mapfile -t WORDS < <(strings policy_values.c reserved_groups)
has_all "the groups that no cache may have" "$POLICY" "${WORDS[@]}"
mapfile -t WORDS < <(strings policy_values.c system_trees)
has_all "the folders in which no cache may lie" "$POLICY" "${WORDS[@]}"
mapfile -t WORDS < <(strings policy_env.c allowed_names
    strings policy_env.c private_names
    sed -n '/refused_names\[\]/,/};/s/^    {"\([A-Z_]*\)".*/\1/p' \
        pam_hfcache/policy_env.c)
has_all "the variables that [env] may and may not have" "$POLICY" "${WORDS[@]}"
mapfile -t WORDS < <(sed -n "s/^        case '\(.\)':/%\1/p" \
    pam_hfcache/decision_env.c)
has_all "expansions" "$POLICY" "${WORDS[@]}" %%
has_all "limits" "$POLICY" \
    "$(sed -n 's/^#define POLICY_FILE_MAX_LINE //p' pam_hfcache/policy_file.h)" \
    "$(sed -n 's/^#define MAX_SECTIONS //p' pam_hfcache/policy.c)" \
    "$(($(sed -n 's/^#define MAX_FILE_BYTES //p' pam_hfcache/policy.c)))" \
    "$(sed -n 's/^#define DECISION_MAX_VARIABLES //p' pam_hfcache/decision.h)"

# The examples that are policies are ones that a login would take.
awk -v to="$work/example" '/^\.Ed/ { file = "" }
    file != "" { print > file }
    /^\.Bd -literal/ { file = to (++n) ".conf" }' "$POLICY"
policies=0
for file in "$work"/example*.conf; do
    head -n 1 "$file" | grep -q '^\[' || continue
    policies=$((policies + 1))
    chmod 600 "$file"
    is "$("$HFCACHE" --conf "$file" policy 2>&1 > /dev/null)" "" \
        "hfcache.conf.5: the example policy $policies is read"
done
ok "hfcache.conf.5: there are examples" [ "$policies" -gt 3 ]

# --- pam_hfcache(8) ---------------------------------------------------------

source=pam_hfcache/pam_hfcache.c
mapfile -t WORDS < <(grep -oE '^pam_sm_[a-z_]+' $source
    grep -oE '\bPAM_(SUCCESS|IGNORE|DELETE_CRED|SILENT)\b' $source | sort -u)
has_all "hooks and what they return" "$MODULE" "${WORDS[@]}"
for hook in $(grep -oE '^pam_sm_[a-z_]+' $source); do
    returns=$(sed -n "/^$hook(/,/^}/p" $source |
        grep -oE 'return PAM_[A-Z]+' | sort -u | sed 's/return //')
    told=$(sed -n "/^\.It Fn $hook\$/,/^\.It Fn\|^\.El/p" "$MODULE")
    for value in $returns; do
        grep -q "Dv $value" <<< "$told" || untold+="$hook: $value"$'\n'
    done
done
is "${untold-}" "" "pam_hfcache.8: each hook with its return values"
mapfile -t WORDS < <(sed -n '/^login_take_argument(/,/^}/p' pam_hfcache/login.c |
    grep -oE '"[a-z]+=?/?"' | tr -d '"=/')
has_all "arguments" "$MODULE" "${WORDS[@]}"
mapfile -t WORDS < <(sed -n '/^log_login(/,/^}/p; /^add_actions(/,/^}/p' $source |
    grep -oE '"[^"]*=|add_field\([^"]*"[a-z]+"' | grep -oE '[a-z_]+("|=)' |
    tr -d '"=')
is "$(grep -oE '^\.It Cm [a-z_]+$' <(sed -n '/^\.Ss The log line/,/^\.Sh/p' \
    "$MODULE") | sed 's/.* //' | sort | xargs)" \
    "$(printf '%s\n' "${WORDS[@]}" | sort -u | xargs)" \
    "pam_hfcache.8: the fields of the log, and no others"
mapfile -t WORDS < <(sed -n '/^export_variables(/,/^}/p' $source |
    grep -oE 'return "[a-z]+"' | tr -d '"' | sed 's/return //'
    sed -n '/actions\[\] = {/,/};/p' $source | grep -oE '"[a-z]+"' | tr -d '"'
    sed -n '/_state_name(/,/^}/p; /_member_name(/,/^}/p' \
        pam_hfcache/decision_state.c | grep -oE '"[a-z-]+"' | tr -d '"')
has_all "the words of the log" "$MODULE" "${WORDS[@]}"
mapfile -t WORDS < <(grep -oE '^    \{"[A-Z_]+"' pam_hfcache/decision_env.c |
    tr -d ' {"' | sort -u)
has_all "the variables of a login" "$MODULE" "${WORDS[@]}"
is "$(for line in "$(sed -n 's/^#define PAMEDIT_SESSION  *//p' \
    pam_hfcache/pamedit.h)" "$(sed -n 's/^#define PAMEDIT_AUTH  *//p' \
    pam_hfcache/pamedit.h)"; do
    grep -qxF -- "$(tr -d '"' <<< "$line")" "$MODULE" || echo "$line"
done)" "" "pam_hfcache.8: the lines as enable writes them"

# --- hfcache(8) -------------------------------------------------------------

mapfile -t COMMANDS < <(commands)
usages() {
    for command in "${COMMANDS[@]}"; do
        "$HFCACHE" "$command" --help | sed -n '1s/^usage: hfcache //p'
    done | sort
}
is "$(sed -n 's/^\.Ss \([a-z]\)/\1/p' "$TOOL" | sort)" "$(usages)" \
    "hfcache.8: each command with its usage, and no other"
is "$(sed 's/.* SYNOPSIS //; s/ DESCRIPTION .*//; s/ *hfcache /\n/g' \
    "$work/hfcache.8" | sed -n 's/^\[--conf PATH\] //p' |
    sed 's/ | /|/g; s/ \.\.\./.../g' | sort)" "$(usages | sed 's/ | /|/g')" \
    "hfcache.8: the synopsis has them, too"
for command in "${COMMANDS[@]}"; do
    told=$(sed -n "/^\.Ss $command /,/^\.S[hs] /p" "$TOOL" | sed '$d')
    for option in $(options "$command"); do
        grep -q "^\.It Fl $(sed 's/^-//' <<< "$option")\b" <<< "$told" ||
            untold_options+="$command $option"$'\n'
    done
    for code in $("$HFCACHE" "$command" --help | sed -n '/^Exit: /,$p' |
        grep -oE '\b[0-3]\b' | sort -u); do
        sed -n '/^Exit: /,/^\./p' <<< "$told" | grep -q "\b$code\b" ||
            untold_options+="$command: exit $code"$'\n'
    done
done
is "${untold_options-}" "" "hfcache.8: the options and exit codes of each command"
is "$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EX/p' "$TOOL" |
    sed -n 's/^\.It \([0-9]\)$/\1/p' | xargs)" \
    "$(sed -n 's/^    CLI_[A-Z]* = \([0-9]\),.*/\1/p' pam_hfcache/cli.h | xargs)" \
    "hfcache.8: all exit codes"
mapfile -t WORDS < <(sed -n '/formats\[\] = {/,/};/s/^    {"\([a-z-]*\)".*/\1/p' \
    pam_hfcache/cmd_env.c)
has_all "formats of env" "$TOOL" "${WORDS[@]}"
mapfile -t WORDS < <(grep -ohE 'json_[a-z_]+\([^"();]*, *"[a-z_0-9]+"|write_drifts\([^;]*"[a-z]+"' \
    pam_hfcache/{cmd,report,explain}*.c | grep -oE '"[a-z_0-9]+"' |
    grep -vx '"\(explain\|status\|policy\|check\|repair\)"' | sort -u)
is "$(missing "$work/hfcache.8" "${WORDS[@]}")" "" "hfcache.8: the keys of JSON"
mapfile -t WORDS < <(grep -ohE '"hfcache_[a-z_]+"' pam_hfcache/cmd_status.c |
    tr -d '"' | sort -u)
has_all "metrics" "$TOOL" "${WORDS[@]}"
mapfile -t WORDS < <(grep -ohE '^    \{(DRIFT|LAYOUT)_[A-Z_]+, "[a-z-]+"' \
    pam_hfcache/{decision_state,layout*}.c | grep -oE '"[a-z-]+"' | tr -d '"')
has_all "the words of findings" "$TOOL" "${WORDS[@]}"

# --- files and examples -----------------------------------------------------

mapfile -t WORDS < <(grep -ohE '"/(run|var/lib)/hfcache[a-z./]*"|"/etc/userdb"' \
    pam_hfcache/*.[ch] | tr -d '"' | sort -u)
is "$(cat "$MODULE" "$TOOL" > "$work/both"
    missing "$work/both" "${WORDS[@]}")" "" "the files that the code has are told of"
is "$(grep -ohE '@[a-z]+@' $MAN/* | sort -u | while read -r name; do
    grep -qF "$name|" Makefile || echo "$name"
done)" "" "the Makefile fills in what pages leave open"

# What stands behind a prompt is a command.
is "$(sed -nE 's/^(\.Dl )?[#$] //p' $MAN/* | untested)" "" \
    "each command of the pages is run by a test"
done_testing
