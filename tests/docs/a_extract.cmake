# SPDX-License-Identifier: Apache-2.0
#
# kraken_extract_example(document name result): the C text behind "<!-- example: name -->" of a document, as a file in the build
# folder; CMake runs again when the document changes.
function(kraken_extract_example document name result)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${KRAKEN_ROOT}/${document}")
    file(READ "${KRAKEN_ROOT}/${document}" text)
    string(FIND "${text}" "<!-- example: ${name} -->\n```c\n" from)
    if(from EQUAL -1)
        message(FATAL_ERROR "${document}: no example ${name}")
    endif()
    string(LENGTH "<!-- example: ${name} -->\n```c\n" length)
    math(EXPR from "${from} + ${length}")
    string(SUBSTRING "${text}" ${from} -1 text)
    string(FIND "${text}" "\n```" to)
    string(SUBSTRING "${text}" 0 ${to} text)
    set(file "${CMAKE_BINARY_DIR}/docs/${name}")
    file(CONFIGURE OUTPUT "${file}" CONTENT "${text}\n" @ONLY)
    set(${result} "${file}" PARENT_SCOPE)
endfunction()
