#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a machine that runs: a tree of moments walked to and fro, with what is in memory and on the disk
known at each, through the command line and the running machine's control socket. Then programs that are killed, and
files that cannot grow.

    history.py VITRINE [KILLS [SEED]]

With VITRINE_TEST_GUESTS the guest is Linux, which writes to its disk; else the firmware keeps numbers in memory. From
fifty kills on it also waits for autosaves."""
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

from machine import (ENVIRONMENT, FOLDER, GUESTS, HOME, PROGRAM, Forth, Linux, Machine, check_images, leftovers, run, snapshot,
                     tree)

KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
RANDOM = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
MANY_KILLS = 50
GUEST = Linux() if GUESTS else Forth()


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


def goes_on_from(node, value):
    snapshot("restore", node)
    with Machine() as machine:
        time.sleep(1)
        assert GUEST.get(machine) == value, node


def quietly(*words):
    return subprocess.Popen([PROGRAM, *words], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed_programs(expected):
    """Whoever keeps or changes moments is killed at any instant: every moment that was there stays whole."""
    kept = dict(expected)
    for count in range(1, KILLS + 1):
        nodes = [node for node, data in tree().items() if data["kind"] != "here"]
        expendable = [node for node in nodes if node not in kept]
        action = RANDOM.choice(["take", "restore", "delete"] if expendable else ["take", "restore"])
        words = ["snapshot", "m", action] + ([RANDOM.choice(expendable if action == "delete" else nodes)]
                                             if action != "take" else [])
        if RANDOM.random() < 0.6:  # a machine that runs does it
            process = quietly("run", "m", "--headless", "--serial", "none")
            end = time.monotonic() + 30
            while not os.path.exists(os.path.join(FOLDER, "control")) and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(RANDOM.random())
            asks = quietly(*words)
            time.sleep(RANDOM.random() * 1.5)
            process.send_signal(signal.SIGKILL)
            asks.wait(300)
        else:
            process = quietly(*words)
            time.sleep(RANDOM.random() * 0.15)
            process.send_signal(signal.SIGKILL)
        process.wait(300)
        lost = set(kept) - set(tree())
        assert not lost, f"after {words}: {lost}"
        snapshot("verify", *(["--deep"] if count % 5 == 0 else []))
        check_images()
        if count % 5 == 0:
            node = RANDOM.choice(sorted(kept))
            goes_on_from(node, kept[node])
    print(f"# killed {KILLS} times", flush=True)
    snapshot("take", "at last")  # clears away what was left behind
    assert not leftovers()
    snapshot("verify", "--deep")
    for node in sorted(kept) if KILLS >= MANY_KILLS else RANDOM.sample(sorted(kept), 2):
        goes_on_from(node, kept[node])


def autosaves():
    """The newest autosaves stay; after a crash the machine goes on from the last of them."""
    def ring():
        return [node for node in tree().values() if node["kind"] == "autosave"]
    snapshot("restore", next(iter(moments)))
    snapshot("autosave", "1", "--keep", "2")
    with Machine() as machine:
        time.sleep(1)
        GUEST.set(machine, 2000)
        first = None
        end = time.monotonic() + 600
        while first is None or first in [node["id"] for node in ring()]:
            assert time.monotonic() < end, "the oldest autosave stays for ever"
            assert len(ring()) <= 3, "more autosaves than were asked for"
            if first is None and ring():
                first = ring()[0]["id"]
            time.sleep(1)
        machine.process.send_signal(signal.SIGKILL)
        machine.process.wait(300)
    snapshot("autosave", "0")
    snapshot("verify", "--deep")
    goes_on_from(max(ring(), key=lambda node: node["time"])["id"], 2000)


def no_space():
    """Files cannot grow while a moment is kept: an error, the guest goes on, nothing is lost."""
    for limit in (4 << 10, 280 << 10):
        snapshot("restore", next(iter(moments)))
        before = set(tree())
        with Machine() as machine:
            time.sleep(1)
            value = GUEST.get(machine)
            subprocess.run(["prlimit", f"--pid={machine.process.pid}", f"--fsize={limit}:unlimited"], check=True)
            taken = subprocess.run([PROGRAM, "snapshot", "m", "take"], env=ENVIRONMENT, capture_output=True, text=True,
                                   timeout=600)
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


def killed_archives():
    """Who exports or imports is killed at any instant: the archive stays whole, a machine is there whole or not at all, and
    what was begun goes when the next is begun."""
    machines, archive = os.path.dirname(FOLDER), os.path.join(HOME.name, "m.vitrine")
    nodes = set(tree())

    def is_whole(name):
        assert {node["id"] for node in json.loads(run("snapshot", name, "tree", "--json"))} == nodes, name
        run("snapshot", name, "verify", "--deep")
        run("delete", name)

    longest = {}
    for words in (("export", "m", archive), ("import", archive, "--name", "whole")):
        before = time.monotonic()
        run(*words)
        longest[words[0]] = time.monotonic() - before
    is_whole("whole")
    imported = 0
    for count in range(KILLS):
        for words in (("export", "m", archive), ("import", archive, "--name", f"k{count}")):
            process = quietly(*words)
            time.sleep(RANDOM.random() * longest[words[0]])
            process.send_signal(signal.SIGKILL)
            process.wait(300)
        if os.path.exists(os.path.join(machines, f"k{count}")):
            imported += 1
            is_whole(f"k{count}")
        run("import", archive, "--name", "whole")
        is_whole("whole")
    left = glob.glob(os.path.join(machines, ".new-*")) + glob.glob(os.path.join(HOME.name, ".m.vitrine.new-*"))
    print(f"# {imported} of {KILLS} imports were through; {len(left)} folders left behind", flush=True)
    for folder in left:
        os.utime(folder, (0, 0))
    run("export", "m", archive)
    run("import", archive, "--name", "whole")
    left = glob.glob(os.path.join(machines, ".new-*")) + glob.glob(os.path.join(HOME.name, ".m.vitrine.new-*"))
    assert not left, left


STEPS = ["running-tree", "killed-programs", "no-space", "killed-archives", "travels-with-its-media"] + ["autosaves"] * (KILLS >= MANY_KILLS)
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
        elif step == "killed-archives":
            killed_archives()
        elif step == "autosaves":
            autosaves()
        else:
            travels_with_its_media()
        print(f"ok {number} {step}", flush=True)
    except Exception as failure:  # a test that breaks has failed, whatever broke it
        failed += 1
        print(f"not ok {number} {step}\n# {type(failure).__name__}: {failure}", flush=True)
sys.exit(1 if failed else 0)
