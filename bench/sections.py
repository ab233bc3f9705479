# SPDX-License-Identifier: Apache-2.0
"""What is measured, section by section. Each takes the runner and the sections before it, and returns plain data."""

import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import device as accepted_device
import explained as explanation
import plot

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lx7"))

import lx7 as emulated  # noqa: E402

SYSTEMS = ("kraken", "queue", "esp_event", "glib")
PRIORITIES = {"CRITICAL": 0, "HIGH": 100, "NORMAL": 200, "LOW": 255}
SIZES = (0, 32, 256, 1024)


def throughput(runner, _):
    """events a second, bursts of 32: rivals side by side, then Kraken-OS by size, fan-out and priority"""
    events = 8000 if runner.quick else 32000
    cases = {}
    for subscribers in (1, 8):
        for size in SIZES if not runner.quick else (32, 1024):
            for system in SYSTEMS:
                cases[f"{system} 1:{subscribers} {size} B burst"] = (
                    "throughput", f"system={system}", f"subscribers={subscribers}", f"size={size}",
                    f"events={events // subscribers}")
    for system in SYSTEMS:
        cases[f"{system} 1:1 32 B stream"] = ("throughput", f"system={system}", "mode=stream", f"events={events}")
    for name, value in PRIORITIES.items():
        cases[f"kraken 1:1 32 B burst {name}"] = ("throughput", f"priority={value}", f"events={events}")
    return runner.interleaved(cases)


def latency(runner, _):
    """from the post to the handler's first line, in nanoseconds"""
    samples = 50 if runner.quick else 100
    cases = {}
    for system in SYSTEMS:
        cases[f"{system} 1:1 32 B idle"] = ("latency", f"system={system}", f"samples={samples}")
    for load in ("idle", "flood"):
        for name, value in PRIORITIES.items():
            cases[f"kraken 1:1 32 B {load} {name}"] = ("latency", f"priority={value}", f"load={load}", f"samples={samples}")
    for subscribers, size in ((8, 32), (1, 0), (1, 256), (1, 1024)):
        cases[f"kraken 1:{subscribers} {size} B idle"] = (
            "latency", f"subscribers={subscribers}", f"size={size}", f"samples={samples}")
    return runner.interleaved(cases)


def producers(runner, _):
    """posts a second of one publisher and of two on cores of their own"""
    return runner.interleaved({f"{n}": ("producers", f"producers={n}") for n in (1, 2)})


def pools(runner, _):
    """nanoseconds for allocate + free"""
    return runner.interleaved({f"{size} B": ("pool_time", f"size={size}", "rounds=20") for size in (64, 256, 1024)})


def instructions(runner, _):
    """instructions of each operation, and of whole exchanges beside the rivals"""
    operations, _figures = runner.count("operations")
    result = {"operations": {name: rounded(count) for name, count in operations.items()}, "exchanges": {}}
    for system in SYSTEMS[:3]:
        figures = runner.case("throughput", f"system={system}", "events=32")
        if "missing" in figures:
            result["exchanges"][system] = figures
            continue
        counts, _figures = runner.count("operations", f"system={system}")
        result["exchanges"][system] = {name: round(counts[name]["total"]) for name in ("round_trip", "burst")}
    return result


def scale(runner, _):
    """instructions of one event (post and handler) beside services, types and subscriptions that take no part"""
    result = {}
    rows = [(runner, "", *row) for row in ((0, 0, 0), (4, 16, 16), (12, 40, 60), (12, 40, 100))]
    if runner.wide:
        rows += [(runner.wide, "wide tables, ", *row) for row in ((0, 0, 0), (44, 64, 64), (44, 256, 256), (44, 256, 512))]
    for program, tables, services, types, subscriptions in rows:
        counts, _figures = program.count("scale", f"services={services}", f"types={types}", f"subscriptions={subscriptions}")
        result[f"{tables}{services} services, {types} types, {subscriptions} subscriptions"] = rounded(counts["event"])
    return result


def fragmentation(runner, _):
    """1 - largest free block / free bytes of the largest internal region, over published traces"""
    steps = 200000 if runner.quick else 1000000
    result = {}
    for trace in ("events", "apps", "buffers"):
        for allocator in ("malloc", "pools"):
            runs = [runner.case("fragmentation", f"trace={trace}", f"allocator={allocator}", f"steps={steps}", f"trace_seed={seed}")
                    for seed in range(1, 2 if runner.quick else 4)]
            result[f"{trace} {allocator}"] = {name: statistics.mean(run[name] for run in runs) for name in runs[0]}
    recorded = os.path.join(runner.root, "bench/demo.trace")
    for allocator in ("malloc", "pools"):
        result[f"demo {allocator}"] = runner.case("fragmentation", f"file={recorded}", f"allocator={allocator}", f"steps={steps}")
    return result


def overhead(runner, _):
    """instructions a second of the idle system; share of a core that does one instruction a cycle at 240 MHz"""
    result = {}
    for key, words in (("nothing watched", ("services=0",)), ("8 services, 30 s (default)", ("services=8", "timeout_ms=30000")),
                       ("8 services, 1 s", ("services=8", "timeout_ms=1000"))):
        counts, figures = runner.count("overhead", "seconds=60", *words)
        if figures.get("timeouts") != "0":
            raise RuntimeError(f"overhead {key}: the idle system had {figures.get('timeouts')} timeouts")
        idle = counts["idle"]
        result[key] = {"ours_per_s": round(idle["ours"]), "total_per_s": round(idle["total"]),
                       "percent_of_240_mhz": idle["total"] / 240e6 * 100}
    return result


def memory(runner, _):
    """bytes: what a queued event costs beside its payload, what the core takes, flash and RAM of each module on the device"""
    return {"figures": runner.case("memory"), "modules": modules(runner) if runner.modules else [], "chip": chip_memory(runner.build_dir)}


def modules(runner):
    """flash and RAM of the sources of the core and of each component, as lines; findings are the business of ./kraken check"""
    done = subprocess.run([sys.executable, os.path.join(runner.root, "tools/checks/size.py"), runner.root, runner.build_dir,
                           "--modules"], capture_output=True, text=True, check=False)
    return [line.strip() for line in done.stdout.splitlines()
            if re.match(r" *(components/system/src/|components/|apps/|main)\S*( +\d+){4}$", line)]


# What an owner, a subscription and a queued event take in tables, on the chip.
TABLES = {
    "each service or app": ("service_record_t", "mailbox_t", "quota_state_t", "quota_account_t"),
    "each subscription": ("event_sub_t",),
    "each queued event: header and mailbox entry": ("pool_block_t", "queue_entry_t"),
}


def chip_memory(build_dir):
    """-> {what: {type: bytes}}; nothing without the cross compiler"""
    if not shutil.which(emulated.TOOL + "gcc"):
        return {}
    found = emulated.sizes(build_dir, os.path.join(build_dir, "lx7"), ("event_internal.h", "service_record.h", "quota_state.h"),
                           [name for names in TABLES.values() for name in names])
    return {what: {name: found[name] for name in names} for what, names in TABLES.items()}


APP = """
#include "system_service/app_manager.h"
__asm__(".section .rodata\\n.globl filler\\nfiller: .incbin \\"FILLER\\"\\n.previous");
extern const char filler[];
void app_main(app_context_t *ctx);
void app_main(app_context_t *ctx)
{
    ctx->log(ctx, ESP_LOG_DEBUG, "%p", (const void *)filler);
    while (ctx->sleep_ms(ctx, 1000)) {
    }
}
"""


def app_package(folder, kilobytes):
    """A package of an app with so many incompressible constants -> its path"""
    tool = os.path.join(folder, "sdk", "bin", "kraken-app")
    app = os.path.join(folder, f"app{kilobytes}")
    environment = dict(os.environ, KRAKEN_KEY=os.path.join(folder, "key.pem"))
    subprocess.run([tool, "new", app], check=True, capture_output=True)
    filler = os.path.join(folder, f"filler{kilobytes}")
    with open(filler, "wb") as file:
        file.write(random.Random(kilobytes).randbytes(kilobytes * 1024) + b"\0")
    with open(os.path.join(app, f"app{kilobytes}.c"), "w", encoding="utf-8") as file:
        file.write(APP.replace("FILLER", filler))
    subprocess.run([tool, "build", app], check=True, capture_output=True, env=environment)
    return os.path.join(app, "build", f"app{kilobytes}.kapp")


def apps(runner, _):
    """an app package on the board, by size: to verify, install, load and start it, and the heap that this takes"""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["/usr/bin/python3", os.path.join(runner.root, "sdk/make_sdk.py"), runner.root, os.path.join(folder, "sdk")],
                       check=True)
        packages = {f"{n} KB": app_package(folder, n) for n in (0, 64, 384)}
        shown = subprocess.run([os.path.join(folder, "sdk", "bin", "kraken-app"), "key", os.path.join(folder, "key.pem.pub")], check=True,
                               capture_output=True, text=True).stdout
        return runner.interleaved({key: ("apps", f"package={path}", f"key={shown.split()[1]}") for key, path in packages.items()})


def lx7(runner, _):
    """instructions of our own code on an emulated core of the chip's generation, and with FreeRTOS' own calls"""
    if not shutil.which(emulated.TOOL + "gcc") or not shutil.which(emulated.EMULATOR[0]):
        return {"missing": f"{emulated.TOOL}gcc or {emulated.EMULATOR[0]}: see tools/packages.txt"}
    runner.progress("the emulated core")
    return {name: {"ours": row["ours"], "longest": row["longest"], "chip": emulated.on_the_chip(row),
                   "switches": row["calls"]["notify"] >= 1 or row["calls"]["take"] >= 1}
            for name, row in emulated.count(runner.build_dir).items()}


def rounded(count):
    return {name: round(count[name], 1) for name in ("ours", "board", "rest", "total")}


def promises(runner, done):
    """the specification's figures, each beside what was measured"""
    rows = []

    def row(promise, figure, holds):
        rows.append({"promise": promise, "measured": figure, "holds": bool(holds)})

    if "latency" in done:
        worst = max(v["ns_p99"] for k, v in done["latency"].items() if k.startswith("kraken"))
        row("event latency < 1 ms", f"p99 at most {worst / 1000:.0f} µs in any line above", worst < 1e6)
    if "throughput" in done:
        rate = done["throughput"]["kraken 1:1 32 B burst"]["events_per_s"]
        row("1000+ events/s", f"{rate:,.0f} events/s", rate >= 1000)
    if "instructions" in done:
        operations = done["instructions"]["operations"]
        fresh, used = (operations[name]["ours"] for name in ("pool_alloc", "pool_alloc_half_used"))
        row("pools allocate in O(1)", f"{fresh:.0f} instructions from a fresh pool, {used:.0f} from a half used one",
            abs(used - fresh) <= 0.03 * fresh)
    if "fragmentation" in done:
        lower = []
        for trace in ("events", "apps", "buffers", "demo"):
            malloc, pool = (done["fragmentation"][f"{trace} {a}"]["mean"] for a in ("malloc", "pools"))
            lower.append((1 - pool / malloc) * 100 if malloc else 0)
        row("fragmentation 60-80 % lower than malloc/free", ", ".join(f"{x:+.0f} %" for x in lower) + " lower (negative: higher)",
            min(lower) >= 60)
    if "overhead" in done:
        share = done["overhead"]["8 services, 30 s (default)"]["percent_of_240_mhz"]
        row("watchdog < 0.1 % CPU", f"{share:.4f} % of a core at 240 MHz, everything idle counted", share < 0.1)
    recoveries = [runner.case("recovery", f"seed={seed}") for seed in range(1, 6 if runner.quick else 21)]
    worst = max(r["noticed_to_running_ms"] for r in recoveries)
    row("recovery < 5 s", f"{worst:.0f} ms from the fault noticed to running, worst of {len(recoveries)} seeds (virtual time)", worst < 5000)
    return rows


def device(runner, _):
    """the last accepted run of bench/idf"""
    return accepted_device.read(runner.root)


def explained(runner, done):
    """the instructions of each target by what they are for"""
    if "missing" in done.get("lx7", {}):
        return done["lx7"]
    runner.progress("the emulated core, traced")
    return explanation.measure(runner.build_dir, accepted_device.read(runner.root))


def targets(runner, done):
    """what is aimed at, in instructions: by the last accepted run of bench/idf, and where it does not say, by the emulated core"""
    rows, shown = [], accepted_device.read(runner.root)["rows"]

    def row(what, target, stock, measured, holds, source="D"):
        rows.append({"what": what, "target": target, "stock": stock, "measured": measured, "holds": bool(holds), "source": source})

    def most(what, target, stock, measured, source="D"):
        row(what, f"≤ {target:,}", f"{shown[stock]:,}" if stock in shown else stock, f"{measured:,.0f}", measured <= target, source)

    critical, beside = (shown[f"Kraken-OS, CRITICAL{name}: one way"] for name in ("", ", full LOW backlog beside"))
    further = {name: (shown[f"{name}, burst of 32, 8 subscribers, each"] - shown[f"{name}, burst of 32, each"]) / 7
               for name in ("Kraken-OS", "esp_event")}
    most("post to handler and back, idle, 1 subscriber", 3200, "esp_event: and back", shown["Kraken-OS, NORMAL: and back"])
    most("one way, CRITICAL", 1700, "esp_event: one way", critical)
    row("the same beside a full LOW backlog", "± 10 %", "", f"{beside:,} ({beside / critical - 1:+.0%})", abs(beside / critical - 1) <= 0.1)
    most("bursts of 32, then drained, per event", 600, "esp_event, burst of 32, each", shown["Kraken-OS, burst of 32, each"])
    most("each further subscriber, burst", 250, f"{further['esp_event']:,.0f}", further["Kraken-OS"])
    most("pool, allocate and free (beside it: the heap)", 120, "heap: malloc and free", shown["Kraken-OS, pool: allocate and free"])
    chip = done.get("lx7", {})
    if chip and "missing" not in chip:
        most("its longest critical section", 20, "", max(chip[name]["longest"] for name in ("pool_alloc", "pool_free")), "L")
        most("flight recorder, record of an event", 100, "", chip["recorder"]["chip"], "L")
    most("the same", 100, "", shown["Kraken-OS, flight recorder: record of an event"])
    calls = shown["Kraken-OS, heap calls of the bus since the seal"]
    row("heap calls per event", "0", "≥ 1", f"{calls}", calls == 0)
    return rows


def targets_pc(_, done):
    """what is aimed at on the PC"""
    rows = []

    def row(what, target, measured, holds):
        rows.append({"what": what, "target": target, "measured": measured, "holds": bool(holds)})

    if "memory" in done:
        figures = done["memory"]["figures"]
        row("bytes of the heap for an event", "0", f"{figures['heap_per_event']:.0f}", figures["heap_per_event"] == 0)
        row("bytes beside the payload of a queued event", "≤ 32", f"{figures['event_bookkeeping']:.0f}", figures["event_bookkeeping"] <= 32)
    if "throughput" in done:
        rate = done["throughput"]["kraken 1:1 32 B stream"]["events_per_s"]
        row("events/s, 1→1, bursts, 2 cores", "≥ 1,000,000", f"{rate:,.0f}", rate >= 1e6)
    if "latency" in done:
        p99 = done["latency"]["kraken 1:1 32 B idle"]["ns_p99"] / 1000
        row("p99 one way, idle, µs", "≤ 50", f"{p99:.0f}", p99 <= 50)
    if "producers" in done:
        ratio = done["producers"]["2"]["posts_per_s"] / done["producers"]["1"]["posts_per_s"]
        row("two producers on two cores, of one", "≥ 1.6", f"{ratio:.2f}", ratio >= 1.6)
    return rows


THIRD = 10 * 24  # points: ten days of thirty


def simulated_month(runner):
    """30 days, one point an hour, one allocation or release a second -> {allocator: (figures, points)}"""
    common = ("fragmentation", "trace=mixed", f"steps={3 * THIRD * 3600}", f"points={3 * THIRD}", "plot=1")
    return {name: runner.plotted(*common, f"allocator={name}") for name in ("malloc", "pools")}


def month(runner, _):
    """the simulated month in figures, its first and last ten days beside each other"""
    return {name: {**figures, "first": statistics.mean(point[1] for point in points[:THIRD]),
                   "last": statistics.mean(point[1] for point in points[-THIRD:])}
            for name, (figures, points) in simulated_month(runner).items()}


def month_svg(runner, text):
    return plot.month({name: points for name, (_figures, points) in simulated_month(runner).items()}, text)
