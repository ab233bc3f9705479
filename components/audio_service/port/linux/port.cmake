# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS audio_backend.c flac_backend.c media_backend.c PKG flac)
