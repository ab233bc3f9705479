# SPDX-License-Identifier: Apache-2.0
set(scripted "${KRAKEN_ROOT}/tests/support/system_up.c" "${KRAKEN_ROOT}/tests/support/scripted_service.c")

foreach(name d03_restart_does_nothing d06_watchdog_outlives_its_service)
    kraken_unit_test(${name} SRCS ${name}.c ${scripted} LINK system)
endforeach()

# Lets ten minutes pass.
kraken_unit_test(d04_attempts_are_never_forgotten SRCS d04_attempts_are_never_forgotten.c ${scripted} LINK system MODES sim)

foreach(name d05_heartbeat_newer_than_now_is_a_timeout d08_a_hung_handler_stops_the_bus)
    kraken_scenario(${name} SRCS ${name}.c ${scripted} LINK system)
endforeach()
