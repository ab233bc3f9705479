#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: the firmware: build, flash, monitor, size, test, or run it in QEMU
#:
#: usage: ./kraken firmware [build|flash|monitor|size|qemu|test|menuconfig|clean] [--board NAME] [--port DEVICE]
#:        ./kraken firmware sign IMAGE.bin --key KEY -o OUT.kfw
#:        ./kraken firmware inspect FILE.kfw [--key KEY.pub]
#:
#:   build         (also when nothing is said) the image for the board
#:   flash         build it and write it to the board
#:   monitor       the board's console; Ctrl-] leaves it
#:   size          how much flash and memory each component takes; the system component by source and kind of byte
#:   qemu          build it for the board qemu and boot it in Espressif's QEMU; Ctrl-] leaves it
#:   test          the tests that can run on the target: build, run (in QEMU, or on the board with --port), and end with their figures
#:   sign          make an image that running boards take in by "update firmware URL" (docs/OTA.md)
#:   inspect       what a signed image is, and with --key whether this key signed it
#:   menuconfig    change the board's options; they are kept in sdkconfig.<board>
#:   clean         remove the build folder of the board
#:   --board NAME  a folder of boards/: devkitc1 if nothing is said, qemu for qemu and for test without --port
#:   --port DEVICE where the board is connected, such as /dev/ttyUSB0; idf.py looks for it otherwise
#:
#: Needs ESP-IDF v5.5 in this shell, except sign, inspect and clean: . <esp-idf>/export.sh. Exit status 3 when it is missing; build folder: build/firmware/<board>.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

case ${1:-} in
sign | inspect)
    need app
    exec /usr/bin/python3 "$KRAKEN_ROOT/tools/firmware_image.py" "$@"
    ;;
esac

action=
board=
port=
while [ $# -gt 0 ]; do
    case $1 in
    --board | --port)
        [ $# -ge 2 ] || die "firmware: $1 needs a value"
        if [ "$1" = --board ]; then board=$2; else port=$2; fi
        shift
        ;;
    build | flash | monitor | size | qemu | test | menuconfig | clean)
        [ -z "$action" ] || die "firmware: $action or $1, one at a time"
        action=$1
        ;;
    *) die "firmware: unknown argument $1 (./kraken firmware --help)" ;;
    esac
    shift
done
action=${action:-build}
if [ -z "$board" ]; then
    board=devkitc1
    case $action$port in
    qemu* | test) board=qemu ;;
    esac
fi
if [ ! -f "$KRAKEN_ROOT/boards/$board/sdkconfig.defaults" ]; then
    boards=
    for folder in "$KRAKEN_ROOT"/boards/*/; do
        boards="$boards $(basename "$folder")"
    done
    die "firmware: there is no board '$board'; there are:$boards"
fi
folder=$build_root/firmware/$board
if [ "$action" = clean ]; then
    rm -rf "${folder:?}"
    say "removed $folder"
    exit 0
fi

# lacking WHAT HOW…: what is missing and how to get it
lacking()
{
    say "the firmware cannot be built here: $1"
    shift
    printf '  %s\n' "$@" >&2
    exit 3
}

[ -n "${IDF_PATH:-}" ] || lacking "IDF_PATH is not set, so ESP-IDF is not ready in this shell." \
    "once:       git clone -b v5.5.5 --recursive https://github.com/espressif/esp-idf.git && esp-idf/install.sh esp32s3" \
    "each shell: . esp-idf/export.sh" \
    "then:       ./kraken firmware $action" \
    "Without it: ./kraken run shows the same system on this PC."
[ -f "$IDF_PATH/tools/cmake/project.cmake" ] || lacking "IDF_PATH=$IDF_PATH is no ESP-IDF (tools/cmake/project.cmake is missing)." \
    "Set it by:  . <esp-idf>/export.sh"
version=$(sed -n 's/^set(IDF_VERSION_M[AI][JN]OR \([0-9]*\))$/\1/p' "$IDF_PATH/tools/cmake/version.cmake" | paste -s -d .)
[ "$version" = 5.5 ] || lacking "$IDF_PATH is ESP-IDF v$version; this project is written for v5.5." \
    "Use:        git -C $IDF_PATH checkout v5.5.5 && git -C $IDF_PATH submodule update --init --recursive"
command -v idf.py >/dev/null 2>&1 || lacking "idf.py is not on PATH." \
    "each shell: . $IDF_PATH/export.sh   (once before: $IDF_PATH/install.sh esp32s3)"
command -v xtensa-esp32s3-elf-gcc >/dev/null 2>&1 || lacking "the compiler xtensa-esp32s3-elf-gcc is not on PATH." \
    "once:       $IDF_PATH/install.sh esp32s3" \
    "each shell: . $IDF_PATH/export.sh"
if [ "$action" = qemu ] || [ "$action,$board" = test,qemu ]; then
    command -v qemu-system-xtensa >/dev/null 2>&1 || lacking "qemu-system-xtensa is not on PATH." \
        "once:       $IDF_PATH/tools/idf_tools.py install qemu-xtensa" \
        "each shell: . $IDF_PATH/export.sh"
    qemu-system-xtensa -M help 2>/dev/null | grep -q '^esp32s3 ' || lacking "the qemu-system-xtensa on PATH knows no machine esp32s3." \
        "once:       $IDF_PATH/tools/idf_tools.py install qemu-xtensa   (Debian's and upstream's QEMU have no such machine)" \
        "each shell: . $IDF_PATH/export.sh"
fi

if [ "$action" = test ] && [ "$board" != qemu ] && [ -z "$port" ]; then
    die "firmware: test on a board needs to know where it is: --port DEVICE"
fi

source=$KRAKEN_ROOT
if [ "$action" = test ]; then
    folder=$build_root/firmware/test-$board
    source=$KRAKEN_ROOT/tests/device
fi
# 8 MB of octal PSRAM, as the board's configuration expects.
qemu_args="-m 8M -global driver=ssi_psram,property=is_octal,value=true"
export IDF_TARGET=esp32s3

idf()
{
    idf.py -C "$source" -B "$folder" -D "KRAKEN_BOARD=$board" ${port:+-p "$port"} "$@"
}

mkdir -p "$build_root/firmware"
case $action in
build | menuconfig) idf "$action" ;;
flash) idf flash ;;
monitor) idf monitor ;;
size)
    idf size size-components
    /usr/bin/python3 "$KRAKEN_ROOT/tools/firmware_size.py" "$folder/kraken-os.map"
    ;;
qemu) idf qemu --qemu-extra-args "$qemu_args" monitor ;;
test)
    if [ "$board" = qemu ]; then
        idf build
        python "$KRAKEN_ROOT/tools/device_test.py" -- \
            idf.py -C "$source" -B "$folder" -D "KRAKEN_BOARD=$board" qemu --qemu-extra-args "$qemu_args"
    else
        idf flash
        python "$KRAKEN_ROOT/tools/device_test.py" --port "$port"
    fi
    ;;
esac
