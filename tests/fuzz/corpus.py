#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: corpus.py unpack CORPUS FOLDER | corpus.py pack FOLDER CORPUS: inputs as files, and all of them in one file

A corpus is one zlib stream of inputs, shortest first: the size (4 bytes, little-endian) and the bytes of each."""

import hashlib
import os
import struct
import sys
import zlib


def unpack(corpus, folder):
    os.makedirs(folder, exist_ok=True)
    with open(corpus, "rb") as file:
        left = zlib.decompress(file.read())
    while left:
        size = struct.unpack_from("<I", left)[0]
        data, left = left[4 : 4 + size], left[4 + size :]
        with open(os.path.join(folder, hashlib.sha256(data).hexdigest()[:16]), "wb") as file:
            file.write(data)


def pack(folder, corpus):
    inputs = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            inputs.append(file.read())
    inputs = sorted(set(inputs), key=lambda data: (len(data), data))
    with open(corpus, "wb") as file:
        file.write(zlib.compress(b"".join(struct.pack("<I", len(data)) + data for data in inputs), 9))
    print(f"{corpus}: {len(inputs)} inputs in {os.path.getsize(corpus)} bytes")


if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
    sys.exit(__doc__)
(pack if sys.argv[1] == "pack" else unpack)(sys.argv[2], sys.argv[3])
