# SPDX-License-Identifier: Apache-2.0
"""Throughput of real servers: bare, and with all their IPC recorded."""
from pathlib import Path

import machine
from tables import Table, number, quartiles, spread

HERE = Path(__file__).resolve().parent / "programs"
# What a script of programs/ needs: a program, its Debian package, what is counted.
PROGRAMS = {
    "pgbench": {"needs": "/usr/lib/postgresql/15/bin/pgbench", "package": "postgresql-15",
                "title": "pgbench -S, 4 clients, transactions a second"},
    "redis": {"needs": "redis-server", "package": "redis-server",
              "title": "redis-benchmark GET, 20 clients, requests a second"},
    "nginx": {"needs": "nginx", "package": "nginx-light",
              "title": "nginx, 2 workers, ab -k with 16 clients, requests a second"},
}
WAYS = ["bare", "recording"]
ROUNDS, QUICK_ROUNDS = 7, 1
SECONDS, QUICK_SECONDS = 4, 1
LEAST = 0.9


def is_there(name):
    return machine.is_installed(PROGRAMS[name]["needs"])


def command(build, name, way, seconds):
    before = [] if way == "bare" else [build.ipcjam, "run", "-q", "--out=out", "--stacks=no", "--"]
    return [*before, HERE / name, seconds]


def measure(build, work, options):
    """{program: {way: [rate, one a round]}}; who goes first changes from round to round."""
    found = {name: {way: [] for way in WAYS} for name in PROGRAMS if is_there(name)}
    for i in range(options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)):
        for name, ways in found.items():
            for way in WAYS if i % 2 else reversed(WAYS):
                seconds = QUICK_SECONDS if options.quick else SECONDS
                # a finding of the program's own (status 1) is no fault of the measurement
                _, out = machine.run_to_end(command(build, name, way, seconds), "all CPUs", work,
                                            good=(0, 1))
                ways[way].append(machine.value_of("rate", out))
    return found


def ratios(ways):
    return [there / bare for there, bare in zip(ways["recording"], ways["bare"])]


def tables(found):
    for name, program in PROGRAMS.items():
        if name not in found:
            print(f"{name}: not installed: apt-get install {program['package']}")
    rows = [[PROGRAMS[name]["title"], spread(ways["bare"]), spread(ways["recording"]),
             spread([100 * ratio for ratio in ratios(ways)])] for name, ways in found.items()]
    if rows:
        yield Table("Throughput of servers, all CPUs",
                    ["", "bare", "recording", "% of bare, a round"], rows)


def aims(found):
    for name, ways in found.items():
        ratio = quartiles(ratios(ways))[0]
        yield [f"{name} while recording", f"at least {100 * LEAST:.0f} % of bare",
               f"{number(100 * ratio)} %", ratio >= LEAST]
