#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/firmware_ram.py: the sum is the sum, an option and a map change what they must, what it cannot calculate it refuses."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

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


def figures(text, column=2):
    """-> {item: bytes} of a table's column: 1 is radios and screen, 2 everything"""
    cells = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    return {row[0]: int(row[column].replace(",", "")) for row in cells if row[column]}


def at_work(board):
    """-> sum, free, largest block with radios and screen"""
    return firmware_ram.result(firmware_ram.columns(firmware_ram.rows_of(board))[0])


class Ram(unittest.TestCase):
    def file(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".map", delete=False, encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return file.name

    def test_sum_and_free(self):
        result = run("box3")
        self.assertEqual(result.returncode, 0, result.stderr)
        for column in (1, 2):
            found = figures(result.stdout, column)
            total, free, block = found.pop("sum"), found.pop("free"), found.pop("largest block")
            self.assertEqual(found.pop("of SRAM and RTC fast memory") - total, free)
            self.assertEqual(sum(found.values()), total)
            self.assertLess(block, max(free, 1))

    def test_everything_has_what_comes_and_goes(self):
        text = run("box3").stdout
        work, everything = figures(text, 1), figures(text, 2)
        more = {item: size for item, size in everything.items() if item not in work}
        self.assertEqual(more, {"stacks: one more app of its size": 12288, "stack: connection to a broker (MQTT)": 6144,
                                "stack: an app that comes over Bluetooth": 8192})
        self.assertEqual(work["free"] - everything["free"], sum(more.values()))

    def test_without_radio_nothing_of_a_radio(self):
        self.assertIn("Wi-Fi", run("box3").stdout)
        self.assertNotIn("Wi-Fi", run("qemu").stdout)

    def test_options_count(self):
        board = firmware_ram.Board("box3")
        before = at_work(board)[1]
        board.given["ESP_WIFI_STATIC_TX_BUFFER_NUM"] = "16"
        board.given["ESP_WIFI_IRAM_OPT"] = "y"
        self.assertEqual(before - at_work(board)[1], 10 * 1638 + 15 * 1024)
        board.own.syms["SYSTEM_POOL_LARGE_IN_PSRAM"].set_value("n")
        self.assertEqual(before - at_work(board)[1], 10 * 1638 + 15 * 1024 + 61440)

    def test_largest_block_when_heaps_fill_up(self):
        """The regions of DRAM only and of the pool stay whole until the main ones are used up."""
        main = firmware_ram.SRAM - firmware_ram.DRAM_ONLY - firmware_ram.POOL_OF_DMA
        for spilt, block in ((0, 31744), (20000, 31744), (40000, 24512), (65536, 0), (90000, 0)):
            self.assertEqual(firmware_ram.result([("heap", main + spilt, "heap", "")])[2], block)

    def test_goal_holds_for_each_board_with_radios_and_screen(self):
        boards = firmware_ram.boards_with_goal()
        self.assertEqual([board.name for board in boards], ["box3", "devkitc1", "devkitc1_n8r8"])
        self.assertEqual(firmware_ram.below_goal(boards), [])

    def test_board_below_the_goal_is_named(self):
        boards = firmware_ram.boards_with_goal()
        boards[0].given["SPIRAM_TRY_ALLOCATE_WIFI_LWIP"] = "n"
        boards[1].own.syms["SYSTEM_POOL_LARGE_IN_PSRAM"].set_value("n")
        lines = firmware_ram.below_goal(boards)
        self.assertEqual([line.split(":")[0] for line in lines], ["boards/box3/sdkconfig.defaults", "boards/devkitc1/sdkconfig.defaults"])
        self.assertIn("the goal is 61,440 and 24,576 (tools/firmware_ram.py box3)", lines[0])
        self.assertLess(at_work(boards[1])[2], firmware_ram.GOAL_BLOCK)

    def test_goal_is_of_free_and_of_the_block(self):
        boards = firmware_ram.boards_with_goal()[:1]
        for goals, count in (((at_work(boards[0])[1], 0), 0), ((at_work(boards[0])[1] + 1, 0), 1), ((0, 31744), 0), ((0, 31745), 1)):
            with unittest.mock.patch.multiple(firmware_ram, GOAL_FREE=goals[0], GOAL_BLOCK=goals[1]):
                self.assertEqual(len(firmware_ram.below_goal(boards)), count, goals)

    def test_check_fails_for_a_board_below_and_for_an_old_table(self):
        """In a tree whose boards and documents are its own, the rest as it is."""
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(ROOT):
                if name not in ("boards", "docs", ".git", "build"):
                    os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
            shutil.copytree(os.path.join(ROOT, "boards"), os.path.join(folder, "boards"))
            os.mkdir(os.path.join(folder, "docs"))
            shutil.copy(os.path.join(ROOT, "docs", "MEMORY.md"), os.path.join(folder, "docs"))
            command = ["/usr/bin/python3", os.path.join(folder, "tools", "firmware_ram.py"), "--check"]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
            path = os.path.join(folder, "boards", "devkitc1", "sdkconfig.defaults")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("CONFIG_SYSTEM_POOL_LARGE_IN_PSRAM=y\n", ""))
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("docs/MEMORY.md:", result.stdout)
            self.assertIn("boards/devkitc1/sdkconfig.defaults:1: by calculation", result.stdout)
            self.assertNotIn("boards/box3", result.stdout)

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
