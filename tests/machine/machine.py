# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in a library of its own, by the command line: for tests of its history. sys.argv[1] is the program."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")
QEMU_IMG = shutil.which("qemu-img")
HOME = tempfile.TemporaryDirectory(prefix="vitrine-history-")
ENVIRONMENT = dict(os.environ, XDG_DATA_HOME=HOME.name, LANG="C.UTF-8", LC_ALL="C.UTF-8")
FOLDER = os.path.join(HOME.name, "vitrine", "machines", "m")


def run(*arguments, status=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=600,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, f"{arguments}: status {done.returncode}, not {status}: {done.stderr}"
    return done.stdout


def snapshot(*arguments, status=0):
    return run("snapshot", "m", *arguments, status=status).strip()


def tree():
    return {node["id"]: node for node in json.loads(snapshot("tree", "--json"))}


class Machine:
    """The machine running without a window, its serial port on pipes."""

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, "run", "m", "--headless", "--serial", "stdio"], env=ENVIRONMENT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        restore_signals=False)  # SIGXFSZ stays ignored
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = ""
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(300)

    def read(self):
        data = self.process.stdout.read()
        if data:
            self.text += data.decode("utf-8", "replace")

    def await_text(self, pattern, seconds=120):
        """The time in which this program was held up itself does not count."""
        left, before = seconds, time.monotonic()
        while not (found := re.search(pattern, self.text)):
            assert left > 0, f"waited in vain for {pattern}: {self.text[-500:]}"
            time.sleep(0.02)
            self.read()
            now = time.monotonic()
            left -= min(now - before, 1)
            before = now
        return found

    def type(self, line, pattern):
        self.read()
        self.text = ""
        self.process.stdin.write(line.encode() + b"\r")
        self.process.stdin.flush()
        return self.await_text(pattern)


class Forth:
    """The firmware's prompt: a number in memory."""
    layers = 0
    options = ["--ram", "32", "--display", "none"]

    def boot(self, machine):
        machine.await_text(r"0 > ")
        machine.type("variable v", r"ok")

    def set(self, machine, value):
        machine.type(f"decimal {value} v !", r"ok")

    def get(self, machine):
        return int(machine.type("decimal v @ . cr", r"cr\s+(\d+)\s").group(1))


class Linux:
    """A shell: a number in memory (a file in the root file system, which is a RAM disk) and on the disk."""
    layers = 1

    def __init__(self):
        disk = os.path.join(HOME.name, "disk.img")
        subprocess.run(["zstd", "-dqf", f"{GUESTS}/sun4m/disk.img.zst", "-o", disk], check=True)
        self.options = ["--ram", "256", "--disk", disk, "--kernel", f"{GUESTS}/sun4m/vmlinux", "--initrd",
                        f"{GUESTS}/sun4m/initramfs.cpio.gz", "--append", "console=tty0 console=ttyS0 do=shell net=off"]

    def boot(self, machine):
        machine.await_text(r"GUEST-SHELL ready")
        machine.await_text(r"# $")
        machine.type("mkdir -p /d; mount -t ext2 /dev/sda1 /d && echo mount''ed", r"mounted")

    def set(self, machine, value):
        machine.type(f"echo {value} > /v; yes {value} | head -c 300000 > /d/v; sync; echo do''ne", r"done")

    def get(self, machine):
        in_memory = int(machine.type("echo memory=$(cat /v).", r"memory=(\d+)\.").group(1))
        found = machine.type("echo 3 > /proc/sys/vm/drop_caches; echo disk=$(head -n1 /d/v) $(wc -c < /d/v) "
                             "$(sha256sum < /d/v)", r"disk=(\d+) (\d+) ([0-9a-f]{64})")
        assert int(found.group(1)) == in_memory, found.group(0)
        line = f"{in_memory}\n".encode()
        expected = (line * (300000 // len(line) + 1))[:300000]
        assert found.group(3) == hashlib.sha256(expected).hexdigest(), "the disk's file is not what was written"
        return in_memory


def check_images():
    if not QEMU_IMG:
        return
    for image in glob.glob(os.path.join(FOLDER, "disks", "*.qcow2")):
        done = subprocess.run([QEMU_IMG, "check", "-U", image], capture_output=True, text=True)
        assert done.returncode == 0, f"{image}: {done.stdout} {done.stderr}"


def leftovers():
    found = glob.glob(os.path.join(FOLDER, "history", ".*")) + glob.glob(os.path.join(FOLDER, "history", "ram", ".*"))
    return found
