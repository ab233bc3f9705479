# SPDX-License-Identifier: Apache-2.0
"""Starts kraken_bench: one process a measurement, repetitions interleaved, medians."""

import os
import platform
import statistics
import subprocess
import sys

import callgrind

REPETITIONS = 7
QUICK_REPETITIONS = 3


class Runner:
    def __init__(self, program, build_dir, quick=False, quiet=True, wide=None):
        self.wide = Runner(wide, build_dir, quick, quiet) if wide else None  # the same, built with the largest tables
        self.program, self.build_dir, self.quick, self.quiet = program, build_dir, quick, quiet
        self.root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.repetitions = QUICK_REPETITIONS if quick else REPETITIONS
        self.counts = {}
        self.plots = {}
        self.modules = True  # compile everything for the chip, to tell the memory of each module

    def progress(self, text):
        if not self.quiet:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def done(self):
        self.progress("")

    def case(self, *arguments):
        """one measurement -> {figure: number or text}; a figure "missing" instead of a failure where a rival is not built"""
        self.progress(" ".join(arguments))
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False, timeout=300)
        figures = parse(done.stdout)
        if done.returncode != 0 and "missing" not in figures:
            raise RuntimeError(f"{' '.join(arguments)}: status {done.returncode}: {done.stderr.strip()[-500:]}")
        return figures

    def plotted(self, *arguments):
        """one measurement in virtual time -> its figures, and its lines "= point …" as numbers; kept: the same each time"""
        if arguments not in self.plots:
            self.progress(" ".join(arguments))
            done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=True, timeout=600)
            points = [[float(word) for word in line.split()[2:]] for line in done.stdout.splitlines() if line.startswith("= point ")]
            self.plots[arguments] = parse(done.stdout), points
        return self.plots[arguments]

    def interleaved(self, cases):
        """{key: arguments} -> {key: {figure: median}}: all once, then all again, so that a noisy minute hits all of them"""
        runs = {key: [] for key in cases}
        for _ in range(self.repetitions):
            for key, words in cases.items():
                runs[key].append(self.case(*words))
        return {key: medians(figures) for key, figures in runs.items()}

    def count(self, *arguments):
        """instructions under callgrind, kept: they are the same each time"""
        if arguments not in self.counts:
            self.progress("callgrind: " + " ".join(arguments))
            self.counts[arguments] = callgrind.run(self.program, *arguments)
        return self.counts[arguments]

    def compiler(self):
        with open(os.path.join(self.build_dir, "CMakeCache.txt"), encoding="utf-8") as file:
            path = next(line.split("=", 1)[1].strip() for line in file if line.startswith("CMAKE_C_COMPILER:"))
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        return f"{version}, {platform.machine()}"

    def conditions(self):
        model = "unknown"
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    model = line.split(":", 1)[1].strip()
                    break
        return {"processor": model, "processors": len(os.sched_getaffinity(0)), "load_before": round(os.getloadavg()[0], 2),
                "compiler": self.compiler(), "flags": "-O2 -g", "repetitions": self.repetitions}


def parse(text):
    figures = {}
    for line in text.splitlines():
        words = line.split(" ", 2)
        if words[0] == "=" and len(words) == 3 and words[1] != "point":
            try:
                figures[words[1]] = float(words[2])
            except ValueError:
                figures[words[1]] = words[2]
    return figures


def medians(runs):
    if "missing" in runs[0]:
        return {"missing": runs[0]["missing"]}
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
