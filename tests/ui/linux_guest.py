#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""linux_guest.py PROGRAM PICTURES: a Linux kernel and its RAM disk become a machine in the wizard, chosen by clicks; it
boots in its window, obeys what is typed, pauses, resumes and powers itself off. VITRINE_TEST_GUESTS names the folder with
sun4m/vmlinux and sun4m/initramfs.cpio.gz; without it the test is skipped."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, run_tests, wait_for  # noqa: E402
from first_machine import bright, state as state_of  # noqa: E402

NAME = "Linux Station"
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")


def state(desk):
    return state_of(desk, NAME)


def choose_file(desk, row, path):
    """The Open… button of a row, then the path typed into GTK's file chooser."""
    desk.press(f"Open… {row}")
    desk.choose_file(row, path)
    wait_for(f"“{row}” to show the file", lambda: desk.look(os.path.basename(path)))


def wizard_takes_kernel_and_ram_disk(desk):
    desk.start()
    desk.find("New", ("push button",), seconds=40)
    desk.focus("Vitrine")
    desk.press("New")
    desk.find("What Shall It Run?")
    desk.focus("New Machine")
    time.sleep(1)  # the dialog grows out of its parent
    desk.click("Linux Kernel from a File", ("label",))
    for title in ("Which Computer?", "Memory and Disk", "Network and Devices"):
        desk.press("Next")
        desk.find(title)
        time.sleep(1)  # the page slides in
    choose_file(desk, "Kernel", os.path.join(GUESTS, "sun4m", "vmlinux"))
    choose_file(desk, "Initial RAM Disk", os.path.join(GUESTS, "sun4m", "initramfs.cpio.gz"))
    words = desk.find("Kernel Command Line", ("text", "entry")).get_editable_text_iface()
    words.set_text_contents("console=ttyS0 console=tty0 do=shell")
    desk.picture("linux-wizard-kernel")
    desk.press("Next")
    desk.find("Ready")
    time.sleep(1)
    desk.find("Name", ("text", "entry")).get_editable_text_iface().set_text_contents(NAME)
    desk.picture("linux-wizard")
    desk.press("Create")
    wait_for("the machine on disk", lambda: state(desk) in ("off", "running"), 20)


def linux_comes_up(desk):
    window = desk.focus(NAME)
    wait_for("state running", lambda: state(desk) == "running")
    desk.wait_for_rest(window, lambda: bright(desk.centre(window)) > 0.01, 90)
    desk.complaint_gone()
    desk.picture("linux-shell")


def shell_obeys(desk):
    window = desk.focus(NAME)
    before = desk.centre(window)
    desk.type("clear; ls -l /; echo $((6*7)) squared is $((42*42))")
    desk.keys("Return")
    wait_for("an answer on the picture", lambda: desk.centre(window) != before)
    desk.wait_for_rest(window, lambda: True, 30)
    desk.picture("linux-typed")


def pauses_and_resumes(desk):
    desk.pause(NAME)
    desk.resume()
    window = desk.focus(NAME)
    time.sleep(1)
    share = desk.share_of_a_core(5)
    print(f"# waiting at its prompt, window open: {share * 100:.1f} % of a core")
    assert share < 0.06, f"an idle machine takes {share * 100:.1f} % of a core"  # 2 %, and room for a busy host
    before = desk.centre(window)
    desk.type("uname -a")
    desk.keys("Return")
    wait_for("the resumed guest to answer", lambda: desk.centre(window) != before)
    desk.wait_for_rest(window, lambda: True, 30)
    desk.picture("linux-resumed")


def powers_itself_off(desk):
    desk.focus(NAME)
    desk.type("poweroff -f")
    desk.keys("Return")
    desk.find("Powered Off", seconds=60)
    wait_for("state off", lambda: state(desk) == "off")
    desk.picture("linux-off")


if __name__ == "__main__":
    if not GUESTS:
        print("1..0 # SKIP VITRINE_TEST_GUESTS names no folder of guests")
        sys.exit(0)
    run_tests([wizard_takes_kernel_and_ram_disk, linux_comes_up, shell_obeys, pauses_and_resumes, powers_itself_off],
              Desk(sys.argv[1], sys.argv[2]))
