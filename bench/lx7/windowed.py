# SPDX-License-Identifier: Apache-2.0
"""Debian's assembler for Xtensa knows the ESP8266's core only: no windowed registers, no compare-and-swap.

gcc writes the windowed code well enough; convert() turns the instructions that the assembler does not know into their bytes.
A call keeps its relocation: it is assembled as call0, whose encoding differs in two bits, and patch() sets them once it is linked.
"""

import re
import struct

THREADPTR = 231  # a user register
SPECIAL = {"scompare1": 12, "windowbase": 72, "windowstart": 73, "vecbase": 231, "atomctl": 99}
# ar, as, at
ARITHMETIC = {"quou": 0xC20000, "quos": 0xD20000, "remu": 0xE20000, "rems": 0xF20000, "minu": 0x620000, "maxu": 0x720000}
PLAIN = {"retw": 0x90, "rfwo": 0x3400, "rfwu": 0x3500}
# Local labels of that name tell patch() where the calls are; a linker that drops a function drops its labels too.
CALL = "kraken.call."
LINE = re.compile(r"\s+([a-z][a-z0-9._]*)\s*([^#]*?)\s*$")


def word(value):
    return f"\t.byte\t{value & 255}, {value >> 8 & 255}, {value >> 16 & 255}"


def reg(name):
    return 1 if name == "sp" else int(name.removeprefix("a"))


def encode(op, args):
    """-> the line to write instead, or None: the assembler knows this one"""
    if op in PLAIN:
        return word(PLAIN[op])
    if op == "retw.n":
        return "\t.byte\t0x1d, 0xf0"
    if op == "entry":
        return word(0x36 | reg(args[0]) << 8 | int(args[1], 0) // 8 << 12)
    if op in ("callx4", "callx8", "callx12"):
        return word(0xC0 | reg(args[0]) << 8 | int(op[5:]) // 4 << 4)
    if op == "s32c1i":
        return word(0xE002 | reg(args[0]) << 4 | reg(args[1]) << 8 | int(args[2], 0) // 4 << 16)
    if op in ("wsr", "rsr") and args[1].lower() in SPECIAL:
        return word((0x130000 if op == "wsr" else 0x030000) | SPECIAL[args[1].lower()] << 8 | reg(args[0]) << 4)
    if op in ("rur", "wur") and args[1].lower() == "threadptr":
        return word(0xE30000 | reg(args[0]) << 12 | THREADPTR << 4 if op == "rur" else 0xF30000 | THREADPTR << 8 | reg(args[0]) << 4)
    if op == "movi" and args[1].endswith("@TPOFF"):
        return f"\tmovi\t{args[0]}, 0"  # the only variable of a task's own: kernel.c points at it
    if op in ("l32e", "s32e"):
        return word((0x090000 if op == "l32e" else 0x490000) | (int(args[2], 0) + 64) // 4 << 12 | reg(args[1]) << 8 | reg(args[0]) << 4)
    if op == "rotw":
        return word(0x408000 | (int(args[0], 0) & 15) << 4)
    if op == "movsp":
        return word(0x1000 | reg(args[1]) << 8 | reg(args[0]) << 4)
    if op in ARITHMETIC:
        return word(ARITHMETIC[op] | reg(args[0]) << 12 | reg(args[1]) << 8 | reg(args[2]) << 4)
    return None


def convert(text):
    """assembly as gcc -mabi=windowed writes it -> assembly that Debian's assembler takes"""
    out, calls = [], 0
    for line in text.splitlines():
        match = LINE.match(line)
        op, args = (match.group(1), [a.strip() for a in match.group(2).split(",")]) if match else ("", [])
        if op in ("call4", "call12"):
            raise ValueError(f"{op}: only call8 is translated")
        if op == "call8":
            calls += 1
            out += [f"{CALL}{calls}:", f"\tcall0\t{args[0]}"]
            continue
        out.append(encode(op, args) or line)
    return "\n".join(out) + "\n"


def sections(data):
    """an ELF file for a 32-bit machine -> {name: (address, offset, size)}"""
    table, count, names = (struct.unpack_from("<I", data, 32)[0], *struct.unpack_from("<HH", data, 48))
    headers = [struct.unpack_from("<10I", data, table + 40 * i) for i in range(count)]
    text = headers[names][4]
    return {data[text + h[0]:data.index(0, text + h[0])].decode(): (h[3], h[4], h[5]) for h in headers}


def symbols(data, found):
    """-> [(name, address)]"""
    _address, at, size = found[".symtab"]
    names = found[".strtab"][1]
    for name, address in ((n, v) for n, v, *_rest in struct.iter_unpack("<3I4x", bytes(data[at:at + size]))):
        yield data[names + name:data.index(0, names + name)].decode(), address


def patch(path):
    """Make call8 of each call0 in a linked program."""
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        found = sections(data)
        code = [s for name, s in found.items() if name in (".text", ".reset")]
        for _name, address in (s for s in symbols(data, found) if s[0].startswith(CALL)):
            offset = next(o + address - a for a, o, n in code if a <= address < a + n)
            if data[offset] & 0x3F != 5:
                raise ValueError(f"no call at {address:#x}")
            data[offset] |= 0x20
        file.seek(0)
        file.write(data)
