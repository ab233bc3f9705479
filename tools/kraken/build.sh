#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: build the system for the virtual board
#:
#: usage: ./kraken build [--flavour host|sim|asan|tsan|coverage] [--all] [TARGET…]
#:
#:   --flavour F   which build: host (default, optimised), sim (memory accesses are scheduling points),
#:                 asan, tsan (sanitizers), coverage
#:   --all         everything of this flavour: system, tests, benches
#:   TARGET        what to build instead: a program, or a component's library by its name
#:
#: Folders: build/<flavour>; build/compile_commands.json is for editors.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

flavour=host
targets=
while [ $# -gt 0 ]; do
    case $1 in
    --flavour)
        [ $# -ge 2 ] || die "build: --flavour needs a name"
        flavour=$2
        shift
        ;;
    --all) targets=all ;;
    -*) die "build: unknown option $1 (./kraken build --help)" ;;
    *) targets="$targets $1" ;;
    esac
    shift
done
case $flavour in
host | sim | coverage) need build ;;
asan | tsan) need build sanitize ;;
*) die "build: no flavour '$flavour' (./kraken build --help)" ;;
esac
case $targets in
'' | *all*) need test ;;
esac
configure "$flavour"
if [ -z "$targets" ]; then
    targets=all
    if has_target "$flavour" kraken-os; then
        targets=kraken-os
    fi
fi
# shellcheck disable=SC2086 # a list of names
build "$flavour" $targets
