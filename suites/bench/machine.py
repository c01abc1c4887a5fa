# SPDX-License-Identifier: Apache-2.0
"""The build that is measured, the machine it runs on, and commands on one CPU or on all."""
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

LIMIT_SECONDS = 600


class Broken(Exception):
    """A measured program did not do what it was to do: no figure is better than a wrong one."""


class Build:
    def __init__(self, folder):
        self.folder = folder
        self.ipcjam = folder / "runner/ipcjam"
        self.shim = folder / "injector/libipcjam.so"
        self.calls = folder / "suites/bench/bench-calls"
        self.spawn = folder / "suites/bench/bench-spawn"
        self.subject = folder / "suites/subjects/sem_lock"

    def programs(self):
        return [self.ipcjam, self.shim, self.calls, self.spawn, self.subject]


# How much a command may move about: the column's name, and what stands before the command. The last
# CPU, as the first one serves most interrupts.
PINNINGS = {
    "one CPU": ["taskset", "-c", str(max(os.sched_getaffinity(0)))],
    "all CPUs": [],
}


def run_to_end(command, pinning, work, good=(0,)):
    """Runs it to its end, which must be a good one: its exit status and standard output."""
    run = subprocess.run([*map(str, PINNINGS[pinning] + command)], cwd=work, text=True,
                         capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT_SECONDS)
    if run.returncode not in good:
        raise Broken(f"{' '.join(map(str, command))}: status {good[0]} was expected, "
                     f"not {run.returncode}\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.returncode, run.stdout


def value_of(name, text):
    """The number in NAME=NUMBER, as bench-calls and bench-spawn print it."""
    match = re.search(rf"\b{name}=([0-9.]+)", text)
    if not match:
        raise Broken(f"{name}=NUMBER was expected in: {text[-2000:]}")
    return float(match.group(1))


def is_installed(program):
    return shutil.which(program) is not None


def first_line(command):
    try:
        run = subprocess.run(command, text=True, capture_output=True)
    except OSError:
        return ""
    return (run.stdout.splitlines() or [""])[0]


def rival(name, program, package):
    if not is_installed(program):
        return f"{name} is not installed"
    return f"{name} {first_line(['dpkg-query', '-W', '-f', '${Version}', package])}".rstrip()


def build_type(folder):
    """What meson was told; a build without optimisation would be a useless one to measure."""
    file = folder / "meson-info/intro-buildoptions.json"
    if not file.exists():
        return "unknown"
    options = {option["name"]: option["value"] for option in json.loads(file.read_text())}
    return f"{options['buildtype']}, -O{options['optimization']}"


def describe(build):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return {
        "processor": cpu.group(1) if cpu else platform.processor(),
        "CPUs": str(len(os.sched_getaffinity(0))),
        "virtual": "yes" if "hypervisor" in Path("/proc/cpuinfo").read_text() else "no",
        "kernel": platform.release().split("-")[0],
        "system": system.group(1) if system else "unknown",
        "libc": " ".join(platform.libc_ver()),
        "build": build_type(build.folder),
        "rivals": ", ".join([rival("libfiu", "fiu-run", "fiu-utils"),
                             rival("strace", "strace", "strace")]),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
