# SPDX-License-Identifier: Apache-2.0
#
# Compile options common to everything, and what distinguishes the flavours.
#   kraken_warnings      interface target: our warnings, as errors
#   kraken_instrumented  interface target for code above the ESP-IDF line and for tests: in flavour sim its memory accesses
#                        become scheduling points (hooks in host/src), so it is compiled, but not linked, with TSan

set_property(CACHE KRAKEN_FLAVOUR PROPERTY STRINGS host sim asan tsan coverage)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_BUILD_TYPE "" CACHE STRING "unused: the flavour decides" FORCE)
find_package(Threads REQUIRED)

# The debug information names files relative to the project: the same sources give the same binary anywhere.
add_compile_options(-g "-ffile-prefix-map=${KRAKEN_ROOT}/=" -fno-common)
add_compile_definitions(_GNU_SOURCE)

if(KRAKEN_FLAVOUR STREQUAL "host" OR KRAKEN_FLAVOUR STREQUAL "sim")
    add_compile_options(-O2)
elseif(KRAKEN_FLAVOUR STREQUAL "asan")
    add_compile_options(-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
elseif(KRAKEN_FLAVOUR STREQUAL "tsan")
    add_compile_options(-O1 -fno-omit-frame-pointer -fsanitize=thread)
    add_link_options(-fsanitize=thread)
elseif(KRAKEN_FLAVOUR STREQUAL "coverage")
    add_compile_options(-O0 --coverage -fprofile-update=atomic)
    add_link_options(--coverage)
else()
    message(FATAL_ERROR "KRAKEN_FLAVOUR=${KRAKEN_FLAVOUR}: must be host, sim, asan, tsan or coverage")
endif()

# What is built to find defects checks the order of the core's locks as well.
if(KRAKEN_FLAVOUR MATCHES "^(sim|asan|tsan)$")
    add_compile_definitions(CONFIG_SYSTEM_LOCK_ORDER_CHECK=1)
endif()

set(KRAKEN_WARNINGS -Wall -Wextra -Werror -Wshadow -Wundef -Wvla)
set(KRAKEN_C_WARNINGS -Wstrict-prototypes -Wmissing-prototypes)
add_library(kraken_warnings INTERFACE)
target_compile_options(kraken_warnings INTERFACE ${KRAKEN_WARNINGS} "$<$<COMPILE_LANGUAGE:C>:${KRAKEN_C_WARNINGS}>")

add_library(kraken_instrumented INTERFACE)
if(KRAKEN_FLAVOUR STREQUAL "sim")
    target_compile_options(kraken_instrumented INTERFACE -fsanitize=thread --param=tsan-instrument-func-entry-exit=0)
endif()
