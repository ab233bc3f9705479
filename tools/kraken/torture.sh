#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: random systems under random faults, seed by seed, until one breaks
#:
#: usage: ./kraken torture [--seeds N | --minutes M] [--first K] [--fault KIND] [--whole-table]
#:        ./kraken torture --seed N [-v] […]
#:        ./kraken torture --restarts N [--seed N]
#:        ./kraken torture --services [--seeds N] [--first K] | --services --seed N [-v]
#:        ./kraken torture --apps N
#:        ./kraken torture --planted [NAME…]
#:        ./kraken torture --mutants [--component system|kapp] [--sample N] [--seed S] [--file NAME] [--again] [--list]
#:
#:   --seeds N       so many seeds, each a system, a load and three to six faults of its own (default 200)
#:   --minutes M     as many as fit
#:   --first K       begin with this seed (default 1)
#:   --fault KIND    faults of this kind only; a wrong KIND lists them
#:   --whole-table   also fail when a kind of fault never met a state that it can meet
#:   --seed N        this seed alone, -v with the board's messages; what a failed campaign prints at its end
#:   --restarts N    one service, N times cut in the middle of what it does and started again, in one life of the system
#:   --services      the five services of the hardware at work: which faults of theirs and of their hardware cost the others something?
#:   --apps N        install, update, start, stop and uninstall apps, N rounds, while memory is short and the power goes: what is lost?
#:   --no-shrink     a seed that fails is printed as it is
#:   --threads       on real threads, as with --flavour tsan under ThreadSanitizer: no virtual time, so give it --minutes
#:   --planted       plant the known bugs of tests/torture/planted one by one: each must be caught within 200 seeds, by its name
#:   --mutants       change the core (or kapp) a line at a time: which changes do torture and the tests notice? (tools/mutants.py)
#:   --flavour F     sim: also switch tasks inside of our own code, at each access to memory (slower)
#:
#: At the end, also when it is interrupted: what happened in which state, what was noticed, recovered, escalated, and how long it took
#: in virtual time. A seed that fails is shrunk, and printed as one command that plays it again.
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
if [ "${1:-}" = --planted ]; then
    shift
    targets=torture_planted
    if [ $# -gt 0 ]; then
        targets=$(printf 'torture_planted_%s ' "$@")
    fi
    # shellcheck disable=SC2086 # a list of names
    build host $targets
    exec /usr/bin/python3 "$KRAKEN_ROOT/tests/torture/planted.py" run "$build_root/host/tests" "$@"
fi
if [ "${1:-}" = --services ]; then
    shift
    case " $* " in
    *" --seeds "* | *" --seed "*) ;;
    *) set -- --seeds 200 "$@" ;;
    esac
    build "$flavour" torture_services
    exec "$build_root/$flavour/tests/torture_services" --sim "$@"
fi
if [ "${1:-}" = --apps ]; then
    case ${2:-} in
    '' | *[!0-9]*) die "torture: --apps needs a number of rounds" ;;
    esac
    build "$flavour" scenario_app_store_cycles
    exec "$build_root/$flavour/tests/scenario_app_store_cycles" --sim --seeds $((($2 + 99) / 100))
fi
if [ "${1:-}" = --mutants ]; then
    shift
    exec /usr/bin/python3 "$KRAKEN_ROOT/tools/mutants.py" --root "$KRAKEN_ROOT" --build "$build_root" "$@"
fi
runner=
if [ "$flavour" = tsan ]; then
    need sanitize
    export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"
    # ThreadSanitizer of gcc 12 cannot live with 32 random bits in its addresses, as newer kernels have.
    if setarch -R true 2>/dev/null; then
        runner="setarch -R"
    fi
fi
build "$flavour" torture
# shellcheck disable=SC2086 # a command of two words, or none
exec $runner "$build_root/$flavour/tests/torture" "$@"
