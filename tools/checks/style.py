#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: braces always, function and file length, licence line, header guards, no loose ends, no platform conditionals
"""The rules of CONTRIBUTING.md that clang-format 14 cannot check.  usage: style.py [PROJECT]"""

import os
import re
import sys

import project

FUNCTION_LINES = 70
FILE_LINES = 800
FILE_LINES_WITHOUT_REASON = 500
REASONS = "tools/checks/long_files.txt"
LICENCE = "SPDX-License-Identifier: Apache-2.0"

CONTROL = re.compile(r"\b(if|for|while|switch|do|else)\b")
LOOSE_END = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\s*\(?#\d+)")
PLATFORM = re.compile(r"\b(ESP_PLATFORM|__linux__|__unix__|_WIN32|__APPLE__|__XTENSA__|CONFIG_IDF_TARGET\w*)\b")
AUTHOR = re.compile(r"@(author|date)\b|\bCopyright\b", re.I)


def after_condition(text, position):
    """The position behind the parenthesis that opens at or after position."""
    start = text.find("(", position)
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def check_braces(name, text, found):
    code = project.without_directives(project.without_comments(text))
    for match in CONTROL.finditer(code):
        word, position = match.group(1), match.end()
        if word in ("if", "for", "while", "switch"):
            if not code[position:].lstrip().startswith("("):
                continue
            position = after_condition(code, position)
        rest = code[position:].lstrip()
        if word == "while" and rest.startswith(";") and code[:match.start()].rstrip().endswith("}"):
            continue  # the end of do { } while ();
        if word == "else" and re.match(r"if\b", rest):
            continue
        if not rest.startswith("{"):
            found.add(name, project.line_of(code, match.start()), f"'{word}' without braces")


def check_functions(name, text, found):
    lines = project.without_directives(project.without_comments(text)).split("\n")
    start, previous = None, ""
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and re.search(r"\)\s*(__attribute__.*)?$", previous):
            start = number
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > FUNCTION_LINES:
                found.add(name, start, f"function of {length} lines, the ceiling is {FUNCTION_LINES}")
            start = None
        if line.strip():
            previous = line.rstrip()


def check_length(name, text, reasons, found):
    count = text.count("\n")
    if count > FILE_LINES:
        found.add(name, count, f"{count} lines, the ceiling is {FILE_LINES}")
    elif count > FILE_LINES_WITHOUT_REASON and name not in reasons:
        found.add(name, count, f"{count} lines: over {FILE_LINES_WITHOUT_REASON} needs a reason in {REASONS}")


def check_licence(name, text, found):
    lines = text.split("\n", 2)
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if LICENCE not in first:
        found.add(name, 1, f"the first line must be: {LICENCE}")


def check_header(name, text, found):
    if not re.search(r"^#pragma once$", text, re.M):
        found.add(name, 1, "a header needs #pragma once")
    public = "/include/" in "/" + name
    declares = re.search(r"^[\w ]+[ *]\w+\([^;{]*\)[^;{]*;", project.without_directives(project.without_comments(text)), re.M)
    if public and declares and 'extern "C"' not in text:
        found.add(name, 1, 'a public header that declares functions needs extern "C"')


def is_platform_code(name):
    return name.startswith("host/") or "/port/" in name


def check_lines(name, text, found):
    comments_only = name.endswith((".c", ".h"))
    code = project.without_comments(text, keep_strings=True) if comments_only else text
    for number, line in enumerate(text.split("\n"), 1):
        if LOOSE_END.search(line):
            found.add(name, number, "a loose end carries the number of its issue: TODO(#12)")
    for number, line in enumerate(code.split("\n"), 1):
        if re.match(r"\s*#\s*if\s+0\b", line):
            found.add(name, number, "#if 0: version control remembers removed code")
        if re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line) and PLATFORM.search(line) and not is_platform_code(name):
            found.add(name, number, "platform conditional outside host/ and port/")


def check_authors(name, text, found):
    for number, line in enumerate(text.split("\n"), 1):
        if AUTHOR.search(line):
            found.add(name, number, "no author, date or copyright comments: version control knows")


def read_reasons(root, found):
    reasons = {}
    path = os.path.join(root, REASONS)
    if not os.path.exists(path):
        return reasons
    for number, line in enumerate(project.read(root, REASONS).split("\n"), 1):
        name, _, reason = line.split("#")[0].strip().partition(" ")
        if name and not reason.strip():
            found.add(REASONS, number, f"{name}: no reason given")
        elif name and not os.path.exists(os.path.join(root, name)):
            found.add(REASONS, number, f"{name}: there is no such file")
        elif name:
            reasons[name] = reason.strip()
    return reasons


def main():
    root = project.root_of(sys.argv)
    found = project.Findings("style")
    reasons = read_reasons(root, found)
    c_files = project.files(root, ".c", ".h")
    scripts = project.files(root, ".py", ".sh", ".cmake", "CMakeLists.txt", "Kconfig")
    for name in c_files:
        text = project.read(root, name)
        check_licence(name, text, found)
        check_braces(name, text, found)
        check_functions(name, text, found)
        check_length(name, text, reasons, found)
        check_lines(name, text, found)
        check_authors(name, text, found)
        if name.endswith(".h"):
            check_header(name, text, found)
    for name in scripts:
        check_licence(name, project.read(root, name), found)
    return found.report(len(c_files) + len(scripts))


if __name__ == "__main__":
    sys.exit(main())
