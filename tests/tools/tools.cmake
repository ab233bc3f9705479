# SPDX-License-Identifier: Apache-2.0
#
# The checks of ./kraken check and the generator of the configuration, each shown to fail where it must.
if(KRAKEN_FLAVOUR STREQUAL "host")
    foreach(name device_test firmware_ram kconfig summary torture_tools)
        add_test(NAME tools.${name} COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_${name}.py")
        set_tests_properties(tools.${name} PROPERTIES LABELS tools TIMEOUT 120)
    endforeach()
    kraken_test_program(tools_scenario BARE
        SRCS scenario_selftest.c ../support/scenario.c ../support/scenario_child.c
        INCLUDE "${KRAKEN_ROOT}/host/control")
    add_test(NAME tools.scenario
        COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_scenario.py" $<TARGET_FILE:tools_scenario>)
    set_tests_properties(tools.scenario PROPERTIES LABELS tools TIMEOUT 120)
    # Needs the packages of "check", which a run of the tests alone does not install.
    find_program(XTENSA_GCC xtensa-lx106-elf-gcc)
    if(XTENSA_GCC)
        add_test(NAME tools.firmware COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_firmware.py")
        set_tests_properties(tools.firmware PROPERTIES LABELS tools TIMEOUT 120)
    endif()
    find_program(CPPCHECK cppcheck)
    find_program(CLANG_TIDY clang-tidy-14)
    find_program(CLANG_FORMAT clang-format-14)
    find_program(SHELLCHECK shellcheck)
    find_program(GIT git)
    if(XTENSA_GCC AND CPPCHECK AND CLANG_TIDY AND CLANG_FORMAT AND SHELLCHECK AND GIT)
        add_test(NAME tools.checks COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_checks.py")
        set_tests_properties(tools.checks PROPERTIES LABELS tools TIMEOUT 300)
    endif()
endif()
