#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""pseudo.py PROGRAM PICTURES SOURCE: the windows in a language that does not exist (po/make-pseudo): every text of the program
that is seen stands in brackets, so what does not has not gone through gettext."""

import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dialogs  # noqa: E402
from desk import Atspi, Desk, run_tests, wait_for  # noqa: E402
from pages import focused  # noqa: E402

MACHINE, LOST = "Workshop", "Kernel Lost"
FOLDER = tempfile.mkdtemp()

# Names of things, which are the same in all languages, and what GTK and libadwaita say by themselves.
SAME = ["Vitrine", MACHINE, LOST, "SPARCstation", "SPARCclassic", "SuperSPARC", "microSPARC", "MHz", "MiB", "GiB", "KiB", "NetBSD/sparc",
        "NetBSD", "OpenBSD", "Debian", "Solaris", "org.vitrine.Vitrine", "qcow2", "bytes", "TCX", "Moment", " II "]
TOOLKIT = {"Close", "Minimize", "Maximize", "Cancel", "Details", "Legal", "Credits", "Back", "Open", "Search", "Shortcuts",
           "Search Shortcuts", "No Results Found", "Try a different search", "About", "Troubleshooting", "What’s New", "Other", "Alt", "Ctrl", "Ctrl\u2005R", "Shift",
           "Delete", "Escape", "Expand", "Search Results", "Try a different search."}
ROLES = ("push button", "toggle button", "check box", "radio button", "label", "list item", "page tab", "menu item", "heading",
         "text", "entry", "table cell", "spin button")
untranslated = {}


def plain(text):
    """What is left of a text without its brackets, names and figures."""
    rest = re.sub(r"⟦[^⟦⟧]*⟧|⟦.*⟧", "", text, flags=re.S)
    for word in SAME:
        rest = rest.replace(word, "")
    rest = re.sub(r"(Gtk|Adw|Vitrine)\w+", "", rest)
    rest = re.sub(r"\S*[/.]\S*", "", rest)  # paths, file names
    rest = re.sub(r"\([^()]*\)", "", rest)  # the maker's number of a chip
    return re.sub(r"[^A-Za-z]", "", re.sub(r"\b\w*\d\w*\b", "", rest))


def look(desk, where):
    time.sleep(0.7)
    if where.startswith("chooser-"):  # GTK's own words but for the title
        title = subprocess.run(["xdotool", "getactivewindow", "getwindowname"], check=True, capture_output=True, text=True).stdout
        if len(plain(title)) > 1:
            untranslated.setdefault(title, where)
        desk.picture("pseudo-" + where)
        return
    for node in desk.all():
        name = node.get_name()
        if not name or node.get_role_name() not in ROLES or name in TOOLKIT or re.fullmatch(r"((Shift|Ctrl|Alt)\+)+.", name):
            continue
        if node.get_state_set().contains(Atspi.StateType.VISIBLE) and len(plain(name)) > 1:
            untranslated.setdefault(name, where)
    desk.picture("pseudo-" + where)


def translated(text):
    """How a text looks, so that it can be found."""
    return subprocess.run(["gettext", "-d", "vitrine", text], capture_output=True, text=True, check=True,
                          env={**os.environ, "TEXTDOMAINDIR": FOLDER}).stdout


def the_language_is_made(desk):
    subprocess.run([os.path.join(sys.argv[3], "po", "make-pseudo"), sys.argv[3], FOLDER], check=True)
    os.environ.update(LANGUAGE="xx", VITRINE_LOCALEDIR=FOLDER)
    assert translated("_Take Snapshot").startswith("⟦"), "gettext does not find the language"
    desk.run("create", MACHINE, "--model", "ss20", "--disk", "2G")
    desk.run("snapshot", MACHINE, "take", "Moment")
    dialogs.make_one_that_cannot_run(desk, LOST)


def library(desk):
    desk.start()
    desk.find(MACHINE, seconds=60)
    desk.focus("⟦.*⟧|Vitrine")
    look(desk, "library")


def machine(desk):
    desk.press(translated("Actions for “%s”") % MACHINE, None)
    time.sleep(0.5)
    look(desk, "menu")
    desk.press(translated("De_tails"), None)
    desk.find(translated("Hardware"))
    look(desk, "overview")
    for number, name in enumerate(("history", "disks", "settings", "log"), 2):
        desk.keys(f"alt+{number}")
        look(desk, name)
        if name == "history":
            dialogs.of_a_moment(desk, "Moment", focused, translated, lambda name: look(desk, name))
        elif name == "disks":
            dialogs.of_the_drives(desk, translated, lambda name: look(desk, name))
    desk.keys("alt+Left")
    time.sleep(0.7)


def dialogs_of_the_machine(desk):
    dialogs.of_the_machine(desk, MACHINE, translated, lambda name: look(desk, name))


def running_window(desk):
    dialogs.of_a_running_machine(desk, MACHINE, translated, lambda name: look(desk, name))
    desk.focus("⟦.*⟧|Vitrine")
    dialogs.of_a_machine_that_cannot_run(desk, LOST, translated, lambda name: look(desk, name))
    desk.focus("⟦.*⟧|Vitrine")


def other_windows(desk):
    for keys, name in (("ctrl+shift+d", "all-disks"), ("ctrl+comma", "preferences"), ("F1", "shortcuts")):
        before = desk.active()
        desk.keys(keys)
        wait_for("its window", lambda: desk.active() != before)
        look(desk, name)
        desk.keys("Escape")
        wait_for("the window to go", lambda: desk.active() == before)


def wizard(desk):
    before = desk.active()
    desk.keys("ctrl+n")
    wait_for("its window", lambda: desk.active() != before)
    for number in range(1, 6):
        look(desk, f"wizard-{number}")
        desk.keys("alt+Right")


def nothing_is_untranslated(desk):
    for text, where in sorted(untranslated.items()):
        print(f"# {where}: {text!r}")
    assert not untranslated, f"{len(untranslated)} texts do not go through gettext"


if __name__ == "__main__":
    run_tests([the_language_is_made, library, machine, dialogs_of_the_machine, running_window, other_windows,
               wizard, nothing_is_untranslated],
              Desk(sys.argv[1], sys.argv[2]))
