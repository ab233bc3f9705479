# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS audio_backend.c)
