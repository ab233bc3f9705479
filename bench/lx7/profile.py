#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: profile.py PROGRAM [LINE-OF-CASES.C [lines]]: where the instructions of each measured stretch are, by function or by line

Every instruction that the emulated core executes is traced; a stretch begins behind lx7_begin() and is named by the line there.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

import lx7


def trace(program):
    """-> the addresses executed, in order"""
    with tempfile.TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "trace")
        os.mkfifo(pipe)
        with subprocess.Popen([*lx7.EMULATOR, "-singlestep", "-d", "exec,nochain", "-D", pipe, "-kernel", program],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as emulator:
            with open(pipe, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("Trace"):
                        yield int(line.split("/", 2)[1], 16)
            emulator.wait()


def functions(program):
    """-> [(address, name)], rising"""
    found = []
    for line in lx7.command(lx7.TOOL + "nm", "-n", program).splitlines():
        match = re.match(r"([0-9a-f]+) [tT] (\S+)$", line)
        if match and not match.group(2).startswith(("kraken.call.", ".L")):
            found.append((int(match.group(1), 16), match.group(2)))
    return found


def stretches(program):
    """-> {first address: Counter of addresses}"""
    names = functions(program)
    spans = {name: (start, names[i + 1][0] if i + 1 < len(names) else start + 4096) for i, (start, name) in enumerate(names)}
    begin, look = spans["lx7_begin"], spans["lx7_look"]
    end = spans["lx7_end"]
    result = collections.defaultdict(collections.Counter)
    current, in_begin = None, False
    for pc in trace(program):
        if begin[0] <= pc < begin[1]:
            in_begin = True
        elif pc in (look[0], end[0]):
            current = None if pc == end[0] else current
        elif in_begin and pc >= 0x4000 and not names_of_memset(spans, pc):
            in_begin = False
            current = result[pc]
        if current is not None and not in_begin:
            current[pc] += 1
    return result


def names_of_memset(spans, pc):
    return spans["memset"][0] <= pc < spans["memset"][1]


def places(program, addresses):
    text = subprocess.run([lx7.TOOL + "addr2line", "-fe", program], input="\n".join(hex(a) for a in addresses), capture_output=True,
                          text=True, check=True).stdout.splitlines()
    return {a: (text[2 * i], text[2 * i + 1].replace(lx7.ROOT + "/", "")) for i, a in enumerate(addresses)}


def main():
    program = sys.argv[1]
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else None
    found = stretches(program)
    starts = places(program, sorted(found))
    for start in sorted(found, key=lambda a: starts[a][1]):
        line = int(starts[start][1].rsplit(":", 1)[1].split()[0])
        counter = found[start]
        if wanted is None:
            print(f"{starts[start][1]}: {sum(counter.values())} instructions")
            continue
        if line != wanted:
            continue
        where = places(program, sorted(counter))
        sums = collections.Counter()
        for pc, n in counter.items():
            sums[where[pc][1] if len(sys.argv) > 3 else f"{where[pc][0]} ({where[pc][1].split(':')[0]})"] += n
        for place, n in sums.most_common(70) if len(sys.argv) <= 3 else sorted(sums.items()):
            print(f"{n / 32:8.1f}  {place}")


if __name__ == "__main__":
    main()
