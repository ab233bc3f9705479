# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS input_backend.c)
