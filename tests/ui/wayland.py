#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""wayland.py PROGRAM PICTURES: the running window under a Wayland compositor (weston in a window of the display): a click gives the
guest the mouse, which moves as far as its own way is, also past the window's edge; its buttons arrive; the release key gives it
back. The guest is Linux (VITRINE_TEST_GUESTS, see linux_guest), which says on its
serial line what its mouse sends; without it the test is skipped."""

import atexit
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, run_tests, wait_for  # noqa: E402
from first_machine import state as state_of  # noqa: E402

NAME = "Linux Station"
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")
SERIAL = os.path.join(os.environ["HOME"], "serial.log")
WIDTH, HEIGHT = 1270, 900


def said():
    return open(SERIAL, "rb").read() if os.path.exists(SERIAL) else b""


class Compositor:
    def __init__(self):
        socket = "wayland-test"
        self.process = subprocess.Popen(["weston", "--backend=x11-backend.so", "--use-pixman", "--no-config", "--idle-time=0",
            f"--socket={socket}", f"--width={WIDTH}", f"--height={HEIGHT}"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)
        wait_for("the compositor's socket", lambda: os.path.exists(os.path.join(os.environ["XDG_RUNTIME_DIR"], socket)))
        os.environ["WAYLAND_DISPLAY"], os.environ["GDK_BACKEND"] = socket, "wayland"

    def window(self):
        def found():
            done = subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "weston"], capture_output=True, text=True)
            return done.stdout.split()
        return wait_for("the compositor's window", found)[0]

    def focus(self):
        """The keyboard; the window manager may not have given it to the new window."""
        subprocess.run(["xdotool", "windowactivate", "--sync", self.window()], check=True, timeout=60)


def mouse(*words):
    subprocess.run(["xdotool", *[str(word) for word in words]], check=True)
    time.sleep(0.3)


def linux_runs(desk):
    desk.compositor = Compositor()
    sun4m = os.path.join(GUESTS, "sun4m")
    desk.run("create", NAME, "--model", "ss5", "--ram", "64", "--kernel", f"{sun4m}/vmlinux", "--initrd",
             f"{sun4m}/initramfs.cpio.gz", "--append", "console=tty0 rdinit=/bin/sh", "--serial", SERIAL)
    desk.start()
    desk.press(f"Start “{NAME}”", seconds=60)
    wait_for("state running", lambda: state_of(desk, NAME) == "running", 60)
    mouse("windowmove", desk.compositor.window(), 0, 0)
    def prompt():
        desk.compositor.focus()
        desk.type("mount -t devtmpfs d /dev; mount -t proc p /proc; echo up $((6*7)) >/dev/ttyS0")
        desk.keys("Return")
        time.sleep(4)
        return b"up 42" in said()
    wait_for("the guest's prompt", prompt, 300)
    desk.complaint_gone()


def moved():
    """How far the guest's mouse has come in all (right, up), and which buttons were down, by what its device sends: three
    bytes at a time, PS/2's."""
    numbers = [int(word, 16) for word in said().decode("ascii", "replace").split("mouse-begins", 1)[1].split() if len(word) == 2]
    packets = list(zip(numbers[::3], numbers[1::3], numbers[2::3]))
    return (sum(dx - 256 * (flags >> 4 & 1) for flags, dx, _ in packets),
            sum(dy - 256 * (flags >> 5 & 1) for flags, _, dy in packets), {flags & 7 for flags, _, _ in packets})


def hint(desk, text):
    desk.find(text, ("label",))


def click_gives_the_guest_the_mouse(desk):
    desk.type("echo mouse-$((0))begins | sed s/0// >/dev/ttyS0; od -An -v -tx1 -w3 /dev/input/mice >/dev/ttyS0 &")
    desk.keys("Return")
    wait_for("the guest to read its mouse", lambda: b"mouse-begins" in said(), 60)
    hint(desk, "Click the picture to give it the mouse")
    mouse("mousemove", 1275, 955, "mousemove", 400, 400)  # it comes in from outside, whatever it did before
    for x in (420, 440, 460):
        mouse("mousemove", x, 400)
    assert moved() == (0, 0, set()), f"the guest has got {moved()} before a click"
    mouse("click", 1)
    hint(desk, "Right Ctrl + Esc lets the mouse go")
    desk.picture("wayland-captured", desk.compositor.window())


def mouse_moves_the_guests(desk):
    """By as much as its own way, in both directions and past the window's edge, where nothing else gets it."""
    right, up, _ = moved()
    for x in (600, 700, 800, 900, 1000, 1100, 1200, 1260):
        mouse("mousemove", x, 400)
    wait_for("the way to the right", lambda: moved()[0] - right == 1260 - 460, 30)
    for y in (300, 200, 100, 40):
        mouse("mousemove", 1260, y)
    wait_for("the way up", lambda: moved()[1] - up == 400 - 40, 30)
    desk.picture("wayland-moved", desk.compositor.window())


def buttons_arrive(desk):
    for button, bit in ((1, 1), (3, 2), (2, 4)):
        mouse("mousedown", button)
        mouse("mouseup", button)
        wait_for(f"button {button}", lambda: bit in moved()[2], 10)


def release_key_gives_it_back(desk):
    desk.host_key("Escape")
    hint(desk, "Click the picture to give it the mouse")
    before = moved()
    mouse("mousemove", 500, 500)
    mouse("mousemove", 520, 520)
    time.sleep(1)
    assert moved() == before, "the mouse is the guest's still"


if __name__ == "__main__":
    if not shutil.which("weston"):
        print("1..0 # SKIP there is no weston")
        sys.exit(0)
    if not GUESTS:
        print("1..0 # SKIP VITRINE_TEST_GUESTS names no folder of guests")
        sys.exit(0)
    run_tests([linux_runs, click_gives_the_guest_the_mouse, mouse_moves_the_guests, buttons_arrive,
               release_key_gives_it_back], Desk(sys.argv[1], sys.argv[2]))
