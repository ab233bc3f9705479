# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS boot_mode.c power.c)
