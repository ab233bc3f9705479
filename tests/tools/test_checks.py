#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each check must be able to fail: a small project with one fault each, and the same project without it."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKS = os.path.join(ROOT, "tools", "checks")
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


class Project(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name
        subprocess.run(["git", "init", "-q", self.root], check=True)

    def write(self, name, text, licence=True):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write((LICENCE if licence else "") + text)

    def run_check(self, name, *arguments):
        program = ["sh"] if name.endswith(".sh") else ["/usr/bin/python3"]
        return subprocess.run([*program, os.path.join(CHECKS, name), self.root, *arguments],
                              capture_output=True, text=True, check=False)

    def refuses(self, name, expected, *arguments):
        result = self.run_check(name, *arguments)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn(expected, result.stdout + result.stderr)

    def accepts(self, name, *arguments):
        result = self.run_check(name, *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Style(Project):
    def test_clean(self):
        self.write("components/a/src/a.c", """
static int twice(int x)
{
    do {
        x--; /* if (x) y; "while (1) z;" */
    } while (x > 3);
    if (x) {
        return 1;
    } else if (x > 2) {
        return 2;
    } else {
        return "if (a) b"[0];
    }
}
""")
        self.accepts("style.py")

    def test_braces(self):
        for body, word in (("if (x)\n        x = 1;", "if"), ("while (x)\n        x--;", "while"),
                           ("for (;;)\n        x--;", "for"), ("if (x) {\n    } else\n        x = 1;", "else"),
                           ("do\n        x--;\n    while (x);", "do"), ("if (f(x) && (x))\n        x = 1;", "if")):
            with self.subTest(word=word, body=body):
                self.write("components/a/src/a.c", f"void f(int x)\n{{\n    {body}\n}}\n")
                self.refuses("style.py", f"'{word}' without braces")

    def test_long_function(self):
        self.write("a.c", "void f(void)\n{\n" + "    g();\n" * 68 + "}\n")
        self.accepts("style.py")
        self.write("a.c", "void f(void)\n{\n" + "    g();\n" * 69 + "}\n")
        self.refuses("style.py", "function of 71 lines")

    def test_long_file(self):
        self.write("a.c", "int x;\n" * 499)
        self.accepts("style.py")
        self.write("a.c", "int x;\n" * 500)
        self.refuses("style.py", "needs a reason")
        self.write("tools/checks/long_files.txt", "a.c one table\n", licence=False)
        self.accepts("style.py")
        self.write("tools/checks/long_files.txt", "a.c\n", licence=False)
        self.refuses("style.py", "no reason given")
        self.write("tools/checks/long_files.txt", "a.c one table\n", licence=False)
        self.write("a.c", "int x;\n" * 800)
        self.refuses("style.py", "the ceiling is 800")

    def test_licence(self):
        self.write("a.c", "int x;\n", licence=False)
        self.refuses("style.py", "the first line must be")

    def test_script_licence(self):
        self.write("a.sh", "#!/bin/sh\necho\n", licence=False)
        self.refuses("style.py", "the first line must be")

    def test_header_guard(self):
        self.write("a.h", "#ifndef A_H\n#define A_H\n#endif\n")
        self.refuses("style.py", "#pragma once")

    def test_extern_c(self):
        self.write("components/a/include/a.h", "#pragma once\n\nint a_get(void);\n")
        self.refuses("style.py", 'extern "C"')

    def test_loose_end(self):
        self.write("a.c", "/* TO" "DO: later */\nint x;\n")
        self.refuses("style.py", "loose end")
        self.write("a.c", "/* TO" "DO(#12): later */\nint x;\n")
        self.accepts("style.py")

    def test_if_0(self):
        self.write("a.c", "#if 0\nint x;\n#endif\n")
        self.refuses("style.py", "#if 0")

    def test_platform_conditional(self):
        for line in ("#ifdef ESP_PLATFORM", "#if defined(__linux__)", "#if CONFIG_IDF_TARGET_ESP32S3"):
            with self.subTest(line=line):
                self.write("components/a/src/a.c", f"{line}\nint x;\n#endif\n")
                self.refuses("style.py", "platform conditional")
        os.unlink(os.path.join(self.root, "components/a/src/a.c"))
        self.write("components/a/port/linux/a.c", "#ifdef __linux__\nint x;\n#endif\n")
        self.accepts("style.py")

    def test_author(self):
        self.write("a.c", "/* @author somebody */\nint x;\n")
        self.refuses("style.py", "no author")

    def test_nothing_to_check(self):
        self.refuses("style.py", "nothing to look at")


class Layers(Project):
    def setUp(self):
        super().setUp()
        for name in ("components/system/include/system_service/event_bus.h", "components/system/private/core.h",
                     "components/audio_service/include/audio_service/audio_service.h",
                     "components/audio_service/include/audio_service/audio_service_events.h",
                     "components/audio_service/private/audio_backend.h", "apps/hello/hello.h",
                     "host/include/common/esp_log.h", "host/include/common/freertos/task.h", "host/control/host_control.h",
                     "tests/support/ktest.h"):
            self.write(name, "#pragma once\n")

    def includes(self, name, *headers):
        self.write(name, "".join(f'#include "{h}"\n' for h in headers))

    def test_clean(self):
        self.includes("components/system/src/bus.c", "core.h", "system_service/event_bus.h", "freertos/task.h", "string.h")
        self.includes("components/audio_service/src/a.c", "audio_backend.h", "event_bus.h", "esp_log.h")
        self.includes("components/audio_service/port/linux/a.c", "audio_backend.h", "host_control.h", "pthread.h")
        self.includes("components/audio_service/port/esp32s3/a.c", "audio_backend.h", "driver/i2s_std.h")
        self.includes("apps/hello/hello.c", "system_service/event_bus.h", "audio_service/audio_service_events.h", "esp_log.h")
        self.includes("main/app_main.c", "hello.h" if False else "audio_service/audio_service.h", "freertos/task.h")
        self.includes("tests/unit/t.c", "core.h", "host_control.h")
        self.accepts("layers.py")

    def refused(self, name, header, reason):
        self.includes(name, header)
        self.refuses("layers.py", reason)
        os.unlink(os.path.join(self.root, name))

    def test_arrows(self):
        service = "components/display_service/src/d.c"
        for name, header, reason in (
                (service, "audio_service/audio_service.h", "never includes another service"),
                (service, "audio_service_events.h", "never includes another service"),
                (service, "core.h", "private to system"),
                (service, "ktest.h", "nothing depends on tests"),
                ("apps/hello/hello.c", "audio_service/audio_service.h", "a service's events"),
                ("apps/hello/hello.c", "freertos/task.h", "not ESP-IDF directly"),
                ("apps/hello/hello.c", "pthread.h", "neither the C library"),
                ("components/system/src/s.c", "audio_service/audio_service.h", "system may not depend on service"),
                ("components/system/src/s.c", "host_control.h", "only port/linux and tests"),
                ("components/system/src/s.c", "unistd.h", "neither the C library"),
                ("components/system/include/system_service/x.h", "core.h", "may not include a private one"),
                ("components/display_service/port/linux/d.c", "event_bus.h", "its own component alone"),
                ("components/display_service/port/esp32s3/d.c", "host_control.h", "only port/linux"),
                ("host/src/h.c", "event_bus.h", "host may not depend on system")):
            with self.subTest(name=name, header=header):
                self.refused(name, header, reason)

    def test_commented_out_include_is_none(self):
        self.write("components/system/src/s.c", '/* #include "host_control.h" */\n#include "core.h"\n')
        self.accepts("layers.py")


class Links(Project):
    def test_links(self):
        self.write("docs/a.md", "# A b\n[x](b.md) [y](#a-b) [z](https://example.org) `[no](gone.md)`\n", licence=False)
        self.write("docs/b.md", "# `code` here\n", licence=False)
        self.accepts("links.py")
        self.write("docs/c.md", "[x](gone.md)\n", licence=False)
        self.refuses("links.py", "dead link: gone.md")
        self.write("docs/c.md", "[x](b.md#gone)\n", licence=False)
        self.refuses("links.py", "no such heading")
        self.write("docs/c.md", "[x](b.md#code-here)\n", licence=False)
        self.accepts("links.py")


class Generated(Project):
    def run_tool(self, option):
        return subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "tools", "config_doc.py"), self.root, option],
                              capture_output=True, text=True, check=False)

    def test_document_follows_kconfig(self):
        self.write("host/Kconfig", 'osource "$(KRAKEN_ROOT)/components/*/Kconfig"\n', licence=False)
        option = 'config LIMIT\n    int "Limit"\n    range 1 %d\n    default 3\n    help\n        One more costs 8 bytes.\n'
        self.write("components/a/Kconfig", option % 9, licence=False)
        self.assertEqual(self.run_tool("--check").returncode, 1)
        self.assertEqual(self.run_tool("--write").returncode, 0)
        self.assertEqual(self.run_tool("--check").returncode, 0)
        with open(os.path.join(self.root, "docs/CONFIGURATION.md"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("`LIMIT`: int, default 3, range 1 … 9", text)
        self.assertIn("One more costs 8 bytes.", text)
        self.write("components/a/Kconfig", option % 10, licence=False)
        self.assertEqual(self.run_tool("--check").returncode, 1)


class Headers(Project):
    def setUp(self):
        super().setUp()
        self.build = os.path.join(self.root, "build")
        include = os.path.join(self.root, "components/a/include")
        os.makedirs(os.path.join(self.root, "host/include/common"))
        self.write("build/components/a.txt", f"dir={self.root}/components/a\nincludes={include}\n", licence=False)

    def header(self, text):
        self.write("components/a/include/a.h", "#pragma once\n" + text)

    def test_clean(self):
        self.header('#include <stdint.h>\n#ifdef __cplusplus\nextern "C" {\n#endif\nuint32_t a_get(void (*f)(int), int b);\n'
                    "#ifdef __cplusplus\n}\n#endif\n")
        self.accepts("headers.py", self.build)

    def test_not_alone(self):
        self.header("extern uint32_t a;\n")
        self.refuses("headers.py", "not alone as C", self.build)

    def test_not_cpp(self):
        self.header("struct a {\n    int class;\n};\n")
        self.refuses("headers.py", "not usable from C++", self.build)

    def test_no_extern_c(self):
        self.header("int a_get(int b);\n")
        self.refuses("headers.py", 'without extern "C": _Z5a_geti', self.build)


class Compiled(Project):
    """Those that read compile_commands.json."""

    def source(self, text):
        self.write("components/a/src/a.c", text)
        path = os.path.join(self.root, "components/a/src/a.c")
        self.write("build/compile_commands.json", f'[{{"directory": "{self.root}", "file": "{path}", '
                   f'"command": "cc -D_GNU_SOURCE -c {path}"}}]', licence=False)
        self.write("build/config/sdkconfig.h", "", licence=False)
        with open(os.path.join(ROOT, ".clang-tidy"), encoding="utf-8") as settings:
            self.write(".clang-tidy", settings.read(), licence=False)
        return os.path.join(self.root, "build")

    def test_xtensa(self):
        build = self.source("#include <stdint.h>\n#include <stdio.h>\nvoid f(uint32_t x);\n"
                            '#include <inttypes.h>\nvoid f(uint32_t x)\n{\n    printf("%" PRIu32, x);\n}\n')
        self.accepts("xtensa.py", build)
        build = self.source('#include <stdint.h>\n#include <stdio.h>\nvoid f(uint32_t x);\nvoid f(uint32_t x)\n{\n    printf("%u", x);\n}\n')
        self.refuses("xtensa.py", "format", build)
        build = self.source("_Static_assert(sizeof(long) == 8, \"64 bit\");\n")
        self.refuses("xtensa.py", "64 bit", build)

    def test_analysis(self):
        build = self.source("int f(int x);\nint f(int x)\n{\n    return x + 1;\n}\n")
        self.accepts("analysis.py", build)
        self.accepts("analysis.py", build)
        build = self.source("int f(int x);\nint f(int x)\n{\n    int a[4] = {0};\n    return a[4] + x;\n}\n")
        self.refuses("analysis.py", "arrayIndexOutOfBounds", build)
        build = self.source("int f(const int *p);\nint f(const int *p)\n{\n    if (p) {\n        return 0;\n    }\n    return *p;\n}\n")
        self.refuses("analysis.py", "clang-analyzer", build)


class Scripts(Project):
    def test_format(self):
        with open(os.path.join(ROOT, ".clang-format"), encoding="utf-8") as settings:
            self.write(".clang-format", settings.read(), licence=False)
        self.write("a.c", "int f(int x)\n{\n    return x;\n}\n")
        self.accepts("format.sh")
        self.write("a.c", "int f(int x) {\n  return x; }\n")
        self.refuses("format.sh", "not formatted")
        self.accepts("format.sh", "--fix")
        self.accepts("format.sh")

    def test_shell(self):
        self.write("a.sh", '#!/bin/sh\necho "$1"\n', licence=False)
        self.accepts("shell.sh")
        self.write("a.sh", "#!/bin/sh\necho $1\n", licence=False)
        self.refuses("shell.sh", "SC2086")
        self.write("a.sh", "#!/bin/sh\nif true; then\n", licence=False)
        self.refuses("shell.sh", "a.sh")


class Switches(Project):
    HEADER = "#pragma once\n\nint extra_get(void);\nint extra_or_none(void);\n"
    CALLER = '#include "extra.h"\n#include "sdkconfig.h"\n\nint extra_or_none(void)\n{\n%s}\n'

    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.root, "tools"))
        for name in ("kconfig_gen.py", "device_only_options.txt"):
            os.symlink(os.path.join(ROOT, "tools", name), os.path.join(self.root, "tools", name))
        self.write("host/Kconfig", 'mainmenu "Small"\nconfig SYSTEM_EXTRA\n    bool "Extra"\n    default y\n'
                                   'config SYSTEM_OTHER\n    bool "Other"\n    default y\n', licence=False)
        self.write("sdkconfig.defaults", "", licence=False)
        self.write("sdkconfig.defaults.minimal", "CONFIG_SYSTEM_EXTRA=n\nCONFIG_SYSTEM_OTHER=n\n", licence=False)
        self.write("components/system/include/extra.h", self.HEADER)
        self.extra("#ifdef CONFIG_SYSTEM_EXTRA\nint extra_get(void)\n{\n    return 1;\n}\n#else\n"
                   "int extra_get(void)\n{\n    return 0;\n}\n#endif\n")
        self.write("components/system/src/caller.c", self.CALLER % "    return extra_get();\n")
        include = os.path.join(self.root, "components/system/include")
        commands = [{"directory": self.root, "file": name, "command": f"gcc-12 -I{include} -Ibuild/config -c {name}"}
                    for name in ("components/system/src/extra.c", "components/system/src/caller.c")]
        self.write("build/compile_commands.json", json.dumps(commands), licence=False)
        self.write("build/config/sdkconfig.h", "", licence=False)

    def extra(self, body):
        self.write("components/system/src/extra.c", '#include "extra.h"\n#include "sdkconfig.h"\n\n' + body)

    def switches(self):
        command = ["/usr/bin/python3", os.path.join(CHECKS, "switches.py"), self.root, os.path.join(self.root, "build")]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.root)

    def test_stands_in_for_what_is_off(self):
        result = self.switches()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_what_is_off_leaves_a_hole(self):
        self.extra("#ifdef CONFIG_SYSTEM_EXTRA\nint extra_get(void)\n{\n    return 1;\n}\n#endif\n")
        result = self.switches()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        for label in ("SYSTEM_EXTRA", "all"):
            self.assertIn(f"{label}: extra_get() is declared or called, and nobody has it", result.stdout)
        self.assertNotIn("SYSTEM_OTHER:", result.stdout)

    def test_does_not_compile_without(self):
        self.write("components/system/src/caller.c", self.CALLER % "    return CONFIG_SYSTEM_OTHER;\n")
        result = self.switches()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("SYSTEM_OTHER: components/system/src/caller.c", result.stdout)
        self.assertNotIn("SYSTEM_EXTRA:", result.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
