#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: each public header compiles alone, as C and as C++, and its functions link from C++
"""usage: headers.py PROJECT BUILD_DIR

Public are components/*/include, host/include, host/control and sdk/include. A component's header is compiled with what its
consumers see: its own folders and its public REQUIRES, nothing else. For C++ a consumer takes the address of every declared
function; a mangled name among the undefined symbols means that extern "C" is missing.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import project

C = ["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wundef", "-Wstrict-prototypes"]
CPP = ["-std=gnu++20", "-Wall", "-Wextra", "-Werror", "-Wundef"]
DEFINES = ["-D_GNU_SOURCE", "-DESP_PLATFORM=1"]
PROTOTYPE = re.compile(r"\b([a-z_]\w*)\s*\((?:[^(){};]|\([^(){};]*\))*\)\s*(?:__attribute__\s*\(\([^;{]*\)\)\s*)*;", re.I)
NOT_FUNCTIONS = {"_Static_assert", "static_assert", "sizeof", "__attribute__", "defined", "_Alignas", "while", "if"}


def consumers(build_dir):
    """component folder -> include folders of whoever requires it"""
    table = {}
    folder = os.path.join(build_dir, "components")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            fields = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        table[fields["dir"]] = [d for d in fields["includes"].split(";") if d]
    return table


def includes_of(root, build_dir, name, table):
    host = os.path.join(root, "host")
    for folder, dirs in table.items():
        if os.path.join(root, name).startswith(folder + "/"):
            return dirs
    dirs = [os.path.join(host, "include", d) for d in sorted(os.listdir(os.path.join(host, "include")))]
    return dirs + [os.path.join(host, "control"), os.path.join(root, "sdk", "include"), os.path.join(build_dir, "config")]


def declared(text):
    """Names of the functions a header declares at file level; inline ones and macros are not among them."""
    code = project.without_directives(project.without_comments(text))
    code = re.sub(r'extern\s*"[ C]*"\s*\{', " ", code)
    code = re.sub(r"\{[^{}]*\}", " ", re.sub(r"\{[^{}]*\}", " ", code))
    names = []
    for match in PROTOTYPE.finditer(code):
        before = re.split(r"[;{}]", code[:match.start()])[-1]
        if "typedef" in before or "(*" in before or match.group(1) in NOT_FUNCTIONS or not before.strip():
            continue
        names.append(match.group(1))
    return sorted(set(names))


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    first = [line for line in result.stderr.splitlines() if "error" in line or "warning" in line]
    return result.returncode, first[0] if first else result.stderr.strip()[:200], result.stdout


def consumer_source(path, functions):
    lines = [f'#include "{path}"']
    for function in functions:
        lines.append(f"extern const void *const use_{function};")
        lines.append(f"const void *const use_{function} = reinterpret_cast<const void *>(&{function});")
    return "\n".join(lines) + "\n"


def check_one(root, name, includes):
    """-> list of findings about one header"""
    path = os.path.join(root, name)
    flags = DEFINES + ["-I" + d for d in includes if os.path.isdir(d)]
    findings = []
    before = []
    if "/freertos/" in name:
        # FreeRTOS' own condition: freertos/FreeRTOS.h comes first.
        before = ["-include", "freertos/FreeRTOS.h"]
    code, error, _ = run(["gcc-12", *C, *flags, "-fsyntax-only", "-x", "c", *before, "-include", path, "/dev/null"])
    if code:
        findings.append(f"not alone as C: {error}")
    with tempfile.TemporaryDirectory() as folder:
        source, out = os.path.join(folder, "use.cpp"), os.path.join(folder, "use.o")
        with open(source, "w", encoding="utf-8") as file:
            file.write(consumer_source(path, declared(project.read(root, name))))
        code, error, _ = run(["g++-12", *CPP, "-Wno-deprecated-declarations", *flags, *before, "-c", source, "-o", out])
        if code:
            findings.append(f"not usable from C++: {error}")
        else:
            _, _, symbols = run(["nm", "-u", out])
            mangled = [s for s in symbols.split() if s.startswith("_Z")]
            if mangled:
                findings.append(f'functions without extern "C": {", ".join(mangled[:5])}')
    return findings


def is_public(name):
    return (name.startswith(("host/include/", "host/control/", "sdk/include/"))
            or re.match(r"components/[^/]+/include/", name) is not None)


def main():
    if len(sys.argv) != 3:
        project.fail("usage: headers.py PROJECT BUILD_DIR")
    root, build_dir = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    table = consumers(build_dir)
    found = project.Findings("headers")
    names = [n for n in project.files(root, ".h") if is_public(n)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda n: check_one(root, n, includes_of(root, build_dir, n, table)), names)
        for name, findings in zip(names, results):
            for text in findings:
                found.add(name, 1, text)
    return found.report(len(names))


if __name__ == "__main__":
    sys.exit(main())
