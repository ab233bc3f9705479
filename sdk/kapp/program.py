# SPDX-License-Identifier: Apache-2.0
"""Taking a shared object apart: its head, and the file bytes of each segment."""

import struct

from . import package
from .errors import KappError

PT_LOAD, PT_DYNAMIC = 1, 2
X, W, R = 1, 2, 4
SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS = 2, 4, 8
MACHINES = {62: ("x86_64-linux", True), 94: ("xtensa-esp32s3", False)}
DT_INIT_ARRAY, DT_FINI_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAYSZ = 25, 26, 27, 28
# Entries that a loader without lazy binding has no use for: PLTGOT, RELACOUNT, and Xtensa's table of GOT locations.
SPARE_TAGS = (3, 0x6FFFFFF9, 0x70000000, 0x70000001)
SEGMENTS_MAX = 8


class Elf:
    """The parts of a file that matter here."""

    def __init__(self, data):
        self.data = bytearray(data)
        if data[:4] != b"\177ELF" or len(data) < 64 or data[5] != 1:
            raise KappError("this is no little-endian ELF file")
        kind, machine = struct.unpack_from("<HH", data, 16)
        if machine not in MACHINES:
            raise KappError(f"ELF machine {machine}: programs are for " + ", ".join(t for t, _ in MACHINES.values()))
        self.target, self.is64 = MACHINES[machine]
        if data[4] != 1 + self.is64 or kind != 3:
            raise KappError("not a shared object (link with -shared)")
        self.header = struct.Struct("<16sHHIQQQIHHHHHH" if self.is64 else "<16sHHIIIIIHHHHHH")
        self.fields = list(self.header.unpack_from(data))
        self.read_headers()

    def read_headers(self):
        phoff, shoff, phnum, shnum, strndx = (self.fields[i] for i in (5, 6, 10, 12, 13))
        phdr = struct.Struct("<IIQQQQQQ" if self.is64 else "<IIIIIIII")
        shdr = struct.Struct("<IIQQQQIIQQ" if self.is64 else "<IIIIIIIIII")
        self.loads, self.dynamic, self.sections = [], None, []
        try:
            for n in range(phnum):
                p = phdr.unpack_from(self.data, phoff + n * phdr.size)
                kind, flags, at, address, _, size, memory, align = p if self.is64 else (p[0], p[6], *p[1:6], p[7])
                if kind == PT_LOAD and memory:
                    self.loads.append((flags, at, address, size, memory, align))
                elif kind == PT_DYNAMIC:
                    self.dynamic = (flags, at, address, size, memory, align)
            raw = [shdr.unpack_from(self.data, shoff + n * shdr.size) for n in range(shnum)]
        except struct.error:
            raise KappError("the ELF file ends within its headers") from None
        names = raw[strndx][4] if strndx < len(raw) else 0
        for name, kind, flags, address, at, size, *_ in raw:
            if flags & SHF_ALLOC and size:
                text = bytes(self.data[names + name:self.data.index(b"\0", names + name)]).decode()
                self.sections.append((address, size, flags, kind, at, text))
        self.sections.sort()
        if self.dynamic is None:
            raise KappError("the shared object has no dynamic table")


def split_code(elf):
    """Segments in which code stands alone: constants cannot be read through the instruction bus of the ESP32-S3."""
    result = []
    for flags, at, address, size, memory, align in elf.loads:
        inside = [s for s in elf.sections if address <= s[0] < address + memory]
        if not flags & X or elf.is64 or all(s[2] & SHF_EXECINSTR for s in inside):
            result.append((flags, at, address, size, memory, align))
            continue
        if not inside:
            raise KappError("code and constants cannot be told apart: do not strip the section headers")
        runs = []
        for s in inside:
            kind = R | X if s[2] & SHF_EXECINSTR else R
            if runs and runs[-1][0] == kind:
                runs[-1][2] = s[0] + s[1]
            else:
                runs.append([kind, s[0], s[0] + s[1]])
        runs[0][1] = address  # where the alignment of the whole counts from
        for kind, begin, end in runs:
            result.append((kind, at + begin - address, begin, end - begin, end - begin, 4))
    return result


def reverse_words(elf, section):
    begin, size = section[4], section[1]
    words = [bytes(elf.data[begin + i:begin + i + 4]) for i in range(0, size, 4)]
    elf.data[begin:begin + size] = b"".join(reversed(words))


def adopt_constructors(elf):
    """Xtensa's compiler still lists constructors in .ctors, last one first: make arrays of them that a loader finds."""
    wanted = []
    for name, tag, size_tag in ((".ctors", DT_INIT_ARRAY, DT_INIT_ARRAYSZ), (".dtors", DT_FINI_ARRAY, DT_FINI_ARRAYSZ)):
        for section in elf.sections:
            if section[5] == name:
                reverse_words(elf, section)
                wanted += [(tag, section[0]), (size_tag, section[1])]
    _, at, _, size, _, _ = elf.dynamic
    entries = [struct.unpack_from("<II", elf.data, at + i) for i in range(0, size, 8)]
    end = next((i for i, entry in enumerate(entries) if entry[0] == 0), len(entries))
    spare = [i for i, entry in enumerate(entries[:end]) if entry[0] in SPARE_TAGS]
    if len(wanted) > len(spare):
        raise KappError("no room in the dynamic table for the constructors")
    for i, entry in zip(spare, wanted):
        struct.pack_into("<II", elf.data, at + 8 * i, *entry)


def head_of(elf, segments):
    """ELF header and program headers of these segments, and of nothing else."""
    fields = list(elf.fields)
    fields[5], fields[6] = elf.header.size, 0  # program headers follow; no section headers
    fields[8], fields[10] = elf.header.size, len(segments) + 1
    fields[11:14] = [0, 0, 0]
    head = elf.header.pack(*fields)
    for kind, (flags, _, address, size, memory, align) in [*((PT_LOAD, s) for s in segments), (PT_DYNAMIC, elf.dynamic)]:
        if elf.is64:
            head += struct.pack("<IIQQQQQQ", kind, flags, 0, address, address, size, memory, align)
        else:
            head += struct.pack("<IIIIIIII", kind, 0, address, address, size, memory, flags, align)
    return head


def sections_of(data):
    """A shared object -> (name of its target, the sections of a package)"""
    elf = Elf(data)
    if not elf.is64:
        adopt_constructors(elf)
    segments = split_code(elf)
    if len(segments) > SEGMENTS_MAX:
        raise KappError(f"{len(segments)} segments: a program has at most {SEGMENTS_MAX}")
    target = package.TARGETS[elf.target]
    result = [package.Section(package.HEAD, head_of(elf, segments), target)]
    for _, at, _, size, _, _ in segments:
        result.append(package.compressed(package.SEGMENT, bytes(elf.data[at:at + size]), target))
    return elf.target, result
