# SPDX-License-Identifier: BSD-3-Clause
#
# Completion of hfcache(8) for fish. What it offers is what `hfcache --help`
# and `hfcache COMMAND --help` tell; it has no list of its own.

# The command that is being typed; nothing if there is none yet.
function __hfcache_command
    set -l words (commandline -opc)
    while set -e words[1]; and set -q words[1]
        switch $words[1]
            case --conf
                set -e words[1]
            case '-*'
            case '*'
                echo $words[1]
                return
        end
    end
end

# The lines of a help that begin with two blanks and PATTERN, as fish wants
# them: word, tab, description.
function __hfcache_lines # PATTERN LINE...
    string replace -rf -- "^  ($argv[1])( [A-Z]+)?  +(.*)" '$1\t$3' $argv[2..]
end

# The values of the option before the cursor, if it takes one.
function __hfcache_values # USAGE OPTION
    set -l value (string match -r -- "\[$argv[2] ([^] |][^] ]*)\]" $argv[1])[2]
    switch "$value"
        case ''
            return 1
        case PATH
            __fish_complete_path (commandline -ct)
        case S
            set -l services /etc/pam.d/*
            string replace -r '.*/' '' $services
        case '*|*'
            string split '|' $value
    end
    return 0
end

function __hfcache_offers
    set -l command (__hfcache_command)
    set -l help (hfcache $command --help 2>/dev/null)
    or return
    set -l usage "$help[1] [--conf PATH]"
    __hfcache_values $usage (commandline -opc)[-1]
    and return
    if string match -q -- '-*' (commandline -ct)
        __hfcache_lines '--[a-z-]+' $help
        set -q command[1]
        and printf '%s\t%s\n' --conf 'another policy' --help 'what it takes'
        return
    end
    switch (string replace -ra '\[--[^]]*\]' '' $usage)
        case '*COMMAND*'
            __hfcache_lines '[a-z]+' $help
        case '*SERVICE*'
            set -l services /etc/pam.d/*
            string replace -r '.*/' '' $services
        case '*USER*'
            __fish_complete_users
        case '*PATH*'
            __fish_complete_directories (commandline -ct)
    end
end

complete -c hfcache -f -a '(__hfcache_offers)'
