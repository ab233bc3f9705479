# SPDX-License-Identifier: Apache-2.0
"""BlueZ as far as the board talks to it: an adapter, devices and their characteristics on a bus of the test's own.

The names and types are those of BlueZ 5.66's documents (org.bluez.Adapter.rst and its neighbours). Needs dbus-daemon and python3-gi.
"""

import subprocess
import threading

from gi.repository import Gio, GLib

ADAPTER = "/org/bluez/hci0"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECTS = "org.freedesktop.DBus.ObjectManager"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DEVICE = "org.bluez.Device1"

XML = """<node>
<interface name="org.freedesktop.DBus.ObjectManager">
  <method name="GetManagedObjects"><arg type="a{oa{sa{sv}}}" direction="out"/></method>
  <signal name="InterfacesAdded"><arg type="o"/><arg type="a{sa{sv}}"/></signal>
  <signal name="InterfacesRemoved"><arg type="o"/><arg type="as"/></signal>
</interface>
<interface name="org.bluez.AgentManager1">
  <method name="RegisterAgent"><arg type="o" direction="in"/><arg type="s" direction="in"/></method>
  <method name="RequestDefaultAgent"><arg type="o" direction="in"/></method>
</interface>
<interface name="org.bluez.Adapter1">
  <property name="Address" type="s" access="read"/>
  <property name="Powered" type="b" access="readwrite"/>
  <method name="SetDiscoveryFilter"><arg type="a{sv}" direction="in"/></method>
  <method name="StartDiscovery"/><method name="StopDiscovery"/>
  <method name="RemoveDevice"><arg type="o" direction="in"/></method>
</interface>
<interface name="org.bluez.LEAdvertisingManager1">
  <method name="RegisterAdvertisement"><arg type="o" direction="in"/><arg type="a{sv}" direction="in"/></method>
  <method name="UnregisterAdvertisement"><arg type="o" direction="in"/></method>
</interface>
<interface name="org.bluez.GattManager1">
  <method name="RegisterApplication"><arg type="o" direction="in"/><arg type="a{sv}" direction="in"/></method>
</interface>
<interface name="org.bluez.Device1">
  <property name="Address" type="s" access="read"/>
  <property name="AddressType" type="s" access="read"/>
  <property name="Name" type="s" access="read"/>
  <property name="RSSI" type="n" access="read"/>
  <property name="UUIDs" type="as" access="read"/>
  <property name="Connected" type="b" access="read"/>
  <property name="Paired" type="b" access="read"/>
  <property name="ServicesResolved" type="b" access="read"/>
  <method name="Connect"/><method name="Disconnect"/><method name="Pair"/>
</interface>
<interface name="org.bluez.GattCharacteristic1">
  <property name="UUID" type="s" access="read"/>
  <property name="Flags" type="as" access="read"/>
  <property name="MTU" type="q" access="read"/>
  <method name="ReadValue"><arg type="a{sv}" direction="in"/><arg type="ay" direction="out"/></method>
  <method name="WriteValue"><arg type="ay" direction="in"/><arg type="a{sv}" direction="in"/></method>
  <method name="StartNotify"/><method name="StopNotify"/>
</interface>
</node>"""

INTERFACES = {info.name: info for info in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}


class Bus:
    """A private bus."""

    def __init__(self):
        self.daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.daemon.stdout.readline().strip()

    def end(self):
        self.daemon.terminate()
        self.daemon.wait()
        self.daemon.stdout.close()


class Bluez:
    """Everything of it runs in a thread of its own; the lock is for what the test looks at."""

    def __init__(self, bus):
        self.called = []  # (method, arguments), oldest first
        self.objects = {}  # path: {interface: {property: value}}
        self.numbers = {}
        self.board = self.agent = self.advertisement = self.application = None
        self.pairing = None
        self.values = {}
        self.refuses = {}  # method: name of the error it ends with
        self.lock = threading.Lock()
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)
        self.thread = threading.Thread(target=self._run, args=(bus.address,))
        self.begun = threading.Event()
        self.thread.start()
        self.begun.wait()

    def _run(self, address):
        self.context.push_thread_default()
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self._add("/", OBJECTS, {}, listed=False)
        self._add("/org/bluez", "org.bluez.AgentManager1", {})
        self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                  GLib.Variant("(su)", ("org.bluez", 4)), None, Gio.DBusCallFlags.NONE, -1, None)
        self.begun.set()
        self.loop.run()
        self.connection.close_sync(None)
        self.context.pop_thread_default()

    def end(self):
        self.loop.quit()
        self.context.wakeup()
        self.thread.join()

    def _soon(self, what, *arguments):
        """Run it in the thread, and wait until it has."""
        done = threading.Event()
        result = []

        def run(_=None):
            result.append(what(*arguments))
            done.set()
            return False

        source = GLib.idle_source_new()
        source.set_callback(run)
        source.attach(self.context)
        done.wait()
        return result[0]

    # ---- objects

    def _add(self, path, interface, properties, listed=True):
        number = self.connection.register_object(path, INTERFACES[interface], self._on_call, self._on_get, self._on_set)
        self.numbers.setdefault(path, []).append(number)
        if listed:
            self.objects.setdefault(path, {})[interface] = properties

    def _remove(self, path):
        for number in self.numbers.pop(path, []):
            self.connection.unregister_object(number)
        return self.objects.pop(path, None)

    @staticmethod
    def _variants(interface, properties):
        return {name: GLib.Variant(INTERFACES[interface].lookup_property(name).signature, value)
                for name, value in properties.items()}

    def _describe(self, path):
        return {interface: self._variants(interface, properties) for interface, properties in self.objects[path].items()}

    def _tell_added(self, path):
        self.connection.emit_signal(None, "/", OBJECTS, "InterfacesAdded",
                                    GLib.Variant("(oa{sa{sv}})", (path, self._describe(path))))

    def _set(self, path, interface, properties):
        if path in self.objects:
            self.objects[path][interface].update(properties)
            self._tell_changed(path, interface, self._variants(interface, properties))

    def _tell_changed(self, path, interface, variants):
        self.connection.emit_signal(None, path, PROPERTIES, "PropertiesChanged",
                                    GLib.Variant("(sa{sv}as)", (interface, variants, [])))

    def _on_get(self, _connection, _sender, path, interface, name):
        return self._variants(interface, self.objects[path][interface])[name]

    def _on_set(self, _connection, _sender, path, interface, name, value):
        self.objects[path][interface][name] = value.unpack()
        return True

    # ---- what the board calls

    def _on_call(self, _connection, sender, path, _interface, method, parameters, invocation):
        arguments = parameters.unpack()
        if method == "GetManagedObjects":
            everything = {each: self._describe(each) for each in self.objects}
            invocation.return_value(GLib.Variant("(a{oa{sa{sv}}})", (everything,)))
            return
        with self.lock:
            self.called.append((method, path, arguments))
            refused = self.refuses.get(method)
        if refused:
            invocation.return_dbus_error(*refused)
            return
        self.board = sender
        getattr(self, "_" + method, lambda *_: invocation.return_value(None))(path, arguments, invocation)

    def _RegisterAgent(self, _path, arguments, invocation):
        self.agent = arguments[0]
        invocation.return_value(None)

    def _read_back(self, path, interface, method, parameters, keep, invocation):
        def done(connection, result):
            keep(connection.call_finish(result).unpack()[0])
            invocation.return_value(None)

        self.connection.call(self.board, path, interface, method, parameters, None, Gio.DBusCallFlags.NONE, -1, None, done)

    def _RegisterAdvertisement(self, _path, arguments, invocation):
        def keep(what):
            self.advertisement = what

        self._read_back(arguments[0], PROPERTIES, "GetAll", GLib.Variant("(s)", ("org.bluez.LEAdvertisement1",)), keep, invocation)

    def _UnregisterAdvertisement(self, _path, _arguments, invocation):
        self.advertisement = None
        invocation.return_value(None)

    def _RegisterApplication(self, _path, arguments, invocation):
        def keep(what):
            self.application = what

        self._read_back(arguments[0], OBJECTS, "GetManagedObjects", None, keep, invocation)

    def _Connect(self, path, _arguments, invocation):
        self._set(path, DEVICE, {"Connected": True})
        invocation.return_value(None)
        self._set(path, DEVICE, {"ServicesResolved": True})

    def _Disconnect(self, path, _arguments, invocation):
        invocation.return_value(None)
        self._set(path, DEVICE, {"Connected": False, "ServicesResolved": False})

    def _Pair(self, path, _arguments, invocation):
        def done(connection, result):
            try:
                self.pairing = connection.call_finish(result).unpack()[0]
            except GLib.Error as error:
                invocation.return_dbus_error("org.bluez.Error.AuthenticationFailed", error.message)
                return
            self._set(path, DEVICE, {"Paired": True})
            invocation.return_value(None)

        self.connection.call(self.board, self.agent, "org.bluez.Agent1", "RequestPasskey", GLib.Variant("(o)", (path,)), None,
                             Gio.DBusCallFlags.NONE, -1, None, done)

    def _ReadValue(self, path, _arguments, invocation):
        invocation.return_value(GLib.Variant("(ay)", (self.values[path],)))

    def _WriteValue(self, path, arguments, invocation):
        self.values[path] = bytes(arguments[0])
        invocation.return_value(None)

    # ---- for the test

    def plug(self):
        def run():
            self._add(ADAPTER, "org.bluez.Adapter1", {"Address": "00:11:22:33:44:55", "Powered": False})
            self._add(ADAPTER, "org.bluez.LEAdvertisingManager1", {})
            self._add(ADAPTER, "org.bluez.GattManager1", {})
            self._tell_added(ADAPTER)

        self._soon(run)

    def unplug(self):
        def run():
            for path in [each for each in self.objects if each.startswith(ADAPTER)]:
                interfaces = list(self._remove(path))
                self.connection.emit_signal(None, "/", OBJECTS, "InterfacesRemoved", GLib.Variant("(oas)", (path, interfaces)))

        self._soon(run)

    def powered(self):
        return self.objects[ADAPTER]["org.bluez.Adapter1"]["Powered"]

    def hear(self, address, name, uuids=(), connected=False, paired=False):
        """A device is heard; or, connected, has connected to us."""
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"

        def run():
            self._add(path, DEVICE, {"Address": address, "AddressType": "random", "Name": name, "RSSI": -60, "UUIDs": list(uuids),
                                     "Connected": connected, "Paired": paired, "ServicesResolved": False})
            self._tell_added(path)

        self._soon(run)
        return path

    def offer(self, device, declaration, uuid, flags, value):
        path = f"{device}/service0001/char{declaration:04x}"
        self.values[path] = value
        self._soon(self._add, path, CHARACTERISTIC, {"UUID": uuid, "Flags": flags, "MTU": 185})
        return path

    def change(self, path, value):
        """A characteristic of a device notifies."""
        self._soon(self._tell_changed, path, CHARACTERISTIC, {"Value": GLib.Variant("ay", value)})

    def set_device(self, path, **properties):
        self._soon(self._set, path, DEVICE, properties)

    def was_called(self, method):
        with self.lock:
            return [arguments for name, _, arguments in self.called if name == method]

    def ask_board(self, path, interface, method, signature, *arguments):
        """@return the answer; raises GLib.Error"""
        answer = self.connection.call_sync(self.board, path, interface, method, GLib.Variant(signature, arguments), None,
                                           Gio.DBusCallFlags.NONE, 60000, None)
        return answer.unpack()

    def notified_by_board(self, seen):
        """Append to seen what the board tells of its values."""
        def run():
            return self.connection.signal_subscribe(self.board, PROPERTIES, "PropertiesChanged", None, None,
                                                    Gio.DBusSignalFlags.NONE, lambda *a: seen.append((a[2], a[5].unpack()[1])))

        self._soon(run)
