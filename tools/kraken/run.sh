#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: build the system and boot it on the virtual board
#:
#: usage: ./kraken run [--demo | --shell] [--seed N] [--state DIR] […]
#:
#: Everything after "run" goes to the program; ./kraken run -- --help lists what it takes.
#: With a terminal: the boot log, then the shell. Without one, or with --demo: the narrated demonstration.
#: --demo leaves what was seen and heard in build/demo.png and build/demo.wav; where there is a display, it is seen in a window.
#: Exit status: the program's.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

[ "${1:-}" != -- ] || shift
need build test
build host kraken-os
case " $* " in
*" --demo "*)
    case " $* " in
    *" --audio "*) ;;
    *) set -- "$@" --audio "$build_root/demo.wav" ;;
    esac
    if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
        case " $* " in
        *" --picture "*) ;;
        *) set -- "$@" --picture "$build_root/demo.png" ;;
        esac
    fi
    ;;
esac
exec "$build_root/host/kraken-os" "$@"
