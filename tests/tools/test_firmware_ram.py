#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/firmware_ram.py: the sum is the sum, an option and a map change what they must, what it cannot calculate it refuses."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, "tools", "firmware_ram.py")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import firmware_ram  # noqa: E402

MAP = """                0x40374000                        _iram_start = ABSOLUTE (.)
                0x40380000                        _iram_end = ABSOLUTE (.)
                0x3fc90000                        _data_start = ABSOLUTE (.)
                0x3fca0000                        _heap_start = _heap_low_start
"""


def run(*words):
    return subprocess.run(["/usr/bin/python3", TOOL, *words], capture_output=True, text=True, check=False)


def figures(text):
    """-> {item: bytes} of a table"""
    cells = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in text.splitlines() if "," in line or "| 0 |" in line]
    return {row[0]: int(row[1].replace(",", "")) for row in cells}


class Ram(unittest.TestCase):
    def file(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".map", delete=False, encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return file.name

    def test_sum_and_free(self):
        result = run("box3")
        self.assertEqual(result.returncode, 0, result.stderr)
        found = figures(result.stdout)
        total, free, block = found.pop("sum"), found.pop("free"), found.pop("largest block")
        self.assertEqual(found.pop("of SRAM and RTC fast memory") - total, free)
        self.assertEqual(sum(found.values()), total)
        self.assertLess(block, max(free, 1))

    def test_without_radio_nothing_of_a_radio(self):
        self.assertIn("Wi-Fi", run("box3").stdout)
        self.assertNotIn("Wi-Fi", run("qemu").stdout)

    def test_options_count(self):
        board = firmware_ram.Board("box3")
        before = firmware_ram.result(firmware_ram.rows_of(board))[1]
        board.given["ESP_WIFI_STATIC_TX_BUFFER_NUM"] = "16"
        board.given["ESP_WIFI_IRAM_OPT"] = "y"
        self.assertEqual(before - firmware_ram.result(firmware_ram.rows_of(board))[1], 10 * 1638 + 15 * 1024)
        board.own.syms["SYSTEM_POOL_LARGE_IN_PSRAM"].set_value("n")
        self.assertEqual(before - firmware_ram.result(firmware_ram.rows_of(board))[1], 10 * 1638 + 15 * 1024 + 61440)

    def test_largest_block_when_heaps_fill_up(self):
        """The regions of DRAM only and of the pool stay whole until the main ones are used up."""
        main = firmware_ram.SRAM - firmware_ram.DRAM_ONLY - firmware_ram.POOL_OF_DMA
        for spilt, block in ((0, 31744), (20000, 31744), (40000, 24512), (65536, 0), (90000, 0)):
            self.assertEqual(firmware_ram.result([("heap", main + spilt, "heap", "")])[2], block)

    def test_map_replaces_static_sizes(self):
        result = run("box3", "--map", self.file(MAP))
        found = figures(result.stdout)
        self.assertEqual(found["code in internal RAM"], 0xC000)
        self.assertEqual(found["data, tables and the core's stacks"], 0x10000)
        self.assertNotIn("| linked |", result.stdout)

    def test_refusals(self):
        for words, message in ((["nosuch"], "there is no board 'nosuch'; there are: box3, devkitc1"),
                               (["--map", self.file("nothing")], "this is no map of an ESP32-S3 image"),
                               (["--map", "/nonexistent.map"], "No such file"), (["box3", "qemu"], "usage:"), (["--map"], "usage:")):
            result = run(*words)
            self.assertEqual(result.returncode, 1, words)
            self.assertIn(message, result.stderr)
            self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    unittest.main()
