#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Watch the test app of the target until it has given its figures.

usage: device_test.py [--timeout S] -- COMMAND…     what an emulator prints
       device_test.py [--timeout S] --port DEVICE   what a board sends

Everything is passed on. Exit status: 0 nothing failed; 1 something failed; 4 the figures did not come in time, or at all.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time

FIGURES = re.compile(r"^(\d+) passed, (\d+) failed\s*$")


def watch(lines):
    """-> exit status, once the figures have come"""
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        print(text, flush=True)
        match = FIGURES.match(text)
        if match:
            # No test at all is no success.
            return 0 if int(match.group(1)) and not int(match.group(2)) else 1
    return 4


def of_command(command, timeout):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        def end():
            try:
                # The emulator is a child of the command's.
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        timer = threading.Timer(timeout, end)
        timer.start()
        try:
            return watch(process.stdout)
        finally:
            timer.cancel()
            end()


def of_port(port, timeout):
    try:
        import serial
    except ImportError:
        sys.exit("device_test: the Python module serial is missing: it is in ESP-IDF's environment (. <esp-idf>/export.sh)")
    with serial.Serial(port, 115200, timeout=1) as line:
        # Pulling the reset line: the test app begins anew, and nothing of it is missed.
        line.dtr, line.rts = False, True
        time.sleep(0.1)
        line.rts = False
        end = time.monotonic() + timeout

        def lines():
            rest = b""
            while time.monotonic() < end:
                rest += line.read(256)
                *whole, rest = rest.split(b"\n")
                yield from whole
        return watch(lines())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--port")
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    if bool(args.port) == bool(args.command):
        parser.error("either --port or a command")
    status = of_port(args.port, args.timeout) if args.port else of_command(args.command, args.timeout)
    if status == 4:
        print(f"device_test: no figures within {args.timeout:g} s", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
