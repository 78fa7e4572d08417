#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""history_walk.py PROGRAM PICTURES: the tree of history_tree.py with the firmware's Forth, which keeps a number in memory
and shows a picture."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, run_tests, wait_for  # noqa: E402
from history_tree import CURSOR, NAME, Walk, different, screen  # noqa: E402


def forth(desk, text):
    """Types a line at the firmware's prompt; the picture after it."""
    desk.focus(NAME)
    before = desk.centre(desk.window(NAME))
    desk.type(text)
    desk.keys("Return")
    wait_for("something on the screen", lambda: different(desk.centre(desk.window(NAME)), before) > CURSOR, 60)
    return screen(desk)


class Firmware:
    pictures = "history-walk"

    def boot(self, desk):
        desk.run("create", NAME, "--model", "ss5", "--ram", "32", "--disk", "64M")
        desk.start()
        desk.press(f"Start “{NAME}”", seconds=60)
        desk.focus(NAME)
        wait_for("the machine to run", lambda: "running" in desk.run("list", "--json"), 60)
        window = desk.window(NAME)
        wait_for("a picture", lambda: sum(desk.centre(window)[::3000]) > 1000, 60)
        screen(desk)
        desk.complaint_gone()
        # Said so often that another number is more than a cursor that blinks.
        forth(desk, "variable v 0 v ! : s 40 0 do v @ . loop ;")

    def change(self, desk, number):
        forth(desk, f"{number} v ! s")

    def ask(self, desk):
        return forth(desk, "s")

    def same(self, then, now):
        return different(then, now) < CURSOR

    def is_at(self, desk, number):
        forth(desk, "s")  # the picture that has come back shows the number; here is a guest that answers

    def looked_at(self, names):
        return ["C3", "B4", "A5", "B1", "A1", "A4"]


if __name__ == "__main__":
    run_tests(Walk(Firmware()).steps(), Desk(sys.argv[1], sys.argv[2]))
