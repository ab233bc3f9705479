#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions of our own code on an LX7-generation core: the portable sources, compiled by Debian's Xtensa compiler, run on Debian's
QEMU with instruction counting. The kernel's calls are answered by a small one (kernel.c) and taken off again.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "tools", "checks"))

import windowed  # noqa: E402
import xtensa    # noqa: E402

TOOL = "xtensa-lx106-elf-"
FLAGS = ["-mno-serialize-volatile", "-ffunction-sections", "-fdata-sections", "-fno-builtin-printf", "-g", "-S", "-o", "-"]
EMULATOR = ["qemu-system-xtensa", "-M", "sim", "-cpu", "de233_fpu", "-icount", "10", "-m", "64M", "-nographic", "-monitor", "none",
            "-semihosting"]
# Answered by core.c: the rest of the system is not there.
LEFT_OUT = ("components/system/src/system_service.c",)
# Instructions of FreeRTOS' own calls in ESP-IDF v5.5.5 on the S3: a critical section and esp_timer_get_time() measured under
# emulation, the others read off their sources. Notifying and taking are not in it: they are the switch of tasks.
CHIP = {"critical": 52, "isr": 14, "tls": 4, "time": 43, "state": 90, "within": 14, "exit": 0, "notify": 0, "take": 0, "other": 0}
KINDS = ("critical", "exit", "isr", "tls", "time", "state", "notify", "take", "other", "within")
NUMBERS = 7  # of a line before those


def command(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} {os.path.basename(words[-1])}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


def assemble(text, out):
    source = out.removesuffix(".o") + ".s"
    with open(source, "w", encoding="utf-8") as file:
        file.write(windowed.convert(text))
    command(TOOL + "as", "-o", out, source)
    return out


def compile_one(folder, source, includes):
    out = os.path.join(folder, os.path.basename(source).rsplit(".", 1)[0] + ".o")
    if source.endswith(".S"):
        text = command(TOOL + "gcc", "-E", "-P", source)
    else:
        text = command(TOOL + "gcc", *xtensa.FLAGS, "-include", os.path.join(HERE, "atomics.h"), *includes, *FLAGS, source)
    return assemble(text, out)


def portable_jobs(build_dir):
    """-> [(source, include options)] of the core, with the chip's port"""
    port = os.path.join(ROOT, "components", "system", "port", "")
    return [(os.path.join(ROOT, name), [i.replace(port + "linux", port + "esp32s3") for i in includes])
            for name, includes in xtensa.jobs(ROOT, build_dir)
            if name.startswith("components/system/src/") and name not in LEFT_OUT]


def sizes(build_dir, folder, headers, types):
    """-> {type: its bytes on the chip}"""
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(folder, "sizes.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write("".join(f'#include "{header}"\n' for header in headers) + "extern const unsigned sizes[];\nconst unsigned sizes[] = {"
                   + ", ".join(f"sizeof({name})" for name in types) + "};\n")
    text = command(TOOL + "gcc", *xtensa.FLAGS, "-include", os.path.join(HERE, "atomics.h"), *portable_jobs(build_dir)[0][1],
                   *[flag for flag in FLAGS if flag != "-g"], source)
    return dict(zip(types, (int(n) for n in re.findall(r"\.(?:word|long)\s+(\d+)", text))))


def build(build_dir, folder):
    """-> the program"""
    os.makedirs(folder, exist_ok=True)
    jobs = portable_jobs(build_dir)
    includes = [*jobs[0][1], "-I" + HERE]
    jobs += [(os.path.join(HERE, name), includes) for name in ("start.S", "kernel.c", "libc.c", "core.c", "cases.c")]
    with concurrent.futures.ThreadPoolExecutor(max_workers=int(os.environ.get("KRAKEN_JOBS", os.cpu_count() or 1))) as pool:
        objects = list(pool.map(lambda job: compile_one(folder, *job), jobs))
    program = os.path.join(folder, "lx7.elf")
    command(TOOL + "ld", "--gc-sections", "-T", os.path.join(HERE, "link.ld"), "-Map", program + ".map", "-o", program, *objects)
    windowed.patch(program)
    return program


def run(program, *options):
    done = subprocess.run([*EMULATOR, *options, "-kernel", program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"the emulated core stopped with {done.returncode}: {(done.stdout + done.stderr).strip()[-600:]}")
    return done.stdout


def parse(output):
    """-> {operation: {"ours": instructions, "calls": {kind: how many}, "longest": instructions in a critical section}}, each for one"""
    rows = {}
    for line in output.splitlines():
        words = line.split()
        if len(words) == NUMBERS + len(KINDS):
            rows[words[1]] = [int(word) for word in words[2:]]
    # Counting costs too: once for the stretch, and around each call of the kernel.
    stretch = rows["empty"][1]
    times, total, kernel = rows["nothing"][:3]
    bracket = (total - kernel - stretch) / times
    result = {}
    for name, (times, total, kernel, longest, stretches, *counts) in rows.items():
        if name in ("empty", "nothing"):
            continue
        calls = dict(zip(KINDS, counts))
        brackets = sum(n for kind, n in calls.items() if kind != "within")
        counting = bracket * brackets + stretch * stretches
        result[name] = {"ours": (total - kernel - counting) / times, "counting": counting / times,
                        "calls": {kind: n / times for kind, n in calls.items()}, "longest": longest}
    return result


def compiler():
    return command(TOOL + "gcc", "--version").splitlines()[0]


def count(build_dir):
    """-> what parse() returns, of the sources as they are now"""
    return parse(run(build(build_dir, os.path.join(build_dir, "lx7"))))


def on_the_chip(row):
    """Instructions with FreeRTOS' own calls, but without its switches of tasks."""
    return row["ours"] + sum(CHIP[kind] * n for kind, n in row["calls"].items())


def table(rows):
    shown = ("critical", "isr", "tls", "time", "state", "notify", "take")
    yield f"{'operation':18}{'ours':>8}{'section':>9}" + "".join(f"{kind:>9}" for kind in shown) + f"{'on the chip':>13}"
    for name, row in rows.items():
        switches = row["calls"]["notify"] >= 1 or row["calls"]["take"] >= 1
        chip = f"{on_the_chip(row):.0f}" + (" + switch" if switches else "")
        yield (f"{name:18}{row['ours']:8.0f}{row['longest'] or '':>9}"
               + "".join(f"{row['calls'][kind]:9.2f}" if row["calls"][kind] else f"{'':9}" for kind in shown) + f"{chip:>13}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: lx7.py BUILD_DIR")
    print(f"instructions on an emulated LX7-generation core, payload 32 B; {compiler()}\n")
    print("\n".join(table(count(os.path.abspath(sys.argv[1])))))
    print("\nours: all but the kernel's calls, whose numbers follow; section: the longest stretch with interrupts off; on the chip: with\n"
          "FreeRTOS' calls at " + ", ".join(f"{kind} {n}" for kind, n in CHIP.items() if n))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
