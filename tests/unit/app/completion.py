#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""completion.py PROGRAM SCRIPT: bash completes each command and each option that the program's own help tells of, actions, and
machines whose names have spaces."""

import os
import re
import subprocess
import sys
import tempfile

PROGRAM, SCRIPT = (os.path.abspath(path) for path in sys.argv[1:3])
HOME = tempfile.mkdtemp()
os.mkdir(os.path.join(HOME, "bin"))
os.symlink(PROGRAM, os.path.join(HOME, "bin", "vitrine"))
os.environ.update(HOME=HOME, XDG_DATA_HOME=HOME, LC_ALL="C.UTF-8", GSETTINGS_BACKEND="memory",
                  PATH=os.path.join(HOME, "bin") + ":" + os.environ["PATH"])


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], check=True, capture_output=True, text=True).stdout


def completed(lines):
    """What bash offers after each list of words. Outside of a completion, bash has no options of one."""
    asks = "".join("COMP_WORDS=(vitrine %s); COMP_CWORD=%d; _vitrine; printf '%%s|' \"${COMPREPLY[@]}\"; echo\n"
                   % (" ".join(f"'{word}'" for word in words), len(words)) for words in lines)
    done = subprocess.run(["bash", "-c", f"source '{SCRIPT}'; compopt() {{ :; }}\n{asks}"], check=True, capture_output=True, text=True)
    return [[word for word in line.split("|") if word] for line in done.stdout.splitlines()]


def main():
    subprocess.run([PROGRAM, "create", "My First Machine", "--model", "ss5"], check=True, capture_output=True)
    commands = re.findall(r"^  ([a-z]+) ", help_of().split("Commands:")[1], re.M)
    assert len(commands) > 10, commands
    actions = re.findall(r"^  ([a-z]+)", help_of("snapshot").split("Actions:")[1].split("\n\n")[0], re.M)
    images = re.findall(r"^  ([a-z]+)", help_of("image").split("Commands:")[1].split("\n\n")[0], re.M)
    options = {(command,): help_of(command) for command in commands if command not in ("image", "binfmt")}
    options.update({("image", name): help_of("image", name) for name in images})

    wanted = [([""], commands), (["sna"], ["snapshot"]), (["image", ""], images), (["snapshot", "My First Machine", ""], actions),
              (["run", "My\\ Fir"], ["My\\ First\\ Machine"]), (["info", ""], ["My\\ First\\ Machine"])]
    for words, text in options.items():
        told = set(re.findall(r"^ +(?:-[a-zA-Z], )?(--[a-z0-9-]+)", text, re.M))
        assert told, words
        wanted.append(([*words, "--"], told))
    print("1..%d" % len(wanted))
    failed = 0
    for number, ((words, want), got) in enumerate(zip(wanted, completed([words for words, _ in wanted])), 1):
        same = sorted(word.rstrip("=") for word in got) == sorted(want)
        failed += not same
        print(f"{'ok' if same else 'not ok'} {number} {' '.join(words)}")
        if not same:
            print(f"# offered {got}, not {sorted(want)}")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
