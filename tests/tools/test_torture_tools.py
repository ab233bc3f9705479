#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checkers of the checker: tests/torture/planted.py and tools/mutants.py can fail, and repeat themselves."""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLANTED = ROOT / "tests" / "torture" / "planted.py"
sys.dont_write_bytecode = True


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Planted(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        (self.root / "a.c").write_text("one\ntwo\none\n")

    def tearDown(self):
        self.folder.cleanup()

    def apply(self, old, new="x\n", fields="story: s\nfile: a.c\nexpect: e\n"):
        plant = self.root / "p.plant"
        plant.write_text(f"{fields}=== replace\n{old}=== by\n{new}=== end\n")
        return subprocess.run([PLANTED, "apply", plant, self.root, self.root / "out.c"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

    def test_replaces_once(self):
        self.assertEqual(self.apply("two\n").returncode, 0)
        self.assertEqual((self.root / "out.c").read_text(), "one\nx\none\n")

    def test_one_that_no_longer_applies_is_an_error(self):
        for text in ("three\n", "one\n"):
            result = self.apply(text)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("not once", result.stdout)

    def test_needs_all_of_its_parts(self):
        self.assertNotEqual(self.apply("two\n", fields="story: s\nfile: a.c\n").returncode, 0)
        self.assertNotEqual(self.apply("").returncode, 0)

    def program(self, text):
        path = self.root / "torture_planted_refusal-uncounted"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        result = subprocess.run([PLANTED, "run", self.root, "refusal-uncounted"], stdout=subprocess.PIPE, text=True, check=False)
        return result.returncode, result.stdout

    def test_right_diagnosis(self):
        says = "torture: seed 3, life 0: torture_books.c:1: posters were told of 9 refused events, mailboxes counted 8"
        code, table = self.program(f"echo 'seed 3 failed:'; echo '{says}'; exit 1")
        self.assertEqual(code, 0, table)
        self.assertIn("seed 3", table)

    def test_wrong_diagnosis(self):
        code, table = self.program("echo 'seed 3 failed:'; echo 'torture: seed 3: a.c:1: something else'; exit 1")
        self.assertNotEqual(code, 0)
        self.assertIn("WRONG: something else", table)

    def test_not_caught(self):
        code, table = self.program("exit 0")
        self.assertNotEqual(code, 0)
        self.assertIn("not caught", table)

    def test_unknown_name(self):
        self.assertNotEqual(subprocess.run([PLANTED, "run", self.root, "nonesuch"], stderr=subprocess.DEVNULL, check=False).returncode, 0)


class Mutants(unittest.TestCase):
    def setUp(self):
        self.tool = load(ROOT / "tools" / "mutants.py")

    def kinds(self, text):
        return [(m.kind, m.new.strip()) for m in self.tool.mutants_of("a.c", "void f(void)\n{\n" + text + "\n}\n")]

    def test_statements_conditions_constants(self):
        self.assertIn(("drop", ";"), self.kinds("    release(block);"))
        self.assertIn(("flip", "if (!(a == b)) {"), self.kinds("    if (a == b) {\n    }"))
        self.assertIn(("swap", "if (a != b) {"), self.kinds("    if (a == b) {\n    }"))
        self.assertIn(("constant", "x = 8;"), self.kinds("    x = 7;"))

    def test_leaves_logs_comments_and_declarations_alone(self):
        for line in ('    ESP_LOGE(TAG, "1 == 2");', "    // x = 1;", "    /* x = 1; */", "    static int x = 1;", "#define A 1"):
            self.assertEqual(self.kinds(line), [], line)

    def test_the_same_seed_gives_the_same_sample(self):
        found = self.tool.all_mutants(ROOT, None)
        self.assertEqual(self.tool.sample(found, 150, 1), self.tool.sample(found, 150, 1))
        self.assertNotEqual(self.tool.sample(found, 150, 1), self.tool.sample(found, 150, 2))
        self.assertEqual({m.file for m in self.tool.sample(found, 150, 1)}, {name for name, mutants in found.items() if mutants})


if __name__ == "__main__":
    unittest.main()
