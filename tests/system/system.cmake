# SPDX-License-Identifier: Apache-2.0
#
# The program as people run it: arguments, demonstration, shell on a pipe.
if(TARGET kraken_os)
    set(script "${CMAKE_CURRENT_LIST_DIR}/check_program.sh")
    foreach(part arguments demo_sim demo_threads shell reboot picture)
        if(part MATCHES "demo_sim|picture" AND NOT "sim" IN_LIST KRAKEN_TEST_MODES)
            continue()
        endif()
        if(NOT part MATCHES "demo_sim|picture|arguments" AND NOT "threads" IN_LIST KRAKEN_TEST_MODES)
            continue()
        endif()
        add_test(NAME system.${part} COMMAND sh "${script}" ${part} $<TARGET_FILE:kraken_os> ${KRAKEN_FLAVOUR})
        set_tests_properties(system.${part} PROPERTIES LABELS system TIMEOUT 120)
    endforeach()
    foreach(part Simulator Damage Steered Threads)
        if(NOT part STREQUAL "Threads" AND NOT "sim" IN_LIST KRAKEN_TEST_MODES)
            continue()
        endif()
        if(part STREQUAL "Threads" AND NOT ("threads" IN_LIST KRAKEN_TEST_MODES AND "sim" IN_LIST KRAKEN_TEST_MODES))
            continue()
        endif()
        string(TOLOWER "${part}" name)
        add_test(NAME system.replay_${name} COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_replay.py"
            $<TARGET_FILE:kraken_os> ${KRAKEN_FLAVOUR} ${part})
        set_tests_properties(system.replay_${name} PROPERTIES LABELS system TIMEOUT 120)
    endforeach()
    if("threads" IN_LIST KRAKEN_TEST_MODES)
        add_test(NAME system.sound COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_sound.py" $<TARGET_FILE:kraken_os>)
        set_tests_properties(system.sound PROPERTIES LABELS system TIMEOUT 120)
        if(TARGET sdk_test_packages) # what packs an app is there
            foreach(part Downloads Firmware Trust Bridge)
                string(TOLOWER "network_${part}" name)
                add_test(NAME system.${name} COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_network.py"
                    $<TARGET_FILE:kraken_os> "${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so" ${part})
                set_tests_properties(system.${name} PROPERTIES LABELS system TIMEOUT 120)
            endforeach()
        endif()
    endif()
    if("sim" IN_LIST KRAKEN_TEST_MODES)
        add_test(NAME system.demo_devices
            COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_demo_devices.py" $<TARGET_FILE:kraken_os>)
        set_tests_properties(system.demo_devices PROPERTIES LABELS system TIMEOUT 120)
    endif()
    if(KRAKEN_FLAVOUR STREQUAL "host")
        add_test(NAME system.bluetooth
            COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_bluetooth.py" $<TARGET_FILE:kraken_os>)
        set_tests_properties(system.bluetooth PROPERTIES LABELS system TIMEOUT 300)
        foreach(part Gap Pairing Server Client Comings NoBus)
            string(TOLOWER "bluez_${part}" name)
            add_test(NAME system.${name} COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_bluez.py"
                $<TARGET_FILE:kraken_os> ${part})
            set_tests_properties(system.${name} PROPERTIES LABELS system TIMEOUT 300)
        endforeach()
    endif()
    if(KRAKEN_FLAVOUR STREQUAL "host")
        # A build of its own, so that the demonstration is seen to fail.
        add_test(NAME system.demo_without_watchdog
            COMMAND sh "${CMAKE_CURRENT_LIST_DIR}/check_watchdog_off.sh" "${KRAKEN_ROOT}"
                "${CMAKE_BINARY_DIR}/tests/watchdog_off")
        set_tests_properties(system.demo_without_watchdog PROPERTIES LABELS system TIMEOUT 300
            ENVIRONMENT "CC=${CMAKE_C_COMPILER};CXX=${CMAKE_CXX_COMPILER}")
    endif()
endif()
