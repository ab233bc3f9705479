#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one component takes of an image, by the linker's map: one line a source, and what kind of bytes they are.

usage: firmware_size.py MAP [COMPONENT]         (./kraken firmware size ends with it, for the system component)

code: instructions and literals in flash   iram: code in internal RAM   texts: strings   const: other constants
data: initial values (flash and internal RAM)   bss: internal RAM, stacks and pools apart   rtc, psram: what is there
Equal strings of several sources are one; the linker counts it for the first of them.
"""

import collections
import os
import re
import sys

KINDS = ("code", "iram", "texts", "const", "data", "bss", "stacks", "pools", "rtc", "psram")
FLASH = ("code", "iram", "texts", "const", "data")
ROW = re.compile(r"^ (\.\S+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$")
NAME = re.compile(r"^ (\.\S+|COMMON)$")
REST = re.compile(r"^\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$")


def rows(text):
    """-> (output section, section, bytes, file) of everything that was linked"""
    start = text.find("Linker script and memory map")
    if start < 0:
        sys.exit("firmware_size: this is no map of GNU ld")
    output, pending = None, None
    for line in text[start:].splitlines():
        if re.match(r"^\.\S+", line):
            output = line.split()[0]
        match = ROW.match(line)
        if match:
            section, address, size, name = match.groups()
        else:
            match = REST.match(line) if pending else None
            if match:
                section, (address, size, name) = pending, match.groups()
        if match and int(address, 16) and int(size, 16):
            yield output, section, int(size, 16), name
        start_of_row = NAME.match(line)
        pending = start_of_row.group(1) if start_of_row else None


def kind_of(output, section, source):
    if output.startswith(".debug") or output in (".comment", ".xtensa.info", ".xt.prop", ".xt.lit"):
        return None
    if output.startswith(".iram"):
        return "iram"
    if output.startswith((".rtc", ".noinit")):
        return "rtc"
    if output.startswith(".ext_ram"):
        return "psram"
    if output.startswith(".flash.text"):
        return "code"
    if output.startswith(".flash"):
        return "texts" if ".str1." in section else "const"
    if output.startswith(".dram") and ("stack" in section or "tcb" in section):
        return "stacks"
    if output.startswith(".dram") and source.startswith("memory_pool"):
        return "pools"
    return "data" if output == ".dram0.data" else "bss" if output.startswith(".dram") else None


def sizes(text, component):
    """-> {source: {kind: bytes}}"""
    archive = f"lib{component}.a("
    result = collections.defaultdict(collections.Counter)
    for output, section, size, name in rows(text):
        if archive in name:
            source = re.sub(r"\.obj$", "", name.split("(", 1)[1].rstrip(")"))
            kind = kind_of(output, section, source)
            if kind:
                result[source][kind] += size
    return result


def flash_of(counter):
    return sum(counter[kind] for kind in FLASH)


def table(found, component):
    lines = [f"{component:28} {'flash':>7} " + " ".join(f"{kind:>6}" for kind in KINDS)]
    total = collections.Counter()
    for source, counter in sorted(found.items(), key=lambda row: (-flash_of(row[1]), row[0])):
        total.update(counter)
        lines.append(f"{source:28} {flash_of(counter):7} " + " ".join(f"{counter[kind]:6}" for kind in KINDS))
    lines.append(f"{'all':28} {flash_of(total):7} " + " ".join(f"{total[kind]:6}" for kind in KINDS))
    lines.append(f"internal RAM beside pools, stacks and control blocks: {total['data'] + total['bss']}")
    return lines


def main():
    if len(sys.argv) not in (2, 3) or not os.path.exists(sys.argv[1]):
        sys.exit(__doc__)
    component = sys.argv[2] if len(sys.argv) == 3 else "system"
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        found = sizes(file.read(), component)
    if not found:
        sys.exit(f"firmware_size: nothing of component '{component}' is in {sys.argv[1]}")
    print("\n".join(table(found, component)))


if __name__ == "__main__":
    main()
