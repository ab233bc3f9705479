# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS shell_face.c shell_remote.c shell_terminal.c PKG libedit)
