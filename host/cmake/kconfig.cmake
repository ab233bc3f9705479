# SPDX-License-Identifier: Apache-2.0
#
# sdkconfig.h from the Kconfig files and the defaults, at configure time; CMake runs again when one of them changes.

# Debian's own interpreter: python3-kconfiglib belongs to it, whatever else is on PATH.
set(KRAKEN_PYTHON /usr/bin/python3)
set(KRAKEN_CONFIG_DIR "${CMAKE_BINARY_DIR}/config")

set(kconfig_arguments
    --root "${KRAKEN_ROOT}" --kconfig "${CMAKE_CURRENT_SOURCE_DIR}/Kconfig" --out "${KRAKEN_CONFIG_DIR}"
    --device-only "${KRAKEN_ROOT}/tools/device_only_options.txt")
foreach(file "${KRAKEN_ROOT}/sdkconfig.defaults" ${KRAKEN_DEFAULTS})
    get_filename_component(file "${file}" ABSOLUTE BASE_DIR "${KRAKEN_ROOT}")
    list(APPEND kconfig_arguments --defaults "${file}")
endforeach()
if(KRAKEN_USER_CONFIG)
    list(APPEND kconfig_arguments --user "${KRAKEN_USER_CONFIG}")
endif()

execute_process(
    COMMAND "${KRAKEN_PYTHON}" "${KRAKEN_ROOT}/tools/kconfig_gen.py" ${kconfig_arguments}
    RESULT_VARIABLE kconfig_result)
if(kconfig_result)
    message(FATAL_ERROR "the configuration could not be generated, see above")
endif()

file(STRINGS "${KRAKEN_CONFIG_DIR}/inputs.txt" kconfig_inputs)
if(KRAKEN_USER_CONFIG AND EXISTS "${KRAKEN_USER_CONFIG}")
    list(APPEND kconfig_inputs "${KRAKEN_USER_CONFIG}")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${kconfig_inputs} "${KRAKEN_ROOT}/tools/kconfig_gen.py" "${KRAKEN_ROOT}/tools/device_only_options.txt")
# A Kconfig file that appears later is an input too.
file(GLOB ignored CONFIGURE_DEPENDS
    "${KRAKEN_ROOT}/components/*/Kconfig*" "${KRAKEN_ROOT}/apps/*/Kconfig*" "${KRAKEN_ROOT}/main/Kconfig*")
include("${KRAKEN_CONFIG_DIR}/sdkconfig.cmake")
