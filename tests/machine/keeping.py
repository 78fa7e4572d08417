#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""keeping.py VITRINE: what people do with their machines that could cost them something, through the command line: settings
changed between snapshots, machines deleted that others stand on, branches of machines that came in one file, folders moved
while they run, clocks that are wrong, descriptions of a newer Vitrine."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from machine import ENVIRONMENT, FOLDER, HOME, PROGRAM, Forth, Machine, check_images, run, snapshot, tree

LIBRARY = os.path.dirname(FOLDER)
DESCRIPTION = os.path.join(FOLDER, "machine.ini")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def change_setting(old, new, path=DESCRIPTION):
    data = read(path)
    assert old in data, f"{old} is not in {path}"
    write(path, data.replace(old, new))


def create(*options):
    run("create", "m", "--model", "ss5", "--ram", "32", "--display", "none", *options)


def refused(*words):
    """What is said when it is refused."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env=ENVIRONMENT, timeout=600,
                          stdin=subprocess.DEVNULL)
    assert done.returncode in (1, 2), f"{words}: status {done.returncode}: {done.stderr}"
    assert len(done.stderr.strip()) > 20, f"{words}: fails without a word"
    return done.stderr


def contents(folder):
    return {path: read(path) for path in glob.glob(folder + "/**", recursive=True) if os.path.isfile(path)}


def settings_and_nvram_come_back():
    """Going back keeps a safety node when only the settings or the battery-backed memory are not the snapshot's."""
    create()
    node = snapshot("take", "as it was")
    snapshot("restore", node)
    assert len(tree()) == 2, "a safety node of nothing"
    change_setting(b"Memory=32", b"Memory=64")
    snapshot("restore", node)
    assert b"Memory=32" in read(DESCRIPTION)
    snapshot("undo")
    assert b"Memory=64" in read(DESCRIPTION), "the settings are lost"
    snapshot("restore", node)
    with Machine():  # it goes on from there: what it has in its battery-backed memory is its own
        time.sleep(1)
    nvram = os.path.join(FOLDER, "nvram")
    write(nvram, b"what was set in the firmware")
    snapshot("restore", node)
    snapshot("undo")
    with Machine():
        time.sleep(0.1)
        assert read(nvram)[:28] == b"what was set in the firmware"[:28], "the battery-backed memory is lost"


def stood_on_stays():
    """A machine whose disks others stand on is not deleted; after the others it is."""
    original = os.path.join(HOME.name, "original.img")
    write(original, os.urandom(1 << 20))
    create("--disk", original)
    snapshot("branch", snapshot("take"), "branch")
    assert "“branch”" in refused("delete", "m")
    run("export", "branch", os.path.join(HOME.name, "branch.vitrine"))
    run("delete", "branch")
    run("delete", "m")
    # With everything it stands on in the one file.
    run("import", os.path.join(HOME.name, "branch.vitrine"), "--name", "m")
    disk = os.path.join(HOME.name, "disk.img")
    run("image", "convert", "-O", "raw", glob.glob(os.path.join(FOLDER, "disks", "*-*.qcow2"))[0], disk)
    assert read(disk) == read(original)


def branch_has_its_media():
    """A branch of a machine that came in one file has that file's media, and keeps them when the other one goes."""
    medium = os.path.join(HOME.name, "cd.iso")
    write(medium, os.urandom(1 << 20))
    create("--cdrom", medium, "--disk", "1M")
    archive = os.path.join(HOME.name, "cd.vitrine")
    run("export", "m", archive)
    run("import", archive, "--name", "from")
    node = run("snapshot", "from", "take").strip()
    run("snapshot", "from", "branch", node, "linked")
    run("snapshot", "from", "branch", node, "copied", "--full-copy")
    run("delete", "linked")
    run("delete", "from")
    info = json.loads(run("info", "copied", "--json"))
    assert not [finding for finding in info["findings"] if finding["setting"] == "cdrom"], info["findings"]
    assert read(os.path.join(info["folder"], info["cdrom"])) == read(medium)


def state_is_left_first():
    """A machine that goes on from a snapshot does not run while its description says that it has yet to: its disks would move
    away from that memory."""
    create()
    guest = Forth()
    with Machine() as machine:
        guest.boot(machine)
        guest.set(machine, 4711)
        node = snapshot("take")
    snapshot("restore", node)
    done = subprocess.run(["prlimit", "--fsize=0", PROGRAM, "run", "m", "--headless", "--serial", "none", "--timeout", "5"],
                          capture_output=True, text=True, env=ENVIRONMENT, timeout=600, stdin=subprocess.DEVNULL,
                          preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN), restore_signals=False)
    assert done.returncode in (1, 2) and len(done.stderr.strip()) > 20, f"{done.returncode}: {done.stderr}"
    assert f"Resume={node}".encode() in read(DESCRIPTION)
    with Machine() as machine:
        time.sleep(1)
        assert guest.get(machine) == 4711
        assert b"Resume=" not in read(DESCRIPTION)


def moved_while_it_runs():
    """A folder that is moved or replaced while its machine runs: nothing is written to where it was, and nothing in it is lost."""
    create("--disk", "1M")
    guest = Forth()
    with Machine() as machine:
        guest.boot(machine)
        guest.set(machine, 12)
        node = snapshot("take")
    backup, away = FOLDER + " (backup)", FOLDER + " away"
    subprocess.run(["cp", "-a", FOLDER, backup], check=True)
    snapshot("restore", node)
    for replaced in (False, True):
        with Machine() as machine:
            time.sleep(1)
            os.rename(FOLDER, away)
            if replaced:
                os.rename(backup, FOLDER)
                before = contents(FOLDER)
            assert guest.get(machine) == 12
        if replaced:
            after = contents(FOLDER)
            assert before == after, [path for path in {*before, *after} if before.get(path) != after.get(path)]
            shutil.rmtree(FOLDER)
        else:
            assert not os.path.exists(FOLDER), "something has been written to where it was"
        os.rename(away, FOLDER)
        check_images()
        snapshot("verify", "--deep")
        snapshot("restore", node)
    with Machine() as machine:
        time.sleep(1)
        assert guest.get(machine) == 12


def clock_set_back():
    """Snapshots stand in the order in which they were taken, whatever the clock said: the ring of autosaves loses its oldest."""
    create()
    ids = [snapshot("take", str(number)) for number in range(4)]
    for number, node in enumerate(ids[:2]):
        path = os.path.join(FOLDER, "history", node, "node.ini")
        was = next(line for line in read(path).splitlines() if line.startswith(b"Time="))
        change_setting(was, b"Time=%d" % (4102444800000000 - number * 1000000), path)
    assert [node for node in tree() if node != "here"] == ids


def newer_is_left_alone():
    """What a newer Vitrine made is refused with a sentence, and stays as it is."""
    create("--disk", "1M")
    first, second = snapshot("take", "first"), snapshot("take", "second")
    node = os.path.join(FOLDER, "history", second, "node.ini")
    change_setting(b"Version=1", b"Version=9\nMood=fair", node)
    before = contents(FOLDER)
    for words in (("rename", second, "other"), ("note", second, "other"), ("pin", second), ("restore", second),
                  ("branch", second, "branch")):
        assert "newer" in refused("snapshot", "m", *words), words
        assert contents(FOLDER) == before, words
    snapshot("delete", first)
    assert b"Version=9" in read(node) and b"Mood=fair" in read(node)
    change_setting(b"Version=1", b"Version=9")
    before = contents(FOLDER)
    for words in (("run", "m", "--headless"), ("snapshot", "m", "take"), ("snapshot", "m", "restore", second),
                  ("snapshot", "m", "delete", second), ("info", "m"), ("export", "m", os.path.join(HOME.name, "newer.vitrine"))):
        assert "newer" in refused(*words), words
        after = contents(FOLDER)
        assert {path: data for path, data in after.items() if os.path.basename(path) not in ("lock", "log")} == \
            {path: data for path, data in before.items() if os.path.basename(path) not in ("lock", "log")}, words


def odd_places():
    """A library in a folder whose name is not text: what can be kept there is kept, the rest is refused with a sentence."""
    place = os.fsencode(HOME.name) + b"/odd\xff\nplace"
    os.mkdir(place)
    odd = dict(ENVIRONMENT, XDG_DATA_HOME=os.fsdecode(place))
    original = os.path.join(os.fsdecode(place), "original.img")
    write(original, bytes(1 << 20))

    def ask(status, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, errors="replace", env=odd, timeout=600)
        assert done.returncode == status, f"{words}: {done.returncode}: {done.stderr}"
        assert status == 0 or "not text" in done.stderr, done.stderr
        return done.stdout.strip()
    ask(2, "create", "m", "--model", "ss5", "--disk", original)
    ask(2, "create", "m", "--model", "ss5", "--cdrom", original)
    ask(0, "create", "m", "--model", "ss5", "--disk", "1M")
    node = ask(0, "snapshot", "m", "take")
    ask(0, "snapshot", "m", "restore", node)
    ask(1, "snapshot", "m", "branch", node, "linked")
    ask(0, "snapshot", "m", "branch", node, "copied", "--full-copy")
    ask(0, "delete", "m")
    ask(0, "snapshot", "copied", "verify", "--deep")


def ended_at_any_time():
    """Whenever it is told to end, also while it starts or goes back in its history: it ends, and in order."""
    create("--disk", "1M")
    node = snapshot("take")
    log = os.path.join(FOLDER, "log")
    for _ in range(3):
        process = subprocess.Popen([PROGRAM, "run", "m", "--headless", "--serial", "none"], env=ENVIRONMENT,
                                   stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not os.path.exists(os.path.join(FOLDER, "control")):
            assert time.monotonic() < end
            time.sleep(0.01)
        started = read(log).count(b"Started")
        asks = subprocess.Popen([PROGRAM, "snapshot", "m", "restore", node], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        while read(log).count(b"Started") == started:
            assert time.monotonic() < end
        process.terminate()  # it is just building the machine anew
        assert process.wait(30) == 130, process.returncode
        asks.wait(30)
        assert b"Running=true" not in read(DESCRIPTION)
    for number in range(8):
        process = subprocess.Popen([PROGRAM, "run", "m", "--headless", "--serial", "none"], env=ENVIRONMENT,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.03 + 0.03 * number)
        process.terminate()
        assert process.wait(30) in (-signal.SIGTERM, 130), process.returncode
        assert b"Running=true" not in read(DESCRIPTION)
    snapshot("verify", "--deep")


STEPS = [settings_and_nvram_come_back, stood_on_stays, branch_has_its_media, state_is_left_first, moved_while_it_runs,
         clock_set_back, newer_is_left_alone, odd_places, ended_at_any_time]
print(f"1..{len(STEPS)}")
failed = 0
for number, step in enumerate(STEPS, 1):
    name = step.__name__.replace("_", "-")
    try:
        step()
        print(f"ok {number} {name}", flush=True)
    except Exception as failure:  # a test that breaks has failed, whatever broke it
        failed += 1
        print(f"not ok {number} {name}\n# {type(failure).__name__}: {failure}", flush=True)
    for machine in glob.glob(os.path.join(LIBRARY, "*")) + glob.glob(os.path.join(LIBRARY, ".*-*")):
        os.unlink(machine) if os.path.islink(machine) else shutil.rmtree(machine)
sys.exit(1 if failed else 0)
