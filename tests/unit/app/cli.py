#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""cli.py PROGRAM: the command line's answers and exit statuses, without any display. TAP."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
HOME = tempfile.TemporaryDirectory()
ENVIRONMENT = {**os.environ, "HOME": HOME.name, "XDG_DATA_HOME": os.path.join(HOME.name, "data"), "LC_ALL": "C.UTF-8"}
for name in ("DISPLAY", "WAYLAND_DISPLAY"):
    ENVIRONMENT.pop(name, None)


def run(*arguments, status=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=120,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, f"{arguments}: status {done.returncode}, not {status}: {done.stderr}"
    return done


def help_everywhere():
    commands = [line.split()[0] for line in run("--help").stdout.splitlines() if line.startswith("  ")][2:]
    assert {"models", "create", "list", "info", "delete", "run", "boot", "image", "exec"} <= set(commands), commands
    for command in commands:
        assert run(command, "--help").stdout.strip(), command


def unknown_words_are_usage_errors():
    for arguments in (["nonsense"], ["list", "--nonsense"], ["boot", "word"], ["info"], ["create", "x"]):
        assert run(*arguments, status=2).stderr.strip().endswith((".", "options"))


def lost_answers_are_failures():
    image = os.path.join(HOME.name, "answer.qcow2")
    run("image", "create", image, "1M")
    for arguments in (["--help"], ["models", "--json"], ["boot", "--help"], ["image", "info", image], ["image", "--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
                                  timeout=120)
        assert done.returncode == 1 and "could not be written" in done.stderr, f"{arguments}: {done}"


def models_are_listed():
    models = {model["id"]: model for model in json.loads(run("models", "--json").stdout)}
    assert models["ss5"]["family"] == "sparc"
    assert models["ss5"]["ram-min-mib"] <= models["ss5"]["ram-default-mib"] <= models["ss5"]["ram-max-mib"]
    assert "ss5" in run("models").stdout


def machine_from_birth_to_death():
    original = os.path.join(HOME.name, "original.img")
    with open(original, "wb") as image:
        image.write(os.urandom(1 << 20))
    before = hashlib.sha256(open(original, "rb").read()).digest()
    assert json.loads(run("list", "--json").stdout) == []
    run("create", "Käthe's box", "--model", "ss5", "--ram", "32", "--disk", original, "--disk", "10M", "--notes", "a; b")
    assert run("create", "Käthe's box", "--model", "ss5", status=1).stderr
    listed = json.loads(run("list", "--json").stdout)
    assert [(m["name"], m["model"], m["state"]) for m in listed] == [("Käthe's box", "ss5", "off")]
    info = json.loads(run("info", "Käthe's box", "--json").stdout)
    assert info["ram-mib"] == 32 and info["notes"] == "a; b"
    assert [disk["size"] for disk in info["disks"]] == [1 << 20, 10 << 20]
    assert info["disks"][0]["backing-file"] == original
    assert run("info", "Käthe's box").stdout
    assert hashlib.sha256(open(original, "rb").read()).digest() == before
    run("delete", "Käthe's box")
    assert json.loads(run("list", "--json").stdout) == []
    assert os.path.exists(original)
    assert run("info", "Käthe's box", status=1).stderr


def impossible_configurations():
    assert run("create", "x", "--model", "nonsense", status=2).stderr
    assert run("create", "x", "--model", "ss5", "--ram", "1000000", status=2).stderr
    assert run("create", "x", "--model", "ss5", "--display", "nonsense", status=2).stderr
    assert run("create", "x", "--model", "ss5", "--disk", "nonsense", status=2).stderr
    assert run("create", "a/b", "--model", "ss5", status=2).stderr
    for option in (["--boot", "nonsense"], ["--kernel", "/nonexistent"], ["--initrd", "/nonexistent"], ["--ram", "-1"],
                   ["--cdrom", "/nonexistent"], ["--firmware", "/nonexistent"]):
        assert run("create", "x", "--model", "ss5", *option, status=2).stderr
    for options in ([], ["--model", "nonsense"], ["--model", "ss5", "--ram", "1000000"],
                    ["--model", "ss5", "--kernel", "/nonexistent"], ["--model", "ss5", "--disk", "/nonexistent"],
                    ["--model", "ss5", "--accel", "nonsense"], ["--model", "ss5", "--accel", "kvm"],
                    ["--model", "ss5", "--net", "nonsense"], ["--model", "ss5", "--display", "nonsense"],
                    ["--model", "ss5", "--log", "nonsense"], ["--model", "ss5", "--log", "jit="],
                    ["--model", "ss5", "--nvram", "/nonexistent/nvram"], ["--model", "ss5", "--type-delay", "-1"],
                    ["--model", "ss5", "--timeout", "-1"], ["--model", "ss5", "--timeout", "nan"],
                    ["--model", "ss5", "--firmware", "/nonexistent"]):
        message = run("boot", "--headless", "--timeout", "5", *options, status=2).stderr
        assert len(message) > 20, options
    assert json.loads(run("list", "--json").stdout) == []


def boot_without_display():
    picture = os.path.join(HOME.name, "picture.png")
    run("boot", "--model", "ss5", "--headless", "--timeout", "1", "--screenshot", picture, status=124)
    assert open(picture, "rb").read(8) == b"\x89PNG\r\n\x1a\n"


def a_file_of_something_else_is_no_memory():
    text = os.path.join(HOME.name, "letter.txt")
    with open(text, "w", encoding="utf-8") as file:
        file.write("Dear Käthe,\n")
    boot = ["boot", "--model", "ss5", "--headless", "--timeout", "1"]
    assert "8184" in run(*boot, "--nvram", text, status=2).stderr
    assert open(text, encoding="utf-8").read() == "Dear Käthe,\n"
    kept = os.path.join(HOME.name, "kept")
    for _ in range(2):
        run(*boot, "--nvram", kept, status=124)
        assert os.path.getsize(kept) == 8184


def logs_are_written():
    logs = {topic: os.path.join(HOME.name, topic + ".log") for topic in ("jit", "guest")}
    run("boot", "--model", "ss5", "--headless", "--timeout", "1", "--log",
        ",".join(f"{topic}={path}" for topic, path in logs.items()), status=124)
    assert os.path.getsize(logs["jit"]) > 100 and os.path.exists(logs["guest"])


def exported_is_told_as_json():
    run("create", "box", "--model", "ss5")
    file = os.path.join(HOME.name, 'Käthe "1".vitrine')
    assert json.loads(run("export", "box", file, "--json").stdout) == {"file": file}
    done = json.loads(run("import", file, "--name", "Käthe \"2\"", "--json").stdout)
    assert json.loads(run("info", "Käthe \"2\"", "--json").stdout)["folder"] == done["folder"]
    missing = os.path.join(HOME.name, "missing")
    assert run("export", "box", os.path.join(missing, "x.vitrine"), status=1).stderr and not os.path.exists(missing)
    assert "sound" not in run("run", "box", "--headless", "--timeout", "1", status=124).stderr
    for name in ("box", "Käthe \"2\""):
        run("delete", name)


def interrupted(*arguments):
    """Runs it on a terminal and presses Ctrl+C as soon as a percentage is shown; what the terminal shows."""
    screen, side = pty.openpty()
    child = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=side,
                             env=ENVIRONMENT)
    os.close(side)
    said = b""
    while b"%" not in said:
        said += os.read(screen, 1000)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=120)[0] == b"" and child.returncode == 1, f"{arguments}: {child.returncode}, {said}"
    said += os.read(screen, 1000)
    os.close(screen)
    return said.decode()


def interruptions_leave_nothing_half_made():
    original = os.path.join(HOME.name, "large.img")
    with open(original, "wb") as image:
        for _ in range(192):
            image.write(os.urandom(1 << 20))
    run("create", "box", "--model", "ss5", "--disk", original, "--copy")
    folder = os.path.join(HOME.name, "exported")
    os.mkdir(folder)
    file = os.path.join(folder, "box.vitrine")
    assert "cancelled" in interrupted("export", "box", file) and os.listdir(folder) == []
    run("export", "box", file)
    machines = os.path.dirname(json.loads(run("info", "box", "--json").stdout)["folder"])
    before = sorted(os.listdir(machines))
    assert "cancelled" in interrupted("import", file, "--name", "copy") and sorted(os.listdir(machines)) == before
    run("delete", "box")
    for path in (original, file):
        os.remove(path)


def snapshots_take_their_own_options():
    run("create", "box", "--model", "ss5", "--disk", "1M")
    for words in (["branch", "here", "box"], ["branch", "here", "a/b"], ["repair", "nonsense"], ["repair", "rebase", "x"],
                  ["autosave", "often"], ["autosave", "5", "--keep", "-3"], ["autosave", "--keep", "0"]):
        assert run("snapshot", "box", *words, status=1).stderr
    assert [node["id"] for node in json.loads(run("snapshot", "box", "tree", "--json").stdout)] == ["here"]
    for words in (["tree", "--full-copy"], ["take", "--keep", "3"], ["pin", "here", "--plan"], ["take", "a", "--name", "b"]):
        assert run("snapshot", "box", *words, status=2).stderr
    assert run("snapshot", "box", "autosave").stdout == "never\n"
    run("snapshot", "box", "autosave", "--keep", "4")
    run("snapshot", "box", "autosave", "5")
    assert json.loads(run("snapshot", "box", "autosave", "--json").stdout) == {"minutes": 5, "keep": 4}
    node = json.loads(run("snapshot", "box", "take", "--json").stdout)["node"]
    compared = json.loads(run("snapshot", "box", "compare", node, "here", "--json").stdout)
    assert compared["disks"] == [{"disk": "Disk 1", "differing-bytes": 0}]
    run("delete", "box")


def images_take_their_own_options():
    image = os.path.join(HOME.name, "new.img")
    for options in (["-f", "raw", "--cluster-size", "4K"], ["-f", "vdi", "--compat", "3"], ["-f", "vhd", "--extended-l2"],
                    ["-f", "vmdk", "--compression", "zstd"], ["-F", "raw"], ["-f", "raw", "--lazy-refcounts"]):
        assert run("image", "create", *options, image, "1M", status=2).stderr and not os.path.exists(image), options
    run("image", "create", "-f", "qcow2", "--compat", "2", "--cluster-size", "4K", image, "1M")
    assert "--force" in run("image", "create", image, "1M", status=1).stderr
    assert "--shrink" in run("image", "resize", image, "512K", status=2).stderr
    assert "--shrink" not in run("image", "resize", image, "2M").stderr
    os.unlink(image)


def what_is_not_well_is_told():
    run("create", "box", "--model", "ss5", "--boot", "cdrom")
    assert "Attention:" in run("info", "box").stdout
    assert [(f["level"], f["setting"]) for f in json.loads(run("info", "box", "--json").stdout)["findings"]] == [("note", "boot")]
    run("delete", "box")


def languages_are_not_mixed():
    """The system's words are English between ours, as long as nobody has translated those; Debian's locales has the German ones."""
    for arguments in (["image", "info", "/nowhere"], ["exec", "--strace=/nowhere/log", PROGRAM]):
        words = []
        for language in ("C", "de"):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120,
                                  env={**ENVIRONMENT, "LANGUAGE": language})
            assert done.returncode != 0 and done.stderr, arguments
            words.append(done.stderr)
        assert words[0] == words[1], words


def windows_need_a_display():
    assert "--headless" in run("boot", "--model", "ss5", status=1).stderr


def snapshot_leaves_the_disk_alone():
    disk = os.path.join(HOME.name, "disk.img")
    with open(disk, "wb") as image:
        image.truncate(1 << 20)
    os.chmod(disk, 0o444)
    run("boot", "--model", "ss5", "--headless", "--timeout", "1", "--snapshot", "--disk", disk, status=124)
    assert open(disk, "rb").read() == bytes(1 << 20)


def state_is_saved_and_loaded():
    state = os.path.join(HOME.name, "state")
    run("boot", "--model", "ss5", "--headless", "--timeout", "1", "--save-state", state, status=124)
    assert os.path.getsize(state) > 1000
    run("boot", "--model", "ss5", "--headless", "--timeout", "1", "--load-state", state, status=124)
    with open(state, "r+b") as file:
        file.seek(500)
        file.write(b"damaged")
    assert run("boot", "--model", "ss5", "--headless", "--timeout", "1", "--load-state", state, status=2).stderr


TESTS = [help_everywhere, lost_answers_are_failures, unknown_words_are_usage_errors, models_are_listed,
         machine_from_birth_to_death, impossible_configurations, boot_without_display,
         a_file_of_something_else_is_no_memory, logs_are_written, exported_is_told_as_json,
         interruptions_leave_nothing_half_made,
         snapshots_take_their_own_options, images_take_their_own_options, what_is_not_well_is_told,
         languages_are_not_mixed, windows_need_a_display, snapshot_leaves_the_disk_alone, state_is_saved_and_loaded]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        test()
        print(f"ok {number} {test.__name__.replace('_', '-')}", flush=True)
    except Exception as failure:  # a test that breaks has failed, whatever broke it
        failed += 1
        print(f"not ok {number} {test.__name__.replace('_', '-')}\n# {type(failure).__name__}: {failure}", flush=True)
sys.exit(1 if failed else 0)
