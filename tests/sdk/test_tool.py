#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package tool refuses what is wrong, and says why.  usage: test_tool.py HELLO.kapp PROGRAM.so"""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE, PROGRAM = sys.argv.pop(1), sys.argv.pop(1)
TOML = os.path.join(ROOT, "tests", "sdk", "hello.toml")


def kapp(*args):
    environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "sdk"), PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(["/usr/bin/python3", "-m", "kapp", *args], capture_output=True, text=True, check=False, env=environment)


class Tool(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def refused(self, reason, *args):
        result = kapp(*args)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(reason, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, "one line, no traceback")

    def key(self, name):
        self.assertEqual(kapp("keygen", self.path(name)).returncode, 0)
        return self.path(name)

    def test_signature(self):
        with open(PACKAGE, "rb") as file:
            data = bytearray(file.read())
        key, other = self.key("a"), self.key("b")
        copy = self.write("x.kapp", data)
        self.refused("none of the keys given", "verify", copy, "--key", key + ".pub")
        self.assertEqual(kapp("sign", copy, "--key", key).returncode, 0)
        self.assertEqual(kapp("verify", copy, "--key", other + ".pub", "--key", key + ".pub").returncode, 0)
        with open(copy, "rb") as file:
            data = bytearray(file.read())
        data[-1] ^= 1
        self.refused("changed after it was signed", "verify", self.write("x.kapp", data), "--key", key + ".pub")

    def test_a_key_is_never_overwritten(self):
        self.refused("never overwritten", "keygen", self.key("a"))
        self.assertEqual(os.stat(self.path("a")).st_mode & 0o777, 0o600)

    def test_every_truncation(self):
        with open(PACKAGE, "rb") as file:
            data = file.read()
        for size in (0, 3, 4, 19, 20, 100, len(data) // 2, len(data) - 1):
            self.refused("", "inspect", self.write("x.kapp", data[:size]))
        self.refused("", "inspect", self.write("x.kapp", data + b"\0"))

    def test_app_toml(self):
        with open(TOML, encoding="utf-8") as file:
            good = file.read()
        out = self.path("x.kapp")
        for old, new, reason in (
                ('name = "hello"', 'name = "he llo"', "name"),
                ('version = "1.2.3"', 'version = "1.2"', "version"),
                ("stack = 8192", "stack = 100", "stack"),
                ("stack = 8192", "stack = 8190", "stack"),
                ("priority = 5", "priority = 0", "priority"),
                ("priority = 5", 'colour = "red"', "colour"),
                ('groups = ["events"]', 'groups = ["money"]', "money"),
                ('post = ["goodbye.*"]', 'post = ["*.goodbye"]', "*.goodbye"),
                ('core = "1.0"', "", "interfaces"),
                ("[memory]", "[memories]", "memories"),
                ("bytes = 4096", "bytes = ", "app.toml")):
            self.assertIn(old, good)
            toml = self.write("app.toml", good.replace(old, new, 1).encode())
            self.refused(reason, "pack", toml, PROGRAM, "-o", out)
            self.assertFalse(os.path.exists(out))

    def test_programs(self):
        out = self.path("x.kapp")
        self.refused("no program", "pack", TOML, "-o", out)
        self.refused("there is a program for x86_64-linux already", "pack", TOML, PROGRAM, PROGRAM, "-o", out)
        self.refused("no little-endian ELF", "pack", TOML, TOML, "-o", out)
        with open(PROGRAM, "rb") as file:
            data = bytearray(file.read())
        self.refused("", "pack", TOML, self.write("cut.so", data[:100]), "-o", out)
        data[18] = 3
        self.refused("machine", "pack", TOML, self.write("i386.so", data), "-o", out)


if __name__ == "__main__":
    unittest.main()
