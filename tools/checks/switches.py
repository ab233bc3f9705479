#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: every switch of the core off, each alone and all at once: it compiles, and nothing is called that is not there
"""usage: switches.py PROJECT BUILD_DIR

The switches are the options that sdkconfig.defaults.minimal sets to n. For each of them, and for the whole file, the configuration is made
anew; every portable source that names an option which is different then is compiled, and what the core's public headers declare,
or its own sources call, has to be defined as it is in the default configuration.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import project
import xtensa

FRAGMENT = "sdkconfig.defaults.minimal"
CORE = "components/system/"
COMPILER = os.environ.get("CC", "gcc-12")
FLAGS = ["-std=gnu17", "-O0", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wundef", "-Wvla", "-Wstrict-prototypes",
         "-Wmissing-prototypes", "-D_GNU_SOURCE", "-DESP_PLATFORM=1", '-DIDF_VER="v5.5.5"']
WORD = re.compile(r"\w+")


def switches(root):
    return re.findall(r"^CONFIG_(\w+)=n$", project.read(root, FRAGMENT), re.M)


def configure(root, folder, fragment=None):
    """-> the folder of an sdkconfig.h, and its options"""
    command = [sys.executable, os.path.join(root, "tools/kconfig_gen.py"), "--root", root, "--kconfig", os.path.join(root, "host/Kconfig"),
               "--out", folder, "--device-only", os.path.join(root, "tools/device_only_options.txt"),
               "--defaults", os.path.join(root, "sdkconfig.defaults")]
    if fragment is not None:
        command += ["--defaults", fragment]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode or result.stderr:
        project.fail(f"{fragment or 'sdkconfig.defaults'}: {result.stderr.strip() or result.stdout.strip()}")
    with open(os.path.join(folder, "sdkconfig.h"), encoding="utf-8") as file:
        return folder, dict(re.findall(r"^#define (CONFIG_\w+) (.*)$", file.read(), re.M))


def with_config(includes, config):
    return [f"-I{config}" if w.startswith("-I") and os.path.exists(os.path.join(w[2:], "sdkconfig.h")) else w for w in includes]


def words_read(root, name, includes, config):
    """Every word in the source and in those headers of ours that it includes."""
    command = [COMPILER, *FLAGS, *with_config(includes, config), "-MM", os.path.join(root, name)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = set()
    for path in listing.replace("\\\n", " ").split()[1:]:
        if os.path.basename(path) != "sdkconfig.h":
            with open(path, encoding="utf-8", errors="replace") as file:
                words.update(WORD.findall(file.read()))
    return words | {"CONFIG_SYSTEM_LOG_MAXIMUM_LEVEL"}  # by way of LOG_LOCAL_LEVEL


def compile_one(root, name, includes, config, out):
    command = [COMPILER, *FLAGS, *with_config(includes, config), "-c", "-o", out, os.path.join(root, name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    prefix = os.path.join(root, "")
    return [line.removeprefix(prefix) for line in result.stderr.splitlines() if "error:" in line][:4] if result.returncode else []


def symbols(path):
    """-> defined, wanted"""
    listing = subprocess.run(["nm", "-g", path], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split() for line in listing]
    return {row[2] for row in rows if len(row) == 3}, {row[1] for row in rows if len(row) == 2}


class Builds:
    def __init__(self, root, work, folder, pool):
        self.root, self.work, self.folder, self.pool = root, dict(work), folder, pool
        self.config, self.options = configure(root, os.path.join(folder, "default"))
        names = sorted(self.work)
        found = pool.map(lambda name: words_read(root, name, self.work[name], self.config), names)
        self.words = dict(zip(names, found))
        self.public = set()
        for name in project.files(root, ".h"):
            if name.startswith(CORE + "include/"):
                self.public.update(WORD.findall(project.without_comments(project.read(root, name))))
        self.core = {}
        core = [name for name in names if name.startswith(CORE)]
        self.errors = self.compile(core, self.config, self.core)
        self.defined = set().union(*(defined for defined, _ in self.core.values()))

    def compile(self, names, config, into):
        """Compile these; -> the errors. The core's symbols go into `into`."""
        def one(name):
            out = os.path.join(self.folder, f"{os.path.basename(config)}.{name.replace('/', '_')}.o")
            errors = compile_one(self.root, name, self.work[name], config, out)
            found = symbols(out) if not errors and name.startswith(CORE) else None
            if not errors:
                os.unlink(out)
            return errors, found
        errors = []
        for name, (found_errors, found) in zip(names, self.pool.map(one, names)):
            errors += found_errors
            if found is not None:
                into[name] = found
        return errors

    def check(self, label, fragment, findings):
        """-> how many sources were compiled"""
        path = os.path.join(self.folder, label + ".conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(fragment)
        config, options = configure(self.root, os.path.join(self.folder, label), path)
        different = {name for name in set(options) | set(self.options) if options.get(name) != self.options.get(name)}
        names = [name for name, words in self.words.items() if words & different]
        core = dict(self.core)
        for error in self.compile(names, config, core):
            findings.add(FRAGMENT, 1, f"{label}: {error}")
        defined = set().union(*(row[0] for row in core.values()))
        wanted = set().union(*(row[1] for row in core.values())) | self.public
        for name in sorted((wanted & self.defined) - defined):
            findings.add(FRAGMENT, 1, f"{label}: {name}() is declared or called, and nobody has it")
        return len(names)


def main():
    if len(sys.argv) != 3:
        project.fail("usage: switches.py PROJECT BUILD_DIR")
    root = os.path.abspath(sys.argv[1])
    findings, compiled = project.Findings("switches"), 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        builds = Builds(root, xtensa.jobs(root, os.path.abspath(sys.argv[2])), folder, pool)
        for error in builds.errors:
            findings.add(FRAGMENT, 1, f"default: {error}")
        fragments = {name: f"CONFIG_{name}=n\n" for name in switches(root)}
        for label, fragment in {**fragments, "all": project.read(root, FRAGMENT)}.items():
            compiled += builds.check(label, fragment, findings)
    return findings.report(compiled)


if __name__ == "__main__":
    sys.exit(main())
