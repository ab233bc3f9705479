#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/test_summary.py: no failure, missing program or missing report may end as a success."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PASS = '<testcase name="unit.a.sim" time="0.1" status="run"><system-out>fine</system-out></testcase>'
FAIL = ('<testcase name="unit.b.sim" time="0.1" status="fail"><failure message="Failed"/>'
        "<system-out>it broke</system-out></testcase>")
MISSING = ('<testcase name="unit.c.sim" time="0" status="notrun"><skipped message=""/>'
           "<system-out>Unable to find executable: x/unit_c</system-out></testcase>")


class Summary(unittest.TestCase):
    def summary(self, *reports):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for flavour, cases in reports:
                path = os.path.join(folder, flavour, "test-report.xml")
                os.makedirs(os.path.dirname(path))
                if cases is not None:
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(f"<testsuite>{cases}</testsuite>")
                paths.append(path)
            return subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "tools", "test_summary.py"), "--build-root", folder,
                                   *paths], capture_output=True, text=True, check=False)

    def test_all_passed(self):
        result = self.summary(("host", PASS), ("sim", PASS))
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.endswith("\n2 passed, 0 failed\n"))

    def test_failure_is_shown_with_its_command(self):
        result = self.summary(("asan", PASS + FAIL))
        self.assertEqual(result.returncode, 1)
        self.assertIn("it broke", result.stdout)
        self.assertIn("./kraken test --asan --filter '^unit\\.b\\.sim$'", result.stdout)
        self.assertTrue(result.stdout.endswith("\n1 passed, 1 failed\n"))

    def test_missing_program_is_a_failure(self):
        text = self.summary(("host", PASS + MISSING)).stdout
        self.assertIn("1 passed, 1 failed", text)
        self.assertIn("could not be built: host: unit.c.sim", text)

    def test_missing_or_empty_report_is_a_failure(self):
        self.assertEqual(self.summary(("host", PASS), ("sim", None)).returncode, 1)
        self.assertEqual(self.summary(("host", "")).returncode, 1)


if __name__ == "__main__":
    sys.exit(unittest.main())
