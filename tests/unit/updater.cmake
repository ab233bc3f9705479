# SPDX-License-Identifier: Apache-2.0
#
# Updates of the firmware; the probation is a minute of virtual time.
kraken_unit_test(updater SRCS test_updater.c "${KRAKEN_ROOT}/tests/support/system_up.c" LINK updater system app_update MODES sim)
kraken_unit_test(updater_install SRCS test_updater_install.c "${KRAKEN_ROOT}/tests/support/firmware_image.c"
        "${KRAKEN_ROOT}/tests/support/kapp_builder.c" "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK updater system app_update esp_app_format mbedtls nvs_flash PRIVATE_OF updater MODES sim)
if(TARGET unit_updater_install)
    target_link_libraries(unit_updater_install PRIVATE z)
endif()
