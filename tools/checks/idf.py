#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: every device source against ESP-IDF's real headers, as its own build would compile it
"""usage: idf.py PROJECT OUT --idf PATH [--newlib DIR] [--board NAME]

What ESP-IDF's build would find before it links: components that cannot be resolved, options that do not exist, headers without
their REQUIRES, calls that do not fit their declarations. Nothing is faked: requirements, include folders, options and warnings
come from the files of the ESP-IDF at PATH (v5.5.x); the compiler is its own, or else Debian's with ESP-IDF's ABI.
--newlib: C library headers to use with Debian's compiler instead of Debian's newlib (libc/include of espressif/newlib-esp32).
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

import idf_config
import idf_link
import idf_tree
import objects
import project
import size

OWN_COMPILER, DEBIAN_COMPILER = "xtensa-esp32s3-elf-gcc", "xtensa-lx106-elf-gcc"
DEBIAN_NEWLIB = "/usr/include/newlib"
# Given by ESP-IDF's top CMakeLists.txt and components/soc for this configuration.
CONFIGURED = ["-std=gnu17", "-Wno-old-style-declaration", "-fstrict-volatile-bitfields", "-fno-jump-tables",
              "-fno-tree-switch-conversion", "-mlongcalls", "-fno-builtin-memcpy", "-fno-builtin-memset", "-fno-builtin-bzero"]


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root")
    parser.add_argument("out")
    parser.add_argument("--idf", required=True)
    parser.add_argument("--newlib")
    parser.add_argument("--board")
    parser.add_argument("--project", default="", help="a folder with another main/ and sdkconfig.defaults; default: the firmware's")
    return parser.parse_args()


def require_idf(path):
    """An ESP-IDF v5.5.x, or the reason why it is none."""
    for name in ("Kconfig", "tools/cmake/build.cmake", "tools/cmake/version.cmake",
                 "tools/cmake/scripts/component_get_requirements.cmake", "components/freertos/CMakeLists.txt"):
        if not os.path.exists(os.path.join(path, name)):
            project.fail(f"idf: {path} is no ESP-IDF: {name} is missing.\n"
                         "  git clone -b v5.5.5 --depth 1 https://github.com/espressif/esp-idf.git gives what this check reads.")
    version = idf_config.idf_version(path)
    if not version.startswith("5.5."):
        project.fail(f"idf: {path} is ESP-IDF v{version}; the project is written for v5.5")
    return version


def adapted_newlib(newlib, out):
    """Debian's newlib declares one variable const which Espressif's, and so ESP-IDF, does not, and has no setjmp() for this ABI: two
    headers that mend it."""
    with open(os.path.join(newlib, "sys", "reent.h"), encoding="utf-8") as file:
        text = file.read()
    folder = os.path.join(out, "newlib")
    os.makedirs(os.path.join(folder, "sys"), exist_ok=True)
    with open(os.path.join(folder, "sys", "reent.h"), "w", encoding="utf-8") as file:
        file.write(text.replace("*const _global_impure_ptr", "*_global_impure_ptr"))
    machine = os.path.join("machine", "setjmp.h")
    if os.path.exists(os.path.join(newlib, machine)) and "__xtensa__" not in project.read(newlib, machine).lower():
        os.makedirs(os.path.join(folder, "machine"), exist_ok=True)
        with open(os.path.join(folder, machine), "w", encoding="utf-8") as file:
            file.write("#define _JBLEN 17\n#define _JBTYPE int\n#include_next <machine/setjmp.h>\n")
    return folder


def debian_flags(newlib, out):
    """What makes Debian's compiler see the S3 as Espressif's does: ABI, C library, and 32-bit types that are long."""
    def found(name):
        return subprocess.run([DEBIAN_COMPILER, f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
    # How Espressif configures newlib; it decides the size of a task's control block.
    flags = ["-mabi=windowed", "-nostdinc", "-D_WANT_REENT_SMALL", "-D_RETARGETABLE_LOCKING"]
    for bits in ("INT32", "INT_LEAST32"):
        flags += [f"-U__{bits}_TYPE__", f"-D__{bits}_TYPE__=long int", f"-U__U{bits}_TYPE__", f"-D__U{bits}_TYPE__=long unsigned int"]
    late = []
    for folder in (found("include"), adapted_newlib(newlib, out), newlib, found("include-fixed")):
        late += ["-isystem", folder]
    return flags, late


def compiler(args):
    """-> (program, flags before the include folders, flags after them, what it is)"""
    if shutil.which(OWN_COMPILER):
        # With PSRAM in use; Debian's compiler makes calls of atomics anyway.
        return OWN_COMPILER, ["-mdisable-hardware-atomics"], [], "ESP-IDF's compiler"
    if not shutil.which(DEBIAN_COMPILER):
        project.fail(f"idf: neither {OWN_COMPILER} (ESP-IDF's export.sh puts it on PATH) nor {DEBIAN_COMPILER} "
                     "(Debian: gcc-xtensa-lx106) is there")
    newlib = args.newlib or DEBIAN_NEWLIB
    if not os.path.exists(os.path.join(newlib, "newlib.h")):
        project.fail(f"idf: no newlib headers in {newlib} (Debian: libnewlib-dev; or --newlib DIR)")
    early, late = debian_flags(newlib, args.out)
    return DEBIAN_COMPILER, early, late, f"Debian's compiler with {newlib}"


def defaults_of(root, board, other):
    names = ["sdkconfig.defaults"] + ([f"boards/{board}/sdkconfig.defaults"] if board else [])
    names += [f"{other}/sdkconfig.defaults"] if other else []
    return [n for name in names for n in (name, name + ".esp32s3") if os.path.exists(os.path.join(root, n))]


def firmware_alone(root):
    """Folders of the components that no other project here has."""
    return [path for folder in ("main", "apps") for path in idf_tree.component_dirs(os.path.join(root, folder))]


def examine_tree(tree, findings):
    """What ESP-IDF would refuse before it compiles. -> names of our components that can be built"""
    for path, other in tree.hidden:
        findings.add(os.path.relpath(path, tree.root), 1, f"the name hides a component: {other}")
    ours = [c.name for c in tree.components.values() if c.ours]
    for name in ours:
        if not tree.components[name].registered:
            findings.add(os.path.relpath(tree.components[name].dir, tree.root), 1, "does not call idf_component_register()")
    if "main" not in ours:
        findings.add("main/CMakeLists.txt", 1, "missing: a minimal build is what main requires")
    return [name for name in ours if tree.components[name].registered]


def report_unmet(tree, wrong, findings):
    for who, what in wrong:
        folder = tree.components[who].dir
        findings.add(os.path.relpath(folder, tree.root) + "/CMakeLists.txt" if tree.components[who].ours else folder, 1,
                     f"requires '{what}', which is no component")


def examine_lists(tree, names, findings):
    """Sources and include folders that are named but not there, and arguments ESP-IDF does not know."""
    for name in names:
        component = tree.components[name]
        cmake = os.path.relpath(component.dir, tree.root) + "/CMakeLists.txt"
        for key, exists in (("SRCS", os.path.isfile), ("INCLUDE_DIRS", os.path.isdir), ("PRIV_INCLUDE_DIRS", os.path.isdir)):
            for path in component.paths(key):
                if not exists(path):
                    findings.add(cmake, 1, f"{key}: there is no {os.path.relpath(path, component.dir)}")
        for word in component.lists.get("UNPARSED_ARGUMENTS", []):
            findings.add(cmake, 1, f"idf_component_register() knows no '{word}'")


def say_what_lacks(tree, names):
    """A checkout without submodules still serves whoever does not need them."""
    for name in tree.left_out:
        print(f"idf: left out: {name} (its submodule is missing)")
    for name in names:
        if not tree.components[name].ours and not all(map(os.path.isdir, tree.components[name].paths("INCLUDE_DIRS"))):
            print(f"idf: {name} is incomplete: git -C {tree.idf} submodule update --init --recursive")


def incomplete(tree, name):
    """Components that this one sees and whose submodules are not there."""
    built, unmet = tree.closure([name])
    seen = {other for other in built if not tree.components[other].ours}
    lacking = {other for other in seen if not all(map(os.path.isdir, tree.components[other].paths("INCLUDE_DIRS")))}
    return sorted(lacking | {what for _, what in unmet if what in tree.left_out})


def compile_one(tree, owner, command, source, findings):
    """-> name, assembly, sizes or None"""
    result = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    root, name = tree.root, os.path.relpath(source, tree.root)
    missing = re.search(r"fatal error: (\S+): No such file", result.stderr)
    if missing and incomplete(tree, owner):
        print(f"idf: not checked: {name}, it includes {missing.group(1)} of {' or '.join(incomplete(tree, owner))}, whose submodule is missing")
        return name, None, None
    lacking = re.search(r'#error "<(\S+)> not supported"', result.stderr)
    if lacking and command[0] == DEBIAN_COMPILER:  # ESP-IDF's own C library has it
        print(f"idf: not checked: {name}, it includes {lacking.group(1)}, which Debian's C library for the core has not")
        return name, None, None
    if result.returncode or "warning:" in result.stderr:
        problems = [line for line in result.stderr.splitlines() if "error:" in line or "warning:" in line]
        for line in (problems or [result.stderr.strip()[:300]])[:6]:
            findings.add(name, 0, line.removeprefix(os.path.join(root, "")))
        return name, None, None
    # What ESP-IDF's own compiler makes is measured by ./kraken firmware size.
    if command[0] != DEBIAN_COMPILER:
        return name, result.stdout, None
    with tempfile.TemporaryDirectory() as folder:
        return name, result.stdout, objects.measure(result.stdout, os.path.join(folder, "object"), name.startswith(size.POOLS))[0]


def compile_all(tree, names, config, args, findings):
    program, early, late, what = compiler(args)
    base = [program, "-S", "-o", "-", *early, *tree.default_options(), "-g0", *CONFIGURED, size.optimisation(tree.root),
            "-DESP_PLATFORM", f'-DIDF_VER="v{idf_config.idf_version(tree.idf)}"']
    work = []
    for name in names:
        includes = [f"-I{path}" for path in [config, *tree.visible(name)]]
        work += [(name, [*base, *includes, *late], source) for source in tree.components[name].paths("SRCS") if os.path.isfile(source)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(lambda job: compile_one(tree, *job, findings), work))
    print(f"idf: compiled with {what}")
    totals = {}
    for name, _, sizes in done:
        if sizes:
            size.add(totals.setdefault(size.component_of(name), {}), sizes)
    if totals:
        size.print_table(sorted(totals.items()))
        for over, line in size.over_budget(totals):
            print(line)
            if over and " ram " in line:
                findings.add(size.ACCEPTED, 1, line)
    if "main" in names:
        image, _ = tree.closure(["main"])
        linked = {name: text for (owner, _, _), (name, text, _) in zip(work, done) if owner in image}
        examine_links(tree, config, linked, (base, late), findings)
    return [name for name, _, _ in done]


def examine_links(tree, config, compiled, command, findings):
    """What is declared must also be defined by something in the image, which is what main requires."""
    image, _ = tree.closure(["main"])
    program, (base, late) = command[0][0], command
    build = idf_link.Build(tree, image, base, late, config)
    uncompiled = [project.read(tree.root, name) for name, text in compiled.items() if not text]
    idf_link.examine(tree, {name: text for name, text in compiled.items() if text}, uncompiled, idf_link.toolchain_symbols(program), build, findings)


def device_sources(root):
    """Every source the device should have: all of ours but the PC's, apps that are packages only, and other boards' backends."""
    def elsewhere(name):
        component = os.path.join(root, *name.split("/")[:2]) if name.startswith(("components/", "apps/")) else os.path.join(root, "main")
        cmake = os.path.join(component, "CMakeLists.txt")
        if not os.path.exists(cmake):
            return name.startswith("apps/")
        return "/port/esp32s3/" in name and f'"{os.path.relpath(os.path.join(root, name), component)}"' in project.read(component, "CMakeLists.txt")
    return {name for name in project.files(root, ".c")
            if name.startswith(("main/", "components/", "apps/")) and "/port/linux/" not in name and not elsewhere(name)}


def main():
    args = parse_args()
    root, idf, out = os.path.abspath(args.root), os.path.abspath(args.idf), os.path.abspath(args.out)
    version = require_idf(idf)
    os.makedirs(out, exist_ok=True)
    findings = project.Findings("idf")
    try:
        folders = (os.path.join(args.project, "main"), *([] if args.project else ["apps"]), "components")
        tree = idf_tree.Tree(root, idf, out, folders, idf_tree.board_backends(root, args.board))
        tree.read_requirements()
        ours = examine_tree(tree, findings)
        names, unmet = tree.closure(ours)
        wrong = [(who, what) for who, what in unmet if what not in tree.left_out]
        report_unmet(tree, wrong, findings)
        if wrong:
            return findings.report(len(ours))
        shared = (defaults_of(root, args.board, ""), firmware_alone(root)) if args.project else ()
        config, _ = idf_config.write(tree, names, defaults_of(root, args.board, args.project), out, findings, shared)
        tree.read_registrations(names, os.path.join(config, "sdkconfig.cmake"))
        examine_lists(tree, ours, findings)
        say_what_lacks(tree, names)
        if args.project: # only what it is made of; the rest is the firmware's
            ours = [name for name in tree.closure(["main"])[0] if tree.components[name].ours]
        done = compile_all(tree, ours, config, args, findings)
    except idf_tree.TreeError as error:
        project.fail(f"idf: {error}")
    for name in sorted(device_sources(root) - set(done)) if not args.project else ():
        findings.add(name, 1, "in no component's SRCS: the firmware does not contain it")
    built, _ = tree.closure(["main"]) if "main" in ours else ([], [])
    spare = sorted(set(ours) - set(built))
    print(f"idf: v{version}, {len(names)} components in the build" + (f"; main does not require: {' '.join(spare)}" if spare else ""))
    return findings.report(len(done))


if __name__ == "__main__":
    sys.exit(main())
