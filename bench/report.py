# SPDX-License-Identifier: Apache-2.0
"""The results as tables for people."""


markdown = False  # renew.py: the same tables for a document


def table(header, rows, text_last=False):
    rows = [[str(cell) for cell in row] for row in rows]
    if markdown:
        print("\n| " + " | ".join(header) + " |\n|---|" + "---:|" * (len(header) - 1 - text_last) + "---|" * text_last)
        for row in rows:
            print("| " + " | ".join(row) + " |")
        print()
        return
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        if text_last:
            cells[-1] = row[-1]
        print(("  " + "  ".join([row[0].ljust(widths[0]), *cells])).rstrip())
    print()


def side_by_side(data, figure, scale, unit):
    """rivals in columns, with the ratio to Kraken-OS"""
    systems = ("kraken", "queue", "esp_event", "glib")
    lines = {}
    for key, figures in data.items():
        system, rest = key.split(" ", 1)
        lines.setdefault(rest, {})[system] = figures
    rows = []
    for rest, by_system in lines.items():
        cells = [rest]
        base = by_system["kraken"].get(figure)
        for system in systems:
            figures = by_system.get(system)
            if figures is None or "missing" in figures:
                cells.append("not built" if figures else "")
            else:
                value = figures[figure]
                cells.append(f"{value / scale:,.1f}" + (f" ({value / base:.2f})" if system != "kraken" else ""))
        rows.append(cells)
    table([unit, *systems], rows)


def throughput(data):
    print("Events a second, in thousands; in brackets: of Kraken-OS's figure")
    side_by_side(data, "events_per_s", 1000, "publisher:subscribers, payload")


def latency(data):
    print("From the post to the handler, µs")
    rows = []
    for key, figures in data.items():
        if "missing" in figures:
            rows.append([key, "not built", "", ""])
        else:
            rows.append([key] + [f"{figures['ns_' + p] / 1000:.1f}" for p in ("p50", "p99", "max")])
    table(["", "p50", "p99", "max"], rows)


def producers(data):
    one, two = (data[n]["posts_per_s"] for n in ("1", "2"))
    print(f"Posts a second, in thousands: one publisher {one / 1000:.0f}, two on two cores {two / 1000:.0f}: {two / one:.2f} x\n")


def pools(data):
    print("Allocate + free, ns (median)")
    names = ("pool", "heap_caps", "libc")
    table(["size", *names], [[size] + [f"{figures[n + '_ns_p50']:.0f}" for n in names] for size, figures in data.items()])


def instructions(data):
    print("Instructions of one operation (callgrind, simulator, 32 B)")
    columns = ("ours", "board", "rest", "total")
    table(["", "ours", "the board's kernel", "C library", "total"],
          [[name] + [f"{count[c]:.0f}" for c in columns] for name, count in data["operations"].items()])
    print("Instructions of one event, post to handler, the board's kernel included")
    table(["", "alone, and back", "in bursts of 32"],
          [[name] + (["not built", ""] if "missing" in e else [e["round_trip"], e["burst"]]) for name, e in data["exchanges"].items()])


def scale(data):
    print("Instructions of one event beside what takes no part")
    table(["", "ours", "total"], [[name, f"{c['ours']:.0f}", f"{c['total']:.0f}"] for name, c in data.items()])


def fragmentation(data):
    print("Fragmentation of the largest internal region, %, and what of it is lost")
    rows = [[name] + [f"{v[c] * 100:.1f}" for c in ("mean", "worst", "end")] +
            [f"{v['lost_bytes']:,.0f}", f"{v['least_largest_bytes']:,.0f}", f"{v['heap_calls']:,.0f}", f"{v['failed']:.0f}"]
            for name, v in data.items()]
    table(["trace, allocator", "mean", "worst", "end", "lost bytes", "least largest block", "heap calls", "failed"], rows)


def month(data):
    print("Fragmentation of the largest internal region over the month, %")
    rows = [[name] + [f"{v[c] * 100:.1f}" for c in ("mean", "first", "last", "worst")] +
            [f"{v['least_largest_bytes']:,.0f}", f"{v['heap_calls']:,.0f}", f"{v['failed']:.0f}"] for name, v in data.items()]
    table(["allocator", "mean", "days 1 to 10", "days 21 to 30", "worst", "least largest block", "heap calls", "failed"], rows)


def overhead(data):
    print("The idle system, instructions a second of virtual time")
    table(["watched", "ours", "total", "% of 240 MHz"],
          [[name, f"{v['ours_per_s']:,}", f"{v['total_per_s']:,}", f"{v['percent_of_240_mhz']:.4f}"] for name, v in data.items()])


def memory(data):
    print("Memory, bytes")
    table(["", "bytes"], [[name, f"{value:,.0f}"] for name, value in data["figures"].items()])
    if data["chip"]:
        print("In tables on the chip (Xtensa), bytes; the histogram of a subscription, 44 B, is in PSRAM")
        table(["", "bytes", "of which"],
              [[what, sum(sizes.values()), ", ".join(f"{name} {size}" for name, size in sizes.items())] for what, sizes in data["chip"].items()])
    if data["modules"]:
        print("Each module on the device (Xtensa), bytes")
        table(["", "flash", "RAM", "stacks", "pools"], [line.split() for line in data["modules"]])


def apps(data):
    print("App packages by size: times in µs, sizes in bytes; a start checks the hash, loads, links, and makes the task")
    names = ("package_bytes", "image_bytes", "verify_us", "install_us", "load_us", "start_us", "heap_beside_image", "install_heap_most",
             "heap_running")
    table(["constants", "package", "image", "verify", "install", "load", "start", "heap beside", "heap of install", "heap running"],
          [[key] + [f"{figures[name]:,.0f}" for name in names] for key, figures in data.items()])


def promises(data):
    print("The specification's promises")
    table(["promise", "holds", "measured"], [[r["promise"], "yes" if r["holds"] else "NO", r["measured"]] for r in data])


def lx7(data):
    print("Instructions on the emulated core: our own, the longest stretch with interrupts off, and with FreeRTOS' calls")
    if "missing" in data:
        print(f"  not measured: {data['missing']}\n")
        return
    table(["operation, 32 B", "ours", "longest critical section", "on the chip"],
          [[name, f"{v['ours']:,.0f}", v["longest"] or "", f"{v['chip']:,.0f}" + (" + switch" if v["switches"] else "")]
           for name, v in data.items()])


def targets(data):
    print("Instructions; D: bench/idf on the device or its emulator, L: the emulated core of --lx7")
    table(["", "target", "esp_event", "Kraken-OS", "met", "from"],
          [[r["what"], r["target"], r["stock"], r["measured"], "yes" if r["holds"] else "NO", r["source"]] for r in data])


def targets_pc(data):
    print("On the PC, as far as this machine can tell")
    table(["", "target", "Kraken-OS", "met"], [[r["what"], r["target"], r["measured"], "yes" if r["holds"] else "NO"] for r in data])


def explained(data):
    if isinstance(data, dict):
        print(f"  not measured: {data['missing']}\n")
        return
    print("Each figure taken apart: instructions of the emulated core, FreeRTOS' calls at what they cost on the S3")
    for figure in data:
        parts = len(figure["operations"]) > 1
        sums = figure["sum"]
        total = sum(sums) + figure["switch"]

        def row(what, cells, buys, parts=parts):
            return [what, *(f"{n:,}" for n in cells if parts), f"{sum(cells):,}", buys]

        rows = [row(step, cells, buys) for step, cells, buys in figure["ours"]]
        rows += [row(name, cells, "FreeRTOS, ESP-IDF") for name, cells, _ in figure["kernel"]]
        if figure["switch"]:
            rows.append(["a task notified, switched to" + (" and back" if "back" in figure["what"] else ""),
                         f"{figure['switch']:,}", "FreeRTOS, on the device"])
        rows.append(["**sum**" if markdown else "sum", *(f"{n:,}" for n in sums if parts), f"{total:,}", f"target {figure['target']:,}"])
        rows.append(["on the device", *("" for _ in sums if parts), f"{figure['device']:,}",
                     f"{figure['device'] - total:+,}: 64 registers, another compiler and C library"])
        print(f"**{figure['what']}**" if markdown else figure["what"])
        table(["", *(name.replace("_", " ") for name in figure["operations"] if parts), "instructions", "what it buys"], rows, text_last=True)


def device(data):
    rows = data["rows"]
    print(f"Instructions ({data['on']}; {data['unit']:.2f} cycles each, by a thousand that do nothing)")
    ways = lambda name: f"{rows[name + ': one way']:,} / {rows[name + ': and back']:,}"  # noqa: E731
    one = lambda name: f"{rows[name]:,}"  # noqa: E731
    table(["", "Kraken-OS", "esp_event", "queue and task", "notification"], [
        ["alone, one way / and back", ways("Kraken-OS, NORMAL"), ways("esp_event"), ways("queue and task, 40 B"), ways("task notification")],
        ["CRITICAL", ways("Kraken-OS, CRITICAL"), "", "", ""],
        ["CRITICAL beside a full LOW backlog", ways("Kraken-OS, CRITICAL, full LOW backlog beside"), "", "", ""],
        ["burst of 32, each", one("Kraken-OS, burst of 32, each"), one("esp_event, burst of 32, each"),
         one("queue and task, burst of 32, each"), ""],
        ["burst of 32, 8 subscribers, each", one("Kraken-OS, burst of 32, 8 subscribers, each"),
         one("esp_event, burst of 32, 8 subscribers, each"), "", ""]])
    names = ("critical section", "esp_timer_get_time()", "eTaskGetState() of a task that waits", "heap: malloc and free",
             "Kraken-OS, pool: allocate and free", "Kraken-OS, flight recorder: record of an event",
             "Kraken-OS, flight recorder: mark, clock and task too", "Kraken-OS, heap calls of the bus since the seal")
    table(["", "instructions"], [[name, one(name)] for name in names])


def conditions(data):
    print(f"{data['processor']}, {data['processors']} processors, load {data['load_before']} before; "
          f"{data['compiler']}, {data['flags']}; medians of {data['repetitions']} interleaved repetitions\n")


def print_report(results):
    conditions(results["conditions"])
    for name, data in results["sections"].items():
        globals()[name](data)
