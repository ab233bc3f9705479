#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program on the PC's own network: apps and firmware from HTTP servers that are real, slow, forgetful, or hostile, or not who they
should be; events over an MQTT broker.
usage: test_network.py PROGRAM APP.so    APP.so: any app, built for the PC"""

import http.server
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from certificates import Authority
from patience import PATIENCE_S, port_of_nobody

PROGRAM, APP = (os.path.abspath(word) for word in sys.argv[1:3])
del sys.argv[1:3]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SDK = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "sdk")
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
AUTHORITY = Authority(FOLDER.name)


def firmware(version, product=b"kraken-os"):
    """An image as esptool makes it, of one segment, without the optional hash; its program is nonsense."""
    description = struct.pack("<I12x32s32s", 0xABCD5432, version.encode(), product).ljust(0x3000, b"\x5a")
    body = bytes((0xE9, 1)).ljust(24, b"\0") + struct.pack("<II", 0, len(description)) + description
    checksum = 0xEF
    for byte in description:
        checksum ^= byte
    return body.ljust(len(body) // 16 * 16 + 15, b"\0") + bytes((checksum,))


def sign_firmware(version):
    image, signed = (os.path.join(FOLDER.name, name) for name in ("image.bin", "image.kfw"))
    with open(image, "wb") as file:
        file.write(firmware(version))
    subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "tools", "firmware_image.py"), "sign", image, "--key", KEY, "-o", signed],
                   check=True, stdout=subprocess.DEVNULL)
    with open(signed, "rb") as file:
        return file.read()


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

    def serve_firmware(self):
        data = Handler.firmware[self.path.split(".")[1]]
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if begin:
            self.head(206, Content_Length=len(data) - begin, Content_Range=f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.head(200, Content_Length=len(data))
        self.wfile.write(data[begin:begin + 9000])  # in pieces: it breaks off, and goes on
        self.close_connection = True

    def serve_rubbish(self):
        self.wfile.write(b"SMTP 4.2 why not\r\n\r\n")
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def environment_of(board_trusts=None):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**environment, "KRAKEN_CA_FILE": board_trusts} if board_trusts else environment


def board(commands, *arguments, trusts=None, label="tool"):
    environment = environment_of(trusts)
    with tempfile.TemporaryDirectory() as state:
        done = subprocess.run([PROGRAM, "--shell", "--state", state, *arguments], input=f'trust add {label} "{KEY}.pub"\n{commands}',
                              text=True, timeout=PATIENCE_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment)
    if "Sanitizer" in done.stdout:
        raise AssertionError(done.stdout)
    return done.stdout


class Session:
    """A board with its shell on a pipe; it ends with the test."""

    def __init__(self, case, *arguments, trusts=None):
        self.case = case
        self.program = subprocess.Popen([PROGRAM, "--shell", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=environment_of(trusts))
        case.addCleanup(self.program.stdout.close)
        case.addCleanup(self.program.wait, PATIENCE_S)
        case.addCleanup(self.program.stdin.close)

    def tell(self, commands):
        self.program.stdin.write(commands)
        self.program.stdin.flush()

    def said(self, pattern):
        for line in self.program.stdout:
            self.case.assertNotIn("Sanitizer", line)
            found = re.search(pattern, line)
            if found:
                return found
        self.case.fail(f"the board did not say {pattern}")

    def asked(self, question, answer, wanted):
        """Ask until the answer, a line of such a form, is the wanted one."""
        until = time.monotonic() + PATIENCE_S
        while True:
            self.tell(question + "\n")
            line = self.said(answer).string
            found = re.search(wanted, line)
            if found:
                return found
            self.case.assertLess(time.monotonic(), until, f"{question}: {line}")
            time.sleep(0.02)


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
        nobody = port_of_nobody()
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
        said = board(f"net fault wrong\ninstall {self.at}/good.kapp\nnet fault short\ninstall {self.at}/good.kapp\n")
        self.assertRegex(said, r"good.kapp: ESP_ERR_(KAPP|LOADER)_")
        self.assertEqual(said.count("is installed as"), 1, said)
        session = Session(self)
        session.tell("net fault unplugged\n")
        session.asked("net", "connect", "disconnected")
        session.tell("net fault none\n")
        session.asked("net", "connect", r'connected to "\S+", [0-9.]+, by cable')
        session.tell("net scan\n")
        session.said(r"^lo +0 dBm")


class Firmware(unittest.TestCase):
    def test_images_are_taken_in_started_on_probation_or_refused(self):
        image = sign_firmware("9.1.0")
        Handler.firmware = {
            "right": image,
            "damaged": image[:6000] + b"!" + image[6001:],
            "length": image[:-16],
            "older": sign_firmware("0.0.1"),
        }
        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        at = f"http://127.0.0.1:{server.server_port}/firmware"
        wrong = ("damaged", "length", "older")
        refused = "".join(f"update firmware {at}.{name}\n" for name in wrong)
        said = board(f"{refused}firmware\nupdate firmware {at}.right\nfirmware\nreboot\nfirmware\nupdate firmware {at}.right\n"
                     "firmware confirm\n", label="firmware")
        before, after = said.split(f"{at}.older: ESP_ERR_UPDATE_OLDER: ")
        for name in wrong[:2]:
            self.assertIn(f"{at}.{name}: ESP_ERR_UPDATE_{name.upper()}: ", before)
        self.assertEqual(said.count("\nota_0 is started by the next reset"), 1)  # nothing was, by those that were refused
        self.assertRegex(after, r"(?m)^9\.1\.0, \d+ bytes, lies in ota_0: ")
        self.assertRegex(after, r"(?m)^kraken-os \S+ runs from ota_0, not confirmed yet")
        self.assertIn("ESP_ERR_UPDATE_PROBATION", after)
        self.assertRegex(after, r"(?m)^kraken-os \S+ runs from ota_0, confirmed")
        self.assertIn("ESP_ERR_UPDATE_SIGNER", board(f"update firmware {at}.right\n"))  # the key is trusted, for apps


class Trust(unittest.TestCase):
    """Who a server must be, for HTTPS."""

    def serve(self, certificate):
        server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def test_a_server_must_be_who_it_should_be(self):
        right = self.serve(AUTHORITY.certificate("127.0.0.1"))
        wrong = {
            "another's name": self.serve(AUTHORITY.certificate("192.0.2.1")),
            "expired": self.serve(AUTHORITY.certificate("127.0.0.1", days=-1)),
            "signed by a stranger": self.serve(Authority(FOLDER.name, "stranger").certificate("127.0.0.1")),
        }
        ports = (right, *wrong.values())
        said = board("".join(f"install https://127.0.0.1:{port}/good.kapp\n" for port in ports), trusts=AUTHORITY.path)
        self.assertIn('org.example.packed 1.2.3 is installed as "packed"', said)
        for why, port in wrong.items():
            self.assertIn(f"https://127.0.0.1:{port}/good.kapp: ESP_ERR_NETWORK_HOST", said, why)
        said = board(f"install https://127.0.0.1:{right}/good.kapp\n")  # nobody told the board of this authority
        self.assertIn("ESP_ERR_NETWORK_HOST", said)


class Packets:
    """As much of an MQTT 3.1.1 client as a test needs: it listens to everything, and says something."""

    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.file = self.link.makefile("rb")
        self.send(0x10, b"\0\4MQTT\4\2\0\0" + self.text("test"))
        self.expect(0x20)
        self.send(0x82, b"\0\1" + self.text("#") + b"\0")
        self.expect(0x90)

    @staticmethod
    def text(word):
        return len(word).to_bytes(2, "big") + word.encode()

    def send(self, kind, body):
        assert len(body) < 128
        self.link.sendall(bytes((kind, len(body))) + body)

    def packet(self):
        kind = self.file.read(1)[0]
        size = shift = 0
        while True:
            byte = self.file.read(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return kind, self.file.read(size)

    def expect(self, kind):
        got = self.packet()
        assert got[0] == kind, got

    def publish(self, topic, data):
        self.send(0x30, self.text(topic) + data)

    def publish_once(self, topic, data):
        """With QoS 2, as the protocol wants it."""
        self.send(0x34, self.text(topic) + b"\0\7" + data)
        while self.packet()[0] != 0x50:
            pass
        self.send(0x62, b"\0\7")
        while self.packet()[0] != 0x70:
            pass

    def heard(self, ending):
        """The next message with such a topic."""
        while True:
            kind, body = self.packet()
            size = int.from_bytes(body[:2], "big")
            topic = body[2:2 + size].decode()
            if kind & 0xf0 == 0x30 and topic.endswith(ending):
                return topic, body[2 + size + (2 if kind & 6 else 0):]

    def close(self):
        self.file.close()
        self.link.close()


class Bridge(unittest.TestCase):
    def setUp(self):
        self.port = port_of_nobody()
        self.broker = None
        self.log = os.path.join(FOLDER.name, f"broker.{self.port}.log")
        self.start_broker()
        session = Session(self, trusts=AUTHORITY.path)
        self.board, self.tell, self.said, self.asked = session.program, session.tell, session.said, session.asked
        self.addCleanup(lambda: self.stop_broker())  # whichever runs by then

    def start_broker(self, certificate=None):
        path = os.path.join(FOLDER.name, f"broker.{self.port}.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type all\nlog_dest file {self.log}\n")
            if certificate:
                file.write(f"certfile {certificate[0]}\nkeyfile {certificate[1]}\n")
        self.broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionError:
                self.assertIsNone(self.broker.poll(), "the broker has ended")
                self.assertLess(time.monotonic(), until)
                time.sleep(0.02)

    def stop_broker(self):
        if self.broker is not None:
            self.broker.terminate()
            self.broker.wait(PATIENCE_S)
        self.broker = None

    def logged(self, pattern):
        """Wait until the broker's own log says so."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with open(self.log, encoding="utf-8") as file:
                text = file.read()
            found = re.search(pattern, text)
            if found:
                return found
            self.assertLess(time.monotonic(), until, f"{pattern} in {text}")
            time.sleep(0.02)

    def counted(self, received, unknown):
        """Ask until so many messages were received and so many were for nobody."""
        self.asked("mqtt", r"\d+ received, \d+ for nobody", rf"(?<!\d){received} received, {unknown} for nobody")

    def client(self):
        client = Packets(self.port)
        self.addCleanup(client.close)
        return client

    def test_events_go_out_and_come_in_and_survive_an_outage(self):
        client = self.client()
        self.tell(f"mqtt rule out demo.sample 1\nmqtt rule in * 1\nmqtt broker mqtt://127.0.0.1:{self.port}\n")
        self.said("broker: connected")
        topic, _ = client.heard("/status")
        base = topic.removesuffix("/status")
        _, sample = client.heard("/out/demo/sample")
        self.assertGreater(len(sample), 0)
        for strange in ("demo/nothing", "system/shutdown", "network/control", "x.y", ""):
            client.publish(f"{base}/in/{strange}", b"x")
        client.publish(f"{base}/in/demo/sample", sample)
        self.counted(1, 5)
        client.close()
        self.stop_broker()
        self.said("broker: ESP_ERR_NETWORK")
        waiting = int(self.asked("sleep 1\nmqtt", r"\d+ messages wait", r"(?<!\d)([1-9]\d*) messages wait")[1])
        self.start_broker()
        client = self.client()
        self.said("broker: connected")
        for _ in range(waiting):  # what waited, in its order, and what is new
            client.heard("/out/demo/sample")

    def test_the_last_will_is_told(self):
        client = self.client()
        self.tell(f"mqtt broker mqtt://127.0.0.1:{self.port}\n")
        self.assertEqual(client.heard("/status")[1], b"online")
        self.board.kill()
        self.assertEqual(client.heard("/status")[1], b"offline")

    def test_mqtt_5_and_exactly_once_both_ways(self):
        client = self.client()
        self.tell(f"mqtt rule out demo.sample 2\nmqtt rule in demo.* 2\nmqtt broker mqtt://127.0.0.1:{self.port}?v=5\n")
        topic, _ = client.heard("/status")
        base = topic.removesuffix("/status")
        board = "kraken-" + base.removeprefix("kraken/")
        self.logged(rf"New client connected from \S+ as {board} \(p5, c1, ")
        self.logged(rf"Received SUBSCRIBE from {board}\s(.*\n)*?.*\s{base}/in/demo/# \(QoS 2\)")
        self.logged(rf"Received PUBLISH from {board} \(d0, q2, ")
        self.logged(rf"Received PUBREL from {board} ")
        self.logged(rf"Sending PUBCOMP to {board} ")
        _, sample = client.heard("/out/demo/sample")
        client.publish_once(f"{base}/in/demo/sample", sample)
        self.logged(rf"Received PUBCOMP from {board} ")
        self.counted(1, 0)  # the client confirms before it hands the message on
        self.tell(f"mqtt broker mqtt://127.0.0.1:{self.port}?v=3\n")
        self.logged(rf"as {board} \(p2, c1, ")

    def test_at_most_once_never_jams(self):
        self.tell(f"mqtt rule out * 0\nmqtt broker mqtt://127.0.0.1:{self.port}\n")
        # More than the broker may have to confirm at once, though it confirms none.
        self.asked("apps\nmqtt", r"\d+ published", r"(?<!\d)(\d{3,}) published")

    def test_what_waits_has_a_bound(self):
        self.tell("mqtt rule out * 1\n")
        self.stop_broker()
        self.tell(f"mqtt broker mqtt://127.0.0.1:{self.port}\n")
        self.said("broker: ESP_ERR_NETWORK_HOST")
        waiting = dropped = 0
        until = time.monotonic() + PATIENCE_S
        while dropped == 0 and time.monotonic() < until:
            self.tell("apps\nmqtt\n")
            waiting, dropped = map(int, self.said(r"(\d+) messages wait, \d+ published, (\d+) dropped").groups())
        self.assertEqual(waiting, 32)  # CONFIG_NETWORK_MQTT_QUEUE
        self.assertGreater(dropped, 0)

    def test_a_broker_must_be_who_it_should_be(self):
        self.stop_broker()
        for certificate in (AUTHORITY.certificate("192.0.2.1"), AUTHORITY.certificate("127.0.0.1", days=-1)):
            self.start_broker(certificate)
            self.tell(f"mqtt broker mqtts://127.0.0.1:{self.port}\n")
            self.said("broker: ESP_ERR_NETWORK_HOST")
            self.tell("mqtt off\n")
            self.stop_broker()
        self.start_broker(AUTHORITY.certificate("127.0.0.1"))
        self.tell(f"mqtt broker mqtts://127.0.0.1:{self.port}\n")
        self.said("broker: connected to mqtts://")

    def test_nonsense_is_refused(self):
        self.tell("mqtt broker http://x\nmqtt rule out a*b\nmqtt rule out demo.* 3\nmqtt rule in demo.* retain\nmqtt loud\nmqtt\n")
        for _ in range(4):
            self.said("mqtt: ESP_ERR_INVALID_ARG")
        self.said("usage: mqtt")
        self.said("off, topics kraken/[0-9a-f]{6}/out")


if __name__ == "__main__":
    unittest.main()
