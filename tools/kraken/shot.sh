#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: boot the board without a window and write what is on its screen to a PNG file
#:
#: usage: ./kraken shot FILE.png [--after MS] [--app NAME] [--input SCRIPT] [--seed N] [--state DIR]
#:
#:   --after MS    of the board's time to let it settle; 3000 if not given
#:   --app NAME    start this app first
#:   --input SCRIPT  what a hand does meanwhile: docs/services/input.md
#:   --seed N      of the simulator, 1 if not given: the same seed, the same picture
#:   --state DIR   keep the flash of the board in DIR
#:
#: Exit status: 0 when the picture is written.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

[ $# -ge 1 ] || die "shot: which file? (./kraken shot --help)"
case $1 in
-*) die "shot: the file comes first (./kraken shot --help)" ;;
esac
file=$1
shift
case " $* " in
*" --seed "*) ;;
*) set -- "$@" --seed 1 ;;
esac

need build
build host kraken-os
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$build_root/host/kraken-os" --picture "$file" "$@" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "shot: no picture"
fi
