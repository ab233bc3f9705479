# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS image_memory.c inflate_backend.c PKG zlib)
