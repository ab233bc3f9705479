# SPDX-License-Identifier: Apache-2.0
#
# The package tool: what it packs is what the system reads. Needs the packages of "app" and "check".
execute_process(COMMAND /usr/bin/python3 -c "import cryptography, tomllib" RESULT_VARIABLE no_cryptography ERROR_QUIET)
find_program(XTENSA_GCC xtensa-lx106-elf-gcc)
if(NOT no_cryptography AND XTENSA_GCC)
    set(sdk_packages "${CMAKE_CURRENT_BINARY_DIR}/sdk_packages")
    # Only position-independent code and its relocations matter to the loader, not what is called how.
    add_custom_command(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/good_xtensa.so"
        COMMAND ${XTENSA_GCC} -O2 -fPIC -mlongcalls -shared -nostdlib
            -Wl,--hash-style=sysv,-z,max-page-size=16,-z,norelro,-e,app_main
            -o "${CMAKE_CURRENT_BINARY_DIR}/good_xtensa.so" "${KRAKEN_ROOT}/tests/unit/programs/good.c"
        DEPENDS "${KRAKEN_ROOT}/tests/unit/programs/good.c" VERBATIM)
    file(GLOB sdk_tool CONFIGURE_DEPENDS "${KRAKEN_ROOT}/sdk/kapp/*.py")
    add_custom_command(OUTPUT "${sdk_packages}/hello.kapp"
        COMMAND sh "${CMAKE_CURRENT_LIST_DIR}/make_packages.sh" "${KRAKEN_ROOT}" "${sdk_packages}"
            "${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so" "${CMAKE_CURRENT_BINARY_DIR}/good_xtensa.so"
        DEPENDS "${CMAKE_CURRENT_LIST_DIR}/make_packages.sh" "${CMAKE_CURRENT_LIST_DIR}/hello.toml" ${sdk_tool}
            "${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so" "${CMAKE_CURRENT_BINARY_DIR}/good_xtensa.so" VERBATIM)
    add_custom_target(sdk_test_packages DEPENDS "${sdk_packages}/hello.kapp")
    kraken_unit_test(packed SRCS test_packed.c "${KRAKEN_ROOT}/tests/support/elf_builder.c"
            "${KRAKEN_ROOT}/tests/support/system_up.c"
        LINK kapp system nvs_flash PRIVATE_OF kapp DEFINES "PACKAGES=\"${sdk_packages}\"")
    add_dependencies(sdk_packed sdk_test_packages)
    add_dependencies(sdk_test_packages program_app_as_program)
    add_test(NAME sdk.tool COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_tool.py" "${sdk_packages}/hello.kapp"
        "${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so")
    set_tests_properties(sdk.tool PROPERTIES LABELS sdk TIMEOUT 120)
    # The SDK in a folder of its own, and the virtual board.
    if(TARGET kraken_os AND KRAKEN_FLAVOUR STREQUAL "host")
        foreach(part Project RunningBoard SerialLine ExampleApps)
            string(TOLOWER "${part}" name)
            add_test(NAME sdk.${name} COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_project.py" $<TARGET_FILE:kraken_os>
                ${part})
            set_tests_properties(sdk.${name} PROPERTIES LABELS sdk TIMEOUT 300)
        endforeach()
    endif()
endif()
