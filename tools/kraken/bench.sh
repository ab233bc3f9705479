#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: measure: events, latency, pools, overheads
#:
#: usage: ./kraken bench [--json] […]
#:
#: Builds the benches at full speed and runs them; arguments go to the program (./kraken bench -- --help lists them).
#: Measure on a machine that does nothing else.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

[ "${1:-}" != -- ] || shift
need build test bench
[ -f "$KRAKEN_ROOT/bench/CMakeLists.txt" ] || die "bench: there are no benches in this tree"
build host kraken_bench
exec "$build_root/host/bench/kraken_bench" "$@"
