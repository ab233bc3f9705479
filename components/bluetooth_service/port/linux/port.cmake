# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS bluetooth_backend.c bluetooth_bonds.c bluetooth_host.c bluetooth_security.c smp_crypto.c)
