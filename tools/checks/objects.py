# SPDX-License-Identifier: Apache-2.0
"""How much flash and memory compiled code takes, from the compiler's assembly for the windowed Xtensa.

Debian's assembler is for a core without register windows, so each instruction is replaced by as many bytes as it takes (2 for
one that ends in .n, else 3); the assembler then lays out code, literals, data and symbols as it would. A call counts 3 bytes: the
linker shortens it back when the target is near, as it is within this firmware.
"""

import os
import re
import subprocess

INSTRUCTION = re.compile(r"[a-z_][a-z0-9_.]*(?=\s|$)")
KINDS = ("flash", "iram", "data", "bss", "psram", "stacks", "pools", "noinit")
SECTIONS = (("psram", (".bss.ext_ram", ".ext_ram.bss")), ("iram", (".iram",)), ("flash", (".text", ".literal", ".rodata", ".srodata")), ("data", (".data", ".dram", ".sdata")),
            ("noinit", (".noinit", ".rtc", "host_noinit", "host_rtc")), ("bss", (".bss", ".sbss", "COMMON")))


def without_instructions(assembly):
    lines = []
    for line in assembly.splitlines():
        stripped = line.split("#")[0].strip() if not line.lstrip().startswith(".") else ""
        if not stripped or stripped.endswith(":"):
            lines.append(line)
            continue
        for statement in stripped.split(";"):
            match = INSTRUCTION.match(statement.strip())
            if match:
                lines.append(f"\t.space {2 if match.group().endswith('.n') else 3}")
            elif statement.strip():
                lines.append(statement)
    return "\n".join(lines) + "\n"


def kind_of(section):
    for kind, prefixes in SECTIONS:
        if section.startswith(prefixes):
            return kind
    return None


def measure(assembly, path, is_pool):
    """-> {kind: bytes}, [(bytes, symbol)] of what is neither code, nor a stack, nor a pool"""
    with open(path + ".s", "w", encoding="utf-8") as file:
        file.write(without_instructions(assembly))
    subprocess.run(["xtensa-lx106-elf-as", "-o", path + ".o", path + ".s"], check=True)

    def tool(name, *options):
        return subprocess.run([f"xtensa-lx106-elf-{name}", *options, path + ".o"], capture_output=True, text=True, check=True).stdout
    sizes = dict.fromkeys(KINDS, 0)
    for line in tool("size", "-A").splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdigit() and kind_of(words[0]):
            sizes[kind_of(words[0])] += int(words[1])
    symbols = []
    for line in tool("nm", "-S", "-t", "d").splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "bBdDC":
            size, kind = int(words[1]), "bss" if words[2] in "bBC" else "data"
            if "stack" in words[3] or "tcb" in words[3]:  # a task is its stack and its control block
                sizes["stacks"] += size
                sizes[kind] -= size
            elif is_pool:
                sizes["pools"] += size
                sizes[kind] -= size
            else:
                symbols.append((size, words[3]))
    for suffix in (".s", ".o"):
        os.unlink(path + suffix)
    return sizes, symbols
