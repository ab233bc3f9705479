# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS inflate_backend.c PKG zlib)
