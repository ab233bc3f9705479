# SPDX-License-Identifier: Apache-2.0
"""A very small ESP-IDF for the tests of tools/checks/idf.py: the files that check reads, with the meaning they have there."""

import os

FILES = {
    "Kconfig": """mainmenu "Small"
config IDF_TARGET
    string
    default "$IDF_TARGET"
menu "A menu"
    help
        Menus may have a help text there.
source "$COMPONENT_KCONFIGS_PROJBUILD_SOURCE_FILE"
source "$COMPONENT_KCONFIGS_SOURCE_FILE"
endmenu
""",
    "tools/cmake/version.cmake": "set(IDF_VERSION_MAJOR 5)\nset(IDF_VERSION_MINOR 5)\nset(IDF_VERSION_PATCH 9)\n",
    "tools/cmake/utilities.cmake": "",
    "tools/cmake/build.cmake": """
function(__build_set_default_build_specifications)
    idf_build_set_property(COMPILE_DEFINITIONS "SMALL=1" APPEND)
    idf_build_set_property(COMPILE_OPTIONS "-Wall;-Werror;-Wextra" APPEND)
endfunction()
function(init)
    set(requires_common freertos linux)
    set(requires_common freertos)
endfunction()
""",
    "tools/cmake/scripts/component_get_requirements.cmake": """
cmake_policy(SET CMP0057 NEW)
include("${BUILD_PROPERTIES_FILE}")
include("${COMPONENT_PROPERTIES_FILE}")
function(idf_build_get_property var property)
    set(${var} "${${property}}" PARENT_SCOPE)
endfunction()
macro(idf_component_register)
    cmake_parse_arguments(_ "" "" "SRCS;INCLUDE_DIRS;PRIV_INCLUDE_DIRS;REQUIRES;PRIV_REQUIRES" "${ARGN}")
    set(requires "${__REQUIRES}" PARENT_SCOPE)
    set(priv_requires "${__PRIV_REQUIRES}" PARENT_SCOPE)
    set(registered 1 PARENT_SCOPE)
    return()
endmacro()
function(expand dir)
    include("${dir}/CMakeLists.txt")
endfunction()
set(text "")
foreach(target ${__COMPONENT_TARGETS})
    set(requires "")
    set(priv_requires "")
    set(registered 0)
    expand("${__component_${target}_COMPONENT_DIR}")
    string(APPEND text "__component_set_property(${target} REQUIRES \\"${requires}\\")\\n"
        "__component_set_property(${target} PRIV_REQUIRES \\"${priv_requires}\\")\\n"
        "__component_set_property(${target} __COMPONENT_REGISTERED ${registered})\\n")
endforeach()
file(WRITE "${COMPONENT_REQUIRES_FILE}" "${text}")
""",
    "components/freertos/CMakeLists.txt": "idf_component_register(INCLUDE_DIRS include)\n",
    "components/freertos/include/FreeRTOS.h": "#pragma once\ntypedef long BaseType_t;\n",
    "components/xtensa/CMakeLists.txt": "idf_component_register()\n",
    "components/nvs/CMakeLists.txt": "idf_component_register(SRCS nvs.c INCLUDE_DIRS include REQUIRES flash)\n",
    "components/nvs/nvs.c": '#include "nvs.h"\nlong nvs_get(const char *key, flash_t *out)\n{\n    return *key + (long)*out;\n}\n',
    "components/nvs/Kconfig": 'config NVS_LIMIT\n    int "Limit"\n    range 1 9\n    default 3\n',
    "components/nvs/include/nvs.h": '#pragma once\n#include "flash.h"\nlong nvs_get(const char *key, flash_t *out);\nlong nvs_lost(void);\n',
    "components/flash/CMakeLists.txt": "idf_component_register(INCLUDE_DIRS include)\n",
    # A component that nobody requires.
    "components/lost/CMakeLists.txt": "idf_component_register(SRCS lost.c)\n",
    "components/lost/lost.c": "long nvs_lost(void);\nlong nvs_lost(void)\n{\n    return 1;\n}\n",
    "components/flash/include/flash.h": "#pragma once\ntypedef unsigned long flash_t;\n",
    "components/mqtt/CMakeLists.txt": 'message(FATAL_ERROR "Missing esp-mqtt submodule. Please run git")\n',
}
NEWLIB = {"newlib.h": "", "sys/reent.h": "extern struct _reent *const _global_impure_ptr;\n"}


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
