# SPDX-License-Identifier: Apache-2.0
#
# The torture test: one program, run by ./kraken torture for as long as one likes, and as a case of a size that fits a test run.
set(torture_sources torture_actors.c torture_apps.c torture_books.c torture_checks.c torture_events.c torture_faults.c
    torture_foreign.c torture_life.c torture_load.c torture_main.c torture_plan.c torture_restarts.c torture_run.c torture_table.c torture_watch.c
    "${KRAKEN_ROOT}/tests/support/system_up.c")
set(torture_defines "")
if(KRAKEN_FLAVOUR STREQUAL "sim")
    set(torture_defines TORTURE_EVERY_ACCESS=1)
endif()
kraken_test_program(torture SRCS ${torture_sources} LINK system esp_timer PRIVATE_OF system DEFINES ${torture_defines})

# The five services of the hardware, with what goes wrong in them and in the hardware: ./kraken torture --services
kraken_test_program(torture_services SRCS torture_services.c "${KRAKEN_ROOT}/tests/support/services_at_work.c"
    "${KRAKEN_ROOT}/tests/support/system_up.c" "${KRAKEN_ROOT}/tests/support/tally.c"
    LINK music audio_service bluetooth_service display_service input_service network_service esp_app_format nvs_flash system
    PRIVATE_OF bluetooth_service)

# torture_planted_<name>: the same program with one known bug. The changed copy of one source of the core stands in the build folder
# and is linked before the core's library, which then does not contribute that file. Not built unless asked for, but for the one
# that every test run tries.
set(planted_folder "${KRAKEN_ROOT}/tests/torture/planted")
set(planted_tool "${KRAKEN_ROOT}/tests/torture/planted.py")
set(planted_always refusal-uncounted)
function(kraken_planted_program plant)
    get_filename_component(name "${plant}" NAME_WE)
    file(STRINGS "${plant}" source REGEX "^file: ")
    string(REPLACE "file: " "" source "${source}")
    get_filename_component(base "${source}" NAME)
    set(copy "${CMAKE_CURRENT_BINARY_DIR}/planted/${name}/${base}")
    add_custom_command(OUTPUT "${copy}"
        COMMAND /usr/bin/python3 "${planted_tool}" apply "${plant}" "${KRAKEN_ROOT}" "${copy}"
        DEPENDS "${plant}" "${planted_tool}" "${KRAKEN_ROOT}/${source}" VERBATIM)
    set(target torture_planted_${name})
    add_executable(${target} "${copy}" $<TARGET_OBJECTS:torture>)
    target_include_directories(${target} PRIVATE
        $<TARGET_PROPERTY:__idf_system,INCLUDE_DIRECTORIES> "${KRAKEN_ROOT}/components/system/src")
    target_link_libraries(${target} PRIVATE
        kraken_warnings kraken_instrumented __idf_system __idf_esp_timer kraken_test_support kraken_control)
    if(NOT name STREQUAL planted_always)
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    add_dependencies(torture_planted ${target})
endfunction()

if(KRAKEN_FLAVOUR STREQUAL "host")
    add_test(NAME torture.campaign COMMAND torture --seeds 2000 --whole-table)
    set_tests_properties(torture.campaign PROPERTIES LABELS torture TIMEOUT 1500 PROCESSORS 2)

    add_test(NAME torture.restarts COMMAND torture --restarts 300 --seed 2)
    set_tests_properties(torture.restarts PROPERTIES LABELS torture TIMEOUT 120)

    add_test(NAME torture.services COMMAND torture_services --sim --seeds 15)
    set_tests_properties(torture.services PROPERTIES LABELS torture TIMEOUT 120 PROCESSORS 2)

    add_custom_target(torture_planted)
    file(GLOB plants CONFIGURE_DEPENDS "${planted_folder}/*.plant")
    foreach(plant ${plants})
        kraken_planted_program("${plant}")
    endforeach()
    add_test(NAME torture.plants_apply COMMAND /usr/bin/python3 "${planted_tool}" check "${KRAKEN_ROOT}")
    add_test(NAME torture.planted
        COMMAND /usr/bin/python3 "${planted_tool}" run $<TARGET_FILE_DIR:torture> ${planted_always})
    set_tests_properties(torture.plants_apply torture.planted PROPERTIES LABELS torture TIMEOUT 120)
endif()
