#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make_seeds.py PROJECT OUT PACKAGE PROGRAM.so…: what the fuzzers start from, of real packages and programs"""

import os
import struct
import sys

ROOT, OUT, PACKAGE = sys.argv[1:4]
sys.path.insert(0, os.path.join(ROOT, "sdk"))

from kapp import package, program  # noqa: E402 (found only now)


def save(target, name, data):
    folder = os.path.join(OUT, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def elf_seed(sections):
    head, segments = sections[0], sections[1:]
    sizes = struct.pack("<BHB", head.target, len(head.data), len(segments)) + b"".join(struct.pack("<H", len(s.data)) for s in segments)
    return sizes + b"".join(s.data for s in sections)


with open(PACKAGE, "rb") as source:
    whole = source.read()
parts = package.read(whole)
save("package", "whole", whole)
save("package", "bare", package.write([package.Section(package.MANIFEST, parts[0].data)]))
save("package", "plain", package.write([package.Section(s.kind, s.data, s.target) for s in parts]))
save("manifest", "full", parts[0].data)
for path in sys.argv[4:]:
    with open(path, "rb") as source:
        save("elf", os.path.basename(path), elf_seed(program.sections_of(source.read())[1]))
