#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""history_guest.py PROGRAM PICTURES: the tree of history_tree.py with Linux. At each moment and after each step back the
guest hashes files in its memory, files on its disk (read anew from the disk) and its screen. VITRINE_TEST_GUESTS names the
folder with sun4m/; without it the test is skipped."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, Failure, run_tests, wait_for  # noqa: E402
from history_tree import NAME, Walk, screen  # noqa: E402

SERIAL = os.path.join(os.environ["HOME"], "serial.txt")
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")
ATTEMPTS = 3
# /r is in memory (the root file system is a RAM disk), /d on the disk. What is noise in memory stands on the screen, too:
# twenty lines, whose pixels (16 rows of 1024 bytes a line) are hashed. The answers go down the serial line, to a file.
FUNCTIONS = [
    "mkdir /r /d; mount -t ext2 /dev/sda1 /d",
    "w() { rm -f /r/v /d/v; head -c 700000 /dev/urandom >/r/v; echo $1 >>/r/log; head -c 500000 /dev/urandom >/d/v; "
    "cp /d/v /d/f$1; sync; clear; head -c 1100 /r/v | base64; }",
    "s() { sha256sum | cut -c-64; }",
    "h() { sync; echo 3 >/proc/sys/vm/drop_caches; "
    "echo $1:$(cat /r/* | s):$(cat /d/v /d/f* | s):$(head -c 327680 /dev/fb0 | s): >/dev/ttyS0; }",
]


# Keys do not repeat until they are held for a minute, however late a busy computer lets them go: an input_event of the type
# EV_REP (20) sets REP_DELAY, in ms.
CALM = r"for e in /dev/input/event*; do printf '\0\0\0\0\0\0\0\0\0\24\0\0\0\0\377\0' >$e; done; echo calm"


def said():
    """All that came down the serial line."""
    try:
        with open(SERIAL, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def obey(desk, line):
    """What was typed before and not finished is thrown away."""
    desk.focus(NAME)
    desk.keys("ctrl+u")
    desk.type(line)
    desk.keys("Return")


class Linux:
    pictures = "history-guest"

    def __init__(self):
        self.questions = 0
        self.at = {}  # number of a change: the answer right after it
        self.last = None

    def boot(self, desk):
        disk = os.path.join(os.environ["HOME"], "disk.img")
        subprocess.run(["zstd", "-dqf", f"{GUESTS}/sun4m/disk.img.zst", "-o", disk], check=True)
        desk.run("create", NAME, "--model", "ss5", "--ram", "64", "--disk", disk, "--kernel", f"{GUESTS}/sun4m/vmlinux",
                 "--initrd", f"{GUESTS}/sun4m/initramfs.cpio.gz", "--append", "console=ttyS0 console=tty0 do=shell net=off",
                 "--serial", SERIAL)
        desk.start()
        desk.press(f"Start “{NAME}”", seconds=60)
        wait_for("the machine to run", lambda: "running" in desk.run("list", "--json"), 60)
        wait_for("the shell", lambda: "GUEST-SHELL ready" in said(), 120)
        desk.complaint_gone()
        self.calm_keyboard(desk)
        for line in FUNCTIONS:
            obey(desk, line)
            screen(desk)
        self.last = self.ask(desk)

    def calm_keyboard(self, desk):
        for attempt in range(ATTEMPTS):
            obey(desk, f"{CALM}{attempt} >/dev/ttyS0")
            try:
                wait_for("the keyboard to be calm", lambda: f"calm{attempt}" in said(), 10)
                return
            except Failure as failure:
                print(f"# {failure}; told again")
        raise Failure("the guest does not understand what is typed")

    def change(self, desk, number):
        """Until all is another than it was."""
        for _ in range(ATTEMPTS):
            obey(desk, f"w {number}")
            self.at[number] = self.ask(desk)
            if all(then != now for then, now in zip(self.last, self.at[number])):
                break
            print("# the guest did not change; told again")
        self.last = self.at[number]

    def ask(self, desk):
        """The hashes that the guest computes now: memory, disk, screen."""
        for attempt in range(ATTEMPTS):
            self.questions += 1
            obey(desk, f"h q{self.questions}")
            pattern = re.compile(rf"q{self.questions}:([0-9a-f]{{64}}):([0-9a-f]{{64}}):([0-9a-f]{{64}}):")
            try:
                return wait_for("the guest's hashes", lambda: pattern.search(said()), 30).groups()
            except Failure as failure:
                if attempt + 1 == ATTEMPTS:
                    raise
                print(f"# {failure}; asked again")

    def same(self, then, now):
        return then == now

    def is_at(self, desk, number):
        now = self.ask(desk)
        assert now == self.at[number], f"the guest is not as it was: {now} {self.at[number]}"

    def looked_at(self, names):
        return names


if __name__ == "__main__":
    if not GUESTS:
        print("1..0 # SKIP VITRINE_TEST_GUESTS names no folder of guests")
        sys.exit(0)
    run_tests(Walk(Linux()).steps(), Desk(sys.argv[1], sys.argv[2]))
