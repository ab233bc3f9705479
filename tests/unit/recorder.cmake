# SPDX-License-Identifier: Apache-2.0
#
# What survives a reset: the records, and how a boot ended.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

kraken_unit_test(flight_recorder SRCS test_flight_recorder.c "${system_up}" LINK system PRIVATE_OF system)
if("sim" IN_LIST KRAKEN_TEST_MODES) # its eight lives run in virtual time
    kraken_unit_test(boot_record SRCS test_boot_record.c "${system_up}" LINK system PRIVATE_OF system PLAIN)
    kraken_unit_test(last_resort PLAIN LINK system esp_timer
        SRCS test_last_resort.c "${system_up}" "${KRAKEN_ROOT}/tests/support/scripted_service.c")
endif()
