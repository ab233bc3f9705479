#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: check format, style, layers, headers, static analysis, sizes, scripts, documents
#:
#: usage: ./kraken check [--CHECK…] [--fix]
#:        ./kraken check --idf PATH [--board NAME] [--newlib DIR]
#:
#:   (nothing)     all but --budget and --idf, each once; the exit status is 0 when all are clean
#:   --format      clang-format 14; with --fix it writes
#:   --style       braces, lengths, licence line, guards, loose ends, platform conditionals
#:   --layers      who may include what
#:   --links       links and headings of the documents
#:   --generated   docs/CONFIGURATION.md says what the Kconfig files say, the table in docs/MEMORY.md what
#                 tools/firmware_ram.py calculates; with --fix they are written
#:   --shell       shellcheck
#:   --headers     each public header alone, as C and as C++
#:   --analysis    cppcheck and clang-tidy
#:   --xtensa      the portable sources for a 32-bit Xtensa
#:   --instructions  ten hot operations on an emulated core, against bench/accepted_instructions.txt (./kraken bench --accept)
#:   --switches    each switch of the core off (sdkconfig.defaults.minimal), alone and all at once: it compiles, and nobody calls what is gone
#:   --size        flash and memory of each component on the device, against tools/size_accepted.txt; with --fix it is written
#:   --fuzz        the readers of app packages, of sound and of Bluetooth: all that fuzzing found before, and 3 seconds more of each (./kraken fuzz)
#:   --budget      whether the system component keeps its share of flash and memory, with one line a source
#:   --idf PATH    every device source against the real headers of the ESP-IDF v5.5 at PATH, configured for a board of boards/
#:                 (--board); its own compiler if on PATH, else Debian's with newlib (--newlib: other headers for that)
#:
#: Each is a program of its own in tools/checks/.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

all="format style layers links generated shell headers analysis xtensa switches instructions size fuzz"
wanted=
fix=
idf=
board=
newlib=
while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --idf | --board | --newlib)
        [ $# -gt 0 ] || die "check: $option needs a value (./kraken check --help)"
        case $option in
        --idf) idf=$1 wanted="$wanted idf" ;;
        --board) board=$1 ;;
        --newlib) newlib=$1 ;;
        esac
        shift
        ;;
    --fix) fix=--fix ;;
    --*)
        case " $all budget " in
        *" ${option#--} "*) wanted="$wanted ${option#--}" ;;
        *) die "check: there is no check $option (./kraken check --help)" ;;
        esac
        ;;
    *) die "check: unknown argument $option" ;;
    esac
done
[ -n "$wanted" ] || wanted=$all
case $fix$wanted in
--fix" format" | --fix" generated" | --fix" size" | [!-]*) ;;
*) die "check: --fix belongs to --format, --generated or --size alone" ;;
esac

case $idf,$board$newlib in
,) ;;
,*) die "check: --board and --newlib belong to --idf" ;;
esac

case $wanted in
" idf") need build idf ;;
*) need build check ;;
esac
case $wanted in
*instructions*) need lx7 ;;
esac
case $wanted in
*headers* | *analysis* | *xtensa* | *switches* | *instructions* | *size* | *budget*)
    # These read what the build knows: include folders, sources, configuration.
    need test
    configure host
    under_lock ninja -C "$build_root/host" --quiet build.ninja >&2
    ;;
esac

doc_mode=--check
[ -z "$fix" ] || doc_mode=--write

run_check()
{
    case $1 in
    format | shell) sh "$KRAKEN_ROOT/tools/checks/$1.sh" "$KRAKEN_ROOT" $fix ;;
    generated)
        bad=0
        /usr/bin/python3 "$KRAKEN_ROOT/tools/config_doc.py" "$KRAKEN_ROOT" "$doc_mode" || bad=1
        /usr/bin/python3 "$KRAKEN_ROOT/tools/firmware_ram.py" "$doc_mode" || bad=1
        return $bad
        ;;
    instructions) /usr/bin/python3 "$KRAKEN_ROOT/bench/guard.py" "$KRAKEN_ROOT" "$build_root/host" ;;
    idf)
        set -- "$KRAKEN_ROOT" "$build_root/idf" --idf "$idf"
        [ -z "$board" ] || set -- "$@" --board "$board"
        [ -z "$newlib" ] || set -- "$@" --newlib "$newlib"
        bad=0
        /usr/bin/python3 "$KRAKEN_ROOT/tools/checks/idf.py" "$@" || bad=1
        # The bench, the tests for the device and the example are projects of their own.
        shift 2
        for other in bench/idf tests/device examples/in_your_project; do
            /usr/bin/python3 "$KRAKEN_ROOT/tools/checks/idf.py" "$KRAKEN_ROOT" "$build_root/idf-$(dirname "$other")" "$@" \
                --project "$other" || bad=1
        done
        return $bad
        ;;
    size) /usr/bin/python3 "$KRAKEN_ROOT/tools/checks/size.py" "$KRAKEN_ROOT" "$build_root/host" ${fix:+"$fix"} ;;
    budget) /usr/bin/python3 "$KRAKEN_ROOT/tools/checks/size.py" "$KRAKEN_ROOT" "$build_root/host" --budget --modules ;;
    fuzz) sh "$KRAKEN_ROOT/tools/kraken/fuzz.sh" 3 ;;
    style | layers | links) /usr/bin/python3 "$KRAKEN_ROOT/tools/checks/$1.py" "$KRAKEN_ROOT" ;;
    *) /usr/bin/python3 "$KRAKEN_ROOT/tools/checks/$1.py" "$KRAKEN_ROOT" "$build_root/host" ;;
    esac
}

failed=
for check in $wanted; do
    run_check "$check" || failed="$failed $check"
done
[ -z "$failed" ] || die "not clean:$failed"
say "clean: $(echo "$wanted" | xargs)"
