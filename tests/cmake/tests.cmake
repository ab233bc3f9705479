# SPDX-License-Identifier: Apache-2.0
#
# How a test becomes a program and its CTest cases. Which cases exist depends on the flavour:
#   host, asan, coverage   both schedulers (scenarios in the simulator with few seeds: they have their own flavour)
#   sim                    the simulator alone, with every seed
#   tsan                   threads alone

if(KRAKEN_FLAVOUR STREQUAL "sim")
    set(KRAKEN_TEST_MODES sim)
elseif(KRAKEN_FLAVOUR STREQUAL "tsan")
    set(KRAKEN_TEST_MODES threads)
else()
    set(KRAKEN_TEST_MODES threads sim)
endif()
# Seeds per scenario where the simulator is not the point of the flavour.
set(KRAKEN_FEW_SEEDS 10)

# kraken_test_program(target SRCS … [LINK component…] [PRIVATE_OF component…] [INCLUDE dir…] [BARE]): what both kinds share.
#   PRIVATE_OF  may include that component's private/ headers
#   BARE        do not link the virtual board: the test brings fakes of its own; its sources are compiled against the headers
function(kraken_test_program target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "BARE" "" "SRCS;LINK;PRIVATE_OF;INCLUDE;DEFINES")
    set(sources "")
    set(missing "")
    foreach(source ${arg_SRCS})
        get_filename_component(source "${source}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_LIST_DIR}")
        list(APPEND sources "${source}")
        if(NOT EXISTS "${source}")
            list(APPEND missing "${source}")
            file(GLOB ignored CONFIGURE_DEPENDS "${source}")
        endif()
    endforeach()
    if(missing)
        # It fails alone, at build time, instead of keeping everything else from being built.
        message(WARNING "test ${target}: missing: ${missing}")
        add_custom_target(${target} ALL
            COMMAND ${CMAKE_COMMAND} -E echo "test ${target}: missing: ${missing}" COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
        return()
    endif()
    add_executable(${target} ${sources})
    target_include_directories(${target} PRIVATE
        "${CMAKE_CURRENT_LIST_DIR}" "${KRAKEN_ROOT}/tests/support" ${arg_INCLUDE})
    target_compile_definitions(${target} PRIVATE ${arg_DEFINES})
    foreach(component ${arg_LINK})
        if(NOT TARGET __idf_${component})
            message(FATAL_ERROR "test ${target}: no component '${component}'")
        endif()
    endforeach()
    if(arg_BARE)
        # Headers of the components and of the board, none of their libraries.
        target_link_libraries(${target} PRIVATE kraken_warnings kraken_idf_common PkgConfig::cmocka Threads::Threads m)
        target_compile_options(${target} PRIVATE -UCONFIG_SYSTEM_LOCK_ORDER_CHECK) # lock_order.c asks the bus
        foreach(component ${arg_LINK})
            target_include_directories(${target} PRIVATE
                $<TARGET_PROPERTY:__idf_${component},INTERFACE_INCLUDE_DIRECTORIES>)
        endforeach()
    else()
        list(TRANSFORM arg_LINK PREPEND __idf_)
        target_link_libraries(${target} PRIVATE
            kraken_warnings kraken_instrumented ${arg_LINK} kraken_test_support kraken_control)
    endif()
    foreach(component ${arg_PRIVATE_OF})
        target_include_directories(${target} PRIVATE
            "${KRAKEN_ROOT}/components/${component}/private" "${KRAKEN_ROOT}/components/${component}/port/linux")
    endforeach()
endfunction()

function(kraken_test_label result)
    get_filename_component(label "${CMAKE_CURRENT_LIST_DIR}" NAME)
    set(${result} ${label} PARENT_SCOPE)
endfunction()

# kraken_unit_test(name SRCS … [MODES threads sim | PLAIN] [TIMEOUT s] [ARGS …] and what kraken_test_program takes)
# The program's main() is ktest_main() (tests/support/ktest.h). Cases: <label>.<name>.threads and .sim; with PLAIN or BARE one
# case <label>.<name>, a program like any other, in every flavour.
function(kraken_unit_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PLAIN;BARE" "TIMEOUT" "SRCS;LINK;PRIVATE_OF;INCLUDE;DEFINES;MODES;ARGS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "kraken_unit_test(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    kraken_test_label(label)
    set(target ${label}_${name})
    set(bare "")
    if(arg_BARE)
        set(bare BARE)
    endif()
    kraken_test_program(${target} ${bare} SRCS ${arg_SRCS} LINK ${arg_LINK} PRIVATE_OF ${arg_PRIVATE_OF}
        INCLUDE ${arg_INCLUDE} DEFINES ${arg_DEFINES})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    if(arg_PLAIN OR arg_BARE)
        add_test(NAME ${label}.${name} COMMAND ${target} ${arg_ARGS})
        set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT})
        return()
    endif()
    if(NOT arg_MODES)
        set(arg_MODES threads sim)
    endif()
    foreach(mode ${arg_MODES})
        if(mode IN_LIST KRAKEN_TEST_MODES)
            add_test(NAME ${label}.${name}.${mode} COMMAND ${target} --${mode} ${arg_ARGS})
            set_tests_properties(${label}.${name}.${mode} PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT})
        endif()
    endforeach()
endfunction()

# kraken_scenario(name SRCS … [SEEDS n] [MODES threads sim] [TIMEOUT s] and what kraken_test_program takes)
# The program's main() is scenario_main() (tests/support/scenario.h). Default: 80 seeds; ./kraken test --seeds N for more of each,
# ./kraken torture for systems that nobody thought of.
function(kraken_scenario name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SEEDS;TIMEOUT" "SRCS;LINK;PRIVATE_OF;INCLUDE;DEFINES;MODES;ARGS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "kraken_scenario(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    kraken_test_label(label)
    set(target ${label}_${name})
    kraken_test_program(${target} SRCS ${arg_SRCS} LINK ${arg_LINK} PRIVATE_OF ${arg_PRIVATE_OF}
        INCLUDE ${arg_INCLUDE} DEFINES ${arg_DEFINES})
    if(NOT arg_MODES)
        set(arg_MODES threads sim)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 600)
    endif()
    if(NOT arg_SEEDS)
        set(arg_SEEDS 80)
    endif()
    if(NOT KRAKEN_FLAVOUR STREQUAL "sim")
        set(arg_SEEDS ${KRAKEN_FEW_SEEDS})
    endif()
    foreach(mode ${arg_MODES})
        if(NOT mode IN_LIST KRAKEN_TEST_MODES)
            continue()
        endif()
        set(arguments --threads)
        if(mode STREQUAL "sim")
            set(arguments --sim --seeds ${arg_SEEDS})
        endif()
        add_test(NAME ${label}.${name}.${mode} COMMAND ${target} ${arguments} ${arg_ARGS})
        # Over seeds a scenario keeps two cores busy by itself.
        set_tests_properties(${label}.${name}.${mode} PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT} PROCESSORS 2)
    endforeach()
endfunction()

# kraken_config_test(name DEFAULTS file EXPECT passes|fails [ARGS …] [TIMEOUT s]): the whole system, built with further configuration
# defaults in a folder of its own, run with ARGS. Flavour host only. For promises like "with the watchdog off the demo fails".
function(kraken_config_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "DEFAULTS;EXPECT;TIMEOUT" "ARGS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_DEFAULTS OR NOT arg_EXPECT MATCHES "^(passes|fails)$")
        message(FATAL_ERROR "kraken_config_test(${name} DEFAULTS file EXPECT passes|fails [ARGS …]) expected")
    endif()
    if(NOT KRAKEN_FLAVOUR STREQUAL "host" OR NOT TARGET kraken_os)
        return()
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 600)
    endif()
    kraken_test_label(label)
    get_filename_component(defaults "${arg_DEFAULTS}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_LIST_DIR}")
    add_test(NAME ${label}.${name}
        COMMAND sh "${KRAKEN_ROOT}/tests/cmake/run_with_config.sh" "${KRAKEN_ROOT}" "${CMAKE_BINARY_DIR}/tests/config-${name}"
            "${defaults}" kraken-os ${arg_EXPECT} ${arg_ARGS})
    set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT} PROCESSORS 2
        ENVIRONMENT "CC=${CMAKE_C_COMPILER};CXX=${CMAKE_CXX_COMPILER}")
endfunction()
