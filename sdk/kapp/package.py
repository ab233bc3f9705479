# SPDX-License-Identifier: Apache-2.0
"""The container: sections in, bytes out, and back."""

import struct
import zlib

from .errors import KappError

MAGIC = b"KAPP"
HEADER = struct.Struct("<4sHHIHHI")
ENTRY = struct.Struct("<BBHII")
SIGNATURE = struct.Struct("<HH32s64s")
SIGNATURE_VALUE = 64
SECTIONS_MAX = 48
MANIFEST, HEAD, SEGMENT, ASSET, ICON = range(1, 6)
TYPE_NAMES = {MANIFEST: "manifest", HEAD: "head", SEGMENT: "segment", ASSET: "asset", ICON: "icon"}
TARGETS = {"xtensa-esp32s3": 1, "x86_64-linux": 2}
TARGET_NAMES = {number: name for name, number in TARGETS.items()}
UNSIGNED, ECDSA_P256 = 0, 1


class Section:
    def __init__(self, kind, data, target=0, stored=None):
        self.kind, self.data, self.target = kind, data, target
        self.stored = data if stored is None else stored

    @property
    def compressed(self):
        return self.stored is not self.data


def compressed(kind, data, target=0):
    """A section as small as it gets: compressed unless that makes it larger."""
    stream = zlib.compress(data, 9) if data else b""
    return Section(kind, data, target, stream if data and len(stream) < len(data) else None)


def padding(size):
    return b"\0" * (-size % 4)


def write(sections):
    """-> the bytes of an unsigned package"""
    if not 0 < len(sections) <= SECTIONS_MAX:
        raise KappError(f"{len(sections)} sections: a package has 1 to {SECTIONS_MAX}")
    table = b"".join(ENTRY.pack(s.kind, int(s.compressed), s.target, len(s.stored), len(s.data)) for s in sections)
    content = b"".join(s.stored + padding(len(s.stored)) for s in sections)
    size = HEADER.size + len(table) + len(content) + SIGNATURE.size
    header = HEADER.pack(MAGIC, 1, HEADER.size, size, len(sections), ENTRY.size, 0)
    return header + table + content + SIGNATURE.pack(UNSIGNED, 0, b"", b"")


def read_header(data):
    if data[:4] != MAGIC:
        raise KappError("this is no app package")
    if len(data) < HEADER.size:
        raise KappError("the package ends in its header")
    _, version, header_size, size, count, entry_size, reserved = HEADER.unpack_from(data)
    if version != 1:
        raise KappError(f"format version {version}: this tool knows 1")
    if (header_size, entry_size, reserved) != (HEADER.size, ENTRY.size, 0) or not 0 < count <= SECTIONS_MAX:
        raise KappError("a field of the header has a value that it may not have")
    if size != len(data):
        raise KappError(f"the package has {len(data)} bytes and says {size}")
    return count


def unpack(stored, size):
    """A zlib stream that gives exactly size bytes, and nothing after it."""
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(stored, size + 1)
    except zlib.error as error:
        raise KappError(f"a compressed section is damaged: {error}") from None
    if len(data) != size or not engine.eof or engine.unused_data:
        raise KappError("a compressed section does not give what it announces")
    return data


def read(data):
    """-> the sections of a package, all of them checked"""
    count = read_header(data)
    at = HEADER.size + count * ENTRY.size
    sections = []
    for number in range(count):
        kind, flags, target, stored_size, size = ENTRY.unpack_from(data, HEADER.size + number * ENTRY.size)
        stored = data[at:at + stored_size]
        if kind not in TYPE_NAMES or flags > 1 or (number == 0) != (kind == MANIFEST) or \
                (target in TARGET_NAMES) != (kind in (HEAD, SEGMENT)):
            raise KappError(f"section {number}: its table entry breaks a rule of the format")
        if len(stored) != stored_size or (not flags and size != stored_size):
            raise KappError(f"section {number}: its sizes do not fit")
        content = unpack(stored, size) if flags else stored
        sections.append(Section(kind, content, target, stored if flags else None))
        at += stored_size
        if data[at:at + len(padding(at))] != padding(at):
            raise KappError(f"section {number}: the bytes after it are not zero")
        at += len(padding(at))
    if at + SIGNATURE.size != len(data):
        raise KappError("the sections do not make up the package")
    return sections


def signature(data):
    """-> (kind, signer, value) of a package"""
    kind, size, signer, value = SIGNATURE.unpack_from(data, len(data) - SIGNATURE.size)
    if kind not in (UNSIGNED, ECDSA_P256) or size != (SIGNATURE_VALUE if kind else 0):
        raise KappError("signed in a way that this tool does not know")
    return kind, signer, value


def signed_part(data):
    return data[:-SIGNATURE_VALUE]
