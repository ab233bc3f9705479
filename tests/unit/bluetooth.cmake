# SPDX-License-Identifier: Apache-2.0
#
# Bluetooth: the bytes of its protocols; and the service between the virtual radio and peers that the tests are.
set(bluetooth_peer "${KRAKEN_ROOT}/tests/support/bluetooth_peer.c" "${KRAKEN_ROOT}/tests/support/system_up.c")
kraken_unit_test(bluetooth_att SRCS test_bluetooth_att.c LINK bluetooth_service PRIVATE_OF bluetooth_service PLAIN)
kraken_unit_test(bluetooth_radio SRCS test_bluetooth_radio.c MODES sim)
kraken_unit_test(bluetooth_service SRCS test_bluetooth_service.c ${bluetooth_peer} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
kraken_unit_test(bluetooth_pairing SRCS test_bluetooth_pairing.c ${bluetooth_peer} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
kraken_unit_test(bluetooth_package SRCS test_bluetooth_package.c ${bluetooth_peer} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
