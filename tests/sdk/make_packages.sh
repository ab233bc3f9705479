#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: make_packages.sh PROJECT OUT HELLO.so OTHER.so: a new key, and hello packed and signed with the package tool
set -eu
export PYTHONPATH="$1/sdk" PYTHONDONTWRITEBYTECODE=1
kapp="/usr/bin/python3 -m kapp"
rm -rf "$2"
mkdir -p "$2"
$kapp keygen "$2/key.pem" >/dev/null
$kapp key "$2/key.pem.pub" >"$2/key.txt"
$kapp pack "$1/tests/sdk/hello.toml" "$3" "$4" -o "$2/hello.kapp" >/dev/null
$kapp sign "$2/hello.kapp" --key "$2/key.pem"
$kapp verify "$2/hello.kapp" --key "$2/key.pem.pub" >/dev/null
