# SPDX-License-Identifier: Apache-2.0
#
# Apps in a CMake build of one's own:
#   include(SDK/cmake/kraken_app.cmake)
#   kraken_app(NAME SRCS file.c… [MANIFEST app.toml] [KEY key.pem] [INCLUDE folder…])
# builds the shared object with the project's C compiler, checks what it imports, and packs NAME.kapp; without KEY it is not signed.
get_filename_component(KRAKEN_SDK "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
include("${CMAKE_CURRENT_LIST_DIR}/app_flags.cmake")

function(kraken_app name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "MANIFEST;KEY" "SRCS;INCLUDE")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SRCS)
        message(FATAL_ERROR "kraken_app(NAME SRCS file.c… [MANIFEST app.toml] [KEY key.pem] [INCLUDE folder…]) expected")
    endif()
    if(NOT arg_MANIFEST)
        set(arg_MANIFEST app.toml)
    endif()
    get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
    set(package "${CMAKE_CURRENT_BINARY_DIR}/${name}.kapp")
    set(sign "")
    if(arg_KEY)
        get_filename_component(key "${arg_KEY}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
        set(sign --key "${key}")
    endif()
    add_library(${name} MODULE ${arg_SRCS})
    set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" POSITION_INDEPENDENT_CODE ON C_STANDARD 17 C_EXTENSIONS ON)
    target_include_directories(${name} PRIVATE ${arg_INCLUDE} "${KRAKEN_SDK}/include" "${KRAKEN_SDK}/include/system_service")
    set(processor X86_64)
    if(CMAKE_C_COMPILER MATCHES "xtensa")
        set(processor XTENSA)
        target_link_libraries(${name} PRIVATE gcc)
    endif()
    target_compile_options(${name} PRIVATE ${KRAKEN_APP_COMPILE} ${KRAKEN_APP_COMPILE_${processor}})
    list(JOIN KRAKEN_APP_LINK "," common)
    list(JOIN KRAKEN_APP_LINK_${processor} "," own)
    target_link_options(${name} PRIVATE -nostdlib "LINKER:${common},${own}")
    add_custom_command(OUTPUT "${package}"
        COMMAND "${KRAKEN_SDK}/bin/kraken-app" check "${manifest}" $<TARGET_FILE:${name}>
        COMMAND "${KRAKEN_SDK}/bin/kraken-app" pack "${manifest}" $<TARGET_FILE:${name}> -o "${package}" ${sign}
        DEPENDS ${name} "${manifest}" VERBATIM)
    add_custom_target(${name}_package ALL DEPENDS "${package}")
endfunction()
