#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the demonstration leaves behind: a picture of the screen and the sound it played.  usage: test_demo_devices.py PROGRAM"""

import array
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import unittest
import wave
import zlib

from patience import PATIENCE_S

PROGRAM = ""
RATE, HZ, MS = 48000, 1000, 400
LEVEL = 32767 * 0.7 ** 3 * 0.6 ** 3  # of the tone, at the volume after boot


def rows_of(path):
    """A PNG file of 8 bits, RGB, as libpng writes it -> rows of (red, green, blue)."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG file"
    at, packed, width, height, kind = 8, b"", 0, 0, None
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"IHDR":
            width, height, depth, kind = struct.unpack_from(">IIBB", data, at + 8)
            assert depth == 8 and kind == 2, (depth, kind)
        elif name == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += 12 + size
    raw, rows, above = zlib.decompress(packed), [], bytes(3 * width)
    for y in range(height):
        how, line = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for i in range(3 * width):
            a, b, c = (line[i - 3] if i >= 3 else 0), above[i], (above[i - 3] if i >= 3 else 0)
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[how]) & 255
        above = bytes(line)
        rows.append([tuple(line[i:i + 3]) for i in range(0, 3 * width, 3)])
    return rows


class Demo(unittest.TestCase):
    def test_picture_and_sound(self):
        with tempfile.TemporaryDirectory() as folder:
            picture, sound = os.path.join(folder, "demo.png"), os.path.join(folder, "demo.wav")
            done = subprocess.run([PROGRAM, "--demo", "--seed", "1", "--picture", picture, "--audio", sound], text=True,
                                  timeout=PATIENCE_S,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("it was played: ", done.stdout)
            self.assertIn("it was shown: ", done.stdout)
            rows = rows_of(picture)
            with wave.open(sound) as file:
                self.assertEqual((file.getnchannels(), file.getsampwidth(), file.getframerate()), (2, 2, RATE))
                left = array.array("h", file.readframes(file.getnframes()))[0::2]
        # Heard: one tone of that pitch, level and length, and silence around it.
        self.assertAlmostEqual(max(left), LEVEL, delta=LEVEL * 0.03)
        rising = [i for i in range(1, len(left)) if left[i - 1] < 0 <= left[i]]
        self.assertAlmostEqual(len(rising), HZ * MS / 1000, delta=5)
        self.assertEqual(statistics.median(b - a for a, b in zip(rising, rising[1:])), RATE / HZ)
        # Seen: the screen upright, with the bright line over it near its lower end.
        self.assertEqual((len(rows[0]), len(rows)), (240, 320))
        bright = [y for y, row in enumerate(rows) if sum(min(pixel) > 150 for pixel in row) > 100]
        self.assertGreater(len(bright), 20)
        self.assertTrue(all(250 < y < 316 for y in bright), bright)
        self.assertGreater(len({pixel for row in rows for pixel in row}), 30)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
