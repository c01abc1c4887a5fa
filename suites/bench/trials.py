# SPDX-License-Identifier: Apache-2.0
"""Trials a second of a two-process semaphore program, against a bare loop that starts it."""
import os
import time

import machine
from tables import Table, quartiles, spread

SUBJECT = ["right"]
ROUNDS, QUICK_ROUNDS = 15, 2
# Trials in a sample: a good part of a second.
N_BARE, N_OURS = 200, 100


def spawned(*options):
    def once(build, work, pinning):
        command = [build.spawn, *(option.format(shim=build.shim) for option in options), N_BARE,
                   build.subject, *SUBJECT]
        _, out = machine.run_to_end(command, pinning, work)
        return {"per_second": machine.value_of("per_second", out), "status": 0}
    return once


def trialled(*options):
    """The whole command: also the runner's own start and its result.json. A finding in this right
    program would be a fault of ipcjam's; it is told below the table, and the time still counts."""
    def once(build, work, pinning):
        command = [build.ipcjam, "run", "-q", f"--trials={N_OURS}", "--out=out", *options, "--",
                   build.subject, *SUBJECT]
        started = time.monotonic()
        status, _ = machine.run_to_end(command, pinning, work, good=(0, 1))
        return {"per_second": N_OURS / (time.monotonic() - started), "status": status}
    return once


WAYS = {
    "posix_spawn": spawned(),
    "posix_spawn, shim preloaded, idle": spawned("--preload={shim}"),
    "ipcjam run --trials": trialled(),
    "the same, --stacks=no": trialled("--stacks=no"),
    "the same, --isolate=no": trialled("--isolate=no"),
    "the same, a job for each CPU": trialled(f"--jobs={len(os.sched_getaffinity(0))}"),
}


def measure(build, work, options):
    """{pinning: {way: [sample, one a round]}}"""
    n_rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    found = {pinning: {name: [] for name in WAYS} for pinning in machine.PINNINGS}
    for _ in range(n_rounds):
        for pinning, ways in found.items():
            for name, samples in ways.items():
                samples.append(WAYS[name](build, work, pinning))
    return found


def rates(samples):
    return [one["per_second"] for one in samples]


def share(ways, name):
    bare = quartiles(rates(ways["posix_spawn"]))[0]
    return f"{100 * quartiles(rates(ways[name]))[0] / bare:.0f} %"


def tables(found):
    for pinning, ways in found.items():
        n_wrong = sum(one["status"] != 0 for samples in ways.values() for one in samples)
        yield Table(f"Trials a second, sem_lock right, {pinning}",
                    ["", "trials a second", "of posix_spawn"],
                    [[name, spread(rates(samples)), share(ways, name)]
                     for name, samples in ways.items()],
                    [f"Runs of {N_OURS} trials with a finding: {n_wrong}; none was expected"]
                    if n_wrong else [])


def aims(_found):
    """The issue names no figure for this part."""
    return []
