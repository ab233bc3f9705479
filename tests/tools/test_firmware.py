#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The firmware's checks, each shown to fail: components, options, headers and calls against an ESP-IDF; sizes; what is missing."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import small_idf

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKS = os.path.join(ROOT, "tools", "checks")
sys.path.insert(0, CHECKS)
import objects  # noqa: E402

SOURCE = '#include "FreeRTOS.h"\n#include "nvs.h"\nlong f(void);\nlong f(void)\n{\n    flash_t value;\n    return nvs_get("k", &value);\n}\n'
PROJECT = {
    "main/CMakeLists.txt": "idf_component_register(SRCS main.c PRIV_REQUIRES a)\n",
    "main/main.c": "void app_main(void);\nvoid app_main(void)\n{\n}\n",
    "components/a/CMakeLists.txt": "idf_component_register(SRCS src/a.c PRIV_INCLUDE_DIRS private REQUIRES nvs)\n",
    "components/a/private/own.h": "#pragma once\n",
    "components/a/src/a.c": SOURCE,
    "components/a/port/linux/pc.c": "#error the firmware has no PC code\n",
    "sdkconfig.defaults": "CONFIG_NVS_LIMIT=5\n",
    "boards/small/sdkconfig.defaults": "CONFIG_NVS_LIMIT=7\n",
}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.project = os.path.join(self.root, "project")

    def write(self, name, text):
        small_idf.write(self.project, {name: text})

    def refuses(self, expected, *arguments):
        result = self.check(*arguments)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn(expected, result.stdout + result.stderr)

    def accepts(self, *arguments):
        result = self.check(*arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout


class Idf(Folder):
    def setUp(self):
        super().setUp()
        self.idf = os.path.join(self.root, "idf")
        small_idf.write(self.idf, small_idf.FILES)
        small_idf.write(os.path.join(self.root, "newlib"), small_idf.NEWLIB)
        small_idf.write(self.project, PROJECT)

    def check(self, *arguments):
        return subprocess.run(["/usr/bin/python3", os.path.join(CHECKS, "idf.py"), self.project, os.path.join(self.root, "out"),
                               "--idf", self.idf, "--newlib", os.path.join(self.root, "newlib"), *arguments],
                              capture_output=True, text=True, check=False)

    def setting(self, *arguments):
        self.accepts(*arguments)
        with open(os.path.join(self.root, "out", "config", "sdkconfig.h"), encoding="utf-8") as file:
            return re.search(r"CONFIG_NVS_LIMIT (\d+)", file.read()).group(1)

    def test_clean(self):
        self.assertIn("v5.5.9", self.accepts())

    def test_board_comes_last(self):
        self.assertEqual(self.setting(), "5")
        self.assertEqual(self.setting("--board", "small"), "7")

    def test_header_without_requires(self):
        self.write("components/a/CMakeLists.txt", "idf_component_register(SRCS src/a.c)\n")
        os.unlink(os.path.join(self.project, "sdkconfig.defaults"))
        self.refuses("nvs.h: No such file")

    def test_private_header_of_another(self):
        self.write("main/main.c", '#include "own.h"\n')
        self.refuses("own.h: No such file")

    def test_option_of_a_component_not_built(self):
        self.write("components/a/CMakeLists.txt", "idf_component_register(SRCS src/a.c REQUIRES flash)\n")
        self.refuses("CONFIG_NVS_LIMIT is no option of the components")

    def test_value_out_of_range(self):
        self.write("sdkconfig.defaults", "CONFIG_NVS_LIMIT=50\n")
        self.refuses("has no effect, the value is '3'")

    def with_backends(self, named):
        with open(os.path.join(ROOT, "boards", "backends.cmake"), encoding="utf-8") as file:
            self.write("boards/backends.cmake", file.read())
        self.write("boards/small/board.cmake", f"set(KRAKEN_BACKENDS {named})\n")
        self.write("components/a/CMakeLists.txt", '''idf_build_get_property(backends KRAKEN_BACKENDS)
set(port)
if("display_spi" IN_LIST backends)
    set(port "port/esp32s3/a_spi.c")
endif()
idf_component_register(SRCS src/a.c ${port} PRIV_INCLUDE_DIRS private REQUIRES nvs)
''')
        self.write("components/a/port/esp32s3/a_spi.c", "#error only with a panel\n")

    def test_a_board_is_built_with_the_backends_it_names(self):
        self.with_backends("audio_i2s display_spi")
        self.refuses("only with a panel", "--board", "small")

    def test_a_board_is_built_without_the_others(self):
        self.with_backends("audio_i2s")
        self.accepts("--board", "small")

    def test_without_a_board_all_backends_are_built(self):
        self.with_backends("")
        self.refuses("only with a panel")

    def test_no_such_backend(self):
        self.with_backends("display_spy")
        self.refuses("'display_spy'; there are: audio_i2s", "--board", "small")

    def test_wrong_call(self):
        self.write("components/a/src/a.c", SOURCE.replace("&value", "value"))
        self.refuses("components/a/src/a.c:0: components/a/src/a.c:7:25: error")

    def test_board_of_the_firmware_in_another_project(self):
        small_idf.write(self.project, {
            "main/Kconfig.projbuild": 'config MAIN_PIN\n    int "Pin"\n    default -1\n',
            "boards/small/sdkconfig.defaults": "CONFIG_NVS_LIMIT=7\nCONFIG_MAIN_PIN=0\n",
            "other/main/CMakeLists.txt": "idf_component_register(SRCS main.c PRIV_REQUIRES a)\n",
            "other/main/main.c": PROJECT["main/main.c"],
        })
        self.accepts("--board", "small")
        self.assertEqual(self.setting("--board", "small", "--project", "other"), "7")
        self.write("boards/small/sdkconfig.defaults", "CONFIG_NVS_LIMIT=7\nCONFIG_MAIN_PINN=0\n")
        self.refuses("boards/small/sdkconfig.defaults:2: CONFIG_MAIN_PINN is no option", "--board", "small", "--project", "other")
        self.write("boards/small/sdkconfig.defaults", "CONFIG_NVS_LIMIT=7\n")
        self.write("other/sdkconfig.defaults", "CONFIG_MAIN_PIN=0\n")
        self.refuses("other/sdkconfig.defaults:1: CONFIG_MAIN_PIN is no option", "--board", "small", "--project", "other")

    def test_warning_is_an_error(self):
        self.write("components/a/src/a.c", SOURCE.replace("return", "int spare;\n    return"))
        self.refuses("unused variable")

    def test_uint32_is_long(self):
        self.write("components/a/src/a.c", SOURCE + "_Static_assert(_Generic((__UINT32_TYPE__)0, unsigned long: 1, default: 0), \"\");\n"
                   "_Static_assert(sizeof(void *) == 4, \"\");\n")
        self.accepts()

    def test_forgotten_source(self):
        self.write("components/a/src/b.c", "int b;\n")
        self.refuses("components/a/src/b.c:1: in no component's SRCS")

    def test_missing_source(self):
        self.write("main/CMakeLists.txt", "idf_component_register(SRCS main.c gone.c PRIV_REQUIRES a)\n")
        self.refuses("SRCS: there is no gone.c")

    def test_unknown_requirement(self):
        self.write("main/CMakeLists.txt", "idf_component_register(SRCS main.c PRIV_REQUIRES a wifi)\n")
        self.refuses("requires 'wifi', which is no component")

    def test_unknown_argument(self):
        self.write("main/CMakeLists.txt", "idf_component_register(SRCES main.c)\n")
        self.refuses("idf_component_register() knows no 'SRCES'")

    def test_declared_and_nowhere_defined(self):
        self.write("components/a/src/a.c", SOURCE.replace('nvs_get("k", &value)', 'nvs_get("k", &value) + nvs_lost()'))
        self.refuses("components/a/src/a.c:1: 'nvs_lost' is declared but nothing in the build defines it; component 'lost' may")

    def test_defined_by_a_macro(self):
        names = '#include "nvs.h"\n#define NVS_DEFINE_NAME(id) const char *const id = #id\nNVS_DEFINE_NAME(NVS_FIRST);\n'
        small_idf.write(self.idf, {"components/nvs/nvs.c": names + small_idf.FILES["components/nvs/nvs.c"]})
        for name in ("NVS_FIRST", "NVS_SECOND"):
            declared = f"extern const char *const {name};\n"
            self.write("components/a/src/a.c", declared + SOURCE.replace('nvs_get("k", &value)', f"nvs_get({name}, &value)"))
            if name == "NVS_FIRST":
                self.accepts()
        self.refuses("'NVS_SECOND' is declared but nothing in the build defines it")

    def test_defined_twice(self):
        self.write("components/a/src/a.c", SOURCE.replace("long f(void)", "long nvs_get(const char *k, flash_t *v)")
                   .replace("    flash_t value;\n", "").replace('nvs_get("k", &value)', "*k + (long)*v"))
        self.refuses("'nvs_get' is ESP-IDF's, in components/nvs/nvs.c: the link fails")
        self.write("components/a/src/a.c", SOURCE.replace("long f(void)", "long app_main(void)"))
        self.refuses("'app_main' is defined in")

    def test_component_without_submodule(self):
        self.write("main/CMakeLists.txt", "idf_component_register(SRCS main.c PRIV_REQUIRES a mqtt)\n")
        self.assertIn("left out: mqtt (its submodule is missing)", self.accepts())
        self.write("main/CMakeLists.txt", "idf_component_register(SRCS main.c PRIV_REQUIRES a mqqt)\n")
        self.refuses("requires 'mqqt', which is no component")

    def test_command_not_possible_before_the_configuration(self):
        self.write("main/CMakeLists.txt", "add_library(x STATIC main.c)\nidf_component_register(SRCS main.c)\n")
        self.refuses("requirements cannot be read")

    def test_name_of_a_component_of_esp_idf(self):
        self.write("components/flash/CMakeLists.txt", "idf_component_register()\n")
        self.refuses("the name hides a component")

    def test_not_registered(self):
        self.write("components/b/CMakeLists.txt", "\n")
        self.refuses("does not call idf_component_register()")

    def test_no_main(self):
        os.unlink(os.path.join(self.project, "main/CMakeLists.txt"))
        self.refuses("main/CMakeLists.txt:1: missing")

    def test_no_esp_idf(self):
        os.unlink(os.path.join(self.idf, "Kconfig"))
        self.refuses("is no ESP-IDF: Kconfig is missing")

    def test_other_version(self):
        small_idf.write(self.idf, {"tools/cmake/version.cmake": "set(IDF_VERSION_MAJOR 6)\nset(IDF_VERSION_MINOR 0)\nset(IDF_VERSION_PATCH 0)\n"})
        self.refuses("is ESP-IDF v6.0.0")


class Size(Folder):
    def check(self, *arguments):
        return subprocess.run(["/usr/bin/python3", os.path.join(CHECKS, "size.py"), self.project, os.path.join(self.root, "build"),
                               *arguments], capture_output=True, text=True, check=False)

    def source(self, text, name="components/system/src/a.c"):
        self.write(name, text)
        self.write("sdkconfig.defaults", "")
        path = os.path.join(self.project, name)
        small_idf.write(self.root, {"build/compile_commands.json":
                                    f'[{{"directory": "{self.project}", "file": "{path}", "command": "cc -c {path}"}}]'})

    def test_accepted_and_grown(self):
        self.source("char a[1000];\n")
        self.write("tools/size_accepted.txt", "")
        self.refuses("components/system is not in the table")
        self.accepts("--fix")
        self.source("char a[1029];\n")
        self.accepts()
        self.source("char a[1100];\n")
        self.refuses("ram 1000 -> 1100 (+10.0 %)")
        self.source("char a[900];\n")
        self.refuses("ram 1000 -> 900 (-10.0 %)")
        self.accepts("--fix")
        self.accepts()
        self.source("char a[900];\n", "components/b/src/a.c")
        self.refuses("components/system is in the table and no longer in the tree")

    def test_budget(self):
        self.source("char a[16384];\nchar a_stack[4096];\n")
        self.accepts("--budget")
        self.source("char a[16385];\n")
        self.refuses("ram 16385 of 16384 bytes, OVER", "--budget")
        self.source("const char a[49153] = {1};\n")
        self.refuses("flash 49153 of 49152 bytes, OVER", "--budget")
        self.source("char a[20000];\n", "components/system/src/memory_pool.c")
        self.accepts("--budget")

    def test_does_not_compile(self):
        self.source("int a = gone;\n")
        self.refuses("does not compile")

    def test_instructions(self):
        text = objects.without_instructions("\t.text\nf:\n\tentry\tsp, 32\n\tmovi.n\ta2, 1\n\tretw.n\n#APP\n\tnop; memw\n#NO_APP\n\t.size f, .-f\n")
        self.assertEqual(re.findall(r"\.space (\d)", text), ["3", "2", "2", "3", "3"])
        with tempfile.TemporaryDirectory() as folder:
            sizes, symbols = objects.measure("\t.text\nf:\n\tentry\tsp, 32\n\tretw.n\n\t.comm x,12,4\n\t.comm my_stack,100,4\n",
                                             os.path.join(folder, "x"), False)
        self.assertEqual((sizes["flash"], sizes["stacks"]), (5, 100))
        self.assertEqual(symbols, [(12, "x")])


MAP = """Discarded input sections
 .text.gone     0x00000000       0x90 esp-idf/system/libsystem.a(a.c.obj)
Linker script and memory map
.iram0.text     0x40374000     0x4000
 .iram1.0       0x40374400       0x20 esp-idf/system/libsystem.a(a.c.obj)
.dram0.bss      0x3fc90000     0x4000
 .bss.s_table   0x3fc90000      0x100 esp-idf/system/libsystem.a(a.c.obj)
 .bss.s_worker_stack
                0x3fc90100      0x200 esp-idf/system/libsystem.a(a.c.obj)
 .bss.s_blocks  0x3fc90300      0x400 esp-idf/system/libsystem.a(memory_pool.c.obj)
.flash.rodata   0x3c000000     0x1000
 .rodata.f.str1.4
                0x3c000000       0x10 esp-idf/system/libsystem.a(a.c.obj)
                                 0x18 (size before relaxing)
 .rodata.f      0x3c000010        0x8 esp-idf/system/libsystem.a(a.c.obj)
.flash.text     0x42000020     0x9000
 .text.f        0x42000020       0x40 esp-idf/system/libsystem.a(a.c.obj)
 .text.g        0x42000060       0x80 esp-idf/shell/libshell.a(a.c.obj)
.debug_info     0x00000001     0x9000
 .debug_info    0x00000001     0x9000 esp-idf/system/libsystem.a(a.c.obj)
"""


class Map(Folder):
    def check(self, *arguments):
        program = os.path.join(ROOT, "tools", "firmware_size.py")
        return subprocess.run(["/usr/bin/python3", program, *arguments], capture_output=True, text=True, check=False)

    def test_by_source_and_kind(self):
        small_idf.write(self.root, {"a.map": MAP, "b.map": "no map\n"})
        lines = self.accepts(os.path.join(self.root, "a.map")).splitlines()
        self.assertEqual(lines[1].split(), ["a.c", "120", "64", "32", "16", "8", "0", "256", "512", "0", "0", "0"])
        self.assertEqual(lines[2].split(), ["memory_pool.c", "0", "0", "0", "0", "0", "0", "0", "0", "1024", "0", "0"])
        self.assertEqual(lines[3].split()[:2], ["all", "120"])
        self.assertEqual(lines[4].split()[-1], "256")
        self.assertIn(" 128 ", self.accepts(os.path.join(self.root, "a.map"), "shell"))
        self.refuses("nothing of component 'kapp'", os.path.join(self.root, "a.map"), "kapp")
        self.refuses("no map of GNU ld", os.path.join(self.root, "b.map"))


class Verb(Folder):
    def check(self, *arguments, **environment):
        values = {name: value for name, value in os.environ.items() if not name.startswith("IDF_")}
        values.update(environment, KRAKEN_BUILD_DIR=self.root)
        return subprocess.run([os.path.join(ROOT, "kraken"), "firmware", *arguments], capture_output=True, text=True, check=False, env=values)

    def lacks(self, expected, *arguments, **environment):
        result = self.check(*arguments, **environment)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn(expected, result.stderr)

    def program(self, name, text="#!/bin/sh\n"):
        path = os.path.join(self.root, "bin", name)
        small_idf.write(self.root, {os.path.join("bin", name): text})
        os.chmod(path, 0o755)

    def test_what_is_missing(self):
        idf, path = os.path.join(self.root, "idf"), os.path.join(self.root, "bin") + ":" + os.environ["PATH"]
        self.lacks("IDF_PATH is not set")
        self.lacks("is no ESP-IDF", IDF_PATH=self.root)
        small_idf.write(idf, {**small_idf.FILES, "tools/cmake/project.cmake": ""})
        self.program("none")
        self.lacks("idf.py is not on PATH", IDF_PATH=idf, PATH=path)
        self.program("idf.py", '#!/bin/sh\necho "$IDF_TARGET" "$@"\n')
        self.lacks("xtensa-esp32s3-elf-gcc is not on PATH", IDF_PATH=idf, PATH=path)
        self.program("xtensa-esp32s3-elf-gcc")
        self.program("qemu-system-xtensa", "#!/bin/sh\necho 'sim  an upstream machine'\n")
        self.lacks("knows no machine esp32s3", "qemu", IDF_PATH=idf, PATH=path)
        result = self.check("flash", "--port", "/dev/x", IDF_PATH=idf, PATH=path)
        self.assertEqual(result.stdout, f"esp32s3 -C {ROOT} -B {self.root}/firmware/devkitc1 -D KRAKEN_BOARD=devkitc1 -p /dev/x flash\n")
        small_idf.write(idf, {"tools/cmake/version.cmake": "set(IDF_VERSION_MAJOR 5)\nset(IDF_VERSION_MINOR 1)\n"})
        self.lacks("is ESP-IDF v5.1", IDF_PATH=idf, PATH=path)

    def test_arguments(self):
        self.refuses("there is no board 'none'; there are: box3 devkitc1 devkitc1_n8r8 qemu\n", "--board", "none")
        self.refuses("unknown argument --fast", "--fast")
        self.refuses("one at a time", "build", "flash")

    def test_clean_needs_no_idf(self):
        small_idf.write(self.root, {"firmware/qemu/a": "", "firmware/devkitc1/a": ""})
        self.assertEqual(self.check("clean", "--board", "qemu").returncode, 0)
        self.assertEqual(os.listdir(os.path.join(self.root, "firmware")), ["devkitc1"])


class RootProject(Folder):
    """The top CMakeLists.txt, with a project.cmake that tells what it was given."""

    def check(self, *arguments):
        small_idf.write(self.root, {"idf/tools/cmake/project.cmake":
                                    "function(idf_build_set_property name value)\n    message(STATUS \"property ${name} ${value}\")\n"
                                    "endfunction()\nmacro(project name)\n    _project(${name} NONE)\n"
                                    "    message(STATUS \"given ${SDKCONFIG_DEFAULTS} ${SDKCONFIG} ${EXTRA_COMPONENT_DIRS}\")\nendmacro()\n"})
        environment = {name: value for name, value in os.environ.items() if name != "SDKCONFIG_DEFAULTS"}
        return subprocess.run(["cmake", "-S", ROOT, "-B", os.path.join(self.root, "build"), "-G", "Ninja", *arguments], capture_output=True,
                              text=True, check=False, env={**environment, "IDF_PATH": os.path.join(self.root, "idf")})

    def test_board(self):
        text = self.accepts()
        self.assertIn(f"given {ROOT}/sdkconfig.defaults;{ROOT}/boards/devkitc1/sdkconfig.defaults {ROOT}/sdkconfig.devkitc1 {ROOT}/apps", text)
        self.assertIn("property MINIMAL_BUILD ON", text)
        self.assertIn(f"{ROOT}/boards/qemu/sdkconfig.defaults {ROOT}/sdkconfig.qemu", self.accepts("-DKRAKEN_BOARD=qemu"))

    def test_own_files(self):
        self.assertIn("given /a;/b /c/sdkconfig ", self.accepts("-DSDKCONFIG_DEFAULTS=/a;/b", "-DSDKCONFIG=/c/sdkconfig"))

    def test_no_such_board(self):
        self.refuses("devkitc1;devkitc1_n8r8;qemu", "-DKRAKEN_BOARD=none")

    def test_every_board_names_the_chip(self):
        boards = os.listdir(os.path.join(ROOT, "boards"))
        self.assertIn("qemu", boards)
        for board in boards:
            path = os.path.join(ROOT, "boards", board, "sdkconfig.defaults")
            if os.path.isdir(os.path.dirname(path)):
                with open(path, encoding="utf-8") as file:
                    self.assertIn('CONFIG_IDF_TARGET="esp32s3"\n', file.read(), board)


if __name__ == "__main__":
    unittest.main()
