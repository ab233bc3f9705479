#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Build the system with other configuration defaults and run it.
#   run_with_config.sh PROJECT BUILD_DIR DEFAULTS TARGET passes|fails [ARGUMENTS…]
set -eu
project=$1
build=$2
defaults=$3
target=$4
expected=$5
shift 5

[ -f "$build/build.ninja" ] ||
    cmake -S "$project/host" -B "$build" -G Ninja -DKRAKEN_TESTS=OFF -DKRAKEN_DEFAULTS="$defaults" \
        -DCMAKE_C_COMPILER="${CC:-gcc-12}" -DCMAKE_CXX_COMPILER="${CXX:-g++-12}"
ninja -C "$build" -j "${KRAKEN_JOBS:-2}" "$target"

status=0
"$build/$target" "$@" </dev/null || status=$?
echo "exit status $status, expected: $expected"
case $expected in
passes) [ "$status" -eq 0 ] ;;
# A signal or a missing program is no verdict.
fails) [ "$status" -ne 0 ] && [ "$status" -lt 126 ] ;;
*) exit 2 ;;
esac
