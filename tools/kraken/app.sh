#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: write, build, install and run apps; make, sign and examine their packages
#:
#: usage: ./kraken app new FOLDER
#:        ./kraken app build [FOLDER] [--key KEY | --unsigned]
#:        ./kraken app install [FOLDER | APP.kapp] [--state DIR | --port DEVICE] [--trust [KEY.pub]] [--older]
#:        ./kraken app run [FOLDER] [--state DIR | --port DEVICE] [--seconds N]
#:        ./kraken app keygen KEY
#:        ./kraken app key KEY.pub
#:        ./kraken app pack APP.toml PROGRAM.so… -o APP.kapp [--key KEY]
#:        ./kraken app check APP.toml PROGRAM.so…
#:        ./kraken app sign APP.kapp --key KEY
#:        ./kraken app verify APP.kapp --key KEY.pub…
#:        ./kraken app inspect APP.kapp
#:
#:   new       a folder with an app that does something already; FOLDER's name is the app's
#:   build     compile for the virtual board, and for the ESP32-S3 if ESP-IDF's compiler is there; check what is
#:             imported; pack and sign with KEY (your own if none is named: made when it is first needed)
#:   install   on a running board: the virtual one that keeps its state in DIR (default: build/board; ./kraken run
#:             --state DIR starts one), or one at a serial line
#:   run       build, install, start, and follow the log; starts a virtual board if none runs in DIR
#:   keygen    a private key, and its public key in KEY.pub; both PEM, as openssl reads them
#:   key       the id of a public key and its 65 bytes, in hexadecimal, as the trust store knows it
#:   pack      APP.toml says what the app is called and asks for; one shared object for each processor
#:   check     can shared objects be loaded, as far as their imports go? If not: what is missing, and what grants it
#:   verify    is it whole, and signed with one of these keys?
#:
#: docs/APP_DEVELOPMENT.md tells how to begin; docs/KAPP_FORMAT.md describes a package byte by byte.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

need app
case ${1:-} in
build) need build ;;
run)
    need build test
    build host kraken-os
    ;;
esac
export PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 "$KRAKEN_ROOT/sdk/make_sdk.py" "$KRAKEN_ROOT" "$build_root/sdk"
exec env KRAKEN_TOOL="./kraken app" KRAKEN_BOARD="$build_root/host/kraken-os" KRAKEN_STATE="${KRAKEN_STATE:-$build_root/board}" \
    "$build_root/sdk/bin/kraken-app" "$@"
