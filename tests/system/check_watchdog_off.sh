#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# With the watchdog switched off the demonstration must fail: its verdict comes from what happened.
#   check_watchdog_off.sh PROJECT_DIR BUILD_DIR
set -u

project=$1
build=$2

mkdir -p "$build"
if ! { cmake -S "$project/host" -B "$build" -G Ninja -DKRAKEN_TESTS=OFF \
    -DKRAKEN_DEFAULTS="$project/tests/system/watchdog_off.defaults" \
    -DCMAKE_C_COMPILER="${CC:-gcc-12}" -DCMAKE_CXX_COMPILER="${CXX:-g++-12}" >"$build/log" 2>&1 &&
    ninja -C "$build" kraken-os >>"$build/log" 2>&1; }; then
    cat "$build/log"
    echo "FAIL  it does not build"
    exit 1
fi
for scheduler in '--seed 1' '--demo'; do
    # shellcheck disable=SC2086 # words
    "$build/kraken-os" $scheduler >"$build/output" 2>&1 </dev/null
    status=$?
    if [ $status -ne 1 ] || ! grep -q 'NOT recovered' "$build/output" ||
        ! grep -q 'the watchdog is switched off' "$build/output"; then
        cat "$build/output"
        echo "FAIL  kraken-os $scheduler: status $status"
        exit 1
    fi
    echo "ok    kraken-os $scheduler fails, as it must"
done
