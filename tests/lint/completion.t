#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `hfcache --help` tells of exactly those options that each command takes, and
# completion in bash, fish and zsh offers exactly what it tells.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

export LC_ALL=C
FILES=conf/completion
SERVICES=$(cd /etc/pam.d && echo *)
PATH=$(cd "$BUILD" && pwd):$PATH
mapfile -t COMMANDS < <(commands)
mapfile -t ALL < <(for command in "${COMMANDS[@]}"; do
    options "$command"
done | sort -u; printf '%s\n' --conf --help --version)

# --- what is true -------------------------------------------------------------

# takes COMMAND OPTION: does it, with a value or without?  Nothing is run:
# --help comes before that, and no option that is taken swallows it.
takes() {
    hfcache "$1" "$2=1" --help > /dev/null 2>&1 ||
        hfcache "$1" "$2" --help > /dev/null 2>&1
}

for command in "${COMMANDS[@]}"; do
    is "$(for option in "${ALL[@]}"; do
        ! takes "$command" "$option" || echo "$option"
    done | sort | xargs)" "$({ options "$command"; printf '%s\n' --conf --help
    } | sort | xargs)" "$command --help lists the options that it takes"
    is "$(hfcache "$command" --help | head -n 1 | grep -oE -- '--[a-z-]+' |
        sort | xargs)" "$(options "$command" | sort | xargs)" \
        "$command --help: the usage has them, too"
done

# --- what is offered ----------------------------------------------------------

# expect NAME FUNCTION: FUNCTION prints what is offered for the words that it
# is given, of which the last is to be completed.
expect() {
    local command
    is "$("$2" '' | sort | xargs)" "$(commands | sort | xargs)" "$1: commands"
    is "$("$2" -- | sort | xargs)" "--conf --help --version" "$1: options"
    is "$("$2" --conf /x --json '' | sort | xargs)" \
        "$(commands | sort | xargs)" "$1: commands behind options"
    for command in "${COMMANDS[@]}"; do
        is "$("$2" "$command" -- | sort | xargs)" \
            "$({ options "$command"; printf '%s\n' --conf --help; } |
                sort | xargs)" "$1: the options of $command"
    done
    is "$("$2" env --format '' | sort | xargs)" "csh env-file fish json sh systemd" \
        "$1: formats"
    is "$("$2" explain --service '' | sort | xargs)" "$SERVICES" \
        "$1: services of an option"
    is "$("$2" enable --auth '' | sort | xargs)" "$SERVICES" \
        "$1: services"
    like " $("$2" explain '' | xargs) " ' root ' "$1: users"
    is "$("$2" --conf tests/lint/lib | xargs)" tests/lint/lib.sh "$1: files"
    is "$("$2" setup '')" "" "$1: nothing where nothing is taken"
    ! grep -qx check <<< "$(commands)" ||
        is "$("$2" check conf/compl | sed 's|/$||')" "$FILES" "$1: folders"
}

# What follows is called by name.
# shellcheck disable=SC2317
by_bash() {
    COMP_WORDS=(hfcache "$@") COMP_CWORD=$# COMPREPLY=()
    _hfcache hfcache "${@: -1}" ''
    printf '%s\n' "${COMPREPLY[@]}"
}

ok "bash parses its file" bash -n $FILES/hfcache.bash
if command -v shellcheck > /dev/null; then
    is "$(shellcheck -S warning $FILES/hfcache.bash)" "" \
        "shellcheck finds nothing in it"
fi
# shellcheck source=conf/completion/hfcache.bash
. $FILES/hfcache.bash
expect bash by_bash
is "$(by_bash env --format = s | xargs)" "sh systemd" \
    "bash: what follows an = is a value"

# shellcheck disable=SC2317
by_fish() {
    # shellcheck disable=SC2016
    HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent XDG_DATA_HOME=/nonexistent \
        fish -N -c 'source $argv[1]; complete -C "hfcache $argv[2]"' \
        $FILES/hfcache.fish "$*" 2> /dev/null | cut -f 1 |
        grep -e "^${*: -1}"
}

if command -v fish > /dev/null; then
    ok "fish parses its file" fish -N -n $FILES/hfcache.fish
    expect fish by_fish
else
    skip "no fish here" "fish completion"
fi

# zsh's own functions, as far as ours calls them, print what they would offer.
ZSH_STUBS='setopt extendedglob
_describe() { print -rl -- ${${(P)4}%%:*} }
_users() { print -rl root }
_files() { [[ $1 == -/ ]] && print -rl -- $words[CURRENT]*(/) ||
    print -rl -- $words[CURRENT]* }
compadd() { shift; print -rl -- "$@" }
functions[_hfcache]=$(< $1); shift
words=(hfcache "$@") CURRENT=$#words
_hfcache'
# shellcheck disable=SC2317
by_zsh() {
    zsh -f -c "$ZSH_STUBS" zsh $FILES/_hfcache "$@" |
        grep -e "^${*: -1}"
}

if command -v zsh > /dev/null; then
    ok "zsh parses its file" zsh -f -n $FILES/_hfcache
    expect zsh by_zsh
else
    skip "no zsh here" "zsh completion"
fi
done_testing
