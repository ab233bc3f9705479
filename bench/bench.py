#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: ./kraken bench [--quick] [--json] [--only SECTION[,SECTION…]] [--plot FILE] [--renew [--device FILE]]

Measures Kraken-OS beside what people use otherwise, in one run, on one virtual board, with one compiler.

  --quick        fewer repetitions: about 10 s instead of a minute
  --json         one JSON object instead of tables
  --only LIST    of: throughput latency producers pools instructions scale fragmentation month overhead memory apps lx7
                 device explained promises targets targets_pc
  --plot FILE    the simulated month of the heap, as SVG
  --renew        write the tables of docs/PERFORMANCE.md again, with --only those of these sections; with month its plot
  --device FILE  first accept what bench/idf printed on the device or under its emulator
"""

import argparse
import json
import os
import sys

import device as accepted_device
import renew
import sections
from runner import Runner
from report import print_report

SECTIONS = ("throughput", "latency", "producers", "pools", "instructions", "scale", "fragmentation", "month", "overhead", "memory", "apps",
            "lx7", "device", "explained", "promises", "targets", "targets_pc")


def arguments():
    parser = argparse.ArgumentParser(prog="./kraken bench", usage=__doc__.split("usage: ", 1)[1].split("\n", 1)[0],
                                     description=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build-dir", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--wide", help=argparse.SUPPRESS)
    for name in ("quick", "json", "renew"):
        parser.add_argument("--" + name, action="store_true", help=argparse.SUPPRESS)
    for name in ("only", "plot", "device"):
        parser.add_argument("--" + name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device and not options.renew:
        parser.error("--device belongs to --renew: it accepts a run, and the document follows")
    options.sections = options.only.split(",") if options.only else list(SECTIONS)
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"no section {name}; there are: {' '.join(SECTIONS)}")
    return options


def main():
    options = arguments()
    runner = Runner(options.program, options.build_dir, options.quick, quiet=not sys.stderr.isatty(), wide=options.wide)
    runner.modules = not options.renew  # they are docs/MEMORY.md's
    if options.plot:
        with open(options.plot, "w", encoding="utf-8") as file:
            file.write(sections.month_svg(runner, renew.text_of("month", sections.month(runner, {}))))
        return 0
    if options.device:
        accepted_device.accept(runner.root, options.device)
    results = {"conditions": runner.conditions(), "sections": {}}
    for name in SECTIONS:
        # The promises are judged by what the other sections measured.
        if name in options.sections:
            results["sections"][name] = getattr(sections, name)(runner, results["sections"])
    runner.done()
    if options.renew:
        renew.document(runner.root, results)
        if "month" in options.sections:
            renew.month(runner)
    elif options.json:
        json.dump(results, sys.stdout, indent=1)
        print()
    else:
        print_report(results)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
