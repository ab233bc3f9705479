# SPDX-License-Identifier: Apache-2.0
#
# App packages: the reader, its manifest, and the trust store.
set(kapp_builder "${KRAKEN_ROOT}/tests/support/kapp_builder.c")
foreach(name package manifest trust)
    kraken_unit_test(kapp_${name} SRCS test_kapp_${name}.c "${kapp_builder}"
        LINK kapp mbedtls nvs_flash PRIVATE_OF kapp)
    if(TARGET unit_kapp_${name})
        target_link_libraries(unit_kapp_${name} PRIVATE z)
    endif()
endforeach()
if("sim" IN_LIST KRAKEN_TEST_MODES) # its two lives run in the simulator
    kraken_unit_test(kapp_suspect SRCS test_kapp_suspect.c "${KRAKEN_ROOT}/tests/support/system_up.c"
        LINK kapp system PRIVATE_OF system PLAIN)
endif()
kraken_unit_test(kapp_interface SRCS test_kapp_interface.c LINK kapp PRIVATE_OF kapp)
kraken_unit_test(kapp_elf SRCS test_kapp_elf.c "${KRAKEN_ROOT}/tests/support/elf_builder.c" LINK kapp PRIVATE_OF kapp)

# Programs for the loader, each a shared object of the compiler that builds everything else.
function(kraken_test_shared_object name)
    # SOURCE of another name; all else is for the compiler.
    cmake_parse_arguments(arg "" "SOURCE" "" ${ARGN})
    if(NOT arg_SOURCE)
        set(arg_SOURCE ${name})
    endif()
    set(sources "${KRAKEN_ROOT}/tests/unit/programs/${arg_SOURCE}.c" ${arg_UNPARSED_ARGUMENTS})
    list(FILTER sources INCLUDE REGEX "\\.c$")
    add_custom_command(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.so"
        COMMAND ${CMAKE_C_COMPILER} -O2 -Wall -Wextra -Werror -fPIC -shared -nostdlib -fno-stack-protector
            -Wl,--hash-style=sysv,-z,separate-code,-z,norelro,-e,app_main
            ${arg_UNPARSED_ARGUMENTS} -o "${CMAKE_CURRENT_BINARY_DIR}/${name}.so"
            "${KRAKEN_ROOT}/tests/unit/programs/${arg_SOURCE}.c"
        DEPENDS ${sources} VERBATIM)
    add_custom_target(program_${name} DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/${name}.so")
endfunction()
kraken_test_shared_object(good)
kraken_test_shared_object(lacking)
set(program_package "${KRAKEN_ROOT}/tests/support/program_package.c" "${kapp_builder}")
kraken_unit_test(kapp_program SRCS test_kapp_program.c ${program_package} LINK kapp mbedtls nvs_flash
    DEFINES "PROGRAM_GOOD=\"${CMAKE_CURRENT_BINARY_DIR}/good.so\"" "PROGRAM_LACKING=\"${CMAKE_CURRENT_BINARY_DIR}/lacking.so\"")
target_link_libraries(unit_kapp_program PRIVATE z)
add_dependencies(unit_kapp_program program_good program_lacking)

# An app of the firmware, built the other way from the same source.
set(system_headers "-I${KRAKEN_ROOT}/components/system/include" "-I${CMAKE_SOURCE_DIR}/include/common" "-I${KRAKEN_CONFIG_DIR}")
kraken_test_shared_object(app_as_program -DAPP_MANIFEST=hello_app_manifest ${system_headers}
    "-I${KRAKEN_ROOT}/apps/hello/include" "${KRAKEN_ROOT}/apps/hello/hello_app.c")
kraken_test_shared_object(deaf ${system_headers})
kraken_unit_test(kapp_app SRCS test_kapp_app.c ${program_package} "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK kapp system mbedtls nvs_flash PRIVATE_OF kapp
    DEFINES "PROGRAM_HELLO=\"${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so\""
        "PROGRAM_DEAF=\"${CMAKE_CURRENT_BINARY_DIR}/deaf.so\"" "PROGRAM_LACKING=\"${CMAKE_CURRENT_BINARY_DIR}/lacking.so\"")
target_link_libraries(unit_kapp_app PRIVATE z)
add_dependencies(unit_kapp_app program_app_as_program program_deaf program_lacking)

# The store of installed apps, and what is done with it.
kraken_unit_test(kapp_store SRCS test_kapp_store.c LINK kapp nvs_flash PRIVATE_OF kapp)
kraken_unit_test(data_wear SRCS test_data_wear.c LINK kapp nvs_flash PRIVATE_OF kapp MODES sim)
kraken_test_shared_object(dies ${system_headers})
set(app_store "${KRAKEN_ROOT}/tests/support/app_store.c" ${program_package} "${KRAKEN_ROOT}/tests/support/system_up.c")
set(app_store_programs "PROGRAM_HELLO=\"${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so\"" "PROGRAM_DIES=\"${CMAKE_CURRENT_BINARY_DIR}/dies.so\""
    "PROGRAM_DEAF=\"${CMAKE_CURRENT_BINARY_DIR}/deaf.so\"" "PROGRAM_LACKING=\"${CMAKE_CURRENT_BINARY_DIR}/lacking.so\"")
kraken_unit_test(kapp_install SRCS test_kapp_install.c ${app_store} LINK kapp system mbedtls nvs_flash PRIVATE_OF kapp
    DEFINES ${app_store_programs})
kraken_unit_test(kapp_update SRCS test_kapp_update.c ${app_store} LINK kapp system mbedtls nvs_flash PRIVATE_OF kapp
    DEFINES ${app_store_programs} MODES sim)
foreach(name install update)
    target_link_libraries(unit_kapp_${name} PRIVATE z)
    add_dependencies(unit_kapp_${name} program_app_as_program program_deaf program_dies program_lacking)
endforeach()
kraken_unit_test(shell_install SRCS test_shell_install.c "${KRAKEN_ROOT}/tests/support/shell_test.c" ${app_store} LINK shell kapp system mbedtls nvs_flash
    DEFINES ${app_store_programs})
target_link_libraries(unit_shell_install PRIVATE z)
add_dependencies(unit_shell_install program_app_as_program)
kraken_test_shared_object(keeps ${system_headers} "-I${KRAKEN_ROOT}/components/kapp/include")
kraken_unit_test(app_data SRCS test_app_data.c ${app_store} LINK kapp system mbedtls nvs_flash
    DEFINES ${app_store_programs} "PROGRAM_KEEPS=\"${CMAKE_CURRENT_BINARY_DIR}/keeps.so\"")
target_link_libraries(unit_app_data PRIVATE z)
add_dependencies(unit_app_data program_app_as_program program_keeps)

# The app that fails, built the same way; what it may use of events and memory.
kraken_test_shared_object(crasher SOURCE app_as_program -DAPP_MANIFEST=crasher_app_manifest ${system_headers}
    "-I${KRAKEN_ROOT}/apps/crasher/include" "-I${KRAKEN_ROOT}/apps/crasher/private"
    "${KRAKEN_ROOT}/apps/crasher/crasher_app.c" "${KRAKEN_ROOT}/apps/crasher/crasher_ways.c")
kraken_test_shared_object(asks ${system_headers})
kraken_unit_test(kapp_rights SRCS test_kapp_rights.c ${program_package} "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK kapp system mbedtls nvs_flash PRIVATE_OF kapp system DEFINES "PROGRAM_ASKS=\"${CMAKE_CURRENT_BINARY_DIR}/asks.so\"")
target_link_libraries(unit_kapp_rights PRIVATE z)
add_dependencies(unit_kapp_rights program_asks)
kraken_unit_test(kapp_drop SRCS test_kapp_drop.c ${app_store} LINK kapp system mbedtls nvs_flash
    DEFINES ${app_store_programs})
target_link_libraries(unit_kapp_drop PRIVATE z)
add_dependencies(unit_kapp_drop program_app_as_program)
