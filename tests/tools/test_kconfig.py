#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/kconfig_gen.py: what it writes, what it refuses, and that it writes only what changed."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KCONFIG = """
config SPEED
    int "Speed"
    range 1 10
    default 3

config NAME
    string "Name"
    default "a \\"b\\""

config MASK
    hex "Mask"
    default 0xFF

config EXTRA
    bool "Extra"
    default n

config DEPENDS
    bool "Depends"
    depends on EXTRA
    default y

choice WAY
    prompt "Way"
    default WAY_A
    config WAY_A
        bool "A"
    config WAY_B
        bool "B"
endchoice
"""


class Generator(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name
        self.write("Kconfig", KCONFIG)
        self.write("device.txt", "BT_*   # radio\n")

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_tool(self, *defaults, user=None):
        command = ["/usr/bin/python3", os.path.join(ROOT, "tools", "kconfig_gen.py"), "--root", self.root,
                   "--kconfig", self.path("Kconfig"), "--out", self.path("out"), "--device-only", self.path("device.txt")]
        for number, text in enumerate(defaults):
            self.write(f"defaults{number}", text)
            command += ["--defaults", self.path(f"defaults{number}")]
        if user is not None:
            self.write("user", user)
            command += ["--user", self.path("user")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def header(self, *defaults, user=None):
        result = self.run_tool(*defaults, user=user)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("out/sdkconfig.h"), encoding="utf-8") as file:
            return file.read().split("\n"), result.stderr

    def test_types(self):
        lines, _ = self.header("")
        for line in ("#define CONFIG_SPEED 3", '#define CONFIG_NAME "a \\"b\\""', "#define CONFIG_MASK 0xff",
                     "#define CONFIG_WAY_A 1"):
            self.assertIn(line, lines)
        self.assertFalse([line for line in lines if "EXTRA" in line or "WAY_B" in line or "DEPENDS" in line])

    def test_later_files_win(self):
        lines, warnings = self.header("CONFIG_SPEED=4\nCONFIG_WAY_B=y\n", "CONFIG_SPEED=5\n", user="CONFIG_EXTRA=y\n")
        for line in ("#define CONFIG_SPEED 5", "#define CONFIG_WAY_B 1", "#define CONFIG_EXTRA 1", "#define CONFIG_DEPENDS 1"):
            self.assertIn(line, lines)
        self.assertEqual(warnings, "")

    def test_unknown_option_is_refused(self):
        result = self.run_tool("CONFIG_SPED=4\n")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("CONFIG_SPED is no option", result.stderr)

    def test_nonsense_is_refused(self):
        self.assertNotEqual(self.run_tool("SPEED=4\n").returncode, 0)

    def test_device_only_is_skipped(self):
        lines, warnings = self.header("CONFIG_BT_ENABLED=y\n")
        self.assertFalse([line for line in lines if "BT" in line])
        self.assertEqual(warnings, "")

    def test_value_without_effect_is_told(self):
        for text in ("CONFIG_SPEED=11\n", "CONFIG_DEPENDS=y\n"):
            with self.subTest(text=text):
                _, warnings = self.header(text)
                self.assertIn("has no effect", warnings)

    def test_rewritten_only_when_changed(self):
        self.header("")
        before = os.stat(self.path("out/sdkconfig.h")).st_mtime_ns
        self.header("")
        self.assertEqual(os.stat(self.path("out/sdkconfig.h")).st_mtime_ns, before)
        self.header("CONFIG_SPEED=9\n")
        self.assertNotEqual(os.stat(self.path("out/sdkconfig.h")).st_mtime_ns, before)

    def test_inputs_are_listed(self):
        self.header("")
        with open(self.path("out/inputs.txt"), encoding="utf-8") as file:
            self.assertIn(os.path.realpath(self.path("Kconfig")), file.read().split("\n"))


if __name__ == "__main__":
    sys.exit(unittest.main())
