#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""repair.py PROGRAM PICTURES: originals that somebody changed or moved behind a machine's back. The machine refuses with a
sentence that names the file, on its window and on its page, and each way out works by clicks: Locate, Take As It Is, Drop
Changes. After each the machine starts again and its images are sound."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, run_tests, wait_for  # noqa: E402
from first_machine import state as state_of  # noqa: E402

HOME = os.environ["HOME"]
SIZE = 8 << 20
ORIGINALS = {name: os.path.join(HOME, f"{name}.img") for name in ("Moved", "Taken", "Dropped")}


def machines_stand_on_originals(desk):
    for name, path in ORIGINALS.items():
        with open(path, "wb") as file:
            file.write(name.encode() * 1000)
            file.truncate(SIZE)
        desk.run("create", name, "--model", "ss5", "--ram", "32", "--disk", path)
        desk.run("snapshot", name, "take", "Before")
    desk.start()
    for name in ORIGINALS:
        desk.find(name, seconds=60)


def starts(desk, name):
    """By its page, and is switched off again."""
    desk.focus("Vitrine")
    desk.press("Start", inside="Vitrine")
    desk.focus(name, 60)
    wait_for("it to run", lambda: state_of(desk, name) == "running", 60)
    desk.press("Power Off", inside=name)
    desk.press("Power Off", inside="Power Off the Machine?")
    wait_for("it to be off", lambda: state_of(desk, name) == "off", 60)
    desk.focus(name)
    desk.keys("ctrl+w")
    wait_for("its window to close", lambda: not desk.window(name))


def images_are_sound(desk, name):
    machine = json.loads(desk.run("info", name, "--json"))
    for entry in os.scandir(os.path.join(machine["folder"], "disks")):
        if entry.name.endswith(".qcow2"):
            done = subprocess.run(["qemu-img", "check", entry.path], capture_output=True, text=True)
            assert done.returncode == 0, f"{entry.path}: {done.stdout}{done.stderr}"


def first_bytes(desk, name):
    """Of the disk, through all that stands on the original."""
    machine = json.loads(desk.run("info", name, "--json"))
    image = os.path.join(machine["folder"], machine["disks"][0]["file"])
    raw = os.path.join(HOME, "raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
    with open(raw, "rb") as file:
        return file.read(16)


def refuses(desk, name, what):
    """With a sentence that names the file; its button leads to the history, where the ways out are."""
    desk.focus("Vitrine")
    desk.press(f"Start “{name}”")
    window = desk.focus(name, 60)
    desk.find("It Could Not Run", seconds=60)
    sentence = wait_for("the sentence", lambda: next(
        (node.get_name() for node in desk.all() if ORIGINALS[name] in node.get_name()), None))
    print(f"# {sentence}")
    assert what in sentence, sentence
    time.sleep(0.7)
    desk.picture(f"repair-refused-{name.lower()}", window)
    desk.press("Repair…", inside=name)
    desk.focus("Vitrine")
    desk.find("You are here")
    time.sleep(1)
    desk.picture(f"repair-history-{name.lower()}")
    desk.keys("alt+1")
    desk.find("An original is missing" if name == "Moved" else "An original has changed")
    time.sleep(0.5)
    desk.picture(f"repair-overview-{name.lower()}")
    desk.press("Repair…", inside="Vitrine")
    desk.find("You are here")
    desk.focus("Vitrine")


def repaired(desk, name):
    wait_for("the good news", lambda: any(node.get_name() == "The machine can be started again" for node in desk.all()), 60)
    desk.gone("Locate…", ("push button",))
    desk.focus(name)
    desk.gone("It Could Not Run")
    desk.find("Powered Off")
    starts(desk, name)
    images_are_sound(desk, name)
    desk.focus("Vitrine")
    desk.keys("alt+Left")
    desk.find(f"Actions for “{name}”")
    time.sleep(0.7)


def moved_original_is_located(desk):
    there = os.path.join(HOME, "elsewhere.img")
    os.rename(ORIGINALS["Moved"], there)
    refuses(desk, "Moved", "Moved.img")
    desk.find("Use It There")
    desk.press("Locate…")
    desk.choose_file("Where Is It Now[?]", there)  # a regular expression
    repaired(desk, "Moved")
    assert first_bytes(desk, "Moved") == b"MovedMovedMovedM"


def altered(name):
    time.sleep(1.1)  # the clock of the file system
    with open(ORIGINALS[name], "r+b") as file:
        file.write(b"ALTERED!")


def changed_original_is_taken(desk):
    altered("Taken")
    refuses(desk, "Taken", "Taken.img")
    desk.press("Take As It Is…")
    desk.find("Take the Original as It Is Now?")
    time.sleep(0.5)
    desk.picture("repair-dialog-take")
    desk.press("Take It")
    repaired(desk, "Taken")
    assert first_bytes(desk, "Taken").startswith(b"ALTERED!")


def changes_are_dropped(desk):
    altered("Dropped")
    refuses(desk, "Dropped", "Dropped.img")
    desk.press("Drop Changes…")
    desk.find("Drop the Machine's Changes?")
    time.sleep(0.5)
    desk.picture("repair-dialog-drop")
    desk.press("Drop")
    repaired(desk, "Dropped")
    assert first_bytes(desk, "Dropped").startswith(b"ALTERED!")


if __name__ == "__main__":
    run_tests([machines_stand_on_originals, moved_original_is_located, changed_original_is_taken, changes_are_dropped],
              Desk(sys.argv[1], sys.argv[2]))
