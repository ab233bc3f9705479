# SPDX-License-Identifier: Apache-2.0
"""What bench/idf printed on the device or under its emulator: ./kraken bench --device FILE --renew takes the console's output."""

import os
import re

ACCEPTED = "bench/accepted_device.txt"
BEGIN, END = "kraken bench: ESP-IDF", "kraken bench: done"
ROW = re.compile(r"(\S.*?)\s+(\d+)$")
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
UNIT = "1000 instructions that do nothing"
# What docs/PERFORMANCE.md is made of; bench/idf prints all of them, or a run is not whole.
NEEDED = (
    UNIT, "critical section", "esp_timer_get_time()", "eTaskGetState() of a task that waits", "heap: malloc and free",
    "task notification: one way", "task notification: and back", "queue and task, 40 B: one way", "queue and task, 40 B: and back",
    "queue and task, burst of 32, each", "esp_event: one way", "esp_event: and back", "esp_event, burst of 32, each",
    "esp_event, burst of 32, 8 subscribers, each", "Kraken-OS, NORMAL: one way", "Kraken-OS, NORMAL: and back",
    "Kraken-OS, CRITICAL: one way", "Kraken-OS, CRITICAL: and back", "Kraken-OS, CRITICAL, full LOW backlog beside: one way",
    "Kraken-OS, CRITICAL, full LOW backlog beside: and back", "Kraken-OS, burst of 32, each",
    "Kraken-OS, burst of 32, 8 subscribers, each", "Kraken-OS, pool: allocate and free",
    "Kraken-OS, flight recorder: record of an event", "Kraken-OS, flight recorder: mark, clock and task too",
    "Kraken-OS, heap calls of the bus since the seal",
)
COUNTS = ("Kraken-OS, heap calls of the bus since the seal",)  # no cycles


def table_of(text, path):
    """the console's output -> the lines of the table in it"""
    lines = [ESCAPES.sub("", line).strip() for line in text.replace("\r", "").splitlines()]
    begins = [i for i, line in enumerate(lines) if line.startswith(BEGIN)]
    if not begins:
        raise RuntimeError(f"{path}: no output of bench/idf: a line that begins with '{BEGIN}' is looked for")
    lines = lines[begins[-1]:]
    failed = next((line for line in lines if line.startswith("bench: failed")), None)
    if failed or END not in lines:
        raise RuntimeError(f"{path}: the run did not end: {failed or 'the last line should be ' + END}")
    lines = lines[:lines.index(END) + 1]
    return [lines[0], *(line for line in lines[1:-1] if ROW.match(line)), lines[-1]]


def parse(lines, path):
    """-> {"on": what it ran on, "rows": {name: instructions}}; cycles become instructions by the row that tells their worth"""
    cycles = {match.group(1): int(match.group(2)) for match in map(ROW.match, lines[1:-1])}
    missing = [name for name in NEEDED if name not in cycles]
    if missing or cycles[UNIT] < 1:
        raise RuntimeError(f"{path}: without {', '.join(missing) or UNIT}: of another version of bench/idf?")
    return {"on": lines[0].split(": ", 1)[1].split("; ", 1)[0], "unit": cycles[UNIT] / 1000,
            "rows": {name: n if name in COUNTS else round(n * 1000 / cycles[UNIT]) for name, n in cycles.items()}}


def read(root, path=None):
    """the last accepted run, or that of a file"""
    path = path or os.path.join(root, ACCEPTED)
    with open(path, encoding="utf-8", errors="replace") as file:
        return parse(table_of(file.read(), path), path)


def accept(root, path):
    """keep what was printed; a file that is not whole is refused, and the old one stays"""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = table_of(file.read(), path)
    parse(lines, path)
    with open(os.path.join(root, ACCEPTED), "w", encoding="utf-8") as file:
        file.write("# What bench/idf printed, in cycles; ./kraken bench --device FILE --renew writes this file.\n" + "\n".join(lines) + "\n")
    print(f"{ACCEPTED}: {lines[0].split(': ', 1)[1]}")
