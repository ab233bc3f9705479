# SPDX-License-Identifier: Apache-2.0
"""The components of an ESP-IDF project as ESP-IDF's own CMake files describe them: requirements, include folders, sources.

ESP-IDF reads every component's CMakeLists.txt twice. First without a configuration, for the requirements: done here with
ESP-IDF's own script. Then with it, when libraries are made: done here with idf_register.cmake.
"""

import os
import re
import subprocess
import tempfile

TARGET = "esp32s3"
LISTS = ("SRCS", "INCLUDE_DIRS", "PRIV_INCLUDE_DIRS", "REQUIRES", "PRIV_REQUIRES", "UNPARSED_ARGUMENTS")


class TreeError(Exception):
    pass


class Component:
    def __init__(self, name, folder, ours):
        self.name, self.dir, self.ours = name, folder, ours
        self.requires, self.priv_requires, self.registered = [], [], False
        self.lists = {}

    def paths(self, key):
        return [os.path.normpath(os.path.join(self.dir, entry)) for entry in self.lists.get(key, [])]


def component_dirs(folder):
    if os.path.exists(os.path.join(folder, "CMakeLists.txt")):
        return [folder]
    if not os.path.isdir(folder):
        return []
    found = (os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not name.startswith("."))
    return [path for path in found if os.path.exists(os.path.join(path, "CMakeLists.txt"))]


def run_cmake(arguments, what):
    result = subprocess.run(["cmake", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise TreeError(f"{what}:\n{result.stderr.strip()}")
    return result.stdout + result.stderr


def board_backends(root, board):
    """What a board's board.cmake names, as the project reads it; without a board all that there are."""
    if not os.path.exists(os.path.join(root, "boards", "backends.cmake")):
        return []
    script = f'cmake_minimum_required(VERSION 3.16)\ninclude("{root}/boards/backends.cmake")\n'
    script += f'kraken_read_board("{root}/boards/{board}")\n' if board else "set(KRAKEN_BACKENDS ${KRAKEN_ALL_BACKENDS})\n"
    with tempfile.NamedTemporaryFile("w", suffix=".cmake") as file:
        file.write(script + 'message("backends=${KRAKEN_BACKENDS}")\n')
        file.flush()
        text = run_cmake(["-P", file.name], "the board's backends cannot be read")
    return [name for name in re.search(r"^backends=(.*)$", text, re.M).group(1).split(";") if name]


def quoted(values):
    return '"' + ";".join(values) + '"'


class Tree:
    """All components known to a build; the project's hide ESP-IDF's of the same name, as there."""

    def __init__(self, root, idf, out, folders=("main", "apps", "components"), backends=()):
        """folders: where the project's own components are, under root; backends: what a board links of the services' hardware"""
        self.root, self.idf, self.out, self.backends = root, idf, out, backends
        self.components, self.hidden, self.left_out = {}, [], []
        for path in component_dirs(os.path.join(idf, "components")):
            name = os.path.basename(path)
            self.components[name] = Component(name, path, False)
        for folder in folders:
            for path in component_dirs(os.path.join(root, folder)):
                name = os.path.basename(path)
                if name in self.components:
                    self.hidden.append((path, self.components[name].dir))
                self.components[name] = Component(name, path, True)
        self.common = self.common_requirements()

    def file(self, name):
        return os.path.join(self.out, name)

    def cmake_file(self, name):
        with open(os.path.join(self.idf, "tools", "cmake", name), encoding="utf-8") as file:
            return file.read()

    def common_requirements(self):
        lists = re.findall(r"set\(requires_common ([^)]*)\)", self.cmake_file("build.cmake"))
        chip = [names.split() for names in lists if "linux" not in names.split()]
        if len(chip) != 1:
            raise TreeError("tools/cmake/build.cmake of this ESP-IDF does not name the common components as v5.5 does")
        return chip[0] + ["xtensa"]

    def read_requirements(self):
        """Without a submodule a component of ESP-IDF stops the reading: it is left out, and what includes its headers is not checked."""
        while True:
            try:
                return self.read_all_requirements()
            except TreeError as error:
                match = re.search(r"components/(\w+)/CMakeLists\.txt:\d+ \(message\):\s+Missing \S+ submodule", str(error))
                if not match or match.group(1) not in self.components or self.components[match.group(1)].ours:
                    raise
                self.left_out.append(match.group(1))
                del self.components[match.group(1)]

    def read_all_requirements(self):
        """The first reading, by ESP-IDF's own script."""
        properties, wanted = self.file("component_properties.cmake"), self.file("component_requires.cmake")
        targets = {f"___idf_{name}": component for name, component in self.components.items()}
        with open(properties, "w", encoding="utf-8") as file:
            for target, component in targets.items():
                source = "project_components" if component.ours else "idf_components"
                for key, value in (("COMPONENT_DIR", component.dir), ("COMPONENT_NAME", component.name),
                                   ("COMPONENT_ALIAS", "idf::" + component.name), ("COMPONENT_SOURCE", source)):
                    file.write(f'set(__component_{target}_{key} "{value}")\n')
        with open(self.file("build_properties.cmake"), "w", encoding="utf-8") as file:
            for key, value in (("IDF_PATH", self.idf), ("IDF_TARGET", TARGET), ("IDF_TARGET_ARCH", "xtensa"),
                               ("IDF_TOOLCHAIN", "gcc"), ("PROJECT_DIR", self.root), ("BUILD_DIR", self.out),
                               ("KRAKEN_BACKENDS", ";".join(self.backends))):
                file.write(f'set({key} "{value}")\n')
            file.write(f"set(__COMPONENT_TARGETS {quoted(targets)})\nset(__COMPONENT_REQUIRES_COMMON {quoted(self.common)})\n")
        script = os.path.join(self.idf, "tools", "cmake", "scripts", "component_get_requirements.cmake")
        run_cmake(["-DESP_PLATFORM=1", f"-DBUILD_PROPERTIES_FILE={self.file('build_properties.cmake')}",
                   f"-DCOMPONENT_PROPERTIES_FILE={properties}", f"-DCOMPONENT_REQUIRES_FILE={wanted}", "-P", script],
                  "the components' requirements cannot be read")
        with open(wanted, encoding="utf-8") as file:
            for target, key, value in re.findall(r'__component_set_property\((\S+) (\w+) "?([^")]*)"?\)', file.read()):
                component, names = targets[target], [name for name in value.split(";") if name]
                if key == "REQUIRES":
                    component.requires = names
                elif key == "PRIV_REQUIRES":
                    component.priv_requires = names
                elif key == "__COMPONENT_REGISTERED":
                    component.registered = value == "1"

    def closure(self, roots):
        """-> (components that are built when roots are, [(who, what)] of requirements nobody can meet)"""
        seen, wrong, waiting = [], [], list(roots)
        while waiting:
            component = self.components[waiting.pop()]
            if component.name in seen or not component.registered:
                continue
            seen.append(component.name)
            for name in [*component.requires, *component.priv_requires, *self.common]:
                name = name.removeprefix("idf::")
                if name not in self.components or not self.components[name].registered:
                    wrong.append((component.name, name))
                elif name not in seen:
                    waiting.append(name)
        return sorted(seen), sorted(set(wrong))

    def read_registrations(self, names, config):
        """The second reading, with the configuration."""
        listing, out = self.file("components.cmake"), self.file("registered.txt")
        with open(listing, "w", encoding="utf-8") as file:
            file.write(f'set(IDF_PATH "{self.idf}")\nset(CONFIG_FILE "{config}")\nset(NAMES {quoted(names)})\n')
            file.write(f'set(PROJECT_DIR "{self.root}")\nset(BUILD_DIR "{self.out}")\nset(KRAKEN_BACKENDS {quoted(self.backends)})\n')
            for component in self.components.values():
                file.write(f'set(DIR_{component.name} "{component.dir}")\n')
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "idf_register.cmake")
        run_cmake([f"-DLIST={listing}", f"-DOUT={out}", "-P", script], "the components cannot be expanded")
        with open(out, encoding="utf-8") as file:
            for line in file:
                key, name, values = line.rstrip("\n").split(" ", 2)
                assert key in LISTS
                self.components[name].lists[key] = [value for value in values.split(";") if value]

    def visible(self, name):
        """Include folders a source of this component sees, in ESP-IDF's order: its own, then what is required, transitively."""
        component = self.components[name]
        dirs = component.paths("INCLUDE_DIRS") + component.paths("PRIV_INCLUDE_DIRS")
        seen, waiting = {name}, [*component.requires, *component.priv_requires, *self.common]
        while waiting:
            required = waiting.pop(0).removeprefix("idf::")
            if required in seen or required in self.left_out:
                continue
            seen.add(required)
            dirs += self.components[required].paths("INCLUDE_DIRS")
            waiting += self.components[required].requires
        return list(dict.fromkeys(dirs))

    def default_options(self):
        """The compile options ESP-IDF gives to every component, as its own function says."""
        script = self.file("options.cmake")
        with open(script, "w", encoding="utf-8") as file:
            file.write(f'set(IDF_TARGET {TARGET})\ninclude("{self.idf}/tools/cmake/build.cmake")\n'
                       "function(idf_build_set_property name value)\n"
                       "    foreach(item ${value})\n        message(\"${name} ${item}\")\n    endforeach()\nendfunction()\n"
                       "__build_set_default_build_specifications()\n")
        options = []
        for line in run_cmake(["-P", script], "the default compile options cannot be read").splitlines():
            key, _, item = line.partition(" ")
            if key in ("COMPILE_OPTIONS", "C_COMPILE_OPTIONS"):
                options.append(item)
            elif key == "COMPILE_DEFINITIONS":
                options.append("-D" + item)
        if "-Wall" not in options or "-Werror" not in options:
            raise TreeError("tools/cmake/build.cmake of this ESP-IDF does not set its warnings as v5.5 does")
        return options
