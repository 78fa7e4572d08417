#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""desktop.py PROGRAM PICTURES: how a desktop treats the program. D-Bus starts it (org.freedesktop.Application), its action opens
the wizard, a second start shows the first's window, a file given to it is opened by the one that runs; files dropped on the
library become machines or begin the wizard; a machine is exported and imported by clicks; killed while a machine runs, the next
start offers to go on from its last moment, and how many of those are kept is a setting."""

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, Failure, run_tests, wait_for  # noqa: E402
from pages import focused  # noqa: E402
from running import Hand  # noqa: E402

HOME = os.environ["HOME"]
APP = "org.vitrine.Vitrine"


class Started:
    """A process that D-Bus started, for Desk."""
    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        return None if os.path.exists(f"/proc/{self.pid}") else 0

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds=None):
        wait_for("the program to end", lambda: self.poll() is not None, seconds or 20)


def call(*words):
    return subprocess.run(["gdbus", "call", "--session", "--timeout", "120", *words], check=True, capture_output=True, text=True).stdout


def application(method, *words):
    call("--dest", APP, "--object-path", "/org/vitrine/Vitrine", "--method", f"org.freedesktop.Application.{method}", *words)


def owner():
    """The process that has the name; 0: nobody."""
    bus = ("--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus", "--method")
    if "true" not in call(*bus, "org.freedesktop.DBus.NameHasOwner", APP):
        return 0
    return int(call(*bus, "org.freedesktop.DBus.GetConnectionUnixProcessID", APP).split("uint32")[1].strip(" ,)\n"))


def windows():
    return subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "^Vitrine$"], capture_output=True, text=True).stdout.split()


def bus_starts_it(desk):
    for name in ("First", "Second"):
        desk.run("create", name, "--model", "ss5", "--ram", "32", "--disk", "16M")
    folder = os.path.join(os.environ["XDG_DATA_HOME"], "dbus-1", "services")
    os.makedirs(folder)
    with open(os.path.join(folder, APP + ".service"), "w") as file:
        file.write(f"[D-BUS Service]\nName={APP}\nExec={os.path.abspath(desk.program)} --gapplication-service\n")
    bus = ("--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus", "--method")
    call(*bus, "org.freedesktop.DBus.ReloadConfig")
    # as a session's start does: the bus was there before the display
    here = {name: os.environ[name] for name in ("DISPLAY", "XAUTHORITY") if name in os.environ}
    call(*bus, "org.freedesktop.DBus.UpdateActivationEnvironment", str(here))
    assert owner() == 0
    application("Activate", "{}")
    desk.process = Started(wait_for("the name on the bus", owner, 60))
    desk.find("First", seconds=60)
    desk.focus("Vitrine")


def second_start_shows_the_first(desk):
    before = windows()
    done = subprocess.run([desk.program], timeout=60)
    assert done.returncode == 0
    time.sleep(1)
    assert windows() == before, "a second start opens a second window"
    assert owner() == desk.process.pid


def action_opens_the_wizard(desk):
    application("ActivateAction", "new-machine", "[]", "{}")
    desk.focus("New Machine")
    desk.find("What Shall It Run?")
    desk.keys("Escape")
    wait_for("the wizard to close", lambda: not desk.window("New Machine"))


def exported_by_clicks(desk):
    desk.focus("Vitrine")
    desk.press("Actions for “Second”", None)
    time.sleep(0.5)
    desk.press("Export…", None)
    desk.choose_file("Export Machine", os.path.join(HOME, "Gift"))
    desk.find("Exported as “Gift.vitrine”", seconds=60)
    assert os.path.getsize(os.path.join(HOME, "Gift.vitrine")) > 0


def imported_by_clicks(desk):
    desk.focus("Vitrine")
    desk.keys("ctrl+o")
    desk.choose_file("Open a Medium or an Exported Machine", os.path.join(HOME, "Gift.vitrine"))
    desk.find("Gift", seconds=60)


def opened_by_the_one_that_runs(desk):
    application("Open", f"['file://{HOME}/Gift.vitrine']", "{}")
    desk.find("Gift 2", seconds=60)
    assert owner() == desk.process.pid


def files_are_dropped(desk):
    """An exported machine is imported; a disk image or a kernel begins the wizard; a folder that is none is explained."""
    with Hand("", os.path.join(HOME, "Gift.vitrine")) as hand:
        hand.drag(desk, "Vitrine", 500, 500)
        desk.find("Gift 3", seconds=60)
    image = os.path.join(HOME, "floppy.img")
    with open(image, "wb") as file:
        file.truncate(1 << 20)
    with Hand("", image) as hand:
        hand.drag(desk, "Vitrine", 500, 500)
        desk.find("What Shall It Run?")
        desk.find("floppy.img")
    desk.focus("New Machine")
    time.sleep(0.7)
    desk.picture("wizard-dropped")
    desk.keys("Escape")
    wait_for("the wizard to close", lambda: not desk.window("New Machine"))
    kernel = os.path.join(HOME, "vmlinux")
    with open(kernel, "wb") as file:
        file.write(b"\x7fELF" + bytes(508))
    with Hand("", kernel) as hand:
        hand.drag(desk, "Vitrine", 500, 500)
        desk.find("This is a kernel: it is started directly, without a disc.")
        desk.find("vmlinux")
    desk.focus("New Machine")
    desk.gone("This is a kernel: it is started directly, without a disc.")  # Escape takes the toast first
    desk.keys("Escape")
    wait_for("the wizard to close", lambda: not desk.window("New Machine"))
    with Hand("", HOME) as hand:
        hand.drag(desk, "Vitrine", 500, 500)
        wait_for("the explanation", lambda: any(node.get_name().startswith("This folder is not a machine") for node in desk.all()))


def moments_to_keep_are_set(desk):
    """In the machine's settings; the ring keeps so many."""
    desk.focus("Vitrine")
    desk.press("Actions for “First”", None)
    time.sleep(0.5)
    desk.press("Details", None)
    desk.find("Hardware")
    desk.keys("alt+4")
    for name, value in (("Minutes Between Snapshots", "1"), ("Snapshots to Keep", "2")):
        desk.keys("ctrl+f", "ctrl+a")
        desk.type(name)
        time.sleep(1)
        for _ in range(10):
            stop = focused(desk)  # the row, then the entry in it
            if stop and stop[1] == name and stop[0] != "list item":
                break
            desk.keys("Tab")
        else:
            raise Failure(f"the keyboard does not come to “{name}”")
        desk.keys("ctrl+a")
        desk.type(value)
        desk.keys("Tab")
    time.sleep(0.7)
    desk.picture("settings-autosave")
    wait_for("it in the description", lambda: (lambda text: "1" in text and "2" in text)(desk.run("snapshot", "First", "autosave")), 10)


def killed_while_it_runs(desk):
    desk.press("Start", inside="Vitrine")
    desk.focus("First", 60)
    wait_for("it to run", lambda: '"running"' in desk.run("list", "--json"), 60)
    desk.complaint_gone()
    def autosaves():
        return desk.run("snapshot", "First", "tree", "--json").count('"autosave"')
    wait_for("an autosave", autosaves, 240)
    os.kill(desk.process.pid, signal.SIGKILL)
    desk.process.wait()
    desk.start()
    desk.find("“First” was running when Vitrine ended", seconds=60)
    desk.focus("Vitrine")
    time.sleep(0.5)
    desk.picture("crash-toast")
    desk.press("Go On…")
    desk.find("You are here")
    wait_for("the offer", lambda: any(node.get_name().startswith("Vitrine ended while this machine was running")
                                      for node in desk.all()))
    time.sleep(1)
    desk.picture("crash-offer")
    desk.press("Go On From There")
    desk.gone("Go On From There", ("push button",), 60)
    desk.focus("First", 60)
    wait_for("it to run on", lambda: '"running"' in desk.run("list", "--json"), 60)


if __name__ == "__main__":
    run_tests([bus_starts_it, second_start_shows_the_first, action_opens_the_wizard, exported_by_clicks, imported_by_clicks,
               opened_by_the_one_that_runs, files_are_dropped, moments_to_keep_are_set, killed_while_it_runs],
              Desk(sys.argv[1], sys.argv[2]))
