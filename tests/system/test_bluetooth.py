#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two boards, two programs, one air: one finds the other, pairs with it and controls it.  usage: test_bluetooth.py PROGRAM

The clock is the real one and the machine may be busy: everything is waited for, nothing is timed.
"""

import collections
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from patience import PATIENCE_S

PROGRAM = ""
CONNECT_S = 10  # CONFIG_BLUETOOTH_CONNECT_MS

# The payload of bluetooth.told, and the kinds of it that are looked for.
Told = collections.namedtuple("Told", "kind link code rssi address central kraken handle value name data")
FOUND, CONNECTED, CHARACTERISTIC, READ, WRITTEN, NOTIFIED, DISCOVERED = 0, 1, 8, 9, 10, 11, 12
DEVICE_NAME = "002a"  # as the air has it


def kraken(number):
    """A characteristic of the Kraken service, as the air has it: the last byte first."""
    return bytes.fromhex("4b524b4e%04x4f539d1e6a0c83b7f215" % number)[::-1].hex()


class Board:
    def __init__(self, air, environment=None):
        # A log in a file: nobody has to read it for the board to go on.
        self.log = tempfile.TemporaryFile("w+b")
        self.program = subprocess.Popen([PROGRAM, "--shell", "--radio", air], stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=subprocess.STDOUT, env=environment)
        self.read = 0

    def say(self, command):
        self.program.stdin.write(command.encode() + b"\n")
        self.program.stdin.flush()

    def text(self):
        self.log.flush()
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0).decode(errors="replace")

    def hear(self, pattern):
        """Wait until a line matches that is younger than what was heard before."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            text = self.text()
            found = re.search(pattern, text[self.read:])
            if found:
                self.read += found.end()
                return found
            time.sleep(0.05)
        raise AssertionError(f"not heard: {pattern}\n{self.text()[self.read:]}")

    def until(self, command, pattern, act=lambda: None):
        """Act, and ask, again and again until the answer matches."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            act()
            before = len(self.text())
            self.say(command)
            time.sleep(0.2)
            found = re.search(pattern, self.text()[before:])
            if found:
                return found
        raise AssertionError(f"{command}: not heard: {pattern}\n{self.text()}")

    def connect(self, address, pattern):
        """Until it is told like that; again when an attempt was given up."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.say(f"bt connect {address}")
            again = time.monotonic() + 2 * CONNECT_S
            while time.monotonic() < min(again, end):
                before = len(self.text())
                self.say("bt")
                time.sleep(0.2)
                if re.search(f"link 0: to {address}, {pattern}", self.text()[before:]):
                    return
        raise AssertionError(f"no connection to {address}: {pattern}\n{self.text()}")

    def told(self):
        """What the tap of bluetooth.told has shown so far."""
        payloads = []
        for line in self.text().splitlines():
            row = re.match(r" +(\d+)  ((?:[0-9a-f]{2} ){1,16})", line)
            if re.match(r"tap #\d+ \S+ +bluetooth\.told ", line):
                payloads.append(bytearray(304))
            elif row and payloads:
                part = bytes.fromhex(row.group(2))
                payloads[-1][int(row.group(1)):int(row.group(1)) + len(part)] = part
        for p in payloads:
            kind, link, code, rssi = struct.unpack_from("<BBBb", p, 4)
            central, is_kraken, handle, value = struct.unpack_from("<??HI", p, 16)
            yield Told(kind, link, code, rssi, ":".join("%02x" % byte for byte in p[13:7:-1]), central, is_kraken, handle, value,
                       p[28:57].split(b"\0")[0].decode(), bytes(p[58:58 + p[57]]))

    def told_of(self, command, kind, **fields):
        """Say this until one of this kind with these fields is told: what is under way already is refused."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.say(command)
            for _ in range(10):
                for told in self.told():
                    if told.kind == kind and all(getattr(told, name) == wanted for name, wanted in fields.items()):
                        return told
                time.sleep(0.05)
        raise AssertionError(f"{command}: not told: {kind} {fields}\n{self.text()}")

    def end(self):
        self.program.stdin.close()
        try:
            self.program.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.program.kill()
            self.program.wait()
        self.log.close()


class TwoBoards(unittest.TestCase):
    def setUp(self):
        # A socket's address has room for 107 bytes, whatever this computer calls its folder for such things.
        self.air = tempfile.TemporaryDirectory(dir="/tmp" if len(tempfile.gettempdir()) > 70 else None)
        self.one = Board(self.air.name)
        self.other = Board(self.air.name)

    def tearDown(self):
        self.one.end()
        self.other.end()
        self.assertEqual(os.listdir(self.air.name), [], "each takes its socket along")
        self.air.cleanup()

    def test_found_paired_and_controlled(self):
        address = self.other.until("bt", r"(\S\S:\S\S:\S\S:\S\S:\S\S:\S\S); the radio is on, advertises").group(1)
        self.one.connect(address, "not paired, MTU 247")
        self.one.say("bt pair 0")
        passkey = self.other.hear(r"enter (\d{6}) there").group(1)
        self.one.hear("link 0: the peer shows a passkey")
        self.one.say(f"bt pair 0 {int(passkey)}")
        self.one.until("bt", f"link 0: to {address}, paired")
        self.one.say("bt write 0 21 01")
        self.other.until("bt", r"peers wrote 1 values, 0 of them wrong")
        # What is written may still be under way here: then one thing at a time.
        self.other.until("bt", r"link 0: from \S+, paired, MTU 247, hears of 1 values", lambda: self.one.say("bt notify 0 18 on"))
        self.other.until("bt", r"[1-9]\d* notifications")
        self.other.say("bt disconnect 0")
        self.one.until("bt", r"1 connections, 0 of them lost")
        self.other.until("bt", r"the radio is on, advertises")
        self.one.connect(address, "paired")  # who has paired is known again
        self.other.until("bt", r"link 0: from \S+, paired")

    def test_a_factory_reset_over_the_air(self):
        shown = r"(\S\S:\S\S:\S\S:\S\S:\S\S:\S\S); the radio is on, advertises"
        address = self.other.until("bt", shown).group(1)
        self.one.connect(address, "not paired, MTU 247")
        self.one.say("bt pair 0")
        passkey = self.other.hear(r"enter (\d{6}) there").group(1)
        self.one.hear("link 0: the peer shows a passkey")
        self.one.say(f"bt pair 0 {int(passkey)}")
        self.one.until("bt", f"link 0: to {address}, paired")
        self.one.say("bt write 0 28 025245534554")
        self.other.hear("a peer wants everything forgotten: factory reset")
        self.other.hear("main: ready")
        self.assertNotEqual(self.other.until("bt", shown).group(1), address, "it is another one now")
        self.assertEqual(len(os.listdir(self.air.name)), 2, "what it was before took its socket along")

    def test_a_central_finds_reads_and_is_notified(self):
        address = self.other.until("bt", r"(\S\S:\S\S:\S\S:\S\S:\S\S:\S\S); the radio is on, advertises").group(1)
        self.one.say("events tap bluetooth.told 3600")
        self.one.hear("tapping bluetooth.told")
        self.one.told_of("bt scan 60000", FOUND, address=address, kraken=True)
        found = self.one.told_of("bt scan 60000", FOUND, address=address, name="Kraken")
        self.assertTrue(-100 < found.rssi < 0, found)
        self.one.say("bt scan 0")
        self.one.told_of(f"bt connect {address}", CONNECTED, address=address, link=0, central=True)

        self.one.told_of("bt discover 0", DISCOVERED, code=0)
        discovered = [told for told in self.one.told() if told.kind == CHARACTERISTIC]
        handles = {told.data.hex(): told.handle for told in discovered}
        properties = {told.data.hex(): told.value for told in discovered}
        info, health, control = (handles[kraken(n)] for n in (1, 2, 3))
        self.assertEqual([properties[kraken(n)] for n in (1, 2, 3)], [0x02, 0x12, 0x08], "read; read and notify; write")

        self.one.told_of(f"bt read 0 {handles[DEVICE_NAME]}", READ, data=b"Kraken", code=0)
        data = self.one.told_of(f"bt read 0 {info}", READ, handle=info, code=0).data
        self.assertEqual((data[0], data[3]), (1, 0))
        self.assertRegex(data[4:].decode(), r"^\d", "its version")
        self.assertNotEqual(self.one.told_of(f"bt read 0 {control}", READ, handle=control).code, 0, "it can be written alone")
        self.assertNotEqual(self.one.told_of("bt read 0 999", READ, handle=999).code, 0, "there is none")

        self.one.told_of(f"bt notify 0 {health} on", WRITTEN, handle=health, code=0)
        self.other.until("bt", r"link 0: from \S+, not paired, MTU 247, hears of 1 values")
        data = self.one.told_of("", NOTIFIED, handle=health).data
        self.assertEqual((len(data), data[0]), (8, 1))
        self.one.say(f"bt notify 0 {health} off")
        self.other.until("bt", r"link 0: from \S+, not paired, MTU 247, hears of 0 values")

    def test_wrong_words_are_refused(self):
        for words in ("bt connect 1:2", "bt scan many", "bt pair", "bt write 0 0 01", "bt write 0 5 1", "bt fault loud"):
            self.one.until(words, "usage: bt")
        self.one.until("bt read 2 5", "ESP_ERR_NOT_FOUND")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
