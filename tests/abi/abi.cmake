# SPDX-License-Identifier: Apache-2.0
#
# Apps built against each released version of the interface, on the system as it is now.
set(abi_v1 "${CMAKE_CURRENT_LIST_DIR}/v1")
add_custom_command(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/abi_v1.so"
    COMMAND ${CMAKE_C_COMPILER} -O2 -Wall -Wextra -Werror -std=gnu17 -fPIC -shared -nostdlib -fno-stack-protector -U_FORTIFY_SOURCE
        -fno-builtin -Wl,--hash-style=sysv,-z,separate-code,-z,norelro,-e,app_main
        "-I${abi_v1}/include" "-I${abi_v1}/include/system_service" "-I${CMAKE_SOURCE_DIR}/include/common" "-I${KRAKEN_CONFIG_DIR}"
        -o "${CMAKE_CURRENT_BINARY_DIR}/abi_v1.so" "${abi_v1}/app.c"
    DEPENDS "${abi_v1}/app.c" VERBATIM)
add_custom_target(abi_v1_app DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/abi_v1.so")
kraken_unit_test(v1 SRCS test_v1.c ../support/app_store.c ../support/program_package.c ../support/kapp_builder.c ../support/system_up.c
    LINK kapp system mbedtls nvs_flash PRIVATE_OF kapp
    DEFINES "PROGRAM_HELLO=\"${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so\"" "V1_APP=\"${CMAKE_CURRENT_BINARY_DIR}/abi_v1.so\"" "V1_INTERFACE=\"${abi_v1}/interface.txt\"")
target_link_libraries(abi_v1 PRIVATE z)
add_dependencies(abi_v1 abi_v1_app program_app_as_program)
add_test(NAME abi.v1_is_frozen COMMAND sha256sum --check --strict --quiet SHA256SUMS WORKING_DIRECTORY "${abi_v1}")
set_tests_properties(abi.v1_is_frozen PROPERTIES LABELS abi TIMEOUT 20)
