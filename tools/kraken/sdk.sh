#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: install the SDK for apps into a folder of its own
#:
#: usage: ./kraken sdk install DIR [--no-board]
#:
#: DIR then stands alone: bin/kraken-app (new, build, install, run, ...), the headers that apps may use, a CMake function, and the
#: virtual board unless --no-board is given. What is there already is replaced file by file.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

if [ "${1:-}" != install ] || [ $# -lt 2 ]; then
    die "sdk: usage: ./kraken sdk install DIR [--no-board]"
fi
dir=$2
shift 2
board=$build_root/host/kraken-os
case ${1:-} in
--no-board) board= ;;
'')
    need build test
    build host kraken-os
    ;;
*) die "sdk: what is this: $1" ;;
esac
need app
# shellcheck disable=SC2086 # one word or none
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$KRAKEN_ROOT/sdk/make_sdk.py" "$KRAKEN_ROOT" "$dir" ${board:+"$board"}
say "the SDK is in $dir: $dir/bin/kraken-app new my_app"
