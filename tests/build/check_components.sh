#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A component sees what it REQUIRES and nothing else; what the PC build does not know is an error with a clear text.
#   check_components.sh PROJECT_DIR WORK_DIR
set -u

project=$1
work=$2
here=$project/tests/build
failures=0

verdict() # TEXT STATUS
{
    if [ "$2" -eq 0 ]; then
        echo "ok    $1"
    else
        echo "FAIL  $1"
        failures=$((failures + 1))
    fi
}

configure() # BUILD_DIR COMPONENT_DIRS [CMAKE ARGUMENTS]; output in BUILD_DIR.log
{
    build=$1
    dirs=$2
    shift 2
    rm -rf "$build"
    cmake -S "$project/host" -B "$build" -G Ninja -DKRAKEN_TESTS=OFF -DKRAKEN_COMPONENT_DIRS="$dirs" \
        -DCMAKE_C_COMPILER="${CC:-gcc-12}" -DCMAKE_CXX_COMPILER="${CXX:-g++-12}" "$@" >"$build.log" 2>&1
}

builds() # COMPONENT
{
    compile "$1"
    verdict "$1 builds" $?
}

fails_with() # COMPONENT TEXT
{
    if compile "$1"; then
        verdict "$1 must not build" 1
    else
        grep -q "$2" "$work/$1.log"
        verdict "$1 fails: $2" $?
    fi
}

# The objects alone: whether the virtual board itself builds is not the question here.
compile()
{
    ninja -C "$work/components" "esp-idf/$1/CMakeFiles/__idf_$1.dir/$1.c.o" >"$work/$1.log" 2>&1
}

refused() # COMPONENT TEXT
{
    if configure "$work/$1" "$here/broken/$1"; then
        verdict "$1 must be refused" 1
    else
        tr '\n' ' ' <"$work/$1.log" | tr -s ' ' | grep -q "$2"
        verdict "$1 is refused: $2" $?
    fi
}

mkdir -p "$work"
all=
for dir in "$here"/components/*/; do
    all="$all${all:+;}${dir%/}"
done
if ! configure "$work/components" "$all"; then
    cat "$work/components.log"
    exit 1
fi

builds common_only
builds requires_nvs
builds lender
builds requires_lender
fails_with forgets_nvs "nvs.h: No such file"
fails_with forgets_lender "lender.h: No such file"
fails_with reaches_inside "lender_private.h: No such file"
fails_with reaches_control "host_control.h: No such file"
refused unknown_keyword "knows no 'EMBED_FILES"
refused unknown_requirement "requires 'no_such_component'"
refused unknown_property "no property 'COMPONENT_FLAGS'"
refused unknown_build_property "no property 'COMPILE_OPTIONS'"
refused not_registered "does not call idf_component_register"
refused esp_timer "the name is taken"

[ "$failures" -eq 0 ]
