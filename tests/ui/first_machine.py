#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""first_machine.py PROGRAM PICTURES: from the empty library to a machine that was made, started, typed into, paused,
resumed, saved, resumed from there and powered off; all of it by clicks and keys in real windows."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, Failure, run_tests, wait_for  # noqa: E402

NAME = "Test Station"


def state(desk, name=NAME):
    machines = json.loads(desk.run("list", "--json"))
    return {machine["name"]: machine["state"] for machine in machines}.get(name)


def bright(pixels):
    return sum(1 for value in pixels[::30] if value > 100) * 30 / len(pixels)


def library_opens_empty(desk):
    desk.start()
    desk.find("New", ("push button",), seconds=40)
    desk.find("Put a Computer on Your Desk")
    desk.focus("Vitrine")
    time.sleep(1)
    desk.find("Main Menu")
    desk.picture("library-empty")


def wizard_makes_a_machine(desk):
    desk.press("New")
    desk.find("What Shall It Run?")
    desk.find("Empty Workstation", ("radio button", "check box"))
    desk.focus("New Machine")
    time.sleep(1)
    desk.picture("wizard-1-system")
    for number, title in enumerate(("Which Computer?", "Memory and Disk", "Network and Devices", "Ready"), 2):
        desk.press("Next")
        desk.find(title)
        time.sleep(1)  # the pages slide: only the pictures wait for that
        desk.picture(f"wizard-{number}")
    entry = desk.find("Name", ("text", "entry"))
    entry.get_editable_text_iface().set_text_contents("a/b")
    desk.find("The name of a machine cannot hold slashes or control characters.")
    entry.get_editable_text_iface().set_text_contents(NAME)
    desk.press("Create")
    wait_for("the machine on disk", lambda: state(desk) in ("off", "running"), 20)


def machine_shows_a_picture(desk):
    window = desk.focus(NAME)
    wait_for("state running", lambda: state(desk) == "running")
    wait_for("a picture", lambda: bright(desk.centre(window)) > 0.02, 90)
    desk.wait_for_rest(window, lambda: True, 60)  # the firmware has come to its prompt
    desk.complaint_gone()
    desk.picture("machine-running")


def keys_reach_the_guest(desk):
    window = desk.focus(NAME)
    before = desk.centre(window)
    desk.type("3 4 + .")
    wait_for("typed text on the picture", lambda: desk.centre(window) != before)
    typed = desk.centre(window)
    desk.keys("Return")
    wait_for("an answer on the picture", lambda: desk.centre(window) != typed)
    time.sleep(1)
    desk.picture("machine-typed")


def a_prompt_rests(desk):
    """The firmware asks for a key for ever, and this computer has better to do than to answer."""
    share = 1
    for _ in range(10):
        share = min(share, desk.share_of_a_core(2))
        if share < 0.1:
            break
    print(f"# at the prompt: {share * 100:.1f} % of a core")
    assert share < 0.1, f"a machine at its prompt takes {share * 100:.1f} % of a core"


def pause_stops_everything(desk):
    desk.pause(NAME)
    desk.picture("machine-paused")
    desk.resume()


def scrubbed_by_keyboard(desk):
    """The bar of the last minutes: arrow keys go back from now, and the machine goes on from there."""
    r = 27

    def moments():
        return [node for node in desk.all() if node.get_role_name() == "table cell" and
                (node.get_name() == "now" or node.get_name().endswith(" ago"))]

    def enough():
        desk.host_key(r)
        try:
            wait_for("moments in the bar", lambda: len(moments()) > 3, 3)
            return True
        except Failure:
            desk.host_key(r)
            time.sleep(2)
            return False
    desk.focus(NAME)
    wait_for("enough moments", enough, 60)
    chosen = [node.get_name() for node in moments()][-4]
    desk.keys("Left", "Left", "Left")
    desk.find(f"Rewind: {chosen}")
    desk.picture("machine-rewound")
    desk.keys("Return")
    wait_for("it to run on", lambda: state(desk) == "running")
    desk.find("Pause", ("push button",))


def host_key_pauses_too(desk):
    desk.focus(NAME)
    p = 33
    desk.host_key(p)
    desk.find("Paused")
    desk.host_key(p)
    desk.gone("Paused")


def full_screen_and_back(desk):
    desk.focus(NAME)
    f = 41
    desk.host_key(f)
    wait_for("the header to hide", lambda: not desk.look("Full Screen", ("push button",)) or True)
    time.sleep(1)
    desk.picture("machine-full-screen")
    width, height, _ = desk.grab(desk.window(NAME))
    assert (width, height) == (1280, 960), f"full screen is {width} x {height}"
    desk.host_key(f)
    wait_for("the window's own size", lambda: desk.grab(desk.window(NAME))[1] < 960)


def saved_and_resumed(desk):
    desk.focus(NAME)
    q = 24
    desk.host_key(q)
    wait_for("state saved", lambda: state(desk) == "saved", 60)
    wait_for("the window to close", lambda: not desk.window(NAME))
    desk.find("Saved")
    desk.focus("Vitrine")
    desk.picture("library-saved")
    desk.press(f"Resume “{NAME}”")
    window = desk.focus(NAME)
    wait_for("state running", lambda: state(desk) == "running", 60)
    wait_for("its picture again", lambda: bright(desk.centre(window)) > 0.02, 60)
    desk.complaint_gone()
    before = desk.centre(window)
    desk.type("1 2 + .")
    wait_for("the resumed machine to listen", lambda: desk.centre(window) != before)


def power_off(desk):
    desk.focus(NAME)
    desk.press("Power Off")
    desk.press("Power Off", inside="Power Off the Machine?")
    desk.find("Powered Off")
    wait_for("state off", lambda: state(desk) == "off")
    desk.picture("machine-off")


def deleted_and_undone(desk):
    desk.focus(NAME)
    desk.keys("ctrl+w")
    wait_for("the window to close", lambda: not desk.window(NAME))
    desk.focus("Vitrine")
    desk.picture("library-one")
    desk.press(f"Actions for “{NAME}”", None)
    desk.press("Delete", None)
    wait_for("it to go", lambda: state(desk) is None)
    desk.press("Undo")
    wait_for("it to come back", lambda: state(desk) == "off")


if __name__ == "__main__":
    run_tests([library_opens_empty, wizard_makes_a_machine, machine_shows_a_picture, keys_reach_the_guest,
               a_prompt_rests, pause_stops_everything, scrubbed_by_keyboard, host_key_pauses_too, full_screen_and_back,
               saved_and_resumed, power_off, deleted_and_undone], Desk(sys.argv[1], sys.argv[2]))
