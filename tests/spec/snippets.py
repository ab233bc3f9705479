#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Take the C snippets out of the specification, each into a file of its own.

usage: snippets.py SPECIFICATION OUT_DIR TEST...

Each snippet is copied as written; undone is only the document's way of writing a quote (\\"). It is known by its heading and its
number below that heading. A snippet without a name here, a name without a snippet, and a snippet that none of the TEST files
includes are errors: nothing is skipped.
"""

import os
import re
import sys

NAMES = {
    ("Memory Pool System", 1): "memory_pool",
    ("Service Watchdog", 1): "watchdog",
    ("Priority Event Queues", 1): "priorities",
    ("Resource Quotas", 1): "quotas",
    ("Heap Monitoring", 1): "heap_monitor",
    ("Creating a New Service", 1): "service_structure",
    ("Creating a New Service", 2): "service_init",
    ("Creating a New Service", 3): "service_start",
    ("Event Registration and Subscription", 1): "events",
    ("App Development", 1): "app",
    ("Error Codes", 1): "error_codes",
    ("Error Handling Pattern", 1): "error_pattern",
    ("System Statistics", 1): "statistics",
}


def snippets(text):
    """-> ((heading, number), first line in the document, code) of each C block."""
    heading, count, code, start, other = None, 0, None, 0, False
    for number, line in enumerate(text.split("\n"), 1):
        if code is not None:
            if line.startswith("```"):
                yield (heading, count), start, "\n".join(code) + "\n"
                code = None
            else:
                code.append(line)
        elif not other and re.match(r"```\s*c\s*$", line, re.I):
            code, start, count = [], number + 1, count + 1
        elif line.startswith("```"):
            other = not other
        elif line.startswith("#") and not other:
            heading, count = line.lstrip("#").strip(), 0
    if code is not None:
        sys.exit(f"snippets: the block in line {start} does not end")


def write_if_changed(path, text):
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    document, out_dir, tests = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(document, encoding="utf-8") as file:
        text = file.read()
    included = set()
    for test in tests:
        with open(test, encoding="utf-8") as file:
            included.update(re.findall(r'^#include "snippet_(\w+)\.inc"', file.read(), re.M))
    os.makedirs(out_dir, exist_ok=True)
    seen, problems = set(), []
    for key, line, code in snippets(text):
        name = NAMES.get(key)
        if name is None:
            problems.append(f"line {line}: snippet {key[1]} below \"{key[0]}\" is not known")
            continue
        seen.add(name)
        if name not in included:
            problems.append(f"line {line}: no test includes snippet_{name}.inc")
        location = f'#line {line} "{os.path.basename(document)}"\n'
        write_if_changed(os.path.join(out_dir, f"snippet_{name}.inc"), location + code.replace('\\"', '"'))
    problems += [f"there is no snippet \"{name}\" any more" for name in sorted(set(NAMES.values()) - seen)]
    for problem in problems:
        print(f"{document}: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
