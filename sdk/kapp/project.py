# SPDX-License-Identifier: Apache-2.0
"""An app's folder: made from the template, and built into a package."""

import glob
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib

from . import imports, keys, manifest, package, program
from .errors import KappError

COMPILE = ("-std=gnu17", "-Wall", "-Wextra", "-fPIC", "-shared", "-nostdlib")
BOARD_COMPILERS = ("xtensa-esp32s3-elf-gcc", os.path.expanduser("~/.espressif/tools/xtensa-esp-elf/*/xtensa-esp-elf/bin/xtensa-esp32s3-elf-gcc"))


def sdk(*path):
    folder = os.environ.get("KRAKEN_SDK")
    if not folder:
        raise KappError("KRAKEN_SDK does not name the folder of the SDK; bin/kraken-app of the SDK sets it")
    return os.path.join(folder, *path)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def toml_of(path):
    try:
        return tomllib.loads(read(path).decode())
    except FileNotFoundError:
        raise KappError(f"{path}: there is no such file; \"{os.environ.get('KRAKEN_TOOL', 'kapp')} new NAME\" begins an app") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KappError(f"{path}: {error}") from None


def write_whole(path, data):
    """All of it or nothing: a file that is cut short could be taken for a package."""
    partial = path + ".part"
    with open(partial, "wb") as file:
        file.write(data)
    os.replace(partial, path)


def developer_key():
    """The key that signs what somebody builds on this computer; made when it is first needed. -> path"""
    folder = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "kraken")
    path = os.environ.get("KRAKEN_KEY") or os.path.join(folder, "developer.pem")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        keys.make(path)
        print(f"made a key to sign your apps with: {path} (keep it secret)")
    return path


def new(path):
    """A folder with an app that does something already."""
    name = os.path.basename(os.path.abspath(path))
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or len(name) > manifest.NAME_MAX:
        raise KappError(f"{name!r}: an app's name is 1 to {manifest.NAME_MAX} letters, digits, '_' and '-'")
    try:
        os.makedirs(path)
    except FileExistsError:
        raise KappError(f"{path} is there already") from None
    for source in os.listdir(sdk("template")):
        text = read(sdk("template", source)).decode().replace("@NAME@", name)
        to = ".gitignore" if source == "gitignore" else source.removesuffix(".in").replace("NAME", name)
        with open(os.path.join(path, to), "w", encoding="utf-8") as file:
            file.write(text)
    tool = os.environ.get("KRAKEN_TOOL", "kapp")
    print(f"{path}: {name}.c is the app, app.toml what it asks for\nnext: {tool} run {path}")


def pc_compiler():
    """-> a compiler for the virtual board, or None with the reason said"""
    if platform.machine() != "x86_64":
        print(f"not built for the virtual board: it needs x86-64, this is {platform.machine()}")
        return None
    for name in (os.environ.get("CC"), "gcc-12", "gcc", "cc"):
        if name and shutil.which(name):
            return name
    raise KappError("no C compiler: install gcc, or name one in CC")


def board_compiler():
    """-> ESP-IDF's compiler, or None with the reason said"""
    named = os.environ.get("KRAKEN_XTENSA_CC")
    for name in (named,) if named else BOARD_COMPILERS:
        found = shutil.which(name) or next(iter(sorted(glob.glob(name), reverse=True)), None)
        if found:
            return found
    if named:
        raise KappError(f"KRAKEN_XTENSA_CC={named}: there is no such compiler")
    print("not built for the ESP32-S3: no xtensa-esp32s3-elf-gcc (ESP-IDF's install.sh esp32s3 brings it, its export.sh finds it)")
    return None


def sources_of(folder, build):
    if "sources" in build:
        return [os.path.join(folder, name) for name in build["sources"]]
    found = sorted(glob.glob(os.path.join(folder, "*.c")) + glob.glob(os.path.join(folder, "src", "*.c")))
    if not found:
        raise KappError(f"{folder}: no .c file here or in src/")
    return found


def compile_to(path, compiler, flags, folder, build):
    words = [compiler, *COMPILE, *flags, "-o", path, "-I" + folder]
    words += ["-I" + os.path.join(folder, name) for name in build.get("include", ["include"])]
    words += ["-I" + sdk("include"), "-I" + sdk("include", "system_service")]
    words += sources_of(folder, build)
    if "manifest" in build:
        words += ["-DAPP_MANIFEST=" + build["manifest"], sdk("src", "app_main.c")]
    if "-mlongcalls" in flags:
        words.append("-lgcc")
    if subprocess.run(words, check=False).returncode:
        raise KappError(f"{os.path.basename(compiler)} could not build it")


def flags_of(processor):
    """What CMake builds of apps are given as well: cmake/app_flags.cmake. -> arguments of the compiler"""
    with open(sdk("cmake", "app_flags.cmake"), encoding="utf-8") as file:
        lines = dict(re.findall(r"^set\(KRAKEN_APP_(\w+) ?(.*)\)$", file.read(), re.M))
    own = processor.upper()
    linker = lines["LINK"].split() + lines["LINK_" + own].split()
    return [*lines["COMPILE"].split(), *lines["COMPILE_" + own].split(), "-Wl," + ",".join(linker)]


def programs_of(folder, out, source):
    """Build for every processor that there is a compiler for. -> paths"""
    build = source.get("build", {})
    jobs = [(name, compiler, flags_of(name)) for name, compiler in (("x86_64", pc_compiler()), ("xtensa", board_compiler()))]
    result = []
    for name, compiler, flags in jobs:
        if compiler:
            path = os.path.join(out, name + ".so")
            compile_to(path, compiler, flags, folder, build)
            imports.check(path, read(path), source)
            result.append(path)
    if not result:
        raise KappError("there is no compiler for any processor")
    return result


def pack(toml, programs, output, key):
    """-> text: what came out"""
    source = toml_of(toml)
    folder = os.path.dirname(toml)
    sections = [package.Section(package.MANIFEST, manifest.encode(source))]
    targets = set()
    for path in programs:
        target, parts = program.sections_of(read(path))
        if target in targets:
            raise KappError(f"{path}: there is a program for {target} already")
        targets.add(target)
        sections += parts
    if not targets:
        raise KappError("no program: name at least one shared object")
    for path in source.get("assets", {}).values():
        sections.append(package.compressed(package.ASSET, read(os.path.join(folder, path))))
    if "icon" in source.get("app", {}):
        sections.append(package.compressed(package.ICON, read(os.path.join(folder, source["app"]["icon"]))))
    data = package.write(sections)
    if key:
        data = keys.sign(data, keys.load(key, True))
    write_whole(output, data)
    return f"{output}: {len(data)} bytes, {', '.join(sorted(targets))}, {'signed' if key else 'not signed'}"


def build_folder(folder, key, unsigned, toml="app.toml"):
    """-> (path of the package, the app's name)"""
    path = os.path.join(folder, toml)
    source = toml_of(path)
    manifest.encode(source)  # what is wrong with it comes before what is wrong with the code
    name = source["app"]["name"]
    out = os.path.join(folder, "build")
    os.makedirs(out, exist_ok=True)
    output = os.path.join(out, name + ".kapp")
    programs = programs_of(folder, out, source)
    sys.stdout.flush()
    print(pack(path, programs, output, None if unsigned else key or developer_key()))
    return output, name
