#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SPECIFICATION.md names no test and no file that is not there, and forgets no heading.

usage: test_specification.py BUILD_DIR
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LABELS = "build|port|regression|scenario|spec|system|tools|unit"
# Where a file without a folder may be.
FOLDERS = ["", *(os.path.join("components/system", f) for f in ("include/system_service", "private", "src"))]


def headings(text):
    """The headings of a document, blocks of code left out."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return re.findall(r"^(#{2,3}) (.+)$", text, re.M)


def registered_tests(build_dir):
    """Names as CTest knows them, with and without the scheduler."""
    listing = subprocess.run(["ctest", "--test-dir", build_dir, "-N"], capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^\s*Test\s+#\d+: (\S+)", listing, re.M))
    return names | {re.sub(r"\.(sim|threads)$", "", name) for name in names}


def problems(document, specification, tests):
    own = headings(document)
    for heading in headings(specification):
        if heading not in own:
            yield f"the heading \"{heading[1]}\" of the specification is missing"
    for line, text in enumerate(document.split("\n"), 1):
        for word in re.findall(r"`([^`]+)`", text):
            if re.fullmatch(rf"({LABELS})\.\w+", word):
                if word not in tests and not os.path.exists(os.path.join(ROOT, word)):
                    yield f"line {line}: there is no test {word}"
            elif re.fullmatch(r"[\w./-]*(\.(c|h|py|txt|md|cmake)|/[\w-]+)", word) and not word.startswith("./"):
                if not any(os.path.exists(os.path.join(ROOT, folder, word)) for folder in FOLDERS):
                    yield f"line {line}: there is no file {word}"
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", text)[1:-1]]
        if len(cells) == 3 and cells[0] not in ("promise", "---") and not cells[2] and "**Not yet met**" not in text:
            yield f"line {line}: a promise without a test that is not called unmet"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(os.path.join(ROOT, "docs", "SPECIFICATION.md"), encoding="utf-8") as file:
        document = file.read()
    with open(os.path.join(HERE, "architecture.txt"), encoding="utf-8") as file:
        specification = file.read()
    tests = registered_tests(sys.argv[1])
    # Each kind of mistake is found, or this program proves nothing.
    assert len(tests) > 50, tests
    broken = document.replace("## Overview", "## Ouverture", 1) + "\n| a | `no_such_file.c` | `unit.no_such_test` |\n| b | c | |\n"
    assert len(list(problems(broken, specification, tests))) >= 4 + len(list(problems(document, specification, tests)))
    found = list(problems(document, specification, tests))
    for problem in found:
        print(f"docs/SPECIFICATION.md: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
