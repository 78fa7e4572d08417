#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ending.py PROGRAM PICTURES: the program is ended from outside while machines run: by the end of the desktop's session, of the
terminal, of the computer. What ran is saved and goes on right there; where there is no room for that, it is powered off in
order; a machine that runs without saving leaves nothing that does not belong to its disks."""

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Desk, run_tests, wait_for  # noqa: E402
from first_machine import state as state_of  # noqa: E402

VALUES = {"One": 4711, "Two": 815}


def forth(desk, name, line, pattern):
    """A line typed to the firmware, without a window; the machine is powered off afterwards."""
    process = subprocess.Popen([desk.program, "run", name, "--headless", "--serial", "stdio"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.set_blocking(process.stdout.fileno(), False)
    text = b""

    def said(what):
        nonlocal text
        text += process.stdout.read() or b""
        return re.search(what, text)
    try:
        if not line.startswith(b"decimal v @"):
            wait_for("the firmware's prompt", lambda: said(rb"0 > "), 120)
        else:
            time.sleep(1)
        process.stdin.write(line + b"\r")
        process.stdin.flush()
        found = wait_for(f"{pattern} of {name}", lambda: said(pattern), 60)
        node = desk.run("snapshot", name, "take").strip()
    finally:
        process.terminate()
        process.wait(60)
    return node, found


def folder_of(desk, name):
    return json.loads(desk.run("info", name, "--json"))["folder"]


def description(desk, name):
    with open(os.path.join(folder_of(desk, name), "machine.ini"), encoding="utf-8") as file:
        return file.read()


def runs_in_a_window(desk, *names):
    """All of them in one program."""
    desk.start()
    for name in names:
        desk.find(name, seconds=60)
        desk.focus("Vitrine")
        desk.press(f"Resume “{name}”" if state_of(desk, name) == "saved" else f"Start “{name}”", inside="Vitrine")
        wait_for(f"{name} to run", lambda: state_of(desk, name) == "running", 60)  # noqa: B023
        desk.focus(name, 60)


def ended_by(desk, number):
    desk.process.send_signal(number)
    desk.process.wait(60)


def machines_with_something_in_memory(desk):
    for name, value in VALUES.items():
        desk.run("create", name, "--model", "ss5", "--ram", "32", "--disk", "16M", "--display", "none")
        node, _ = forth(desk, name, b"decimal variable v %d v !" % value, rb"ok")
        desk.run("snapshot", name, "restore", node)


def each_signal_saves(desk):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        runs_in_a_window(desk, *VALUES)
        ended_by(desk, number)
        for name in VALUES:
            assert state_of(desk, name) == "saved", f"after signal {number} “{name}” is {state_of(desk, name)}"
            assert "Running=true" not in description(desk, name), f"after signal {number} it looks like a crash"
    for name, value in VALUES.items():
        _, found = forth(desk, name, b"decimal v @ . cr", rb"cr\s+(\d+)\s")
        assert int(found.group(1)) == value


def a_window_of_its_own_saves(desk):
    desk.start("run", "One")
    wait_for("it to run", lambda: state_of(desk, "One") == "running", 60)
    ended_by(desk, signal.SIGTERM)
    assert state_of(desk, "One") == "saved"


def the_session_waits(desk):
    """Who logs out: the session's end waits until what runs is saved, and for what cannot be saved until somebody decides."""
    said = os.path.join(os.environ["HOME"], "session")
    with open(said, "wb") as out:
        manager = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "session_manager.py")],
                                   stdin=subprocess.PIPE, stdout=out, text=True)

    def lines():
        with open(said, encoding="utf-8") as file:
            return file.read().splitlines()

    def tell(what):
        manager.stdin.write(what + "\n")
        manager.stdin.flush()
    try:
        wait_for("the session manager", lambda: "ready" in lines())
        desk.start("run", "One")
        wait_for("it to run", lambda: state_of(desk, "One") == "running", 60)
        wait_for("it to register", lambda: any(line.startswith("RegisterClient org.vitrine") for line in lines()))
        tell("query")
        wait_for("it to be off", lambda: state_of(desk, "One") == "saved", 60)
        desk.process.wait(60)
        assert [line for line in lines() if line.startswith("Inhibit")], lines()

        desk.start("run", "Two", "--without-saving")
        wait_for("it to run", lambda: state_of(desk, "Two") == "running", 60)
        wait_for("it to register", lambda: sum(line.startswith("RegisterClient org.vitrine") for line in lines()) == 2)
        tell("query")
        wait_for("the session to be held", lambda: sum(line.startswith("Inhibit") for line in lines()) == 2)
        assert state_of(desk, "Two") == "running"
        tell("end")
        desk.process.wait(60)
        assert state_of(desk, "Two") != "running"
    finally:
        manager.stdin.close()
        manager.wait(20)


def without_room_it_is_powered_off(desk):
    desk.start("run", "One")
    wait_for("it to run", lambda: state_of(desk, "One") == "running", 60)
    subprocess.run(["prlimit", f"--pid={desk.process.pid}", f"--fsize={128 << 10}:unlimited"], check=True)
    ended_by(desk, signal.SIGTERM)
    assert desk.process.returncode >= 0, f"it died of signal {-desk.process.returncode}"
    assert state_of(desk, "One") == "off"
    assert "Running=true" not in description(desk, "One")
    with open(os.path.join(folder_of(desk, "One"), "log"), encoding="utf-8") as log:
        assert "could not be saved" in log.read()


def without_saving_nothing_stays(desk):
    """Neither by a signal nor by a click is the memory kept of a machine whose disks go."""
    for close in (lambda: ended_by(desk, signal.SIGTERM), None):
        desk.start("run", "Two", "--without-saving")
        wait_for("it to run", lambda: state_of(desk, "Two") == "running", 60)
        if close:
            close()
        else:
            desk.focus("Two", 60)
            desk.press("Close", inside="Two")
            desk.find("Close a Running Machine?")
            assert not desk.look("Save", ("push button",)), "it offers to save what cannot be saved"
            desk.press("Power Off", inside="Close a Running Machine?")
            desk.process.wait(60)
        assert state_of(desk, "Two") == "off", f"it is {state_of(desk, 'Two')}"
        assert not os.path.exists(os.path.join(folder_of(desk, "Two"), "history", "resume.state"))


if __name__ == "__main__":
    run_tests([machines_with_something_in_memory, each_signal_saves, a_window_of_its_own_saves, the_session_waits,
               without_room_it_is_powered_off,
               without_saving_nothing_stays], Desk(sys.argv[1], sys.argv[2]))
