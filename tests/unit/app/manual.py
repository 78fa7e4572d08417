#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""manual.py PROGRAM PAGE: the manual page tells of each command, action and option that the program's own help tells of, and of
no others."""

import re
import subprocess
import sys

PROGRAM, PAGE = sys.argv[1:3]
OPTION = re.compile(r"^ +((?:-[a-zA-Z], )?--[a-z0-9-]+)", re.M)


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], check=True, capture_output=True, text=True).stdout


def listed(text, title):
    return re.findall(r"^  ([a-z]+)", text.split(title)[1].split("\n\n")[0], re.M)


def told(text):
    """What a program's help lists: options but --help, and actions where there are some."""
    actions = listed(text, "Actions:") if "Actions:" in text else re.findall(r"^  ([a-z]+)  ", text, re.M)
    return (set(OPTION.findall(text)) | set(actions)) - {"--help", "-h, --help"}


def main():
    sections = {}
    for part in re.split(r"^\.SS vitrine ", open(PAGE, encoding="utf-8").read().replace("\\-", "-"), flags=re.M)[1:]:
        words = part.split("\n.SH ")[0]
        name = " ".join(word for word in words.split()[:2] if word.islower() and word.isalpha())
        sections[name] = set(re.findall(r"^\.B ((?:-[a-zA-Z], )?--[a-z0-9-]+|[a-z]+)", words, re.M))
    commands = [(name,) for name in listed(help_of(), "Commands:") if name != "image"]
    commands += [("image", name) for name in listed(help_of("image"), "Commands:")]
    print(f"1..{len(commands) + 1}")
    failed = 0
    for number, words in enumerate(commands, 1):
        wanted, found = told(help_of(*words)), sections.get(" ".join(words))
        failed += wanted != found
        print(f"{'ok' if wanted == found else 'not ok'} {number} {' '.join(words)}")
        if wanted != found:
            print(f"# the page has {sorted(found or ())}, not {sorted(wanted)}")
    good = set(sections) == {" ".join(words) for words in commands}
    print(f"{'ok' if good else 'not ok'} {len(commands) + 1} no-others")
    sys.exit(bool(failed or not good))


if __name__ == "__main__":
    main()
