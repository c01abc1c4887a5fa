# SPDX-License-Identifier: Apache-2.0
"""A long run: is memory constant, and is each call an event?"""
import json
import os
import subprocess
import time
from pathlib import Path

import machine
from tables import Table

EVENTS, QUICK_EVENTS = 10_000_000, 600_000
# Calls in a round of bench-calls' kind "all".
CALLS_A_ROUND = 6
COUNTED = ("semop", "write", "read", "msgsnd", "msgrcv")
EVERY_SECONDS = 0.05
# "Constant": from a tenth of the run on, no more than that is added, all processes together.
ALLOWED_KIB = 1024


def parents():
    """{pid: (parent's pid, program)} of all processes."""
    table = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = file.read_text().rpartition(") ")
        except OSError:
            continue
        table[int(file.parent.name)] = (int(after.split()[1]), before.partition(" (")[2])
    return table


def family(root):
    """{pid: role} of the runner and all below it."""
    table, roles, todo = parents(), {}, [root]
    while todo:
        pid = todo.pop()
        if pid not in table:
            continue
        role = "subject" if table[pid][1] == "bench-calls" else "supervisor"
        roles[pid] = "runner" if pid == root else role
        todo += [child for child, (parent, _) in table.items() if parent == pid]
    return roles


def cost_of(pid):
    """RSS and PSS in KiB, CPU time in ticks; or None: it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[11:13]
    except OSError:
        return None
    fields = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
    return (fields["Rss"], fields["Pss"], sum(map(int, times))) if "Rss" in fields else None


def look(root):
    """{role: [RSS, PSS, CPU]}: processes of one role added up."""
    seen = {}
    for pid, role in family(root).items():
        cost = cost_of(pid)
        if cost:
            seen[role] = [a + b for a, b in zip(cost, seen.get(role, (0, 0, 0)))]
    return seen


def watch(process):
    looks = []
    started = time.monotonic()
    while process.poll() is None:
        seen = look(process.pid)
        # A look at a program that is just starting or ending shows no steady state.
        if "subject" in seen and "supervisor" in seen:
            looks.append({"seconds": time.monotonic() - started, "roles": seen})
        if time.monotonic() - started > machine.LIMIT_SECONDS:
            process.kill()
            raise machine.Broken(f"an end within {machine.LIMIT_SECONDS} s was expected")
        time.sleep(EVERY_SECONDS)
    return looks


def run_once(build, work, stacks, n_rounds):
    result = work / "memory.json"
    command = [build.ipcjam, "run", "-q", f"--stacks={stacks}", "--out=out", "--timeout=10m",
               f"--json={result}", "--", build.calls, "all", n_rounds]
    with open(work / "memory.log", "w+") as log:
        process = subprocess.Popen([*map(str, command)], cwd=work, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
        looks = watch(process)
        log.seek(0)
        text = log.read()
    if process.returncode != 0 or not looks:
        raise machine.Broken(f"status 0 was expected, not {process.returncode}\n{text}")
    document = json.loads(result.read_text())
    return {"looks": looks, "made": CALLS_A_ROUND * n_rounds,
            "recorded": sum(document["calls"].get(name, 0) for name in COUNTED),
            "lost": document["lost"], "wall_ns": machine.value_of("wall_ns", text) / CALLS_A_ROUND}


def measure(build, work, options):
    """{stacks: what the run showed}"""
    n_events = options.events or (QUICK_EVENTS if options.quick else EVENTS)
    n_rounds = -(-n_events // CALLS_A_ROUND)
    return {stacks: run_once(build, work, stacks, n_rounds) for stacks in ("no", "yes")}


def total(roles):
    return sum(pss for _, pss, _ in roles.values())


def early_and_late(run):
    looks = run["looks"]
    return looks[len(looks) // 10]["roles"], looks[-1]["roles"]


def growth(run):
    early, late = early_and_late(run)
    return total(late) - total(early)


def cpu_ns(run, role):
    """CPU time for each call made, as far as the last look saw it."""
    ticks = run["looks"][-1]["roles"].get(role, (0, 0, 0))[2]
    return ticks * 1e9 / os.sysconf("SC_CLK_TCK") / run["made"]


def tables(found):
    header = ["KiB", "RSS at 10 %", "RSS at the end", "PSS at 10 %", "PSS at the end",
              "CPU, ns a call"]
    for stacks, run in found.items():
        early, late = early_and_late(run)
        rows = [[role, *(f"{roles.get(role, (0, 0))[i]:,}" for i in (0, 1)
                         for roles in (early, late)), f"{cpu_ns(run, role):.0f}"]
                for role in ("subject", "supervisor", "runner")]
        rows.append(["together", "", "", f"{total(early):,}", f"{total(late):,}", ""])
        most = max(total(one["roles"]) for one in run["looks"])
        yield Table(f"Memory of a long run, stacks={stacks}", header, rows, [
            f"{run['made']:,} calls made, {run['recorded']:,} recorded, {run['lost']:,} lost, "
            f"in {run['looks'][-1]['seconds']:.1f} s ({run['wall_ns']:.0f} ns a call); "
            f"{len(run['looks'])} looks, at most {most:,} KiB together"])


def aims(found):
    for stacks, run in found.items():
        grown = growth(run)
        yield [f"memory added after 10 % of the run, stacks={stacks}", f"at most {ALLOWED_KIB} KiB",
               f"{grown:,} KiB", grown <= ALLOWED_KIB]
        is_whole = run["recorded"] == run["made"] and run["lost"] == 0
        yield [f"events lost of {run['made']:,} calls, stacks={stacks}", "0",
               f"{run['made'] - run['recorded']:,}, said lost {run['lost']:,}", is_whole]
