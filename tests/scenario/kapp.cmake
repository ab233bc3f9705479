# SPDX-License-Identifier: Apache-2.0
#
# Apps out of packages; their programs are built by tests/unit/kapp.cmake.
kraken_scenario(apps_from_packages SRCS apps_from_packages.c ../support/system_up.c ../support/program_package.c
        ../support/kapp_builder.c
    LINK kapp system mbedtls nvs_flash PRIVATE_OF system SEEDS 170
    DEFINES "PROGRAM_HELLO=\"${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so\"" "PROGRAM_DEAF=\"${CMAKE_CURRENT_BINARY_DIR}/deaf.so\"")
target_link_libraries(scenario_apps_from_packages PRIVATE z)
add_dependencies(scenario_apps_from_packages program_app_as_program program_deaf)

kraken_scenario(crash_containment_packaged SRCS crash_containment.c ../support/system_up.c ../support/program_package.c
        ../support/kapp_builder.c
    LINK kapp system hello mbedtls nvs_flash PRIVATE_OF system SEEDS 10
    DEFINES "PROGRAM_CRASHER=\"${CMAKE_CURRENT_BINARY_DIR}/crasher.so\"")
target_link_libraries(scenario_crash_containment_packaged PRIVATE z)
add_dependencies(scenario_crash_containment_packaged program_crasher)

kraken_scenario(app_store_cycles SRCS app_store_cycles.c ../support/system_up.c ../support/program_package.c
        ../support/kapp_builder.c ../support/tally.c
    LINK kapp system mbedtls nvs_flash PRIVATE_OF system SEEDS 6 MODES sim
    DEFINES "PROGRAM_HELLO=\"${CMAKE_CURRENT_BINARY_DIR}/app_as_program.so\"" "PROGRAM_DEAF=\"${CMAKE_CURRENT_BINARY_DIR}/deaf.so\""
        "PROGRAM_DIES=\"${CMAKE_CURRENT_BINARY_DIR}/dies.so\"" "PROGRAM_KEEPS=\"${CMAKE_CURRENT_BINARY_DIR}/keeps.so\"")
target_link_libraries(scenario_app_store_cycles PRIVATE z)
add_dependencies(scenario_app_store_cycles program_app_as_program program_deaf program_dies program_keeps)
