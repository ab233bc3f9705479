# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/PERFORMANCE.md, written again where it says so:

<!-- bench: SECTION -->
what ./kraken bench --only SECTION prints
<!-- end -->
"""

import contextlib
import io
import os
import re

import report
import sections

DOCUMENT = "docs/PERFORMANCE.md"
PLOT = "docs/heap_month.svg"
WALL_CLOCK = ("throughput", "latency", "producers", "pools")
# Judged by what others measured: half of a table is worse than an old one.
DERIVED = {
    "targets": ("lx7",),
    "targets_pc": ("memory", "throughput", "latency", "producers"),
    "promises": ("latency", "throughput", "instructions", "fragmentation", "overhead"),
}
BLOCK = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- end -->)", re.S)


def text_of(name, data):
    """what report.py prints of a section, as Markdown"""
    out = io.StringIO()
    report.markdown = True
    with contextlib.redirect_stdout(out):
        getattr(report, name)(data)
    report.markdown = False
    return re.sub(r"\n{3,}", "\n\n", out.getvalue()).strip() + "\n"


def renewed(text, results):
    """-> the document with the sections that there are results of"""
    done = dict(results["sections"])
    for name, sources in DERIVED.items():
        if not all(source in done for source in sources):
            done.pop(name, None)
    if any(name in done for name in WALL_CLOCK):  # the others do not depend on the machine
        done["conditions"] = results["conditions"]
    return BLOCK.sub(lambda m: m.group(1) + text_of(m.group(2), done[m.group(2)]) + m.group(3) if m.group(2) in done else m.group(0), text)


def document(root, results):
    path = os.path.join(root, DOCUMENT)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = {name for _, name, _ in BLOCK.findall(text)}
    with open(path, "w", encoding="utf-8") as file:
        file.write(renewed(text, results))
    print(f"{DOCUMENT}: written again: {' '.join(name for name in results['sections'] if name in found)}")


def month(runner):
    """the plot, with the table below it for who cannot see it"""
    svg = sections.month_svg(runner, text_of("month", sections.month(runner, {})))
    with open(os.path.join(runner.root, PLOT), "w", encoding="utf-8") as file:
        file.write(svg)
    print(f"{PLOT}: written again")
