#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: run again, in the simulator, what ./kraken run --record wrote down
#:
#: usage: ./kraken replay FILE [--until S] [--break-at N] [--verbose] [--any-build]
#:
#: A recording of the simulator (./kraken run --seed N --record FILE) is compared event for event: it is identical, or the first
#: difference is named. For one of threads, what came from outside comes again at its time; docs/REPLAY.md says what follows.
#:   --until S     stop when S seconds of a boot have passed
#:   --break-at N  raise SIGTRAP before event N: gdb --args build/host/kraken-os --replay FILE --break-at N
#:   --verbose     print each record as it happens again
#:   --any-build   try a recording that another build of the program made
#: The board's own output appears as it did. Exit status: 0 as recorded, 1 not so, 2 the file cannot be used.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

case ${1:-} in
'' | -*)
    say "which recording? It comes first: ./kraken replay FILE [OPTION]…; see ./kraken replay --help"
    exit 2
    ;;
esac
need build test
build host kraken-os
exec "$build_root/host/kraken-os" --replay "$@"
