# SPDX-License-Identifier: Apache-2.0
"""usage: guard.py PROJECT BUILD_DIR [--accept]

Ten hot operations may not grow unnoticed: our own instructions on an emulated LX7-generation core against
bench/accepted_instructions.txt. No kernel, C library or clock of this machine takes part, so they are the same everywhere with the
same compiler. An operation that got cheaper is a finding too: the better figure wants to be accepted.
"""

import os
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lx7"))

import lx7       # noqa: E402
import renew     # noqa: E402
import sections  # noqa: E402

TOLERANCE = 0.03
HOT = ("pool_alloc", "pool_free", "recorder", "post_burst", "dispatch_burst", "post_burst_8", "dispatch_burst_8", "idle",
       "one_way_critical", "post_from_isr")
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


def renew_document(root, build_dir):
    """what docs/PERFORMANCE.md says of these instructions"""
    runner = types.SimpleNamespace(root=root, build_dir=build_dir, progress=lambda text: None)
    done = {}
    for name in ("lx7", "explained", "targets"):
        done[name] = getattr(sections, name)(runner, done)
    renew.document(root, {"sections": done})


def run(root, build_dir, accept):
    path = os.path.join(root, FILE)
    counts = lx7.count(build_dir)
    missing = [name for name in HOT if counts.get(name, {}).get("ours", 0) <= 0]
    if missing:
        raise RuntimeError(f"no instructions of ours were counted for {', '.join(missing)}")
    if accept:
        write(path, lx7.compiler(), counts)
        print(f"accepted: {FILE}")
        renew_document(root, build_dir)
        return 0
    compiler, accepted = read(path)
    if compiler != lx7.compiler():
        print(f"guard: the accepted counts are of {compiler}, this is {lx7.compiler()}: not comparable", file=sys.stderr)
        return 2
    lines, findings = compare(accepted, counts)
    print("\n".join(lines))
    print(f"guard: {len(lines)} operations, {findings} left the accepted figure by more than {TOLERANCE:.0%}"
          + (": ./kraken bench --accept, and its reason in the commit" if findings else ""))
    return 1 if findings else 0


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--accept"]):
        sys.exit(__doc__.split("\n", 1)[0])
    return run(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), len(sys.argv) == 4)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        print(f"guard: {error}", file=sys.stderr)
        sys.exit(1)
