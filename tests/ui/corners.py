#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""corners.py PROGRAM PICTURES LOOK: what pages leaves out: an empty library and one of sixty machines with long names, a tree of
long names, windows as wide as a big monitor and as narrow as a telephone, the lower ends of long pages, every question about a
disk image, further pages of preferences and shortcuts, submenus, the serial port, and several jobs at once, one of which is
cancelled. LOOK as in pages."""

import glob
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Atspi, Desk, Failure, run_tests, wait_for  # noqa: E402
from dialogs import in_its_window, make_one_that_cannot_run  # noqa: E402
from pages import SCALE, focused, picture, settle  # noqa: E402

HOME = os.environ["HOME"]
LONG = "The Workstation on Which the Whole Department Wrote Its Theses From 1993 to 1997"
TREE = "Machine With a Long Past"
DATA = 512 << 20  # bytes of which half are air: jobs take their time


def resize(window, width, height):
    subprocess.run(["xdotool", "windowmove", window, "0", "0", "windowsize", "--sync", window, str(width * SCALE), str(height * SCALE)],
                   check=True)
    settle()


def details(desk, machine):
    desk.press(f"Actions for “{machine}”", None)
    time.sleep(0.7)
    desk.press("Details", None)
    desk.find("Hardware")
    settle()


def back(desk):
    desk.keys("alt+Left")
    desk.find("New", ("push button",))
    settle()


def lowest(desk, name):
    """The end of a page, by the pointer's wheel."""
    left, top, right, bottom = desk.place(desk.active())
    subprocess.run(["xdotool", "mousemove", str((left + right) // 2), str((top + bottom) // 2), "click", "--repeat", "40", "--delay", "20",
                    "5"], check=True)
    settle()
    picture(desk, name)


def activate(desk, name):
    """A row, by keyboard."""
    for _ in range(40):
        if (focused(desk) or ("", ""))[1] == name:
            desk.keys("Return")
            return
        desk.keys("Tab")
    raise Failure(f"the keyboard does not come to “{name}”")


def empty_library(desk):
    desk.start()
    desk.find("Put a Computer on Your Desk", seconds=60)
    desk.focus("Vitrine")
    picture(desk, "library-empty")
    desk.keys("ctrl+shift+d")
    desk.focus("Disks")
    picture(desk, "disks-empty")
    desk.keys("Escape")
    wait_for("the window to close", lambda: not desk.window("Disks"))


def sixty_machines(desk):
    desk.run("create", LONG, "--model", "ss5", "--disk", "1G")
    desk.run("create", TREE, "--model", "ss20", "--disk", "1G")
    for number in range(57):
        desk.run("create", f"Machine {number + 1}", "--model", ("ss5", "ss20", "classic")[number % 3])
    make_one_that_cannot_run(desk, "Kernel Lost")
    desk.find(LONG, seconds=60)
    desk.focus("Vitrine")
    picture(desk, "library-sixty")
    desk.keys("ctrl+2")
    desk.find("Show as Grid")
    picture(desk, "library-sixty-list")
    desk.keys("ctrl+1")
    desk.find("Show as List")
    window = desk.focus("Vitrine")
    resize(window, 1280, 940)
    picture(desk, "wide-library")
    resize(window, 1040, 680)
    for number in range(1, 57):  # a small tree is read sooner
        desk.run("delete", f"Machine {number + 1}")
    details(desk, LONG)
    picture(desk, "long-overview")
    back(desk)
    details(desk, "Kernel Lost")
    picture(desk, "health")
    back(desk)


def long_past(desk):
    def moment(action, *words):
        desk.run("snapshot", TREE, action, *words)
    for number in range(4):
        moment("take", f"{number + 1}. Everything is installed, the printer works, and the games are on the second disk",
               "--note", "A note that is rather long, too: what was done, why it was done, and what is to be done next time")
    for branch in range(3):
        moment("restore", f"{branch + 1}. Everything is installed, the printer works, and the games are on the second disk")
        for number in range(3):
            moment("take", f"Branch {branch + 1}, {number + 1}. attempt to make the window manager start by itself")
    details(desk, TREE)
    desk.keys("alt+2")
    desk.find("You are here")
    picture(desk, "long-history")
    for _ in range(30):
        desk.keys("Tab")
        if (focused(desk) or ("", ""))[1] == "You are here":
            break
    desk.keys("Up")
    picture(desk, "long-history-moment")
    window = desk.focus("Vitrine")
    resize(window, 360, 600)
    picture(desk, "narrow-history")
    desk.keys("alt+1")
    picture(desk, "narrow-overview")
    back(desk)
    picture(desk, "narrow-library")
    resize(window, 1280, 940)
    details(desk, TREE)
    picture(desk, "wide-overview")
    for number, name in enumerate(("history", "disks", "settings", "log"), 2):
        desk.keys(f"alt+{number}")
        picture(desk, f"wide-{name}")
    back(desk)
    resize(window, 1040, 680)


def ends_of_pages(desk):
    details(desk, TREE)
    lowest(desk, "overview-end")
    desk.keys("alt+4")
    desk.find("Processor Runs")
    lowest(desk, "settings-end")
    desk.keys("alt+2")
    desk.find("You are here")
    desk.press("Other Ways to Start", None)
    picture(desk, "start-menu")
    desk.keys("Escape")
    back(desk)
    desk.keys("ctrl+n")
    desk.find("What Shall It Run?")
    desk.focus("New Machine")
    lowest(desk, "wizard-1-end")
    for _ in range(4):
        desk.keys("alt+Right")
        settle()
    lowest(desk, "wizard-5-end")
    desk.keys("Escape")
    wait_for("the wizard to close", lambda: not desk.window("New Machine"))


def long_chains_fit(desk):
    """Thirty steps deep, the list of images leaves the details their place."""
    desk.run("create", "Chain", "--model", "ss5", "--disk", "1G")
    for number in range(30):
        desk.run("snapshot", "Chain", "take", f"Step {number + 1}")
    desk.focus("Vitrine")
    desk.keys("ctrl+shift+d")
    desk.focus("Disks")
    desk.find("Step 30", ("label",), seconds=60)
    picture(desk, "disks-deep")
    width = desk.find("Disk Images", ("list",)).get_component_iface().get_extents(Atspi.CoordType.WINDOW).width
    assert 100 < width < 400, f"the list is {width} pixels wide"
    desk.keys("Escape")
    wait_for("the window to close", lambda: not desk.window("Disks"))
    desk.run("delete", "Chain")


def questions_about_images(desk):
    image = os.path.join(HOME, "Photographs.qcow2")
    base = os.path.join(HOME, "Base.qcow2")
    desk.run("image", "create", base, "1G")
    desk.run("image", "create", "--backing", base, image)
    desk.keys("ctrl+shift+d")
    desk.focus("Disks")
    desk.press("Show a Disk Image", ("push button",))
    desk.choose_file("Show a Disk Image", image)
    desk.focus("Disks")
    desk.find("Photographs.qcow2")
    picture(desk, "disks-shown")
    for action, name in (("Resize…", "disk-resize"), ("Convert…", "disk-convert"), ("Another Base…", "disk-rebase")):
        in_its_window(desk, lambda: activate(desk, action), name, lambda each: picture(desk, each))
    activate(desk, "Check")
    desk.find("“Photographs.qcow2” is sound", seconds=60)
    picture(desk, "disk-checked")
    resize(desk.focus("Disks"), 360, 600)
    picture(desk, "narrow-disks")
    desk.keys("Escape", "Escape")  # the toast goes first
    wait_for("the window to close", lambda: not desk.window("Disks"))


def further_preferences(desk):
    desk.focus("Vitrine")
    desk.keys("ctrl+comma")
    desk.find("Memory for Rewind (MiB)")
    desk.focus("Preferences")
    for page, name in (("Screen and Keys", "preferences-keys"), ("Folders", "preferences-folders")):
        desk.press(page, None, inside="Preferences")
        picture(desk, name)
    desk.keys("Escape")
    wait_for("the preferences to close", lambda: not desk.window("Preferences"))


def further_shortcuts(desk):
    desk.focus("Vitrine")
    desk.keys("F1")
    settle()
    for number in ("2", "3"):
        desk.keys("Right", "space")  # GTK's own buttons, which have no names
        picture(desk, f"shortcuts-{number}")
    desk.keys("Escape")
    settle()
    desk.press("Main Menu", None)
    time.sleep(0.7)
    desk.press("About Vitrine", None)
    desk.find("The Vitrine contributors")
    settle()
    for name, y in (("details", 339), ("legal", 411)):  # libadwaita's own rows, which tell neither place nor name
        subprocess.run(["xdotool", "mousemove", "--window", desk.active(), str(185 * SCALE), str(y * SCALE), "click", "1"], check=True)
        picture(desk, f"about-{name}")
        desk.keys("alt+Left")
        settle()
    desk.keys("Escape")
    settle()


def running_corners(desk):
    desk.focus("Vitrine")
    desk.press("Start “Machine 1”")
    window = desk.focus("Machine 1", 60)
    desk.find("Pause", ("push button",), seconds=60)
    desk.complaint_gone()
    for path in (("Scaling",), ("Screen Effect",), ("Send Keys",)):
        desk.press("Machine Menu", None, inside="Machine 1")
        time.sleep(0.7)
        desk.press(path[0], None, inside="Machine 1")
        desk.keys("Return")
        picture(desk, "running-" + path[0].lower().replace(" ", "-"))
        desk.keys("Escape", "Escape")
        time.sleep(0.7)
    desk.press("CD-ROM, empty", None, inside="Machine 1")
    picture(desk, "running-drive")
    desk.keys("Escape")
    time.sleep(0.7)
    desk.press("Machine Menu", None, inside="Machine 1")
    time.sleep(0.7)
    desk.press("Serial Port", None, inside="Machine 1")
    time.sleep(1)
    picture(desk, "running-serial")
    desk.press("Machine Menu", None, inside="Machine 1")
    time.sleep(0.7)
    desk.press("Screen", None, inside="Machine 1")
    time.sleep(1)
    resize(window, 360, 400)
    picture(desk, "narrow-running")
    desk.press("Screenshot", inside="Machine 1")
    desk.find("Screenshot saved among your pictures")
    settle()
    picture(desk, "narrow-toast")
    frame, button = (desk.find(name, roles).get_component_iface().get_extents(Atspi.CoordType.WINDOW)
                     for name, roles in (("Machine 1", ("frame",)), ("Open", ("push button",))))
    assert button.x + button.width + 30 < frame.width, f"the toast's button ends at {button.x + button.width} of {frame.width}"
    desk.press("Full Screen", None, inside="Machine 1")
    time.sleep(1.5)
    picture(desk, "running-full-screen")
    desk.press("Power Off", ("push button",), inside="Machine 1")
    time.sleep(1)
    desk.press("_Power Off", ("push button",), inside="Power Off the Machine?")
    desk.find("Powered Off", seconds=60)
    settle()
    picture(desk, "running-off-full-screen")
    desk.focus("Machine 1")
    desk.keys("ctrl+w")
    wait_for("its window to close", lambda: not desk.window("Machine 1"))


def several_jobs(desk):
    """A compressed copy, an imported machine and an exported one at once; the last is cancelled and leaves nothing."""
    data, given, copy = (os.path.join(HOME, name) for name in ("Data.img", "Given.vitrine", "Copy.qcow2"))
    with open(data, "wb") as file:
        for _ in range(DATA >> 20):
            file.write(os.urandom(1 << 19).hex().encode())
    desk.run("create", "Loaded", "--model", "ss5", "--disk", data)
    desk.run("export", "Loaded", given)
    desk.find("Loaded", seconds=60)
    desk.focus("Vitrine")
    desk.keys("ctrl+shift+d")
    desk.focus("Disks")
    desk.press("Show a Disk Image", ("push button",))
    desk.choose_file("Show a Disk Image", data)
    before = desk.focus("Disks")
    desk.find("Data.img")
    activate(desk, "Convert…")
    wait_for("the question", lambda: desk.active() != before)
    settle()
    for _ in range(12):
        if (focused(desk) or ("", ""))[1] == "Compress":
            desk.keys("space")
            break
        desk.keys("Tab")
    desk.press("Choose… Where", None)
    desk.choose_file("Where", copy)
    desk.press("Convert", ("push button",))
    wait_for("the question to go", lambda: desk.active() == before)
    desk.run(given)
    desk.focus("Vitrine")
    desk.press("Actions for “Loaded”", None)
    time.sleep(0.7)
    desk.press("Export…", None)
    desk.choose_file("Export Machine", os.path.join(HOME, "Second"))

    def running():
        return next((node for node in desk.all(desk.look("Vitrine", ("frame",))) if node.get_action_iface()
                     and node.get_action_iface().get_n_actions() > 0 and node.get_name().endswith(("job is running", "jobs are running"))), None)
    wait_for("jobs", running, 10).get_action_iface().do_action(0)
    desk.focus("Vitrine")
    picture(desk, "jobs")
    desk.find("Exporting…", ("label",))
    start = desk.find("Start “Loaded”", ("push button",))
    assert not start.get_state_set().contains(Atspi.StateType.SENSITIVE), "a machine that is being exported can be started"
    desk.press("Cancel: Exporting “Loaded”", None)
    desk.find("Exporting “Loaded”: cancelled", seconds=60)
    picture(desk, "jobs-cancelled")
    desk.find("Given", seconds=200)
    wait_for("the copy", lambda: '"format" : "qcow2"' in desk.run("image", "info", "--json", copy), 200)
    wait_for("no half a machine", lambda: not glob.glob(os.path.join(HOME, "*Second*")), 20)
    desk.gone("Exporting…", ("label",))


if __name__ == "__main__":
    run_tests([empty_library, sixty_machines, long_past, ends_of_pages, long_chains_fit, questions_about_images, further_preferences,
               further_shortcuts, running_corners, several_jobs], Desk(sys.argv[1], sys.argv[2]))
