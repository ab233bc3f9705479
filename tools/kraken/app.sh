#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: make, sign and examine packages of apps
#:
#: usage: ./kraken app keygen KEY
#:        ./kraken app key KEY.pub
#:        ./kraken app pack APP.toml PROGRAM.so… -o APP.kapp [--key KEY]
#:        ./kraken app sign APP.kapp --key KEY
#:        ./kraken app verify APP.kapp --key KEY.pub…
#:        ./kraken app inspect APP.kapp
#:
#:   keygen    a private key, and its public key in KEY.pub; both PEM, as openssl reads them
#:   key       the id of a public key and its 65 bytes, in hexadecimal, as the trust store knows it
#:   pack      APP.toml says what the app is called and asks for; one shared object for each processor
#:   verify    is it whole, and signed with one of these keys?
#:
#: docs/KAPP_FORMAT.md describes a package byte by byte.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

need app
export PYTHONPATH="$KRAKEN_ROOT/sdk" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m kapp "$@"
