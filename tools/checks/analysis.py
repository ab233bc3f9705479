#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: cppcheck and clang-tidy without findings; a suppression stands in the source with its reason
"""usage: analysis.py PROJECT BUILD_DIR

Works from compile_commands.json. clang-tidy's checks are those of .clang-tidy. What was clean stays clean until the file, one of
the project's headers or the settings change: results are remembered in BUILD_DIR/analysis.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

import project

ANALYSED = ("components/", "apps/", "main/", "host/")
CPPCHECK = ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--inline-suppr", "--std=c11",
            "--error-exitcode=9", "--max-configs=1", "--template={file}:{line}: {id}: {message}",
            "--suppress=missingIncludeSystem", "--suppress=missingInclude", "--suppress=unmatchedSuppression",
            "--suppress=normalCheckLevelMaxBranches", "--suppress=preprocessorErrorDirective"]
# What clang does not know of gcc's.
GCC_ONLY = re.compile(r"^(--param=.*|-fsanitize=.*|-fprofile.*|--coverage)$")


def sources(root, build_dir):
    with open(os.path.join(build_dir, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    result = {}
    for entry in commands:
        path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        name = os.path.relpath(path, root)
        if name.startswith(ANALYSED) and os.path.exists(path):
            words = [w for w in shlex.split(entry["command"])[1:] if not GCC_ONLY.match(w)]
            # "-isystem DIR" is two words: a library's headers, such as SDL's.
            kept = [w for i, w in enumerate(words)
                    if w.startswith(("-I", "-D", "-std=", "-isystem")) or (i > 0 and words[i - 1] == "-isystem")]
            result.setdefault(name, kept)
    return result


def digest(root, build_dir, name, flags):
    """Changes when the file, any header of ours or the settings change: coarse, and never wrong."""
    state = hashlib.sha256(repr((flags, CPPCHECK)).encode())
    for part in [name, ".clang-tidy", "tools/checks/analysis.py", *project.files(root, ".h")]:
        path = os.path.join(root, part)
        if os.path.exists(path):
            state.update(part.encode())
            state.update(str(os.stat(path).st_mtime_ns).encode())
    with open(os.path.join(build_dir, "config", "sdkconfig.h"), "rb") as file:
        state.update(file.read())
    return state.hexdigest()


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def analyse(root, name, flags):
    path = os.path.join(root, name)
    code, text = run([*CPPCHECK, *[f for f in flags if f.startswith(("-I", "-D"))], path])
    findings = [line for line in text.splitlines() if re.match(r".*:\d+: \w+:", line)] if code else []
    if code and not findings:
        findings = [f"{name}:1: cppcheck failed: {text.strip()[:200]}"]
    code, text = run(["clang-tidy-14", "--quiet", f"--config-file={os.path.join(root, '.clang-tidy')}", path, "--", *flags])
    tidy = [line for line in text.splitlines() if re.search(r":\d+:\d+: (warning|error):", line)]
    if code and not tidy:
        tidy = [f"{name}:1: clang-tidy failed: {text.strip()[:200]}"]
    return [line.removeprefix(os.path.join(root, "")) for line in findings + tidy]


def main():
    if len(sys.argv) != 3:
        project.fail("usage: analysis.py PROJECT BUILD_DIR")
    root, build_dir = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    memory = os.path.join(build_dir, "analysis")
    os.makedirs(memory, exist_ok=True)
    table = sources(root, build_dir)
    marks = {n: os.path.join(memory, digest(root, build_dir, n, f)) for n, f in table.items()}
    todo = [n for n in sorted(table) if not os.path.exists(marks[n])]
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for name, lines in zip(todo, pool.map(lambda n: analyse(root, n, table[n]), todo)):
            if not lines:
                with open(marks[name], "w", encoding="utf-8"):
                    pass
            for line in lines:
                # A finding in a header comes with every file that includes it.
                if line not in seen:
                    print(line)
                    seen.add(line)
    print(f"analysis: {len(table)} files, {len(table) - len(todo)} known to be clean, {len(seen)} findings")
    return 1 if seen or not table else 0


if __name__ == "__main__":
    sys.exit(main())
