#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_loader.py PROJECT BUILD_DIR OUT

The package reader and the loader on an emulated LX7-generation core: they load an app that was built as a windowed shared object by
Debian's Xtensa compiler, and what it says is what the same source says on the PC.
"""

import os
import subprocess
import sys
import types

ROOT, BUILD, OUT = (os.path.abspath(path) for path in sys.argv[1:4])
HERE = os.path.join(ROOT, "tests", "xtensa")
LX7 = os.path.join(ROOT, "bench", "lx7")
for folder in (LX7, os.path.join(ROOT, "sdk")):
    sys.path.insert(0, folder)

import lx7              # noqa: E402
import windowed         # noqa: E402
import xtensa           # noqa: E402
from kapp import __main__ as kapp  # noqa: E402

SOURCES = ("kapp_package", "kapp_content", "kapp_program", "kapp_manifest", "kapp_manifest_read", "kapp_text", "elf_arch",
           "elf_arch_x86_64", "elf_arch_xtensa", "elf_dynamic", "elf_head", "elf_image", "elf_link", "elf_symbols")


def out(name):
    return os.path.join(OUT, name)


def build_app():
    """-> the shared object"""
    text = lx7.command(lx7.TOOL + "gcc", "-mabi=windowed", "-mlongcalls", "-fPIC", "-O2", "-S", "-o", "-", os.path.join(HERE, "app.c"))
    lx7.assemble(text, out("app.o"))
    program = out("app.so")
    lx7.command(lx7.TOOL + "ld", "-shared", "--hash-style=sysv", "-z", "max-page-size=16", "-z", "norelro", "-e", "app_main",
                "-o", program, out("app.o"))
    windowed.patch(program)
    return program


def pack(program):
    """A package without compression: what unpacks it on the chip is in its ROM."""
    kapp.package.zlib = types.SimpleNamespace(compress=lambda data, level: data + b"\0", error=ValueError)
    sys.argv = ["kapp", "pack", os.path.join(HERE, "both.toml"), program, "-o", out("both.kapp")]
    if kapp.main():
        raise RuntimeError("the app cannot be packed")
    with open(out("package.S"), "w", encoding="utf-8") as file:
        file.write("    .section .rodata.package, \"a\"\n    .align 4\n    .global package_begin, package_end\npackage_begin:\n"
                   f"    .incbin \"{out('both.kapp')}\"\npackage_end:\n")


def build_loader():
    includes = {name: words for name, words in xtensa.jobs(ROOT, BUILD)}
    jobs = [(f"components/kapp/src/{name}.c", includes[f"components/kapp/src/{name}.c"]) for name in SOURCES]
    words = [*jobs[0][1], "-I" + LX7]
    jobs += [(os.path.join(HERE, "loader.c"), words), (os.path.join(LX7, "libc.c"), words), (os.path.join(LX7, "start.S"), [])]
    objects = [lx7.compile_one(OUT, os.path.join(ROOT, name), flags) for name, flags in jobs]
    lx7.command(lx7.TOOL + "as", "-o", out("package.o"), out("package.S"))
    program = out("loader.elf")
    lx7.command(lx7.TOOL + "ld", "--gc-sections", "-T", os.path.join(LX7, "link.ld"), "-o", program, *objects, out("package.o"))
    windowed.patch(program)
    return program


def native():
    lx7.command(os.environ.get("CC", "gcc"), "-O2", "-o", out("native"), os.path.join(HERE, "native.c"), os.path.join(HERE, "app.c"))
    return subprocess.run([out("native")], capture_output=True, text=True, check=True).stdout


def main():
    os.makedirs(OUT, exist_ok=True)
    pack(build_app())
    said, expected = lx7.run(build_loader()), native()
    if said != expected:
        print(f"the emulated core says\n{said}\nand the PC\n{expected}")
        return 1
    print(f"{len(said.splitlines())} lines, all the same")
    return 0


sys.exit(main())
