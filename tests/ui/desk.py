# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand, an eye and a stopwatch for tests of the windows: AT-SPI, xdotool, and pictures of the X display."""

import mmap
import os
import re
import struct
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Atspi, GdkPixbuf, GLib  # noqa: E402

Atspi.set_timeout(10000, 20000)  # ms: a busy computer answers late

BUTTONS = ("push button", "toggle button")
COMPLAINT = re.compile(r"-?(WARNING|CRITICAL|ERROR) \*\*|\*\*\* BUG|runtime error|AddressSanitizer")
# A computer for tests has no sound server, and nobody who shows notifications.
EXPECTED = re.compile("The machine runs without sound|There is no sound|name org.freedesktop.Notifications was not provided")


class Failure(Exception):
    pass


SCREEN = os.environ.get("VITRINE_TEST_SCREEN")  # a file in xwd's format, of in-display
LONGEST_LOOK = 2  # seconds that one look at a condition counts at most
PATIENCE = float(os.environ.get("VITRINE_TEST_PATIENCE", 1))  # how many times as slow the computer may be
Atspi.set_timeout(int(5000 * PATIENCE), int(15000 * PATIENCE))


def wait_for(what, condition, seconds=20):
    """The first true value of condition(); Failure after the given time. Time given for slow machines only; while this
    program itself is held up, none passes."""
    left, before = seconds * PATIENCE, time.monotonic()
    while True:
        try:
            value = condition()
        except GLib.Error:
            value = None  # the tree changed while it was read
        if value:
            return value
        if left < 0:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.1)
        now = time.monotonic()
        left -= min(now - before, LONGEST_LOOK)
        before = now


def is_named(node, name):
    """With or without the underscore of a mnemonic, which GTK 4.8 says in a button that is not yet seen: "_Undo Undo"."""
    plain = name.replace("_", "")
    return node.get_name() in (name, plain, f"_{name} {name}", f"{name} {plain}")


class Desk:
    def __init__(self, program, pictures):
        self.program = program
        self.pictures = pictures
        self.process = None
        self.said = []  # files with what was written to stderr
        os.makedirs(pictures, exist_ok=True)

    # ---- programs

    def start(self, *arguments):
        self.said.append(os.path.join(os.environ["HOME"], f"said-{len(self.said)}"))
        self.process = subprocess.Popen([self.program, *arguments], stderr=open(self.said[-1], "wb"))

    def complaints(self):
        """What the program and its libraries found wrong with themselves."""
        lines = [line.rstrip() for file in self.said for line in open(file, errors="replace")]
        return [line for line in lines if COMPLAINT.search(line) and not EXPECTED.search(line)]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{arguments}: {done.stderr}")
        return done.stdout

    def processor_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- the accessible tree

    def application(self):
        desktop = Atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(i)
            if child and child.get_process_id() == self.process.pid:
                return child
        return None

    def all(self, root=None):
        if self.process.poll() is not None:
            raise Failure(f"the program ended with status {self.process.returncode}")
        root = root or self.application()
        waiting = [root] if root else []
        while waiting:
            node = waiting.pop(0)
            yield node
            for i in range(node.get_child_count()):
                child = node.get_child_at_index(i)
                if child:
                    waiting.append(child)

    def look(self, name, roles=None, root=None, showing=True):
        for node in self.all(root):
            if node.get_name() != name or (roles and node.get_role_name() not in roles):
                continue
            if not showing or node.get_state_set().contains(Atspi.StateType.VISIBLE):
                return node
        return None

    def find(self, name, roles=None, root=None, seconds=20):
        return wait_for(f"“{name}” {roles or ''}", lambda: self.look(name, roles, root), seconds)

    def gone(self, name, roles=None, seconds=20):
        wait_for(f"“{name}” to go", lambda: not self.look(name, roles), seconds)

    def complaint_gone(self, seconds=30):
        """A computer for tests has no sound server, of which a new machine's window tells for a while."""
        wait_for("the complaint about sound to go", lambda: not any(
            node.get_role_name() == "label" and node.get_name().startswith("There is no sound") for node in self.all()), seconds)

    def press(self, name, roles=BUTTONS, seconds=20, inside=None):
        """`inside`: the title of the window to look in. A button of a dialog that is still coming does nothing: it has its
        plain name when it is there."""
        def with_action():
            root = self.look(inside, ("frame", "dialog")) if inside else None
            if inside and not root:
                return None
            for node in self.all(root):
                named = node.get_name() == name.replace("_", "") if inside else is_named(node, name)
                action = node.get_action_iface() if named else None
                if action and action.get_n_actions() > 0 and (not roles or node.get_role_name() in roles) \
                        and node.get_state_set().contains(Atspi.StateType.VISIBLE):
                    return node
            return None
        node = wait_for(f"“{name}” {roles or ''} to press", with_action, seconds)
        wait_for(f"“{name}” to be sensitive",
                 lambda: node.get_state_set().contains(Atspi.StateType.SENSITIVE), seconds)
        node.get_action_iface().do_action(0)
        return node

    def click(self, name, roles=None, title=None, seconds=20):
        """The pointer's button over the middle of a widget, in a window that has the focus."""
        window = self.focus(title) if title else self.active()
        node = self.find(name, roles, seconds=seconds)

        def place():
            extents = node.get_component_iface().get_extents(Atspi.CoordType.WINDOW)
            return extents if extents.width > 0 and extents.height > 0 else None
        extents = wait_for(f"the place of “{name}”", place)
        subprocess.run(["xdotool", "mousemove", "--sync", "--window", window, str(extents.x + extents.width // 2),
                        str(extents.y + extents.height // 2), "click", "1"], check=True)

    def window(self, title):
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"], capture_output=True, text=True)
        ids = found.stdout.split()
        return ids[-1] if ids else None

    def focus(self, title, seconds=20):
        """Brings a window to the front; a new one may need a moment until the window manager has it."""
        def activated():
            window = self.window(title)
            done = window and subprocess.run(["xdotool", "windowactivate", "--sync", window], capture_output=True)
            return window if done and done.returncode == 0 and not done.stderr else None
        return wait_for(f"window “{title}”", activated, seconds)

    # ---- keys

    def keys(self, *names):
        subprocess.run(["xdotool", "key", "--delay", "40", *names], check=True)

    def type(self, text):
        subprocess.run(["xdotool", "type", "--delay", "60", text], check=True)

    def host_key(self, keycode):
        """The right Ctrl key, by its key code, held while another goes down and up."""
        right_ctrl = "105"
        subprocess.run(["xdotool", "keydown", right_ctrl, "key", str(keycode), "keyup", right_ctrl], check=True)

    def choose_file(self, title, path):
        """A path typed into GTK's file chooser."""
        self.focus(title)
        time.sleep(0.5)
        self.keys("ctrl+l", "ctrl+a")
        self.type(path)
        time.sleep(0.5)
        self.keys("Return")
        wait_for("the file chooser to close", lambda: not self.window(title))

    # ---- machines

    def share_of_a_core(self, seconds):
        """Of the program's processor time, measured for so many seconds."""
        used, since = self.processor_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.processor_seconds() - used) / (time.monotonic() - since)

    def pause(self, title):
        """The Pause button stops a machine: its picture stands still and it leaves the processor alone."""
        window = self.focus(title)
        self.press("Pause")
        self.find("Paused")
        time.sleep(1)  # the curtain falls
        still, share = self.centre(window), self.share_of_a_core(4)
        print(f"# paused: {share * 100:.1f} % of a core")
        assert share < 0.03, f"a paused machine takes {share * 100:.1f} % of a core"
        assert self.centre(window) == still, "the picture of a paused machine moves"

    def resume(self):
        self.press("Resume")
        self.find("Pause", ("push button",))
        self.gone("Paused")

    # ---- pictures

    def grab(self, window, whole=True):
        """(width, height, bytes of RGB) of what the screen shows where a window stands, from the file that Xvfb keeps it in.
        (Programs that ask X for a window's picture get what lies below it when it has another depth than the screen, as
        dialogs with their round corners have.) A window that is not whole on it is brought there; not whole: its part on it."""
        with open(SCREEN, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            header = struct.unpack(">25I", data[:100])
            first = header[0] + header[19] * 12
            across, down, order, step, line = header[4], header[5], header[7], header[11] // 8, header[12]
            red, green, blue = (2, 1, 0) if order == 0 else (step - 3, step - 2, step - 1)

            def wholly_on_it():
                left, top, right, bottom = self.place(window)
                if left >= 0 and top >= 0 and right <= across and bottom <= down:
                    return left, top, right, bottom
                subprocess.run(["xdotool", "windowmove", window, "0", "0"], capture_output=True)
                return None
            left, top, right, bottom = wait_for(f"window {window} to be on the screen", wholly_on_it, 10) if whole \
                else self.part_on_screen(window, across, down)
            width, height = right - left, bottom - top
            rgb = bytearray(width * height * 3)
            for y in range(height):
                at = first + (top + y) * line + left * step
                row = data[at:at + width * step]
                base = y * width * 3
                rgb[base:base + width * 3:3] = row[red::step]
                rgb[base + 1:base + width * 3:3] = row[green::step]
                rgb[base + 2:base + width * 3:3] = row[blue::step]
            return width, height, bytes(rgb)

    def part_on_screen(self, window, across, down):
        left, top, right, bottom = self.place(window)
        return max(left, 0), max(top, 0), min(right, across), min(bottom, down)

    def wait_for_rest(self, window, condition, seconds):
        """Until a condition holds and nothing moves in a machine's picture but a cursor."""
        def quiet():
            if not condition():
                return False
            before = self.centre(window)
            time.sleep(2)
            after = self.centre(window)
            return sum(1 for a, b in zip(before[::7], after[::7]) if a != b) < 500
        wait_for("the picture to come to rest", quiet, seconds)

    def active(self):
        """The window that has the keyboard."""
        def known():
            done = subprocess.run(["xdotool", "getactivewindow"], capture_output=True, text=True)
            return done.stdout.strip() if done.returncode == 0 else None  # none for a moment, between two
        return wait_for("a window to have the keyboard", known)

    def place(self, window):
        """(left, top, right, bottom) on the screen."""
        done = subprocess.run(["xdotool", "getwindowgeometry", "--shell", window], capture_output=True, text=True, check=True)
        at = dict(line.split("=") for line in done.stdout.split())
        left, top = int(at["X"]), int(at["Y"])
        return left, top, left + int(at["WIDTH"]), top + int(at["HEIGHT"])

    def popovers(self):
        """Windows of ours that no window manager knows: menus, tooltips."""
        done = subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "org.vitrine.Vitrine"], capture_output=True, text=True)
        for window in done.stdout.split():
            if "not found" in subprocess.run(["xprop", "-id", window, "WM_STATE"], capture_output=True, text=True).stdout:
                yield window

    def seen(self, window):
        """A window with its menus, which may be larger, as grab() gives one."""
        layers = [(self.place(window), self.grab(window))]
        for menu in self.popovers():
            left, top, *_ = self.place(menu)
            layers.append(((max(left, 0), max(top, 0)), self.grab(menu, False)))
        layers = [((left, top, left + seen[0], top + seen[1]), seen) for (left, top, *_), seen in layers]
        left, top = (min(place[i] for place, _ in layers) for i in (0, 1))
        width, height = (max(place[i + 2] for place, _ in layers) - (left, top)[i] for i in (0, 1))
        canvas = bytearray(b"\x60" * (width * height * 3))
        for place, (across, down, rgb) in layers:
            for y in range(down):
                at = ((place[1] - top + y) * width + place[0] - left) * 3
                canvas[at:at + across * 3] = rgb[y * across * 3:(y + 1) * across * 3]
        return width, height, bytes(canvas)

    def wait_until_drawn(self, window, below):
        """A new window shows what lies below it, the window of below = (place, picture), until it is drawn."""
        def drawn():
            (left, top, right, bottom), (width, _, rgb) = below
            place = self.place(window)
            if place[0] < left or place[1] < top or place[2] > right or place[3] > bottom:
                return True
            rows = (((y - top) * width + place[0] - left) * 3 for y in range(place[1], place[3]))
            return self.grab(window)[2] != b"".join(rgb[row:row + (place[2] - place[0]) * 3] for row in rows)
        wait_for(f"window {window} to be drawn", drawn)

    def picture(self, name, window=None):
        """Keeps a picture of a window (the active one) for people to look at, with its menus, when nothing moves."""
        window = window or self.active()
        seen = self.seen(window)
        for _ in range(10):
            time.sleep(0.2)
            before, seen = seen, self.seen(window)
            if seen == before:
                break
        width, height, rgb = seen
        pixbuf = GdkPixbuf.Pixbuf.new_from_bytes(GLib.Bytes.new(rgb), GdkPixbuf.Colorspace.RGB, False, 8, width, height, width * 3)
        pixbuf.savev(os.path.join(self.pictures, name + ".png"), "png", [], [])

    def centre(self, window):
        """The pixels of a window without its header, status strip and edges: the guest's picture, or most of it."""
        header, status, edge = 70, 60, 40
        width, height, rgb = self.grab(window)
        return b"".join(rgb[(y * width + edge) * 3:(y * width + width - edge) * 3] for y in range(header, height - status))


def run_tests(tests, desk):
    """TAP; each test builds on the one before, so the first failure ends the run."""
    print(f"1..{len(tests) + 1}")
    failed = False
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", "-")
        if failed:
            print(f"not ok {number} {name} # not reached")
            continue
        try:
            test(desk)
            print(f"ok {number} {name}", flush=True)
        except (Failure, AssertionError, AttributeError, GLib.Error, subprocess.CalledProcessError) as failure:
            failed = True
            print(f"not ok {number} {name}", flush=True)
            print(f"# {type(failure).__name__}: {failure}")
            try:
                desk.picture("failure")
                for node in list(desk.all())[:400]:
                    if node.get_name():
                        print(f"#   {node.get_role_name()}: {node.get_name()}")
            except (Failure, GLib.Error, subprocess.CalledProcessError) as nothing:
                print(f"# no more to tell: {nothing}")
    desk.stop()
    complaints = desk.complaints()
    for line in complaints:
        print(f"# {line}")
    print(f"{'not ok' if complaints else 'ok'} {len(tests) + 1} no-complaints")
    failed = failed or bool(complaints)
    sys.exit(1 if failed else 0)
