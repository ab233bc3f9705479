#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the program plays, as a WAV file.  usage: test_sound.py PROGRAM

The clock is the real one and the machine may be busy, so gaps are allowed; pitch and level are not a matter of luck.
"""

import array
import os
import statistics
import subprocess
import sys
import tempfile
import unittest
import wave

from patience import PATIENCE_S

PROGRAM = ""
RATE = 48000
HZ = 1000
FULL = 32767
TONE = 0.7 ** 3  # the shell's tones are at 70 percent


def run(commands, *arguments):
    return subprocess.run([PROGRAM, "--shell", *arguments], input=commands, text=True, timeout=PATIENCE_S,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def left_of(path):
    with wave.open(path) as file:
        shape = file.getnchannels(), file.getsampwidth(), file.getframerate()
        samples = array.array("h", file.readframes(file.getnframes()))
        return shape, samples[0::2], samples[1::2]


class Sound(unittest.TestCase):
    def test_a_tone_in_a_file(self):
        for seconds in (2, 10, 60, 300):  # until the board ends; a busy machine needs more to play one second
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "tone.wav")
                done = run(f"audio volume 100\naudio tone 1000 1000\nsleep {seconds}\naudio\n", "--audio", path)
                self.assertEqual(done.returncode, 0, done.stdout)
                shape, left, right = left_of(path)
            self.assertEqual(shape, (2, 2, RATE))
            self.assertEqual(left, right)
            rising = [i for i in range(1, len(left)) if left[i - 1] < 0 <= left[i]]
            if len(rising) > HZ // 2:
                break
        self.assertAlmostEqual(max(left), FULL * TONE, delta=FULL * TONE * 0.02)
        self.assertGreater(len(rising), HZ // 2, "half a second of it at least")
        self.assertEqual(statistics.median(b - a for a, b in zip(rising, rising[1:])), RATE / HZ)

    def test_muted_is_silence(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "mute.wav")
            for seconds in (1, 10, 60, 300):
                done = run(f"audio mute\naudio tone 1000 300\nsleep {seconds}\n", "--audio", path)
                self.assertEqual(done.returncode, 0, done.stdout)
                _, left, _ = left_of(path)
                if left:
                    break
        self.assertGreater(len(left), 0)
        self.assertFalse(any(left))

    def test_a_file_that_cannot_be_written_is_refused(self):
        done = run("", "--audio", "/nonexistent/tone.wav")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--audio /nonexistent/tone.wav: No such file or directory", done.stdout)

    def test_wrong_words_are_refused(self):
        for words in ("audio volume 101", "audio tone 19 100", "audio fault many", "audio loud"):
            done = run(words + "\n")
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("usage: audio", done.stdout)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
