# SPDX-License-Identifier: Apache-2.0
#
# The virtual board: one library of host/src, and one header-only target per ESP-IDF component whose headers it offers, so that
# REQUIRES works here as it does on the device.
#   kraken_idf_common   what ESP-IDF gives to every component: headers of host/include/common, the configuration
#   __idf_<name>        host/include/<name>, for REQUIRES <name>; or what host/components/<name>.cmake says
#   kraken_host         the library; only host/, port/linux and tests see host/control

# Components of ESP-IDF that every other one may use without REQUIRES.
set(KRAKEN_COMMON_COMPONENTS
    cxx newlib freertos esp_hw_support heap log soc hal esp_rom esp_common esp_system xtensa)
# Public requirements among the others, as ESP-IDF declares them.
set(KRAKEN_REQUIRES_nvs_flash esp_partition)
set(KRAKEN_REQUIRES_app_update bootloader_support esp_app_format esp_partition)

add_library(kraken_idf_common INTERFACE)
target_include_directories(kraken_idf_common INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/include/common" "${KRAKEN_CONFIG_DIR}")
target_compile_definitions(kraken_idf_common INTERFACE ESP_PLATFORM=1 "IDF_VER=\"v5.5.5\"")

file(GLOB host_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/src/*.c")
# The whole program is hashed once in a run: seconds of a sanitizer's time, for code that shares nothing.
set_source_files_properties("${CMAKE_CURRENT_SOURCE_DIR}/src/sha256.c" PROPERTIES COMPILE_OPTIONS
    "-fno-sanitize=all;-O2;-fno-tree-loop-distribute-patterns")
if(host_sources)
    add_library(kraken_host STATIC ${host_sources})
    target_link_libraries(kraken_host PRIVATE kraken_warnings PUBLIC kraken_idf_common Threads::Threads m dl)
    string(TOUPPER "${KRAKEN_FLAVOUR}" flavour_upper)
    target_compile_definitions(kraken_host PRIVATE
        "HOST_FLAVOUR=\"${KRAKEN_FLAVOUR}\"" "HOST_FLAVOUR_${flavour_upper}=1" "HOST_PROJECT_DIR=\"${KRAKEN_ROOT}\"")
    # Not host/src itself: its headers are found beside the sources, and "sched.h" must not hide <sched.h>.
    target_include_directories(kraken_host PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/control")
else()
    add_library(kraken_host INTERFACE)
    target_link_libraries(kraken_host INTERFACE kraken_idf_common)
endif()

# host/cmake/heap_wrap.cmake, if there, adds link options to every program through kraken_host.
include("${CMAKE_CURRENT_SOURCE_DIR}/cmake/heap_wrap.cmake" OPTIONAL)

# For tests, benches and port/linux: the control interface as well.
add_library(kraken_control INTERFACE)
target_include_directories(kraken_control INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/control")
target_link_libraries(kraken_control INTERFACE kraken_host)

set_property(GLOBAL PROPERTY KRAKEN_COMPONENT_NAMES "")

function(kraken_add_board_component name)
    add_library(__idf_${name} INTERFACE)
    target_link_libraries(__idf_${name} INTERFACE kraken_idf_common)
    set_property(GLOBAL APPEND PROPERTY KRAKEN_COMPONENT_NAMES ${name})
endfunction()

foreach(name ${KRAKEN_COMMON_COMPONENTS})
    kraken_add_board_component(${name})
endforeach()

file(GLOB header_dirs CONFIGURE_DEPENDS LIST_DIRECTORIES true "${CMAKE_CURRENT_SOURCE_DIR}/include/*")
foreach(dir ${header_dirs})
    get_filename_component(name "${dir}" NAME)
    if(NOT IS_DIRECTORY "${dir}" OR name STREQUAL "common")
        continue()
    endif()
    if(name IN_LIST KRAKEN_COMMON_COMPONENTS)
        message(FATAL_ERROR "host/include/${name}: ESP-IDF gives ${name} to every component, its headers belong into host/include/common")
    endif()
    kraken_add_board_component(${name})
    target_include_directories(__idf_${name} INTERFACE "${dir}")
    if(host_sources)
        target_include_directories(kraken_host PRIVATE "${dir}")
    endif()
    set(board_components ${board_components} ${name})
endforeach()

# Components that a Linux library stands for: one file each, named like the component.
file(GLOB library_components CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/components/*.cmake")
foreach(file ${library_components})
    get_filename_component(name "${file}" NAME_WE)
    kraken_add_board_component(${name})
    include("${file}")
endforeach()

foreach(name ${board_components})
    foreach(required ${KRAKEN_REQUIRES_${name}})
        if(TARGET __idf_${required})
            target_link_libraries(__idf_${name} INTERFACE __idf_${required})
        endif()
    endforeach()
endforeach()
