# SPDX-License-Identifier: GPL-3.0-or-later
"""Every dialog and window state that pages and pseudo would otherwise not meet, opened one after the other."""

import os
import time

from desk import Failure, is_named, wait_for


def in_its_window(desk, opened, name, seen):
    """What `opened` does brings a window; Escape closes it."""
    before = desk.active()
    below = desk.place(before), desk.grab(before)
    opened()
    wait_for(f"the window of {name}", lambda: desk.active() != before)
    desk.wait_until_drawn(desk.active(), below)
    time.sleep(0.7)
    seen(name)
    desk.keys("Escape")
    wait_for(f"{name} to close", lambda: desk.active() == before)
    time.sleep(0.3)


def of_the_machine(desk, machine, say, seen):
    """From the library: what a machine's menu asks."""
    for label, name in (("_Rename…", "dialog-rename-machine"), ("D_uplicate…", "dialog-duplicate"), ("Insert _CD…", "chooser-cd"),
                        ("E_xport…", "chooser-export")):
        desk.press(say("Actions for “%s”") % machine, None)
        time.sleep(0.5)
        in_its_window(desk, lambda: desk.press(say(label), None), name, seen)


def of_a_moment(desk, moment, focused, say, seen):
    """On the history page: what is asked about one."""
    for _ in range(40):
        stop = focused(desk)
        if stop and stop[0] == "list item":
            break
        desk.keys("Tab")
    for key in ["Up"] * 15 + ["Down"] * 15:
        if (focused(desk) or ("", ""))[1] == moment:
            break
        desk.keys(key)
    else:
        raise Failure(f"the keyboard does not come to “{moment}”")
    for label, name in (("_Take Snapshot", "dialog-take"), ("_New Machine…", "dialog-branch"), ("_Compare", "dialog-compare"),
                        ("_Rename…", "dialog-rename-moment"), ("_Delete…", "dialog-delete-moment")):
        in_its_window(desk, lambda: press_last(desk, say(label)), name, seen)


def press_last(desk, label):
    """Of the page that is in front: the library behind it has a “New Machine…”, too."""
    def button():
        found = [node for node in desk.all() if node.get_role_name() == "push button" and is_named(node, label)]
        return found[-1] if found else None
    wait_for(f"“{label}”", button).get_action_iface().do_action(0)


def of_the_drives(desk, say, seen):
    """On the Disks page."""
    for label, name in (("_New Disk…", "dialog-add-disk"), ("From an _Image…", "chooser-disk")):
        desk.press(say("Add a Disk"), None)
        time.sleep(0.5)
        in_its_window(desk, lambda: desk.press(say(label), None), name, seen)


def of_a_running_machine(desk, machine, say, seen):
    """Its window: running, asked, paused, rewound, off."""
    desk.press(say("Start “%s”") % machine)
    desk.focus(machine, 60)
    desk.find(say("Pause"), ("push button",), seconds=60)
    time.sleep(6)
    seen("running")
    desk.press(say("Machine Menu"), None, inside=machine)
    time.sleep(0.7)
    seen("running-menu")
    desk.keys("Escape")
    time.sleep(0.5)
    for label, name in (("Reset", "dialog-reset"), ("Power Off", "dialog-power-off")):
        in_its_window(desk, lambda: desk.press(say(label), ("push button",), inside=machine), name, seen)
    right_ctrl_and = {"pause": 33, "rewind": 27}
    desk.focus(machine)
    desk.host_key(right_ctrl_and["rewind"])
    time.sleep(2)
    seen("running-rewind")
    desk.host_key(right_ctrl_and["rewind"])
    time.sleep(1)
    desk.host_key(right_ctrl_and["pause"])
    time.sleep(2)
    seen("running-paused")
    in_its_window(desk, lambda: desk.keys("ctrl+w"), "dialog-close", seen)
    desk.focus(machine)
    desk.press(say("Power Off"), ("push button",), inside=machine)
    time.sleep(1)
    desk.press(say("_Power Off"), ("push button",), inside=say("Power Off the Machine?"))
    desk.find(say("Powered Off"), seconds=60)
    time.sleep(0.7)
    seen("running-off")
    desk.keys("ctrl+w")
    wait_for("its window to close", lambda: not desk.window(machine))


def of_a_machine_that_cannot_run(desk, machine, say, seen):
    """Its kernel has gone."""
    desk.press(say("Start “%s”") % machine)
    desk.focus(machine, 60)
    desk.find(say("It Could Not Run"), seconds=60)
    time.sleep(0.7)
    seen("running-error")
    desk.keys("ctrl+w")
    wait_for("its window to close", lambda: not desk.window(machine))


def make_one_that_cannot_run(desk, name):
    kernel = os.path.join(os.environ["HOME"], "kernel")
    with open(kernel, "w") as file:
        file.write("no kernel")
    desk.run("create", name, "--model", "ss5", "--kernel", kernel)
    os.remove(kernel)
