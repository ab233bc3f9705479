# SPDX-License-Identifier: Apache-2.0
"""What the linker would find: whether each symbol that our objects leave open is defined by something in the build, and only once.

A header may declare what no source of this configuration defines. Whoever is open is looked up in the sources that the components of
the build register: those that name it are compiled and asked for their symbols; assembly, linker scripts, the chip's ROM and the
compiler's own libraries are read. What cannot be compiled here (a submodule is missing, say) is read as text and told apart.
"""

import concurrent.futures
import os
import re
import subprocess

LABEL = re.compile(r"^([A-Za-z_.$][\w.$]*):", re.M)
GLOBAL = re.compile(r"^\s*\.(?:global|globl|weak)\s+([\w.$]+)", re.M)
COMMON = re.compile(r"^\s*\.comm\s+([\w.$]+)", re.M)
WEAK = re.compile(r"^\s*\.weak\s+([\w.$]+)", re.M)
EQUATE = re.compile(r"^\s*\.set\s+([\w.$]+)", re.M)
USES = re.compile(r"^\s+(?:call(?:0|4|8|12)\s+|j(?:\.l)?\s+|\.literal\s+[^,]+,\s*|\.(?:word|long|4byte)\s+)([^\n#]+)", re.M)
NAME = re.compile(r"(?<![\w$.])[A-Za-z_][\w$]*")
ROM = ("", ".api", ".libgcc", ".libc", ".newlib", ".version")
# Given by the linker scripts that ESP-IDF generates for the build, and by the linker.
GENERATED = re.compile(r"_(?:\w+_)?(?:start|end|low|high|size|bottom|top)\w*$")


# In Espressif's C library, not in the one that Debian's compiler finds.
NEWLIB = {"__errno", "__getreent", "__assert_func", "_impure_ptr"}
# What components define for their own sources alone.
DEFINES = {"heap": ["-DMULTI_HEAP_FREERTOS"]}
# Names that macros put together, and where.
PASTED = (("__atomic_", "components/newlib/src/stdatomic.c"), ("__sync_", "components/newlib/src/stdatomic.c"))
# Not in this firmware, though in the folder of a component that is.
OTHER_CHIP = re.compile(r"/(?:test\w*|host_test|linux|riscv|FreeRTOS-Kernel-SMP|esp32(?!s3)\w*)/|_linux\.c$")


class Symbols:
    def __init__(self, assembly):
        labels = set(LABEL.findall(assembly)) | set(EQUATE.findall(assembly)) | set(COMMON.findall(assembly))
        self.defined = (set(GLOBAL.findall(assembly)) & labels) | set(COMMON.findall(assembly))
        self.weak = set(WEAK.findall(assembly)) & labels
        used = {name for operand in USES.findall(assembly) for name in NAME.findall(operand)}
        self.open = {name for name in used - labels if not name.startswith("L") or name[1:2].islower()}
        self.optional = set(WEAK.findall(assembly)) - labels


def archive_symbols(path):
    listing = subprocess.run(["nm", "--defined-only", "-g", path], capture_output=True, text=True, check=False).stdout
    return {words[-1] for words in map(str.split, listing.splitlines()) if len(words) == 3}


def toolchain_symbols(program):
    """The C library and the compiler's own functions."""
    found = set()
    for name in ("libgcc.a", "libc.a", "libm.a"):
        path = subprocess.run([program, f"-print-file-name={name}"], capture_output=True, text=True, check=False).stdout.strip()
        for candidate in (path, f"/usr/lib/xtensa-lx106-elf/lib/{name}", f"/usr/lib/picolibc/xtensa-lx106-elf/lib/{name}"):
            if os.path.isfile(candidate):
                found |= archive_symbols(candidate)
    return found


def rom_symbols(idf):
    found = set()
    for part in ROM:
        path = os.path.join(idf, "components", "esp_rom", "esp32s3", "ld", f"esp32s3.rom{part}.ld")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found |= set(re.findall(r"^\s*(?:PROVIDE\s*\(\s*)?([\w$]+)\s*=", file.read(), re.M))
    return found


class Build:
    """The sources of ESP-IDF that are in the build, and what they define."""

    def __init__(self, tree, names, base, late, config):
        self.base, self.late, self.config, self.tree = base, late, config, tree
        self.owner, self.texts, self.done, self.words = {}, {}, {}, {}
        for name in names:
            if not tree.components[name].ours:
                self.read(tree.components[name])
        for path, text in self.texts.items():
            for word in set(NAME.findall(text)):
                self.words.setdefault(word, []).append(path)

    def read(self, component):
        """The registered sources; those of its subfolders, which ESP-IDF adds later; and what these include."""
        paths = set(component.paths("SRCS"))
        for folder, _, files in os.walk(component.dir):
            paths |= {os.path.join(folder, file) for file in files if file.endswith((".c", ".cpp", ".S", ".h", ".inc"))}
        for path in sorted(paths):
            if os.path.isfile(path) and not OTHER_CHIP.search(path):
                self.owner[path] = component.name
                with open(path, encoding="utf-8", errors="replace") as file:
                    self.texts[path] = file.read()

    def symbols(self, path):
        """-> Symbols, or None when it does not compile here"""
        if path not in self.done:
            includes = [f"-I{folder}" for folder in [self.config, *self.tree.visible(self.owner[path])]]
            command = [word for word in self.base if word != "-S"] + ["-E"] if path.endswith(".S") else self.base
            own = DEFINES.get(self.owner[path], [])
            result = subprocess.run([*command, "-w", *own, *includes, *self.late, path], capture_output=True, text=True, check=False)
            self.done[path] = Symbols(result.stdout) if result.returncode == 0 else None
        return self.done[path]

    def defines(self, path, symbol):
        """Whether the text looks like a definition of it."""
        name = r"\b" + re.escape(symbol) + r"\b"
        function = name + r"\s*\([^;{}]*\)\s*\{|" + name + r"[^;{}]*alias[^;]*;"
        function += r"|^\w*DEFINE\w*\(" + name  # by a macro: ESP_EVENT_DEFINE_BASE(IP_EVENT)
        variable = r"^[A-Za-z_][^;={}#()]*" + name + r"(?:\[[^;]*\])?\s*(?:=[^;]*)?;"
        return re.search(f"{function}|{variable}|^\\s*{name}:", self.texts[path], re.M)

    def candidates(self, symbol):
        """Sources whose text may define it, and sources that include such a text."""
        named = [path for path in self.words.get(symbol, []) if self.defines(path, symbol)]
        result = [path for path in named if path.endswith((".c", ".S", ".cpp"))]
        for header in (path for path in named if path.endswith((".h", ".inc"))):
            name = os.path.basename(header)
            result += [path for path in self.words.get(name.split(".")[0], []) if path.endswith(".c") and f'{name}"' in self.texts[path]]
        result += [os.path.join(self.tree.idf, path) for prefix, path in PASTED if symbol.startswith(prefix)]
        return [path for path in dict.fromkeys(result) if path in self.owner]

    def definition(self, symbol):
        """-> (path or None, whether it was only read as text)"""
        unread = None
        for path in self.candidates(symbol):
            found = None if path.endswith(".cpp") else self.symbols(path)
            if found is None:
                unread = unread or path
            elif symbol in found.defined:
                return path, False
        return unread, unread is not None


def where_else(tree, symbol):
    """A component outside of the build that could define it: the one that REQUIRES lacks."""
    for component in tree.components.values():
        if component.ours:
            continue
        result = subprocess.run(["grep", "-rlE", "--include=*.c", rf"^[A-Za-z_].*\b{symbol}\(", component.dir], capture_output=True,
                                text=True, check=False)
        if any("/test" not in path for path in result.stdout.split()):
            return component.name
    return None


def examine(tree, compiled, uncompiled, toolchain, build, findings):
    """compiled: {source: its assembly}; uncompiled: texts of ours that were not. Every open symbol has a definition, no symbol has two."""
    units = {source: Symbols(text) for source, text in compiled.items()}
    defined = {}
    for source, unit in sorted(units.items()):
        for name in unit.defined - unit.weak:
            if name in defined:
                findings.add(source, 1, f"'{name}' is defined in {defined[name]} as well: the link fails")
            defined[name] = source
    defined_anywhere = set().union(*(unit.defined for unit in units.values()))
    wanted, ours = {}, "\n".join(uncompiled)
    for source, unit in units.items():
        for name in unit.open - unit.optional:
            name = name.removeprefix("__real_")
            if name not in defined_anywhere and not re.search(rf"^\w[^;={{}}#]*\b{name}\s*\([^;{{}}]*\)\s*\{{", ours, re.M):
                wanted.setdefault(name, source)
    known = toolchain | rom_symbols(tree.idf) | NEWLIB
    asked = sorted(name for name in wanted if name not in known and not GENERATED.match(name))
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = dict(zip(asked, pool.map(build.definition, asked)))
    unproved = []
    for name, (path, as_text) in results.items():
        if path is None and (is_missing_submodule(tree, name) or makes_sources(tree, name)):
            unproved.append(name)
        elif path is None:
            other = where_else(tree, name)
            findings.add(wanted[name], 1, f"'{name}' is declared but nothing in the build defines it"
                         + (f"; component '{other}' may: is it in REQUIRES?" if other else ""))
        elif as_text:
            unproved.append(name)
    twice(build, defined, findings)
    print(f"idf: {len(wanted)} symbols left open by {len(units)} of our objects, {len(asked) - len(unproved)} found in sources of "
          f"ESP-IDF, {len(wanted) - len(asked)} in the chip's ROM, the C library and the linker scripts")
    if unproved:
        print(f"idf: not proved, their sources are missing or cannot be compiled here: {' '.join(unproved)}")


# Where submodules of ESP-IDF are, and the names of what comes out of them: sources of mbedTLS, archives of the radio.
SUBMODULES = ((("mbedtls", "mbedtls"), ("psa_", "mbedtls_")), (("esp_wifi", "lib"), ("esp_wifi_",)))


def is_missing_submodule(tree, symbol):
    """What defines it is a submodule that this checkout lacks."""
    for place, prefixes in SUBMODULES:
        folder = os.path.join(tree.idf, "components", *place)
        if symbol.startswith(prefixes) and not (os.path.isdir(folder) and os.listdir(folder)):
            return True
    return False


def makes_sources(tree, symbol):
    """One of ours writes sources when it is built, and a header of it declares this: what they define is known only then."""
    for component in tree.components.values():
        listing = os.path.join(component.dir, "CMakeLists.txt")
        if not component.ours or not os.path.isfile(listing):
            continue
        with open(listing, encoding="utf-8") as file:
            text = file.read()
        if "add_custom_command" in text and "target_sources" in text:
            found = subprocess.run(["grep", "-rqw", "--include=*.h", symbol, component.dir], check=False)
            if found.returncode == 0:
                return True
    return False


def twice(build, defined, findings):
    """What we define and ESP-IDF, too: unless it is weak there, the link fails."""
    for name, source in sorted(defined.items()):
        for path in build.candidates(name):
            found = build.symbols(path) if path.endswith((".c", ".S")) else None
            if found is not None and name in found.defined - found.weak:
                findings.add(source, 1, f"'{name}' is ESP-IDF's, in {os.path.relpath(path, build.tree.idf)}: the link fails")
