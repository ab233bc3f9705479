# SPDX-License-Identifier: Apache-2.0
"""Each figure of the targets taken apart: what our own code does with its instructions and what that buys, what the kernel's calls
cost, and what the device shows. The sums are the figures: nothing here is typed by hand.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lx7"))

import explain  # noqa: E402
import lx7      # noqa: E402

# Step, what it buys, and the functions (file:function) that take it; the first that fits.
STEPS = (
    ("list of free blocks", "a block in the same time always, from both cores and interrupts, without a critical section",
     r"memory_pool:(take_number|list_push|raise_high_water|get_free|give_back)"),
    ("block: header, guard, state", "whose it is; a second free, an overrun and a foreign address are found",
     r"memory_pool\w*:"),
    ("quotas", "no owner takes another's memory, rate or time", r"(quota_|resource_quota)\w*:"),
    ("whose task, system up, in an interrupt?", "what is charged, and that nobody is cut in the middle",
     r"(identity_backend|system_internal):|event_internal:(system_(enter|leave|identity)\w*)"),
    ("arguments, receivers, header", "only who may posts, only what exists, to whom subscribed",
     r"(event_(bus|routes|describe|types|internal|reach\w*|subscriptions|batch)|service_manager|event_system\w*|found_once):"),
    ("mailbox and its lanes", "a slow or hung subscriber holds up nobody, priorities hold", r"(event_mailbox|priority_queue)\w*:"),
    ("worker: take, call, book", "the supervisor sees who runs what since when, and can end it",
     r"(event_worker|system_lock_internal|supervisor_\w+)\w*:"),
    ("wake a task that may be gone", "a worker deleted by somebody else is not notified", r"(task_ref|core|task_backend)\w*:"),
    ("handler times", "histograms, the slowest handler, alarms", r"handler_monitor\w*:"),
    ("flight recorder", "what happened before a reset, with a checksum against torn records", r"flight_recorder\w*:"),
    ("copying 32 B", "the publisher's memory is its own again", r"libc:"),
    ("call and handler, of the bench", "", r"cases:"),
    ("register windows", "32 registers here, 64 on the S3: most of these do not happen there", re.escape(explain.WINDOWS)),
    ("counting itself, taken off for each stretch and call of the kernel", "", re.escape(explain.CALLS)),
)
OTHER = ("others", "")
CALLS = (  # of the kernel, and what an instruction of FreeRTOS' is counted as: lx7.CHIP
    ("critical", "critical sections"), ("within", "of these, asking for an interrupt first"), ("time", "looks at the clock"),
    ("state", "eTaskGetState() in the section that notifies"), ("isr", "in an interrupt?"), ("tls", "thread-local pointers"))
# Target, its figure, the operations that it is made of, and of the device: what is beside it there, and what the switch costs.
FIGURES = (
    ("Pool, allocate and free", 120, ("pool_alloc", "pool_free"), "Kraken-OS, pool: allocate and free", None),
    ("Bursts of 32, per event", 600, ("post_burst", "dispatch_burst"), "Kraken-OS, burst of 32, each", None),
    ("Each further subscriber, burst", 250, ("further_post", "further_dispatch"), "Kraken-OS, each further subscriber, burst", None),
    ("CRITICAL, one way", 1700, ("one_way_critical",), "Kraken-OS, CRITICAL: one way", "task notification: one way"),
    ("NORMAL and back", 3200, ("idle",), "Kraken-OS, NORMAL: and back", "task notification: and back"),
    ("Flight recorder, record of an event", 100, ("recorder",), "Kraken-OS, flight recorder: record of an event", None),
)


def step_of(function, file):
    name = f"{os.path.splitext(os.path.basename(file))[0]}:{function}" if file else function
    return next(((step, buys) for step, buys, pattern in STEPS if re.match(pattern, name)), OTHER)


def whole(parts, total):
    """parts rounded so that their sum is the rounded total: what is left goes to those that lost most by it"""
    rounded = [int(part // 1) for part in parts]
    left = round(total) - sum(rounded)
    order = sorted(range(len(parts)), key=lambda i: rounded[i] - parts[i])
    for i in range(left):
        rounded[order[i % len(order)]] += 1
    return rounded


def calls_of(counted, operation):
    """-> {kind: how many calls of the kernel}"""
    if not operation.startswith("further_"):
        return counted[operation]["calls"]
    one = counted[operation.removeprefix("further_") + "_burst"]["calls"]
    every = counted[f"{operation.removeprefix('further_')}_burst_{explain.SUBSCRIBERS}"]["calls"]
    return {kind: (every[kind] - one[kind]) / (explain.SUBSCRIBERS - 1) for kind in every}


def take_apart(traced, counted, device):
    """-> [{"what", "target", "columns", "ours": [(step, [n…], buys)], "kernel": [...], "sum", "device"}]"""
    result = []
    for what, target, operations, shown, switch in FIGURES:
        table = {}
        for column, operation in enumerate(operations):
            for (function, file, _), n in traced[operation].items():
                table.setdefault(step_of(function, file), [0.0] * len(operations))[column] += n
            calls = calls_of(counted, operation)
            for kind, name in CALLS:
                if calls[kind] >= 0.005:
                    key = (f"{name}, at {lx7.CHIP[kind]}", None)
                    table.setdefault(key, [0.0] * len(operations))[column] += calls[kind] * lx7.CHIP[kind]
        order = [step[:2] for step in STEPS] + [OTHER]
        keys = sorted(table, key=lambda key: (key[1] is None, order.index(key) if key[1] is not None else list(table).index(key)))
        columns = [whole([table[key][i] for key in keys], sum(table[key][i] for key in keys)) for i in range(len(operations))]
        rows = [(key[0], [column[n] for column in columns], key[1]) for n, key in enumerate(keys)]
        rows = [row for row in rows if any(row[1])]
        notified = device["rows"][switch] if switch else 0
        result.append({"what": what, "target": target, "operations": operations, "ours": [row for row in rows if row[2] is not None],
                       "kernel": [row for row in rows if row[2] is None], "sum": [sum(column) for column in columns],
                       "switch": notified, "device": device["rows"][shown]})
    return result


def measure(build_dir, device):
    program = lx7.build(build_dir, os.path.join(build_dir, "lx7"))
    return take_apart(explain.ours(program), lx7.parse(lx7.run(program)), device)
