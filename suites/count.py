#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts single tests: of meson's testlog.json, or of a file with TAP.

    suites/count.py FILE      prints "PASSED FAILED SKIPPED", and names the failed ones on stderr

A TAP test counts with each of its lines. A test that meson calls failed, while all of its lines
are good (it crashed, ended early, wrote fewer than it had planned), counts as one failed more.
"""
import json
import re
import sys

LINE = re.compile(r"^(not )?ok\b *\d* *-? *([^#\n]*)(?:#\s*(skip|todo)\b)?", re.I | re.M)
PLAN = re.compile(r"^1\.\.(\d+)", re.M)


def count_tap(text):
    """The counts of one TAP text, with the names of what failed."""
    passed, failed, skipped = 0, [], 0
    for bad, name, directive in LINE.findall(text):
        if directive:
            skipped += 1
        elif bad:
            failed.append(name.strip())
        else:
            passed += 1
    return passed, failed, skipped


def count_meson(lines):
    """The counts of all tests of a testlog.json, which has a JSON object a line."""
    total = [0, [], 0]
    for line in lines:
        test = json.loads(line)
        text = test.get("stdout") or ""
        is_good = test["result"] in ("OK", "EXPECTEDFAIL")
        if PLAN.search(text):
            passed, failed, skipped = count_tap(text)
            if test["result"] == "SKIP":
                skipped = max(skipped, 1)
            elif not is_good and not failed:
                failed = [test["result"]]
        else:
            passed, skipped = int(is_good), int(test["result"] == "SKIP")
            failed = [] if is_good or skipped else [test["result"]]
        total[0] += passed
        total[1] += [f"{test['name']}: {name}" for name in failed]
        total[2] += skipped
    return total


def main():
    with open(sys.argv[1], errors="replace") as file:
        if sys.argv[1].endswith(".json"):
            passed, failed, skipped = count_meson(file)
        else:
            text = file.read()
            passed, failed, skipped = count_tap(text)
            plan = PLAN.search(text)
            n_missing = int(plan.group(1)) - passed - len(failed) - skipped if plan else 1
            failed += ["a planned test did not run"] * max(n_missing, 0)
    for name in failed:
        print("failed:", name, file=sys.stderr)
    print(passed, len(failed), skipped)


if __name__ == "__main__":
    main()
