# SPDX-License-Identifier: Apache-2.0
#
# On an emulated core of the chip's generation, with Debian's compiler and emulator.
find_program(XTENSA_GCC xtensa-lx106-elf-gcc)
find_program(QEMU_XTENSA qemu-system-xtensa)
if(XTENSA_GCC AND QEMU_XTENSA AND KRAKEN_FLAVOUR STREQUAL "host")
    add_test(NAME xtensa.loader COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_loader.py" "${KRAKEN_ROOT}"
        "${CMAKE_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/xtensa")
    kraken_test_program(xtensa_events SRCS events_native.c events_story.c LINK kapp system PRIVATE_OF kapp)
    add_test(NAME xtensa.events COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_events.py" "${KRAKEN_ROOT}"
        "${CMAKE_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/xtensa/events" $<TARGET_FILE:xtensa_events>)
    set_tests_properties(xtensa.loader xtensa.events PROPERTIES LABELS xtensa TIMEOUT 120
        ENVIRONMENT "CC=${CMAKE_C_COMPILER};PYTHONDONTWRITEBYTECODE=1")
endif()
