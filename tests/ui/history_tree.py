# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of twelve moments in three branches, built and walked by clicks and keys on a running machine; for history_walk
and history_guest, which know what runs in it.

A guest has boot(desk), change(desk, number), ask(desk) → whatever it knows of itself, and same(then, now)."""

import glob
import json
import os
import subprocess
import time

from desk import Failure, wait_for
from pages import focused

NAME = "Test Station"
CURSOR = 100  # of the looked-at bytes: a cursor blinks; a line of text is more


def different(a, b):
    """How many of the looked-at bytes differ."""
    return sum(1 for x, y in zip(a[::7], b[::7]) if x != y)


def screen(desk):
    """The guest's picture when it has come to rest."""
    window = desk.window(NAME)

    def quiet():
        before = desk.centre(window)
        time.sleep(0.5)
        after = desk.centre(window)
        return after if different(before, after) < CURSOR else None
    return wait_for("the screen to come to rest", quiet, 60)


def images_are_sound(desk):
    folder = json.loads(desk.run("info", NAME, "--json"))["folder"]
    images = glob.glob(folder + "/disks/*.qcow2") + glob.glob(folder + "/history/**/*.qcow2", recursive=True)
    assert images, "the machine has no images"
    for image in images:
        done = subprocess.run(["qemu-img", "check", "-U", image], capture_output=True, text=True)
        assert done.returncode == 0, f"{image}: {done.stdout}{done.stderr}"


def tree(desk):
    """id → what the command line tells of a moment."""
    return {node["id"]: node for node in json.loads(desk.run("snapshot", NAME, "tree", "--json"))}


def here_is_after(desk, name):
    """Gone back: what ran before has ended, and the present stands on that moment."""
    def stands():
        nodes = tree(desk)
        below = nodes.get(nodes["here"]["parent"])
        return below and below["name"] == name
    wait_for(f"the present to stand on “{name}”", stands, 60)


def show_history(desk):
    desk.focus("Vitrine")
    desk.press(f"Actions for “{NAME}”", None)
    desk.press("Details", None)
    desk.find("Back to the Library")
    desk.keys("alt+2")
    desk.find("You are here")


def shows(desk, picture, what):
    desk.focus(NAME)  # X knows the pixels only of what is in front
    wait_for(what, lambda: different(desk.centre(desk.window(NAME)), picture) < CURSOR, 60)


class Walk:
    def __init__(self, guest):
        self.guest = guest
        self.pictures = {}  # name of a moment: the screen then
        self.answers = {}   # and what the guest said of itself

    def steps(self):
        return [self.machine_runs, self.first_branch, self.second_branch, self.third_branch, self.back_and_undone,
                self.a_moment_in_the_middle_goes, self.all_others_are_there]

    # ---- by hand

    def keep(self, desk, name):
        """The button of the history page, a name, and the moment is in the tree."""
        desk.focus("Vitrine")
        desk.press("Take Snapshot", inside="Vitrine")
        entry = desk.find("Name (Optional)", ("text", "entry"))
        entry.get_editable_text_iface().set_text_contents(name)
        desk.press("Take")
        here_is_after(desk, name)
        desk.find(name)

    def choose(self, desk, name):
        """By keyboard: into the list, then up and down."""
        desk.focus("Vitrine")
        for _ in range(40):
            stop = focused(desk)
            if stop and stop[0] == "list item" and (stop[1] in self.pictures or stop[1] == "You are here"
                                                    or stop[1].startswith("Before")):
                break
            desk.keys("Tab")
        for key in ["Up"] * 30 + ["Down"] * 30:
            if (focused(desk) or ("", ""))[1] == name:
                return
            desk.keys(key)
        raise Failure(f"the keyboard does not come to “{name}”")

    def take(self, desk, name, number):
        self.guest.change(desk, number)
        self.pictures[name] = screen(desk)
        self.keep(desk, name)
        self.answers[name] = self.guest.ask(desk)
        images_are_sound(desk)

    def is_as_then(self, desk, name):
        here_is_after(desk, name)
        desk.complaint_gone()
        shows(desk, self.pictures[name], f"the picture of “{name}”")
        # Memory and disk, not only the picture: asked the same as then, the guest answers the same.
        now = self.guest.ask(desk)
        assert self.guest.same(self.answers[name], now), f"the guest is not as at “{name}”: {now} {self.answers[name]}"
        images_are_sound(desk)

    def go_back(self, desk, name):
        self.choose(desk, name)
        desk.press("Go Back Here", inside="Vitrine")
        self.is_as_then(desk, name)

    # ---- the tests

    def machine_runs(self, desk):
        self.guest.boot(desk)
        show_history(desk)

    def first_branch(self, desk):
        for number in range(1, 6):
            self.take(desk, f"A{number}", number)

    def second_branch(self, desk):
        self.go_back(desk, "A2")
        for number in range(1, 5):
            self.take(desk, f"B{number}", 20 + number)

    def third_branch(self, desk):
        self.go_back(desk, "A3")
        for number in range(1, 4):
            self.take(desk, f"C{number}", 30 + number)
        names = [node["name"] for node in tree(desk).values() if node["kind"] == "manual"]
        assert sorted(names) == sorted(self.pictures) and len(names) == 12, names
        desk.focus("Vitrine")
        desk.picture(f"{self.guest.pictures}-tree")

    def back_and_undone(self, desk):
        """What was not kept is there again after going back and undoing that."""
        self.guest.change(desk, 99)
        picture = screen(desk)
        self.choose(desk, "A1")
        desk.press("Go Back Here", inside="Vitrine")
        self.is_as_then(desk, "A1")
        desk.focus("Vitrine")
        desk.press("Undo Going Back", inside="Vitrine", seconds=30)
        here_is_after(desk, "Before going back to “A1”")
        shows(desk, picture, "the picture before")
        self.guest.is_at(desk, 99)
        images_are_sound(desk)
        desk.picture(f"{self.guest.pictures}-undone")

    def a_moment_in_the_middle_goes(self, desk):
        self.choose(desk, "A3")
        desk.focus("Vitrine")
        window = desk.window("Vitrine")
        below = desk.place(window), desk.grab(window)
        desk.press("Delete…", inside="Vitrine")
        desk.find("Delete “A3”?")
        desk.wait_until_drawn(desk.active(), below)
        desk.picture(f"{self.guest.pictures}-delete")
        desk.press("_Delete")
        wait_for("A3 to go", lambda: "A3" not in [node["name"] for node in tree(desk).values()], 90)
        del self.pictures["A3"], self.answers["A3"]
        images_are_sound(desk)

    def all_others_are_there(self, desk):
        for name in self.guest.looked_at(sorted(self.pictures)):
            self.go_back(desk, name)
        desk.picture(f"{self.guest.pictures}-end")
