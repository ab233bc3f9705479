#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The scenario runner of tests/support notices every way a scenario can go wrong.  usage: test_scenario.py PROGRAM"""

import os
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""


class Runner(unittest.TestCase):
    def run_program(self, how, *arguments, **environment):
        return subprocess.run([PROGRAM, *(arguments or ("--sim", "--seeds", "8"))], capture_output=True, text=True, check=False,
                              env={**os.environ, "SELFTEST": how, **environment})

    def fails(self, how, *texts):
        result = self.run_program(how)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        for text in texts:
            self.assertIn(text, result.stdout)

    def test_passes(self):
        result = self.run_program("")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("8 runs, 8 passed, 0 failed", result.stdout)
        self.assertIn("8 distinct traces of 8", result.stdout)

    def test_threads(self):
        result = self.run_program("", "--threads")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("1 runs, 1 passed, 0 failed", result.stdout)

    def test_failed_check(self):
        self.fails("fail", "8 runs, 7 passed, 1 failed", "seed 5, 1234 us: check failed", "seed 5 speaks", "--sim --seed 5 -v")

    def test_failed_comparison_shows_values(self):
        self.fails("fail_int", "scenario_seed() < 3 (3, 3)", "2 passed, 6 failed")

    def test_crash(self):
        self.fails("crash", "seed 4: ended by signal 11")

    def test_hang(self):
        self.fails("hang", "seed 3: hung, killed after 2 s")

    def test_end_without_a_verdict(self):
        self.fails("silent_exit", "seed 2: ended without a report")

    def test_same_trace_for_all(self):
        self.fails("same", "1 distinct traces of 8", "too few")

    def test_trace_with_addresses(self):
        self.fails("address", "the second run differs")

    def test_trace_with_time(self):
        self.fails("time", "the second run differs")

    def test_one_seed_here(self):
        result = self.run_program("", "--sim", "--seed", "9")
        self.assertEqual(result.returncode, 0)
        self.assertIn("seed 9: exit code 0", result.stdout)
        self.assertEqual(self.run_program("fail", "--sim", "--seed", "5").returncode, 1)

    def test_number_of_seeds_from_the_environment(self):
        self.assertIn("3 runs", self.run_program("", KRAKEN_SEEDS="3").stdout)

    def test_wrong_arguments(self):
        self.assertEqual(self.run_program("", "--nonsense").returncode, 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
