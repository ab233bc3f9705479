#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program on the PC's own network: apps from an HTTP server that is real, slow, forgetful, or hostile.
usage: test_network.py PROGRAM APP.so    APP.so: any app, built for the PC"""

import http.server
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM, APP = (os.path.abspath(word) for word in sys.argv[1:3])
del sys.argv[1:3]
SDK = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "sdk")
WAIT_S = 100
FOLDER = tempfile.TemporaryDirectory()
KEY = os.path.join(FOLDER.name, "key.pem")
MANIFEST = """[app]
id = "org.example.packed"
name = "packed"
version = "1.2.3"
author = "somebody"
description = "an app from the network"

[task]
stack = 8192
priority = 5

[interfaces]
core = "1.0"

[permissions]
groups = ["events"]
post = ["goodbye.*"]
subscribe = ["goodbye.*", "system.ready"]

[memory]
bytes = 4096
"""


def tool(*words):
    subprocess.run(["/usr/bin/python3", "-m", "kapp", *words], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PYTHONPATH": SDK, "PYTHONDONTWRITEBYTECODE": "1"})


def make_package():
    package, manifest = (os.path.join(FOLDER.name, name) for name in ("packed.kapp", "app.toml"))
    with open(manifest, "w", encoding="utf-8") as file:
        file.write(MANIFEST)
    tool("keygen", KEY)
    tool("pack", manifest, APP, "-o", package)
    tool("sign", package, "--key", KEY)
    with open(package, "rb") as file:
        return file.read()


BODY = make_package()


class Handler(http.server.BaseHTTPRequestHandler):
    """Each path is a way to behave."""
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def head(self, status, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def part(self, most=None):
        """What was asked for of the package, cut after so many bytes."""
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if begin:
            self.head(206, Content_Length=len(BODY) - begin, Content_Range=f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}", ETag='"1"')
        else:
            self.head(200, Content_Length=len(BODY), ETag='"1"')
        self.wfile.write(BODY[begin:][:most])
        self.close_connection = most is not None

    def do_GET(self):  # pylint: disable=invalid-name
        Handler.seen.append((self.path, self.headers.get("Range")))
        try:
            getattr(self, "serve_" + self.path.strip("/").split(".")[0])()
        except ConnectionError:
            pass  # the board has had enough
        self.wfile.flush()

    def serve_good(self):
        self.part()

    def serve_moved(self):
        self.head(302, Location="good.kapp", Content_Length=0)

    def serve_loop(self):
        self.head(302, Location="/loop.kapp", Content_Length=0)

    def serve_breaks(self):
        self.part(1000)

    def serve_whole(self):
        """Ranges are ignored, and the first two connections break."""
        again = sum(path == self.path for path, _ in Handler.seen)
        self.head(200, Content_Length=len(BODY))
        self.wfile.write(BODY[:600 * again] if again < 3 else BODY)
        self.close_connection = again < 3

    def serve_slow(self):
        self.head(200, Content_Length=len(BODY))
        for begin in range(0, len(BODY), 50):
            self.wfile.write(BODY[begin:begin + 50])
            self.wfile.flush()
            time.sleep(0.01)

    def serve_chunks(self):
        self.head(200, Transfer_Encoding="chunked")
        for begin in range(0, len(BODY), 99):
            chunk = BODY[begin:begin + 99]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def serve_closes(self):
        """No length at all: the end of the connection is the end of the file."""
        self.protocol_version = "HTTP/1.0"
        self.head(200)
        self.wfile.write(BODY)
        self.close_connection = True

    def serve_half(self):
        """The server says no more, yet keeps listening."""
        if self.headers.get("Range"):
            self.head(416, Content_Length=0)
            return
        self.head(200, Content_Length=len(BODY) + 1000)
        self.wfile.write(BODY)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.close_connection = True

    def serve_huge(self):
        self.head(200, Content_Length=99999999999)

    def serve_endless(self):
        self.head(200)
        self.close_connection = True
        while True:
            self.wfile.write(BODY)

    def serve_none(self):
        self.head(404, Content_Length=0)

    def serve_rubbish(self):
        self.wfile.write(b"SMTP 4.2 why not\r\n\r\n")
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def board(commands, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory() as state:
        done = subprocess.run([PROGRAM, "--shell", "--state", state, *arguments], input=f"trust add tool {KEY}.pub\n{commands}",
                              text=True, timeout=WAIT_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment)
    if "Sanitizer" in done.stdout:
        raise AssertionError(done.stdout)
    return done.stdout


class Downloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(("127.0.0.1", 0), Handler)
        cls.at = f"http://127.0.0.1:{cls.server.server_port}"
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def setUp(self):
        Handler.seen.clear()

    def test_apps_are_installed_however_the_bytes_come(self):
        ways = ("good", "moved", "slow", "chunks", "closes", "breaks", "whole")
        said = board("".join(f"install {self.at}/{way}.kapp\nuninstall org.example.packed\n" for way in ways) + "net\n")
        self.assertEqual(said.count('org.example.packed 1.2.3 is installed as "packed"'), len(ways), said)
        self.assertIn(f"{len(ways)} downloads, 0 failed", said)
        ranges = [wanted for path, wanted in Handler.seen if path == "/breaks.kapp"]
        self.assertEqual(ranges, [None] + [f"bytes={at}-" for at in range(1000, len(BODY), 1000)])
        self.assertEqual([wanted for path, wanted in Handler.seen if path == "/whole.kapp"], [None, "bytes=600-", "bytes=1200-"])

    def test_hostile_answers_are_refused_by_name(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = closed.getsockname()[1]
        lies = {
            f"{self.at}/none.kapp": "ESP_ERR_NETWORK_STATUS",
            f"{self.at}/loop.kapp": "ESP_ERR_NETWORK_REDIRECT",
            f"{self.at}/huge.kapp": "ESP_ERR_NETWORK_TOO_LARGE",
            f"{self.at}/half.kapp": "ESP_ERR_NETWORK_CHANGED",
            f"{self.at}/endless.kapp": "ESP_ERR_KAPP_TRAILING",
            f"{self.at}/rubbish.kapp": "ESP_ERR_NETWORK_PROTOCOL",
            f"http://127.0.0.1:{nobody}/x": "ESP_ERR_NETWORK_HOST",
            "ftp://127.0.0.1/x": "ESP_ERR_KAPP_STREAM_SCHEME",
            "http://": "ESP_ERR_INVALID_ARG",
        }
        said = board("".join(f"install {url}\n" for url in lies) + "apps\n")
        for url, verdict in lies.items():
            self.assertIn(f"{url}: {verdict}", said)
        self.assertNotIn("packed", said)

    def test_faults_and_outages(self):
        said = board(f"net fault wrong\ninstall {self.at}/good.kapp\nnet fault short\ninstall {self.at}/good.kapp\n"
                     "net fault unplugged\nnet\nnet fault none\nsleep 2\nnet\nnet scan\n")
        self.assertRegex(said, r"good.kapp: ESP_ERR_(KAPP|LOADER)_")
        self.assertEqual(said.count("is installed as"), 1, said)
        self.assertIn("disconnected", said)
        self.assertRegex(said, r'connected to "\S+", [0-9.]+, by cable')
        self.assertRegex(said, r"(?m)^lo +0 dBm")


if __name__ == "__main__":
    unittest.main()
