#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The board over the computer's own radio, with BlueZ played by the test.  usage: test_bluez.py PROGRAM

What is checked is what goes over D-Bus; a radio is not needed. Everything is waited for, nothing is timed.
"""

import os
import sys
import time
import unittest

import test_bluetooth
from bluez_mock import Bluez, Bus
from gi.repository import GLib
from patience import PATIENCE_S

KRAKEN = "4b524b4e-%04x-4f53-9d1e-6a0c83b7f215"
PHONE = "C6:05:04:03:02:01"
SENSOR = "C1:02:03:04:05:06"
VALUE = "org.bluez.GattCharacteristic1"
NO_LINK = r"advertises\n1 connections, 0 of them lost"  # between the two lines stands each link there is


FOUND, NOT_CONNECTED, CHARACTERISTIC, READ, WRITTEN, NOTIFIED, DISCOVERED = 0, 2, 8, 9, 10, 11, 12  # bluetooth_told_kind_t


class Board(test_bluetooth.Board):
    def __init__(self, bus):
        super().__init__("bluez", dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus))
        self.say("events tap bluetooth.told 3600")

    def told(self, kind, link=0, code=0):
        """Wait for bluetooth.told: in its first row, behind its header, are kind, link and code."""
        self.hear(r"\n +0  (\S\S ){4}%02x %02x %02x " % (kind, link, code))


class OverBluez(unittest.TestCase):
    plugged = True

    def setUp(self):
        self.bus = Bus()
        self.addCleanup(self.bus.end)
        self.bluez = Bluez(self.bus)
        self.addCleanup(self.end_bluez)
        if self.plugged:
            self.bluez.plug()
        self.board = Board(self.bus.address)
        self.addCleanup(self.board.end)

    def end_bluez(self):
        if self.bluez is not None:
            self.bluez.end()
        self.bluez = None

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not seen: {what}; called: {self.bluez.called}\n{self.board.text()}")

    def is_on(self):
        self.board.until("bt", "00:11:22:33:44:55; the radio is on, advertises")
        self.wait_for(lambda: self.bluez.advertisement, "an advertisement")


class Gap(OverBluez):
    def test_seen_by_others(self):
        self.is_on()
        self.assertTrue(self.bluez.powered(), "it was switched on")
        self.assertEqual(self.bluez.advertisement, {"Type": "peripheral", "ServiceUUIDs": [KRAKEN % 0], "LocalName": "Kraken",
                                                    "Discoverable": True})
        self.board.say("bt advertise off")
        self.wait_for(lambda: self.bluez.advertisement is None, "the end of the advertisement")
        self.board.say("bt advertise on")
        self.wait_for(lambda: self.bluez.advertisement, "the advertisement")

    def test_sees_others(self):
        self.is_on()
        self.board.say("bt scan 60000")
        self.wait_for(lambda: self.bluez.was_called("StartDiscovery"), "a scan")
        self.assertEqual(self.bluez.was_called("SetDiscoveryFilter"), [({"Transport": "le", "DuplicateData": True},)])
        self.bluez.hear(SENSOR, "sensor", [KRAKEN % 0])
        self.board.told(FOUND, 0xff)
        self.board.say("bt scan 0")
        self.wait_for(lambda: self.bluez.was_called("StopDiscovery"), "the end of the scan")

    def test_connects_to_who_was_not_heard_before(self):
        self.is_on()
        self.board.say(f"bt connect {SENSOR}")
        self.wait_for(lambda: self.bluez.was_called("StartDiscovery"), "a search")
        device = self.bluez.hear(SENSOR, "sensor")
        self.board.until("bt", f"link 0: to {SENSOR.lower()}, not paired")
        self.wait_for(lambda: self.bluez.was_called("StopDiscovery"), "the end of the search")
        self.board.say("bt pair 0")
        self.board.hear("link 0: the peer shows a passkey")
        self.board.say("bt pair 0 42")
        self.board.until("bt", f"link 0: to {SENSOR.lower()}, paired")
        self.assertEqual(self.bluez.pairing, 42)
        self.bluez.set_device(device, Connected=False)
        self.board.until("bt", NO_LINK)

    def test_who_does_not_answer(self):
        self.is_on()
        self.bluez.refuses["Connect"] = ("org.bluez.Error.Failed", "le-connection-abort-by-local")
        self.bluez.hear(SENSOR, "sensor")
        for attempt in (1, 2):
            self.board.say(f"bt connect {SENSOR}")
            self.board.told(NOT_CONNECTED, 0xff, 0x3e)
            self.assertEqual(len(self.bluez.was_called("Connect")), attempt)

    def test_pairing_without_a_passkey_is_refused(self):
        self.is_on()
        phone = self.bluez.hear(PHONE, "phone", connected=True)
        self.board.until("bt", f"link 0: from {PHONE.lower()}, not paired")
        for method, signature, arguments in (("RequestConfirmation", "(ou)", (phone, 123456)), ("RequestAuthorization", "(o)", (phone,))):
            with self.assertRaisesRegex(GLib.Error, "org.bluez.Error.Rejected"):
                self.bluez.ask_board(self.bluez.agent, "org.bluez.Agent1", method, signature, *arguments)
        self.bluez.ask_board(self.bluez.agent, "org.bluez.Agent1", "DisplayPasskey", "(ouq)", phone, 4711, 0)
        self.board.hear("enter 004711 there")
        self.bluez.set_device(phone, Paired=True)
        self.board.until("bt", f"link 0: from {PHONE.lower()}, paired")
        self.bluez.hear(SENSOR, "known", connected=True, paired=True)
        self.board.until("bt", f"link 1: from {SENSOR.lower()}, paired")
        self.board.say("bt forget")
        self.wait_for(lambda: self.bluez.was_called("RemoveDevice") == [(phone,)], "that the phone is forgotten, and nobody else")

    def test_a_loudspeaker_of_the_computer_is_none_of_ours(self):
        self.is_on()
        self.board.say("bt advertise off")
        self.wait_for(lambda: self.bluez.advertisement is None, "the end of the advertisement")
        self.bluez.hear(SENSOR, "loudspeaker", connected=True)
        phone = self.bluez.hear(PHONE, "phone")
        self.board.say(f"bt connect {PHONE}")
        self.board.until("bt", f"link 0: to {PHONE.lower()}")
        self.assertNotIn("link 1", self.board.text())
        self.board.say("bt disconnect 0")
        self.wait_for(lambda: not self.bluez.objects[phone]["org.bluez.Device1"]["Connected"], "the end of the connection")


class Server(OverBluez):
    def setUp(self):
        super().setUp()
        self.is_on()
        self.application = self.wait_for(lambda: self.bluez.application, "our services")
        self.phone = self.bluez.hear(PHONE, "phone", connected=True)
        self.board.until("bt", f"link 0: from {PHONE.lower()}")

    def of(self, number):
        """The path of a characteristic of the Kraken service."""
        return next(path for path, what in self.application.items() if what.get(VALUE, {}).get("UUID") == KRAKEN % number)

    def write(self, number, value, **options):
        options = dict({"device": GLib.Variant("o", self.phone), "type": GLib.Variant("s", "request")}, **options)
        self.bluez.ask_board(self.of(number), VALUE, "WriteValue", "(aya{sv})", value, options)

    def test_the_table_is_offered(self):
        services = {path: what["org.bluez.GattService1"] for path, what in self.application.items() if "org.bluez.GattService1" in what}
        uuids = {path: service["UUID"] for path, service in services.items()}
        self.assertEqual(sorted(uuids.values()), ["0000180a-0000-1000-8000-00805f9b34fb", KRAKEN % 0])
        self.assertTrue(all(service["Primary"] for service in services.values()))
        flags = {number: self.application[self.of(number)][VALUE]["Flags"] for number in range(1, 7)}
        self.assertEqual(flags, {1: ["read"], 2: ["read", "notify"], 3: ["write", "encrypt-authenticated-write"],
                                 4: ["read", "write", "notify", "encrypt-authenticated-write"],
                                 5: ["write-without-response", "encrypt-authenticated-write"],
                                 6: ["read", "write", "notify", "encrypt-authenticated-write"]})
        self.assertEqual({uuids[self.application[self.of(number)][VALUE]["Service"]] for number in range(1, 7)}, {KRAKEN % 0})

    def test_values_are_read_and_written(self):
        info = bytes(self.bluez.ask_board(self.of(1), VALUE, "ReadValue", "(a{sv})", {})[0])
        self.assertEqual(info[:4], b"\x01\x01\x03\x00")
        rest = bytes(self.bluez.ask_board(self.of(1), VALUE, "ReadValue", "(a{sv})", {"offset": GLib.Variant("q", 4)})[0])
        self.assertEqual(rest, info[4:])
        with self.assertRaisesRegex(GLib.Error, "InvalidOffset"):
            self.bluez.ask_board(self.of(1), VALUE, "ReadValue", "(a{sv})", {"offset": GLib.Variant("q", 400)})
        self.write(3, b"\x01")
        self.board.until("bt", "peers wrote 1 values, 0 of them wrong")
        self.write(3, b"\x63")
        self.board.until("bt", "peers wrote 2 values, 1 of them wrong")
        for value, options in ((bytes(6), {}), (b"\x01", {"offset": GLib.Variant("q", 1)}), (b"\x01", {"device": GLib.Variant("o", "/no")})):
            with self.assertRaisesRegex(GLib.Error, "org.bluez.Error"):
                self.write(3, value, **options)

    def test_who_subscribes_is_notified(self):
        seen = []
        self.bluez.notified_by_board(seen)
        self.bluez.ask_board(self.of(4), VALUE, "StartNotify", "()")
        self.board.until("bt", "hears of 1 values")
        self.write(4, b"\x01" + bytes(9))  # a package of 0 bytes is refused
        self.wait_for(lambda: [1 for path, properties in seen if path == self.of(4) and properties["Value"][0] == 4], "that it has failed")
        self.bluez.ask_board(self.of(4), VALUE, "StopNotify", "()")
        self.board.until("bt", "hears of 0 values")


class Client(OverBluez):
    def setUp(self):
        super().setUp()
        self.is_on()
        self.sensor = self.bluez.hear(SENSOR, "sensor")
        self.level = self.bluez.offer(self.sensor, 0x000b, "00002a19-0000-1000-8000-00805f9b34fb", ["read", "notify"], b"\x55")
        self.own = self.bluez.offer(self.sensor, 0x0020, KRAKEN % 3, ["write"], b"")
        self.board.say(f"bt connect {SENSOR}")
        self.board.until("bt", f"link 0: to {SENSOR.lower()}")

    def test_read_written_and_subscribed_to(self):
        self.board.say("bt discover 0")
        self.board.told(CHARACTERISTIC)
        self.board.told(CHARACTERISTIC)
        self.board.told(DISCOVERED)
        self.board.until("bt", "link 0: .*MTU 185")
        self.board.say("bt read 0 12")
        self.board.told(READ)
        self.board.say("bt write 0 33 0102")
        self.board.told(WRITTEN)
        self.assertEqual(self.bluez.was_called("WriteValue"), [([1, 2], {"type": "request"})])
        self.board.say("bt notify 0 12 on")
        self.board.told(WRITTEN)
        self.bluez.change(self.level, b"\x54")
        self.board.told(NOTIFIED)
        self.board.say("bt notify 0 12 off")
        self.board.told(WRITTEN)
        self.assertEqual([len(self.bluez.was_called(method)) for method in ("StartNotify", "StopNotify")], [1, 1])

    def test_what_is_refused_is_told(self):
        self.board.say("bt read 0 99")
        self.board.told(READ, code=0x01)  # no such handle
        for error, code in ((("org.bluez.Error.NotPermitted", "no"), 0x02), (("org.bluez.Error.NotAuthorized", "no"), 0x05),
                            (("org.bluez.Error.Failed", "Operation failed with ATT error: 0x81"), 0x81),
                            (("org.bluez.Error.Failed", "who knows"), 0x0e)):
            self.bluez.refuses["ReadValue"] = error
            self.board.say("bt read 0 12")
            self.board.told(READ, code=code)
        self.bluez.set_device(self.sensor, Connected=False, ServicesResolved=False)
        self.board.until("bt", NO_LINK)
        self.board.say("bt read 0 12")
        self.board.hear("ESP_ERR_NOT_FOUND")


class Pairing(OverBluez):
    def test_its_answer_is_not_for_the_next_link(self):
        self.is_on()
        sensor = self.bluez.hear(SENSOR, "sensor")
        self.board.say(f"bt connect {SENSOR}")
        self.board.until("bt", f"link 0: to {SENSOR.lower()}")
        self.board.say("bt pair 0")
        self.board.hear("link 0: the peer shows a passkey")
        self.bluez.set_device(sensor, Connected=False)
        self.board.until("bt", NO_LINK)
        self.bluez.hear(PHONE, "phone", connected=True)
        self.board.until("bt", f"link 0: from {PHONE.lower()}, not paired")
        self.bluez.ask_board(self.bluez.agent, "org.bluez.Agent1", "Cancel", "()")
        self.board.until("bt pair 0 42", "ESP_ERR_INVALID_STATE")  # nobody asks any more
        self.board.until("bt", f"link 0: from {PHONE.lower()}, not paired")


class Comings(OverBluez):
    plugged = False

    def test_an_adapter_comes_and_goes(self):
        self.board.hear("no radio: BlueZ has no adapter: plug one in")
        self.board.until("bt", "the radio does not answer")
        self.bluez.plug()
        self.is_on()
        self.bluez.unplug()
        self.board.hear("the radio has gone: its adapter was taken out")
        self.board.until("bt", "the radio does not answer")
        self.bluez.plug()
        self.is_on()
        self.end_bluez()
        self.board.hear("the radio has gone: BlueZ has ended")
        self.board.hear("no radio, BlueZ does not answer")
        self.bluez = Bluez(self.bus)
        self.bluez.plug()
        self.is_on()


class NoBus(unittest.TestCase):
    def test_it_is_said(self):
        board = Board("unix:path=/nonexistent")
        self.addCleanup(board.end)
        board.hear("no D-Bus, so no radio")
        board.until("bt", "the radio does not answer")


if __name__ == "__main__":
    test_bluetooth.PROGRAM = sys.argv.pop(1)
    unittest.main()
