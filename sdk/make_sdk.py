#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make_sdk.py PROJECT OUT [BOARD]

Everything that somebody needs to write apps, as a folder that stands alone: the package tool, headers that declare the interface list
and nothing else, a template, a CMake function; and the program of the virtual board if it is given.
"""

import os
import re
import shutil
import sys

ROOT, OUT = (os.path.abspath(path) for path in sys.argv[1:3])
BOARD = sys.argv[3] if len(sys.argv) > 3 else None
# What apps include of the system, besides what sdk/idf has.
HEADERS = ("components/system/include/system_service/app_manager.h", "components/kapp/include/data_app/app_data.h",
           "components/display_service/include/display_app/display_surface.h",
           "components/display_service/include/display_app/display_widgets.h",
           "components/display_service/include/display_service/display_events.h",
           "components/audio_service/include/audio_app/audio_stream.h", "components/audio_service/include/audio_app/audio_track.h",
           "components/audio_service/include/audio_service/audio_events.h",
           "components/input_service/include/input_service/input_events.h",
           "components/bluetooth_service/include/bluetooth_service/bluetooth_events.h")
# Lists of what can be imported.
LISTS = ("components/kapp/private/interface_list.h", "components/display_service/include/display_app/display_interface.h",
         "components/audio_service/include/audio_app/audio_interface.h")
GROUP = re.compile(r"^\s*GROUP\((\w+), (\d+), (\d+)\)", re.M)
FUNCTION = re.compile(r"^\s*(?:FUNCTION|REPLACED|DATA)\((\w+), (\d+), (\w+)", re.M)
INCLUDE = re.compile(r'^#include "([\w./]+)"', re.M)
# A doc comment if there is one, and the prototype behind it. A line that begins so outside of braces is one in our style.
PROTOTYPE = re.compile(r"(?:^/\*\*(?:(?!\*/).)*\*/\n)?^(?!typedef|extern|static|#)[A-Za-z][\w ]*[ *](\w+)\([^;{}]*?\)[^;{}]*;\n+", re.M | re.S)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    path = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path) and read(path) == text:
        return  # its date stays: who depends on it is not built again
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".part", path)


def copy(source, to):
    to = os.path.join(OUT, to)
    os.makedirs(os.path.dirname(to), exist_ok=True)
    shutil.copy2(source, to + ".part")
    os.replace(to + ".part", to)


def interface():
    """-> [(group, "major.minor" of the group it came with, function or object)]"""
    text = "".join(read(os.path.join(ROOT, path)) for path in LISTS)
    majors = {group: major for group, major, _ in GROUP.findall(text)}
    return [(group.lower(), f"{majors[group]}.{minor}", name) for group, minor, name in FUNCTION.findall(text)]


def header(path, functions):
    """A header of the system without the functions that an app cannot call. -> the headers that it includes"""
    text = PROTOTYPE.sub(lambda m: m.group(0) if m.group(1) in functions else "", read(os.path.join(ROOT, path)))
    write("include/" + path.split("/include/")[1], re.sub(r"\n{3,}", "\n\n", text))
    return INCLUDE.findall(text)


def place_of(path, name):
    """Where a header is that another one includes: in its own component, or in the system's."""
    own = path.split("/include/")[0] + "/include/" + name
    return own if os.path.exists(os.path.join(ROOT, own)) else "components/system/include/" + name


def headers(functions):
    done, todo = set(), list(HEADERS)
    while todo:
        path = todo.pop()
        if path in done:
            continue
        done.add(path)
        for name in header(path, functions):
            if not os.path.exists(os.path.join(ROOT, "sdk", "idf", name)):
                todo.append(place_of(path, name))


def copy_folder(name, to):
    source = os.path.join(ROOT, "sdk", name)
    for folder, _, names in os.walk(source):
        for file in names:
            if not file.endswith(".pyc"):
                path = os.path.join(folder, file)
                copy(path, os.path.join(to, os.path.relpath(path, source)))


def main():
    list_of_all = interface()
    if not list_of_all:
        sys.exit("kraken: sdk: the interface list is empty")
    write("interface.txt", "".join(f"{group} {version} {name}\n" for group, version, name in list_of_all))
    headers({name for _, _, name in list_of_all})
    for name, to in (("idf", "include"), ("kapp", "lib/kapp"), ("template", "template"), ("cmake", "cmake"), ("src", "src"), ("bin", "bin")):
        copy_folder(name, to)
    copy(os.path.join(ROOT, "LICENSE"), "LICENSE")
    if BOARD:
        copy(BOARD, "bin/kraken-os")


main()
