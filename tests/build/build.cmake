# SPDX-License-Identifier: Apache-2.0
if(KRAKEN_FLAVOUR STREQUAL "host")
    add_test(NAME build.components
        COMMAND sh "${CMAKE_CURRENT_LIST_DIR}/check_components.sh" "${KRAKEN_ROOT}" "${CMAKE_BINARY_DIR}/tests/build")
    set_tests_properties(build.components PROPERTIES LABELS build TIMEOUT 300
        ENVIRONMENT "CC=${CMAKE_C_COMPILER};CXX=${CMAKE_CXX_COMPILER}")
endif()
