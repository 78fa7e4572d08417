#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a machine that runs: a tree of moments walked to and fro, with what is in memory and on the disk
known at each, through the command line and the running machine's control socket. Then programs that are killed, and
a disk that is full.

    history.py VITRINE [SECONDS-OF-KILLING [SEED]]

With VITRINE_TEST_GUESTS the guest is Linux, which writes to its disk; else the firmware keeps numbers in memory."""
import glob
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
KILLING = float(sys.argv[2]) if len(sys.argv) > 2 else 15
RANDOM = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
GUESTS = os.environ.get("VITRINE_TEST_GUESTS")
QEMU_IMG = shutil.which("qemu-img") or shutil.which("qemu-img", path="/opt/peer-qemu/usr/bin")
HOME = tempfile.TemporaryDirectory(prefix="vitrine-history-")
ENVIRONMENT = dict(os.environ, XDG_DATA_HOME=HOME.name, LANG="C.UTF-8", LC_ALL="C.UTF-8")
FOLDER = os.path.join(HOME.name, "vitrine", "machines", "m")


def run(*arguments, status=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=120,
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
        self.process.wait(60)

    def read(self):
        data = self.process.stdout.read()
        if data:
            self.text += data.decode("utf-8", "replace")

    def await_text(self, pattern, seconds=90):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end, f"waited in vain for {pattern}: {self.text[-500:]}"
            time.sleep(0.02)
            self.read()
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


GUEST = Linux() if GUESTS else Forth()


def check_images():
    if not QEMU_IMG:
        return
    for image in glob.glob(os.path.join(FOLDER, "disks", "*.qcow2")):
        done = subprocess.run([QEMU_IMG, "check", "-U", image], capture_output=True, text=True)
        assert done.returncode == 0, f"{image}: {done.stdout} {done.stderr}"


def leftovers():
    found = glob.glob(os.path.join(FOLDER, "history", ".*")) + glob.glob(os.path.join(FOLDER, "history", "ram", ".*"))
    return found


def running_tree():
    run("create", "m", "--model", "ss5", *GUEST.options)
    expected = {}
    with Machine() as machine:
        GUEST.boot(machine)
        value = 0

        def take():
            nonlocal value
            value += 1
            GUEST.set(machine, value)
            before = time.monotonic()
            node = snapshot("take", f"moment {value}")
            print(f"# moment {value}: {time.monotonic() - before:.2f} s", flush=True)
            expected[node] = value
            check_images()
            return node

        def restore(node):
            snapshot("restore", node)
            assert GUEST.get(machine) == expected[node], node
            check_images()

        trunk = [take() for _ in range(4)]
        restore(trunk[1])
        second = [take() for _ in range(4)]
        restore(trunk[2])
        third = [take() for _ in range(4)]
        nodes = tree()
        for line in (trunk, [trunk[1], *second], [trunk[2], *third]):
            for parent, child in zip(line, line[1:]):
                assert nodes[child]["parent"] == parent, (child, parent)
        assert sum(node["kind"] == "manual" for node in nodes.values()) == 12
        for node in RANDOM.sample(sorted(expected), 4):
            restore(node)

        GUEST.set(machine, 1000)
        snapshot("restore", trunk[0])
        assert GUEST.get(machine) == 1
        snapshot("undo")
        assert GUEST.get(machine) == 1000

        gone = second[1]
        plan = json.loads(snapshot("delete", gone, "--plan", "--json"))
        assert GUEST.layers <= plan["layers-merged"] + plan["layers-kept"]
        snapshot("delete", gone)
        del expected[gone]
        assert tree()[second[2]]["parent"] == second[0]
        restore(second[2])
        snapshot("pin", trunk[3])
        assert "pinned" in subprocess.run([PROGRAM, "snapshot", "m", "delete", trunk[3]], env=ENVIRONMENT,
                                          capture_output=True, text=True).stderr
        snapshot("rename", trunk[3], "a new name")
        snapshot("note", trunk[3], "first line\nsecond")
        node = tree()[trunk[3]]
        assert (node["name"], node["note"], node["pinned"]) == ("a new name", "first line\nsecond", True)
    snapshot("verify", "--deep")
    check_images()
    assert not leftovers()
    # What had to wait for the end of the run is done: each layer is needed.
    for node in list(expected)[::3]:
        snapshot("restore", node)
        with Machine() as machine:
            time.sleep(1)
            assert GUEST.get(machine) == expected[node], node
        check_images()
    return expected


def killed_programs(expected):
    """Whoever keeps or changes moments is killed at any instant: every moment that was there stays whole."""
    end = time.monotonic() + KILLING
    kept = {node: value for node, value in expected.items()}
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        nodes = [node for node, data in tree().items() if data["kind"] != "here"]
        expendable = [node for node in nodes if node not in kept]
        action = RANDOM.choice(["take", "restore", "delete", "run"])
        if action == "run":
            command = [PROGRAM, "run", "m", "--headless", "--serial", "none"]
        elif action == "take" or (action == "delete" and not expendable):
            command = [PROGRAM, "snapshot", "m", "take"]
        else:
            command = [PROGRAM, "snapshot", "m", action, RANDOM.choice(expendable if action == "delete" else nodes)]
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if action == "run":
            time.sleep(1.0)
            second = subprocess.Popen([PROGRAM, "snapshot", "m", "take"], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            time.sleep(RANDOM.random() * 0.4)
            process.send_signal(signal.SIGKILL)
            second.wait(60)
        else:
            time.sleep(RANDOM.random() * 0.15)
            process.send_signal(signal.SIGKILL)
        process.wait(60)
        lost = set(kept) - set(tree())
        assert not lost, f"after {command[2:]}: {lost}"
        snapshot("verify")
        check_images()
    print(f"# killed {rounds} times", flush=True)
    snapshot("take", "at last")  # clears away what was left behind
    assert not leftovers()
    snapshot("verify", "--deep")
    for node in RANDOM.sample(sorted(kept), 2):
        snapshot("restore", node)
        with Machine() as machine:
            time.sleep(1)
            assert GUEST.get(machine) == kept[node], node


def no_space():
    """The host's disk is full while a moment is kept: an error, the guest goes on, nothing is lost."""
    for limit in (4 << 10, 280 << 10):
        snapshot("restore", next(iter(moments)))
        before = set(tree())
        with Machine() as machine:
            time.sleep(1)
            value = GUEST.get(machine)
            subprocess.run(["prlimit", f"--pid={machine.process.pid}", f"--fsize={limit}:unlimited"], check=True)
            taken = subprocess.run([PROGRAM, "snapshot", "m", "take"], env=ENVIRONMENT, capture_output=True, text=True,
                                   timeout=60)
            assert taken.returncode in (0, 1) and (taken.stdout if taken.returncode == 0 else taken.stderr).strip()
            assert GUEST.get(machine) == value
            subprocess.run(["prlimit", f"--pid={machine.process.pid}", "--fsize=unlimited:unlimited"], check=False)
        print(f"# files of at most {limit} bytes: {taken.stderr.strip() or 'kept'}", flush=True)
        assert set(tree()) == before | {line for line in taken.stdout.split() if taken.returncode == 0}
        snapshot("verify")
        check_images()


def travels_with_its_media():
    """Exported and imported under another name: CD and diskette came along, in the present and in its moments."""
    files = {name: os.path.join(HOME.name, name) for name in ("a.iso", "b.img")}
    for path in files.values():
        with open(path, "wb") as file:
            file.write(RANDOM.randbytes(1474560))
    run("create", "media", "--model", "ss5", "--disk", "1M", "--cdrom", files["a.iso"])
    machines = os.path.dirname(FOLDER)
    with open(os.path.join(machines, "media", "machine.ini"), "a", encoding="utf-8") as ini:
        ini.write(f"\n[Floppy]\nFile={files['b.img']}\n")
    run("snapshot", "media", "take", "kept")
    archive = os.path.join(HOME.name, "media.vitrine")
    run("export", "media", archive)
    contents = {open(path, "rb").read() for path in files.values()}
    for path in files.values():
        os.unlink(path)
    run("import", archive, "--name", "elsewhere")
    folder = os.path.join(machines, "elsewhere")
    for ini in [os.path.join(folder, "machine.ini"), *glob.glob(os.path.join(folder, "history", "*", "machine.ini"))]:
        with open(ini, encoding="utf-8") as file:
            named = re.findall(r"File=(files/.*)", file.read())
        assert {open(os.path.join(folder, name), "rb").read() for name in named} == contents, f"{ini}: {named}"
    run("export", "media", archive)  # without the media, which are gone: the machine starts without them, too


STEPS = ["running-tree", "killed-programs", "no-space", "travels-with-its-media"]
print(f"1..{len(STEPS)}")
failed = 0
moments = {}
for number, step in enumerate(STEPS, 1):
    try:
        if step == "running-tree":
            moments = running_tree()
        elif step == "killed-programs":
            killed_programs(moments)
        elif step == "no-space":
            no_space()
        else:
            travels_with_its_media()
        print(f"ok {number} {step}", flush=True)
    except Exception as failure:  # a test that breaks has failed, whatever broke it
        failed += 1
        print(f"not ok {number} {step}\n# {type(failure).__name__}: {failure}", flush=True)
sys.exit(1 if failed else 0)
