#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Record and replay, on the program as people run it: test_replay.py PROGRAM FLAVOUR [PART].

A recording is also taken apart and put together again here, by docs/REPLAY.md alone, so the description of the file is
checked against what the program writes and reads.
"""

import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

from patience import PATIENCE_S

PROGRAM, FLAVOUR = sys.argv[1:3]
HEADER, CHUNK_HEAD = 64, 20
BOOT, FLASH, CHANNEL, INPUT, RANDOM, TYPE, OWNER, DELIVERED, HANDLED, END = range(1, 11)
VALUES = {BOOT: 19, FLASH: 1, CHANNEL: 1, INPUT: 1, RANDOM: 1, TYPE: 1, OWNER: 1, DELIVERED: 6, HANDLED: 6, END: 6}
WITH_BYTES = {FLASH, CHANNEL, INPUT, RANDOM, TYPE, OWNER}
# Others are position-independent: what survives a reset holds addresses, which differ from run to run.
FIXED_ADDRESSES = FLAVOUR in ("host", "sim")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def to_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_apart(data):
    """-> header, chunks; a chunk is a list of [kind, time since the record before, values, bytes]"""
    chunks = []
    at = HEADER
    while at < len(data):
        magic, length, index, crc, head_crc = struct.unpack_from("<IIIII", data, at)
        assert (magic, index) == (0x4B48434B, len(chunks)) and head_crc == zlib.crc32(data[at:at + 16])
        payload = data[at + CHUNK_HEAD:at + CHUNK_HEAD + length]
        assert crc == zlib.crc32(payload)
        at += CHUNK_HEAD + length
        records, here = [], 0
        while here < length:
            kind = payload[here]
            time, here = varint(payload, here + 1)
            values = []
            for _ in range(VALUES[kind]):
                value, here = varint(payload, here)
                values.append(value)
            size = 0
            if kind in WITH_BYTES:
                size, here = varint(payload, here)
            records.append([kind, time, values, payload[here:here + size]])
            here += size
        chunks.append(records)
    return data[:HEADER], chunks


def put_together(header, chunks):
    data = header
    for index, records in enumerate(chunks):
        payload = b""
        for kind, time, values, text in records:
            payload += bytes([kind]) + to_varint(time) + b"".join(to_varint(v) for v in values)
            payload += to_varint(len(text)) + text if kind in WITH_BYTES else b""
        head = struct.pack("<IIII", 0x4B48434B, len(payload), index, zlib.crc32(payload))
        data += head + struct.pack("<I", zlib.crc32(head)) + payload
    return data


class Case(unittest.TestCase):
    def setUp(self):
        # What differs is told on a line that is cut, whatever this computer calls its folder for such things.
        self.folder = tempfile.TemporaryDirectory(dir="/tmp" if len(tempfile.gettempdir()) > 70 else None)
        self.file = os.path.join(self.folder.name, "recording")

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, *arguments, text=""):
        return subprocess.run([PROGRAM, *arguments], input=text.encode(), capture_output=True, timeout=PATIENCE_S, check=False)

    def record(self, *arguments, text=""):
        result = self.run_program(*arguments, "--record", self.file, text=text)
        with open(self.file, "rb") as file:
            return result, file.read()

    def replay(self, data, *arguments):
        with open(self.file, "wb") as file:
            file.write(data)
        return self.run_program("--replay", self.file, *arguments)

    def expect(self, result, status, pattern):
        said = result.stderr.decode()
        self.assertEqual(result.returncode, status, said)
        self.assertRegex(said, pattern)
        return said


SESSION = "services\ninject hang demo.sensor\nsleep 3\nservices\n"


class Simulator(Case):
    def test_demonstration(self):
        plain = self.run_program("--demo", "--seed", "7")
        result, data = self.record("--demo", "--seed", "7")
        if FIXED_ADDRESSES:
            self.assertEqual(plain.stdout, result.stdout)  # to record changes nothing
        again = self.replay(data)
        events = int(re.search(r"identical: (\d+) events in 1 boot\n",
                               self.expect(again, 0, "identical")).group(1))
        self.assertGreater(events, 500)
        if FIXED_ADDRESSES:
            self.assertEqual(again.stdout, result.stdout)
        header, chunks = take_apart(data)
        self.assertEqual(put_together(header, chunks), data)
        kinds = [record[0] for chunk in chunks for record in chunk]
        self.assertEqual(kinds.count(DELIVERED) + kinds.count(HANDLED), events)
        self.assertEqual((kinds[0], kinds[-1]), (BOOT, END))

    def test_exit_status_of_the_recorded_run_is_part_of_it(self):
        result, data = self.record("--shell", "--seed", "5", text="nonsense\n")
        self.assertEqual(result.returncode, 1)
        self.expect(self.replay(data), 0, "identical")

    @unittest.skipUnless(FIXED_ADDRESSES, "needs the same addresses in every run")
    def test_session_with_a_reboot(self):
        result, data = self.record("--shell", "--seed", "3", text=SESSION + "reboot\nservices\n")
        self.assertEqual(result.returncode, 0)
        again = self.replay(data)
        self.expect(again, 0, "identical: [0-9]+ events in 2 boots")
        self.assertEqual(again.stdout, result.stdout)
        self.assertEqual(again.stdout.count(b"main: ready"), 2)

    @unittest.skipUnless(FIXED_ADDRESSES, "needs the same addresses in every run")
    def test_flash_comes_with_it(self):
        state = os.path.join(self.folder.name, "state")
        self.run_program("--shell", "--state", state)
        sector = bytes(range(256)) * 16
        with open(os.path.join(state, "flash.bin"), "r+b") as flash:
            flash.seek(0x9000)
            flash.write(sector)
        _, data = self.record("--shell", "--seed", "4", "--state", state, text="services\n")
        self.assertIn([FLASH, 0, [0x9000], sector], [record for chunk in take_apart(data)[1] for record in chunk])
        self.expect(self.replay(data), 0, "identical")

    def test_files_that_are_read(self):
        package = os.path.join(self.folder.name, "package.kapp")
        for arguments in (("--seed", "3"), ()):
            with open(package, "wb") as file:
                file.write(bytes(100))
            _, data = self.record("--shell", *arguments, text=f'install "{package}"\n')
            self.assertNotIn(b"DIFFERENT", self.replay(data).stderr)
            with open(package, "wb") as file:
                file.write(bytes(101))
            self.expect(self.replay(data), 1, "DIFFERENT.*(?s:.*)package.kapp: 101 bytes, CRC-32")

    def test_options(self):
        _, data = self.record("--demo", "--seed", "2")
        self.expect(self.replay(data, "--until", "1"), 0, "stopped as asked at +1[.].*all as recorded")
        self.expect(self.replay(data, "--verbose"), 0, 'taken out #[0-9]+ "[a-z.]+" from')
        again = self.replay(data, "--break-at", "100")
        self.expect(again, -signal.SIGTRAP, "event 100 is about to happen")
        self.expect(self.run_program("--until", "1"), 2, "belong to --replay")
        self.expect(self.run_program("--replay", self.file, "--seed", "1"), 2, "from the recording")
        self.expect(self.replay(data, "--break-at", "0"), 2, "--break-at wants the number of an event")
        self.expect(self.run_program("--replay", self.file + "x"), 2, "No such file")


class Damage(Case):
    def setUp(self):
        super().setUp()
        self.data = self.record("--shell", "--seed", "3", text=SESSION)[1]

    def test_one_byte(self):
        size = len(self.data)
        for at, text in ((0, "this is no recording"), (8, "has format .*, this program reads format 1"), (20, "damaged: .*64 bytes"),
                         (62, "damaged: .*64 bytes"), (HEADER + 5, "chunk 0, at byte 64: this is no head"),
                         (HEADER + CHUNK_HEAD + 9, "chunk 0, at byte 64: the checksum"), (size - 1, "checksum")):
            changed = bytearray(self.data)
            changed[at] ^= 0x10
            self.expect(self.replay(bytes(changed)), 2, text)

    def test_other_build(self):
        changed = bytearray(self.data)
        changed[20] ^= 1
        struct.pack_into("<I", changed, 60, zlib.crc32(changed[:60]))
        self.expect(self.replay(bytes(changed)), 2, f"another build .flavour {FLAVOUR}")
        self.expect(self.replay(bytes(changed), "--any-build"), 0, "identical")

    def test_missing_chunk(self):
        header, chunks = take_apart(self.record("--demo", "--seed", "1")[1])
        whole = put_together(header, chunks)
        first = len(put_together(header, chunks[:1]))
        self.assertGreater(len(chunks), 2)
        second = len(put_together(header, chunks[:2]))
        self.expect(self.replay(whole[:first] + whole[second:]), 2, "chunk 1, at byte [0-9]+: chunks are missing")

    def change(self, kind, what):
        header, chunks = take_apart(self.data)
        for records in chunks:
            for record in records:
                if record[0] == kind:
                    what(record)
                    return self.replay(put_together(header, chunks))
        self.fail("no such record")

    def test_other_input(self):
        def other_letter(record):
            record[3] = b"S"
        said = self.expect(self.change(INPUT, other_letter), 1, "DIFFERENT after [0-9]+ events that were as recorded")
        self.assertRegex(said, "recorded: .*\n  now: ")

    def test_other_event(self):
        def other_subscription(record):
            record[2][5] += 1
        said = self.expect(self.change(HANDLED, other_subscription), 1, "the first difference [(]record at byte [0-9]+")
        numbers = re.findall(r"taken out #.*, subscription (\d+)", said)
        self.assertEqual(int(numbers[0]), int(numbers[1]) + 1)

    def test_other_end(self):
        def other_code(record):
            record[2][1] = 7
        self.expect(self.change(END, other_code), 1, "recorded: .* exit status 7 after")

    def test_cut(self):
        data = self.record("--demo", "--seed", "1")[1]
        header, chunks = take_apart(data)
        two = len(put_together(header, chunks[:2]))
        for size in (two, two + 3, two + CHUNK_HEAD, two + CHUNK_HEAD + 100, len(data) - 1):
            said = self.expect(self.replay(data[:size]), 0, "the recording was cut short at .*all as recorded")
            self.assertGreater(int(re.search(r"so far (\d+) events", said).group(1)), 100)
        self.expect(self.replay(data[:HEADER + 5]), 2, "it holds no boot")
        self.expect(self.replay(data[:HEADER - 1]), 2, "this is no recording")


class Steered(Case):
    """A recording of the simulator passes for one of threads, so that the test does not depend on the machine: replayed with
    another seed, whose own order is another, the order is still the recorded one."""

    def order(self, chunks):
        types, mailboxes = {}, {}
        for kind, _, values, text in (record for chunk in chunks for record in chunk):
            if kind == TYPE:
                types[values[0]] = text
            elif kind == HANDLED:
                mailboxes.setdefault(values[0], []).append((types[values[2]], values[1], values[3] & 0xFF))
        return mailboxes

    def test_the_recorded_order_not_the_seeds(self):
        others = events = missed = 0
        header, chunks = take_apart(self.record("--demo", "--seed", "1")[1])
        recorded = self.order(chunks)
        for seed in range(2, 60):
            other = self.order(take_apart(self.record("--demo", "--seed", str(seed))[1])[1]) != recorded
            others += other
            if seed > 6 and not other:
                continue  # most seeds of a quiet system agree: look for one that does not
            chunks[0][0][2][2] &= ~1  # not of the simulator
            chunks[0][0][2][4] = seed
            said = self.replay(put_together(header, chunks)).stderr.decode()
            kept, total, lost = map(int, re.search(r"boot 0: (\d+) of (\d+) events taken out in the recorded order of their "
                                                   r"mailbox, (\d+) not", said).groups())
            self.assertGreater(total, 400)
            self.assertEqual(kept + lost, total)
            self.assertNotIn("random numbers", said)
            events, missed = events + total, missed + lost
            if seed >= 6 and others != 0:
                break
        # What hangs on a clock reading falls otherwise (docs/REPLAY.md), and what follows it in a mailbox: one event in eighty.
        self.assertLessEqual(missed, events // 80)
        if FLAVOUR == "sim" and others == 0:
            # Every access is a scheduling point there, and the demonstration comes out in one order; the other builds differ.
            self.skipTest("no seed up to 59 has another order in this build")
        self.assertGreater(others, 0)

    def test_an_event_that_never_was(self):
        for seed in range(1, 9):  # in one of eight or so, one event hangs on a clock reading: not what is looked for here
            header, chunks = take_apart(self.record("--shell", "--seed", str(seed), text="sleep 2\n")[1])
            chunks[0][0][2][2] &= ~1
            result = self.replay(put_together(header, chunks))
            if result.returncode == 0:
                break
        self.expect(result, 0, "boot 0: ([0-9]+) of \\1 events")
        all_of_them = [record for records in chunks for record in records]
        types = {record[2][0]: record[3] for record in all_of_them if record[0] == TYPE}
        # One that nobody waits for: it comes later, and nothing else does.
        samples = [record for record in all_of_them if record[0] == HANDLED and types[record[2][2]] == b"demo.sample"]
        samples[2][2][1] = 0  # its lane: CRITICAL
        said = self.expect(self.replay(put_together(header, chunks)), 1, ", 1 not, ")
        self.assertRegex(said, "the first that differs:\n  recorded: .*CRITICAL.*\n  now: .*NORMAL")


class Threads(Case):
    def test_session(self):
        result, data = self.record("--shell", text="services\ninject hang demo.sensor\nsleep 2\nservices\n")
        self.assertEqual(result.returncode, 0)
        again = self.replay(data)
        self.assertRegex(again.stderr.decode(), "recorded with threads, boot 0: [0-9]+ of [0-9]+ events")
        self.assertIn(b"injected into demo.sensor: hang", again.stdout)
        self.assertRegex(again.stdout, rb"demo.sensor +RUNNING +1 +1 ")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
