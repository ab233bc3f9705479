# SPDX-License-Identifier: Apache-2.0
"""Ten hot operations may not grow unnoticed: our own instructions against bench/accepted_instructions.txt.

Counted are instructions of components/ alone, the same on every machine with the same compiler; what the virtual board's kernel
takes is its own affair. An operation that got cheaper is a finding too: the better figure wants to be accepted.
"""

import os
import sys

TOLERANCE = 0.03
HOT = ("post_idle", "post_burst", "dispatch_burst", "post_burst_8", "dispatch_burst_8", "post_from_isr", "publish", "pool_alloc",
       "pool_free", "quota_charge")
FILE = "bench/accepted_instructions.txt"


def read(path):
    compiler, accepted = None, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("compiler "):
                compiler = line.split(" ", 1)[1].strip()
            elif line.strip() and not line.startswith("#"):
                name, value = line.split()
                accepted[name] = float(value)
    return compiler, accepted


def write(path, compiler, counts):
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Instructions of our own code for each operation; ./kraken bench --accept writes this file,\n"
                   "# ./kraken bench --guard holds the code to it. A change needs its reason in the commit.\n")
        file.write(f"compiler {compiler}\n")
        for name in HOT:
            file.write(f"{name:18} {counts[name]['ours']:.1f}\n")


def compare(accepted, counts):
    """-> (lines, findings)"""
    lines, findings = [], 0
    for name in HOT:
        now = counts[name]["ours"]
        before = accepted.get(name)
        if not before:
            lines.append(f"{name:18} {now:9.1f}  never accepted")
            findings += 1
            continue
        change = now / before - 1
        verdict = "" if abs(change) <= TOLERANCE else "  GREW" if change > 0 else "  shrank: accept it"
        findings += bool(verdict)
        lines.append(f"{name:18} {now:9.1f}  accepted {before:9.1f}  {change:+7.1%}{verdict}")
    return lines, findings


def run(runner, accept):
    path = os.path.join(runner.root, FILE)
    counts, _figures = runner.count("operations")
    runner.done()
    missing = [name for name in HOT if not counts.get(name, {}).get("ours")]
    if missing:
        raise RuntimeError(f"no instructions of ours were counted for {', '.join(missing)}")
    if accept:
        write(path, runner.compiler(), counts)
        print(f"accepted: {FILE}")
        return 0
    compiler, accepted = read(path)
    if compiler != runner.compiler():
        print(f"bench: the accepted counts are of {compiler}, this is {runner.compiler()}: not comparable", file=sys.stderr)
        return 2
    lines, findings = compare(accepted, counts)
    print("\n".join(lines))
    print(f"guard: {len(lines)} operations, {findings} left the accepted figure by more than {TOLERANCE:.0%}")
    return 1 if findings else 0
