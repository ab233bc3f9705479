#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: the portable sources compile for a 32-bit windowed Xtensa: format strings, widths, alignment
"""usage: xtensa.py PROJECT BUILD_DIR

Takes the portable sources and their include folders from compile_commands.json and compiles each to assembly with Debian's
cross compiler. Types are as on the ESP32-S3 (uint32_t is unsigned long, pointers and long have 32 bits), so a wrong format
string or a 64-bit assumption is an error here. Nothing is linked: the run-time library of that package has another ABI.
"""

import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

import project

COMPILER = "xtensa-lx106-elf-gcc"
FLAGS = ["-mabi=windowed", "-mlongcalls", "-isystem", "/usr/lib/xtensa-lx106-elf/include", "-std=gnu17", "-O2", "-Wall", "-Wextra",
         "-Werror", "-Wshadow", "-Wundef", "-Wvla", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wdouble-promotion",
         "-D_GNU_SOURCE", "-DESP_PLATFORM=1", '-DIDF_VER="v5.5.5"']
# In Espressif's tool chain the 32-bit types are long; Debian's says int, which would hide a "%u" for a uint32_t.
for bits in ("INT32", "INT_LEAST32"):
    FLAGS += [f"-U__{bits}_TYPE__", f"-D__{bits}_TYPE__=long int", f"-U__U{bits}_TYPE__", f"-D__U{bits}_TYPE__=long unsigned int"]
PORTABLE = ("components/", "apps/", "main/")


def jobs(root, build_dir):
    """-> [(source, include flags, and the log level of a component that has its own)] of what runs on the device as well"""
    path = os.path.join(build_dir, "compile_commands.json")
    with open(path, encoding="utf-8") as file:
        commands = json.load(file)
    result = {}
    for entry in commands:
        name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if name.startswith(PORTABLE) and "/port/" not in name and os.path.exists(os.path.join(root, name)):
            words = shlex.split(entry["command"])
            result.setdefault(name, [w for w in words if w.startswith(("-I", "-DLOG_LOCAL_LEVEL="))])
    return sorted(result.items())


def compile_one(root, name, includes):
    command = [COMPILER, *FLAGS, *includes, "-S", "-o", "/dev/null", os.path.join(root, name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return []
    prefix = os.path.join(root, "")
    lines = [line.removeprefix(prefix) for line in result.stderr.splitlines() if "error:" in line]
    return lines or [result.stderr.strip()[:300]]


def main():
    if len(sys.argv) != 3:
        project.fail("usage: xtensa.py PROJECT BUILD_DIR")
    root, build_dir = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    work = jobs(root, build_dir)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for lines in pool.map(lambda job: compile_one(root, *job), work):
            failed += bool(lines)
            for line in lines[:6]:
                print(line)
    print(f"xtensa: {len(work)} files, {failed} do not compile")
    return 1 if failed or not work else 0


if __name__ == "__main__":
    sys.exit(main())
