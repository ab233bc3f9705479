# SPDX-License-Identifier: Apache-2.0
"""tools/device_test.py: what the console says decides, and silence is no success."""

import os
import subprocess
import sys
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "device_test.py")


def watch(script, timeout="20"):
    command = [sys.executable, PROGRAM, "--timeout", timeout, "--", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class DeviceTest(unittest.TestCase):
    def test_nothing_failed(self):
        result = watch("echo boot; echo '121 passed, 0 failed'; echo '1 passed, 1 failed'")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "boot\n121 passed, 0 failed\n")

    def test_an_emulator_that_goes_on_is_ended(self):
        self.assertEqual(watch(r"printf '3 passed, 0 failed\r\n'; sleep 1000").returncode, 0)

    def test_something_failed(self):
        self.assertEqual(watch("echo '120 passed, 1 failed'").returncode, 1)

    def test_no_test_at_all(self):
        self.assertEqual(watch("echo '0 passed, 0 failed'").returncode, 1)

    def test_no_figures(self):
        result = watch("echo 'Guru Meditation Error'")
        self.assertEqual(result.returncode, 4)
        self.assertIn("no figures", result.stderr)

    def test_no_figures_in_time(self):
        self.assertEqual(watch("sleep 1000", timeout="0.3").returncode, 4)


if __name__ == "__main__":
    unittest.main()
