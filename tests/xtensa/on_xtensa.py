# SPDX-License-Identifier: Apache-2.0
"""Packages with a windowed Xtensa program in them, and bare programs for the emulated core that read them."""

import concurrent.futures
import os
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "xtensa")
LX7 = os.path.join(ROOT, "bench", "lx7")
for folder in (LX7, os.path.join(ROOT, "sdk")):
    sys.path.insert(0, folder)

import lx7              # noqa: E402
import windowed         # noqa: E402
import xtensa           # noqa: E402
from kapp import __main__ as kapp  # noqa: E402

LOADER = ("kapp_package", "kapp_content", "kapp_program", "kapp_manifest", "kapp_manifest_read", "kapp_text", "elf_arch",
          "elf_arch_x86_64", "elf_arch_xtensa", "elf_dynamic", "elf_head", "elf_image", "elf_link", "elf_symbols")


class Workshop:
    """What is made of the sources, in a folder of its own."""

    def __init__(self, build, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.includes = dict(xtensa.jobs(ROOT, build))

    def out(self, name):
        return os.path.join(self.folder, name)

    def includes_of_system(self):
        """For sources that use the core as services do, and its own as benches do."""
        port = os.path.join(ROOT, "components", "system", "port", "")
        words = self.includes["components/system/src/event_bus.c"]
        return [i.replace(port + "linux", port + "esp32s3") for i in words] + ["-I" + LX7, "-I" + HERE]

    def windowed_app(self, source, includes=()):
        """-> the shared object, for the emulated core"""
        name = source.removesuffix(".c")
        flags = [word for word in xtensa.FLAGS if not word.startswith(("-W", "-std"))] if includes else ["-mabi=windowed", "-mlongcalls", "-O2"]
        text = lx7.command(lx7.TOOL + "gcc", *flags, *includes, "-fPIC", "-S", "-o", "-", os.path.join(HERE, source))
        lx7.assemble(text, self.out(name + ".o"))
        program = self.out(name + ".so")
        lx7.command(lx7.TOOL + "ld", "-shared", "--hash-style=sysv", "-z", "max-page-size=16", "-z", "norelro", "-e", "app_main",
                    "-o", program, self.out(name + ".o"))
        windowed.patch(program)
        return program

    def native_app(self, source, includes):
        """-> the shared object, for this PC"""
        program = self.out(source.removesuffix(".c") + "_pc.so")
        lx7.command(os.environ.get("CC", "gcc"), "-O2", "-fPIC", "-shared", "-nostdlib", "-fno-stack-protector", *includes,
                    "-Wl,--hash-style=sysv,-z,separate-code,-z,norelro,-e,app_main", "-o", program, os.path.join(HERE, source))
        return program

    def pack(self, *programs):
        """-> a package without compression: what unpacks it on the chip is in its ROM; and package.o, which holds it"""
        package = self.out("both.kapp")
        kapp.package.zlib = types.SimpleNamespace(compress=lambda data, level: data + b"\0", error=ValueError)
        given, sys.argv = sys.argv, ["kapp", "pack", os.path.join(HERE, "both.toml"), *programs, "-o", package]
        if kapp.main():
            raise RuntimeError("the app cannot be packed")
        sys.argv = given
        with open(self.out("package.S"), "w", encoding="utf-8") as file:
            file.write("    .section .rodata.package, \"a\"\n    .align 4\n    .global package_begin, package_end\npackage_begin:\n"
                       f"    .incbin \"{package}\"\npackage_end:\n")
        lx7.command(lx7.TOOL + "as", "-o", self.out("package.o"), self.out("package.S"))
        return package

    def bare_program(self, jobs):
        """[(source, flags)] and the loader and the package -> the program for the emulated core"""
        sources = [f"components/kapp/src/{name}.c" for name in LOADER]
        jobs = [(name, self.includes[name]) for name in sources] + jobs
        words = [*self.includes[sources[0]], "-I" + LX7, "-I" + HERE]
        jobs += [(os.path.join(HERE, "flat.c"), words), (os.path.join(LX7, "libc.c"), words), (os.path.join(LX7, "start.S"), [])]
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            objects = list(pool.map(lambda job: lx7.compile_one(self.folder, os.path.join(ROOT, job[0]), job[1]), jobs))
        program = self.out("bare.elf")
        lx7.command(lx7.TOOL + "ld", "--gc-sections", "-T", os.path.join(LX7, "link.ld"), "-o", program, *objects, self.out("package.o"))
        windowed.patch(program)
        return program

    def includes_of_loader(self):
        return [*self.includes["components/kapp/src/kapp_package.c"], "-I" + LX7, "-I" + HERE]


def compare(said, expected):
    """-> the exit status"""
    if said != expected:
        print(f"the emulated core says\n{said}\nand the PC\n{expected}")
        return 1
    print(f"{len(said.splitlines())} lines, all the same")
    return 0
