# SPDX-License-Identifier: Apache-2.0
"""Added cost a call: each way to take hold of a call, in turn, for many short rounds."""
import machine
from tables import Table, number, quartiles, spread

# The calls of a kind: as rules name them, as strace does (glibc's semop enters as semtimedop).
KINDS = {
    "semop": {"title": "semop P + V", "rule": "semop", "strace": "semop,semtimedop"},
    "pipe": {"title": "pipe write + read, 64 bytes", "rule": "read,write", "strace": "read,write"},
    "msg": {"title": "msgsnd + msgrcv, 64 bytes", "rule": "msgsnd,msgrcv",
            "strace": "msgsnd,msgrcv"},
    "psem": {"title": "sem_wait + sem_post, no system call", "rule": "sem_wait,sem_post",
             "strace": None},
    "mutex": {"title": "pthread_mutex_lock + unlock, no system call",
              "rule": "pthread_mutex_lock,pthread_mutex_unlock", "strace": None},
    "socket": {"title": "send + recv on a socket pair, 64 bytes", "rule": "send,recv",
               "strace": "sendto,recvfrom"},
    "mq": {"title": "mq_send + mq_receive, 64 bytes", "rule": "mq_send,mq_receive",
           "strace": "mq_timedsend,mq_timedreceive"},
    "raw-semop": {"title": "semop P + V as bare system calls", "rule": "semop",
                  "strace": "semtimedop", "is_raw": True},
    "raw-pipe": {"title": "pipe write + read as bare system calls, 64 bytes", "rule": "read,write",
                 "strace": "read,write", "is_raw": True},
}


def run_ipcjam(*options):
    return lambda build, kind: [build.ipcjam, "run", "-q", "--out=out",
                                *(option.format(**KINDS[kind]) for option in options), "--"]


def run_others(*words):
    return lambda _build, kind: [word.format(**KINDS[kind]) for word in words]


# The ways, in the order of the tables. The supervisor needs some 100,000 events until its memory has
# grown and its cost is steady; "cold" is what comes before. Strace's counter has 16 bits, and must
# not reach the number at which its fault is due.
N_PAIRS, N_WARM_UP = 50000, 100000
WAYS = {
    "bare": {"before": run_others()},
    "recording": {"before": run_ipcjam("--stacks=no")},
    "recording, cold": {"before": run_ipcjam("--stacks=no"), "n_pairs": 20000, "n_warm_up": 1000},
    "recording, with stacks": {"before": run_ipcjam("--stacks=yes")},
    "recording, --reach=all": {"before": run_ipcjam("--stacks=no", "--reach=all")},
    "rule that never fires": {
        "before": run_ipcjam("--stacks=no", "-f",
                             "{rule}:error=EINTR:when=1000000000:optional")},
    "libfiu": {"before": run_others("fiu-run", "-x"), "rival": "libfiu", "needs": "fiu-run",
               "package": "fiu-utils", "kinds": ["pipe", "socket"]},
    "libfiu, no remote control": {
        "before": run_others("fiu-run", "-x", "-f", ""), "rival": "libfiu", "needs": "fiu-run",
        "package": "fiu-utils", "kinds": ["pipe", "socket"]},
    "strace": {
        "before": run_others("strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null",
                             "-e", "trace={strace}",
                             "-e", "inject={strace}:error=EINTR:when=65535"),
        "rival": "strace", "needs": "strace", "package": "strace", "n_pairs": 300,
        "n_warm_up": 30},
}
ROUNDS, QUICK_ROUNDS = 30, 2


# No wrapper sees a bare system call: --reach=all does, at the price of stops by the kernel.
TRACED = {
    "bare": WAYS["bare"],
    "recording, --reach=all": {"before": run_ipcjam("--stacks=no", "--reach=all"),
                               "n_pairs": 2000, "n_warm_up": 200},
    "strace": WAYS["strace"],
}


def ways_of(kind):
    return TRACED if KINDS[kind].get("is_raw") else WAYS


def covers(way, kind):
    """strace sees system calls only."""
    return kind in way.get("kinds", KINDS) and (way.get("rival") != "strace"
                                                or KINDS[kind]["strace"] is not None)


def is_there(way):
    return "needs" not in way or machine.is_installed(way["needs"])


def missing_lines():
    lines = {f"{way['rival']}: not installed: apt-get install {way['package']}"
             for way in WAYS.values() if not is_there(way)}
    return sorted(lines)


def sample(build, work, pinning, kind, way):
    command = [*way["before"](build, kind), build.calls, kind, way.get("n_pairs", N_PAIRS),
               way.get("n_warm_up", N_WARM_UP)]
    _, out = machine.run_to_end(command, pinning, work)
    return {"wall": machine.value_of("wall_ns", out), "cpu": machine.value_of("cpu_ns", out)}


def measure(build, work, options):
    """{kind: {pinning: {way: [sample, one a round]}}}"""
    n_rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    found = {kind: {pinning: {} for pinning in machine.PINNINGS} for kind in KINDS}
    for i in range(n_rounds):
        for pinning in machine.PINNINGS:
            for kind in KINDS:
                ways = ways_of(kind)
                names = [name for name, way in ways.items() if covers(way, kind) and is_there(way)]
                # Another one goes first in each round, so that none always follows strace.
                start = i % len(names)
                for name in names[start:] + names[:start]:
                    found[kind][pinning].setdefault(name, []).append(
                        sample(build, work, pinning, kind, ways[name]))
    return found


def added(ways, name, clock="wall"):
    """What a call costs more than in the bare run of the same round."""
    return [(here[clock] - bare[clock]) / 2 for here, bare in zip(ways[name], ways["bare"])]


def median_added(ways, name):
    return quartiles(added(ways, name))[0]


def times(ways, name):
    """How many times the cost of plain recording."""
    if name in ("bare", "recording") or "recording" not in ways:
        return ""
    ours = median_added(ways, "recording")
    return f"{median_added(ways, name) / ours:.1f}" if ours > 0 else "-"


def row(name, ways):
    pair = spread([one["wall"] for one in ways[name]])
    if name == "bare":
        return [name, pair, "", "", ""]
    return [name, pair, spread(added(ways, name)), number(quartiles(added(ways, name, "cpu"))[0]),
            times(ways, name)]


def tables(found):
    for line in missing_lines():
        print(line)
    header = ["", "ns a pair", "added ns a call", "in the program", "times recording"]
    for kind, pinnings in found.items():
        for pinning, ways in pinnings.items():
            rows = [row(name, ways) for name in ways_of(kind) if name in ways]
            notes = {f"{way['rival']} does not cover these calls"
                     for way in ways_of(kind).values() if not covers(way, kind)}
            yield Table(f"{KINDS[kind]['title']}, {pinning}", header, rows, sorted(notes))


def ratio_aim(ways, rival, least, where):
    ours, theirs = median_added(ways, "recording"), median_added(ways, rival)
    ratio = theirs / ours if ours > 0 else float("inf")
    return [f"{rival} against recording: {where}", f"at least {least} times", f"{ratio:.1f} times",
            ratio >= least]


def cost_aim(ways, name, most, where):
    cost, inside = median_added(ways, name), quartiles(added(ways, name, "cpu"))[0]
    return [f"{name}: {where}", f"at most {most} ns a call",
            f"{number(cost)} ns ({number(inside)} in the program)", cost <= most]


def reach_aim(ways, most, where):
    """What the system call filter adds to a call that the shim serves."""
    more = [there["wall"] / 2 - here["wall"] / 2
            for there, here in zip(ways["recording, --reach=all"], ways["recording"])]
    cost = quartiles(more)[0]
    return [f"--reach=all against recording: {where}", f"at most {most} ns more a call",
            f"{number(cost)} ns", cost <= most]


def aims(found):
    for kind, pinnings in found.items():
        for pinning, ways in pinnings.items():
            where = f"{kind}, {pinning}"
            if "recording" not in ways:
                continue
            yield cost_aim(ways, "recording", 40, where)
            yield reach_aim(ways, 70, where)
            yield cost_aim(ways, "recording, with stacks", 300, where)
            for rival, least in (("libfiu", 4), ("strace", 300)):
                if rival in ways:
                    yield ratio_aim(ways, rival, least, where)
