#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: random systems under random faults, seed by seed, until one breaks
#:
#: usage: ./kraken torture [--seeds N | --minutes M] [--first K] [--fault KIND] [--whole-table]
#:        ./kraken torture --seed N [-v] […]
#:
#:   --seeds N       so many seeds, each a system, a load and three to six faults of its own (default 200)
#:   --minutes M     as many as fit
#:   --first K       begin with this seed (default 1)
#:   --fault KIND    faults of this kind only; a wrong KIND lists them
#:   --whole-table   also fail when a kind of fault never met a state that it can meet
#:   --seed N        this seed alone, -v with the board's messages; what a failed campaign prints at its end
#:   --flavour F     sim: also switch tasks inside of our own code, at each access to memory (slower)
#:
#: At the end: what happened in which state, what was noticed, recovered, escalated, and how long it took in virtual time. A seed
#: that fails is shrunk, and printed as one command that plays it again.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

flavour=host
if [ "${1:-}" = --flavour ]; then
    [ $# -ge 2 ] || die "torture: $1 needs a value"
    flavour=$2
    shift 2
fi
need build test
build "$flavour" torture
exec "$build_root/$flavour/tests/torture" "$@"
