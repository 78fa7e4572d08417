#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""pages.py PROGRAM PICTURES LOOK: every page and dialog, opened by keys and clicks, with a picture of each. LOOK goes into
the pictures' names ("dark-2": see in-display); the first look is walked by keyboard too: every control is reached, and has a
name that can be said."""

import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dialogs  # noqa: E402
from desk import Atspi, Desk, GLib, run_tests, wait_for  # noqa: E402

LOOK = sys.argv[3] if len(sys.argv) > 3 else ""
SCALE = 2 if LOOK.endswith("2") else 1
WALK = LOOK == "light-1"
MACHINE = "Workshop"

# What a keyboard must reach, and what must have a name of its own.
CONTROLS = ("push button", "toggle button", "check box", "radio button", "text", "entry", "spin button", "combo box",
            "page tab", "menu item", "slider")


def settle():
    time.sleep(0.7)  # transitions: only the pictures wait for them


def picture(desk, name):
    settle()
    desk.picture(f"{name}-{LOOK}")


def machines_with_a_past(desk):
    """Three machines, one of which has a history of nine moments in three branches."""
    for name, model in ((MACHINE, "ss20"), ("NetBSD on the Desk", "ss5"), ("Router", "ss5")):
        desk.run("create", name, "--model", model, "--disk", "2G")
    def moment(action, *words):
        desk.run("snapshot", MACHINE, action, *words)
    moment("take", "Empty Disk")
    moment("take", "System Installed", "--note", "NetBSD 9.3 with X11 and the games")
    moment("take", "Compiler Works")
    moment("restore", "System Installed")
    moment("take", "Other Window Manager")
    moment("take", "Broken Network")
    moment("restore", "Compiler Works")
    moment("take", "Demo for Friday", "--note", "Shown to everybody")
    moment("pin", "Demo for Friday")
    dialogs.make_one_that_cannot_run(desk, "Kernel Lost")


def library(desk):
    desk.start()
    desk.find("New", ("push button",), seconds=60)
    desk.find(MACHINE)
    desk.focus("Vitrine")
    picture(desk, "library-grid")
    walk(desk, "the library")
    desk.keys("ctrl+2")
    desk.find("Show as Grid")
    picture(desk, "library-list")
    desk.keys("ctrl+1")
    desk.find("Show as List")


def search(desk):
    desk.keys("ctrl+f")
    settle()
    desk.type("router")
    desk.gone(MACHINE)
    desk.find("Router")
    picture(desk, "library-search")
    desk.keys("Escape")
    desk.find(MACHINE)


def shortcuts(desk):
    desk.keys("F1")
    settle()
    picture(desk, "shortcuts")
    desk.keys("Escape")
    settle()


def machine_menu_opens_the_page(desk):
    desk.press(f"Actions for “{MACHINE}”", None)
    picture(desk, "machine-menu")
    desk.press("Details", None)
    desk.find("Back to the Library")
    desk.find("Hardware")
    picture(desk, "machine-overview")
    walk(desk, "the overview")


def history(desk):
    desk.keys("alt+2")
    desk.find("You are here")
    for name in ("Empty Disk", "System Installed", "Compiler Works", "Broken Network", "Demo for Friday"):
        desk.find(name)
    picture(desk, "machine-history")
    walk(desk, "the history")
    desk.press("Take Snapshot")
    desk.find("Take a Snapshot")
    picture(desk, "dialog-snapshot")
    desk.keys("Escape")
    desk.gone("Take a Snapshot")


def past_of(desk):
    """The name of the moment that the machine comes from; None while that is just being changed."""
    nodes = {node["id"]: node for node in json.loads(desk.run("snapshot", MACHINE, "tree", "--json"))}
    parent = nodes.get(nodes["here"]["parent"])
    return parent and parent["name"]


def going_back_and_undo(desk):
    for _ in range(30):
        desk.keys("Tab")
        if (focused(desk) or ("", ""))[1] == "You are here":
            break
    for _ in range(30):
        desk.keys("Up")
        if (focused(desk) or ("", ""))[1] == "System Installed":
            break
    picture(desk, "machine-history-moment")
    desk.press("Go Back Here")
    wait_for("the machine to have gone back", lambda: past_of(desk) == "System Installed", 60)
    desk.press("Undo Going Back", seconds=60)
    wait_for("the undo", lambda: past_of(desk) == "Before going back to “System Installed”", 60)
    desk.find("Everything is as it was before")
    desk.gone("Everything is as it was before")  # it goes by itself; the button on it is libadwaita's and has no name


def drives(desk):
    desk.keys("alt+3")
    desk.find("Hard Disks")
    desk.find("CD-ROM")
    picture(desk, "machine-disks")
    walk(desk, "the drives")


def settings(desk):
    desk.keys("alt+4")
    desk.find("Processor Runs")
    picture(desk, "machine-settings")
    walk(desk, "the settings", enough=40)
    desk.keys("ctrl+f")
    desk.type("mem")
    desk.gone("Start From", ("list item", "label"))
    picture(desk, "machine-settings-search")


def log(desk):
    desk.keys("alt+5")
    settle()
    picture(desk, "machine-log")
    desk.keys("alt+Left")
    desk.find("New", ("push button",))
    settle()


def exported_and_imported(desk):
    file = os.path.join(os.environ["HOME"], "Router.vitrine")
    desk.run("export", "Router", file)
    desk.run(file)  # as a desktop opens a file: the running program takes it
    desk.find("Router 2", seconds=60)
    desk.run("delete", "Router 2")
    desk.gone("Router 2")


def same(text):
    return text


def dialogs_of_the_machine(desk):
    dialogs.of_the_machine(desk, MACHINE, same, lambda name: picture(desk, name))
    desk.press(f"Actions for “{MACHINE}”", None)
    settle()
    desk.press("Details", None)
    desk.find("Hardware")
    desk.keys("alt+2")
    desk.find("You are here")
    dialogs.of_a_moment(desk, "Compiler Works", focused, same, lambda name: picture(desk, name))
    desk.keys("alt+3")
    desk.find("Hard Disks")
    settle()
    dialogs.of_the_drives(desk, same, lambda name: picture(desk, name))
    desk.keys("alt+Left")
    desk.find("New", ("push button",))
    settle()


def running_window(desk):
    desk.focus("Vitrine")
    dialogs.of_a_running_machine(desk, "Router", same, lambda name: picture(desk, name))
    desk.focus("Vitrine")
    dialogs.of_a_machine_that_cannot_run(desk, "Kernel Lost", same, lambda name: picture(desk, name))


def all_disks(desk):
    desk.keys("ctrl+shift+d")
    desk.focus("Disks")
    desk.find("What Can Be Done")
    picture(desk, "disks")
    walk(desk, "the disks", enough=30)
    desk.press("New Disk Image")
    desk.find("Stands On (Optional)")
    picture(desk, "dialog-new-disk")
    desk.keys("Escape")
    desk.gone("Stands On (Optional)")
    desk.keys("Escape")
    wait_for("the window to close", lambda: not desk.window("Disks"))


def wizard(desk):
    desk.focus("Vitrine")
    desk.keys("ctrl+n")
    desk.find("What Shall It Run?")
    desk.focus("New Machine")
    picture(desk, "wizard-1")
    walk(desk, "the wizard")
    for number in range(2, 6):
        desk.keys("alt+Right")
        settle()
        picture(desk, f"wizard-{number}")
    desk.keys("Escape")
    wait_for("the wizard to close", lambda: not desk.window("New Machine"))


def preferences(desk):
    desk.focus("Vitrine")
    desk.keys("ctrl+comma")
    desk.find("Memory for Rewind (MiB)")
    desk.focus("Preferences")
    picture(desk, "preferences")
    walk(desk, "the preferences", enough=30)
    desk.keys("Escape")
    wait_for("the preferences to close", lambda: not desk.window("Preferences"))


def about(desk):
    desk.focus("Vitrine")
    desk.press("Main Menu", None)
    picture(desk, "main-menu")
    desk.press("About Vitrine", None)
    desk.find("The Vitrine contributors")
    picture(desk, "about")
    desk.keys("Escape")


def smallest(desk):
    """Windows as narrow as a telephone's screen."""
    window = desk.focus("Vitrine")
    desk.press(f"Actions for “{MACHINE}”", None)
    settle()
    desk.press("Details", None)
    desk.find("Hardware")
    subprocess.run(["xdotool", "windowsize", "--sync", window, str(360 * SCALE), str(560 * SCALE)], check=True)
    settle()
    picture(desk, "small-overview")
    for number, name in enumerate(("history", "disks", "settings", "log"), 2):
        desk.keys(f"alt+{number}")
        settle()
        picture(desk, f"small-{name}")
    desk.keys("alt+Left")
    desk.find("New", ("push button",))
    settle()
    picture(desk, "small-library")


# ---- the keyboard

def showing(node):
    state = node.get_state_set()
    return state.contains(Atspi.StateType.VISIBLE) and state.contains(Atspi.StateType.SENSITIVE)


def named(node):
    name = node.get_name()
    return bool(name) and not name.startswith(("Gtk", "Adw", "Vitrine"))


def focused(desk):
    """(role, name) of the control that has the keyboard, which may be named by its parent (an entry in a row). Each window
    has one that would have it: the active window's counts."""
    try:
        windows = desk.application()
        active = [window for window in (windows.get_child_at_index(i) for i in range(windows.get_child_count()))
                  if window and window.get_state_set().contains(Atspi.StateType.ACTIVE)]
        for node in desk.all(active[0] if active else None):
            if node.get_state_set().contains(Atspi.StateType.FOCUSED):
                up = node
                for _ in range(4):
                    if named(up):
                        break
                    up = up.get_parent() or up
                return node.get_role_name(), up.get_name() if named(up) else ""
    except GLib.Error:
        pass  # the tree changed while it was read
    return None


def walk(desk, where, enough=60):
    """Tab through the window until it comes round; every stop has a name."""
    if not WALK:
        return
    seen = []
    for _ in range(enough):
        desk.keys("Tab")
        stop = focused(desk)
        if stop and not stop[1]:  # a control that has just come is told of before its name is
            time.sleep(1)
            stop = focused(desk)
        if not stop:
            continue
        assert stop[1], f"in {where}, the keyboard stops at a {stop[0]} without a name after {seen[-1:]}"
        assert "_" not in stop[1] and not re.search(r"(.{4,}) \1$", stop[1]), f"in {where}, a {stop[0]} is said as “{stop[1]}”"
        if seen and (seen[-1], stop) in zip(seen, seen[1:]):
            break
        seen.append(stop)
    print(f"# {where}: {len(seen)} stops of the keyboard: " + ", ".join(name for _, name in seen))
    assert len(set(seen)) > 2, f"in {where} the keyboard reaches only {seen}"


if __name__ == "__main__":
    run_tests([machines_with_a_past, library, search, shortcuts, machine_menu_opens_the_page, history, going_back_and_undo,
               drives, settings, log, dialogs_of_the_machine, running_window, exported_and_imported, all_disks, wizard,
               preferences, about, smallest], Desk(sys.argv[1], sys.argv[2]))
