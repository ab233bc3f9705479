# SPDX-License-Identifier: Apache-2.0
#
# Bluetooth: the bytes of its protocols; and the service between the virtual radio and peers that the tests are.
set(bluetooth_peer "${KRAKEN_ROOT}/tests/support/bluetooth_peer.c" "${KRAKEN_ROOT}/tests/support/system_up.c")
set(bluetooth_sender "${KRAKEN_ROOT}/tests/support/bluetooth_sender.c" ${bluetooth_peer})
kraken_unit_test(bluetooth_att SRCS test_bluetooth_att.c LINK bluetooth_service PRIVATE_OF bluetooth_service PLAIN)
kraken_unit_test(bluetooth_radio SRCS test_bluetooth_radio.c MODES sim)
kraken_unit_test(bluetooth_service SRCS test_bluetooth_service.c ${bluetooth_peer} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
kraken_unit_test(bluetooth_pairing SRCS test_bluetooth_pairing.c ${bluetooth_peer} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
kraken_unit_test(bluetooth_bonds SRCS test_bluetooth_bonds.c ${bluetooth_peer} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
kraken_unit_test(bluetooth_package SRCS test_bluetooth_package.c ${bluetooth_sender} LINK bluetooth_service esp_app_format mbedtls system
    PRIVATE_OF bluetooth_service MODES sim)
# A real package, signed, of a real program, by the task of the firmware that installs what comes.
kraken_unit_test(bluetooth_install SRCS test_bluetooth_install.c "${KRAKEN_ROOT}/main/install_bluetooth.c" ${bluetooth_sender}
        "${KRAKEN_ROOT}/tests/support/app_store.c" "${KRAKEN_ROOT}/tests/support/program_package.c"
        "${KRAKEN_ROOT}/tests/support/kapp_builder.c"
    LINK bluetooth_service esp_app_format kapp mbedtls network_service nvs_flash system PRIVATE_OF bluetooth_service INCLUDE "${KRAKEN_ROOT}/main/private"
    DEFINES "PROGRAM_HELLO=\"${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so\"" MODES sim)
if(TARGET unit_bluetooth_install)
    target_link_libraries(unit_bluetooth_install PRIVATE z)
    add_dependencies(unit_bluetooth_install program_app_as_program)
endif()
