#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: flash and memory of each component on the device, against the last accepted table and the budget
"""usage: size.py PROJECT BUILD_DIR [--fix] [--budget] [--modules]

Compiles the portable sources as the firmware does (its optimisation, sections and windowed ABI; headers of the virtual board) and
adds up flash (code, literals, constants, initial values) and internal RAM (data and bss beside stacks and pools; what is taken
from the heap at start is not in it). A component that left its accepted size by more than 3 % is a finding; --fix accepts.
A component that takes more RAM than its budget is one, too. The row "…:minimal" is the system component with sdkconfig.defaults.minimal.
--budget: the status says whether the system component keeps all of its budget. --modules: one line a source, and the largest variables.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import objects
import project
import switches
import xtensa

ACCEPTED = "tools/size_accepted.txt"
TOLERANCE = 0.03
SLACK = 64  # bytes; below that 3 % of a small component is noise
BUDGET = {"components/system": (48 * 1024, 16 * 1024), "components/system:minimal": (48 * 1024, 16 * 1024)}
MINIMAL = ":minimal"
POOLS = ("components/system/src/memory_pool",)
SECTIONED = ["-ffunction-sections", "-fdata-sections", "-fno-jump-tables", "-fno-tree-switch-conversion"]
OPTIMISATIONS = {"SIZE": "-Os", "PERF": "-O2", "NONE": "-O0", "DEBUG": "-Og"}


def optimisation(root):
    """What the firmware is compiled with; ESP-IDF's default is DEBUG."""
    result = "DEBUG"
    for name in ("sdkconfig.defaults", "sdkconfig.defaults.esp32s3"):
        if os.path.exists(os.path.join(root, name)):
            found = re.findall(r"^CONFIG_COMPILER_OPTIMIZATION_(SIZE|PERF|NONE|DEBUG)=y$", project.read(root, name), re.M)
            result = found[-1] if found else result
    return OPTIMISATIONS[result]


def hot_sources(root):
    """What the components have compiled for speed (hot_srcs of their CMakeLists.txt)."""
    result = set()
    for name in project.files(root, "CMakeLists.txt"):
        for listing in re.findall(r"set\(hot_srcs ([^)]*)\)", project.read(root, name)):
            result.update(os.path.join(os.path.dirname(name), source.strip('"')) for source in listing.split())
    return result


def measure_one(root, level, folder, name, includes):
    flags = [flag for flag in xtensa.FLAGS if flag != "-O2"]
    command = [xtensa.COMPILER, *flags, level, *SECTIONED, *includes, "-S", "-o", "-", os.path.join(root, name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        return None
    return objects.measure(result.stdout, os.path.join(folder, name.replace("/", "_")), name.startswith(POOLS))


def component_of(name):
    if name.endswith(MINIMAL):
        return component_of(name.removesuffix(MINIMAL)) + MINIMAL
    return "/".join(name.split("/")[:2]) if name.startswith(("components/", "apps/")) else name.split("/", maxsplit=1)[0]


def measure_minimal(root, level, folder, work, hot, pool):
    """The system component with sdkconfig.defaults.minimal. -> {source: (sizes, symbols), or None: does not compile}"""
    config, options = switches.configure(root, os.path.join(folder, "minimal"), os.path.join(root, switches.FRAGMENT))
    fast = "CONFIG_SYSTEM_FAST_PATH" in options
    jobs = [(name, switches.with_config(includes, config)) for name, includes in work if name.startswith(switches.CORE)]
    results = pool.map(lambda job: measure_one(root, "-O2" if fast and job[0] in hot else level, config, *job), jobs)
    return {name + MINIMAL: result for (name, _), result in zip(jobs, results)}


def flash_and_ram(sizes):
    return sizes["flash"] + sizes["iram"] + sizes["data"], sizes["data"] + sizes["bss"]


def add(total, sizes):
    for kind in objects.KINDS:
        total[kind] = total.get(kind, 0) + sizes[kind]


def read_accepted(root):
    path = os.path.join(root, ACCEPTED)
    if not os.path.exists(path):
        return {}
    lines = (line.split() for line in project.read(root, ACCEPTED).splitlines() if line and not line.startswith("#"))
    return {words[0]: (int(words[1]), int(words[2])) for words in lines}


def write_accepted(root, level, totals):
    with open(os.path.join(root, ACCEPTED), "w", encoding="utf-8") as file:
        file.write("# What each component takes on the device in bytes, as last accepted (./kraken check --size --fix).\n"
                   f"# Debian's gcc-xtensa-lx106, windowed ABI, {level}; RAM is data and bss beside stacks and pools.\n"
                   f"# {'component':38} {'flash':>8} {'ram':>8}\n")
        for name, sizes in sorted(totals.items()):
            flash, ram = flash_and_ram(sizes)
            file.write(f"{name:40} {flash:8} {ram:8}\n")


def compare(totals, accepted, findings):
    for name in sorted(set(totals) | set(accepted)):
        if name not in accepted:
            findings.add(ACCEPTED, 1, f"{name} is not in the table; --fix accepts it")
        elif name not in totals:
            findings.add(ACCEPTED, 1, f"{name} is in the table and no longer in the tree; --fix drops it")
        else:
            for what, now, was in zip(("flash", "ram"), flash_and_ram(totals[name]), accepted[name]):
                if abs(now - was) > max(SLACK, was * TOLERANCE):
                    findings.add(ACCEPTED, 1, f"{name}: {what} {was} -> {now} ({100 * (now - was) / max(was, 1):+.1f} %); --fix accepts it")


def over_budget(totals):
    lines = []
    for name, limits in BUDGET.items():
        if name not in totals and name.endswith(MINIMAL):
            continue
        for what, now, limit in zip(("flash", "ram"), flash_and_ram(totals.get(name, dict.fromkeys(objects.KINDS, 0))), limits):
            lines.append((now > limit, f"budget: {name} {what} {now} of {limit} bytes{', OVER' if now > limit else ''}"))
    return lines


def print_table(rows):
    print(f"{'':48} {'flash':>7} {'ram':>7} {'stacks':>7} {'pools':>7}")
    for name, sizes in rows:
        print(f"{name:48} {flash_and_ram(sizes)[0]:7} {flash_and_ram(sizes)[1]:7} {sizes['stacks']:7} {sizes['pools']:7}")


def print_modules(results, totals):
    for component in sorted(totals):
        rows = [(name, sizes) for name, (sizes, _) in results.items() if component_of(name) == component]
        print_table(sorted(rows, key=lambda row: -flash_and_ram(row[1])[0]))
        symbols = [(size, symbol, name) for name, (_, found) in results.items() if component_of(name) == component
                   for size, symbol in found]
        for size, symbol, name in sorted(symbols, reverse=True)[:20]:
            print(f"    {size:7}  {symbol}  ({os.path.basename(name)})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root")
    parser.add_argument("build_dir")
    for option in ("--fix", "--budget", "--modules"):
        parser.add_argument(option, action="store_true")
    args = parser.parse_args()
    root, level = os.path.abspath(args.root), optimisation(args.root)
    work = xtensa.jobs(root, os.path.abspath(args.build_dir))
    findings, results, totals = project.Findings("size"), {}, {}
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        hot = hot_sources(root)
        measured = pool.map(lambda job: measure_one(root, "-O2" if job[0] in hot else level, folder, *job), work)
        found = dict(zip((name for name, _ in work), measured))
        if os.path.exists(os.path.join(root, switches.FRAGMENT)):
            found.update(measure_minimal(root, level, folder, work, hot, pool))
        for name, result in found.items():
            if result is None:
                findings.add(name, 1, "does not compile (./kraken check --xtensa says why)")
            else:
                results[name] = result
                add(totals.setdefault(component_of(name), {}), result[0])
    if args.modules:
        print_modules(results, totals)
    print_table(sorted(totals.items()))
    budget = over_budget(totals)
    for _, line in budget:
        print(line)
    if args.budget:
        return 1 if any(over for over, _ in budget) or findings.report(len(work)) else 0
    if args.fix and not findings.list:
        write_accepted(root, level, totals)
    else:
        compare(totals, read_accepted(root), findings)
    for over, line in budget:
        if over and " ram " in line:
            findings.add(ACCEPTED, 1, line)
    return findings.report(len(work))


if __name__ == "__main__":
    sys.exit(main())
