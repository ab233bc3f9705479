#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Planted bugs: does torture find what is known to be wrong, and say so?

A plant (tests/torture/planted/*.plant) names a file of the core, a text that stands in it once, what stands there instead, and what
torture must say of it:

    story: one line
    file: components/system/src/…
    expect: regular expression
    === replace
    …
    === by
    …
    === end

  planted.py apply PLANT ROOT OUT   write the changed copy of the plant's file
  planted.py check ROOT             every plant applies
  planted.py run BIN [NAME…]        run the programs torture_planted_NAME of the folder BIN; a table; fails unless all are caught
"""

import os
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "planted"
SEEDS = 200


class Plant:
    def __init__(self, path):
        self.name = path.stem
        text = path.read_text()
        fields = dict(re.findall(r"^(story|file|expect): (.+)$", text, re.M))
        parts = re.search(r"^=== replace\n(.*)^=== by\n(.*)^=== end$", text, re.M | re.S)
        if set(fields) != {"story", "file", "expect"} or parts is None:
            sys.exit(f"{path}: needs story:, file:, expect:, === replace, === by, === end")
        self.story, self.file = fields["story"], fields["file"]
        self.expect = re.compile(fields["expect"])
        self.old, self.new = parts.group(1), parts.group(2)
        if not self.old.strip():
            sys.exit(f"{path}: replaces nothing")

    def applied(self, root):
        path = pathlib.Path(root) / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            sys.exit(f"plant {self.name}: its text stands {text.count(self.old)} times in {self.file}, not once: "
                     "the source has moved on, and so must the plant")
        return text.replace(self.old, self.new)


def plants(names=()):
    found = {path.stem: Plant(path) for path in sorted(FOLDER.glob("*.plant"))}
    for name in names:
        if name not in found:
            sys.exit(f"no plant '{name}'; there are: {' '.join(found)}")
    return [found[name] for name in names] if names else list(found.values())


def diagnosis(output):
    """What the failed seed said: the check that failed, the panic if it was one, or the end of its process."""
    checks = re.findall(r"^torture: seed .*?: \w+\.c:\d+: (.*)$", output, re.M)
    panics = re.findall(r"^Guru Meditation Error: (.*)$", output, re.M)
    ends = re.findall(r"^seed \d+: (hung.*|ended by.*)$", output, re.M)
    if checks and "a panic that nobody planned" in checks[-1] and panics:
        return panics[-1]
    return (checks or panics or ends or ["nothing"])[-1]


def run_one(program, plant):
    """@return (seed, diagnosis, right?)"""
    command = [program, "--seeds", str(SEEDS), "--no-shrink"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = result.stdout.decode(errors="replace")
    failed = re.search(r"^seed (\d+) failed:$", output, re.M)
    if result.returncode == 0 or failed is None:
        return None, "not caught", False
    said = diagnosis(output)
    return int(failed.group(1)), said, plant.expect.search(said) is not None


def run(folder, names):
    wanted = plants(names)
    wrong = 0
    print(f"{'planted bug':<28} {'caught at':>9}  diagnosis", flush=True)
    for plant in wanted:
        program = os.path.join(folder, f"torture_planted_{plant.name}")
        seed, said, right = run_one(program, plant)
        wrong += not right
        mark = "" if right else "WRONG: "
        print(f"{plant.name:<28} {f'seed {seed}' if seed else '-':>9}  {mark}{said[:110]}", flush=True)
    print(f"{len(wanted) - wrong} of {len(wanted)} planted bugs caught within {SEEDS} seeds, with the right diagnosis")
    return 1 if wrong else 0


def main(argv):
    if len(argv) == 5 and argv[1] == "apply":
        text = Plant(pathlib.Path(argv[2])).applied(argv[3])
        out = pathlib.Path(argv[4])
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)
        return 0
    if len(argv) == 3 and argv[1] == "check":
        for plant in plants():
            plant.applied(argv[2])
        print(f"{len(plants())} plants apply")
        return 0
    if len(argv) >= 3 and argv[1] == "run":
        return run(argv[2], argv[3:])
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
