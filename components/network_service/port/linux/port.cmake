# SPDX-License-Identifier: Apache-2.0
kraken_port_linux(SRCS http_backend.c http_curl.c http_scripted.c link_backend.c link_host.c link_scripted.c mqtt_backend.c
    PKG libcurl libmosquitto)
