# SPDX-License-Identifier: Apache-2.0
#
# What each component registers once the configuration is known: cmake -DLIST=components.cmake -DOUT=file -P idf_register.cmake
# LIST sets IDF_PATH, CONFIG_FILE, NAMES (to expand) and DIR_<name> of every component. OUT gets one "key name values" a line.
# ESP-IDF's own script of this kind (component_get_requirements.cmake) runs before there is a configuration and drops the sources.
cmake_minimum_required(VERSION 3.16)
include("${LIST}")
include("${CONFIG_FILE}")
include("${IDF_PATH}/tools/cmake/utilities.cmake")
include("${IDF_PATH}/tools/cmake/version.cmake")
set(ESP_PLATFORM 1)
set(IDF_TARGET esp32s3)
set(IDF_TARGET_ARCH xtensa)
set(NON_OS_BUILD "")
set(BOOTLOADER_BUILD "")
set(ESP_TEE_BUILD "")
set(BUILD_COMPONENTS "")

function(idf_build_get_property var property)
    set(${var} "${${property}}" PARENT_SCOPE)
endfunction()

function(idf_component_get_property var component property)
    set(value "")
    if(property STREQUAL "COMPONENT_DIR")
        set(value "${DIR_${component}}")
    endif()
    set(${var} "${value}" PARENT_SCOPE)
endfunction()

function(require_idf_targets)
endfunction()

# A component may be made of several (bt): what they set for their parent is what it registers.
function(add_subdirectory folder)
    set(CMAKE_CURRENT_SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/${folder}")
    include("${CMAKE_CURRENT_LIST_DIR}/${folder}/CMakeLists.txt")
endfunction()

macro(idf_component_register)
    cmake_parse_arguments(_ "WHOLE_ARCHIVE" "KCONFIG;KCONFIG_PROJBUILD"
        "SRCS;SRC_DIRS;EXCLUDE_SRCS;INCLUDE_DIRS;PRIV_INCLUDE_DIRS;LDFRAGMENTS;REQUIRES;PRIV_REQUIRES;REQUIRED_IDF_TARGETS;EMBED_FILES;EMBED_TXTFILES"
        "${ARGN}")
    foreach(key SRCS INCLUDE_DIRS PRIV_INCLUDE_DIRS REQUIRES PRIV_REQUIRES UNPARSED_ARGUMENTS)
        file(APPEND "${OUT}" "${key} ${COMPONENT_NAME} ${__${key}}\n")
    endforeach()
    return()
endmacro()

# A scope of its own for each component, as add_subdirectory() gives it.
function(expand_component name)
    set(COMPONENT_NAME "${name}")
    set(COMPONENT_DIR "${DIR_${name}}")
    set(COMPONENT_PATH "${COMPONENT_DIR}")
    set(CMAKE_CURRENT_SOURCE_DIR "${COMPONENT_DIR}")
    include("${COMPONENT_DIR}/CMakeLists.txt")
endfunction()

file(WRITE "${OUT}" "")
foreach(name ${NAMES})
    expand_component("${name}")
endforeach()
