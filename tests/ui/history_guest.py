#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""history_guest.py PROGRAM PICTURES: a tree of twelve moments in three branches, built and walked by clicks while Linux runs
in the machine. At each moment the guest hashes files in its memory and files on its disk (read anew from the disk); after each
step back both hashes and the screen are what they were, and the images are sound. VITRINE_TEST_GUESTS names the folder with
sun4m/; without it the test is skipped."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import history_walk as walk  # noqa: E402
from desk import Desk, run_tests, wait_for  # noqa: E402

SERIAL = os.path.join(os.environ["HOME"], "serial.txt")
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")
hashes = {}  # name of a moment: what the guest computed then
steps = 0
# /r is in memory (the root file system is a RAM disk), /d on the disk. The answers go down the serial line, to a file.
FUNCTIONS = [
    "mkdir /r /d; mount -t ext2 /dev/sda1 /d",
    "w() { rm -f /r/v /d/v; head -c 700000 /dev/urandom >/r/v; echo $1 >>/r/log; head -c 500000 /dev/urandom >/d/v; "
    "cp /d/v /d/f$1; sync; }",
    "h() { sync; echo 3 >/proc/sys/vm/drop_caches; echo $1:$(cat /r/* | sha256sum):$(cat /d/v /d/f* | sha256sum): >/dev/ttyS0; }",
    "clear",
]


def said():
    """All that came down the serial line."""
    try:
        with open(SERIAL, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def obey(desk, line):
    desk.focus(walk.NAME)
    desk.type(line)
    desk.keys("Return")


def ask(desk):
    """The hashes that the guest computes now."""
    global steps
    steps += 1
    obey(desk, f"h q{steps}")
    pattern = re.compile(rf"q{steps}:([0-9a-f]{{64}}) *-?:([0-9a-f]{{64}}) *-?:")
    found = wait_for("the guest's hashes", lambda: pattern.search(said()), 120)
    return found.group(1), found.group(2)


def linux_runs(desk):
    disk = os.path.join(os.environ["HOME"], "disk.img")
    subprocess.run(["zstd", "-dqf", f"{GUESTS}/sun4m/disk.img.zst", "-o", disk], check=True)
    desk.run("create", walk.NAME, "--model", "ss5", "--ram", "64", "--disk", disk, "--kernel", f"{GUESTS}/sun4m/vmlinux",
             "--initrd", f"{GUESTS}/sun4m/initramfs.cpio.gz", "--append", "console=ttyS0 console=tty0 do=shell net=off",
             "--serial", SERIAL)
    desk.start()
    desk.press(f"Start “{walk.NAME}”", seconds=60)
    wait_for("the machine to run", lambda: "running" in desk.run("list", "--json"), 60)
    wait_for("the shell", lambda: "GUEST-SHELL ready" in said(), 120)
    desk.complaint_gone()
    for line in FUNCTIONS:
        obey(desk, line)
        walk.screen(desk)
    desk.focus("Vitrine")
    desk.press(f"Actions for “{walk.NAME}”", None)
    desk.press("Details", None)
    desk.find("Back to the Library")
    desk.keys("alt+2")
    desk.find("You are here")


def take(desk, name, number):
    obey(desk, f"clear; w {number}")
    hashes[name] = ask(desk)
    desk.wait_for_rest(desk.focus(walk.NAME), lambda: True, 60)  # the prompt after the answer is drawn, too
    walk.pictures[name] = walk.screen(desk)
    walk.keep(desk, name)
    walk.images_are_sound(desk)


def go_back(desk, name):
    walk.choose(desk, name)
    desk.press("Go Back Here", inside="Vitrine")
    desk.complaint_gone()
    walk.shows(desk, walk.pictures[name], f"the picture of “{name}”")
    now = ask(desk)
    assert now[0] == hashes[name][0], f"the guest's memory is not that of “{name}”"
    assert now[1] == hashes[name][1], f"the guest's disk is not that of “{name}”"
    walk.images_are_sound(desk)


def first_branch(desk):
    for number in range(1, 6):
        take(desk, f"A{number}", number)


def second_branch(desk):
    go_back(desk, "A2")
    for number in range(1, 5):
        take(desk, f"B{number}", 20 + number)


def third_branch(desk):
    go_back(desk, "A3")
    for number in range(1, 4):
        take(desk, f"C{number}", 30 + number)
    desk.focus("Vitrine")
    desk.picture("history-guest-tree")


def back_and_undone(desk):
    obey(desk, "w 99")
    before = ask(desk)
    picture = walk.screen(desk)
    walk.choose(desk, "A1")
    desk.press("Go Back Here", inside="Vitrine")
    walk.shows(desk, walk.pictures["A1"], "the picture of A1")
    assert ask(desk) == hashes["A1"]
    desk.focus("Vitrine")
    desk.press("Undo Going Back", inside="Vitrine", seconds=30)
    walk.shows(desk, picture, "the picture before")
    assert ask(desk) == before, "the undo did not bring the guest back"
    walk.images_are_sound(desk)
    desk.picture("history-guest-undone")


def a_moment_in_the_middle_goes(desk):
    walk.a_moment_in_the_middle_goes(desk)
    del hashes["A3"]


def all_others_are_there(desk):
    for name in sorted(hashes):
        go_back(desk, name)
    desk.picture("history-guest-end")


if __name__ == "__main__":
    if not GUESTS:
        print("1..0 # SKIP VITRINE_TEST_GUESTS names no folder of guests")
        sys.exit(0)
    run_tests([linux_runs, first_branch, second_branch, third_branch, back_and_undone, a_moment_in_the_middle_goes,
               all_others_are_there], Desk(sys.argv[1], sys.argv[2]))
