#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: build and run the tests
#:
#: usage: ./kraken test [--asan | --tsan | --coverage | --flavour F] [--filter RE] [--label L] [--seeds N] [--keep-going]
#:
#:   (nothing)      everything: flavour host (both schedulers), then flavour sim (every seed)
#:   --asan         under AddressSanitizer and UBSan, both schedulers
#:   --tsan         under ThreadSanitizer, threads only
#:   --coverage     with line coverage of components/system; fails below the floor in tools/coverage_floor.txt
#:   --flavour F    one flavour only: host, sim, asan, tsan or coverage
#:   --filter RE    only the cases whose name matches
#:   --label L      only the cases of this folder of tests/ (unit, port, spec, scenario, regression, system, build, docs, tools)
#:   --seeds N      seeds per scenario instead of the test's own number
#:   --keep-going   run what could be built when something could not
#:
#: Exit status: 0 when everything was built and passed. A case by hand: ninja its program, then run it; failures print how.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

flavours="host sim"
coverage=
keep_going=
filter=.
label=
while [ $# -gt 0 ]; do
    case $1 in
    --asan) flavours=asan ;;
    --tsan) flavours=tsan ;;
    --coverage)
        flavours=coverage
        coverage=1
        ;;
    --keep-going) keep_going=1 ;;
    --flavour | --filter | --label | --seeds)
        [ $# -ge 2 ] || die "test: $1 needs a value"
        case $1 in
        --flavour) flavours=$2 ;;
        --filter) filter=$2 ;;
        --label) label=$2 ;;
        --seeds)
            KRAKEN_SEEDS=$2
            export KRAKEN_SEEDS
            ;;
        esac
        shift
        ;;
    *) die "test: unknown option $1 (./kraken test --help)" ;;
    esac
    shift
done

case $flavours in
"host sim" | host | sim | asan | tsan | coverage) ;;
*) die "test: no flavour '$flavours' (./kraken test --help)" ;;
esac
need build test
case $flavours in
asan | tsan) need sanitize ;;
coverage) need coverage ;;
esac

# One line says what went wrong; the sanitizers stop at the first finding.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=0:strict_string_checks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"

# ThreadSanitizer of gcc 12 cannot live with 32 random bits in its addresses, as newer kernels have.
runner=
if [ "$flavours" = tsan ] && setarch -R true 2>/dev/null; then
    runner="setarch -R"
fi

status=0
for flavour in $flavours; do
    say "building: $flavour"
    configure "$flavour"
    if [ -n "$coverage" ]; then
        find "$build_root/coverage" -name '*.gcda' -delete
    fi
    if [ -n "$keep_going" ]; then
        build "$flavour" -k 0 all || status=1
    else
        build "$flavour" all || die "the tests of flavour $flavour could not be built"
    fi
    report=$build_root/$flavour/test-report.xml
    rm -f "$report"
    # Four slots a core: tests/CMakeLists.txt says what each test takes.
    set -- --test-dir "$build_root/$flavour" -R "$filter" -j "$((jobs * 4))" --output-junit "$report" --no-tests=error
    [ -z "$label" ] || set -- "$@" -L "^$label\$"
    say "testing: $flavour"
    # shellcheck disable=SC2086 # a command of two words, or none
    $runner ctest "$@" --output-on-failure >"$build_root/$flavour/test.log" 2>&1 || status=1
done
set --
for flavour in $flavours; do
    set -- "$@" "$build_root/$flavour/test-report.xml"
done
/usr/bin/python3 "$KRAKEN_ROOT/tools/test_summary.py" --build-root "$build_root" "$@" || status=1
if [ -n "$coverage" ] && [ "$status" -eq 0 ]; then
    floor=$(sed 's/#.*//' "$KRAKEN_ROOT/tools/coverage_floor.txt" | tr -d '[:space:]')
    # What the programs are linked with; a test that compiles a file of its own sees other lines.
    gcovr --root "$KRAKEN_ROOT" --filter "$KRAKEN_ROOT/components/system/src/" --gcov-executable gcov-12 \
        --exclude-unreachable-branches --fail-under-line "$floor" "$build_root/coverage/esp-idf" || {
        say "line coverage of components/system is below $floor %"
        status=1
    }
fi
exit $status
