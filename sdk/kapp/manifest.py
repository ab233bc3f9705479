# SPDX-License-Identifier: Apache-2.0
"""The manifest: app.toml to the fields of the package, and back for people."""

import re
import struct

from .errors import KappError

GROUPS = ("core", "events", "storage", "display", "audio", "input", "network", "bluetooth", "system")
QUOTA = ("events_per_sec", "subscriptions", "event_data_size", "memory_bytes", "cpu_percent")
NAME = re.compile(r"[A-Za-z0-9_.-]+")
PATTERN = re.compile(r"[A-Za-z0-9_.-]+\*?")
NAME_MAX = 31
# What app.toml may hold: table -> keys.
KNOWN = {
    "app": {"id", "name", "version", "author", "description", "icon"},
    "task": {"stack", "handler_stack", "watchdog_ms", "priority", "restart_on_crash"},
    "interfaces": set(GROUPS),
    "permissions": {"groups", "post", "subscribe"},
    "quota": set(QUOTA),
    "memory": {"bytes"},
    "assets": None,
    "build": {"sources", "include", "manifest"},
}


def require(condition, text):
    if not condition:
        raise KappError(f"app.toml: {text}")


def text_of(table, key, limit, pattern=None):
    value = table.get(key, "")
    require(isinstance(value, str), f"{key} must be a string")
    data = value.encode()
    require(len(data) <= limit, f"{key} has {len(data)} bytes, {limit} at most")
    require(value.isprintable(), f"{key} holds characters that cannot be printed")
    require(pattern is None or pattern.fullmatch(value), f"{key} = {value!r}: letters, digits, '_', '.' and '-', at least one")
    return data


def number_of(table, key, low, high, default=None):
    value = table.get(key, default)
    require(isinstance(value, int) and not isinstance(value, bool), f"{key} must be a number")
    require(low <= value <= high, f"{key} = {value}: must be {low} to {high}")
    return value


def numbers(text, count, key):
    parts = str(text).split(".")
    require(len(parts) == count and all(re.fullmatch(r"[0-9]{1,5}", p) and int(p) < 65536 for p in parts),
            f"{key} = {text!r}: {count} numbers below 65536 with dots between them")
    return [int(p) for p in parts]


def stack_of(table, key, optional):
    value = number_of(table, key, 0 if optional else 2048, 65536, 0 if optional else None)
    require(value % 16 == 0 and (value >= 2048 or (optional and value == 0)), f"{key} = {value}: a multiple of 16 from 2048 on")
    return value


def task_field(table):
    watchdog = number_of(table, "watchdog_ms", 0, 3600000, 0)
    require(watchdog == 0 or watchdog >= 10, "watchdog_ms is 0 or at least 10")
    return struct.pack("<IIIBB", stack_of(table, "stack", False), stack_of(table, "handler_stack", True), watchdog,
                       number_of(table, "priority", 1, 255), bool(table.get("restart_on_crash", False)))


def interfaces_field(table):
    require(0 < len(table) <= 8, "[interfaces] names 1 to 8 groups, as core = \"1.0\"")
    return b"".join(struct.pack("<BBHH", group, 0, *numbers(table[name], 2, name))
                    for group, name in enumerate(GROUPS) if name in table)


def permissions_field(table):
    bits = 0
    for name in table.get("groups", []):
        require(name in GROUPS, f"permission {name!r}: there is {', '.join(GROUPS)}")
        bits |= 1 << GROUPS.index(name)
    return struct.pack("<I", bits)


def patterns_field(table):
    rights = {}
    for bit, key in ((1, "post"), (2, "subscribe")):
        for pattern in table.get(key, []):
            require(PATTERN.fullmatch(pattern) and len(pattern) <= NAME_MAX, f"{key}: {pattern!r} is no event name or beginning of one")
            rights[pattern] = rights.get(pattern, 0) | bit
    require(len(rights) <= 8, "at most 8 event patterns")
    return b"".join(struct.pack("BB", bits, len(p)) + p.encode() for p, bits in rights.items())


def assets_field(table):
    require(len(table) <= 16, "at most 16 assets")
    for name in table:
        require(NAME.fullmatch(name) and len(name) <= NAME_MAX, f"asset {name!r}: letters, digits, '_', '.' and '-'")
    return b"".join(bytes([len(name)]) + name.encode() for name in table)


def check_keys(source):
    for name, table in source.items():
        require(name in KNOWN, f"there is no table [{name}]; there are {', '.join(KNOWN)}")
        require(isinstance(table, dict), f"{name} must be a table")
        for key in table if KNOWN[name] is not None else ():
            require(key in KNOWN[name], f"[{name}] has no {key}; it has {', '.join(sorted(KNOWN[name]))}")


def encode(source):
    """app.toml as a dictionary -> the bytes of the manifest"""
    check_keys(source)
    app = source.get("app", {})
    permissions = source.get("permissions", {})
    quota = source.get("quota", {})
    fields = [
        (1, text_of(app, "id", 63, NAME)),
        (2, text_of(app, "name", NAME_MAX, NAME)),
        (3, struct.pack("<HHH", *numbers(app.get("version", ""), 3, "version"))),
        (4, text_of(app, "author", 47)),
        (5, text_of(app, "description", 95)),
        (6, task_field(source.get("task", {}))),
        (7, interfaces_field(source.get("interfaces", {}))),
        (8, permissions_field(permissions) if permissions.get("groups") else b""),
        (9, patterns_field(permissions)),
        (10, struct.pack("<5I", *(number_of(quota, key, 0, 2**32 - 1, 0) for key in QUOTA)) if quota else b""),
        (11, struct.pack("<I", number_of(source["memory"], "bytes", 0, 2**32 - 1)) if "memory" in source else b""),
        (12, assets_field(source.get("assets", {}))),
    ]
    data = b"".join(struct.pack("<HH", number, len(value)) + value for number, value in fields if value)
    require(len(data) <= 2048, "the manifest is larger than 2048 bytes")
    return data


def fields_of(data):
    at, last, result = 0, 0, {}
    while at < len(data):
        if len(data) - at < 4:
            raise KappError("the manifest ends within a field")
        number, size = struct.unpack_from("<HH", data, at)
        if number & 0x7FFF <= last or len(data) - at - 4 < size:
            raise KappError("the manifest is damaged")
        if number > 12 and not number & 0x8000:
            raise KappError(f"the manifest has field {number}, which this tool does not know")
        last = number & 0x7FFF
        result[number] = data[at + 4:at + 4 + size]
        at += 4 + size
    for number in (1, 2, 3, 6, 7):
        if number not in result:
            raise KappError(f"the manifest lacks field {number}")
    return result


def lengths(data, rights):
    at, result = 0, []
    while at < len(data):
        size = data[at + rights]
        result.append((data[at] if rights else 0, data[at + rights + 1:at + rights + 1 + size].decode()))
        at += rights + 1 + size
    return result


def describe(data):
    """-> lines that say what a manifest says"""
    f = fields_of(data)
    stack, handlers, watchdog, priority, flags = struct.unpack("<IIIBB", f[6])
    bits = struct.unpack("<I", f.get(8, bytes(4)))[0]
    lines = [
        f"{f[1].decode()} ({f[2].decode()}) {'.'.join(map(str, struct.unpack('<HHH', f[3])))}",
        *(f[n].decode() for n in (4, 5) if n in f),
        f"task         stack {stack}, handlers' stack {handlers or 'default'}, watchdog {watchdog or 'default'}, priority {priority}"
        + (", starts again after a crash" if flags else ""),
        "interfaces   " + ", ".join(f"{GROUPS[g]} {a}.{b}" for g, _, a, b in struct.iter_unpack("<BBHH", f[7])),
        "permissions  " + (", ".join(n for i, n in enumerate(GROUPS) if bits >> i & 1) or "none"),
    ]
    for rights, pattern in lengths(f.get(9, b""), 1):
        lines.append(f"events       {pattern}: " + " and ".join(w for i, w in enumerate(("post", "subscribe")) if rights >> i & 1))
    if 10 in f:
        lines.append("quota        " + ", ".join(f"{k} {v}" for k, v in zip(QUOTA, struct.unpack("<5I", f[10])) if v))
    if 11 in f:
        lines.append(f"memory       at least {struct.unpack('<I', f[11])[0]} bytes")
    if 12 in f:
        lines.append("assets       " + ", ".join(name for _, name in lengths(f[12], 0)))
    return lines
