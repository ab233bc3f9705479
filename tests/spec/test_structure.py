#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the specification says about files and the menu, and what is known to go wrong, against the project.  usage: test_structure.py"""

import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SYSTEM = os.path.join(ROOT, "components", "system")

# Options of the section "Kconfig Options" and how the menu calls them; a parenthesis after a prompt is its unit.
PROMPTS = {
    "Event queue size": ["Event queue size, CRITICAL", "Event queue size, HIGH", "Event queue size, NORMAL", "Event queue size, LOW"],
    "Max services": ["Max services"],
    "Max event types": ["Max event types"],
    "Max subscriptions per service": ["Max subscriptions per service"],
    "Watchdog timeouts": ["Watchdog timeout"],
    "Memory pool sizes": ["Blocks of 64 bytes", "Blocks of 256 bytes", "Blocks of 1024 bytes", "Blocks of 4096 bytes"],
    "Resource quota defaults": ["Events per second", "Event data size", "Memory"],
    "Handler monitoring thresholds": ["Set warning threshold (ms)", "Handler hang threshold"],
    "Enable/disable features": ["Enable handler monitoring", "Enable heap monitoring", "Enable service watchdog"],
}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def section(title):
    text = read(HERE, "architecture.txt")
    match = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ )", text, re.M | re.S)
    assert match, title
    return match.group(1)


class Structure(unittest.TestCase):
    def test_every_file_of_the_tree_exists(self):
        tree = section("1. System Service (`components/system`)")
        names = re.findall(r"── (\w+\.[ch])\b", tree)
        self.assertGreater(len(names), 30)
        for name in names:
            folders = ["src"] if name.endswith(".c") else ["include/system_service", "private"]
            found = [f for f in folders if os.path.exists(os.path.join(SYSTEM, f, name))]
            self.assertTrue(found, f"{name} is not in {' or '.join(folders)}")

    def test_public_headers_are_public(self):
        tree = section("1. System Service (`components/system`)").split("private/")[0]
        for name in re.findall(r"── (\w+\.h)\b", tree):
            self.assertTrue(os.path.exists(os.path.join(SYSTEM, "include", "system_service", name)), name)

    def test_both_spellings_of_includes_work(self):
        folders = read(SYSTEM, "CMakeLists.txt")
        self.assertRegex(folders, r'INCLUDE_DIRS\s+"include"\s+"include/system_service"')


class Menu(unittest.TestCase):
    def setUp(self):
        text = read(SYSTEM, "Kconfig")
        self.assertRegex(text, r'(?m)^menu "System Service Configuration"$')
        self.prompts = re.findall(r'^\s*(?:menu|int|bool) "([^"]+)"', text, re.M)

    def test_every_option_of_the_list_is_in_the_menu(self):
        listed = re.findall(r"^- (.+)$", section("Kconfig Options"), re.M)
        self.assertEqual(sorted(listed), sorted(PROMPTS))
        for option in listed:
            for prompt in PROMPTS[option]:
                self.assertTrue([p for p in self.prompts if p == prompt or p.startswith(prompt + " (")], prompt)

    def test_the_two_entries_named_in_handler_monitoring(self):
        steps = re.findall(r"→ (.+)", section("Handler Monitoring"))
        self.assertEqual(steps[:2], ["Component config", "System Service Configuration"])
        for entry in steps[2:]:
            self.assertIn(entry, self.prompts)


class KnownDefects(unittest.TestCase):
    def test_each_has_its_regression_test(self):
        names = os.listdir(os.path.join(ROOT, "tests", "regression"))
        for letter, count in (("d", 15), ("t", 12), ("s", 7)):
            for number in range(1, count + 1):
                start = f"{letter}{number:02}_"
                self.assertTrue([n for n in names if n.startswith(start) and n.endswith(".c")], f"tests/regression/{start}*.c")


if __name__ == "__main__":
    sys.exit(unittest.main())
