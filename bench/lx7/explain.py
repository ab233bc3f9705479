#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of ./kraken bench --lx7 are: each one that the emulated core executes is traced, and counted for the function
and the line it was compiled from. What belongs to calls of the kernel is left out, as there; so is what counting costs.

usage: explain.py BUILD_DIR [OPERATION]      each operation by function, or one of them by line
"""

import bisect
import collections
import os
import re
import subprocess
import sys
import tempfile

import lx7

CODE = 0x4000  # link.ld; below it are the window exceptions
TIMES, SUBSCRIBERS = 32, 8  # cases.c
WINDOWS = "register windows, stored and loaded again"
COUNTING = ("bench/lx7/kernel.c", "bench/lx7/lx7.h")
SMALL = 3.0    # instructions; what is less is summed up


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


def spans(program, *names):
    """-> where each of these functions is: (first address, behind its last)"""
    found = []
    for line in lx7.command(lx7.TOOL + "nm", "-n", program).splitlines():
        match = re.match(r"([0-9a-f]+) [tT] (\S+)$", line)
        if match and not match.group(2).startswith(("kraken.call.", ".L")):
            found.append((int(match.group(1), 16), match.group(2)))
    starts = [address for address, _ in found]
    by_name = {name: address for address, name in found}
    return [(by_name[name], starts[bisect.bisect(starts, by_name[name])]) for name in names]


def stretches(program):
    """-> for each operation in the order of its printing: a Counter of (address, or None: a window exception; address before it)"""
    begin, look, end, put, memset = spans(program, "lx7_begin", "lx7_look", "lx7_end", "lx7_put", "memset")
    done, pending, current, in_begin, last = [], {}, None, False, 0
    for pc in trace(program):
        if begin[0] <= pc < begin[1]:
            in_begin = True
        elif pc == end[0]:
            current = None
        elif pc == put[0]:
            done += pending.values()
            pending = {}
        elif in_begin and pc >= CODE and not memset[0] <= pc < memset[1]:
            in_begin = False
            current = pending.setdefault(pc, collections.Counter())
        if pc >= CODE:
            last = pc
        if current is not None and not in_begin and not look[0] <= last < look[1]:
            current[(pc if pc >= CODE else None, last)] += 1
    return done


def places(program, addresses):
    """-> {address: (function, file, line)}"""
    text = subprocess.run([lx7.TOOL + "addr2line", "-fe", program], input="\n".join(hex(a) for a in addresses), capture_output=True,
                          text=True, check=True).stdout.splitlines()
    result = {}
    for i, address in enumerate(addresses):
        file, line = text[2 * i + 1].split(" ")[0].replace(lx7.ROOT + "/", "").rsplit(":", 1)
        result[address] = (text[2 * i], file, int(line) if line.isdigit() else 0)
    return result


def ours(program):
    """-> {operation: Counter of (function, file, line)}, each for one"""
    names = [line.split()[1] for line in lx7.run(program).splitlines() if len(line.split()) == 6 + len(lx7.KINDS)]
    counted = stretches(program)
    found = dict(zip([name for name in names if not name.startswith("one_way")], counted))
    where = places(program, sorted({last for counter in counted for _, last in counter}))
    result = {}
    for name, counter in found.items():
        if name in ("empty", "nothing"):
            continue
        sums = collections.Counter()
        for (pc, last), n in counter.items():
            if where[last][1] not in COUNTING:
                sums[where[last] if pc else (WINDOWS, "", 0)] += n / TIMES
        result[name] = sums
    for name in ("post", "dispatch"):  # what each subscriber costs beside the first
        one, all_of_them = result[f"{name}_burst"], result[f"{name}_burst_{SUBSCRIBERS}"]
        result[f"further_{name}"] = collections.Counter({place: (n - one[place]) / (SUBSCRIBERS - 1)
                                                         for place, n in all_of_them.items() if n > one[place]})
    return result


def by_function(name, sums):
    functions = collections.Counter()
    for (function, file, _), n in sums.items():
        functions[(function, file)] += n
    yield f"{name}: {sum(sums.values()):.0f} instructions"
    files = collections.Counter()
    for (_, file), n in functions.items():
        files[os.path.splitext(os.path.basename(file))[0] or "windows"] += n
    yield "  by file: " + ", ".join(f"{file} {n:.0f}" for file, n in files.most_common() if n >= SMALL)
    rest = 0.0
    for (function, file), n in functions.most_common():
        if n >= SMALL:
            yield f"{n:9.1f}  {function}" + (f"  ({file})" if file else "")
        else:
            rest += n
    if rest:
        yield f"{rest:9.1f}  in smaller parts"


def by_line(name, sums):
    yield f"{name}: {sum(sums.values()):.0f} instructions"
    sources = {}
    for (function, file, line), n in sorted(sums.items(), key=lambda item: item[0][1:]):
        if file and file not in sources:
            path = os.path.join(lx7.ROOT, file)
            with open(path if os.path.exists(path) else os.devnull, encoding="utf-8") as opened:
                sources[file] = opened.read().splitlines()
            yield f"\n{file}"
        text = sources[file][line - 1].strip() if file and 0 < line <= len(sources[file]) else function
        yield f"{n:9.1f}  {line or '':>5}  {text}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: explain.py BUILD_DIR [OPERATION]")
    build_dir = os.path.abspath(sys.argv[1])
    rows = ours(lx7.build(build_dir, os.path.join(build_dir, "lx7")))
    if len(sys.argv) == 3:
        if sys.argv[2] not in rows:
            sys.exit(f"bench: no operation {sys.argv[2]}; there are: {' '.join(rows)}")
        print("\n".join(by_line(sys.argv[2], rows[sys.argv[2]])))
    else:
        print("\n\n".join("\n".join(by_function(name, sums)) for name, sums in rows.items()))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
