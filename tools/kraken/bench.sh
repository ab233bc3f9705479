#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: measure: events, latency, pools, instructions, overheads
#:
#: usage: ./kraken bench [--quick] [--json] [--only SECTION,…] [--plot FILE] [--renew [--device FILE]]
#:        ./kraken bench --lx7 [--explain [OPERATION]] | --guard | --accept
#:
#:   (nothing)     everything, as tables, in about a minute; the rivals in the same run
#:   --quick       fewer repetitions
#:   --json        one JSON object
#:   --only LIST   of: throughput latency producers pools instructions scale fragmentation month overhead memory apps
#:                 lx7 device explained promises targets targets_pc
#:   --plot FILE   a simulated month of the heap, as SVG
#:   --renew       write the tables of docs/PERFORMANCE.md again, with --only those of these sections; with month its plot
#:     --device FILE  first accept what bench/idf printed on the device or under its emulator (bench/accepted_device.txt)
#:   --lx7         instructions of our own code on an emulated core of the chip's generation, without kernel and board
#:     --explain   where these instructions are: each operation by function, or one of them line by line
#:   --guard       ten of these against bench/accepted_instructions.txt, 3 %; status 1 when one is further off
#:   --accept      make the present ones the accepted ones; say why in the commit
#:
#: With IDF_PATH set to an ESP-IDF v5.5, its esp_event is compiled as it is and measured too.
#: Measure times on a machine that does nothing else; instructions are the same anywhere.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

[ "${1:-}" != -- ] || shift
case ${1:-} in
--lx7 | --guard | --accept)
    case "$# $1 ${2:-}" in
    "1 "* | [23]" --lx7 --explain") ;;
    *) die "bench: $1 stands alone" ;;
    esac
    need build test lx7
    configure host
    case $1 in
    --lx7)
        [ $# -eq 1 ] && exec /usr/bin/python3 "$KRAKEN_ROOT/bench/lx7/lx7.py" "$build_root/host"
        shift 2
        exec /usr/bin/python3 "$KRAKEN_ROOT/bench/lx7/explain.py" "$build_root/host" "$@"
        ;;
    --guard) exec /usr/bin/python3 "$KRAKEN_ROOT/bench/guard.py" "$KRAKEN_ROOT" "$build_root/host" ;;
    --accept) exec /usr/bin/python3 "$KRAKEN_ROOT/bench/guard.py" "$KRAKEN_ROOT" "$build_root/host" --accept ;;
    esac
    ;;
esac
need build test bench lx7
configure host
# A build folder that was configured without valgrind, GLib or ESP-IDF learns of them here.
idf=${IDF_PATH:-}
if ! grep -qxF "KRAKEN_IDF_PATH:PATH=$idf" "$build_root/host/CMakeCache.txt" ||
    grep -q '^VALGRIND_INCLUDE:PATH=.*NOTFOUND' "$build_root/host/CMakeCache.txt"; then
    under_lock cmake -DKRAKEN_IDF_PATH="$idf" -UVALGRIND_INCLUDE "$build_root/host" >/dev/null
fi
build host kraken_bench
case " $* " in
*--plot*) ;;
*" --only "*) case " $* " in *scale*) wide=y ;; esac ;;
*) wide=y ;;
esac
if [ -n "${wide:-}" ]; then
    configure host wide -DKRAKEN_DEFAULTS=bench/wide.defaults
    under_lock ninja -C "$build_root/wide" -j "$jobs" --quiet kraken_bench >&2
    set -- --wide "$build_root/wide/bench/kraken_bench" "$@"
fi
exec /usr/bin/python3 "$KRAKEN_ROOT/bench/bench.py" --program "$build_root/host/bench/kraken_bench" --build-dir "$build_root/host" "$@"
