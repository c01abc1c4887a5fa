#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one of CPython's own tests and prints what came of it, in figures that stay the same.

    cpython.py TEST [--skip=PATTERN | --slow=PATTERN]...

Leaves out those that PATTERN names (as regrtest's -i), slow ones only where REAL_FULL is not set.
Names what failed, and what was skipped only as a number. The exit status is regrtest's.
"""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

BAD = ("failure", "error")


def outcome(case):
    """What a <testcase> says: completed, skipped, failure, error ..."""
    for child in case:
        if child.tag in BAD + ("skipped",):
            return child.tag
    return case.get("result")


def main():
    test, options = sys.argv[1], []
    for argument in sys.argv[2:]:
        kind, pattern = argument.split("=", 1)
        if kind == "--skip" or not os.environ["REAL_FULL"]:
            options += ["-i", pattern]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.xml")
        command = ["/usr/bin/python3", "-m", "test", "-q", "--fail-env-changed",
                   "--tempdir", folder, "--junit-xml", path, *options, test]
        with open(os.path.join(folder, "log"), "w+", encoding="utf-8", errors="replace") as log:
            status = subprocess.run(command, stdout=log, stderr=log, env=environment,
                                    check=False).returncode
            log.seek(0)
            text = log.read()
        cases = []
        if os.path.exists(path):
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    outcomes = [outcome(case) for case in cases]
    for kind in sorted(set(outcomes)):
        print(test, kind, outcomes.count(kind))
    for name in sorted(case.get("name") for case in cases if outcome(case) in BAD):
        print("failed:", name)
    print("status", status)
    if status != 0:
        print(text)
    sys.exit(status)


if __name__ == "__main__":
    main()
