# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS crash_backend.c event_trace.c panic_backend.c symbol_backend.c task_backend.c PKG libdw)
