#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of a document, run as they stand there by somebody who has never run one.  usage: test_commands.py BUILD_ROOT"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 1200  # a bound for what hangs: docs/APP_DEVELOPMENT.md promises less, of a PC that does nothing else


def commands(document, name):
    with open(os.path.join(ROOT, "docs", document), encoding="utf-8") as file:
        found = re.search(rf"<!-- commands: {name} -->\n```sh\n(.*?)```", file.read(), re.S)
    if not found:
        sys.exit(f"{document}: no commands {name}")
    return found.group(1).splitlines()


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(ROOT, "kraken"), os.path.join(folder, "kraken"))
        environment = dict(os.environ, KRAKEN_BUILD_DIR=sys.argv[1], KRAKEN_NO_INSTALL="1", KRAKEN_STATE=os.path.join(folder, "state"),
                           XDG_CONFIG_HOME=os.path.join(folder, "config"))
        environment.pop("KRAKEN_KEY", None)
        *before, last = commands("APP_DEVELOPMENT.md", "first")
        for command in before:
            subprocess.run(["sh", "-c", command], cwd=folder, env=environment, check=True, timeout=LIMIT_S)
        shown = []
        with subprocess.Popen(["sh", "-c", "exec " + last], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as run:
            for line in run.stdout:
                shown.append(line)
                if "running for 1 s" in line:
                    run.send_signal(signal.SIGINT)
            status = run.wait(LIMIT_S)
        text = "".join(shown)
        print(text)
        if status or "running for 1 s" not in text or "the app stays installed" not in text:
            sys.exit(f"status {status}: this is not what the document promises")


began = time.monotonic()
main()
print(f"{time.monotonic() - began:.1f} s")
