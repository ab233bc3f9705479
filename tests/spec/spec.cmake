# SPDX-License-Identifier: Apache-2.0
#
# The specification (architecture.txt) as tests: its C snippets are taken out as written, compiled and run on the virtual board.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")
set(topics app errors events memory service supervision)
set(snippets "${CMAKE_BINARY_DIR}/tests/spec/snippets")
set(specification "${CMAKE_CURRENT_LIST_DIR}/architecture.txt")
set(wrappers ${topics})
list(TRANSFORM wrappers REPLACE "(.+)" "${CMAKE_CURRENT_LIST_DIR}/spec_\\1.c")

add_custom_command(OUTPUT "${snippets}/stamp"
    COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/snippets.py" "${specification}" "${snippets}" ${wrappers}
    COMMAND ${CMAKE_COMMAND} -E touch "${snippets}/stamp"
    DEPENDS "${CMAKE_CURRENT_LIST_DIR}/snippets.py" "${specification}" ${wrappers} VERBATIM)
add_custom_target(spec_snippets DEPENDS "${snippets}/stamp")

# A nested function of the snippet needs an executable stack when nothing is optimised.
set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/spec_events.c" PROPERTIES COMPILE_OPTIONS -O1)
foreach(topic ${topics})
    kraken_unit_test(${topic} SRCS spec_${topic}.c "${system_up}" LINK system INCLUDE "${snippets}")
    add_dependencies(spec_${topic} spec_snippets)
endforeach()

# What the specification says beside its snippets, and the page that tells where each promise is met.
if(KRAKEN_FLAVOUR STREQUAL "host")
    add_test(NAME spec.structure COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_structure.py")
    add_test(NAME spec.document COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_specification.py" "${CMAKE_BINARY_DIR}")
    set_tests_properties(spec.structure spec.document PROPERTIES LABELS spec TIMEOUT 60)
endif()
