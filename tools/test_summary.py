#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What CTest's reports say, for a person: counts by flavour and kind, then each failure with its output and command."""

import argparse
import os
import re
import sys
import xml.etree.ElementTree as ET

SHOWN_LINES = 60
# CTest writes what XML cannot hold in words; colours are of no use here.
COLOUR = re.compile(r"(?:\[NON-XML-CHAR-0x1B\]|\x1b)\[[0-9;]*m")
NOT_BUILT = "Unable to find executable"


def read(path):
    """-> [(name, 'run' | 'fail' | 'skip', seconds, output)]; a missing report counts as one failure."""
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError) as error:
        return [("report." + os.path.basename(os.path.dirname(path)), "fail", 0.0, f"no report: {error}")]
    cases = []
    for case in root.iter("testcase"):
        status = case.get("status", "fail")
        output = COLOUR.sub("", case.findtext("system-out") or "")
        failure = case.find("failure")
        if failure is not None:
            output += "\n" + (failure.get("message") or "")
        if status not in ("run", "notrun", "disabled"):
            status = "fail"
        if status == "disabled" or case.find("skipped") is not None and failure is None:
            # CTest calls a program that is missing "skipped" as well; only an explicit skip is one.
            status = "skip" if status == "disabled" else "fail"
        cases.append((case.get("name"), "fail" if status == "notrun" else status, float(case.get("time", 0)), output))
    if not cases:
        cases.append(("report." + path, "fail", 0.0, "the report holds no case"))
    return cases


def print_table(rows):
    print(f"{'flavour':10} {'kind':12} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}")
    for (flavour, kind), (passed, failed, skipped, seconds) in sorted(rows.items()):
        print(f"{flavour:10} {kind:12} {passed:7} {failed:7} {skipped:8} {seconds:8.1f}")


def print_failure(flavour, name, output):
    print(f"\nFAILED {flavour}: {name}")
    lines = output.strip().splitlines()
    if len(lines) > SHOWN_LINES:
        print(f"  […] {len(lines) - SHOWN_LINES} lines before")
    for line in lines[-SHOWN_LINES:]:
        print("  " + line)
    option = {"asan": "--asan", "tsan": "--tsan"}.get(flavour, f"--flavour {flavour}")
    escaped = name.replace(".", "\\.")
    print(f"  again: ./kraken test {option} --filter '^{escaped}$'")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-root", required=True)
    parser.add_argument("reports", nargs="+")
    args = parser.parse_args()
    rows, failures = {}, []
    for path in args.reports:
        flavour = os.path.basename(os.path.dirname(path))
        for name, status, seconds, output in read(path):
            row = rows.setdefault((flavour, name.split(".")[0]), [0, 0, 0, 0.0])
            row[{"run": 0, "fail": 1, "skip": 2}[status]] += 1
            row[3] += seconds
            if status == "fail":
                failures.append((flavour, name, output))
    print_table(rows)
    not_built = [(flavour, name) for flavour, name, output in failures if NOT_BUILT in output]
    for failure in failures:
        if failure[:2] not in not_built:
            print_failure(*failure)
    if not_built:
        print("\nFAILED, could not be built: " + ", ".join(f"{flavour}: {name}" for flavour, name in not_built))
    passed = sum(row[0] for row in rows.values())
    print(f"\n{passed} passed, {len(failures)} failed")
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
