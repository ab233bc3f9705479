#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kconfig files + defaults -> sdkconfig.h for the PC build (Debian's python3-kconfiglib does the work).

Later files win: sdkconfig.defaults, then each --defaults, then the user's own (written by menuconfig, which keeps only what
differs from the defaults). The header is rewritten only when its text changes, so that nothing is compiled again in vain.
"""

import argparse
import fnmatch
import os
import re
import sys

ASSIGNMENT = re.compile(r"^CONFIG_([A-Za-z0-9_]+)=(.*)$|^# CONFIG_([A-Za-z0-9_]+) is not set$")


def fail(text):
    sys.exit("kconfig: " + text)


def read_patterns(path):
    with open(path, encoding="utf-8") as lines:
        stripped = (line.split("#")[0].strip() for line in lines)
        return [line for line in stripped if line]


def filtered(path, kconf, device_only):
    """The lines of one configuration file that concern this build; an unknown option is an error."""
    kept = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            match = ASSIGNMENT.match(line)
            if not match:
                if line and not line.startswith("#"):
                    fail(f"{path}:{number}: not an assignment: {line}")
                continue
            name = match.group(1) or match.group(3)
            symbol = kconf.syms.get(name)
            if symbol is not None and symbol.nodes:
                kept.append(line)
            elif not any(fnmatch.fnmatchcase(name, pattern) for pattern in device_only):
                fail(f"{path}:{number}: CONFIG_{name} is no option of any Kconfig file of this build.\n"
                     "  A device-only option of ESP-IDF belongs into tools/device_only_options.txt.")
    return kept


def check_taken(kconf, layers):
    """A value that Kconfig silently refuses (range, type, unmet dependency) would be a lie in the file."""
    import kconfiglib
    for path, lines in layers:
        for line in lines:
            match = ASSIGNMENT.match(line)
            symbol = kconf.syms[match.group(1) or match.group(3)]
            wanted = symbol.user_value
            if symbol.orig_type == kconfiglib.BOOL and wanted is not None:
                wanted = kconfiglib.TRI_TO_STR[wanted]
            overridden = symbol.choice is not None and wanted == "n"
            if wanted is None or (wanted != symbol.str_value and not overridden):
                print(f"kconfig: warning: {path}: '{line}' has no effect, the value is '{symbol.str_value}' "
                      "(its type, range or dependencies do not allow it)", file=sys.stderr)


def load(args):
    os.environ["KRAKEN_ROOT"] = args.root
    for name in ("CONFIG_", "srctree"):
        os.environ.pop(name, None)
    try:
        import kconfiglib
    except ImportError:
        fail("the Python module kconfiglib is missing (Debian: python3-kconfiglib)")
    try:
        kconf = kconfiglib.Kconfig(args.kconfig, warn_to_stderr=False)
    except kconfiglib.KconfigError as error:
        fail(str(error))
    # A symbol used in an expression but declared nowhere is normal here: ESP-IDF declares more than host/Kconfig.
    serious = [w for w in kconf.warnings if "undefined symbol" not in w]
    if serious:
        fail("\n".join(serious))
    return kconf


def load_layer(args, kconf, path, device_only):
    lines = filtered(path, kconf, device_only)
    copy = os.path.join(args.out, "." + os.path.basename(path) + ".pc")
    with open(copy, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    kconf.load_config(copy, replace=False)
    os.unlink(copy)
    return lines


def write_if_changed(path, text):
    try:
        with open(path, encoding="utf-8") as old:
            if old.read() == text:
                return
    except OSError:
        pass
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def header_text(kconf):
    import kconfiglib
    lines = ["/* Generated from the Kconfig files and sdkconfig.defaults. Do not edit. */", "#pragma once"]
    for symbol in kconf.unique_defined_syms:
        value = symbol.str_value
        if not symbol.config_string or (value == "" and symbol.orig_type != kconfiglib.STRING):
            continue
        if symbol.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE):
            if value == "y":
                lines.append(f"#define CONFIG_{symbol.name} 1")
        elif symbol.orig_type == kconfiglib.STRING:
            lines.append(f'#define CONFIG_{symbol.name} "{kconfiglib.escape(value)}"')
        elif symbol.orig_type == kconfiglib.HEX:
            lines.append(f"#define CONFIG_{symbol.name} 0x{int(value, 16):x}")
        else:
            lines.append(f"#define CONFIG_{symbol.name} {value}")
    return "\n".join(lines) + "\n"


def cmake_text(kconf):
    lines = ["# Generated from the Kconfig files and sdkconfig.defaults. Do not edit."]
    for symbol in kconf.unique_defined_syms:
        if symbol.config_string:
            value = symbol.str_value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'set(CONFIG_{symbol.name} "{"" if value == "n" else value}")')
    return "\n".join(lines) + "\n"


def save_user(kconf, baseline, path):
    """Keep only what the user chose: the difference to what the defaults give."""
    changed = []
    for symbol in kconf.unique_defined_syms:
        prompted = any(node.prompt for node in symbol.nodes)
        if prompted and symbol.str_value != baseline[symbol.name] and symbol.config_string:
            changed.append(symbol.config_string.rstrip("\n"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_if_changed(path, "\n".join(["# What menuconfig changed; the rest comes from sdkconfig.defaults."] + changed) + "\n")


def menuconfig(args, kconf, baseline):
    import menuconfig as ui
    merged = os.path.join(args.out, ".menuconfig")
    kconf.write_config(merged, save_old=False)
    os.environ["KCONFIG_CONFIG"] = merged
    ui.menuconfig(kconf)
    if os.path.exists(merged):
        kconf.load_config(merged)
        os.unlink(merged)
    save_user(kconf, baseline, args.user)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, help="the project's folder")
    parser.add_argument("--kconfig", required=True, help="the top Kconfig file")
    parser.add_argument("--out", required=True, help="folder for sdkconfig.h, sdkconfig.cmake, inputs.txt")
    parser.add_argument("--defaults", action="append", default=[], help="a file of defaults, may be repeated")
    parser.add_argument("--user", help="the user's own choices, may not exist")
    parser.add_argument("--device-only", required=True, help="patterns of options to skip")
    parser.add_argument("--menuconfig", action="store_true", help="edit the user's choices")
    return parser.parse_args()


def main():
    args = parse_args()
    os.makedirs(args.out, exist_ok=True)
    kconf = load(args)
    device_only = read_patterns(args.device_only)
    layers = []
    for path in args.defaults:
        if not os.path.exists(path):
            fail(f"no such file: {path}")
        layers.append((path, load_layer(args, kconf, path, device_only)))
    baseline = {s.name: s.str_value for s in kconf.unique_defined_syms}
    if args.user and os.path.exists(args.user):
        load_layer(args, kconf, args.user, device_only)
    if args.menuconfig:
        menuconfig(args, kconf, baseline)
        return
    check_taken(kconf, layers)
    write_if_changed(os.path.join(args.out, "sdkconfig.h"), header_text(kconf))
    write_if_changed(os.path.join(args.out, "sdkconfig.cmake"), cmake_text(kconf))
    inputs = sorted({os.path.realpath(name) for name in kconf.kconfig_filenames} | {os.path.realpath(p) for p, _ in layers})
    write_if_changed(os.path.join(args.out, "inputs.txt"), "\n".join(inputs) + "\n")


if __name__ == "__main__":
    main()
