#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bench measures what it says: counts add up, order holds, repetition repeats, the guard bites. Never a wall-clock limit."""

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import callgrind
import device
import explained
import guard
import plot
import renew
import runner
import sections

PROGRAM, BUILD_DIR = sys.argv[1:3]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def case(*words):
    return runner.Runner(PROGRAM, BUILD_DIR).case(*words)


class Document(unittest.TestCase):
    TEXT = "a\n<!-- bench: producers -->\nold\n<!-- end -->\nb\n<!-- bench: scale -->\nkept\n<!-- end -->\n"
    DATA = {"1": {"posts_per_s": 1e6}, "2": {"posts_per_s": 1.7e6}}

    def test_what_was_measured_is_renewed_and_nothing_else(self):
        text = renew.renewed(self.TEXT, {"sections": {"producers": self.DATA}, "conditions": {}})
        self.assertIn("1.70 x\n<!-- end -->", text)
        self.assertNotIn("old", text)
        self.assertEqual(text[text.index("b\n"):], self.TEXT[self.TEXT.index("b\n"):])
        self.assertEqual(text, renew.renewed(text, {"sections": {"producers": self.DATA}, "conditions": {}}))

    def test_half_of_the_targets_are_none(self):
        text = "<!-- bench: targets_pc -->\nwhole\n<!-- end -->\n"
        self.assertEqual(renew.renewed(text, {"sections": {"memory": {}, "targets_pc": []}, "conditions": {}}), text)

    def test_a_target_that_is_missed_is_said_to_be(self):
        done = {"producers": self.DATA, "memory": {"figures": {"heap_per_event": 0, "event_bookkeeping": 33}}}
        rows = {row["what"]: row["holds"] for row in sections.targets_pc(None, done)}
        self.assertEqual(list(rows.values()), [True, False, True])

    def block(self, name):
        with open(os.path.join(ROOT, renew.DOCUMENT), encoding="utf-8") as file:
            return next(match.group(0).split("-->\n", 1)[1].rsplit("<!--", 1)[0] for match in renew.BLOCK.finditer(file.read())
                        if match.group(2) == name)

    def test_the_document_says_what_the_device_said(self):
        self.assertEqual(self.block("device"), renew.text_of("device", device.read(ROOT)),
                         "./kraken bench --renew --only lx7,device,explained,targets")

    def test_the_document_says_what_was_accepted(self):
        shown = dict(re.findall(r"^\| (\w+) \| ([\d,]+) \|", self.block("lx7"), re.M))
        for name, accepted in guard.read(os.path.join(ROOT, guard.FILE))[1].items():
            self.assertLessEqual(abs(float(shown[name].replace(",", "")) / accepted - 1), guard.TOLERANCE, f"{name}: ./kraken bench --accept")

    def test_the_document_says_what_the_plot_shows(self):
        with open(os.path.join(ROOT, renew.PLOT), encoding="utf-8") as file:
            shown = re.search(r"<desc>(.*)</desc>", file.read(), re.S)
        self.assertEqual(self.block("month"), html.unescape(shown.group(1)), "./kraken bench --renew --only month")

    def test_the_heap_of_the_month_does_not_wear_out(self):
        rows = [row.split(" | ") for row in re.findall(r"^\| (\w+ \| [\d.,| ]+) \|$", self.block("month"), re.M)]
        self.assertEqual([row[0] for row in rows], ["malloc", "pools"])
        for name, _mean, first, last, _worst, _least, _calls, failed in rows:
            self.assertLessEqual(float(last), 1.1 * float(first), name)
            self.assertEqual(failed, "0", name)

    def test_what_is_taken_apart_adds_up(self):
        tables = re.findall(r"^\*\*(.+)\*\*\n\n((?:\|.*\n)+)", self.block("explained"), re.M)
        self.assertEqual([what for what, _ in tables], [figure[0] for figure in explained.FIGURES])
        for what, table in tables:
            rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()[2:]]
            end = next(i for i, row in enumerate(rows) if row[0] == "**sum**")
            for column in range(1, len(rows[0]) - 1):
                numbers = [int((row[column] or "0").replace(",", "")) for row in rows]
                self.assertEqual(sum(numbers[:end]), numbers[end], (what, column))

    def test_every_block_of_the_document_is_a_section(self):
        with open(os.path.join(ROOT, renew.DOCUMENT), encoding="utf-8") as file:
            for _, name, _ in renew.BLOCK.findall(file.read()):
                self.assertTrue(name == "conditions" or hasattr(sections, name), name)
                self.assertTrue(hasattr(renew.report, name), name)


class Device(unittest.TestCase):
    def refused(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            with self.assertRaises(RuntimeError):
                device.read(ROOT, file.name)

    def test_a_console_is_read_and_one_that_is_not_whole_is_refused(self):
        with open(os.path.join(ROOT, device.ACCEPTED), encoding="utf-8") as file:
            accepted = file.read()
        noise = "ESP-ROM:esp32s3\r\n" + accepted.replace("\n", "\r\n") + "I (9) more\r\n"
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(noise.replace("Kraken-OS, pool", "\x1b[0;33mW (9) supervisor: slow: 'bench.slow' for 100 ms\x1b[0m\r\nKraken-OS, pool"))
            file.flush()
            self.assertEqual(device.read(ROOT, file.name), device.read(ROOT))
        self.refused("nothing of ours\n")
        self.refused(accepted.replace(device.END, "kraken bench: d"))
        self.refused(accepted.replace(device.END, "bench: failed: s_arrived == 1"))
        self.refused("".join(line for line in accepted.splitlines(True) if not line.startswith("esp_event: and back")))

    def test_cycles_become_instructions_and_counts_do_not(self):
        lines = ["kraken bench: ESP-IDF v5.5.5, GCC 13; unit", *(f"{name}  2560" for name in device.NEEDED), device.END]
        run = device.parse(lines, "run")
        self.assertEqual((run["rows"]["critical section"], run["rows"][device.COUNTS[0]]), (1000, 2560))


class Explained(unittest.TestCase):
    def test_rounding_keeps_the_sum(self):
        for parts in ([0.4, 0.4, 0.4], [1.5, 2.5, -0.7], [10.0], [33.3, 33.3, 33.4]):
            rounded = explained.whole(parts, sum(parts))
            self.assertEqual(sum(rounded), round(sum(parts)))
            self.assertTrue(all(abs(a - b) <= 1 for a, b in zip(rounded, parts)), parts)

    def test_every_function_has_a_step(self):
        self.assertEqual(explained.step_of("take_number", "components/system/src/memory_pool.c")[0], "list of free blocks")
        self.assertEqual(explained.step_of("anything", "components/system/src/memory_pool.c")[0], "block: header, guard, state")
        self.assertEqual(explained.step_of("nobody", "nowhere.c"), explained.OTHER)


class Figures(unittest.TestCase):
    def test_every_event_of_every_system_is_handled_by_every_subscriber(self):
        for system in ("kraken", "queue", "esp_event", "glib"):
            for mode in ("burst", "stream"):
                figures = case("throughput", f"system={system}", f"mode={mode}", "events=640", "subscribers=3")
                if "missing" in figures:
                    continue
                self.assertEqual(figures["handled"], 3 * (640 + 20 * 32), (system, mode))  # and the warm-up
                self.assertGreater(figures["events_per_s"], 0)

    def test_percentiles_are_in_order(self):
        figures = case("latency", "samples=40", "priority=0", "load=flood")
        self.assertLess(0, figures["ns_p50"])
        self.assertLessEqual(figures["ns_p50"], figures["ns_p99"])
        self.assertLessEqual(figures["ns_p99"], figures["ns_max"])
        self.assertGreater(figures["flood_refused"], 0)

    def test_a_trace_is_the_same_each_time_and_another_with_another_seed(self):
        words = ("fragmentation", "trace=apps", "allocator=malloc", "steps=20000")
        self.assertEqual(case(*words), case(*words))
        self.assertNotEqual(case(*words), case(*words, "trace_seed=2"))

    def test_the_recorded_trace_is_whole_and_another_file_is_refused(self):
        recorded = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.trace")
        figures = case("fragmentation", f"file={recorded}", "allocator=malloc", "steps=5000")
        self.assertEqual(figures["failed"], 0)
        self.assertGreater(figures["heap_calls"], 1000)
        with self.assertRaises(RuntimeError):
            case("fragmentation", f"file={__file__}", "allocator=malloc", "steps=5000")

    def test_pools_take_the_events_off_the_heap(self):
        heap, pools = (case("fragmentation", "trace=events", f"allocator={a}", "steps=20000") for a in ("malloc", "pools"))
        self.assertEqual(heap["pool_share"], 0)
        self.assertGreater(pools["pool_share"], 0.8)
        self.assertLess(pools["heap_calls"], heap["heap_calls"])

    def test_a_hung_service_comes_back(self):
        figures = case("recovery", "timeout_ms=500")
        self.assertGreaterEqual(figures["hang_to_running_ms"], 500)
        self.assertLess(figures["noticed_to_running_ms"], 5000)

    def test_no_event_costs_heap(self):
        figures = case("memory")
        self.assertEqual(figures["heap_per_event"], 0)
        self.assertGreater(figures["heap_at_start"], 0)
        self.assertLessEqual(figures["event_bookkeeping"], 32)

    @unittest.skipIf(subprocess.run(["/usr/bin/python3", "-c", "import cryptography"], capture_output=True, check=False).returncode,
                     "python3-cryptography is not installed")
    def test_an_app_of_any_size_takes_the_same_heap(self):
        once = runner.Runner(PROGRAM, BUILD_DIR)
        once.repetitions = 1
        figures = sections.apps(once, {})
        small, large = figures["0 KB"], figures["384 KB"]
        self.assertGreater(large["image_bytes"] - small["image_bytes"], 380 * 1024)
        self.assertLess(abs(large["install_heap_most"] - small["install_heap_most"]), 1024)
        for figure in figures.values():
            self.assertTrue(0 < figure["heap_beside_image"] < figure["install_heap_most"] < 16 * 1024)

    def test_wrong_arguments_are_refused(self):
        for words in (("throughput", "system=nonsense"), ("throughput", "size=-1"), ("fragmentation", "trace=nonsense")):
            with self.assertRaises(RuntimeError):
                case(*words)


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Instructions(unittest.TestCase):
    def test_counts_repeat_to_the_instruction(self):
        first, second = (callgrind.run(PROGRAM, "operations")[0] for _ in range(2))
        if not first:
            self.skipTest("built without valgrind's header")
        for name in ("post_idle", "post_burst", "publish", "pool_alloc", "pool_free", "quota_charge"):
            self.assertGreater(first[name]["ours"], 10, name)
            self.assertEqual(first[name]["ours"], second[name]["ours"], name)

    def test_what_takes_no_part_costs_nothing(self):
        few, many = (callgrind.run(PROGRAM, "scale", f"services={n}", "types=16", f"subscriptions={n}")[0] for n in (0, 10))
        self.assertAlmostEqual(few["event"]["ours"], many["event"]["ours"], delta=few["event"]["ours"] * 0.02)


class Guard(unittest.TestCase):
    accepted = {name: 100.0 for name in guard.HOT}

    def findings(self, **changed):
        return guard.compare(self.accepted, {name: {"ours": changed.get(name, 101.0)} for name in guard.HOT})[1]

    def test_it_bites(self):
        self.assertEqual(self.findings(), 0)
        self.assertEqual(self.findings(pool_alloc=104.0), 1)
        self.assertEqual(self.findings(pool_alloc=96.0, post_burst=110.0), 2)

    def test_an_operation_never_accepted_is_a_finding(self):
        self.assertEqual(guard.compare({}, {name: {"ours": 5.0} for name in guard.HOT})[1], len(guard.HOT))


class Parsing(unittest.TestCase):
    def test_callees_are_counted_once_and_names_are_remembered(self):
        text = ("desc: Trigger: Client Request: op 2\nevents: Ir\nfl=(1) build/host/components/system/src/a.c\nfn=(1) a\n10 8\n"
                "cfi=(2) host/src/b.c\ncfn=(2) b\ncalls=1 5\n+1 100\nfi=(3) components/system/private/c.h\n+2 4\nfe=(1)\n-1 2\n\n"
                "fl=(2)\nfn=(2)\n5 100\n")
        name, times, files, _functions = callgrind.parse(text)
        self.assertEqual((name, times), ("op", 2))
        self.assertEqual(files, {"components/system/src/a.c": 10, "components/system/private/c.h": 4, "host/src/b.c": 100})
        self.assertEqual(callgrind.split(files, times), {"ours": 7, "board": 50, "rest": 0, "total": 57})

    def test_a_plot_has_both_lines(self):
        points = [[1, 0.1, 1000, 900], [2, 0.2, 1000, 800]]
        self.assertEqual(plot.month({"malloc": points, "pools": points}, "a < b").count("<polyline"), 4)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
