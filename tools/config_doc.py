#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/CONFIGURATION.md from the Kconfig files of the project's own components.  usage: config_doc.py PROJECT [--write | --check]

Without an option the text goes to standard output. --check fails when the file differs from it.
"""

import os
import sys

TARGET = "docs/CONFIGURATION.md"
HEAD = """# Configuration

Generated from the Kconfig files by `./kraken check --generated --fix`; do not edit.

Both builds read the same options: `idf.py menuconfig` for the firmware, `./kraken menuconfig` for the virtual board. The project's
defaults are in [sdkconfig.defaults](../sdkconfig.defaults); in C an option is `CONFIG_<name>`.
"""


def load(root):
    import kconfiglib
    os.environ["KRAKEN_ROOT"] = root
    os.environ.pop("srctree", None)
    return kconfiglib.Kconfig(os.path.join(root, "host", "Kconfig"), warn_to_stderr=False)


def is_own(node, root):
    path = os.path.relpath(os.path.join(root, node.filename), root)
    return path.startswith(("components/", "apps/", "main/"))


def expression_text(expression):
    import kconfiglib
    return kconfiglib.expr_str(expression)


def range_text(symbol):
    parts = []
    for low, high, condition in symbol.ranges:
        when = "" if condition is symbol.kconfig.y else f" if {expression_text(condition)}"
        parts.append(f"{low.name} … {high.name}{when}")
    return ", ".join(parts)


def default_text(symbol):
    parts = []
    for value, condition in symbol.defaults:
        when = "" if condition is symbol.kconfig.y else f" if {expression_text(condition)}"
        parts.append(f"{expression_text(value)}{when}")
    return ", ".join(parts) or "n"


def entry(node, lines):
    import kconfiglib
    item = node.item
    lines.append(f"\n**{node.prompt[0]}**")
    if isinstance(item, kconfiglib.Symbol):
        facts = [kconfiglib.TYPE_TO_STR[item.orig_type], f"default {default_text(item)}"]
        if item.ranges:
            facts.append(f"range {range_text(item)}")
        lines.append(f"\n`{item.name}`: {', '.join(facts)}")
    if node.help:
        lines.append("\n" + "\n".join(line.strip() for line in node.help.strip().splitlines()))


def walk(node, root, depth, lines):
    import kconfiglib
    while node:
        own = is_own(node, root)
        if node.item is kconfiglib.MENU:
            deeper = depth
            if own:
                lines.append(f"\n{'#' * min(depth, 4)} {node.prompt[0]}")
                deeper = depth + 1
            walk(node.list, root, deeper, lines)
        else:
            if own and node.prompt:
                entry(node, lines)
            walk(node.list, root, depth, lines)
        node = node.next


def text_of(root):
    lines = []
    walk(load(root).top_node.list, root, 2, lines)
    return HEAD + "\n".join(lines) + "\n"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    root = os.path.abspath(sys.argv[1])
    option = sys.argv[2] if len(sys.argv) == 3 else ""
    text, path = text_of(root), os.path.join(root, TARGET)
    if option == "--write":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    elif option == "--check":
        current = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                current = file.read()
        if current != text:
            print(f"{TARGET}:1: not what the Kconfig files say (./kraken check --generated --fix)")
        print(f"generated: 1 files, {int(current != text)} findings")
        return int(current != text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
