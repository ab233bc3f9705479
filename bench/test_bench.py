#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bench measures what it says: counts add up, order holds, repetition repeats, the guard bites. Never a wall-clock limit."""

import os
import shutil
import subprocess
import sys
import unittest

import callgrind
import guard
import plot
import renew
import runner
import sections

PROGRAM, BUILD_DIR = sys.argv[1:3]


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
        text = "<!-- bench: targets -->\nwhole\n<!-- end -->\n"
        self.assertEqual(renew.renewed(text, {"sections": {"memory": {}, "targets": []}, "conditions": {}}), text)

    def test_a_target_that_is_missed_is_said_to_be(self):
        done = {"producers": self.DATA, "memory": {"figures": {"heap_per_event": 0, "event_bookkeeping": 33}}}
        rows = {row["what"]: row["holds"] for row in sections.targets(None, done)}
        self.assertEqual(list(rows.values()), [True, False, True])

    def test_every_block_of_the_document_is_a_section(self):
        with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), renew.DOCUMENT), encoding="utf-8") as file:
            for _, name, _ in renew.BLOCK.findall(file.read()):
                self.assertTrue(name == "conditions" or hasattr(sections, name), name)
                self.assertTrue(hasattr(renew.report, name), name)


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
        self.assertEqual(plot.month({"malloc": points, "pools": points}).count("<polyline"), 4)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
