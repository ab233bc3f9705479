# SPDX-License-Identifier: Apache-2.0
"""What the tests of the program share, so that a busy machine does not decide whether they pass."""

import random
import socket

# Bound of every wait for something that must happen. It costs nothing where that happens, so it is long; less than CTest's own.
PATIENCE_S = 600


def port_of_nobody():
    """A port of 127.0.0.1 where nobody listens, and nobody will by chance: those that the kernel gives away lie elsewhere."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first, last = map(int, file.read().split())
    ports = [port for port in range(10000, 65536) if not first <= port <= last] or list(range(first, last + 1))
    random.shuffle(ports)
    for port in ports:
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue
    raise AssertionError("every port of 127.0.0.1 is taken")
