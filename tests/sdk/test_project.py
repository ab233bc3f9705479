#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The SDK as somebody uses it who has nothing else of the project: an app from the template, on the virtual board, over both links.
usage: test_project.py KRAKEN_OS"""

import array
import os
import pty
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tty
import unittest
import wave

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOARD = os.path.abspath(sys.argv.pop(1))
WAIT_S = 600  # for what must happen: less than CTest's own bound


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.sdk = os.path.join(cls.folder.name, "sdk")
        subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "sdk", "make_sdk.py"), ROOT, cls.sdk, BOARD], check=True)
        cls.environment = {name: value for name, value in os.environ.items() if not name.startswith("KRAKEN")}
        cls.environment["XDG_CONFIG_HOME"] = os.path.join(cls.folder.name, "config")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def tool(self, *words, status=0, **more):
        result = subprocess.run([os.path.join(self.sdk, "bin", "kraken-app"), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, timeout=WAIT_S, check=False, cwd=self.folder.name, env=dict(self.environment, **more))
        self.assertEqual(result.returncode, status, result.stdout)
        return result.stdout

    def new(self, name):
        self.tool("new", name)
        return self.path(name)

    def edit(self, path, old, new):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def board(self, name, *more):
        """A virtual board with its shell on a pipe, up; ends with the test."""
        state = self.path(name)
        board = subprocess.Popen([BOARD, "--shell", "--state", state, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(board.stdout.close)
        self.addCleanup(board.wait, WAIT_S)
        self.addCleanup(board.stdin.close)
        self.said(board, "help\n", "leave the shell")
        return board, state

    def said(self, board, command, pattern):
        board.stdin.write(command)
        board.stdin.flush()
        until = time.monotonic() + WAIT_S
        for line in board.stdout:
            if re.search(pattern, line):
                return line
            if time.monotonic() > until:
                break
        self.fail(f"the board did not say {pattern}")

    def asked(self, board, question, answer, wanted):
        """The question again and again, until its answer is the wanted one."""
        until = time.monotonic() + WAIT_S
        while True:
            line = self.said(board, question + "\n", answer)
            if re.search(wanted, line):
                return
            self.assertLess(time.monotonic(), until, f"{question}: {line}")
            time.sleep(0.1)

    def ran(self, *words, says):
        """Run an app and watch it until it says all of this; a busy machine needs longer."""
        for seconds in ("2.5", "10", "60", "300"):
            said = self.tool("run", *words, "--seconds", seconds)
            if all(text in said for text in says):
                break
        for text in says:
            self.assertIn(text, said)
        return said


class Project(Bench):
    def test_from_nothing_to_a_running_app(self):
        self.new("first")
        self.ran("first", "--state", "state",
                 says=("started a virtual board", 'installed as "first"', "hello, this is first", "running for 1 s"))
        again = self.tool("run", "first", "--state", "state", "--seconds", "0.5")
        self.assertIn("1.0.0 in place of 1.0.0", again)  # the flash was kept

    def test_messages(self):
        source = os.path.join(self.new("wrong"), "wrong.c")
        self.edit(source, 'ctx->log(ctx, ESP_LOG_INFO, "goodbye");',
                  'extern int puts(const char *); extern int app_settings_sett(void); extern int app_settings_erase(const char *);\n'
                  'puts("x"); app_settings_sett(); app_settings_erase("x");')
        said = self.tool("build", "wrong", status=1)
        self.assertIn("puts: an app cannot call this; an app has no terminal: ctx->log", said)
        self.assertIn("did you mean app_settings_set?", said)
        self.assertIn('app_settings_erase needs in app.toml: storage = "1.0" under [interfaces] and groups = ["storage"]', said)
        self.edit(source, "void app_main(app_context_t *ctx)\n{", "void app_mane(app_context_t *ctx);\nvoid app_mane(app_context_t *ctx)\n{")
        self.assertIn("no function app_main(", self.tool("build", "wrong", status=1))
        self.assertIn("is there already", self.tool("new", "wrong", status=1))
        self.assertIn("an app's name is", self.tool("new", "not a name", status=1))
        self.assertIn("there is no such file", self.tool("build", "nowhere", status=1))
        self.assertIn("there is no such compiler", self.tool("build", "wrong", status=1, KRAKEN_XTENSA_CC="/nowhere/gcc"))
        self.assertIn("build it first", self.tool("install", "wrong", status=1))
        self.new("right")
        self.assertIn("not built for the ESP32-S3", self.tool("build", "right", PATH="/usr/bin:/bin", HOME=self.folder.name))
        self.assertIn("no virtual board runs", self.tool("install", "right", "--state", "none", status=1))

    def test_headers_are_the_interface_list(self):
        with open(os.path.join(self.sdk, "interface.txt"), encoding="utf-8") as file:
            known = {line.split()[2] for line in file}
        declared = set()
        for folder, _, names in os.walk(os.path.join(self.sdk, "include")):
            for name in names:
                header = os.path.join(folder, name)
                flags = ["-I" + os.path.join(self.sdk, "include"), "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wundef"]
                how = {"check": True, "input": f'#include "{header}"\n', "capture_output": True, "text": True}
                subprocess.run(["gcc-12", *flags, "-fsyntax-only", "-x", "c", "-"], **how)
                text = subprocess.run(["gcc-12", *flags, "-E", "-x", "c", "-"], **how).stdout
                ours = ""
                for part in re.split(r"(?m)^# \d+ ", text):
                    ours += part.split("\n", 1)[1] + "\n" if part.startswith(f'"{self.sdk}') else ""
                ours = re.sub(r"\{[^{}]*\}", "", re.sub(r"\{[^{}]*\}", "", ours))
                ours = re.sub(r"\b_Bool\s+", "_Bool ", ours)  # a macro: the preprocessor begins a line behind it
                ours = re.sub(r"static inline [^()]*\([^()]*\)", "", ours)
                declared |= set(re.findall(r"(?m)^extern const \w+ (\w+);", ours))
                declared |= {m for m in re.findall(r"(?m)^(?!typedef)[A-Za-z_][\w *]*?\b(\w+)\([^;{]*\);", ours)}
        self.assertGreaterEqual(len(declared), 13)
        self.assertEqual(declared - known, set())
        libc = {n for n in known if re.match(r"mem|str|v?snprintf$|[cm]?alloc$|calloc|malloc|realloc|free|abort|__assert", n)}
        self.assertEqual(known - declared - libc, set())

    def test_cmake(self):
        folder = self.new("own")
        with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(f"cmake_minimum_required(VERSION 3.25)\nproject(own C)\ninclude(\"{self.sdk}/cmake/kraken_app.cmake\")\n"
                       "kraken_app(own SRCS own.c KEY ../key.pem)\n")
        self.tool("keygen", "key.pem")
        out = os.path.join(folder, "out")
        for words in (["-S", folder, "-B", out, "-G", "Ninja"], ["--build", out]):
            result = subprocess.run(["cmake", *words], capture_output=True, text=True, check=False, env=self.environment)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.tool("verify", os.path.join(out, "own.kapp"), "--key", "key.pem.pub")
        self.edit(os.path.join(folder, "own.c"), "uint32_t seconds = 0;", 'uint32_t seconds = 0; extern int puts(const char *); puts("");')
        result = subprocess.run(["cmake", "--build", out], capture_output=True, text=True, check=False, env=self.environment)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("an app has no terminal", result.stdout + result.stderr)


class RunningBoard(Bench):
    def test_install_and_update(self):
        board, state = self.board("shared")
        folder = self.new("guest")
        self.tool("build", "guest")
        self.assertIn("--trust makes it trust your key", self.tool("install", "guest", "--state", state, status=1))
        self.assertIn('installed as "guest"', self.tool("install", "guest", "--state", state, "--trust"))
        self.edit(os.path.join(folder, "app.toml"), '"1.0.0"', '"1.1.0"')
        self.tool("build", "guest")
        self.assertIn("1.1.0 in place of 1.0.0", self.tool("install", "guest", "--state", state))
        self.edit(os.path.join(folder, "app.toml"), '"1.1.0"', '"1.0.9"')
        self.tool("build", "guest")
        self.assertIn("--older goes back", self.tool("install", "guest", "--state", state, status=1))
        self.assertIn("1.0.9 in place of 1.1.0", self.tool("install", "guest", "--state", state, "--older"))
        said = self.ran("guest", "--state", state, says=("hello, this is guest",))
        self.assertNotIn("started a virtual board", said)
        self.asked(board, "apps", "^guest ", r"^guest +1\.0\.9 +RUNNING")

    def test_a_second_board_with_the_same_state_says_so(self):
        _, state = self.board("taken")
        result = subprocess.run([BOARD, "--shell", "--state", state], input="quit\n", capture_output=True, text=True, timeout=WAIT_S,
                                check=False)
        self.assertIn("another board runs with the same state", result.stdout)


SETTER = """
#include "system_service/app_manager.h"
void app_main(app_context_t *ctx);
void app_main(app_context_t *ctx)
{
    system_event_type_t set;
    uint32_t wrong = 86400, good = 12 * 3600 + 34 * 60 + 58;
    if (ctx->register_event(ctx, "clock.set", &set) == ESP_OK) {
        (void)ctx->post_event(ctx, set, &wrong, sizeof(wrong), PRIORITY_NORMAL);
        (void)ctx->post_event(ctx, set, &good, sizeof(good), PRIORITY_NORMAL);
    }
    (void)ctx->sleep_ms(ctx, 60000);
}
"""


REMOTE = """
#include "bluetooth_service/bluetooth_events.h"
#include "system_service/app_manager.h"
void app_main(app_context_t *ctx);
void app_main(app_context_t *ctx)
{
    system_event_type_t control;
    const bluetooth_control_t wish = {.header = STATUS_HEADER(bluetooth_control_t, BLUETOOTH_EVENTS_VERSION),
                                      .action = BLUETOOTH_CONTROL_PLAY};
    if (ctx->register_event(ctx, BLUETOOTH_CONTROL_EVENT, &control) == ESP_OK) {
        (void)ctx->post_event(ctx, control, &wish, sizeof(wish), PRIORITY_HIGH);
    }
    (void)ctx->sleep_ms(ctx, 60000);
}
"""


class ExampleApps(Bench):
    """The apps of apps/ that are installed, each as it says of itself."""

    def install(self, state, name, toml="app.toml"):
        folder = self.path(name)
        if not os.path.exists(folder):
            shutil.copytree(os.path.join(ROOT, "apps", name), folder, ignore=shutil.ignore_patterns("build"))
        said = self.tool("run", name, "--manifest", toml, "--state", state, "--seconds", "0.1")
        self.assertIn("is installed as", said)

    def test_clock(self):
        board, state = self.board("clock_state")
        self.install(state, "clock")
        source = os.path.join(self.new("setter"), "setter.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(SETTER)
        toml = os.path.join(self.path("setter"), "app.toml")
        with open(toml, "a", encoding="utf-8") as file:
            file.write('[permissions]\ngroups = ["events"]\npost = ["clock.set"]\n')
        self.tool("run", "setter", "--state", state, "--seconds", "0.1")
        self.said(board, "", "no time of the day: ignored")
        self.said(board, "", "set to 12:34:58")
        self.said(board, "", "it is 12:35:00")
        self.said(board, "app stop clock\napp start clock\n", r"goes on at 12:(3[5-9]|[45]\d):")  # not at 00:00

    def test_music(self):
        """Installed, it draws and sounds as the firmware's own."""
        card, heard = self.path("card"), self.path("heard.wav")
        os.mkdir(card)
        with wave.open(os.path.join(card, "tune.wav"), "wb") as file:
            file.setparams((1, 2, 24000, 0, "NONE", ""))
            file.writeframes(array.array("h", [20000 if i // 20 % 2 else -20000 for i in range(24000 * 30)]).tobytes())
        board, state = self.board("music_state", "--music", card, "--audio", heard)
        self.install(state, "music")
        source = os.path.join(self.new("remote"), "remote.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(REMOTE)
        with open(os.path.join(self.path("remote"), "app.toml"), "a", encoding="utf-8") as file:
            file.write('[permissions]\ngroups = ["events"]\npost = ["bluetooth.control"]\n')
        self.tool("run", "remote", "--state", state, "--seconds", "0.1")
        self.asked(board, "audio", r"\d+ streams, \d+ of them sound", "1 streams, 1 of them sound")
        self.asked(board, "display", r"^\d+ surfaces", "^[23] surfaces")  # the launcher's and its own
        self.said(board, "app stop music.installed\n", "")
        self.asked(board, "apps", r"^music\.installed ", r"^music\.installed +1\.0\.0 +STOPPED +1 +0 +0")
        board.stdin.close()
        self.assertEqual(board.wait(WAIT_S), 0)
        with wave.open(heard) as file:
            left = array.array("h", file.readframes(file.getnframes()))[0::2]
        rising = [i for i in range(1, len(left)) if left[i - 1] < 0 <= left[i]]
        self.assertGreater(len(rising), 100)
        self.assertEqual(statistics.median(b - a for a, b in zip(rising, rising[1:])), 80)  # 600 Hz at 48 kHz

    def test_chat(self):
        board, state = self.board("chat_state")
        self.install(state, "chat", "guest.toml")
        self.said(board, "", "guest: nobody listens: ESP_ERR_SERVICE_NOT_FOUND")
        self.install(state, "chat", "room.toml")
        self.said(board, "", "room: message 1: guest here")
        self.said(board, "", "guest: heard: guest here|guest: the room has it as message 1")
        self.said(board, "", "guest: the room has it as message 2")
        self.said(board, "app stop room\n", "room: closes after")
        self.said(board, "", "guest: nobody listens")
        self.said(board, "app start room\n", "guest: the room has it as message 1")

    def test_hello_and_goodbye_both_ways_from_one_source(self):
        board, state = self.board("hello_state")
        self.install(state, "goodbye")
        self.said(board, "app start hello\n", 'hello: goodbye.reply: "Goodbye, for the')
        self.said(board, "app stop hello\napp stop goodbye\nservices\n", "shell")
        self.install(state, "hello")
        self.said(board, "app restart goodbye.installed\n", 'hello.installed: goodbye.reply: "Goodbye, for the 1. time."')


class SerialLine(Bench):
    """A board at a terminal, and a line that loses something now and then."""

    def line(self, lose):
        """-> the device to use; the board is at the other end"""
        near, far = pty.openpty(), pty.openpty()
        for fd in near[1], far[1]:
            tty.setraw(fd)
        board = subprocess.Popen([BOARD, "--shell", "--no-window"], stdin=far[1], stdout=far[1], stderr=subprocess.DEVNULL,
                                 env=dict(os.environ, TERM="vt100"))
        stop = threading.Event()

        def carry():
            count = 0
            while not stop.is_set():
                for fd in select.select([near[0], far[0]], [], [], 0.1)[0]:
                    data = os.read(fd, 4096)
                    if fd == near[0] and b"upload +" in data:
                        count += 1
                        if lose and count % 3 == 0:
                            data = data[:20] + data[24:]
                    os.write(far[0] if fd == near[0] else near[0], data)

        thread = threading.Thread(target=carry)
        thread.start()

        def end():
            stop.set()
            thread.join()
            board.kill()
            board.wait()
            for fd in near + far:
                os.close(fd)

        self.addCleanup(end)
        return os.ttyname(near[1])

    def test_install_over_a_line(self):
        self.new("wired")
        said = self.tool("build", "wired")
        self.assertIn("signed", said)
        self.assertIn('installed as "wired"', self.tool("install", "wired", "--port", self.line(False), "--trust"))

    def test_what_is_lost_is_sent_again(self):
        self.new("lossy")
        self.tool("build", "lossy")
        self.assertIn('installed as "lossy"', self.tool("install", "lossy", "--port", self.line(True), "--trust"))

    def test_no_such_line(self):
        self.new("far")
        self.tool("build", "far")
        self.assertIn("No such file", self.tool("install", "far", "--port", "/nowhere/tty", status=1))


if __name__ == "__main__":
    unittest.main()
