#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""running.py PROGRAM PICTURES: what a running window can do beyond showing a picture: effects and scaling, screenshots by button
and key, typing the clipboard by key and menu, keys that no keyboard has, folders and discs dropped, a folder that comes back as
the guest has left it. The guest is Linux (VITRINE_TEST_GUESTS, see linux_guest); without it the test is
skipped."""

import glob
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, Failure, GdkPixbuf, run_tests, wait_for  # noqa: E402
from first_machine import bright, state as state_of  # noqa: E402

NAME = "Linux Station"
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")
HOME = os.environ["HOME"]
PAPERS = os.path.join(HOME, "Papers")  # a folder that the guest is given
SERIAL = os.path.join(HOME, "serial.log")  # the guest's console says here what it also shows
C, V = 54, 55  # key codes


def said(text):
    return os.path.exists(SERIAL) and text in open(SERIAL, errors="replace").read()


def write(folder, name, text):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def shell(desk, command, answer, seconds=60):
    """What is typed at the guest's prompt, and what it says on its serial line then."""
    desk.focus(NAME)
    desk.type(command)
    desk.keys("Return")
    wait_for(f"the guest to say “{answer}”", lambda: said(answer), seconds)


def machine_page(desk):
    desk.focus("Vitrine")
    desk.press(f"Actions for “{NAME}”", None)
    time.sleep(0.7)
    desk.press("Details", None)
    desk.find("Hardware")
    desk.keys("alt+3")
    desk.find("Hard Disks")


def folder_becomes_a_disk(desk):
    sun4m = os.path.join(GUESTS, "sun4m")
    desk.run("create", NAME, "--model", "ss5", "--ram", "64", "--kernel", f"{sun4m}/vmlinux", "--initrd",
             f"{sun4m}/initramfs.cpio.gz", "--append", "console=tty0 rdinit=/bin/sh", "--serial", SERIAL)
    write(PAPERS, "letter.txt", "Dear computer\n")
    desk.start()
    desk.find(NAME, seconds=60)
    machine_page(desk)
    desk.press("Choose a Folder to Be a Disk")
    desk.choose_file("Folder as a Disk", PAPERS)
    desk.find("Hard Disk Is a Copy of a Folder", seconds=60)
    desk.picture("folder-disk")


def linux_runs(desk):
    desk.focus("Vitrine")
    desk.keys("alt+Left")
    desk.gone("Hard Disks")  # with the page goes another Start, and a press of that
    desk.press(f"Start “{NAME}”", seconds=60)
    window = desk.focus(NAME)
    wait_for("state running", lambda: state_of(desk, NAME) == "running", 60)
    desk.wait_for_rest(window, lambda: bright(desk.centre(window)) > 0.01, 240)
    desk.complaint_gone()
    def prompt():
        desk.type("mount -t devtmpfs d /dev; mount -t proc p /proc; mkdir -p /mnt; echo up $((6*7)) >/dev/ttyS0")
        desk.keys("Return")
        time.sleep(4)
        return said("up 42")
    wait_for("the guest's prompt", prompt, 300)


# ---- the picture

def menu(desk, *path):
    """Machine Menu, its submenu, its item. On a busy computer a press may come while the menu still unfolds: then again."""
    for attempt in range(4):
        desk.focus(NAME)
        try:
            desk.press("Machine Menu", None, inside=NAME, seconds=120)
            for name in path:
                time.sleep(0.7 + attempt)
                desk.press(name, None, inside=NAME, seconds=10)
            break
        except Failure:
            desk.keys("Escape", "Escape")
            time.sleep(1)
    else:
        raise Failure(f"no way through the menu: {path}")
    time.sleep(1.5)


def different(a, b):
    return sum(1 for x, y in zip(a[::7], b[::7]) if x != y)


def brightness(rgb):
    return sum(rgb[::101]) / max(len(rgb[::101]), 1)


def effects_are_seen(desk):
    desk.focus(NAME)
    desk.type("clear; cat /proc/cpuinfo; ls -l /bin | head -20")
    desk.keys("Return")
    window = desk.window(NAME)
    desk.wait_for_rest(window, lambda: True, 30)
    plain = desk.centre(window)
    for size, scaling in (("natural", "Sharp"), ("large", "Smooth"), ("large", "Whole Steps"), ("large", "Sharp")):
        if (size, scaling) == ("large", "Smooth"):
            subprocess.run(["xdotool", "windowmove", window, "0", "0", "windowsize", "--sync", window, "1270", "900"], check=True)
            time.sleep(1)
        menu(desk, "Scaling", scaling)
        menu(desk, "Screen Effect", "As It Is")
        none = desk.centre(window)
        assert size != "natural" or different(none, plain) < 500, "the picture without effects is not what it was"
        for effect in ("Picture Tube", "Liquid Crystal"):
            menu(desk, "Screen Effect", effect)
            desk.picture(f"effect-{size}-{scaling}-{effect}".replace(" ", "-").lower())
            if effect == "Picture Tube":
                tube = desk.centre(window)
                assert different(tube, none) > 500, f"no tube is seen ({size}, {scaling})"
                assert brightness(tube) > brightness(none) / 3, f"the tube is dark ({size}, {scaling})"
    menu(desk, "Screen Effect", "As It Is")


def small_effects(desk):
    """A window as small as it goes: the picture is smaller than the guest's."""
    window = desk.window(NAME)
    subprocess.run(["xdotool", "windowsize", "--sync", window, "400", "320"], check=True)
    time.sleep(1)
    for effect in ("Picture Tube", "As It Is"):
        menu(desk, "Screen Effect", effect)
        desk.picture(f"effect-small-{effect}".replace(" ", "-").lower())
    subprocess.run(["xdotool", "windowsize", "--sync", window, "1034", "857"], check=True)


def screenshots_by_button_and_key(desk):
    def files():
        return sorted(glob.glob(f"{HOME}/**/{NAME} *.png", recursive=True))
    desk.focus(NAME)
    desk.press("Screenshot", inside=NAME)
    wait_for("a screenshot", lambda: len(files()) == 1)
    desk.find("Screenshot saved among your pictures", ("label",))
    desk.picture("running-screenshot-toast")
    time.sleep(1)
    desk.focus(NAME)
    desk.host_key(C)
    wait_for("another one", lambda: len(files()) == 2)
    pixbuf = GdkPixbuf.Pixbuf.new_from_file(files()[0])
    assert (pixbuf.get_width(), pixbuf.get_height()) == (1024, 768), "the screenshot is not the guest's picture"


# ---- another program

class Hand:
    """hand.py: something in the clipboard, and files to drag."""
    def __init__(self, text, *files):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hand.py")
        self.process = subprocess.Popen([sys.executable, script, text, *files], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.wait()

    def drag(self, desk, title, x, y):
        """From its window onto a place in another."""
        target, source = desk.focus(title), desk.focus("Hand")
        def mouse(*words):
            subprocess.run(["xdotool", *[str(word) for word in words]], check=True)
            time.sleep(0.3)
        mouse("windowmove", "--sync", source, 1100, 850)
        mouse("mousemove", "--window", source, 60, 50)
        mouse("mousedown", 1)
        for step in range(6):
            mouse("mousemove_relative", "--", -12, -6)
        for step in range(3):
            mouse("mousemove", "--window", target, x + step, y)
        time.sleep(0.7)
        desk.picture("running-drop", target)
        mouse("mouseup", 1)


def clipboard_is_typed(desk):
    with Hand("echo typed $((6*8)) 'Hello, World!' >/dev/ttyS0 # Grüße\r\n"):
        desk.focus("Hand")
        time.sleep(0.5)
        desk.focus(NAME)
        desk.host_key(V)
        desk.find("The machine’s keyboard has no key for “üß”: that was left out.")
        wait_for("the clipboard's text in the guest", lambda: said("typed 48 Hello, World!"), 60)
        menu(desk, "Type Clipboard")
        wait_for("it twice", lambda: open(SERIAL, errors="replace").read().count("typed 48 Hello, World!") == 2, 60)


# ---- media

def drop(desk, *files):
    with Hand("", *files) as hand:
        hand.drag(desk, NAME, 300, 300)


def folder_dropped_is_a_disc(desk):
    music = os.path.join(HOME, "Music for the Station")
    write(music, "hello.txt", "heard $((6*9))\n")
    drop(desk, music)
    desk.find("The folder is in the drive", ("label",), seconds=60)
    desk.find("CD-ROM")  # and no longer empty
    shell(desk, "mount -t iso9660 -o ro /dev/sr0 /mnt; (cat /mnt/hello.txt; echo so) >/dev/ttyS0", "heard $((6*9))")
    shell(desk, "umount /mnt; echo out $((5*5)) >/dev/ttyS0", "out 25")


def disc_is_changed_by_the_drives_menu(desk):
    def choose(name):
        for attempt in range(4):
            try:
                desk.focus(NAME)
                desk.press(disc, None, inside=NAME)
                time.sleep(0.7 + attempt)
                desk.press(name, None, inside=NAME, seconds=10)
                return
            except Failure:
                desk.keys("Escape")
        raise Failure(f"no way to “{name}”")
    disc = "CD-ROM"
    choose("Eject")
    desk.find("CD-ROM, empty")
    music = glob.glob(os.path.join(os.environ["XDG_DATA_HOME"], "vitrine", "**", "*.iso"), recursive=True)
    assert music, "the folder's disc is not kept with the machine"
    file = os.path.join(HOME, "other.iso")
    os.rename(music[0], file)
    disc = "CD-ROM, empty"
    choose("Insert…")
    desk.choose_file("Insert a Medium", file)
    desk.find("CD-ROM")
    shell(desk, "mount -t iso9660 -o ro /dev/sr0 /mnt; (wc -c /mnt/hello.txt; umount /mnt) >/dev/ttyS0", "15 /mnt/hello.txt")
    disc = "CD-ROM"
    choose("Eject")
    desk.find("CD-ROM, empty")
    drop(desk, file)
    desk.find("CD-ROM")
    shell(desk, "mount -t iso9660 -o ro /dev/sr0 /mnt; echo dropped $(cat /mnt/hello.txt | wc -c) >/dev/ttyS0; umount /mnt",
          "dropped 15")


def keys_that_no_keyboard_has(desk):
    """Another console of Linux (there is one as soon as it is written to), and back: it says each second which one is seen."""
    shell(desk, "echo The second console >/dev/tty2; echo written $((2*8)) >/dev/ttyS0", "written 16")
    shell(desk, "mkdir -p /sys; mount -t sysfs s /sys; (while sleep 1; do cat /sys/class/tty/tty0/active; done) >/dev/ttyS0 &", "tty1")
    menu(desk, "Send Keys", "Ctrl+Alt+F2")
    wait_for("the second console", lambda: said("tty2"), 60)
    desk.picture("running-second-console")
    menu(desk, "Send Keys", "Ctrl+Alt+F1")
    wait_for("the first console again", lambda: "tty1" in open(SERIAL, errors="replace").read().rsplit("tty2", 1)[1], 60)
    shell(desk, "kill $!; echo quiet $((7*8)) >/dev/ttyS0", "quiet 56")


def guest_writes_to_the_folder(desk):
    shell(desk, "mount -t vfat /dev/sda1 /mnt; cat /mnt/letter.txt >/dev/ttyS0", "Dear computer")
    shell(desk, "echo Dear human $((4*4)) >/mnt/answer.txt; rm /mnt/letter.txt; umount /mnt; echo kept $((3*3)) >/dev/ttyS0", "kept 9")


def folder_comes_back(desk):
    desk.keys("ctrl+w")
    wait_for("its window to close", lambda: not desk.window(NAME))
    machine_page(desk)
    desk.press("Bring Back…", None)
    back = os.path.join(HOME, "Papers Again")
    desk.choose_file("Bring the Files Back Into a New Folder", back)
    wait_for("the files", lambda: os.path.exists(os.path.join(back, "answer.txt")), 60)
    assert os.listdir(back) == ["answer.txt"], f"there are {os.listdir(back)}"
    assert open(os.path.join(back, "answer.txt")).read() == "Dear human 16\n"
    assert os.listdir(PAPERS) == ["letter.txt"], "the original was written to"
    desk.picture("folder-back")


def powers_off(desk):
    desk.focus(NAME)
    desk.type("poweroff -f")
    desk.keys("Return")
    desk.find("Powered Off", seconds=60)


if __name__ == "__main__":
    if not GUESTS:
        print("1..0 # SKIP VITRINE_TEST_GUESTS names no folder of guests")
        sys.exit(0)
    run_tests([folder_becomes_a_disk, linux_runs, effects_are_seen, small_effects, screenshots_by_button_and_key,
               clipboard_is_typed, keys_that_no_keyboard_has, folder_dropped_is_a_disc, disc_is_changed_by_the_drives_menu,
               guest_writes_to_the_folder, powers_off, folder_comes_back], Desk(sys.argv[1], sys.argv[2]))
