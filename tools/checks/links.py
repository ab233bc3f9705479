#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: links between the documents lead somewhere, headings included
"""Relative links and anchors of all Markdown files.  usage: links.py [PROJECT]"""

import os
import re
import sys

import project

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")


def slug(heading):
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower().replace("`", "")
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text):
    result, seen = set(), {}
    for match in re.finditer(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", FENCE.sub("", text), re.M):
        name = slug(match.group(1))
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.add(f"{name}-{count}" if count else name)
    return result | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def check(root, name, found):
    text = project.read(root, name)
    prose = CODE.sub(lambda m: project.blank(m.group()), FENCE.sub(lambda m: project.blank(m.group()), text))
    for match in LINK.finditer(prose):
        target = match.group(1) or match.group(2)
        line = project.line_of(prose, match.start())
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        if not os.path.exists(os.path.join(root, file)):
            found.add(name, line, f"dead link: {target}")
        elif anchor and file.endswith(".md") and anchor not in anchors(project.read(root, file)):
            found.add(name, line, f"no such heading: {target}")


def main():
    root = project.root_of(sys.argv)
    found = project.Findings("links")
    names = project.files(root, ".md")
    for name in names:
        check(root, name, found)
    return found.report(len(names))


if __name__ == "__main__":
    sys.exit(main())
