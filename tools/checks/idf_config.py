# SPDX-License-Identifier: Apache-2.0
"""The configuration of the firmware: ESP-IDF's Kconfig files and ours with our defaults, read by Debian's kconfiglib."""

import os
import re
import sys

import project

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kconfig_gen  # noqa: E402


def accept_help_of_menus(kconfiglib):
    """ESP-IDF's own parser lets a menu have a help text; kconfiglib expects the attribute to be there already."""
    original = kconfiglib.Kconfig._parse_help

    def parse_help(self, node):
        if not hasattr(node, "help"):
            node.help = None
        return original(self, node)
    kconfiglib.Kconfig._parse_help = parse_help


def load(tree, names, out):
    """-> Kconfig of the project with the options of these components"""
    try:
        import kconfiglib
    except ImportError:
        project.fail("idf: the Python module kconfiglib is missing (Debian: python3-kconfiglib)")
    accept_help_of_menus(kconfiglib)
    for variable, file in (("COMPONENT_KCONFIGS_SOURCE_FILE", "Kconfig"),
                           ("COMPONENT_KCONFIGS_PROJBUILD_SOURCE_FILE", "Kconfig.projbuild")):
        paths = [os.path.join(tree.components[name].dir, file) for name in names]
        listing = os.path.join(out, file + ".in")
        with open(listing, "w", encoding="utf-8") as lines:
            lines.writelines(f'source "{path}"\n' for path in paths if os.path.exists(path))
        os.environ[variable] = listing
    version = idf_version(tree.idf)
    os.environ.update(IDF_PATH=tree.idf, IDF_TARGET="esp32s3", IDF_TOOLCHAIN="gcc", IDF_VERSION=version, IDF_INIT_VERSION=version,
                      IDF_ENV_FPGA="n", IDF_MINIMAL_BUILD="y", CONFIG_="CONFIG_", srctree=tree.idf)
    return kconfiglib.Kconfig(os.path.join(tree.idf, "Kconfig"), warn=False)


def idf_version(idf):
    with open(os.path.join(idf, "tools", "cmake", "version.cmake"), encoding="utf-8") as file:
        words = file.read().replace(")", " ").split()
    return ".".join(words[words.index(f"set(IDF_VERSION_{part}") + 1] for part in ("MAJOR", "MINOR", "PATCH"))


def options_of(folders):
    """Names of the options that these components declare."""
    names = set()
    for path in (os.path.join(folder, file) for folder in folders for file in ("Kconfig", "Kconfig.projbuild")):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                names.update(re.findall(r"^\s*(?:menu)?config\s+(\w+)", file.read(), re.M))
    return names


def apply_file(kconf, root, name, elsewhere, findings):
    """One file of defaults: an option ESP-IDF does not know is a finding, not a warning in a long log.
    elsewhere: options of another project that has this file too; they mean nothing here."""
    lines = []
    for number, line in enumerate(project.read(root, name).splitlines(), 1):
        match = kconfig_gen.ASSIGNMENT.match(line.strip())
        if not match:
            continue
        option = match.group(1) or match.group(3)
        if option not in kconf.syms or not kconf.syms[option].nodes:
            if option in elsewhere:
                continue
            findings.add(name, number, f"CONFIG_{option} is no option of the components this firmware is built from")
        else:
            lines.append((number, line.strip()))
    kconf.load_config(os.path.join(root, name), replace=False)
    return lines


def untaken(kconf, layers, findings):
    """A value that Kconfig silently refuses; the last file that sets an option counts."""
    import kconfiglib
    last = {}
    for name, lines in layers:
        for number, line in lines:
            match = kconfig_gen.ASSIGNMENT.match(line)
            last[match.group(1) or match.group(3)] = (name, number, line)
    for option, (name, number, line) in last.items():
        symbol = kconf.syms[option]
        wanted = symbol.user_value
        if symbol.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE) and wanted is not None:
            wanted = kconfiglib.TRI_TO_STR[wanted]
        # Of a choice the last member set counts; that a board picks another one is no fault.
        replaced = symbol.choice is not None and (wanted == "n" or symbol.choice.selection.name in last)
        if wanted != symbol.str_value and not replaced:
            findings.add(name, number, f"'{line}' has no effect, the value is '{symbol.str_value}'")


def write(tree, names, defaults, out, findings, shared=()):
    """-> folder with sdkconfig.h and sdkconfig.cmake
    shared: (files of defaults that are another project's too, folders of the components which only that one has)"""
    kconf = load(tree, names, out)
    files, folders = shared or ((), ())
    elsewhere = options_of(folders)
    layers = [(name, apply_file(kconf, tree.root, name, elsewhere if name in files else (), findings)) for name in defaults]
    untaken(kconf, layers, findings)
    folder = os.path.join(out, "config")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "sdkconfig.h"), "w", encoding="utf-8") as file:
        file.write(kconfig_gen.header_text(kconf))
    with open(os.path.join(folder, "sdkconfig.cmake"), "w", encoding="utf-8") as file:
        file.write(kconfig_gen.cmake_text(kconf))
    return folder, kconf
