# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files are ours, C text without comments, and how findings are printed."""

import os
import re
import subprocess
import sys

SKIPPED_FOLDERS = {"build", "managed_components", ".git", "__pycache__"}


def files(root, *suffixes):
    """Our files below root, relative to it: what git knows or would take, else what lies there."""
    # The clone may belong to another user than the one who checks it.
    command = ["git", "-C", root, "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    names = result.stdout.splitlines() if result.returncode == 0 else walk(root)
    # A file deleted but not yet committed is still listed.
    return sorted({n for n in names if n.endswith(suffixes) and os.path.isfile(os.path.join(root, n))})


def walk(root):
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [s for s in subfolders if s not in SKIPPED_FOLDERS]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, keep_strings=False):
    """The same text, same line numbers, with comments (and the inside of strings) blanked."""
    def replace(match):
        token = match.group()
        if token[0] == "/":
            return blank(token)
        return token if keep_strings else token[0] + blank(token[1:-1]) + token[-1]
    return TOKEN.sub(replace, text)


def without_directives(text):
    """Blank the preprocessor's lines, continuations included."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: blank(m.group()), text, flags=re.M)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Findings:
    def __init__(self, what):
        self.what = what
        self.list = []

    def add(self, name, line, text):
        self.list.append((name, line, text))

    def report(self, examined):
        """Print; -> exit status. Nothing examined is a failure: the check would prove nothing."""
        for name, line, text in sorted(self.list):
            print(f"{name}:{line}: {text}")
        print(f"{self.what}: {examined} files, {len(self.list)} findings")
        if not examined:
            print(f"{self.what}: there was nothing to look at")
        return 1 if self.list or not examined else 0


def root_of(argv):
    return argv[1] if len(argv) > 1 else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def fail(text):
    sys.exit(text)
