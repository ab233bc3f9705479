#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one case of kraken_bench under valgrind's callgrind and adds its instructions up by origin.

The debug information names files relative to the project, so "components/system/…" is ours, "host/…" the virtual board; inlined
code counts for the file it was written in. What has no line information (the C library) is the rest.
"""

import glob
import os
import re
import subprocess
import tempfile

OURS = "components/"
BOARD = "host/"
# Before the project's own folder the name may have the build folder's.
PLACE = re.compile(r"(?:^|/)(components/.*|bench/.*|host/(?:src|include|control)/.*)$")


def place(name):
    match = PLACE.search(name)
    return match.group(1) if match else name



def parse(text):
    """one dump -> (name, times, {file: instructions}, {(file, function): instructions})"""
    names = {}
    files, functions = {}, {}
    trigger = re.search(r"^desc: Trigger: Client Request: (\S+) (\d+)$", text, re.M)
    if not trigger:
        return None
    current = function = ""
    skip = False

    def named(kind, value):
        """file and function names come as "(number) name" once, then as "(number)"."""
        match = re.match(r"\((\d+)\)(?: (.*))?$", value)
        if not match:
            return value
        if match.group(2) is not None:
            names[kind, match.group(1)] = match.group(2)
        return names[kind, match.group(1)]

    for line in text.splitlines():
        if line.startswith(("fl=", "fi=", "fe=")):
            current = place(named("file", line[3:]))
        elif line.startswith("fn="):
            function = named("fn", line[3:])
        elif line.startswith("cfn="):
            named("fn", line[4:])
        elif line.startswith(("cfi=", "cfl=")):
            named("file", line[4:])
        elif line.startswith("calls="):
            skip = True  # the next line is what the callee cost: counted there
        elif line[:1] in "0123456789+-*" and line:
            if not skip:
                cost = int(line.split()[1])
                files[current] = files.get(current, 0) + cost
                functions[current, function] = functions.get((current, function), 0) + cost
            skip = False
    return trigger.group(1), int(trigger.group(2)), files, functions


def run(program, *arguments):
    """-> {name: {"times": n, "ours": per operation, "board": …, "rest": …, "files": …, "functions": …}}"""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}", program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-800:]}")
        figures = dict(line[2:].split(" ", 1) for line in done.stdout.splitlines() if line.startswith("= "))
        result = {}
        for path in sorted(glob.glob(out + ".*"), key=lambda p: int(p.rsplit(".", 1)[1])):
            with open(path, encoding="utf-8") as file:
                dump = parse(file.read())
            if dump is None:
                continue
            name, times, files, functions = dump
            # The second round replaces the first, which warmed up.
            result[name] = {"times": times, "files": files, "functions": functions, **split(files, times)}
        return result, figures


def split(files, times):
    ours = sum(n for f, n in files.items() if f.startswith(OURS))
    board = sum(n for f, n in files.items() if f.startswith(BOARD))
    bench = sum(n for f, n in files.items() if f.startswith("bench/"))
    total = sum(files.values()) - bench
    return {"ours": ours / times, "board": board / times, "rest": (total - ours - board) / times, "total": total / times}
