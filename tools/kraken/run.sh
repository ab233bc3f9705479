#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: build the system and boot it on the virtual board
#:
#: usage: ./kraken run [--demo | --shell] [--seed N] [--state DIR] […]
#:
#: Everything after "run" goes to the program; ./kraken run -- --help lists what it takes.
#: With a terminal: the boot log, then the shell. Without one, or with --demo: the narrated demonstration.
#: Exit status: the program's.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

[ "${1:-}" != -- ] || shift
need build test
build host kraken-os
exec "$build_root/host/kraken-os" "$@"
