#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""history_walk.py PROGRAM PICTURES: a tree of twelve moments in three branches, built and walked by clicks and keys on a
running machine. Its firmware's Forth keeps a number in RAM and shows a picture: after each step back, both are what they were;
undo works; a moment in the middle is deleted and all others can still be gone back to; the images are sound each time."""

import glob
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, Failure, run_tests, wait_for  # noqa: E402

NAME = "Test Station"
pictures = {}  # name of a moment: the screen then
answers = {}   # and the screen when the guest was asked for its variable next


def different(a, b):
    """How many of the looked-at bytes differ: a cursor may blink."""
    return sum(1 for x, y in zip(a[::7], b[::7]) if x != y)


def screen(desk):
    """The guest's picture when it has come to rest."""
    window = desk.window(NAME)
    def quiet():
        before = desk.centre(window)
        time.sleep(0.5)
        after = desk.centre(window)
        return after if different(before, after) < 500 else None
    return wait_for("the screen to come to rest", quiet, 60)


def forth(desk, text):
    """Types a line at the firmware's prompt."""
    desk.focus(NAME)
    before = desk.centre(desk.window(NAME))
    desk.type(text)
    desk.keys("Return")
    wait_for("something on the screen", lambda: different(desk.centre(desk.window(NAME)), before) > 0)
    return screen(desk)


def images_are_sound(desk):
    folder = json.loads(desk.run("info", NAME, "--json"))["folder"]
    images = glob.glob(folder + "/disks/*.qcow2") + glob.glob(folder + "/history/**/*.qcow2", recursive=True)
    assert images, "the machine has no images"
    for image in images:
        done = subprocess.run(["qemu-img", "check", "-U", image], capture_output=True, text=True)
        assert done.returncode == 0, f"{image}: {done.stdout}{done.stderr}"


def machine_runs(desk):
    desk.run("create", NAME, "--model", "ss5", "--ram", "32", "--disk", "64M")
    desk.start()
    desk.press(f"Start “{NAME}”", seconds=60)
    desk.focus(NAME)
    wait_for("the machine to run", lambda: "running" in desk.run("list", "--json"), 60)
    window = desk.window(NAME)
    wait_for("a picture", lambda: sum(desk.centre(window)[::3000]) > 1000, 60)
    screen(desk)
    desk.complaint_gone()
    forth(desk, "variable v 0 v !")
    desk.focus("Vitrine")
    desk.press(f"Actions for “{NAME}”", None)
    desk.press("Details", None)
    desk.find("Back to the Library")
    desk.keys("alt+2")
    desk.find("You are here")


def keep(desk, name):
    """The button of the history page, a name, and the moment is in the tree."""
    desk.focus("Vitrine")
    desk.press("Take Snapshot", inside="Vitrine")
    entry = desk.find("Name (empty: the time)", ("text", "entry"))
    entry.get_editable_text_iface().set_text_contents(name)
    desk.press("Take")
    wait_for(f"moment “{name}”", lambda: f'"{name}"' in desk.run("snapshot", NAME, "tree", "--json"), 60)
    desk.find(name)


def take(desk, name, number):
    forth(desk, f"{number} v !")
    pictures[name] = forth(desk, "v @ .")
    keep(desk, name)
    answers[name] = forth(desk, "v @ .")
    images_are_sound(desk)


def choose(desk, name):
    """By keyboard: into the list, then up and down."""
    desk.focus("Vitrine")
    from pages import focused
    for _ in range(40):
        stop = focused(desk)
        if stop and stop[0] in ("list item",) and (stop[1] in pictures or stop[1] == "You are here"
                                                    or stop[1].startswith("Before going back")):
            break
        desk.keys("Tab")
    for key in ["Up"] * 30 + ["Down"] * 30:
        if (focused(desk) or ("", ""))[1] == name:
            return
        desk.keys(key)
    raise Failure(f"the keyboard does not come to “{name}”")


def shows(desk, picture, what):
    desk.focus(NAME)  # X knows the pixels only of what is in front
    wait_for(what, lambda: different(desk.centre(desk.window(NAME)), picture) < 500, 60)


def go_back(desk, name):
    choose(desk, name)
    desk.press("Go Back Here", inside="Vitrine")
    desk.complaint_gone()
    shows(desk, pictures[name], f"the picture of “{name}”")
    # RAM, not only the picture: asked the same as then, the guest answers the same
    assert different(forth(desk, "v @ ."), answers[name]) < 500, f"the guest's RAM is not that of “{name}”"
    images_are_sound(desk)


def first_branch(desk):
    for number in range(1, 6):
        take(desk, f"A{number}", number)
    desk.picture("history-walk-1")


def second_branch(desk):
    go_back(desk, "A2")
    for number in range(1, 5):
        take(desk, f"B{number}", 20 + number)


def third_branch(desk):
    go_back(desk, "A3")
    for number in range(1, 4):
        take(desk, f"C{number}", 30 + number)
    tree = desk.run("snapshot", NAME, "tree", "--json")
    kept = [name for name in pictures if f'"{name}"' in tree]
    assert len(kept) == 12, f"{len(kept)} moments"
    desk.focus("Vitrine")
    time.sleep(1)
    desk.picture("history-walk-3")


def back_and_undone(desk):
    desk.focus(NAME)
    before = screen(desk)
    choose(desk, "A1")
    desk.press("Go Back Here", inside="Vitrine")
    shows(desk, pictures["A1"], "the picture of A1")
    desk.focus("Vitrine")
    desk.press("Undo Going Back", inside="Vitrine", seconds=30)
    shows(desk, before, "the picture before")
    images_are_sound(desk)


def a_moment_in_the_middle_goes(desk):
    choose(desk, "A3")
    desk.press("Delete…", inside="Vitrine")
    desk.find("Delete “A3”?")
    desk.picture("history-walk-delete")
    desk.press("_Delete")
    wait_for("A3 to go", lambda: '"A3"' not in desk.run("snapshot", NAME, "tree", "--json"), 90)
    images_are_sound(desk)


def all_others_are_there(desk):
    for name in ("C3", "B4", "A5", "B1", "A1", "A4"):
        go_back(desk, name)


if __name__ == "__main__":
    run_tests([machine_runs, first_branch, second_branch, third_branch, back_and_undone, a_moment_in_the_middle_goes,
               all_others_are_there], Desk(sys.argv[1], sys.argv[2]))
