#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of ./kraken bench --lx7 are: each one that the emulated core executes is traced, and counted for the function
and the line it was compiled from. What its clock leaves out is left out here: a trace that disagrees with the clock is an error.

usage: explain.py BUILD_DIR [OPERATION]      each operation by function, or one of them by line
"""

import bisect
import collections
import itertools
import os
import re
import subprocess
import sys
import tempfile

import lx7
import windowed

CODE = 0x4000  # link.ld; below it are the window exceptions
TIMES, SUBSCRIBERS = 32, 8  # cases.c
WINDOWS = "register windows, stored and loaded again"
CALLS = "calls of the kernel, what they take around their own clock beyond an empty one"
COUNTING = ("bench/lx7/kernel.c", "bench/lx7/lx7.h")
# What these do is done for whom they are compiled into.
INLINE = ("components/system/private/relaxed.h", "bench/lx7/atomics.h")
# A look at the cycle counter in kernel.c, told by its line there.
LOOKS = (("s_start = ", "begin"), ("ENTER(", "enter"), ("LEAVE()", "leave"), ("s_mark = ", "look"), ("now = ", "end"))
CYCLES = re.compile(rb"[\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0\xd0\xe0\xf0]\xea\x03")  # of any register
SMALL = 3.0    # instructions; what is less is summed up
TOLERANCE = 0.005


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


def span(program, name):
    """-> where that function is: (first address, behind its last)"""
    found = []
    for line in lx7.command(lx7.TOOL + "nm", "-n", program).splitlines():
        match = re.match(r"([0-9a-f]+) [tT] (\S+)$", line)
        if match and not match.group(2).startswith(("kraken.call.", ".L")):
            found.append((int(match.group(1), 16), match.group(2)))
    starts = [address for address, _ in found]
    first = next(address for address, symbol in found if symbol == name)
    return first, starts[bisect.bisect(starts, first)]


def frames(program, addresses):
    """-> {address: [(function, file, line), …]}, what is compiled into another function before that"""
    text = subprocess.run([lx7.TOOL + "addr2line", "-aife", program], input="\n".join(hex(a) for a in addresses), capture_output=True,
                          text=True, check=True).stdout.splitlines()
    result, current = {}, None
    for i, line in enumerate(text):
        if line.startswith("0x"):
            current = result.setdefault(int(line, 16), [])
            first = i + 1
        elif (i - first) % 2:
            file, number = line.split(" ")[0].replace(lx7.ROOT + "/", "").rsplit(":", 1)
            current.append((text[i - 1], file, int(number) if number.isdigit() else 0))
    return result


def cycle_counter_reads(program):
    """-> where the code's bytes are those of rsr.ccount. objdump would lose its step at the instructions it does not know, and in the
    padding behind jumps; what stands at one of these addresses by chance is never executed"""
    with open(program, "rb") as file:
        data = file.read()
    address, offset, size = windowed.sections(data)[".text"]
    return [address + match.start() - offset for match in CYCLES.finditer(data, offset, offset + size)]


def clock(program):
    """-> {address: what that look at the cycle counter is for}"""
    with open(os.path.join(lx7.ROOT, COUNTING[0]), encoding="utf-8") as file:
        source = file.read().splitlines()
    looks = {}
    for address, found in frames(program, cycle_counter_reads(program)).items():
        text = next((source[line - 1] for _, file, line in found if file == COUNTING[0]), "")
        kind = next((kind for part, kind in LOOKS if part in text), None)
        if kind:
            looks[address] = kind
    if {kind for _, kind in LOOKS} - set(looks.values()):
        raise RuntimeError(f"{COUNTING[0]}: where the clock begins and ends was not found: {sorted(set(looks.values()))}")
    return looks


def stretches(program):
    """-> for each operation in the order of its printing: a Counter of (address, or None: a window exception; address before it)"""
    looks, put, begin, memset = clock(program), span(program, "lx7_put")[0], span(program, "lx7_begin"), span(program, "memset")
    done, pending, current, kernel, last, caller = [], {}, None, False, 0, 0
    for pc, then in itertools.pairwise(trace(program)):
        look = looks.get(pc) if then >= CODE else None  # else its register was in no window: it comes again
        if look == "begin":
            current, kernel = collections.Counter(), False
        elif look == "end":
            pending.setdefault(caller, collections.Counter()).update(current)
            current = None
        elif look:
            if look == "look" and current is not None:
                pending.setdefault((caller, "look"), collections.Counter()).update(current)
            kernel = look != "leave"
        elif pc == put and pending:
            done += [pending[key] for key in sorted(pending, key=lambda key: isinstance(key, tuple))]  # one_way after idle
            pending = {}
        if pc >= CODE:
            last = pc
            if current is None and not begin[0] <= pc < begin[1] and not memset[0] <= pc < memset[1]:
                caller = pc
        if current is not None and not kernel:
            current[(pc if pc >= CODE else None, last)] += 1
    return done


def ours(program):
    """-> {operation: Counter of (function, file, line)}, each for one; their sums are those of the clock"""
    output = lx7.run(program)
    measured = lx7.parse(output)
    names = [line.split()[1] for line in output.splitlines() if len(line.split()) == lx7.NUMBERS + len(lx7.KINDS)]
    counted = dict(zip(names, stretches(program)))
    where = frames(program, sorted({last for counter in counted.values() for _, last in counter}))
    result = {}
    for name, row in measured.items():
        sums = collections.Counter()
        for (pc, last), n in counted[name].items():
            place = next((frame for frame in where[last] if frame[1] not in INLINE), where[last][-1])
            sums[(CALLS, "", 0) if place[1] in COUNTING and pc else place if pc else (WINDOWS, "", 0)] += n / TIMES
        sums[(CALLS, "", 0)] -= row["counting"]
        if abs(sum(sums.values()) - row["ours"]) > max(1.0, TOLERANCE * row["ours"]):
            raise RuntimeError(f"{name}: {sum(sums.values()):.1f} instructions traced, {row['ours']:.1f} by the clock")
        result[name] = sums
    for name in ("post", "dispatch"):  # what each subscriber costs beside the first
        one, all_of_them = result[f"{name}_burst"], result[f"{name}_burst_{SUBSCRIBERS}"]
        result[f"further_{name}"] = collections.Counter({place: (all_of_them[place] - one[place]) / (SUBSCRIBERS - 1)
                                                         for place in {*one, *all_of_them}})
    return result


def by_function(name, sums):
    functions = collections.Counter()
    for (function, file, _), n in sums.items():
        functions[(function, file)] += n
    yield f"{name}: {sum(sums.values()):.0f} instructions"
    files = collections.Counter()
    for (_, file), n in functions.items():
        files[os.path.splitext(os.path.basename(file))[0] or "windows and calls"] += n
    yield "  by file: " + ", ".join(f"{file} {n:.0f}" for file, n in files.most_common() if n >= SMALL)
    rest = 0.0
    for (function, file), n in functions.most_common():
        if abs(n) >= SMALL:
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
