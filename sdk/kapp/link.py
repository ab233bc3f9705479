# SPDX-License-Identifier: Apache-2.0
"""Two ways to a board's shell: the socket of a virtual board's state folder, and a serial line."""

import os
import re
import select
import socket
import termios
import time
import tty

from .errors import KappError

ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9])")
ANSWER_S = 60


class Remote:
    """One packet is one line; see components/shell/port/linux/shell_remote.c."""

    piece = 168  # characters of base64 in a line

    def __init__(self, folder):
        self.logged = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # an address has room for 107 bytes only
        try:
            self.socket.connect(f"/proc/self/fd/{directory}/console")
        finally:
            os.close(directory)

    def packet(self, seconds):
        """-> a packet, or None: there was none in time"""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return None
        except ConnectionError:
            data = b""
        if not data:
            raise KappError("the board has gone")
        text = data.decode(errors="replace")
        if text[0] == "~":
            self.logged += text[1:].splitlines()
        return text

    def command(self, line, done=None):
        """-> the lines that it printed"""
        del done  # here the end is told
        try:
            self.socket.send(line.encode())
        except OSError:
            raise KappError("the board has gone") from None
        lines = []
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            text = self.packet(until - time.monotonic()) or "~"
            if text[0] == "=":
                return lines
            if text[0] == " ":
                lines.append(text[1:])
        raise KappError(f"the board does not answer: {line[:40]}")

    def follow(self):
        self.command("follow")

    def log(self, seconds):
        """-> lines of the log that came within this time"""
        if not self.logged:
            self.packet(seconds)
        lines, self.logged = self.logged, []
        return lines


class Serial:
    """A console with a prompt, an echo and, in between, the log."""

    piece = 96  # small enough for the console's receive buffer, echoes included

    def __init__(self, path, speed=115200):
        try:
            self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.fd)
            mode = termios.tcgetattr(self.fd)
            mode[2] = mode[2] & ~termios.HUPCL | termios.CLOCAL
            mode[4] = mode[5] = getattr(termios, f"B{speed}")
            termios.tcsetattr(self.fd, termios.TCSANOW, mode)
        except (OSError, termios.error) as error:
            raise KappError(f"{path}: {error}") from None
        self.rest = ""

    def receive(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], max(seconds, 0))
        return os.read(self.fd, 4096).decode(errors="replace") if ready else ""

    def command(self, line, done=None):
        """-> the lines that came behind the echo; done: a pattern that ends the wait at once"""
        while self.receive(0.05):
            pass
        os.write(self.fd, line.encode() + b"\r")
        text, until = "", time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            more = self.receive(0.3)
            text += more
            plain = ESCAPES.sub("", text).replace("\r", "\n")
            if (done and re.search(done, plain)) or (not more and "\n" in plain and plain.rstrip(" ").endswith("kraken>")):
                return [row for row in plain.split("\n") if row and not row.startswith("kraken> ")]
        raise KappError(f"the board does not answer: {line[:40]} (is it Kraken-OS, and does no other program read this port?)")

    def follow(self):
        self.rest = ""

    def log(self, seconds):
        text = self.rest + ESCAPES.sub("", self.receive(seconds)).replace("\r", "\n")
        *lines, self.rest = text.split("\n")
        return [line for line in lines if line]


def open_state(folder):
    """-> a link to the virtual board that keeps its state there, or None: none runs"""
    try:
        return Remote(folder)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        raise KappError(f"{folder}: {error}") from None
