#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""full_disk.py VITRINE: the host's disk is full, for real: the library stands on a small file system of its own, which is
filled to the last pages while a machine runs and while it is off. Whatever is asked for either happens or fails with a
sentence; the running machine goes on; every moment stays whole; with room again, all works."""
import os
import subprocess
import sys
import time

SIZE = 64 << 20
if "VITRINE_TEST_MOUNT" not in os.environ:
    for how in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        try:
            if subprocess.run([*how, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0:
                os.execvpe(how[0], [*how, sys.executable, "-B", *sys.argv], dict(os.environ, VITRINE_TEST_MOUNT="yes"))
        except FileNotFoundError:
            pass
    print("1..0 # SKIP no file system of one's own can be mounted here")
    sys.exit(0)

from machine import ENVIRONMENT, FOLDER, HOME, PROGRAM, Forth, Machine, check_images, leftovers, run, snapshot, tree  # noqa: E402

ROOMS = [0, 4 << 10, 64 << 10, 300 << 10, 1 << 20, 3 << 20, (4 << 20) + (80 << 10), 5 << 20]  # bytes that are left
GUEST = Forth()
FILLER = os.path.join(HOME.name, "filler")


def fill(room):
    """Leaves so much; the library's file system has pages of 4 KiB."""
    info = os.statvfs(HOME.name)
    left = info.f_bavail * info.f_frsize - room
    with open(FILLER, "wb") as file:
        if left > 0:
            os.posix_fallocate(file.fileno(), 0, left)


def make_room():
    if os.path.exists(FILLER):
        os.unlink(FILLER)


def attempt(*words):
    """(did it, what it said)"""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env=ENVIRONMENT, timeout=600,
                          stdin=subprocess.DEVNULL)
    assert done.returncode in (0, 1), f"{words}: status {done.returncode}: {done.stderr}"
    assert done.returncode == 0 or len(done.stderr.strip()) > 20, f"{words}: fails without a word"
    return done.returncode == 0, done.stderr.strip()


def is_whole(kept):
    lost = set(kept) - set(tree())
    assert not lost, f"lost: {lost}"
    check_images()


def operations(kept):
    """What is asked for while there is no room; `kept` is never deleted."""
    others = [node for node, data in tree().items() if data["kind"] != "here" and node not in kept]
    yield "snapshot", "m", "take"
    yield "snapshot", "m", "restore", next(iter(kept))
    yield "snapshot", "m", "undo"
    yield "snapshot", "m", "rename", next(iter(kept)), "another name"
    yield "snapshot", "m", "note", next(iter(kept)), "a note"
    if others:
        yield "snapshot", "m", "delete", others[0]
    yield "snapshot", "m", "branch", next(iter(kept)), "branch"


def ask_all(kept):
    """Asks for everything; returns how much failed."""
    failed = 0
    for words in operations(kept):
        did, why = attempt(*words)
        failed += not did
        if words[2] == "branch" and did:
            run("delete", "branch")
        is_whole(kept)
    return failed


def while_it_runs():
    run("create", "m", "--model", "ss5", "--disk", "16M", *GUEST.options)
    kept = {}
    with Machine() as machine:
        GUEST.boot(machine)
        for value in (1, 2, 3):
            GUEST.set(machine, value)
            kept[snapshot("take", f"moment {value}")] = value
        failures = 0
        for room in ROOMS:
            fill(room)
            before = GUEST.get(machine)
            failures += ask_all(kept)
            assert machine.process.poll() is None, f"with {room} bytes left the machine ended"
            now = GUEST.get(machine)
            assert now in (before, next(iter(kept.values()))), f"with {room} bytes left: {before} became {now}"
            make_room()
            snapshot("verify", "--deep")
            GUEST.set(machine, 77)
            node = snapshot("take", "with room again")
            GUEST.set(machine, 78)
            snapshot("restore", node)
            assert GUEST.get(machine) == 77
        assert failures >= len(ROOMS), f"only {failures} failures: the disk was not full"
        print(f"# {failures} times there was no room", flush=True)
    all_whole(kept)
    return kept


def while_it_is_off(kept):
    failures = 0
    for room in ROOMS:
        fill(room)
        failures += ask_all(kept)
        make_room()
        snapshot("verify", "--deep")
        snapshot("take", "with room again")
    print(f"# {failures} times there was no room", flush=True)
    assert failures
    all_whole(kept)


def all_whole(kept):
    snapshot("take", "at last")
    assert not leftovers(), leftovers()
    for node, value in kept.items():
        snapshot("restore", node)
        with Machine() as machine:
            time.sleep(1)
            assert GUEST.get(machine) == value, node


subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", HOME.name], check=True)
print("1..2")
status = 0
moments = {}
for number, step in enumerate((while_it_runs, while_it_is_off), 1):
    name = step.__name__.replace("_", "-")
    try:
        moments = step() if step is while_it_runs else step(moments)
        print(f"ok {number} {name}", flush=True)
    except Exception as failure:  # a test that breaks has failed, whatever broke it
        status = 1
        print(f"not ok {number} {name}\n# {type(failure).__name__}: {failure}", flush=True)
        break
subprocess.run(["umount", "-l", HOME.name], check=False)
sys.exit(status)
