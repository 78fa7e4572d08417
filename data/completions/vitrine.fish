# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion: commands and options are read from the program's own --help, machines from "vitrine list".

function __vitrine_commands
    vitrine $argv --help 2>/dev/null | sed -nE '/^(Commands|Actions):/,/^$/s/^  ([a-z]+) +(.*)/\1\t\2/p'
end

function __vitrine_options
    set -l words (commandline -opc)
    set -l command $words[2]
    test "$command" = image; and set command image $words[3]
    vitrine $command --help 2>/dev/null | sed -nE 's/^ +(-[a-zA-Z], )?(--[a-z0-9-]+)(=[^ ]*)? +(.*)/\2\t\4/p'
end

function __vitrine_machines
    vitrine list --json 2>/dev/null | sed -nE 's/^ *"name" : "(.*)",?$/\1/p'
end

function __vitrine_word
    test (count (commandline -opc)) = $argv[1]
end

complete -c vitrine -n '__vitrine_word 1' -a '(__vitrine_commands)'
complete -c vitrine -n 'string match -q -- "-*" (commandline -ct)' -f -a '(__vitrine_options)'
complete -c vitrine -n '__vitrine_word 2; and __fish_seen_subcommand_from info delete run snapshot export' -f -a '(__vitrine_machines)'
complete -c vitrine -n '__vitrine_word 3; and __fish_seen_subcommand_from snapshot' -f -a '(__vitrine_commands snapshot)'
complete -c vitrine -n '__vitrine_word 2; and __fish_seen_subcommand_from cache' -f -a '(__vitrine_commands cache)'
complete -c vitrine -n '__vitrine_word 2; and __fish_seen_subcommand_from image' -f -a '(__vitrine_commands image)'
