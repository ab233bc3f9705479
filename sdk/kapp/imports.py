# SPDX-License-Identifier: Apache-2.0
"""What a program imports, against the interface list and its app.toml: refused here rather than on the board."""

import difflib
import os
import struct

from .errors import KappError
from .program import Elf

# Functions that people miss, by the beginning of their names, and what there is instead.
INSTEAD = (
    (("printf", "puts", "putchar", "fprintf", "fputs", "esp_log", "vprintf"), "an app has no terminal: ctx->log(ctx, ESP_LOG_INFO, …)"),
    (("app_manager_", "system_", "event_bus", "quota_", "watchdog_"), "an app talks to the system through its context: ctx->…"),
    (("sleep", "usleep", "nanosleep"), "ctx->sleep_ms(ctx, …), which can also be paused and stopped"),
    (("fopen", "open", "fread", "fwrite", "read", "write", "nvs_"), "files and settings: data_app/app_data.h"),
    (("pthread_", "xTaskCreate", "thrd_"), "an app has one task and its handlers: ctx->subscribe(), ctx->post_every()"),
    (("exit", "_exit"), "return from app_main()"),
)


def interface():
    """-> {function: (group, (major, minor))}"""
    path = os.path.join(os.environ.get("KRAKEN_SDK", ""), "interface.txt")
    try:
        with open(path, encoding="utf-8") as file:
            rows = [line.split() for line in file]
    except OSError as error:
        raise KappError(f"no interface list: {error} (KRAKEN_SDK names the folder of the SDK)") from None
    return {name: (group, version_of(version)) for group, version, name in rows}


def version_of(text):
    return tuple(int(part) for part in str(text).split("."))


def symbols_of(elf):
    """-> (names that it imports, names that it defines)"""
    table = {section[5]: section for section in elf.sections}
    if ".dynsym" not in table or ".dynstr" not in table:
        return [], []
    (_, size, _, _, at, _), names = table[".dynsym"], table[".dynstr"][4]
    entry = struct.Struct("<IBBHQQ" if elf.is64 else "<IIIBBH")
    imports, exports = [], []
    for offset in range(at + entry.size, at + size, entry.size):
        fields = entry.unpack_from(elf.data, offset)
        name = bytes(elf.data[names + fields[0]:elf.data.index(b"\0", names + fields[0])]).decode()
        if name:
            (exports if fields[3 if elf.is64 else 5] else imports).append(name)
    return imports, exports


def unknown(name, known):
    for beginnings, text in INSTEAD:
        if name.startswith(beginnings):
            return f"{name}: an app cannot call this; {text}"
    near = difflib.get_close_matches(name, known, 1)
    return f"{name}: an app cannot call this, and no file of the app defines it" + (f"; did you mean {near[0]}?" if near else "")


def problem(name, known, manifest):
    """What is wrong with one import, or None."""
    if name not in known:
        return unknown(name, known)
    group, (major, minor) = known[name]
    stated = manifest.get("interfaces", {}).get(group)
    asks = group in manifest.get("permissions", {}).get("groups", [])
    wanted = []
    if stated is None:
        wanted.append(f'{group} = "{major}.{minor}" under [interfaces]')
    elif version_of(stated) < (major, minor) or version_of(stated)[0] != major:
        wanted.append(f'{group} = "{major}.{minor}" instead of "{stated}" under [interfaces]')
    if group != "core" and not asks:
        wanted.append(f'groups = ["{group}"] under [permissions]')
    return f"{name} needs in app.toml: {' and '.join(wanted)}" if wanted else None


def check(path, data, manifest):
    """Raise what keeps a program from being loaded, all of it at once."""
    imports, exports = symbols_of(Elf(data))
    known = interface()
    found = [text for text in (problem(name, known, manifest) for name in sorted(set(imports))) if text]
    if "app_main" not in exports:
        found.insert(0, "no function app_main(app_context_t *ctx): that is where an app begins")
    if found:
        raise KappError("\n  ".join([f"{path} could not be loaded:", *found]))
