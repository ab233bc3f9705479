# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS bluetooth_backend.c bluetooth_host.c)
