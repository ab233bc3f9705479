#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two boards, two programs, one air: one finds the other, pairs with it and controls it.  usage: test_bluetooth.py PROGRAM

The clock is the real one and the machine may be busy: everything is waited for, nothing is timed.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

from patience import PATIENCE_S

PROGRAM = ""


class Board:
    def __init__(self, air):
        # A log in a file: nobody has to read it for the board to go on.
        self.log = tempfile.TemporaryFile("w+b")
        self.program = subprocess.Popen([PROGRAM, "--shell", "--radio", air], stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        self.read = 0

    def say(self, command):
        self.program.stdin.write(command.encode() + b"\n")
        self.program.stdin.flush()

    def text(self):
        self.log.flush()
        return os.pread(self.log.fileno(), 1 << 20, 0).decode(errors="replace")

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

    def until(self, command, pattern):
        """Ask again and again until the answer matches."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            before = len(self.text())
            self.say(command)
            time.sleep(0.2)
            found = re.search(pattern, self.text()[before:])
            if found:
                return found
        raise AssertionError(f"{command}: not heard: {pattern}\n{self.text()}")

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
        self.air = tempfile.TemporaryDirectory()
        self.one = Board(self.air.name)
        self.other = Board(self.air.name)

    def tearDown(self):
        self.one.end()
        self.other.end()
        self.assertEqual(os.listdir(self.air.name), [], "each takes its socket along")
        self.air.cleanup()

    def test_found_paired_and_controlled(self):
        address = self.other.until("bt", r"(\S\S:\S\S:\S\S:\S\S:\S\S:\S\S); the radio is on, advertises").group(1)
        self.one.say(f"bt connect {address}")
        self.one.until("bt", f"link 0: to {address}, not paired, MTU 247")
        self.one.say("bt pair 0")
        passkey = self.other.hear(r"enter (\d{6}) there").group(1)
        self.one.hear("link 0: the peer shows a passkey")
        self.one.say(f"bt pair 0 {int(passkey)}")
        self.one.until("bt", f"link 0: to {address}, paired")
        self.one.say("bt write 0 21 01")
        self.other.until("bt", r"peers wrote 1 values, 0 of them wrong")
        self.one.say("bt notify 0 18 on")
        self.other.until("bt", r"link 0: from \S+, paired, MTU 247, hears of 1 values")
        self.other.until("bt", r"[1-9]\d* notifications")
        self.other.say("bt disconnect 0")
        self.one.until("bt", r"1 connections, 0 of them lost")
        self.other.until("bt", r"the radio is on, advertises")
        self.one.say(f"bt connect {address}")  # who has paired is known again
        self.one.until("bt", f"link 0: to {address}, paired")
        self.other.until("bt", r"link 0: from \S+, paired")

    def test_a_factory_reset_over_the_air(self):
        shown = r"(\S\S:\S\S:\S\S:\S\S:\S\S:\S\S); the radio is on, advertises"
        address = self.other.until("bt", shown).group(1)
        self.one.say(f"bt connect {address}")
        self.one.until("bt", f"link 0: to {address}, not paired")
        self.one.say("bt pair 0")
        passkey = self.other.hear(r"enter (\d{6}) there").group(1)
        self.one.hear("link 0: the peer shows a passkey")
        self.one.say(f"bt pair 0 {int(passkey)}")
        self.one.until("bt", f"link 0: to {address}, paired")
        self.one.say("bt write 0 28 025245534554")
        self.other.hear("a peer wants everything forgotten: factory reset")
        self.other.hear("main: ready")
        self.assertNotEqual(self.other.until("bt", shown).group(1), address, "it is another one now")

    def test_wrong_words_are_refused(self):
        for words in ("bt connect 1:2", "bt scan many", "bt pair", "bt write 0 0 01", "bt write 0 5 1", "bt fault loud"):
            self.one.until(words, "usage: bt")
        self.one.until("bt read 2 5", "ESP_ERR_NOT_FOUND")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
