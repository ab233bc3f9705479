#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make_bluetooth.py OUT: what the fuzzers of Bluetooth start from: what real peers send"""

import os
import struct
import sys

OUT = sys.argv[1]
KRAKEN = bytes.fromhex("15f2b7830c6a1e9d534f00004e4b524b")


def save(target, name, data):
    folder = os.path.join(OUT, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def structure(kind, data):
    return bytes([len(data) + 1, kind]) + data


def talk(side, *pdus):
    """side 0: our client hears; 1: our server. Each of pdus: what we do before, and the PDU."""
    return bytes([side]) + b"".join(bytes([before, len(pdu)]) + pdu for before, pdu in pdus)


save("adv", "kraken", structure(1, b"\x06") + structure(7, KRAKEN))
save("adv", "name", structure(9, b"Kraken"))
save("adv", "many", structure(6, KRAKEN[::-1] + KRAKEN) + structure(8, b"Kra\x00\x7f") + structure(255, b"\x4c\x00\x02"))
save("adv", "cut", structure(9, b"Kraken")[:-1])

RANGE = struct.pack("<HH", 1, 0xffff)
save("att", "search", talk(1, (0, b"\x02\xf7\x00"), (0, b"\x10" + RANGE + b"\x00\x28"), (0, b"\x08" + RANGE + b"\x03\x28"),
                           (0, b"\x04" + RANGE), (0, b"\x06" + RANGE + b"\x00\x28\x0a\x18")))
save("att", "read", talk(1, *((0, b"\x0a" + struct.pack("<H", handle)) for handle in range(1, 32)), (0, b"\x0c\x12\x00\x08\x00"),
                         (0, b"\x08" + RANGE + KRAKEN)))
save("att", "write", talk(1, *((1, b"\x12" + struct.pack("<H", handle) + b"\x01\x00") for handle in range(1, 32)),
                          *((7 + 4 * value, b"\x52\x1b\x00\x00\x00\x00\x00abc") for value in range(10))))
CHARACTERISTIC = struct.pack("<HBHH", 2, 2, 3, 0x2a00)
LONG = struct.pack("<HBH", 4, 0x12, 5) + KRAKEN
save("att", "found", talk(0, (0, b"\x03\xf7\x00"), (1, b"\x09\x07" + CHARACTERISTIC), (6, b"\x09\x15" + LONG),
                          (6, b"\x01\x08\x06\x00\x0a"), (2, b"\x0bvalue"), (3, b"\x13"), (6, b"\x1b\x05\x00told"), (6, b"\x1d\x05\x00x")))
save("att", "subscribe", talk(0, (5, b"\x05\x01" + struct.pack("<HH", 6, 0x2901) + struct.pack("<HH", 7, 0x2902)), (6, b"\x13"),
                              (12, b"\x05\x02" + struct.pack("<H", 13) + KRAKEN), (6, b"\x01\x04\x0e\x00\x0a"), (5, b"\x01\x04\x06\x00\x05")))

HONEST = bytes(170)
for options in range(4):
    save("smp", f"honest{options}", bytes([options]) + HONEST)
save("smp", "asked", b"\x00\x02\x05" + HONEST)  # the peripheral begins
save("smp", "again", b"\x01" + bytes(7) + b"\x05\x05" + bytes(8) + b"\x05" + HONEST)
REQUEST = bytes([0x01, 0x04, 0, 0x0d, 0x10, 0, 0])
save("smp", "raw", b"\x00" + b"".join(bytes([4, len(pdu)]) + pdu for pdu in (
    REQUEST, b"\x02" + REQUEST[1:], b"\x0c" + bytes(range(64)), b"\x03" + bytes(16), b"\x04" + bytes(16), b"\x0d" + bytes(16), b"\x05\x04",
    b"\x0b\x0d")))
save("smp", "old", b"\x02\x01\x03\x05" + HONEST)  # a request for legacy pairing, on its way
