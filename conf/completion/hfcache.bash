# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Completion of hfcache(8) for bash. What it offers is what `hfcache --help`
# and `hfcache COMMAND --help` tell; it has no list of its own.

# What the word at the cursor may be: "options", or what the usage has: "value"
# and that of the option before it, or else the operands.
_hfcache_want() { # USAGE WORD BEFORE
    local usage=$1 value='([^] |][^] ]*)' option='\[--[^]]*\]'

    if [[ $3 == --* && $usage =~ "$3 "$value ]]; then
        echo "value ${BASH_REMATCH[1]}"
    elif [[ $2 == -* ]]; then
        echo options
    else
        while [[ $usage =~ $option ]]; do
            usage=${usage/"${BASH_REMATCH[0]}"/}
        done
        echo "$usage"
    fi
}

# The lines of standard input that begin with WORD.
_hfcache_offer() { # WORD
    local line
    while read -r line; do
        [[ $line != "$1"* ]] || COMPREPLY+=("$line")
    done
}

_hfcache() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' help want i

    # To readline "--conf=x" is three words.
    if [[ $word == '=' ]]; then
        word=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --conf) [[ ${COMP_WORDS[++i]} != '=' ]] || ((i++)) ;;
        -*) ;;
        *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    help=$("$1" ${command:+"$command"} --help 2> /dev/null) || return
    want=$(_hfcache_want "${help%%$'\n'*} [--conf PATH]" "$word" "$before")
    case $want in
    *PATH*) compopt -o filenames 2> /dev/null ;;
    esac
    case $want in
    options) _hfcache_offer "$word" < <(grep -oE '^  --[a-z-]+' <<< "$help"
        echo "${command:+--conf$'\n'--help}") ;;
    'value S' | *SERVICE*) _hfcache_offer "$word" < <(cd /etc/pam.d &&
        printf '%s\n' *) ;;
    'value PATH') mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    value*'|'*) want=${want#value }
        _hfcache_offer "$word" <<< "${want//|/$'\n'}" ;;
    value*) ;;
    *COMMAND*) _hfcache_offer "$word" < <(grep -oE '^  [a-z]+' <<< "$help") ;;
    *USER*) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
    *PATH*) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    esac
}

complete -F _hfcache hfcache
