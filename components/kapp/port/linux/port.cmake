# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS drop_backend.c image_memory.c inflate_backend.c PKG zlib)
