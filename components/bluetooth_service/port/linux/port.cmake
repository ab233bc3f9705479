# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS bluetooth_backend.c bluetooth_bonds.c bluetooth_host.c bluetooth_security.c bluetooth_virtual.c bluez_agent.c
    bluez_bus.c bluez_gap.c bluez_gattc.c bluez_gatts.c bluez_peers.c bluez_port.c bluez_text.c smp_crypto.c
    PKG libsystemd)
